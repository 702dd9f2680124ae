//! `kill -9` at random moments: a child process commits and says so, the parent kills it and looks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tillmesh_core::storage::{Read as _, Storage as _, Table, Write};

use super::super::Store;
use super::super::writer::LARGE_BYTES;
use super::{all, put};

const KILLS: usize = 30;
const SEED: u64 = 0x0ddb_a115;
/// Repeats a run that failed.
const SEED_VARIABLE: &str = "TILLMESH_STORE_SEED";
/// Tells this test binary that it is the child, and where the store is.
const CHILD_VARIABLE: &str = "TILLMESH_STORE_CRASH_CHILD";
/// What the child says before the number of a commit that returned.
const SAID: &str = "committed ";
/// How many large values go round: the file must not grow without end.
const LARGE: u64 = 8;
/// How often a large value repeats its number: so often that its commit passes the log by.
const LARGE_WORDS: usize = LARGE_BYTES as usize / size_of::<u64>();

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged_and_shows_nothing_half() {
    let seed = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    println!("again with: {SEED_VARIABLE}={seed}");
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("node.redb");
    let (mut acknowledged, mut productive) = (0, 0);
    for kill in 0..KILLS {
        let before = acknowledged;
        acknowledged = acknowledged.max(run_and_kill(&path, &mut rng));
        productive += usize::from(acknowledged > before);
        let found = check(&path, &format!("seed {seed}, kill {kill}"));
        assert!(found >= acknowledged, "seed {seed}, kill {kill}: {acknowledged} acknowledged, {found} there");
        assert!(found <= acknowledged + 1, "seed {seed}, kill {kill}: only one commit can be under way");
        acknowledged = found;
    }
    assert!(productive * 2 > KILLS, "most kills must come after commits: {productive} of {KILLS}");
}

/// The child: this test binary, started by the parent.
#[test]
#[ignore = "the other half of the test above, which starts it"]
fn child() {
    let Ok(path) = std::env::var(CHILD_VARIABLE) else { return };
    let mut store = Store::open(Path::new(&path)).unwrap();
    let last = store.last(Table::Log).unwrap();
    let first = last.map_or(1, |(key, _)| u64::from_be_bytes(key.try_into().unwrap()) + 1);
    for number in first.. {
        store.commit(rows_of(number)).unwrap();
        let mut output = std::io::stdout().lock();
        writeln!(output, "{SAID}{number}").and_then(|()| output.flush()).unwrap();
    }
}

/// What the commit of a number writes: a row in each of two tables, and every few a large value in place of an older
/// one.
fn rows_of(number: u64) -> Vec<Write> {
    let key = number.to_be_bytes();
    let mut rows = vec![put(Table::Log, key, key), put(Table::Rows(1), key, key)];
    if number.is_multiple_of(5) {
        rows.push(put(Table::Objects, (number % LARGE).to_be_bytes(), key.repeat(LARGE_WORDS)));
    }
    rows
}

/// Starts a child, kills it at a random moment and gives the last number that it acknowledged, 0 for none.
fn run_and_kill(path: &Path, rng: &mut ChaCha20Rng) -> u64 {
    let mut child = start(path);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (commits, microseconds) = (rng.next_u32() % 40, rng.next_u32() % 3_000);
    let mut last = 0;
    let mut numbers = lines.by_ref().map_while(Result::ok).filter_map(|line| number_of(&line));
    // Some kills come before the first commit: while the file is made, or repaired.
    last = numbers.by_ref().take(commits as usize).fold(last, u64::max);
    std::thread::sleep(Duration::from_micros(u64::from(microseconds)));
    child.kill().unwrap();
    last = numbers.fold(last, u64::max);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "the child must have been killed, not have failed: {status}");
    last
}

fn start(path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "store::tests::crash::child", "--ignored", "--nocapture"]);
    command.env(CHILD_VARIABLE, path).stdout(Stdio::piped()).spawn().unwrap()
}

fn number_of(line: &str) -> Option<u64> {
    line.split_once(SAID)?.1.parse().ok()
}

/// Opens the store and checks that every number is there in both tables; gives the last.
fn check(path: &Path, context: &str) -> u64 {
    let store = Store::open(path).unwrap_or_else(|error| panic!("{context}: {error}"));
    let (log, rows) = (all(&store, Table::Log), all(&store, Table::Rows(1)));
    assert!(log == rows, "{context}: a commit is there half: {} and {} rows", log.len(), rows.len());
    for ((key, value), number) in log.iter().zip(1_u64..) {
        assert_eq!(
            (key.as_slice(), value.as_slice()),
            (&number.to_be_bytes()[..], &number.to_be_bytes()[..]),
            "{context}"
        );
    }
    let last = log.len() as u64;
    for (key, value) in all(&store, Table::Objects) {
        let place = u64::from_be_bytes(key.try_into().unwrap());
        let written = (1..=last).rev().find(|number| number % 5 == 0 && number % LARGE == place).unwrap();
        assert!(value == written.to_be_bytes().repeat(LARGE_WORDS), "{context}: the large value of {written}");
    }
    last
}
