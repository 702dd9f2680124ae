//! The engine's thread: takes what waits, commits once, answers.

mod patient;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, never, select};
use rand_chacha::ChaCha20Rng;
use tillmesh_core::command::{Outcome, Request};
use tillmesh_core::engine::{CloneAlarm, Engine, OpenError, Refused, Verdict};
use tillmesh_core::fleet::{Rival, Standing};
use tillmesh_core::id::{Name, Writer};
use tillmesh_core::storage::StorageError;
use tillmesh_core::sync::{Incoming, Peer};
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::Position;
use tokio::sync::{oneshot, watch};

use patient::Patient;

use super::disk::Disk;
use super::link::{LinkName, Routes};
use super::{FleetState, MAX_WAITING_COMMANDS, MAX_WAITING_MESSAGES, SubmitError, now};
use crate::metrics::{HeardLabels, KindLabel, Metrics};
use crate::store::Store;

/// How many commands and messages share a commit: at 64 the cost of a commit is spread so far that more gains little.
const MAX_GROUP: usize = 64;
/// How many bytes of changes share a commit: bounds what is in memory and how long a commit takes on an SD card.
const MAX_GROUP_BYTES: usize = 256 * 1024;
/// For how long commands and messages are taken before their commit: messages that a stranger makes expensive to check
/// keep a till waiting for no longer than this and one such message.
const MAX_GROUP_TIME: Duration = Duration::from_millis(50);
/// How many bytes of answers to peers may wait in an outbox: a few messages ahead of the link.
const ANSWER_ROOM: usize = 512 * 1024;
/// The source of what does not say who sent it; no node is called so.
const UNNAMED: &str = "?";
/// How many kinds of refusals of sources are logged: anybody can make up names.
const MAX_LOGGED: usize = 1_000;
/// How many projection rows an idle moment writes: about two milliseconds, so that a command that comes in between
/// waits little.
const IDLE_ROWS: usize = 128;
/// How many a commit writes when the node stops and nothing waits behind it.
const LAST_ROWS: usize = 2_048;
/// How long nothing must have happened before rows are written for their own sake.
const IDLE_AFTER: Duration = Duration::from_millis(200);
/// How often the peers' table is copied for readers at most.
const PEERS_EVERY: Duration = Duration::from_millis(250);

/// What the engine's thread is asked to do.
pub(super) enum Job {
    Submit { request: Box<Request>, answer: oneshot::Sender<Result<Outcome, SubmitError>> },
    Keep { content: Vec<u8>, done: oneshot::Sender<()> },
    Stop,
}

/// What the link tells.
pub(super) enum Heard {
    Message(LinkName, Incoming),
    Up,
}

/// The queues to the engine's thread.
#[derive(Clone)]
pub(super) struct Jobs {
    commands: Sender<Job>,
    messages: Sender<Heard>,
    /// Closed once the thread has ended.
    running: watch::Receiver<()>,
}

/// What readers are told of others, as of a moment ago.
#[derive(Debug, Clone)]
pub(super) struct Others {
    pub peers: Vec<(Name, Peer)>,
    pub clones: Vec<CloneAlarm>,
    pub fleet: FleetState,
}

impl Others {
    fn of(engine: &Engine<Store>) -> Self {
        let peers = engine.peers().iter().map(|(name, peer)| (name.clone(), peer.clone())).collect();
        let fleet = FleetState::of(engine);
        Self { peers, clones: engine.clone_alarms().to_vec(), fleet }
    }
}

impl FleetState {
    fn of(engine: &Engine<Store>) -> Self {
        let uncovered = engine.outside_papers().map(str::to_owned);
        let keeps_in_vain = engine.keeps_in_vain();
        let (members, standing, introduction) = (engine.members(), engine.standing(), engine.introduction());
        Self { members, standing, introduction, uncovered, keeps_in_vain }
    }

    fn log_troubles(&self) {
        for Rival { from, to } in self.members.rivals() {
            tracing::error!(%from, %to, "a key of the fleet was handed over twice: who followed it there is apart");
        }
        if let Some(write) = &self.uncovered {
            tracing::error!(
                write,
                "others refuse what this node wrote before it was enrolled: enrol it in a wider role"
            );
        }
        if self.keeps_in_vain {
            tracing::warn!(
                "the settings make this node its location's keeper and its certificate does not: it makes no \
                rights of what counts and returns leave over; enrol it again with --keeper"
            );
        }
    }
}

