//! A node in memory, for the tests of what nodes come to when they hear of each other.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::command::{Outcome, Request};
use crate::document::Scope;
use crate::engine::{Config, Effect, Engine};
use crate::id::{Name, Sku};
use crate::money::Rounding;
use crate::refusal::Refusal;
use crate::storage::MemoryStorage;
use crate::sync::{Incoming, Kind, pack};
use crate::time::{Timestamp, Zone};

/// Noon of 2026-11-24 in UTC.
pub const NOON: Timestamp = Timestamp::from_millis(1_795_521_600_000);

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

/// A node of the fleet `fleet` at the location `store`.
pub struct Node {
    pub engine: Engine<MemoryStorage>,
    pub rng: ChaCha20Rng,
}

impl Node {
    pub fn new(node: &str, seed: u64) -> Self {
        let config = Config {
            fleet: name("fleet"),
            node: name(node),
            location: name("store"),
            region: name("region"),
            zone: Zone::UTC,
            rounding: Rounding::HalfUp,
            keeper: false,
            promises: crate::policy::Policies::default(),
            taxes: crate::tax::Taxes::default(),
            vouchers: Name::new(crate::voucher::LOCATION).unwrap(),
        };
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        Self { engine: Engine::open(MemoryStorage::default(), config, NOON, &mut rng).unwrap(), rng }
    }

    pub fn submit(&mut self, now: Timestamp, request: Request) -> Result<Outcome, Refusal> {
        self.engine.submit(now, &mut self.rng, request)
    }

    /// Hears envelopes that it must take.
    pub fn hear(&mut self, envelopes: &[Vec<u8>]) {
        let (scope, payload) = (Scope::Stock(name("store")), pack(envelopes));
        let incoming = Incoming { scope, kind: Kind::Changes, from: name("somebody"), payload };
        assert_eq!(self.engine.receive(NOON, &mut self.rng, &incoming), []);
    }

    /// Commits, and gives the envelopes that it wrote.
    pub fn commit(&mut self) -> Vec<Vec<u8>> {
        let effects = self.engine.commit(NOON).unwrap().effects;
        let batch = |effect| if let Effect::Batch { envelope, .. } = effect { Some(envelope) } else { None };
        effects.into_iter().filter_map(batch).collect()
    }
}
