//! Durable ten-line reservations per second, everything included, against sales of the same goods in the same store.

use std::time::Instant;

use tempfile::TempDir;
use tillmesh_core::command::Request;

use crate::Settings;
use crate::report::{Bound, Findings, Goal, Table, median};
use crate::shop::{Shop, reserved};

/// How many share a commit.
const GROUP: usize = 16;
/// The share of its sales that the engine's reservations should reach.
const GOAL_SHARE: f64 = 0.7;

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let (rounds, count) = if settings.quick { (3, 320) } else { (9, 960) };
    let folder = TempDir::new_in(&settings.folder)?;
    let mut shop = Shop::open(&folder.path().join("node.redb"))?;
    shop.stock_up()?;
    let (mut sales, mut reservations) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        shop.next_day();
        let requests = shop.draw(count)?;
        sales.push(per_second(&mut shop, &requests)?);
        let requests = shop.draw(count)?.into_iter().map(reserved).collect::<Result<Vec<_>, _>>()?;
        reservations.push(per_second(&mut shop, &requests)?);
    }
    let (sales, reservations) = (median(sales), median(reservations));
    let title =
        format!("Ten-line reservations and sales per second, {GROUP} a commit (medians of {rounds} of {count})");
    let mut table = Table::new(&title, &["reservations", "sales", "ratio"]);
    let (node, bare) = (format!("{reservations:.0}"), format!("{sales:.0}"));
    table.row(vec![node.clone(), bare.clone(), format!("{:.2}", reservations / sales)]);
    let (what, value) = ("(j) reservations a second, against sales".to_owned(), reservations / sales);
    Ok(Findings {
        tables: vec![table],
        goals: vec![Goal { what, node, bare, value, bound: Bound::AtLeast(GOAL_SHARE) }],
    })
}

#[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
fn per_second(shop: &mut Shop, requests: &[Request]) -> anyhow::Result<f64> {
    let started = Instant::now();
    for requests in requests.chunks(GROUP) {
        for request in requests {
            shop.sell(request.clone())?;
        }
        shop.commit()?;
    }
    shop.settle()?;
    Ok(requests.len() as f64 / started.elapsed().as_secs_f64())
}