/// What the thread shares with readers.
pub(super) struct Shared {
    pub metrics: Arc<Metrics>,
    pub others: Arc<Mutex<Others>>,
    /// Whether the disk takes no writes.
    pub disk_fails: Arc<AtomicBool>,
}

/// A thread that was started, and what it tells of.
pub(super) struct Spawned {
    pub jobs: Jobs,
    /// The position of the last commit.
    pub head: watch::Receiver<Position>,
    /// The node in the epoch that it is in.
    pub writer: watch::Receiver<Writer>,
    pub thread: std::thread::JoinHandle<()>,
}

impl Shared {
    pub(super) fn new(engine: &Engine<Store>, metrics: Arc<Metrics>) -> Self {
        let others = Others::of(engine);
        others.fleet.log_troubles();
        let others = Arc::new(Mutex::new(others));
        Self { metrics, others, disk_fails: Arc::default() }
    }
}

impl Jobs {
    pub(super) async fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        let (answer, mut answered) = oneshot::channel();
        let mut running = self.running.clone();
        self.send(Job::Submit { request: Box::new(request), answer })?;
        tokio::select! {
            biased;
            result = &mut answered => result.map_err(|_| SubmitError::Stopping)?,
            // A command that came in the thread's last moment lies in a queue that nobody empties any more.
            _ = running.changed() => answered.try_recv().map_err(|_| SubmitError::Stopping)?,
        }
    }

    pub(super) fn send(&self, job: Job) -> Result<(), SubmitError> {
        self.commands.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => SubmitError::Overloaded,
            TrySendError::Disconnected(_) => SubmitError::Stopping,
        })
    }

    /// Passes on what the link heard; waits while too much waits, which slows the link down.
    pub(super) async fn hear(&self, heard: Heard) {
        let mut heard = heard;
        while let Err(TrySendError::Full(back)) = self.messages.try_send(heard) {
            heard = back;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// How many commands wait.
    pub(super) fn waiting(&self) -> usize {
        self.commands.len()
    }

    /// Asks the thread to stop after what waits.
    pub(super) fn stop(&self) {
        // A full queue is waited for: the thread empties it. A closed one has stopped.
        let _ = self.commands.send(Job::Stop);
    }
}

/// Starts the thread.
pub(super) fn spawn(
    engine: Engine<Store>,
    rng: ChaCha20Rng,
    routes: Routes,
    shared: &Shared,
) -> std::io::Result<Spawned> {
    let (commands, waiting_commands) = bounded(MAX_WAITING_COMMANDS);
    let (messages, waiting_messages) = bounded(MAX_WAITING_MESSAGES);
    let (ends, running) = watch::channel(());
    let (writer, own) = watch::channel(engine.writer().clone());
    let (head, follow) = watch::channel(engine.view().read().unwrap_or_else(PoisonError::into_inner).head);
    let driver = Driver {
        engine,
        rng,
        commands: waiting_commands,
        messages: waiting_messages,
        routes,
        head,
        writer,
        metrics: Arc::clone(&shared.metrics),
        others: Arc::clone(&shared.others),
        others_copied: Instant::now(),
        disk: Disk::new(Arc::clone(&shared.disk_fails)),
        logged: std::collections::BTreeSet::new(),
        patient: Vec::new(),
        _ends: ends,
    };
    let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || driver.run())?;
    Ok(Spawned { jobs: Jobs { commands, messages, running }, head: follow, writer: own, thread })
}

struct Driver {
    engine: Engine<Store>,
    rng: ChaCha20Rng,
    commands: Receiver<Job>,
    messages: Receiver<Heard>,
    routes: Routes,
    head: watch::Sender<Position>,
    writer: watch::Sender<Writer>,
    metrics: Arc<Metrics>,
    others: Arc<Mutex<Others>>,
    others_copied: Instant,
    disk: Disk,
    /// What was logged and is not again, such as which kinds of refusals of which peers.
    logged: std::collections::BTreeSet<String>,
    /// Commands that wait for what peers were asked for.
    patient: Vec<Patient>,
    /// Dropped last: whoever sees it closed finds an answer that was given, or will never get one.
    _ends: watch::Sender<()>,
}

