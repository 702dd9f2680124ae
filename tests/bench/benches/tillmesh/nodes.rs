//! Nodes in this process that share a location and a broker.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use tillmesh::config::{Overrides, Settings as NodeSettings};
use tillmesh::runtime::{Handle, LinkState, Node};
use tillmesh_core::id::Writer;

/// How long one step may take before the measurement is given up.
pub const STEP_LIMIT: Duration = Duration::from_secs(60);

/// Starts a node in a folder of its name: with a broker of its own, or at one.
pub async fn start(folder: &Path, name: &str, broker: Option<SocketAddr>) -> anyhow::Result<Node> {
    let flags = Overrides {
        node: Some(name.to_owned()),
        fleet: Some("bench".to_owned()),
        location: Some("store-0".to_owned()),
        data: Some(folder.join(name)),
        broker: broker.map(|address| format!("mqtt://{address}")),
        embedded_broker: broker.is_none().then(|| "127.0.0.1:0".to_owned()),
        ..Overrides::default()
    };
    Ok(Node::start(NodeSettings::load(None, &flags)?).await?)
}

/// Waits until nodes have reached their broker.
pub async fn wait_for_links(nodes: &[Handle]) -> anyhow::Result<()> {
    let started = Instant::now();
    while !nodes.iter().all(|handle| matches!(handle.status().link, LinkState::Up { .. })) {
        if started.elapsed() > STEP_LIMIT {
            bail!("the nodes do not reach their broker");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// When a node shows so many events of a writer.
pub async fn shown(node: &Handle, writer: &Writer, events: u64) -> anyhow::Result<Instant> {
    let mut head = node.head();
    loop {
        if node.view().writers.get(writer).is_some_and(|row| row.events >= events) {
            return Ok(Instant::now());
        }
        tokio::time::timeout(STEP_LIMIT, head.changed()).await??;
    }
}
