//! Columns whose runs say more than anybody could count: a hundred bytes that Automerge would read for years, or until
//! memory ends.

use super::forged::with_checksum;
use super::*;

/// Specifications of columns.
const KEY: u8 = 0x15;
const INSERT: u8 = 0x34;
const ACTION: u8 = 0x42;
const VALUE: u8 = 0x56;
const PREDECESSORS: u8 = 0x70;
const PREDECESSOR_ACTOR: u8 = 0x71;
const PREDECESSOR_COUNTER: u8 = 0x73;

/// More operations than a change may have, and far more.
const LONG: [i64; 3] = [513, 1 << 40, 1 << 62];

/// A number as a run begins with it, and as everything else writes one; both seven bits in a byte.
fn number(mut value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x3f {
        bytes.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn run(length: i64, value: &[u8]) -> Vec<u8> {
    [&number(length), value].concat()
}

/// A first change of the ledger with these columns.
fn change(columns: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let actor = [EPOCH.as_bytes().as_slice(), BOOT.as_bytes()].concat();
    let mut body = [&[0, 16], actor.as_slice(), &[1, 1, 0, 0, 0, columns.len() as u8]].concat();
    columns.iter().for_each(|(specification, column)| body.extend([*specification, column.len() as u8]));
    columns.iter().for_each(|(_, column)| body.extend(column));
    assert!(body.len() < 128, "its length is one byte");
    with_checksum([&[0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1, body.len() as u8], body.as_slice()].concat())
}

/// As many values put at one key as a run says, each with so many predecessors.
fn puts(operations: i64, predecessors: i64) -> Vec<u8> {
    let mut columns = vec![
        (KEY, run(operations, &[1, b'a'])),
        (INSERT, number(operations)),
        (ACTION, run(operations, &[1])),
        (VALUE, run(operations, &[7])),
        (PREDECESSORS, run(operations, &number(predecessors))),
    ];
    if predecessors > 0 {
        columns.push((PREDECESSOR_ACTOR, run(i64::MAX, &[0])));
        columns.push((PREDECESSOR_COUNTER, run(i64::MAX, &[1])));
    }
    change(&columns)
}

/// What Automerge itself takes, so that what is refused is refused for its runs.
fn reads_on(operations: i64, predecessors: i64) {
    let read = read_change(&ledger(), &puts(operations, predecessors));
    assert_eq!(read.unwrap_err(), wrong_shape("it puts a value outside every block"));
}

#[test]
fn operations_without_end_in_a_few_bytes_are_refused_before_they_are_read() {
    reads_on(512, 0);
    for operations in LONG {
        let bytes = puts(operations, 0);
        assert!(bytes.len() < 120, "{} bytes", bytes.len());
        assert_eq!(read_change(&ledger(), &bytes).unwrap_err(), wrong_shape("it has too many operations"));
    }
}

#[test]
fn predecessors_without_end_in_a_few_bytes_are_refused_before_they_are_read() {
    reads_on(1, 2);
    for predecessors in [60_000, 1 << 40, 1 << 62] {
        assert_eq!(
            read_change(&ledger(), &puts(1, predecessors)).unwrap_err(),
            wrong_shape("it has too many predecessors")
        );
    }
    assert_eq!(read_change(&ledger(), &puts(512, 200)).unwrap_err(), wrong_shape("it has too many predecessors"));
}

#[test]
fn runs_that_end_early_are_refused() {
    for column in [vec![0x80], run(3, &[]), vec![0x7e, 1], vec![0], vec![0xff; 11]] {
        let refused = read_change(&ledger(), &change(&[(ACTION, column)])).unwrap_err();
        assert_eq!(refused, ChangeError::Malformed("its columns cannot be read".to_owned()));
    }
}