/// What waits for the commit.
#[derive(Default)]
struct Group {
    answers: Vec<(oneshot::Sender<Result<Outcome, SubmitError>>, Outcome)>,
    kept: Vec<oneshot::Sender<()>>,
    size: usize,
    stop: bool,
}

impl Driver {
    fn run(mut self) {
        let mut next = now();
        let mut idle_since = Instant::now();
        loop {
            let mut group = Group::default();
            self.wait(next, &mut group);
            self.drain(&mut group);
            self.try_again(&mut group);
            let (room, held_back) = self.routes.room(ANSWER_ROOM);
            self.engine.hold_back(held_back);
            next = self.engine.tick(now(), &mut self.rng, room).max(now().plus_millis(1));
            if group.size > 0 {
                idle_since = Instant::now();
            }
            let stop = group.stop;
            self.commit(group);
            if self.leave_cloned_epoch() {
                next = now();
            }
            self.copy_others();
            if stop {
                self.end_patience();
                break;
            }
            let idle = self.commands.is_empty() && self.messages.is_empty() && idle_since.elapsed() >= IDLE_AFTER;
            if idle && self.disk.takes_rows() {
                self.write_behind(IDLE_ROWS);
            }
        }
        while self.write_behind(LAST_ROWS) > 0 {}
    }

    fn unwritten(&self) -> usize {
        self.engine.view().read().unwrap_or_else(PoisonError::into_inner).unwritten()
    }

    /// Waits for work or for the time of the next tick.
    fn wait(&mut self, next: Timestamp, group: &mut Group) {
        let millis = (next.as_millis() - now().as_millis()).clamp(1, 60_000);
        let wait = Duration::from_millis(millis.unsigned_abs());
        let patience = self.patient.iter().map(Patient::waits_for).min();
        let wait = patience.map_or(wait, |patience| wait.min(patience));
        let rows_wait = self.unwritten() > 0 && self.disk.takes_rows();
        let wait = if rows_wait { wait.min(IDLE_AFTER) } else { wait };
        let (commands, messages) = (self.commands.clone(), self.messages.clone());
        select! {
            recv(commands) -> job => match job {
                Ok(job) => self.take(job, group),
                Err(_) => group.stop = true,
            },
            recv(messages) -> heard => match heard {
                Ok(heard) => self.hear(heard, group),
                Err(_) => self.messages = never(),
            },
            default(wait) => {}
        }
    }

    /// Takes what else waits, commands and messages in turn, up to what one commit should hold.
    fn drain(&mut self, group: &mut Group) {
        let began = Instant::now();
        let is_open = |group: &Group| group.size > 0 && group.size < MAX_GROUP && began.elapsed() < MAX_GROUP_TIME;
        while is_open(group) && self.engine.pending_bytes() < MAX_GROUP_BYTES {
            let before = group.size;
            if let Ok(job) = self.commands.try_recv() {
                self.take(job, group);
            }
            if let Ok(heard) = self.messages.try_recv() {
                self.hear(heard, group);
            }
            if group.size == before || group.stop {
                return;
            }
        }
    }

    fn take(&mut self, job: Job, group: &mut Group) {
        group.size += 1;
        match job {
            Job::Submit { request, answer } => self.submit(*request, answer, None, group),
            Job::Keep { content, done } => {
                // Dropping the sender tells the caller that it failed.
                if self.engine.keep(&content).is_ok() {
                    group.kept.push(done);
                }
            }
            Job::Stop => group.stop = true,
        }
    }

    fn hear(&mut self, heard: Heard, group: &mut Group) {
        group.size += 1;
        match heard {
            Heard::Message(link, incoming) => {
                let labels = HeardLabels::new(incoming.kind.as_str(), link.as_str());
                self.metrics.messages_received.get_or_create(&labels).inc();
                if let Some(peer) = incoming.sender() {
                    self.routes.note(peer, link);
                }
                let refused = self.engine.receive(now(), &mut self.rng, &incoming);
                if !refused.is_empty() {
                    let from = incoming.sender();
                    let from = from.as_ref().map_or(UNNAMED, |from| from.as_str());
                    refused.iter().for_each(|refused| self.note_refused(from, refused));
                }
            }
            Heard::Up => self.engine.link_up(now()),
        }
    }

