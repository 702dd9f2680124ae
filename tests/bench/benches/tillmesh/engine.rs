//! Durable ten-line sales per second, everything included: validation, document, signature, projections, and every
//! projection row written before the clock stops.

use std::time::Instant;

use tempfile::TempDir;

use crate::Settings;
use crate::raw::{Mode, Raw};
use crate::report::{Bound, Findings, Goal, Table, median};
use crate::shop::Shop;

/// At this many sales a commit the engine should reach this share of the bare engine's sales.
const GOAL_GROUP: usize = 16;
const GOAL_SHARE: f64 = 0.4;

/// The three that take turns, on one disk.
struct Bench {
    shop: Shop,
    default: Raw,
    as_store: Raw,
    sales: usize,
    _folder: TempDir,
}

/// Sales per second of one round.
struct Round {
    engine: f64,
    default: f64,
    as_store: f64,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let (rounds, sales) = if settings.quick { (3, 320) } else { (9, 1_920) };
    let mut bench = Bench::new(settings, sales)?;
    let title = format!(
        "Durable ten-line sales per second (medians of {rounds} rounds of {sales} sales; \
         raw: the same event records, one redb row a sale)"
    );
    let columns = ["group", "engine", "raw, redb's default", "ratio", "raw, as the store commits", "ratio"];
    let (mut table, mut goals) = (Table::new(&title, &columns), Vec::new());
    for &group in &settings.groups {
        let done: Vec<_> = (0..rounds).map(|round| bench.round(group, round)).collect::<Result<_, _>>()?;
        let of = |value: fn(&Round) -> f64| median(done.iter().map(value).collect());
        let (engine, default, as_store) = (of(|r| r.engine), of(|r| r.default), of(|r| r.as_store));
        table.row(vec![
            group.to_string(),
            format!("{engine:.0}"),
            format!("{default:.0}"),
            format!("{:.2}", engine / default),
            format!("{as_store:.0}"),
            format!("{:.2}", engine / as_store),
        ]);
        if group == GOAL_GROUP {
            for (mode, bare) in [(Mode::Default, default), (Mode::AsStore, as_store)] {
                goals.push(Goal {
                    what: format!("(a) durable sales a second, {group} a commit, {mode}"),
                    node: format!("{engine:.0}"),
                    bare: format!("{bare:.0}"),
                    value: engine / bare,
                    bound: Bound::AtLeast(GOAL_SHARE),
                });
            }
        }
    }
    Ok(Findings { table, goals })
}

impl Bench {
    fn new(settings: &Settings, sales: usize) -> anyhow::Result<Self> {
        let folder = TempDir::new_in(&settings.folder)?;
        let mut shop = Shop::open(&folder.path().join("node.redb"))?;
        shop.stock_up()?;
        let default = Raw::create(&folder.path().join("default.redb"), Mode::Default)?;
        let as_store = Raw::create(&folder.path().join("as-store.redb"), Mode::AsStore)?;
        Ok(Self { shop, default, as_store, sales, _folder: folder })
    }

    /// One round; the raw ones go first every other time, as far as they can: they need the engine's records.
    fn round(&mut self, group: usize, round: usize) -> anyhow::Result<Round> {
        self.shop.next_day();
        let (engine, records) = self.trade(group)?;
        let (default, as_store) = if round.is_multiple_of(2) {
            (repeat(&mut self.default, &records, group)?, repeat(&mut self.as_store, &records, group)?)
        } else {
            let as_store = repeat(&mut self.as_store, &records, group)?;
            (repeat(&mut self.default, &records, group)?, as_store)
        };
        Ok(Round { engine, default, as_store })
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
