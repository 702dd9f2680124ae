//! The world: time, nodes, the network between them, and everything that goes wrong.

use std::collections::BTreeSet;
use std::sync::Arc;

use tillmesh_core::command::Request;
use tillmesh_core::document::Scope;
use tillmesh_core::engine::{Effect, Refused, RefusedKind};
use tillmesh_core::id::{Epoch, Writer};
use tillmesh_core::refusal::Refusal;
use tillmesh_core::sync::{Incoming, Kind, pack};

use crate::dump::Dump;
use crate::network::{Network, Weather};
use crate::reference::{Reference, events_in_log, place_of};
use crate::story::Story;
use crate::{Dice, Disk, Failure, Node};

/// Noon of 2026-11-24 in UTC: half a day before a day of trade ends.
pub const START: i64 = 1_795_521_600_000;
/// How long the fleet gets to become equal, in milliseconds.
const SETTLE: i64 = 300_000;
/// How long a client's promise waits for peers, in milliseconds.
pub const PATIENCE: i64 = 500;
/// Room for answers with every tick, in bytes, when the link is idle.
const ROOM: usize = 64 * 1024;
/// Enough envelopes for one message whatever their size; a larger message would be cut by a driver.
const PACKED_BYTES: usize = 48 * 1024;

/// A fleet and its surroundings.
pub struct World {
    /// The time in milliseconds since 1970.
    pub now: i64,
    /// Where chance comes from.
    pub dice: Dice,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// How bad the network is.
    pub weather: Weather,
    /// What clients were told.
    pub reference: Reference,
    /// What happened.
    pub story: Story,
    /// Epochs that run twice.
    pub cloned: BTreeSet<Epoch>,
    /// Epochs of nodes that lost a store: what gave them rights may be gone, and a client's repeated request may stand
    /// twice, of which one counts.
    pub excused: BTreeSet<Epoch>,
    /// Requests that wait for what peers were asked for: at which node, until when.
    patient: Vec<(usize, Request, i64)>,
    /// Messages on their way, and what was sent.
    pub network: Network,
    /// What each crashed node showed before.
    before: Vec<Option<Dump>>,
}

impl World {
    /// A world without nodes.
    pub fn new(seed: u64) -> Self {
        Self {
            now: START,
            dice: Dice::new(seed),
            nodes: Vec::new(),
            weather: Weather::FAIR,
            reference: Reference::default(),
            story: Story::new(seed),
            cloned: BTreeSet::new(),
            excused: BTreeSet::new(),
            patient: Vec::new(),
            network: Network::default(),
            before: Vec::new(),
        }
    }

    /// Adds a node and starts it; gives its index.
    pub fn add(&mut self, name: &str, location: &str) -> usize {
        self.add_on(name, location, Disk::default())
    }

    /// Adds a node that starts on a disk.
    pub fn add_on(&mut self, name: &str, location: &str, disk: Disk) -> usize {
        let node = Node::new(name, location, disk, &mut self.dice);
        self.nodes.push(node);
        self.before.push(None);
        let index = self.nodes.len() - 1;
        self.start(index);
        index
    }

    /// Starts a node; it must show what it showed before.
    pub fn start(&mut self, index: usize) {
        self.tell(index, "starts");
        let node = &mut self.nodes[index];
        node.start(self.now);
        if node.lost
            && let Some(engine) = &node.engine
        {
            self.excused.insert(engine.writer().epoch);
        }
        if let (Some(before), Some(engine)) = (self.before[index].take(), &node.engine)
            && let Some(difference) = before.difference(&Dump::own(engine))
        {
            panic!("{} shows something else after its start: {difference}", node.name);
        }
    }

    /// Kills a node.
    pub fn crash(&mut self, index: usize) {
        self.tell(index, "crashes");
        let node = &mut self.nodes[index];
        self.before[index] = match &node.engine {
            Some(engine) if !node.disk.is_failing() => Some(Dump::own(engine)),
            _ => None,
        };
        node.crash();
    }

