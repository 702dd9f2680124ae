//! One direction of a connection that loses, repeats, delays and reorders messages. Pure: time and chance come from
//! outside, and what is to be sent goes back to the caller.
//!
//! To its sender the lane is a broker that acknowledges every message, once and in order, and breaks its word. So a
//! message that is dropped or held is acknowledged at once, one that goes on when its receiver has acknowledged it, and
//! towards the receiver every copy has a packet id of the lane's own:
//!
//! ```text
//! sender   ── PUBLISH 7 ──>  lane  ── PUBLISH 40001 ──>  receiver     passed on
//!          <── PUBACK 7 ──         <── PUBACK 40001 ──
//!          ── PUBLISH 8 ──>                                           dropped
//!          <── PUBACK 8 ──
//!          ── PUBLISH 9 ──>        ── PUBLISH 40002 ──>               duplicated
//!                                  ── PUBLISH 40003 ──>
//!          <── PUBACK 9 ──         <── PUBACK 40002 ──
//!                                  <── PUBACK 40003 ──                (nobody waits for it)
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::packet::{Packet, Role};

/// The lane's packet ids: above those of clients, which count from 1 and share them with SUBSCRIBE, which passes as it
/// is.
const IDS: std::ops::RangeInclusive<u16> = 40_000..=u16::MAX;
/// The longest that a message is held for others to overtake it, when none come.
const LONGEST_HOLD: Duration = Duration::from_millis(300);
/// How many messages overtake one, at most.
const MOST_OVERTAKE: u64 = 8;
/// The longest that a lane stands still.
const LONGEST_DELAY: Duration = Duration::from_millis(200);
/// Odds are given in this many parts.
pub const PARTS: u64 = 10_000;

/// What happens to a message, in parts of [`PARTS`] each. The rest passes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Odds {
    /// It is lost.
    pub drop: u64,
    /// It comes twice.
    pub duplicate: u64,
    /// It and all behind it wait a while.
    pub delay: u64,
    /// Some that were sent after it come before it.
    pub reorder: u64,
    /// It is lost with its connection.
    pub cut: u64,
}

/// What happened to messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that came.
    pub messages: u64,
    /// Those that were lost.
    pub dropped: u64,
    /// Those that were sent on twice.
    pub duplicated: u64,
    /// Those that made the lane stand still.
    pub delayed: u64,
    /// Those that others overtook.
    pub reordered: u64,
    /// Connections that were cut.
    pub cut: u64,
    /// Acknowledgements of what was never sent: the receiver breaks the protocol.
    pub stray: u64,
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            dropped: self.dropped + other.dropped,
            duplicated: self.duplicated + other.duplicated,
            delayed: self.delayed + other.delayed,
            reordered: self.reordered + other.reordered,
            cut: self.cut + other.cut,
            stray: self.stray + other.stray,
        }
    }
}

/// What the caller has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this to the receiver.
    Onward(Packet),
    /// Send this to the sender.
    Back(Packet),
    /// Cut the connection.
    Cut,
}

/// One direction of a connection.
pub struct Lane {
    odds: Odds,
    dice: ChaCha8Rng,
    counts: Counts,
    next_id: u16,
    /// What the receiver has not acknowledged: the lane's packet id, and whom that settles.
    sent: BTreeMap<u16, Option<u16>>,
    /// What the sender waits for, in its order.
    owed: VecDeque<Owed>,
    /// Messages behind a delay, and the time at which it ends.
    waiting: VecDeque<Passing>,
    still_until: Option<Duration>,
    held: Vec<Held>,
    steps: Vec<Step>,
}

/// A message on its way, and the sender's packet id that its acknowledgement settles.
struct Passing {
    packet: Packet,
    settles: Option<u16>,
}

struct Owed {
    id: u16,
    settled: bool,
}

struct Held {
    packet: Packet,
    until: Duration,
    overtakers: u64,
}

enum Fate {
    Pass,
    Drop,
    Duplicate,
    Delay,
    Reorder,
    Cut,
}

