use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Collection, CollectionError, Total};

const LINES: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
    600001,10001,MUG,3,2010-12-01 09:00:00,1.25,17850,France\n\
    C600002,10001,MUG,-1,2010-12-02 09:00:00,1.25,17850,France\n";

fn sample() -> Collection {
    Collection::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sample")).unwrap()
}

#[test]
fn the_samples_lines_add_up_to_its_totals() {
    let sample = sample();
    assert_eq!(sample.sums(), sample.totals);
    assert_eq!(sample.months.len(), 3);
}

#[test]
fn months_are_read_in_their_order_whether_compressed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("online_retail_2011-01.csv"), LINES.replace("10001", "10002")).unwrap();
    let file = File::create(folder.path().join("online_retail_2010-12.csv.gz")).unwrap();
    let mut compressed = GzEncoder::new(file, Compression::default());
    compressed.write_all(LINES.as_bytes()).unwrap();
    compressed.finish().unwrap();
    let collection = Collection::read(folder.path()).unwrap();
    let codes: Vec<&str> = collection.rows().map(|row| row.code.as_str()).collect();
    assert_eq!(codes, ["10001", "10001", "10002", "10002"]);
}

#[test]
fn totals_keep_their_sign_and_their_tenths_of_a_penny() {
    let folder = tempfile::tempdir().unwrap();
    let totals = "stock_code,rows,net_units,net_value_gbp\n10001,2,-7,-0.005\n";
    std::fs::write(folder.path().join("per_stockcode_net_units.csv"), totals).unwrap();
    let collection = Collection::read(folder.path()).unwrap();
    assert_eq!(collection.totals["10001"], Total { rows: 2, units: -7, tenths: -5 });
}

#[test]
fn an_error_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online_retail_2010-12.csv");
    std::fs::write(&path, LINES.replace("1.25", "dear")).unwrap();
    let Err(error) = Collection::read(folder.path()) else { panic!("it was read") };
    assert!(matches!(&error, CollectionError::Content { path: named, .. } if *named == path), "{error}");
}
