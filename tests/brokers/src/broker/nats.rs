//! NATS: it speaks MQTT on a port of its own, keeps sessions and messages of quality 1 in JetStream, and wants a name
//! for that.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Place;
use super::process::{Process, find};
use crate::port;

pub(super) fn program() -> Option<PathBuf> {
    find("nats-server")
}

pub(super) fn start(place: &Place<'_>) -> Result<Vec<Process>> {
    let program = program().context("NATS is not installed")?;
    let config = place.state.join("nats.conf");
    let (ip, port) = (place.address.ip(), place.address.port());
    let text = format!(
        "server_name: tillmesh-{port}\nhost: {ip}\nport: {own}\njetstream {{ store_dir: {store:?} }}\n\
         mqtt {{ host: {ip}, port: {port} }}\n",
        own = port::reserve()?.port(),
        store = place.state.join("jetstream"),
    );
    std::fs::write(&config, text)?;
    Ok(vec![Process::start(Command::new(program).arg("-c").arg(config), place.log)?])
}
