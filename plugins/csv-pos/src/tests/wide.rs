//! Nine months of a real shop's order lines, against the truth stated beside them. Read where `TILLMESH_FIXTURES` names
//! the folder; without it nothing is compared, and the tests say so.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::*;

const SHOP: &[(&str, &str)] = &[
    ("currency", "GBP"),
    ("utc-offset", "+00:00"),
    ("column.receipt", "InvoiceNo"),
    ("column.sku", "StockCode"),
    ("column.quantity", "Quantity"),
    ("column.unit-price", "UnitPrice"),
    ("column.time", "InvoiceDate"),
    ("column.customer", "CustomerID"),
    ("return-prefix", "C"),
];
/// What a node hands over in one call.
const PIECE: usize = 16 * 1024;

fn folder() -> Option<PathBuf> {
    let Ok(fixtures) = std::env::var("TILLMESH_FIXTURES") else {
        eprintln!("left out: TILLMESH_FIXTURES does not name the folder of fixtures");
        return None;
    };
    Some(Path::new(&fixtures).join("online_retail"))
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn months(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut months: Vec<_> = entries.filter(|path| path.to_str().unwrap().contains("/online_retail_")).collect();
    months.sort();
    months
}

/// Adds up rows and net units of each code; gives the rows. No two sales have one reference.
fn tally(commands: &[Command], sums: &mut BTreeMap<String, (i64, i64)>) -> usize {
    let mut add = |code: &str, units: i64| {
        *sums.entry(code.to_owned()).or_default() = {
            let (rows, net) = sums.get(code).copied().unwrap_or_default();
            (rows + 1, net + units)
        }
    };
    let references: Vec<_> = commands.iter().filter_map(reference).collect();
    assert_eq!(references.iter().collect::<BTreeSet<_>>().len(), references.len());
    let mut rows = 0;
    for command in commands {
        match command {
            Command::RecordSale(sale) => {
                for line in &sale.lines {
                    let (LineContent::Sku(code) | LineContent::Charge(code)) = &line.content;
                    add(code, line.quantity as i64);
                    rows += 1;
                }
            }
            Command::RecordReturn(back) => {
                for line in &back.lines {
                    add(&line.sku, -(line.quantity as i64));
                    rows += 1;
                }
            }
            Command::AdjustStock(off) => {
                add(&off.sku, off.change);
                rows += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    rows
}

pub(super) fn reference(command: &Command) -> Option<&str> {
    match command {
        Command::RecordSale(sale) => Some(&sale.reference),
        _ => None,
    }
}

/// Sales, in tenths of a penny: units times price, exactly.
fn value(commands: &[Command]) -> i64 {
    let lines = commands.iter().filter_map(|command| match command {
        Command::RecordSale(sale) => Some(&sale.lines),
        _ => None,
    });
    let of = |line: &tillmesh_plugin::Line| {
        let price = line.unit_price.as_ref().unwrap();
        price.amount * 10_i64.pow(3 - u32::from(price.scale.unwrap())) * line.quantity as i64
    };
    lines.flatten().map(of).sum()
}

#[test]
fn every_row_becomes_a_line_and_net_units_of_each_stock_code_are_the_published_ones() {
    let Some(folder) = folder() else { return };
    let (mut sums, mut rows, mut published_rows) = (BTreeMap::new(), 0, 0);
    for (number, month) in months(&folder).into_iter().enumerate() {
        let body = unpacked(&month);
        let commands = in_pieces(&body, PIECE, SHOP);
        if number == 0 {
            assert_eq!(in_pieces(&body, PIECE * 7, SHOP), commands, "{}", month.display());
        }
        rows += tally(&commands, &mut sums);
        published_rows += csv::Reader::from_reader(body.as_slice()).into_byte_records().count();
    }
    let mut published =
        csv::Reader::from_reader(std::io::Cursor::new(unpacked(&folder.join("per_stockcode_net_units.csv.gz"))));
    let published: BTreeMap<String, (i64, i64)> = published
        .deserialize::<(String, i64, i64, String)>()
        .map(|row| row.map(|(code, rows, units, _)| (code, (rows, units))).unwrap())
        .collect();
    eprintln!("{rows} of {published_rows} rows, {} stock codes", published.len());
    assert_eq!(sums, published);
    assert_eq!(rows, published_rows);
    assert!(rows > 300_000, "only {rows} rows");
}

#[test]
fn what_is_no_article_and_cannot_be_taken_back_is_refused_and_every_other_row_is_there() {
    let Some(folder) = folder() else { return };
    let charges = ["POST", "DOT", "M", "D", "C2", "BANK CHARGES", "AMAZONFEE", "S", "CRUK", "PADS", "m"];
    let list = charges.iter().filter(|code| !code.contains(' ')).copied().collect::<Vec<_>>().join(" ");
    let settings = [SHOP, &[("charges", list.as_str()), ("bad-rows", "skip")]].concat();
    let is_charge = |code: &str| list.split(' ').any(|charge| charge == code);
    let (mut refused, mut lines, mut rows, mut sold) = (0, 0, 0, 0);
    for month in months(&folder) {
        let body = unpacked(&month);
        let commands = in_pieces(&body, PIECE, &settings);
        lines += tally(&commands, &mut BTreeMap::new());
        sold += value(&commands);
        let mut reader = csv::Reader::from_reader(body.as_slice());
        for row in reader.records().map(Result::unwrap) {
            rows += 1;
            let (negative, charge) = (row[3].starts_with('-'), is_charge(&row[1]));
            refused += usize::from(charge && (negative || row[0].starts_with('C')));
            if !negative {
                let (pounds, pence) = row[5].split_once('.').unwrap_or((&row[5], ""));
                sold -= format!("{pounds}{pence:0<3}").parse::<i64>().unwrap() * row[3].parse::<i64>().unwrap();
            }
        }
    }
    eprintln!("{lines} lines and {refused} refusals of {rows} rows");
    assert_eq!((lines + refused, sold), (rows, 0));
    assert!(refused > 100);
}
