//! What one call hands to the next: how many rows came before, the line of names, how often each receipt was begun, and
//! the bytes from the first row on that is not done with.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use tillmesh_plugin::{Failure, failure};

/// The most bytes that wait for the next piece: a receipt of as many rows as a command has lines, of 128 bytes each.
const MAX_REST: usize = 128 * 1024;
/// How many receipts are remembered before those begin to be forgotten that came before them: 240 KB. A till that
/// interrupts a receipt goes on with it sooner.
const GENERATION: usize = 20_000;
/// What stands for a receipt: a hash of its number, and how often it was begun.
const RECEIPT_BYTES: usize = 12;

/// What is handed over.
#[derive(Debug, Default)]
pub(crate) struct Carry {
    /// Rows before the rest.
    pub rows: u64,
    /// The line of names as it stands in the file; empty before the first piece.
    pub names: Vec<u8>,
    pub receipts: Receipts,
    pub rest: Vec<u8>,
}

/// How often each receipt of the file was begun. Of those before this call only the bytes are looked at: to read them
/// into a map would take more of what a call may use than everything else.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    /// Those before the young ones.
    old: Sorted,
    /// Those of the calls before.
    young: Sorted,
    /// Those of this call.
    new: BTreeMap<u64, u32>,
}

/// Receipts by hash, `RECEIPT_BYTES` each.
#[derive(Debug, Default)]
struct Sorted(Vec<u8>);

impl Receipts {
    /// A receipt begins: how often it did, this time included.
    pub fn begin(&mut self, receipt: &str) -> u32 {
        let hash = hash(receipt);
        let times = self.new.get(&hash).copied().unwrap_or_else(|| self.before(hash)) + 1;
        self.new.insert(hash, times);
        times
    }

    /// A receipt that was begun in this call will be read again.
    pub fn take_back(&mut self, receipt: &str) {
        let hash = hash(receipt);
        let times = self.new.remove(&hash).unwrap_or_default().saturating_sub(1);
        if times > self.before(hash) {
            self.new.insert(hash, times);
        }
    }

    fn before(&self, hash: u64) -> u32 {
        self.young.get(hash).or_else(|| self.old.get(hash)).unwrap_or_default()
    }

    /// What the next call needs: the old ones and the young ones.
    fn grown(&self) -> (Vec<u8>, Vec<u8>) {
        let young = self.young.with(&self.new);
        if young.len() > GENERATION * RECEIPT_BYTES { (young, Vec::new()) } else { (self.old.0.clone(), young) }
    }
}

impl Sorted {
    fn len(&self) -> usize {
        self.0.len() / RECEIPT_BYTES
    }

    fn at(&self, place: usize) -> (u64, u32) {
        let bytes = &self.0[place * RECEIPT_BYTES..][..RECEIPT_BYTES];
        let (mut hash, mut times) = ([0; 8], [0; 4]);
        hash.copy_from_slice(&bytes[..8]);
        times.copy_from_slice(&bytes[8..]);
        (u64::from_le_bytes(hash), u32::from_le_bytes(times))
    }

    fn get(&self, hash: u64) -> Option<u32> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.at(middle).0.cmp(&hash) {
                Ordering::Equal => return Some(self.at(middle).1),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    /// These and others, whose times count where both have a receipt.
    fn with(&self, others: &BTreeMap<u64, u32>) -> Vec<u8> {
        let mut merged = Vec::with_capacity(self.0.len() + others.len() * RECEIPT_BYTES);
        let mut add = |hash: u64, times: u32| {
            merged.extend_from_slice(&hash.to_le_bytes());
            merged.extend_from_slice(&times.to_le_bytes());
        };
        let mut others = others.iter().peekable();
        for place in 0..self.len() {
            let (hash, times) = self.at(place);
            while let Some((other, times)) = others.next_if(|(other, _)| **other < hash) {
                add(*other, *times);
            }
            let other = others.next_if(|(other, _)| **other == hash);
            add(hash, other.map_or(times, |(_, times)| *times));
        }
        others.for_each(|(hash, times)| add(*hash, *times));
        merged
    }
}

impl Carry {
    /// Reads what a call handed over.
    ///
    /// # Errors
    /// When it is none of this plugin's.
    pub fn read(bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        Self::parse(bytes).ok_or_else(|| failure::malformed("carry", "", "it is not what this plugin hands over"))
    }

    /// What to hand over.
    ///
    /// # Errors
    /// When a row or receipt is longer than a till's can be.
    pub fn write(&self) -> Result<Vec<u8>, Failure> {
        if self.rest.len() > MAX_REST {
            return Err(failure::malformed("body", "", format!("a row or receipt is longer than {MAX_REST} bytes")));
        }
        let (old, young) = self.receipts.grown();
        let head = format!("{} {} {} {}\n", self.rows, self.names.len(), old.len(), young.len());
        Ok([head.as_bytes(), &self.names, &old, &young, &self.rest].concat())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let mut numbers = str::from_utf8(&bytes[..end]).ok()?.split(' ');
        let rows = numbers.next()?.parse().ok()?;
        let (names, rest) = bytes[end + 1..].split_at_checked(numbers.next()?.parse().ok()?)?;
        let (old, rest) = rest.split_at_checked(numbers.next()?.parse().ok()?)?;
        let (young, rest) = rest.split_at_checked(numbers.next()?.parse().ok()?)?;
        if old.len() % RECEIPT_BYTES != 0 || young.len() % RECEIPT_BYTES != 0 {
            return None;
        }
        let (old, young) = (Sorted(old.to_vec()), Sorted(young.to_vec()));
        let receipts = Receipts { old, young, new: BTreeMap::new() };
        Some(Self { rows, names: names.to_vec(), receipts, rest: rest.to_vec() })
    }
}

/// FNV-1a (RFC 9923). Two receipts of one hash cost no more than a number behind the second.
fn hash(number: &str) -> u64 {
    number
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
