//! A power cut at any moment, as often as it takes: the disks keep what was synced and any part of the rest.

use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use redb::{Database, ReadableDatabase as _, ReadableTable as _};
use tempfile::TempDir;

use super::super::definition;
use super::super::file::{Medium as _, log_of};
use super::super::writer::Writer;
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
        let (database, _writer) = open(&machine, &store).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = numbers(&database, seed);
        assert!((sure..=sure + 1).contains(&found), "seed {seed}: {sure} returned, {found} are there");
        returned += sure;
        unsure += found - sure;
    }
    assert!(returned > CUTS && unsure > 0 && twice > 0, "cuts must come after and in the middle: {returned}, {unsure}");
}

/// Commits numbered rows until the power is gone, at least so many; gives how many are sure to be there.
fn trade_until_the_cut(machine: &Machine, store: &Path, rng: &mut ChaCha20Rng, sure: u64, seed: u64) -> u64 {
    machine.cut_after((rng.next_u32() % 120) as usize);
    let Ok((database, mut writer)) = open(machine, store) else { return sure };
    let found = numbers(&database, seed);
    assert!((sure..=sure + 1).contains(&found), "seed {seed}: {sure} returned, {found} are there");
    for number in found + 1.. {
        if writer.commit(&database, writes_of(number, rng)).is_err() {
            return number - 1;
        }
    }
    unreachable!("the power lasts for a few changes only");
}

/// A row in each of two tables, and one in place of an earlier one: sometimes so large that it passes the log by.
fn writes_of(number: u64, rng: &mut ChaCha20Rng) -> Vec<Write> {
    let key = number.to_be_bytes();
    let earlier = (rng.next_u64() % number).to_be_bytes();
    let most = if rng.next_u32().is_multiple_of(6) { 300_000 } else { 9_000 };
    let filling = vec![0x5a; (rng.next_u32() % most) as usize];
    vec![put(Table::Log, key, key), put(Table::Rows(1), key, key), put(Table::Rows(2), earlier, filling)]
}

fn open(machine: &Machine, store: &Path) -> Result<(Database, Writer), String> {
    // The files only have to be there, the log's with something in it: their content is on the machine's disks.
    let log = log_of(store);
    if log.exists() {
        std::fs::write(log, "x").unwrap();
    }
    let unused = std::fs::File::create(store).unwrap();
    let database = machine.database(unused).map_err(|error| error.to_string())?;
    let writer = Writer::open(store, &database, machine).map_err(|error| error.to_string())?;
    Ok((database, writer))
}

/// How many numbered rows there are, the same in both tables, without a gap.
fn numbers(database: &Database, seed: u64) -> u64 {
    let transaction = database.begin_read().unwrap();
    let count = |name: &str| match transaction.open_table(definition(name)) {
        Ok(table) => {
            let rows = table.iter().unwrap().map(|row| row.unwrap().1.value().to_vec());
            rows.zip(1_u64..).map(|(value, number)| assert_eq!(value, number.to_be_bytes(), "seed {seed}")).count()
        }
        Err(redb::TableError::TableDoesNotExist(_)) => 0,
        Err(error) => panic!("seed {seed}: {error}"),
    };
    let (log, rows) = (count("log.v1"), count("rows-1.v1"));
    assert_eq!(log, rows, "seed {seed}: a commit is there half");
    log as u64
}
