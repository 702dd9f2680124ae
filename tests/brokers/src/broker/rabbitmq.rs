//! RabbitMQ with its MQTT plugin and without AMQP.
//!
//! It insists on Erlang's port mapper, which would start as a daemon and outlive it; so that has a process and a port
//! of its own here, as everything else that two brokers on one machine would share.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Place;
use super::process::{Process, find};
use crate::port;

/// Where Debian keeps its versions.
const HOME: &str = "/usr/lib/rabbitmq/lib";

/// The server's own script. The one in the `PATH` would change to the user `rabbitmq`, who may not read our files.
pub(super) fn program() -> Option<PathBuf> {
    let versions = std::fs::read_dir(HOME).ok()?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    versions.map(|version| version.join("sbin/rabbitmq-server")).filter(|path| path.is_file()).max()
}

pub(super) fn start(place: &Place<'_>) -> Result<Vec<Process>> {
    let program = program().context("RabbitMQ is not installed")?;
    let mapper = find("epmd").context("Erlang's port mapper is not installed")?;
    let mapper_port = port::reserve()?.port().to_string();
    let ip = place.address.ip().to_string();
    let mut mapping = Command::new(mapper);
    mapping.args(["-port", &mapper_port]).env("ERL_EPMD_ADDRESS", &ip);
    let mapping = Process::start(&mut mapping, place.log)?;

    let (config, plugins) = write_settings(place)?;
    let mut server = Command::new(program);
    server
        .env("HOME", place.state)
        .env("ERL_EPMD_ADDRESS", &ip)
        .env("ERL_EPMD_PORT", &mapper_port)
        .env("RABBITMQ_NODENAME", format!("tillmesh-{}@localhost", place.address.port()))
        .env("RABBITMQ_DIST_PORT", port::reserve()?.port().to_string())
        .env("RABBITMQ_MNESIA_BASE", place.state.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", place.state.join("log"))
        .env("RABBITMQ_CONFIG_FILE", config)
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
        // The machine's own settings are for the machine's own broker.
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        // The script becomes the server instead of starting it beside itself: what is killed is the server.
        .env("RABBITMQ_ALLOW_INPUT", "1")
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang_arguments(&ip));
    Ok(vec![Process::start(&mut server, place.log)?, mapping])
}

/// Erlang's schedulers would spin for work on processors that the nodes need.
fn erlang_arguments(ip: &str) -> String {
    let interface = ip.replace('.', ",");
    format!("-noinput -start_epmd false -kernel inet_dist_use_interface {{{interface}}} +sbwt none +sbwtdcpu none")
}

fn write_settings(place: &Place<'_>) -> Result<(PathBuf, PathBuf)> {
    let file = |name: &str| place.state.join(name);
    let (config, plugins) = (file("rabbitmq.conf"), file("enabled_plugins"));
    write(&plugins, "[rabbitmq_mqtt].\n")?;
    write(
        &config,
        &format!(
            "listeners.tcp = none\nmqtt.listeners.tcp.1 = {}\nmqtt.allow_anonymous = true\n\
             log.file = false\nlog.console = true\nlog.console.level = warning\n",
            place.address
        ),
    )?;
    Ok((config, plugins))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
