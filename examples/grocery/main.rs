//! A month of trade: eight stores, eight nodes, one broker; at the end every node holds the published truth.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tillmesh_examples::client::{Client, wait_until};
use tillmesh_examples::grocery::{BasketLine, Grocery, sales, week_of};
use tillmesh_examples::node::{Node, NodeOptions, executable, free_address};
use tillmesh_examples::report::Story;

/// Lines of one receipt: what an event may hold.
const RECEIPT_LINES: usize = 500;
/// Products of one import request.
const PRODUCTS_A_REQUEST: usize = 1_000;
/// How long nodes may take to agree once everything was sent.
const AGREE: Duration = Duration::from_secs(120);

/// Replays four weeks of eight stores on eight nodes and compares every node with the published truth.
#[derive(Parser)]
struct Arguments {
    /// Kill a node (SIGKILL) at a random moment of the replay, this many times, start it again and resume.
    #[arg(long, default_value_t = 0)]
    crashes: u32,
    /// Delete one node's store at the end, once its peers have confirmed its digest, and let it be rebuilt from them.
    #[arg(long)]
    rebuild: bool,
    /// Send everything a second time: nothing may change.
    #[arg(long)]
    twice: bool,
    /// Decides when crashes happen.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Use this broker instead of an embedded one, such as mqtt://127.0.0.1:1883.
    #[arg(long)]
    broker: Option<String>,
}

/// The truth: received and sold per location and product.
type Truth = BTreeMap<(String, String), Books>;

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Books {
    received: i64,
    sold: i64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let result = play(&arguments, folder.path());
    if result.is_err() {
        eprintln!("the nodes' logs and stores stay in {}", folder.keep().display());
    }
    result
}

fn play(arguments: &Arguments, folder: &Path) -> Result<()> {
    let data = Grocery::read()?;
    let mut story = Story::default();
    let mut nodes = start_nodes(arguments, &data, folder, &mut story)?;
    load_products(&data, &nodes, &mut story)?;
    let truth = truth(&data)?;
    replay(&data, &mut nodes, &Crashes::plan(arguments, data.lines.len()), &mut story)?;
    compare(&nodes, &truth, &mut story)?;
    if arguments.twice {
        send_again(&data, &mut nodes, &truth, &mut story)?;
    }
    if arguments.rebuild {
        rebuild(&mut nodes, &truth, &mut story)?;
    }
    if arguments.rebuild && arguments.twice {
        send_again(&data, &mut nodes, &truth, &mut story)?;
    }
    println!("\nAll {} claims hold.", story.claims());
    Ok(())
}

fn start_nodes(arguments: &Arguments, data: &Grocery, folder: &Path, story: &mut Story) -> Result<Vec<Node>> {
    let executable: PathBuf = executable()?;
    let embedded = free_address()?;
    let mut nodes = Vec::new();
    for store in data.stores() {
        let broker = match &arguments.broker {
            Some(url) => ["--broker".to_owned(), url.clone()],
            None if nodes.is_empty() => ["--embedded-broker".to_owned(), embedded.to_string()],
            None => ["--broker".to_owned(), format!("mqtt://{embedded}")],
        };
        nodes.push(Node::start(NodeOptions {
            executable: executable.clone(),
            name: format!("store-{store}"),
            location: format!("store-{store}"),
            folder: folder.to_path_buf(),
            listen: free_address()?,
            broker,
            promotions: None,
        })?);
    }
    story.step(&format!("{} stores, a node each, one MQTT broker", nodes.len()));
    for node in &nodes {
        story.tell(&format!("{:<12} {}", node.name(), node.client.url()));
    }
    Ok(nodes)
}

fn load_products(data: &Grocery, nodes: &[Node], story: &mut Story) -> Result<()> {
    let products = data.catalogue(|_| true);
    story.step(&format!("{} products go into the catalogue at {}", products.len(), nodes[0].name()));
    for part in products.chunks(PRODUCTS_A_REQUEST) {
        nodes[0].client.import("/v1/products:import", part, |answer| report_problem(&answer))?;
    }
    for node in nodes {
        wait_until(&format!("{} has every product", node.name()), AGREE, || {
            Ok(node.client.list("/v1/products?limit=1000")?.len() == products.len())
        })?;
    }
    story.claim("every node has every product", true)
}

/// Everything under the keys that were used before: nothing may change, whoever had the event first.
fn send_again(data: &Grocery, nodes: &mut [Node], truth: &Truth, story: &mut Story) -> Result<()> {
    story.step("Everything is sent again, under the same idempotency keys");
    replay(data, nodes, &Crashes::default(), story)?;
    compare(nodes, truth, story)
}

