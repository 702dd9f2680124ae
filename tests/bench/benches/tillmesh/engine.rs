//! Durable ten-line sales per second, everything included: validation, document, signature, projections, and every
//! projection row written before the clock stops.

use std::time::Instant;

use tempfile::TempDir;

use crate::Settings;
use crate::raw::Raw;
use crate::report::{Bound, Findings, Goal, Table, median};
use crate::shop::Shop;

/// At this many sales a commit the engine should reach this share of the bare engine's sales.
const GOAL_GROUP: usize = 16;
const GOAL_SHARE: f64 = 0.4;

/// The two that take turns, on one disk.
struct Bench {
    shop: Shop,
    raw: Raw,
    sales: usize,
    _folder: TempDir,
}

/// Sales per second of one round.
struct Round {
    engine: f64,
    raw: f64,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let (rounds, sales) = if settings.quick { (3, 320) } else { (9, 1_920) };
    let mut bench = Bench::new(settings, sales)?;
    let title = format!(
        "Durable ten-line sales per second (medians of {rounds} rounds of {sales} sales; \
         raw: the same event records, one redb row a sale)"
    );
    let (mut table, mut goals) = (Table::new(&title, &["group", "engine", "raw redb", "ratio"]), Vec::new());
    for &group in &settings.groups {
        let done: Vec<_> = (0..rounds).map(|_| bench.round(group)).collect::<Result<_, _>>()?;
        let of = |value: fn(&Round) -> f64| median(done.iter().map(value).collect());
        let (engine, raw) = (of(|r| r.engine), of(|r| r.raw));
        let cells = [group.to_string(), format!("{engine:.0}"), format!("{raw:.0}"), format!("{:.2}", engine / raw)];
        table.row(cells.to_vec());
        if group == GOAL_GROUP {
            goals.push(Goal {
                what: format!("(a) durable sales a second, {group} a commit"),
                node: format!("{engine:.0}"),
                bare: format!("{raw:.0}"),
                value: engine / raw,
                bound: Bound::AtLeast(GOAL_SHARE),
            });
        }
    }
    Ok(Findings { tables: vec![table], goals })
}

impl Bench {
    fn new(settings: &Settings, sales: usize) -> anyhow::Result<Self> {
        let folder = TempDir::new_in(&settings.folder)?;
        let mut shop = Shop::open(&folder.path().join("node.redb"))?;
        shop.stock_up()?;
        let raw = Raw::create(&folder.path().join("raw.redb"))?;
        Ok(Self { shop, raw, sales, _folder: folder })
    }

    /// One round: the engine first, for the raw one commits the engine's records.
    fn round(&mut self, group: usize) -> anyhow::Result<Round> {
        self.shop.next_day();
        let (engine, records) = self.trade(group)?;
        Ok(Round { engine, raw: repeat(&mut self.raw, &records, group)? })
    }

    fn trade(&mut self, group: usize) -> anyhow::Result<(f64, Vec<Vec<u8>>)> {
        let requests = self.shop.draw(self.sales)?;
        let mut events = Vec::with_capacity(self.sales);
        let started = Instant::now();
        for requests in requests.chunks(group) {
            for request in requests {
                events.push(self.shop.sell(request.clone())?);
            }
            self.shop.commit()?;
        }
        self.shop.settle()?;
        let rate = per_second(events.len(), started);
        Ok((rate, events.iter().map(|event| event.to_bytes()).collect()))
    }
}

fn repeat(raw: &mut Raw, records: &[Vec<u8>], group: usize) -> anyhow::Result<f64> {
    let started = Instant::now();
    for records in records.chunks(group) {
        raw.commit(records)?;
    }
    Ok(per_second(records.len(), started))
}

#[expect(clippy::cast_precision_loss, reason = "a count of sales is far below 2^52")]
fn per_second(count: usize, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}
