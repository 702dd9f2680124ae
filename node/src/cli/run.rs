//! `tillmesh run`.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use tillmesh_core::view::Position;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use super::chosen::Chosen;
use crate::config::{Overrides, Settings};
use crate::runtime::Node;

/// Run a node: it sells, syncs and serves its API until it is interrupted
///
/// Without a broker it works by itself. Settings come from these options, else from environment variables
/// (TILLMESH_<SECTION>_<KEY>, lists separated by commas), else from the file, else from the defaults. Plugins and
/// channels are set in the file only.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    chosen: Chosen,
    /// Location whose stock the node touches [default: the node's name]
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    /// Region whose carts the node shares [default: main]
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Time zone of the location, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Where the API listens; port 0 takes a free one [default: 127.0.0.1:7210]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<String>,
    /// MQTT broker that carries the sync
    #[arg(long, value_name = "mqtt://HOST:PORT", conflicts_with = "embedded_broker")]
    broker: Option<String>,
    /// Run an MQTT broker inside this process and use it
    #[arg(long, value_name = "IP:PORT")]
    embedded_broker: Option<String>,
    /// Second MQTT broker, such as the one at the headquarters: the node joins both
    #[arg(long, value_name = "mqtt://HOST:PORT")]
    bridge: Option<String>,
    /// Allow addresses that others can reach. There is no access control in this version: whoever reaches the API can
    /// sell, change prices and stock, and whoever reaches the broker can read and send everything
    #[arg(long)]
    allow_network_access_without_authentication: bool,
    /// How to write the log, to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What to log, such as info or tillmesh=debug
    #[arg(long, env = "TILLMESH_LOG", default_value = "info,mqtt5=warn", value_name = "FILTER")]
    log: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// A JSON object a line
    Json,
}

impl Run {
    pub(super) fn run(self) -> Result<ExitCode> {
        start_log(&self.log, self.log_format)?;
        let settings = self.chosen.load(self.overrides())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
        runtime.block_on(serve(settings, |node, address| {
            announce(node, address);
            interrupted()
        }))?;
        Ok(ExitCode::SUCCESS)
    }

    fn overrides(&self) -> Overrides {
        Overrides {
            location: self.location.clone(),
            region: self.region.clone(),
            time_zone: self.time_zone.clone(),
            listen: self.listen.clone(),
            broker: self.broker.clone(),
            embedded_broker: self.embedded_broker.clone(),
            bridge: self.bridge.clone(),
            allow_network_access_without_authentication: self.allow_network_access_without_authentication,
            ..Overrides::default()
        }
    }
}

/// Writes the log to standard error.
pub(super) fn start_log(filter: &str, format: LogFormat) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

/// Runs a node until the future that `up` gives is over, or its engine is: a node that can do nothing any more ends, so
/// that whoever watches over it starts it again. The address is taken before the store is opened: a second start of the
/// same node fails without touching anything.
pub(super) async fn serve<Over: Future<Output = ()> + Send + 'static>(
    settings: Settings,
    up: impl FnOnce(&Node, SocketAddr) -> Over,
) -> Result<()> {
    let listen = settings.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen at {listen}"))?;
    let address = listener.local_addr().context("the address of the listener")?;
    let node = Node::start(settings).await?;
    let (over, head) = (up(&node, address), node.handle().head());
    let over = async move {
        tokio::select! {
            () = over => {}
            () = ended(head) => {}
        }
    };
    let result = crate::http::serve(node.handle(), listener, over).await;
    let broken = !node.handle().status().engine_runs;
    tracing::info!("stopping");
    node.shutdown().await;
    result.context("serve the API")?;
    anyhow::ensure!(!broken, "the engine panicked; nothing that was acknowledged is lost: start the node again");
    Ok(())
}

/// Waits until nobody can commit any more.
async fn ended(mut head: watch::Receiver<Position>) {
    while head.changed().await.is_ok() {}
}

fn announce(node: &Node, address: SocketAddr) {
    let handle = node.handle();
    let (settings, status) = (handle.settings(), handle.status());
    let broker = status.embedded_broker.map(|address| format!("mqtt://{address}, embedded"));
    let broker = broker.or_else(|| settings.broker.as_ref().map(|link| link.broker.to_string()));
    let bridge = settings.bridge.as_ref().map(|bridge| bridge.link.broker.to_string());
    tracing::info!(
        node = %settings.node,
        location = %settings.location,
        epoch = %handle.writer().epoch,
        data = %settings.data.display(),
        broker = broker.as_deref().unwrap_or("none"),
        bridge = bridge.as_deref().unwrap_or("none"),
        "listening at http://{address}"
    );
    if !address.ip().is_loopback() {
        tracing::warn!("whoever reaches {address} can sell and change prices and stock: there is no access control");
    }
}

/// An interrupt or a termination signal.
pub(super) async fn interrupted() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot wait for interrupts");
            std::future::pending::<()>().await;
        }
    };
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::error!(%error, "cannot wait for termination signals");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

#[cfg(test)]
mod tests;