    /// Kills a node and takes its disk away: it begins again empty.
    pub fn lose_store(&mut self, index: usize) {
        self.tell(index, "loses its store");
        let others = || self.nodes.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, node)| node);
        let heard = others().flat_map(|node| events_in_log(&node.disk)).map(|copy| place_of(&copy)).collect();
        let living = others().filter_map(|node| Some(node.engine.as_ref()?.writer().epoch)).collect();
        self.reference.lose(&heard, &living);
        self.excused.extend(self.nodes[index].engine.as_ref().map(|engine| engine.writer().epoch));
        self.nodes[index].lost = true;
        self.nodes[index].crash();
        self.nodes[index].disk = Disk::default();
        self.before[index] = None;
    }

    /// Lets a copy of a node's disk run as well, under the node's name; gives its index.
    pub fn clone_node(&mut self, index: usize) -> usize {
        self.tell(index, "runs twice");
        let node = &self.nodes[index];
        self.cloned.extend(node.engine.as_ref().map(|engine| engine.writer().epoch));
        let (name, location, disk) = (node.name.clone(), node.location.clone(), node.disk.copy());
        self.add_on(name.as_str(), location.as_str(), disk)
    }

    /// Kills a node and gives it an earlier state of its disk, or one that a backup restored: what nobody else has
    /// heard since is gone.
    pub fn set_back(&mut self, index: usize, disk: Disk) {
        self.tell(index, "is set back");
        let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, node)| &node.disk);
        let kept = others.chain([&disk]).flat_map(events_in_log).map(|copy| place_of(&copy)).collect();
        self.reference.lose(&kept, &BTreeSet::new());
        let epoch = self.nodes[index].engine.as_ref().map(|engine| engine.writer().epoch);
        self.excused.extend(epoch);
        self.cloned.extend(epoch);
        self.nodes[index].crash();
        self.nodes[index].disk = disk;
        self.before[index] = None;
    }

    /// Makes a node's disk fail from its next commit on.
    pub fn fail_disk(&mut self, index: usize, failure: Failure, reopens_that_fail: u32) {
        self.tell(index, &format!("has a disk that fails: {failure:?}, {reopens_that_fail}"));
        self.nodes[index].disk.fail(failure, reopens_that_fail);
    }

    /// Takes a node's link away or gives it back.
    pub fn link(&mut self, index: usize, up: bool) {
        self.tell(index, if up { "has a link" } else { "has no link" });
        self.nodes[index].linked = up;
        let clock = self.nodes[index].clock(self.now);
        if let Some(engine) = &mut self.nodes[index].engine
            && up
        {
            engine.link_up(clock);
            self.nodes[index].next_tick = self.now;
        }
    }

    /// Puts every node into a part of the network.
    pub fn divide(&mut self, part_of: impl Fn(usize) -> u8) {
        self.nodes.iter_mut().enumerate().for_each(|(index, node)| node.part = part_of(index));
        let parts: Vec<_> = self.nodes.iter().map(|node| node.part).collect();
        self.story.tell(format!("{} the network's parts are {parts:?}", self.now - START));
    }

    /// Gives a node a command; what is refused is given back.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn submit(&mut self, index: usize, request: Request) -> Result<(), Refusal> {
        let mut again = request.clone();
        let said = format!("{:?} key {:?} at {:?}", request.command, request.key, request.occurred_at);
        let result = self.nodes[index].submit(self.now, request);
        let ended = result.as_ref().err().map_or_else(String::new, |refusal| format!(" - {refusal}"));
        self.tell(index, &format!("is asked for {said}{ended}"));
        match &result {
            Err(Refusal::Storage(error)) => panic!("{} cannot read its store: {error}", self.nodes[index].name),
            Err(Refusal::Document(error)) => panic!("{} has a broken document: {error}", self.nodes[index].name),
            Err(refusal) if refusal.is_asking() && again.is_patient() => {
                self.patient.push((index, again, self.now + PATIENCE))
            }
            Err(_) => {}
            Ok(()) => {
                if let Some((_, outcome)) = self.nodes[index].pending.last() {
                    self.reference.submitted(outcome);
                }
            }
        }
        result
    }

    /// Gives a node a command that must succeed, and commits.
    pub fn run(&mut self, index: usize, request: Request) {
        if let Err(refusal) = self.submit(index, request) {
            panic!("{} refuses: {refusal}", self.nodes[index].name);
        }
        self.commit(index);
    }

    /// Commits at a node.
    pub fn commit(&mut self, index: usize) {
        let may_fail = self.nodes[index].disk.is_failing();
        self.commit_on(index, may_fail);
    }

    fn commit_on(&mut self, index: usize, may_fail: bool) {
        let node = &mut self.nodes[index];
        match node.commit(self.now) {
            Ok((acknowledged, effects)) => {
                for (request, outcome) in &acknowledged {
                    self.reference.acknowledged(outcome);
                    check_repetition(request, outcome);
                }
                self.post(index, effects);
                self.leave_cloned_epoch(index);
            }
            Err(error) => {
                assert!(may_fail, "{} cannot commit: {error}", node.name);
                self.tell(index, "could not commit");
            }
        }
    }

    /// As the executable does after each commit.
    fn leave_cloned_epoch(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let Some(writer) = node.leave_cloned_epoch(self.now) else { return };
        if node.lost {
            self.excused.insert(writer.epoch);
        }
        self.tell(index, "leaves an epoch that runs twice");
    }

    /// Writes rows behind at a node.
    pub fn write_behind(&mut self, index: usize, limit: usize) {
        let node = &mut self.nodes[index];
        let may_fail = node.disk.is_failing();
        if let Some(engine) = &mut node.engine
            && let Err(error) = engine.write_behind(limit)
        {
            assert!(may_fail, "{} cannot write rows: {error}", node.name);
            self.tell(index, "could not write rows");
            // What waits for a commit is void only where the disk still fails.
            self.commit_on(index, true);
        }
    }

    /// Lets time pass, in milliseconds, with messages and ticks as they come. Commits come late now and then when
    /// `sloppy`.
    pub fn pass(&mut self, millis: i64, sloppy: bool) {
        let until = self.now + millis;
        while let Some(at) = self.next_event().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.deliver(sloppy);
            self.tick(sloppy);
            self.try_again();
        }
        self.now = until;
    }

    /// Ends everything that is wrong and lets the fleet become equal.
    pub fn settle(&mut self) {
        self.story.tell(format!("{} the weather clears up", self.now - START));
        self.weather = Weather::FAIR;
        for index in 0..self.nodes.len() {
            self.nodes[index].part = 0;
            if self.nodes[index].disk.is_failing() {
                self.crash(index);
            }
            if self.nodes[index].engine.is_none() {
                self.start(index);
            }
            self.link(index, true);
            self.commit(index);
        }
        let until = self.now + SETTLE;
        while self.now < until {
            self.pass(5_000, false);
            if self.heads_agree() {
                break;
            }
        }
        self.pass(15_000, false);
    }

    /// Lets what was said last arrive: a promise may have ended, or rights may have moved, a moment ago.
    pub fn hear_the_last(&mut self) {
        const MOST_SECONDS: usize = 10;
        for _ in 0..MOST_SECONDS {
            if self.heads_agree() {
                return;
            }
            self.pass(1_000, false);
        }
    }

    /// Whether all nodes that run hold the same documents at the same heads.
    pub fn heads_agree(&self) -> bool {
        let mut documents = self.nodes.iter().filter_map(|node| node.engine.as_ref()).map(|engine| {
            let view = engine.view();
            let view = view.read().expect("no thread panicked");
            view.documents.iter().map(|(id, row)| (id.clone(), row.heads.clone())).collect::<Vec<_>>()
        });
        let Some(first) = documents.next() else { return true };
        documents.all(|other| other == first)
    }

    /// Does again what waits for peers, after an answer of one or when its time is over, as a driver does.
    fn try_again(&mut self) {
        for (index, mut request, until) in std::mem::take(&mut self.patient) {
            let over = until <= self.now;
            let news = self.nodes[index].engine.as_mut().is_some_and(|engine| engine.take_news());
            if !over && !news {
                self.patient.push((index, request, until));
                continue;
            }
            if let Some(until) = request.waits_until().filter(|_| over) {
                *until = None;
            }
            if self.nodes[index].engine.is_some() {
                // One that is refused may have asked another peer.
                drop(self.submit(index, request));
                self.commit(index);
            }
        }
    }

    fn next_event(&self) -> Option<i64> {
        let ticks = self.nodes.iter().filter(|node| node.engine.is_some()).map(|node| node.next_tick);
        ticks.chain(self.network.next()).min()
    }

    fn deliver(&mut self, sloppy: bool) {
        while let Some((to, message)) = self.network.due(self.now) {
            if !self.nodes[to].linked {
                continue;
            }
            let refused = self.nodes[to].receive(self.now, &message);
            let wrongly = refused.iter().find(|refused| !self.is_rightly(refused));
            assert_eq!(wrongly, None, "{} refuses what {} sent", self.nodes[to].name, message.from);
            if !sloppy || self.dice.percent(70) {
                self.commit(to);
            }
        }
    }

    /// In a fleet with a key, a batch may come before its signer's certificate, and a stolen node is not heard. Of a
    /// stranger in quarantine nothing is, whoever passes it on. Else nothing honest is refused.
    fn is_rightly(&self, refused: &Refused) -> bool {
        let is_stranger = |writer: &Writer| self.nodes.iter().all(|node| node.name != writer.node);
        match refused.kind {
            RefusedKind::UnknownSigner | RefusedKind::Retired => true,
            RefusedKind::Quarantined => refused.writer.as_ref().is_some_and(is_stranger),
            _ => false,
        }
    }

    fn tick(&mut self, sloppy: bool) {
        for index in 0..self.nodes.len() {
            if self.nodes[index].next_tick > self.now || self.nodes[index].engine.is_none() {
                continue;
            }
            let room = if sloppy { *self.dice.pick(&[0, 1_000, ROOM, 4 * ROOM]) } else { ROOM };
            self.nodes[index].tick(self.now, room);
            self.commit(index);
        }
    }

    /// Sends what a commit asks for; batches of one scope share messages now and then.
    fn post(&mut self, from: usize, effects: Vec<Effect>) {
        let mut waiting: Vec<(Scope, Vec<Vec<u8>>)> = Vec::new();
        for effect in effects {
            match effect {
                Effect::Batch { scope, envelope } => match waiting.last_mut() {
                    Some((last, envelopes))
                        if *last == scope
                            && envelopes.iter().map(Vec::len).sum::<usize>() + envelope.len() < PACKED_BYTES =>
                    {
                        envelopes.push(envelope);
                    }
                    _ => waiting.push((scope, vec![envelope])),
                },
                Effect::Send { scope, kind, to, payload } => {
                    let sender = self.nodes[from].name.clone();
                    self.send(from, to.as_ref(), Incoming { scope, kind, from: sender, payload });
                }
            }
        }
        for (scope, envelopes) in waiting {
            let sender = self.nodes[from].name.clone();
            let message = Incoming { scope, kind: Kind::Changes, from: sender, payload: pack(&envelopes) };
            self.send(from, None, message);
        }
    }

    fn send(&mut self, from: usize, to: Option<&tillmesh_core::id::Name>, message: Incoming) {
        if !self.nodes[from].linked {
            return;
        }
        self.network.published.count(&message);
        let message = Arc::new(message);
        for index in 0..self.nodes.len() {
            let (sender, node) = (&self.nodes[from], &self.nodes[index]);
            let meant = to.is_none_or(|to| *to == node.name);
            if index != from && meant && node.linked && sender.part == node.part {
                self.network.send(self.now, self.weather, &mut self.dice, index, &message);
            }
        }
    }

    fn tell(&mut self, index: usize, what: &str) {
        let name = self.nodes.get(index).map_or("?", |node| node.name.as_str());
        self.story.tell(format!("{} {name} {what}", self.now - START));
    }
}

/// A repeated request gets the event that its key stands for.
fn check_repetition(request: &Request, outcome: &tillmesh_core::command::Outcome) {
    use tillmesh_core::command::Outcome;
    if let (Some(key), Outcome::Recorded { events, .. }) = (&request.key, outcome)
        && request.channel.is_none()
    {
        assert!(!events.is_empty(), "key {key} has no event");
    }
}
