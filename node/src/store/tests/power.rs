//! A power cut in the middle of a commit, as often as it takes: the disk keeps what was synced and any part of the
//! rest.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use redb::{Database, ReadableDatabase as _, ReadableTable as _};

use super::super::{commit, definition, file};
use super::disk::Volatile;
use super::put;
use tillmesh_core::storage::Table;

const CUTS: u64 = 300;
const SEED: u64 = 0x7111_3e54;

#[test]
fn a_power_cut_with_quick_repair_loses_no_commit_that_returned_and_shows_none_half() {
    survive(true);
}

#[test]
fn a_power_cut_without_quick_repair_loses_no_commit_that_returned_and_shows_none_half() {
    survive(false);
}

fn survive(quick_repair: bool) {
    let (mut returned, mut unsure) = (0, 0);
    for cut in 0..CUTS {
        let seed = SEED.wrapping_add(cut);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let disk = Volatile::default();
        let before = trade_until_the_cut(&disk, &mut rng, quick_repair);
        let after = open(&disk.after_the_cut(&mut rng)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = numbers(&after, seed);
        assert!((before..=before + 1).contains(&found), "seed {seed}: {before} returned, {found} are there");
        returned += before;
        unsure += found - before;
    }
    assert!(returned > CUTS && unsure > 0, "cuts must come after and in the middle of commits: {returned}, {unsure}");
}

/// Commits numbered rows until the power is gone; gives how many commits returned.
fn trade_until_the_cut(disk: &Volatile, rng: &mut ChaCha20Rng, quick_repair: bool) -> u64 {
    let database = open(disk).unwrap();
    disk.cut_after((rng.next_u32() % 200) as usize);
    for number in 1_u64.. {
        let key = number.to_be_bytes();
        let filling = vec![0x5a; (rng.next_u32() % 9_000) as usize];
        let earlier = (rng.next_u64() % number).to_be_bytes();
        let writes =
            vec![put(Table::Log, key, key), put(Table::Rows(1), key, key), put(Table::Rows(2), earlier, filling)];
        if commit(&database, writes, quick_repair).is_err() {
            return number - 1;
        }
    }
    unreachable!("the power lasts for a few changes only");
}

fn open(disk: &Volatile) -> Result<Database, redb::DatabaseError> {
    file::builder().create_with_backend(disk.clone())
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
