//! Which receipts and counts were taken before. A node takes sales, returns and adjustments once under their reference;
//! goods that come in, and counts, it takes with each message, so what brings an event again must be known here.
//!
//! The plugin's state holds a ring of buckets with the first 8 bytes of each reference's hash: it is unlikely, one in
//! 10^15 for each event, that one is taken for another.

use sha2::{Digest, Sha256};
use tillmesh_plugin::state::Store;
use tillmesh_plugin::{Failure, failure};

/// How many buckets there are. Only those that change are written.
const BUCKETS: u8 = 16;
/// How many entries a bucket holds: 2 KiB, so that a message with one receipt writes little.
const ENTRIES: usize = 256;
/// The bytes of an entry.
const ENTRY: usize = 8;
/// Which bucket is being filled.
const OPEN: &str = "open";

/// The last receipts and counts; read when the first one is asked for.
pub(crate) struct Memory<'a> {
    store: &'a mut dyn Store,
    ring: Option<Ring>,
}

struct Ring {
    open: u8,
    buckets: Vec<Bucket>,
}

#[derive(Default)]
struct Bucket {
    entries: Vec<u64>,
    is_changed: bool,
}

impl Bucket {
    fn of(bytes: &[u8]) -> Self {
        let entries = bytes.as_chunks::<ENTRY>().0.iter().map(|entry| u64::from_le_bytes(*entry)).collect();
        Self { entries, is_changed: false }
    }

    fn bytes(&self) -> Vec<u8> {
        self.entries.iter().flat_map(|entry| entry.to_le_bytes()).collect()
    }
}

impl<'a> Memory<'a> {
    /// Nothing is read yet.
    pub fn new(store: &'a mut dyn Store) -> Self {
        Self { store, ring: None }
    }

    /// Whether a reference is remembered; it is from now on. The oldest are forgotten where there is no room.
    pub fn knows(&mut self, reference: &str) -> bool {
        let entry = entry(reference);
        let ring = self.ring();
        if ring.buckets.iter().any(|bucket| bucket.entries.contains(&entry)) {
            return true;
        }
        if ring.buckets.get(usize::from(ring.open)).is_none_or(|bucket| bucket.entries.len() >= ENTRIES) {
            ring.open = (ring.open + 1) % BUCKETS;
            if let Some(bucket) = ring.buckets.get_mut(usize::from(ring.open)) {
                bucket.entries.clear();
            }
        }
        if let Some(bucket) = ring.buckets.get_mut(usize::from(ring.open)) {
            bucket.entries.push(entry);
            bucket.is_changed = true;
        }
        false
    }

    /// Keeps what was remembered, together with what the call comes to.
    ///
    /// # Errors
    /// `retry` where the plugin's state has no room for it.
    pub fn keep(self) -> Result<(), Failure> {
        let Some(ring) = self.ring else { return Ok(()) };
        let mut is_kept = true;
        for (number, bucket) in ring.buckets.iter().enumerate().filter(|(_, bucket)| bucket.is_changed) {
            is_kept &= self.store.write(&key(number), &bucket.bytes());
            is_kept &= self.store.write(OPEN, &[ring.open]);
        }
        let full = || failure::retry("state", "", "the plugin's state has no room for what it has to remember");
        if is_kept { Ok(()) } else { Err(full()) }
    }

    fn ring(&mut self) -> &mut Ring {
        let store = &self.store;
        self.ring.get_or_insert_with(|| {
            let open = store.read(OPEN).and_then(|bytes| bytes.first().copied()).filter(|open| *open < BUCKETS);
            let bucket = |number| {
                let bytes = store.read(&key(number)).unwrap_or_default();
                Bucket::of(&bytes)
            };
            Ring { open: open.unwrap_or_default(), buckets: (0..usize::from(BUCKETS)).map(bucket).collect() }
        })
    }
}

fn key(number: usize) -> String {
    format!("taken-{number}")
}

fn entry(reference: &str) -> u64 {
    let hash = Sha256::digest(reference);
    u64::from_le_bytes(std::array::from_fn(|at| hash[at]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tillmesh_plugin::testing::Full;

    use super::*;

    #[test]
    fn what_was_remembered_is_known_in_later_calls_until_the_ring_is_full() {
        let mut kept = BTreeMap::new();
        let most = usize::from(BUCKETS) * ENTRIES;
        for number in 0..=most {
            let mut memory = Memory::new(&mut kept);
            assert!(!memory.knows(&number.to_string()));
            memory.keep().unwrap();
        }
        let mut memory = Memory::new(&mut kept);
        assert!(memory.knows(&ENTRIES.to_string()) && memory.knows(&most.to_string()));
        assert!(!memory.knows("0"), "the oldest bucket made room");
        let bytes: usize = kept.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!(bytes < 64 << 10, "the node gives a plugin 64 KiB: {bytes}");
    }

    #[test]
    fn a_state_without_room_is_said() {
        let mut full = Full;
        let mut memory = Memory::new(&mut full);
        assert!(!memory.knows("1"));
        assert!(matches!(memory.keep(), Err(Failure::Retry(_))));
    }
}
