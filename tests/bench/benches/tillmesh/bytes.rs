//! How many bytes a sale is on its way, against the bytes of its event record alone.

use tempfile::TempDir;

use crate::Settings;
use crate::report::{Bound, Findings, Goal, Table, bytes, quantile};
use crate::shop::Shop;

/// The most bytes that a one-line sale may be, as the payload of an MQTT message.
const GOAL_ONE_LINE: f64 = 400.0;

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let sales = if settings.quick { 100 } else { 1_000 };
    let folder = TempDir::new_in(&settings.folder)?;
    let mut shop = Shop::open(&folder.path().join("node.redb"))?;
    shop.stock_up()?;
    let title =
        format!("Payload of a sale between nodes, bytes ({sales} sales, one a message; bare: the event's record)");
    let columns = ["", "p50", "largest", "record, p50", "ratio"];
    let (mut table, mut goals) = (Table::new(&title, &columns), Vec::new());
    for lines in [1, 10] {
        let (mut payloads, mut records) = (Vec::new(), Vec::new());
        for _ in 0..sales {
            let sale = shop.message(lines)?;
            payloads.push(bytes(sale.payload.len()));
            records.push(bytes(sale.record.len()));
        }
        let of = |values: &Vec<f64>, share| quantile(values.clone(), share);
        let (payload, record) = (of(&payloads, 0.5), of(&records, 0.5));
        let numbers = [payload, of(&payloads, 1.0), record].map(|number| format!("{number:.0}"));
        let what = format!("{lines} {}", if lines == 1 { "line" } else { "lines" });
        table.row([vec![what], numbers.to_vec(), vec![format!("{:.2}", payload / record)]].concat());
        if lines == 1 {
            goals.push(Goal {
                what: "(f) bytes of a one-line sale".to_owned(),
                node: format!("{payload:.0}"),
                bare: format!("{record:.0}"),
                value: payload,
                bound: Bound::AtMost(GOAL_ONE_LINE),
            });
        }
    }
    Ok(Findings { tables: vec![table], goals })
}
