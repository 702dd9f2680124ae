//! What the tests share: nodes as processes, requests, the change stream, MQTT by hand.

pub mod http;
pub mod mqtt;
pub mod node;
pub mod schema;
pub mod shop;
pub mod sink;
pub mod stream;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

pub use node::{Node, Setup};
use tillmesh_examples::client;

/// How long nodes may take to hear of something: a reconnect after a cut may wait for half of it.
const HEAR: Duration = Duration::from_secs(90);

/// Waits until a condition holds, and fails the test when it does not.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    client::wait_until(what, HEAR, || Ok(holds())).unwrap();
}

/// The executable.
pub fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("tillmesh");
    assert!(path.exists(), "{} is not there: run `cargo build -p tillmesh`", path.display());
    path
}

/// A component that `plugins/build` made.
pub fn component(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/target/components");
    let path = folder.join(format!("{name}.wasm"));
    path.canonicalize().unwrap_or_else(|_| panic!("{} is not there: run `plugins/build`", path.display()))
}

/// The executable as a command.
pub fn command() -> Command {
    apart(Command::new(executable()))
}

/// A command apart from the environment's settings.
fn apart(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TILLMESH_")) {
        command.env_remove(name);
    }
    // Help is wrapped to the width of the terminal, of which there is none.
    command.env("COLUMNS", "100");
    // What commands compile is kept for the next one, and not where the user's own is.
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs the executable to its end.
pub fn tillmesh(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

/// What a command wrote to standard output.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
