//! How long one sale takes over HTTP, on a connection that stays open, against one bare commit of the sale's record.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::Settings;
use crate::process::{Process, STORE_FILE};
use crate::raw::Raw;
use crate::report::{Bound, Findings, Goal, Table, quantile};
use crate::shop::{Shop, body};

/// How many sales and bare commits take turns: few enough that both see the same disk.
const TURN: usize = 25;
/// How often the bare commit may fit into a sale.
const GOAL_P50: f64 = 3.0;
const GOAL_P99: f64 = 4.0;

/// Milliseconds of each sale and each bare commit.
#[derive(Default)]
struct Times {
    sale: Vec<f64>,
    raw: Vec<f64>,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let turns = if settings.quick { 8 } else { 80 };
    let folder = TempDir::new_in(&settings.folder)?;
    let mut shop = Shop::open(&folder.path().join(STORE_FILE))?;
    shop.stock_up()?;
    let sold = shop.draw(1)?.remove(0);
    let record = shop.sell(sold)?.to_bytes();
    shop.commit()?;
    let requests = shop.draw((turns + 1) * TURN)?;
    shop.settle()?;
    drop(shop);

    let process = Process::start(folder.path())?;
    let mut connection = Connection::open(process.address())?;
    let mut raw = Raw::create(&folder.path().join("raw.redb"))?;
    let mut times = Times::default();
    for (turn, requests) in requests.chunks(TURN).enumerate() {
        let mut measured = Times::default();
        for request in requests {
            let (key, body) = (request.key.as_deref().unwrap_or_default(), body(&request.command)?);
            measured.sale.push(millis(|| connection.sell(key, &body))?);
        }
        for _ in requests {
            measured.raw.push(millis(|| raw.commit(std::slice::from_ref(&record)))?);
        }
        // The first turn warms everything up.
        if turn > 0 {
            times.sale.append(&mut measured.sale);
            times.raw.append(&mut measured.raw);
        }
    }
    Ok(findings(&times, turns * TURN))
}

fn findings(times: &Times, count: usize) -> Findings {
    let title =
        format!("One ten-line sale over HTTP, milliseconds ({count} sales; bare: one redb commit of its record)");
    let (mut table, mut goals) = (Table::new(&title, &["", "sale", "raw redb", "ratio"]), Vec::new());
    for (name, share, most) in [("p50", 0.5, GOAL_P50), ("p99", 0.99, GOAL_P99)] {
        let of = |values: &Vec<f64>| quantile(values.clone(), share);
        let (sale, raw) = (of(&times.sale), of(&times.raw));
        table.row(vec![name.to_owned(), format!("{sale:.2}"), format!("{raw:.2}"), format!("{:.2}", sale / raw)]);
        goals.push(Goal {
            what: format!("(b) {name} of a sale over HTTP"),
            node: format!("{sale:.2} ms"),
            bare: format!("{raw:.2} ms"),
            value: sale / raw,
            bound: Bound::AtMost(most),
        });
    }
    Findings { tables: vec![table], goals }
}

/// How long something takes.
pub fn millis(what: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let started = Instant::now();
    what()?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// A connection that sends one request after the other, with as little around them as HTTP allows.
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::new() })
    }

    pub fn sell(&mut self, key: &str, body: &str) -> anyhow::Result<()> {
        self.post("/v1/sales", Some(key), body).map(drop)
    }

    /// Posts something and gives what the answer says.
    pub fn post(&mut self, path: &str, key: Option<&str>, body: &str) -> anyhow::Result<serde_json::Value> {
        let (length, key) = (body.len(), key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default());
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             {key}content-length: {length}\r\n\r\n{body}"
        ))?;
        Ok(serde_json::from_slice(&self.answer)?)
    }

    /// Reads something, and whether it was found.
    pub fn get(&mut self, path: &str) -> anyhow::Result<()> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))
    }

    fn ask(&mut self, request: &str) -> anyhow::Result<()> {
        self.stream.write_all(request.as_bytes())?;
        let head = self.read_answer()?;
        if head.starts_with("HTTP/1.1 20") {
            return Ok(());
        }
        bail!("the node answered {head}{}", String::from_utf8_lossy(&self.answer))
    }

    /// Reads one answer and gives its head; its body stays in `answer`.
    fn read_answer(&mut self) -> anyhow::Result<String> {
        self.answer.clear();
        let end = loop {
            if let Some(end) = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more()?;
        };
        let head = String::from_utf8(self.answer.drain(..end).collect())?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        let length = length.context("an answer says how long it is")??;
        while self.answer.len() < length {
            self.read_more()?;
        }
        Ok(head)
    }

    fn read_more(&mut self) -> anyhow::Result<()> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes)? {
            0 => bail!("the node closed the connection"),
            count => {
                self.answer.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}
