//! How much a change would expand to, read before Automerge expands it.
//!
//! A change's operations are columns of runs ("the next 2^60 operations are like this one"), so a hundred bytes can say
//! more operations than anybody could ever count, and more predecessors than fit into memory. Automerge reads them one
//! by one. What is counted here is what everything else follows from: each operation has one action, and the number of
//! predecessors that its group says.
//!
//! ```text
//! chunk    magic, checksum, type, length, body
//! body     dependencies, actor, sequence, first operation, time, message, other actors,
//!          number of columns, (specification, length) of each, their bytes, extra bytes
//! column   runs: n > 0, value | n < 0, values | 0, how many nulls
//! ```

use super::{CHUNK_TYPE_OFFSET, ChangeError, MAX_CHANGE, MAX_OPERATIONS};

/// The columns that are counted: id and type, as a specification packs them (Automerge binary format, "column
/// specifications").
const ACTIONS: u64 = 4 << 4 | 2;
const PREDECESSORS: u64 = 7 << 4;
/// A compressed column is one bit away from the plain one. Automerge refuses those in changes.
const DEFLATED: u64 = 8;
/// The most predecessors of all operations together: as many as a change has bytes at most, half a megabyte in memory.
/// An honest one has as many as there are values that writers put apart.
const MAX_PREDECESSORS: u64 = MAX_CHANGE as u64;
/// The bytes of a dependency.
const HASH: u64 = 32;
/// A number has seven bits in each byte.
const LONGEST_NUMBER: u32 = 63;

/// Refuses a change that says more operations or predecessors than allowed, or that cannot be read so far.
pub(super) fn check(chunk: &[u8]) -> Result<(), ChangeError> {
    let (operations, predecessors) =
        count(chunk).ok_or_else(|| ChangeError::Malformed("its columns cannot be read".to_owned()))?;
    if operations > MAX_OPERATIONS as u64 {
        return Err(ChangeError::Shape("it has too many operations"));
    }
    if predecessors > MAX_PREDECESSORS {
        return Err(ChangeError::Shape("it has too many predecessors"));
    }
    Ok(())
}

/// Operations and predecessors; a number that overflows counts as the largest.
fn count(chunk: &[u8]) -> Option<(u64, u64)> {
    let mut chunk = Reader(chunk.get(CHUNK_TYPE_OFFSET + 1..)?);
    let length = chunk.unsigned()?;
    let mut body = Reader(chunk.take(length)?);
    let dependencies = body.unsigned()?;
    body.take(dependencies.checked_mul(HASH)?)?;
    body.prefixed()?;
    body.unsigned()?;
    body.unsigned()?;
    body.signed()?;
    body.prefixed()?;
    for _ in 0..body.unsigned()? {
        body.prefixed()?;
    }
    let columns = (0..body.unsigned()?).map(|_| Some((body.unsigned()?, body.unsigned()?)));
    let columns: Vec<_> = columns.collect::<Option<_>>()?;
    let (mut operations, mut predecessors) = (0_u64, 0_u64);
    for (specification, length) in columns {
        let column = Reader(body.take(length)?);
        match specification & !DEFLATED {
            ACTIONS => operations = operations.saturating_add(column.sum(|run, _| run)?),
            PREDECESSORS => predecessors = predecessors.saturating_add(column.sum(u64::saturating_mul)?),
            _ => {}
        }
    }
    Some((operations, predecessors))
}

/// Bytes still to be read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: u64) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn prefixed(&mut self) -> Option<&'b [u8]> {
        let length = self.unsigned()?;
        self.take(length)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let [byte] = *self.take(1)? else { return None };
            let bits = u64::from(byte & 0x7f);
            if shift > LONGEST_NUMBER || (bits << shift) >> shift != bits {
                return None;
            }
            number |= bits << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let (mut number, mut shift) = (0_i64, 0);
        loop {
            let [byte] = *self.take(1)? else { return None };
            if shift > LONGEST_NUMBER {
                return None;
            }
            number |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let negative = byte & 0x40 != 0 && shift < i64::BITS;
                return Some(if negative { number | -1 << shift } else { number });
            }
        }
    }

    /// Adds up the runs of a column, each with its value; nulls have the value 0.
    fn sum(mut self, of: impl Fn(u64, u64) -> u64) -> Option<u64> {
        let mut sum = 0_u64;
        while !self.0.is_empty() {
            match self.signed()? {
                0 => sum = sum.saturating_add(of(self.unsigned()?, 0)),
                run if run > 0 => sum = sum.saturating_add(of(run.unsigned_abs(), self.unsigned()?)),
                literals => {
                    for _ in 0..literals.unsigned_abs() {
                        sum = sum.saturating_add(of(1, self.unsigned()?));
                    }
                }
            }
        }
        Some(sum)
    }
}