/// Before each week a receipt of exactly that week's units, then the week's baskets, at all stores at once.
fn replay(data: &Grocery, nodes: &mut [Node], crashes: &Crashes, story: &mut Story) -> Result<()> {
    let weeks = data.lines.iter().map(|line| week_of(&line.sold_at)).max().unwrap_or_default() + 1;
    let baskets: usize = sales(&data.lines.iter().collect::<Vec<_>>()).len();
    story.step(&format!("{baskets} baskets with {} lines in {weeks} weeks are sold", data.lines.len()));
    let bar = ProgressBar::new(data.lines.len() as u64).with_style(
        ProgressStyle::with_template("   {bar:40} {pos}/{len} lines  {elapsed}").context("the bar's template")?,
    );
    let started = Instant::now();
    let unknown = AtomicUsize::new(0);
    for week in 0..weeks {
        sell_week(data, week, nodes, &bar, crashes, &unknown)?;
    }
    bar.finish_and_clear();
    story.tell(&format!(
        "{} lines in {:.1} s; {} lines named a product that the catalogue lacks: sold all the same, as a till must",
        data.lines.len(),
        started.elapsed().as_secs_f64(),
        unknown.load(Ordering::Relaxed),
    ));
    let done = crashes.done.load(Ordering::Relaxed);
    if crashes.planned > 0 {
        story.claim(&format!("{done} nodes were killed and resumed"), done == crashes.planned)?;
    }
    Ok(())
}

