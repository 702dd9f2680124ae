//! Mosquitto: everything in memory.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Place;
use super::process::{Process, find};

pub(super) fn program() -> Option<PathBuf> {
    find("mosquitto")
}

pub(super) fn start(place: &Place<'_>) -> Result<Vec<Process>> {
    let program = program().context("Mosquitto is not installed")?;
    let config = place.state.join("mosquitto.conf");
    let (ip, port) = (place.address.ip(), place.address.port());
    std::fs::write(&config, format!("listener {port} {ip}\nallow_anonymous true\n"))?;
    Ok(vec![Process::start(Command::new(program).arg("-c").arg(config), place.log)?])
}
