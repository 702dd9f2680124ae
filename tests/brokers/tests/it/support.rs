//! One fleet at a time, and only over brokers that are there.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use tillmesh_brokers::broker::{Broker, Kind};

/// Two fleets at once would take each other's processors.
static TURN: Mutex<()> = Mutex::new(());

/// Plays a case over a broker, and says how long that took; says so where the broker is not installed.
pub fn with_broker(kind: Kind, case: impl FnOnce(Broker) -> Result<()>) {
    if !kind.is_installed() {
        eprintln!("left out: {kind}, not installed");
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let broker = Broker::start(kind).unwrap();
    let started = Instant::now();
    if let Err(error) = case(broker) {
        panic!("over {kind}: {error:?}");
    }
    println!("over {kind}: {:.1} s", started.elapsed().as_secs_f64());
}
