//! A power cut at any moment, as often as it takes: the disks keep what was synced and any part of the rest.

use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tempfile::TempDir;

use super::super::file::{Medium as _, log_of};
use super::super::open::{Open, scan};
use super::super::writer::{LARGE_BYTES, Writer};
use super::disk::Machine;
use super::put;
use tillmesh_core::storage::{Table, Write};

const CUTS: u64 = 400;
const SEED: u64 = 0x7111_3e54;

#[test]
fn a_power_cut_loses_no_commit_that_returned_and_shows_none_half() {
    let (mut returned, mut unsure, mut twice) = (0, 0, 0);
    for cut in 0..CUTS {
        let seed = SEED.wrapping_add(cut);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let folder = TempDir::new().unwrap();
        let store = folder.path().join("node.redb");
        let mut machine = Machine::new();
        // A store gets its name when it is whole, so no cut comes before that.
        drop(open(&machine, &store).unwrap());
        let mut sure = trade_until_the_cut(&machine, &store, &mut rng, 0, seed);
        // Some cuts come while the store is opened after a cut, or go on trading after it.
        for _ in 0..rng.next_u32() % 3 {
            machine = machine.after_the_cut(&mut rng);
            sure = trade_until_the_cut(&machine, &store, &mut rng, sure, seed);
            twice += 1;
        }
        let machine = machine.after_the_cut(&mut rng);
        let (_writer, store) = open(&machine, &store).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = numbers(&store, seed);
        assert!((sure..=sure + 1).contains(&found), "seed {seed}: {sure} returned, {found} are there");
        returned += sure;
        unsure += found - sure;
    }
    assert!(returned > CUTS && unsure > 0 && twice > 0, "cuts must come after and in the middle: {returned}, {unsure}");
}

/// Commits numbered rows until the power is gone, at least so many; gives how many are sure to be there.
fn trade_until_the_cut(machine: &Machine, store: &Path, rng: &mut ChaCha20Rng, sure: u64, seed: u64) -> u64 {
    machine.cut_after((rng.next_u32() % 120) as usize);
    let Ok((mut writer, store)) = open(machine, store) else { return sure };
    let found = numbers(&store, seed);
    assert!((sure..=sure + 1).contains(&found), "seed {seed}: {sure} returned, {found} are there");
    for number in found + 1.. {
        if writer.commit(&store, writes_of(number, rng)).is_err() {
            return number - 1;
        }
    }
    unreachable!("the power lasts for a few changes only");
}

/// A row in each of two tables, and one in place of an earlier one: sometimes so large that it passes the log by.
fn writes_of(number: u64, rng: &mut ChaCha20Rng) -> Vec<Write> {
    let key = number.to_be_bytes();
    let earlier = (rng.next_u64() % number).to_be_bytes();
    let most = if rng.next_u32().is_multiple_of(6) { 2 * LARGE_BYTES } else { 9_000 };
    let filling = vec![0x5a; (rng.next_u64() % most) as usize];
    vec![put(Table::Log, key, key), put(Table::Rows(1), key, key), put(Table::Rows(2), earlier, filling)]
}

fn open(machine: &Machine, store: &Path) -> Result<(Writer, Open), String> {
    // The files only have to be there, the log's with something in it: their content is on the machine's disks.
    let log = log_of(store);
    if log.exists() {
        std::fs::write(log, "x").unwrap();
    }
    let unused = std::fs::File::create(store).unwrap();
    let database = machine.database(unused).map_err(|error| error.to_string())?;
    Writer::open(store, database, machine).map_err(|error| error.to_string())
}

/// How many numbered rows there are, the same in both tables, without a gap.
fn numbers(store: &Open, seed: u64) -> u64 {
    let count = |table| {
        let changes = store.recent().range(table, &[], None, usize::MAX);
        let rows = store.table(table).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let pairs = scan(changes, rows.as_ref(), (&[], None), usize::MAX);
        let pairs = pairs.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        pairs
            .iter()
            .zip(1_u64..)
            .for_each(|((_, value), number)| assert_eq!(value, &number.to_be_bytes(), "seed {seed}"));
        pairs.len()
    };
    let (log, rows) = (count(Table::Log), count(Table::Rows(1)));
    assert_eq!(log, rows, "seed {seed}: a commit is there half");
    log as u64
}
