//! What tests of plugins share: what a plugin is given, made up. For tests only.

use std::collections::BTreeMap;

use crate::state::Store;
use crate::{Catalogue, Context, Message, Piece, Product};

/// When messages of tests arrive: 2026-11-28T09:30:00Z.
pub const RECEIVED: i64 = 1_795_858_200_000_000;

/// A product that has nothing but a SKU and a name.
pub fn product(sku: &str) -> Product {
    Product {
        sku: sku.to_owned(),
        name: "x".to_owned(),
        price: None,
        gtin: None,
        department: None,
        category: None,
        unit: None,
        tax_class: None,
        references: vec![],
    }
}

/// A call at the location `web`, with settings.
pub fn context(settings: &[(&str, &str)]) -> Context {
    let config = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Context { location: "web".to_owned(), config }
}

/// A whole message.
pub fn message(topic: &str, content_type: &str, body: &[u8]) -> Message {
    Message {
        channel: "test".to_owned(),
        id: "1".to_owned(),
        topic: topic.to_owned(),
        content_type: content_type.to_owned(),
        received_at: RECEIVED,
        piece: Piece { offset: 0, last: true, bytes: body.to_vec(), carry: vec![] },
    }
}

/// A plugin's state with room for everything.
impl Store for BTreeMap<String, Vec<u8>> {
    fn read(&self, key: &str) -> Option<Vec<u8>> {
        self.get(key).cloned()
    }

    fn write(&mut self, key: &str, value: &[u8]) -> bool {
        self.insert(key.to_owned(), value.to_vec());
        true
    }

    fn remove(&mut self, key: &str) {
        Self::remove(self, key);
    }
}

/// A plugin's state without room.
#[derive(Debug, Clone, Copy)]
pub struct Full;

impl Store for Full {
    fn read(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn write(&mut self, _: &str, _: &[u8]) -> bool {
        false
    }

    fn remove(&mut self, _: &str) {}
}

/// A catalogue that knows nothing.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Catalogue for Nothing {}

/// A catalogue that knows every reference, as a SKU.
#[derive(Debug, Clone, Copy)]
pub struct Everything;

impl Catalogue for Everything {
    fn by_reference(&self, reference: &str) -> Option<Product> {
        Some(product(reference))
    }
}

/// The folder of a family of messages that nobody here wrote, below what `TILLMESH_FIXTURES` names. None, and said so:
/// nothing names it.
pub fn collection(family: &str) -> Option<String> {
    let fixtures = std::env::var("TILLMESH_FIXTURES").ok();
    if fixtures.is_none() {
        eprintln!("left out: TILLMESH_FIXTURES does not name the folder of fixtures");
    }
    fixtures.map(|fixtures| format!("{fixtures}/{family}"))
}

/// Bodies that differ from one that is sound in a few places, the same ones each time: what strangers may send. No
/// plugin may panic at any of them.
pub fn mutants(sound: &[u8], count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |seed| mutant(sound, seed))
}

fn mutant(sound: &[u8], seed: u64) -> Vec<u8> {
    // SplitMix64 (Steele, Lea, Flood 2014): enough to choose places.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut draw = |below: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (below.max(1) as u64)).unwrap_or_default()
    };
    let mut body = sound.to_vec();
    for _ in 0..=draw(4) {
        let at = draw(body.len());
        let length = draw(12);
        let end = (at + length).min(body.len());
        match draw(6) {
            0 => drop(body.drain(at..end)),
            1 => body.truncate(at),
            2 => body.splice(at..at, sound[at.min(sound.len())..end.min(sound.len())].to_vec()).for_each(drop),
            3 => body.splice(at..end, b"9".repeat(length)).for_each(drop),
            4 => body.splice(at..at, "\u{20ac}".bytes()).for_each(drop),
            _ => body[at..end].iter_mut().for_each(|byte| *byte = draw(256) as u8),
        }
    }
    body
}
