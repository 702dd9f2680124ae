//! Messages of channels that are larger than a plugin takes at once.

use crate::support::{Node, Setup, component};

const ROWS: usize = 33_000;

fn settings(megabytes: u64) -> String {
    format!(
        "[plugins.csv-pos]\ncomponent = {:?}\n\
         [channels.till]\nplugin = \"csv-pos\"\nsignature = \"none\"\nmax_body_megabytes = {megabytes}\n\
         on_failure = \"open\"\n\
         [channels.till.settings]\ncurrency = \"EUR\"\nutc-offset = \"+01:00\"\n",
        component("csv-pos")
    )
}

/// A till's file of some megabytes: receipts of three rows, of twenty articles in turn.
fn file() -> String {
    let row = |row: usize| {
        let (receipt, sku, minute) = (row / 3, row % 20, row / 3 % 60);
        format!(
            "{receipt},SKU-{sku:02},1,0.50,2026-11-{:02} 15:{minute:02}:00,an article with a long name\n",
            1 + row % 3
        )
    };
    let rows: String = (0..ROWS).map(row).collect();
    format!("receipt,sku,quantity,unit_price,sold_at,name\n{rows}")
}

fn send(node: &Node, id: &str, body: &str) -> crate::support::http::Answer {
    node.request("POST", "/v1/channels/till/inbound")
        .header("Content-Type", "text/csv")
        .header("X-Message-Id", id)
        .header("X-Topic", "receipts")
        .body(body.as_bytes())
        .send()
}

fn sold(node: &Node) -> i64 {
    let of = |sku: usize| node.get(&format!("/v1/stock/SKU-{sku:02}")).json()["on_hand"].as_i64().unwrap_or_default();
    -(0..20).map(of).sum::<i64>()
}

#[test]
fn a_file_of_megabytes_is_recorded_whole_and_once_however_often_it_comes() {
    let mut node = Setup::new("till").settings(&settings(8)).start();
    let file = file();
    assert!(file.len() > 1 << 21);
    let first = send(&node, "day-1", &file);
    let taken = first.ok()["in_pieces"].clone();
    assert_eq!(taken["events"].as_u64(), Some((ROWS / 3) as u64), "{taken}");
    assert_eq!(taken["pieces"].as_u64(), Some(file.len().div_ceil(16 * 1024) as u64));
    assert_eq!((first.header("idempotency-replayed"), sold(&node)), (Some("false"), ROWS as i64));
    let position = node.position();
    node.kill();
    node.restart();
    for id in ["day-1", "day-1 again"] {
        let again = send(&node, id, &file);
        assert_eq!(again.ok()["in_pieces"], taken);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{id}");
    }
    assert_eq!((node.position(), sold(&node)), (position, ROWS as i64));
}

#[test]
fn a_file_whose_last_row_is_wrong_records_nothing() {
    let node = Setup::new("till").settings(&settings(8)).start();
    let position = node.position();
    let refused = send(&node, "day-1", &format!("{}9999,SKU-00,x,0.50,2026-11-03 15:00:00,x\n", file()));
    assert_eq!((refused.status, refused.problem().as_str()), (422, "message-malformed"));
    assert!(refused.text().contains(&format!("row {}", ROWS + 1)), "{}", refused.text());
    assert_eq!((node.position(), sold(&node)), (position, 0));
    let letter = node.get("/v1/dead-letters").ok()["items"][0].clone();
    assert_eq!(letter["message"].as_str(), Some("day-1"));
    assert!(letter["piece_offset"].as_u64() > Some(0) && letter["bytes"].as_u64() <= Some(16 * 1024), "{letter}");
    let replay = node.request("POST", &format!("/v1/dead-letters/{}:replay", letter["id"].as_str().unwrap())).send();
    assert_eq!((replay.status, replay.problem().as_str()), (409, "not-replayable"));
    // Mended, it is taken under the same id.
    assert_eq!(send(&node, "day-1", &file()).ok()["in_pieces"]["events"].as_u64(), Some((ROWS / 3) as u64));
}

#[test]
fn a_file_that_is_larger_than_its_channel_takes_is_refused() {
    let node = Setup::new("till").settings(&settings(2)).start();
    let file = file();
    let refused = send(&node, "day-1", &file);
    assert_eq!((refused.status, refused.problem().as_str()), (413, "body-too-large"));
    let (names, rows) = file.split_once('\n').unwrap();
    let part = format!("{names}\n{}", rows.lines().take(240).map(|row| format!("{row}\n")).collect::<String>());
    let whole = send(&node, "day-1", &part);
    assert_eq!(whole.ok()["events"].as_array().map(Vec::len), Some(80), "what fits is taken at once");
}