impl Lane {
    /// A lane with nothing on it.
    pub fn new(odds: Odds, seed: u64) -> Self {
        Self {
            odds,
            dice: ChaCha8Rng::seed_from_u64(seed),
            counts: Counts::default(),
            next_id: *IDS.start(),
            sent: BTreeMap::new(),
            owed: VecDeque::new(),
            waiting: VecDeque::new(),
            still_until: None,
            held: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// What happened so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a packet from the sender. Acknowledgements belong to the other lane: see [`Lane::acknowledged`].
    pub fn take(&mut self, packet: Packet, now: Duration) -> Vec<Step> {
        match packet.role() {
            Role::Message(id) => {
                self.owed.push_back(Owed { id, settled: false });
                self.decide(packet, Some(id), now);
            }
            Role::Unacknowledged => self.decide(packet, None, now),
            Role::Acknowledgement(_) | Role::Other => self.steps.push(Step::Onward(packet)),
        }
        self.due(now)
    }

    /// Takes an acknowledgement from the receiver.
    pub fn acknowledged(&mut self, id: u16) -> Vec<Step> {
        match self.sent.remove(&id) {
            Some(settles) => self.settle(settles),
            None => self.counts.stray += 1,
        }
        std::mem::take(&mut self.steps)
    }

    /// What is due by now.
    pub fn due(&mut self, now: Duration) -> Vec<Step> {
        if self.still_until.is_some_and(|until| until <= now) {
            self.still_until = None;
            while let Some(Passing { packet, settles }) = self.waiting.pop_front() {
                self.send(packet, settles);
            }
        }
        self.release(|held| held.until <= now || held.overtakers == 0);
        std::mem::take(&mut self.steps)
    }

    /// When something is due if nothing comes before.
    pub fn next_due(&self) -> Option<Duration> {
        self.held.iter().map(|held| held.until).chain(self.still_until).min()
    }

    fn decide(&mut self, packet: Packet, id: Option<u16>, now: Duration) {
        self.counts.messages += 1;
        match self.fate() {
            Fate::Pass => self.pass(packet, id),
            Fate::Drop => {
                self.counts.dropped += 1;
                self.settle(id);
            }
            Fate::Duplicate => {
                self.counts.duplicated += 1;
                self.pass(packet.clone(), id);
                self.pass(packet, None);
            }
            Fate::Delay => {
                self.counts.delayed += 1;
                let until = now + self.part_of(LONGEST_DELAY);
                self.still_until.get_or_insert(until);
                self.pass(packet, id);
            }
            Fate::Reorder => {
                self.counts.reordered += 1;
                self.settle(id);
                let overtakers = 1 + self.dice.next_u64() % MOST_OVERTAKE;
                self.held.push(Held { packet, until: now + LONGEST_HOLD, overtakers });
            }
            Fate::Cut => {
                self.counts.cut += 1;
                self.steps.push(Step::Cut);
            }
        }
    }

    fn fate(&mut self) -> Fate {
        let Odds { drop, duplicate, delay, reorder, cut } = self.odds;
        let mut roll = self.dice.next_u64() % PARTS;
        for (parts, fate) in [
            (drop, Fate::Drop),
            (duplicate, Fate::Duplicate),
            (delay, Fate::Delay),
            (reorder, Fate::Reorder),
            (cut, Fate::Cut),
        ] {
            if roll < parts {
                return fate;
            }
            roll -= parts;
        }
        Fate::Pass
    }

    fn part_of(&mut self, longest: Duration) -> Duration {
        longest.mul_f64((1 + self.dice.next_u64() % 100) as f64 / 100.0)
    }

    fn pass(&mut self, packet: Packet, settles: Option<u16>) {
        if self.still_until.is_some() {
            self.waiting.push_back(Passing { packet, settles });
        } else {
            self.send(packet, settles);
        }
    }

    fn send(&mut self, packet: Packet, settles: Option<u16>) {
        self.emit(packet, settles);
        for held in &mut self.held {
            held.overtakers = held.overtakers.saturating_sub(1);
        }
        self.release(|held| held.overtakers == 0);
    }

    fn release(&mut self, free: impl Fn(&Held) -> bool) {
        let (free, held): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held).into_iter().partition(free);
        self.held = held;
        for Held { packet, .. } in free {
            self.emit(packet, None);
        }
    }

    fn emit(&mut self, packet: Packet, settles: Option<u16>) {
        let packet = match packet.role() {
            Role::Message(_) => {
                let id = self.free_id();
                self.sent.insert(id, settles);
                packet.under(id)
            }
            _ => packet,
        };
        self.steps.push(Step::Onward(packet));
    }

    /// The next id that the receiver does not owe an acknowledgement for. No receiver is sent so many at a time that
    /// there is none.
    fn free_id(&mut self) -> u16 {
        loop {
            let id = self.next_id;
            self.next_id = if id == *IDS.end() { *IDS.start() } else { id + 1 };
            if !self.sent.contains_key(&id) {
                return id;
            }
        }
    }

    /// Acknowledges to the sender what it waits for, as far as that is settled without a gap.
    fn settle(&mut self, id: Option<u16>) {
        let Some(id) = id else { return };
        if let Some(owed) = self.owed.iter_mut().find(|owed| owed.id == id && !owed.settled) {
            owed.settled = true;
        }
        while let Some(owed) = self.owed.pop_front_if(|owed| owed.settled) {
            self.steps.push(Step::Back(Packet::acknowledgement(owed.id)));
        }
    }
}

#[cfg(test)]
mod tests;
