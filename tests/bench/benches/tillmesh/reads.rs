//! How long a question about stock takes while the node sells as fast as one client asks it to, against a constant
//! answer over the same connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use tempfile::TempDir;
use tillmesh_core::command::Request;

use crate::Settings;
use crate::http::{Connection, millis};
use crate::process::{Process, STORE_FILE};
use crate::report::{Bound, Findings, Goal, Table, quantile};
use crate::shop::{Shop, body, skus};

/// How many questions of each kind take turns.
const TURN: usize = 20;
/// How many sales are drawn: more than are made meanwhile.
const SALES: usize = 20_000;
/// How often the constant answer may fit into a question about stock.
const GOAL_P99: f64 = 1.5;

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let turns = if settings.quick { 20 } else { 200 };
    let folder = TempDir::new_in(&settings.folder)?;
    let mut shop = Shop::open(&folder.path().join(STORE_FILE))?;
    shop.stock_up()?;
    let requests = shop.draw(SALES)?;
    shop.settle()?;
    drop(shop);

    let process = Process::start(folder.path())?;
    let done = Arc::new(AtomicBool::new(false));
    let seller = Connection::open(process.address())?;
    let selling = std::thread::spawn({
        let done = Arc::clone(&done);
        move || sell(seller, &requests, &done)
    });
    let mut connection = Connection::open(process.address())?;
    let paths: Vec<_> = skus(TURN)?.iter().map(|sku| format!("/v1/stock/{sku}")).collect();
    let (mut stock, mut constant) = (Vec::new(), Vec::new());
    for turn in 0..=turns {
        let mut measured = (Vec::new(), Vec::new());
        for path in &paths {
            measured.0.push(millis(|| connection.get(path))?);
            measured.1.push(millis(|| connection.get("/health"))?);
        }
        // The first turn warms everything up.
        if turn > 0 {
            stock.append(&mut measured.0);
            constant.append(&mut measured.1);
        }
    }
    done.store(true, Ordering::Relaxed);
    let sold = selling.join().map_err(|_| anyhow!("the client that sells panicked"))??;
    Ok(findings(&stock, &constant, sold))
}

/// Sells until it is told to stop; gives how often.
fn sell(mut connection: Connection, requests: &[Request], done: &AtomicBool) -> anyhow::Result<usize> {
    let mut sold = 0;
    for request in requests {
        if done.load(Ordering::Relaxed) {
            break;
        }
        connection.sell(request.key.as_deref().unwrap_or_default(), &body(&request.command)?)?;
        sold += 1;
    }
    Ok(sold)
}

fn findings(stock: &[f64], constant: &[f64], sold: usize) -> Findings {
    let title = format!(
        "GET /v1/stock/{{sku}} and GET /health, milliseconds ({} of each, {sold} sales meanwhile)",
        stock.len()
    );
    let mut table = Table::new(&title, &["", "stock", "constant", "ratio"]);
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (stock, constant) = (quantile(stock.to_vec(), share), quantile(constant.to_vec(), share));
        let ratio = format!("{:.2}", stock / constant);
        table.row(vec![name.to_owned(), format!("{stock:.2}"), format!("{constant:.2}"), ratio]);
    }
    let (stock, constant) = (quantile(stock.to_vec(), 0.99), quantile(constant.to_vec(), 0.99));
    let goal = Goal {
        what: "(l) p99 of reading stock while selling".to_owned(),
        node: format!("{stock:.2} ms"),
        bare: format!("{constant:.2} ms"),
        value: stock / constant,
        bound: Bound::AtMost(GOAL_P99),
    };
    Findings { tables: vec![table], goals: vec![goal] }
}
