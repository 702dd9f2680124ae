//! A network that loses, repeats, delays and reorders messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use tillmesh_core::sync::{Incoming, Kind};

use crate::Dice;

/// How bad the network is.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// Messages lost, of a hundred.
    pub loss: u64,
    /// Messages that arrive twice, of a hundred.
    pub twice: u64,
    /// The longest delay in milliseconds; messages overtake each other within it.
    pub delay: i64,
}

impl Weather {
    /// Nothing is lost, everything arrives soon.
    pub const FAIR: Self = Self { loss: 0, twice: 0, delay: 20 };
}

/// Messages on their way.
#[derive(Default)]
pub struct Network {
    queue: BTreeMap<(i64, u64), (usize, Arc<Incoming>)>,
    sent: u64,
    /// The bytes of the longest message.
    pub largest: usize,
    /// What was published, lost or not.
    pub published: Traffic,
    /// What was sent to each node that it was for, lost or not.
    pub traffic: Traffic,
}

/// Messages and bytes of payloads, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic(pub BTreeMap<Kind, (u64, u64)>);

impl Traffic {
    /// Counts a message.
    pub fn count(&mut self, message: &Incoming) {
        let (messages, bytes) = self.0.entry(message.kind).or_default();
        *messages += 1;
        *bytes += message.payload.len() as u64;
    }

    /// How many messages and bytes of a kind.
    pub fn of(&self, kind: Kind) -> (u64, u64) {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// How many messages and bytes of all kinds.
    pub fn all(&self) -> (u64, u64) {
        self.0.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// What was counted after an earlier moment.
    pub fn since(&self, before: &Self) -> Self {
        let since = |(kind, now): (&Kind, &(u64, u64))| {
            let before = before.of(*kind);
            (*kind, (now.0 - before.0, now.1 - before.1))
        };
        Self(self.0.iter().map(since).collect())
    }
}

impl Network {
    /// Takes a message to one node, at a time in milliseconds.
    pub fn send(&mut self, now: i64, weather: Weather, dice: &mut Dice, to: usize, message: &Arc<Incoming>) {
        self.traffic.count(message);
        self.largest = self.largest.max(message.payload.len());
        if dice.percent(weather.loss) {
            return;
        }
        let copies = if dice.percent(weather.twice) { 2 } else { 1 };
        for _ in 0..copies {
            self.sent += 1;
            let at = now + dice.between(1, weather.delay.max(1));
            self.queue.insert((at, self.sent), (to, Arc::clone(message)));
        }
    }

    /// The next message that is due.
    pub fn due(&mut self, now: i64) -> Option<(usize, Arc<Incoming>)> {
        let (key, _) = self.queue.first_key_value()?;
        if key.0 > now {
            return None;
        }
        self.queue.pop_first().map(|(_, message)| message)
    }

    /// When the next message arrives.
    pub fn next(&self) -> Option<i64> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }
}
