//! `tillmesh demo`.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use tokio::sync::oneshot;

use super::client::{Client, WriteKey};
use super::run;
use super::show::text;
use crate::config::{Overrides, Settings};

/// What the shop sells: SKU, name, price in minor units, how much of it there is.
const SHELF: [(&str, &str, u32, u32); 5] = [
    ("1001", "Oat milk 1 l", 249, 12),
    ("1002", "Sourdough loaf", 420, 8),
    ("1003", "Coffee beans 500 g", 1299, 20),
    ("1004", "Bananas, each", 35, 150),
    ("1005", "Olive oil 750 ml", 1150, 6),
];

/// Run a node to try things on: a small shop in a temporary folder, with a broker of its own
///
/// Ctrl-C ends it, and everything in it is gone.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where the API listens; port 0 takes a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7210")]
    listen: String,
    /// Where the broker listens, for further nodes; port 0 takes a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    embedded_broker: String,
}

impl Demo {
    pub(super) fn run(self) -> Result<ExitCode> {
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let flags = Overrides {
            node: Some("demo".to_owned()),
            data: Some(folder.path().join("demo")),
            listen: Some(self.listen),
            embedded_broker: Some(self.embedded_broker),
            ..Overrides::default()
        };
        run::start_log("warn,mqtt5=error", run::LogFormat::Text)?;
        let settings = Settings::load(None, &flags)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
        let result = runtime.block_on(serve(settings));
        drop(runtime);
        folder.close().context("remove the temporary folder")?;
        result.map(|()| ExitCode::SUCCESS)
    }
}

/// A shop that cannot be filled ends the node.
async fn serve(settings: Settings) -> Result<()> {
    let (failed, mut failure) = oneshot::channel();
    let serving = run::serve(settings, |node, address| {
        let broker = node.handle().status().embedded_broker;
        let filling = tokio::task::spawn_blocking(move || fill(&format!("http://{address}")));
        async move {
            match filling.await.context("fill the shop").flatten() {
                Ok(()) => {
                    tell(address, broker);
                    run::interrupted().await;
                }
                // Nobody waits for it only where the node has failed itself.
                Err(error) => drop(failed.send(error)),
            }
        }
    });
    serving.await?;
    failure.try_recv().map_or(Ok(()), Err)
}

fn fill(url: &str) -> Result<()> {
    let client = Client::new(url);
    let product = |(sku, name, price, _): &(&str, &str, u32, u32)| {
        let price = json!({ "amount": price, "currency": "USD" });
        format!("{}\n", json!({ "sku": sku, "name": name, "price": price }))
    };
    let products: String = SHELF.iter().map(product).collect();
    let mut refused = None;
    client.import("/v1/products:import", products.as_bytes(), |answer| {
        if !answer["type"].is_null() {
            refused = Some(text(&answer["detail"]));
        }
    })?;
    if let Some(refused) = refused {
        bail!("a product was refused: {refused}");
    }
    let lines = SHELF.map(|(sku, _, _, quantity)| json!({ "sku": sku, "quantity": quantity }));
    client.post("/v1/stock/receipts", &WriteKey::default(), &json!({ "lines": lines }))?;
    Ok(())
}

fn tell(address: SocketAddr, broker: Option<SocketAddr>) {
    let [(sku, name, ..), (other, ..), ..] = SHELF;
    println!("A shop with {} products runs at http://{address}. Try:\n", SHELF.len());
    println!("  curl -s http://{address}/v1/stock");
    println!("  curl -s http://{address}/v1/products/{sku}        # {name}");
    println!("  curl -s http://{address}/v1/sales -H 'Idempotency-Key: sale-1' --json '{{");
    println!("    \"lines\": [{{\"sku\": \"{sku}\", \"quantity\": 2}}, {{\"sku\": \"{other}\", \"quantity\": 1}}]}}'");
    println!("  curl -sN 'http://{address}/v1/events?after=0.0.0'    # what happened, and what happens");
    println!("\nA second node that hears all of it:\n");
    if let Some(broker) = broker {
        println!("  tillmesh run --node kiosk --location demo --listen 127.0.0.1:0 --broker mqtt://{broker}");
    }
    println!("\nCtrl-C ends it, and everything in it is gone.");
}
