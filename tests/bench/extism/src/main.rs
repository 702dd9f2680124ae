//! Reads one order again and again, natively or by a plugin of Extism, as the benchmark asks.
//!
//! ```text
//! plugin-peers ORDER.json GUEST.wasm
//! stdin:  native 1000            how, and how many calls
//! stdout: 4312                   nanoseconds a call, the median
//! ```

use std::hint::black_box;
use std::io::{Write as _, stdin, stdout};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};
use shopify::Shopify;
use tillmesh_plugin::inbound::Inbound as _;
use tillmesh_plugin::testing::{Nothing, context, message};

/// What the guest calls its function.
const FUNCTION: &str = "order";

/// A plugin of Extism, compiled, with the order that it is given.
struct Peer {
    order: Vec<u8>,
    compiled: CompiledPlugin,
    kept: Plugin,
}

fn main() -> Result<()> {
    let [order, guest] = std::env::args().skip(1).collect::<Vec<_>>().try_into().ok().context("ORDER GUEST")?;
    let order = std::fs::read(&order).with_context(|| format!("cannot read {order}"))?;
    let mut peer = Peer::new(order, &guest)?;
    for line in stdin().lines() {
        let line = line?;
        let (how, calls) = line.split_once(' ').context("HOW CALLS")?;
        writeln!(stdout(), "{}", peer.nanoseconds(how, calls.parse()?)?)?;
        stdout().flush()?;
    }
    Ok(())
}

impl Peer {
    fn new(order: Vec<u8>, guest: &str) -> Result<Self> {
        let wasm = std::fs::read(guest).with_context(|| format!("cannot read {guest}"))?;
        let manifest = Manifest::new([Wasm::data(wasm)]);
        let compiled = CompiledPlugin::new(PluginBuilder::new(manifest))?;
        let kept = Plugin::new_from_compiled(&compiled)?;
        Ok(Self { order, compiled, kept })
    }

    fn nanoseconds(&mut self, how: &str, calls: u32) -> Result<u128> {
        let mut times = Vec::new();
        for _ in 0..calls {
            let began = Instant::now();
            match how {
                "native" => self.natively()?,
                "fresh" => self.fresh()?,
                "reused" => self.reused()?,
                other => bail!("{other} is none of native, fresh and reused"),
            }
            times.push(began.elapsed().as_nanos());
        }
        times.sort_unstable();
        times.get(times.len() / 2).copied().context("no call is none to measure")
    }

    /// The body is copied, as it is on its way into a guest.
    fn natively(&self) -> Result<()> {
        let message = message("orders/create", "application/json", black_box(&self.order));
        let commands = Shopify::translate(&message, &context(&[]), &Nothing);
        let commands = commands.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        ensure!(commands.len() == 1, "an order is one command");
        black_box(commands);
        Ok(())
    }

    fn fresh(&self) -> Result<()> {
        let mut plugin = Plugin::new_from_compiled(&self.compiled)?;
        answered(&mut plugin, &self.order)
    }

    fn reused(&mut self) -> Result<()> {
        answered(&mut self.kept, &self.order)
    }
}

fn answered(plugin: &mut Plugin, order: &[u8]) -> Result<()> {
    let answer: &[u8] = plugin.call(FUNCTION, order)?;
    ensure!(answer.len() > 100, "an order comes to more than {} bytes", answer.len());
    black_box(answer);
    Ok(())
}