fn sell_week(
    data: &Grocery,
    week: usize,
    nodes: &mut [Node],
    bar: &ProgressBar,
    crashes: &Crashes,
    unknown: &AtomicUsize,
) -> Result<()> {
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for node in nodes.iter_mut() {
            let failed = &failed;
            scope.spawn(move || {
                if let Err(error) = sell_week_at(data, week, node, bar, crashes, unknown) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn sell_week_at(
    data: &Grocery,
    week: usize,
    node: &mut Node,
    bar: &ProgressBar,
    crashes: &Crashes,
    unknown: &AtomicUsize,
) -> Result<()> {
    let store = node.name().trim_start_matches("store-").to_owned();
    let lines: Vec<&BasketLine> =
        data.lines.iter().filter(|line| line.store_id == store && week_of(&line.sold_at) == week).collect();
    for (number, receipt) in receipts(&lines).iter().enumerate() {
        let key = format!("receipt-{store}-{week}-{number}");
        node.client.post("/v1/stock/receipts", &key, receipt)?;
    }
    let known: std::collections::BTreeSet<&str> =
        data.products.iter().map(|product| product.product_id.as_str()).collect();
    unknown.fetch_add(lines.iter().filter(|line| !known.contains(line.product_id.as_str())).count(), Ordering::Relaxed);
    let baskets = sales(&lines);
    import_with_crashes(node, &baskets, bar, crashes)
}

/// Imports baskets; a crash that was planned for now kills the node in the middle. Then it is started and everything is
/// sent again: what was taken is taken once.
fn import_with_crashes(node: &mut Node, baskets: &[Value], bar: &ProgressBar, crashes: &Crashes) -> Result<()> {
    let lines_of = |basket: &Value| basket["lines"].as_array().map_or(0, Vec::len) as u64;
    let mut counted = std::collections::BTreeSet::new();
    loop {
        let due = crashes.due(bar.position());
        let client: Client = node.client.clone();
        let result = std::thread::scope(|scope| {
            if let Some(after) = due {
                let node = &mut *node;
                scope.spawn(move || {
                    std::thread::sleep(after);
                    node.kill();
                });
            }
            let mut place = 0;
            client.import("/v1/sales:import", baskets, |answer| {
                report_problem(&answer);
                if counted.insert(place) {
                    bar.inc(lines_of(&baskets[place]));
                }
                place += 1;
            })
        });
        if due.is_none() {
            return result;
        }
        node.restart()?;
        crashes.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// When nodes are killed.
#[derive(Default)]
struct Crashes {
    planned: usize,
    at: Mutex<Vec<(u64, Duration)>>,
    done: AtomicUsize,
}

impl Crashes {
    fn plan(arguments: &Arguments, lines: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(arguments.seed);
        let mut at: Vec<_> = (0..arguments.crashes)
            .map(|_| (rng.next_u64() % (lines as u64 / 2), Duration::from_millis(5 + rng.next_u64() % 150)))
            .collect();
        at.sort_unstable_by_key(|(line, _)| std::cmp::Reverse(*line));
        Self { planned: at.len(), at: Mutex::new(at), done: AtomicUsize::new(0) }
    }

    /// How long after the begin of the import that starts now its node is killed, if one is due.
    fn due(&self, line: u64) -> Option<Duration> {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        match at.last() {
            Some((due, _)) if *due <= line => at.pop().map(|(_, after)| after),
            _ => None,
        }
    }
}

/// Exactly the units of these lines, in receipts of a size that an event holds.
fn receipts(lines: &[&BasketLine]) -> Vec<Value> {
    let mut units: BTreeMap<&str, i64> = BTreeMap::new();
    for line in lines {
        *units.entry(&line.product_id).or_default() += line.quantity;
    }
    let lines: Vec<Value> = units
        .into_iter()
        .filter(|(_, quantity)| *quantity > 0)
        .map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity }))
        .collect();
    lines.chunks(RECEIPT_LINES).map(|lines| json!({ "lines": lines })).collect()
}

fn truth(data: &Grocery) -> Result<Truth> {
    let mut truth = Truth::new();
    for line in &data.lines {
        let key = (format!("store-{}", line.store_id), line.product_id.clone());
        truth.entry(key).or_default().received += line.quantity;
    }
    for sold in &data.sold {
        let key = (format!("store-{}", sold.store_id), sold.product_id.clone());
        truth.get_mut(&key).with_context(|| format!("{key:?} was sold and is in no basket"))?.sold = sold.quantity;
    }
    Ok(truth)
}

fn compare(nodes: &[Node], truth: &Truth, story: &mut Story) -> Result<()> {
    story.step("Every node is compared with the published truth, product by product");
    for node in nodes {
        let mut found = Truth::new();
        let result = wait_until(&format!("{} holds the truth", node.name()), AGREE, || {
            found = books(&node.client)?;
            Ok(found == *truth)
        });
        if result.is_err() {
            bail!("{}: {}", node.name(), difference(&found, truth));
        }
        let units: i64 = found.values().map(|books| books.sold).sum();
        let text = format!("{:<12} {} store-product pairs, {units} units sold, none differs", node.name(), found.len());
        story.claim(&text, found.values().all(|books| books.received - books.sold == 0))?;
    }
    Ok(())
}

/// What a node's books say: units that came in and left, and that what is on hand is their difference.
fn books(client: &Client) -> Result<Truth> {
    let mut books = Truth::new();
    for row in client.list("/v1/stock?limit=1000")? {
        let number = |key: &str| row[key].as_i64().with_context(|| format!("{key} in {row}"));
        let (received, sold) = (number("entered")?, number("left")?);
        if number("on_hand")? != received - sold {
            bail!("{row}: on hand is not what came in less what left");
        }
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        books.insert((text("location"), text("sku")), Books { received, sold });
    }
    Ok(books)
}

fn difference(found: &Truth, truth: &Truth) -> String {
    let wrong: Vec<_> = truth.iter().filter(|(key, books)| found.get(*key) != Some(*books)).collect();
    let first = wrong.first().map(|(key, books)| format!("{key:?} is {:?}, must be {books:?}", found.get(*key)));
    format!("{} of {} pairs differ; {}", wrong.len(), truth.len(), first.unwrap_or_default())
}

fn rebuild(nodes: &mut [Node], truth: &Truth, story: &mut Story) -> Result<()> {
    let last = nodes.len() - 1;
    let name = nodes[last].name().to_owned();
    story.step(&format!("{name}'s store is deleted, once its peers have confirmed that they hold the same"));
    let since: Vec<_> = nodes[..last].iter().map(|peer| digests(&peer.client, &name)).collect::<Result<_>>()?;
    for (peer, since) in nodes[..last].iter().zip(&since) {
        wait_until(&format!("{} confirms {name}", peer.name()), AGREE, || confirmed(&peer.client, &name, since))?;
    }
    story.claim(&format!("{last} peers hold what {name} holds"), true)?;
    nodes[last].kill();
    nodes[last].delete_data()?;
    nodes[last].restart()?;
    compare(&nodes[last..], truth, story)
}

/// What a peer last heard of a node's scopes.
fn digests(peer: &Client, name: &str) -> Result<Vec<Value>> {
    let peers = peer.list("/v1/peers")?;
    let row = peers.iter().find(|row| row["node"] == name);
    Ok(row.and_then(|row| row["scopes"].as_array()).cloned().unwrap_or_default())
}

/// Whether a node has said the digest of every scope anew, and each is the peer's own.
fn confirmed(peer: &Client, name: &str, since: &[Value]) -> Result<bool> {
    let scopes = digests(peer, name)?;
    let anew = |scope: &Value| since.iter().all(|before| before["heard_at"] != scope["heard_at"]);
    Ok(!scopes.is_empty() && scopes.iter().all(|scope| scope["equal"] == true && anew(scope)))
}

fn report_problem(answer: &Value) {
    if let Some(detail) = answer.get("detail") {
        eprintln!("refused: {detail}");
    }
}