    fn commit(&mut self, group: Group) {
        let started = Instant::now();
        match self.engine.commit(now()) {
            Ok(committed) => {
                if let Some(position) = committed.position {
                    self.disk.works();
                    self.metrics.commits.inc();
                    self.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
                    self.metrics.commit_group.observe(to_f64(group.size));
                    self.head.send_replace(position);
                }
                self.copy_fleet();
                self.routes.post(committed);
                self.note_openings();
                // A client that has gone does not hear its answer; its idempotency key gives it again.
                group.answers.into_iter().for_each(|(answer, outcome)| drop(answer.send(Ok(outcome))));
                group.kept.into_iter().for_each(|done| {
                    let _ = done.send(());
                });
            }
            Err(error) => self.fail(group, &error),
        }
    }

    /// Leaves an epoch that another store writes in as well.
    fn leave_cloned_epoch(&mut self) -> bool {
        match self.engine.leave_cloned_epoch(now(), &mut self.rng) {
            Ok(false) => false,
            Ok(true) => {
                let writer = self.engine.writer().clone();
                tracing::error!(
                    left = %self.writer.borrow().epoch,
                    epoch = %writer.epoch,
                    "this store is a copy of another one that goes on, or was set back to an earlier day: what both \
                    recorded counts, and this one goes on in an epoch of its own"
                );
                self.writer.send_replace(writer);
                true
            }
            Err(OpenError::Storage(error)) => {
                self.disk.fails(&error);
                false
            }
            Err(error) => {
                if self.logged.insert("epoch".to_owned()) {
                    tracing::error!(%error, "cannot leave an epoch that another store writes in as well");
                }
                false
            }
        }
    }

    fn fail(&mut self, group: Group, error: &StorageError) {
        self.disk.fails(error);
        for (answer, _) in group.answers {
            drop(answer.send(Err(error.clone().into())));
        }
    }

    fn write_behind(&mut self, rows: usize) -> usize {
        let before = self.unwritten();
        match self.engine.write_behind(rows) {
            Ok(left) => {
                if left < before {
                    self.disk.works();
                }
                self.metrics.unwritten_rows.set(i64::try_from(left).unwrap_or(i64::MAX));
                left
            }
            Err(error) => {
                self.disk.fails_rows(&error);
                0
            }
        }
    }

    /// Counts and logs what was found out about openings.
    fn note_openings(&mut self) {
        for notice in self.engine.take_opening_notices() {
            self.metrics.openings.get_or_create(&KindLabel::new(notice.verdict.kind())).inc();
            match notice.verdict {
                Verdict::Written | Verdict::Agrees | Verdict::Lacks => {
                    tracing::info!(keeper = %notice.keeper, "{notice}")
                }
                _ => tracing::warn!(keeper = %notice.keeper, "{notice}; stock is not changed by it"),
            }
        }
    }

    /// Counts a refusal, and logs the first of each kind and source.
    fn note_refused(&mut self, from: &str, refused: &Refused) {
        let kind = refused.kind.as_str();
        self.metrics.refused.get_or_create(&KindLabel::new(kind)).inc();
        if self.logged.len() < MAX_LOGGED && self.logged.insert(format!("{from} {kind}")) {
            let reason = &refused.reason;
            tracing::warn!(from, kind, reason, "refused what was sent; more of this kind are only counted");
            if self.logged.len() == MAX_LOGGED {
                tracing::warn!("so many sources had envelopes refused that those of others are only counted");
            }
        }
    }

    /// Who waits for an answer about the fleet looks at it next.
    fn copy_fleet(&mut self) {
        let members = self.engine.members();
        let mut shown = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&shown.fleet.members, &members) {
            // They are read anew with every start of an epoch.
            let changed = shown.fleet.members != members;
            shown.fleet = FleetState::of(&self.engine);
            if !changed {
                return;
            }
            shown.fleet.log_troubles();
            match shown.fleet.standing {
                Standing::Retired | Standing::Stolen => {
                    tracing::error!("this node was retired from its fleet: others may not take what it records now");
                }
                standing => tracing::info!(?standing, "the fleet's certificates have changed"),
            }
        }
    }

    fn copy_others(&mut self) {
        if self.others_copied.elapsed() < PEERS_EVERY {
            return;
        }
        self.others_copied = Instant::now();
        let others = Others::of(&self.engine);
        let left = others.clones.iter().filter(|alarm| alarm.fenced_at.is_some()).count();
        self.metrics.clones.set(i64::try_from(left).unwrap_or(i64::MAX));
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = others;
    }
}

fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
