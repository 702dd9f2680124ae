//! A node: an engine on a disk, with a clock of its own and a link.

use rand_chacha::ChaCha20Rng;
use tillmesh_core::command::{Outcome, Request};
use tillmesh_core::engine::{Config, Effect, Engine, OpenError, OpeningNotice, Refused};
use tillmesh_core::id::{Name, Writer};
use tillmesh_core::money::Rounding;
use tillmesh_core::policy::Policies;
use tillmesh_core::refusal::Refusal;
use tillmesh_core::storage::StorageError;
use tillmesh_core::sync::Incoming;
use tillmesh_core::time::{Timestamp, Zone};

use crate::{Dice, Disk};

/// A node.
pub struct Node {
    /// Its name.
    pub name: Name,
    /// Its location.
    pub location: Name,
    /// Its disk.
    pub disk: Disk,
    /// None: crashed, or not yet there.
    pub engine: Option<Engine<Disk>>,
    /// Whether it is its location's keeper, from its next start on.
    pub keeper: bool,
    /// How far it may promise, from its next start on.
    pub policies: Policies,
    /// What it had to say of openings.
    pub notices: Vec<OpeningNotice>,
    /// Whether it lost a store.
    pub lost: bool,
    /// How far its clock is off, in milliseconds.
    pub clock_error: i64,
    /// Whether it has a link to the network.
    pub linked: bool,
    /// The part of a divided network that it is in.
    pub part: u8,
    /// When its engine wants to be called, by the world's time in milliseconds.
    pub next_tick: i64,
    /// Outcomes that wait for a commit.
    pub pending: Vec<(Request, Outcome)>,
    rng: ChaCha20Rng,
}

/// Makes a name; the text must be one.
pub fn name(text: &str) -> Name {
    match Name::new(text) {
        Ok(name) => name,
        Err(error) => panic!("{error}"),
    }
}

/// The fleet of every simulation.
pub fn fleet() -> Name {
    name("fleet")
}

impl Node {
    /// A node that has not started yet.
    pub fn new(node: &str, location: &str, disk: Disk, dice: &mut Dice) -> Self {
        Self {
            name: name(node),
            location: name(location),
            disk,
            engine: None,
            keeper: false,
            policies: Policies::default(),
            notices: Vec::new(),
            lost: false,
            clock_error: 0,
            linked: true,
            part: 0,
            next_tick: 0,
            pending: Vec::new(),
            rng: dice.fork(),
        }
    }

    /// What its clock shows at a time of the world, in milliseconds.
    pub const fn clock(&self, now: i64) -> Timestamp {
        Timestamp::from_millis(now + self.clock_error)
    }

    /// Starts it on its disk.
    pub fn start(&mut self, now: i64) {
        self.disk.repair();
        let config = Config {
            fleet: fleet(),
            node: self.name.clone(),
            location: self.location.clone(),
            region: name("region"),
            zone: Zone::UTC,
            rounding: Rounding::HalfUp,
            keeper: self.keeper,
            promises: self.policies.clone(),
            taxes: tillmesh_core::tax::Taxes::default(),
            vouchers: name(tillmesh_core::voucher::LOCATION),
        };
        let clock = self.clock(now);
        match Engine::open(self.disk.clone(), config, clock, &mut self.rng) {
            Ok(mut engine) => {
                engine.link_up(clock);
                self.engine = Some(engine);
                self.next_tick = now;
            }
            Err(error) => panic!("{} does not start: {error}", self.name),
        }
    }

    /// Kills it: what was not committed is gone.
    pub fn crash(&mut self) {
        self.engine = None;
        self.pending.clear();
    }

    /// Gives it a command; the outcome waits for a commit.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn submit(&mut self, now: i64, request: Request) -> Result<(), Refusal> {
        let clock = self.clock(now);
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let outcome = engine.submit(clock, &mut self.rng, request.clone())?;
        self.pending.push((request, outcome));
        Ok(())
    }

    /// Gives it a message.
    pub fn receive(&mut self, now: i64, message: &Incoming) -> Vec<Refused> {
        let clock = self.clock(now);
        // A driver ticks after everything that it did.
        self.next_tick = self.next_tick.min(now);
        match &mut self.engine {
            Some(engine) => engine.receive(clock, &mut self.rng, message),
            None => Vec::new(),
        }
    }

    /// Lets it do what is due.
    pub fn tick(&mut self, now: i64, room: usize) {
        let clock = self.clock(now);
        if let Some(engine) = &mut self.engine {
            let next = engine.tick(clock, &mut self.rng, room);
            self.next_tick = (next.as_millis() - self.clock_error).max(now + 1);
        }
    }

    /// Commits, and gives what is acknowledged now and what is to be sent.
    ///
    /// # Errors
    /// When the disk fails; then nothing is acknowledged.
    #[expect(clippy::type_complexity, reason = "used in one place")]
    pub fn commit(&mut self, now: i64) -> Result<(Vec<(Request, Outcome)>, Vec<Effect>), StorageError> {
        let clock = self.clock(now);
        let pending = std::mem::take(&mut self.pending);
        let Some(engine) = &mut self.engine else { return Ok((Vec::new(), Vec::new())) };
        let committed = engine.commit(clock)?;
        self.notices.extend(engine.take_opening_notices());
        if committed.position.is_some() {
            self.next_tick = now;
        }
        Ok((pending, committed.effects))
    }

    /// Leaves an epoch that another one writes in as well, and gives the new one.
    pub fn leave_cloned_epoch(&mut self, now: i64) -> Option<Writer> {
        let clock = self.clock(now);
        let engine = self.engine.as_mut()?;
        match engine.leave_cloned_epoch(clock, &mut self.rng) {
            Ok(left) => left.then(|| engine.writer().clone()),
            Err(OpenError::Storage(_)) if self.disk.is_failing() => None,
            Err(error) => panic!("{} cannot leave an epoch that runs twice: {error}", self.name),
        }
    }
}
