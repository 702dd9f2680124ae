//! What the host makes of good guests and bad ones. The components come from `plugins/build`.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use tillmesh_core::id::{Name, Sku};
use tillmesh_core::time::Timestamp;

use super::*;

mod honest;
mod install;
mod misbehaving;
mod pricing;
mod reuse;

/// One host for all tests of the process, as a node has one for all its plugins.
static HOST: LazyLock<PluginHost> = LazyLock::new(|| PluginHost::new(HostOptions::default()).unwrap());

fn component(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/target/components/{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run plugins/build first", path.display()))
}

fn installed(name: &str, limits: Limits) -> Arc<Plugin> {
    HOST.install(&component(name), limits).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

fn context() -> CallContext {
    CallContext::bare(name("shopify"), name("store-1"))
}

fn message(topic: &str, body: &[u8]) -> ChannelMessage {
    ChannelMessage {
        channel: name("shopify"),
        id: "1".into(),
        topic: topic.into(),
        content_type: "application/json".into(),
        received_at: Timestamp(0),
        body: body.to_vec(),
    }
}
