//! What one call hands to the next: how many rows came before, the line of names, how often each receipt was begun, and
//! the bytes from the first row on that is not done with.

use std::collections::BTreeMap;

use tillmesh_plugin::{Failure, failure};

/// The most bytes that wait for the next piece: a receipt of as many rows as a command has lines, of 128 bytes each.
const MAX_REST: usize = 128 * 1024;
/// How many receipts are remembered, the last ones. A till that interrupts a receipt goes on with it sooner.
const MAX_RECEIPTS: usize = 40_000;
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

/// How often each receipt of the file was begun, and which ones lately.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    begun: BTreeMap<u64, Begun>,
    beginnings: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Begun {
    times: u32,
    /// The number of the last beginning.
    last: u64,
}

impl Receipts {
    /// A receipt begins: how often it did, this time included.
    pub fn begin(&mut self, receipt: &str) -> u32 {
        self.beginnings += 1;
        let begun = self.begun.entry(hash(receipt)).or_default();
        *begun = Begun { times: begun.times + 1, last: self.beginnings };
        begun.times
    }

    /// A receipt that was begun will be read again.
    pub fn take_back(&mut self, receipt: &str) {
        let begun = self.begun.entry(hash(receipt)).or_default();
        begun.times = begun.times.saturating_sub(1);
        if begun.times == 0 {
            self.begun.remove(&hash(receipt));
        }
    }

    /// The last ones, in the order in which they were begun last.
    fn to_bytes(&self) -> Vec<u8> {
        let mut begun: Vec<_> = self.begun.iter().collect();
        begun.sort_unstable_by_key(|(_, begun)| begun.last);
        let kept = &begun[begun.len().saturating_sub(MAX_RECEIPTS)..];
        kept.iter().flat_map(|(hash, begun)| [&hash.to_le_bytes()[..], &begun.times.to_le_bytes()].concat()).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut receipts = Self::default();
        for pair in bytes.chunks(RECEIPT_BYTES) {
            let (hash, times) = pair.split_first_chunk()?;
            receipts.beginnings += 1;
            let begun = Begun { times: u32::from_le_bytes(times.try_into().ok()?), last: receipts.beginnings };
            receipts.begun.insert(u64::from_le_bytes(*hash), begun);
        }
        Some(receipts)
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
        let receipts = self.receipts.to_bytes();
        let head = format!("{} {} {}\n", self.rows, self.names.len(), receipts.len());
        Ok([head.as_bytes(), &self.names, &receipts, &self.rest].concat())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let mut numbers = str::from_utf8(&bytes[..end]).ok()?.split(' ');
        let rows = numbers.next()?.parse().ok()?;
        let (names, rest) = bytes[end + 1..].split_at_checked(numbers.next()?.parse().ok()?)?;
        let (receipts, rest) = rest.split_at_checked(numbers.next()?.parse().ok()?)?;
        let receipts = Receipts::from_bytes(receipts)?;
        Some(Self { rows, names: names.to_vec(), receipts, rest: rest.to_vec() })
    }
}

/// FNV-1a (RFC 9923). Two receipts of one hash cost no more than a number behind the second.
fn hash(number: &str) -> u64 {
    number
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
