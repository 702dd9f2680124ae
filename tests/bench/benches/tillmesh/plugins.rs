//! One order of 2.1 KB and eight lines, read to commands: by the same code compiled natively, by a plugin in a fresh
//! instance and in one that served before, and by a plugin of Extism. `tests/bench/peers` builds what it is compared
//! with; plugins in JavaScript and Python are measured where they are built.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tillmesh::plugin::{CallContext, Capability, CodeCache, HostOptions, Limits, Parts, Plugin, PluginHost, Terms};
use tillmesh_core::channel::ChannelMessage;
use tillmesh_core::id::Name;
use tillmesh_core::time::Timestamp;

use crate::Settings;
use crate::plugin_peers::{How, Peers};
use crate::report::{Bound, Findings, Goal, Table, median};

/// What a plugin may cost of what the same code costs natively, in a fresh instance and in one that served before.
const GOAL_FRESH: f64 = 5.0;
const GOAL_REUSED: f64 = 2.5;
/// How long loading compiled code may take, in milliseconds.
const GOAL_LOAD: f64 = 10.0;
const GOAL_LOAD_PYTHON: f64 = 150.0;
/// How long the contenders of a round measure each.
const LAP: Duration = Duration::from_millis(60);
/// For how long calls are counted.
const RATE_LAP: Duration = Duration::from_millis(500);

/// A plugin, with what it took to compile it and to load what was compiled, in milliseconds.
struct Guest {
    name: &'static str,
    fresh: Plugin,
    reused: Plugin,
    compile: f64,
    load: f64,
}

/// Microseconds a call, a value a round.
#[derive(Default)]
struct Times {
    fresh: Vec<f64>,
    reused: Vec<f64>,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let rounds = if settings.quick { 3 } else { 25 };
    let (order, folder) = (order()?, TempDir::new_in(&settings.folder)?);
    let mut guests = Vec::new();
    for (name, file) in guest_files() {
        if file.is_file() {
            guests.push(Guest::load(name, &file, folder.path())?);
        } else {
            println!("left out: {name}: there is no {} (tests/bench/peers builds it)", file.display());
        }
    }
    let mut peers = Peers::start()?;
    let (mut native, mut extism) = (Vec::new(), Times::default());
    let mut times: Vec<_> = guests.iter().map(|_| Times::default()).collect();
    for _ in 0..rounds {
        native.push(peers.microseconds(How::Native, LAP)?);
        extism.fresh.push(peers.microseconds(How::Fresh, LAP)?);
        extism.reused.push(peers.microseconds(How::Reused, LAP)?);
        for (guest, times) in guests.iter().zip(&mut times) {
            times.fresh.push(microseconds(&guest.fresh, &order)?);
            times.reused.push(microseconds(&guest.reused, &order)?);
        }
    }
    for guest in &guests {
        ensure!(guest.reused.is_reused(), "{} answers otherwise in an instance that served before", guest.name);
    }
    let native = least_disturbed(&native);
    let calls: Vec<_> = guests.iter().map(|guest| guest.name).zip(times).collect();
    let goals = goals(native, &calls, &extism, &guests);
    let tables = vec![
        of_calls(rounds, native, &calls, extism),
        of_parts(&guests, &order, settings.quick)?,
        of_cores(&guests, &order)?,
        of_loads(&guests),
    ];
    Ok(Findings { tables, goals })
}

/// The order, as a channel is given it.
fn order() -> anyhow::Result<ChannelMessage> {
    Ok(ChannelMessage {
        channel: Name::new("shop")?,
        id: "1".into(),
        topic: "orders/create".into(),
        content_type: "application/json".into(),
        received_at: Timestamp(0),
        body: std::fs::read(here().join("order.json"))?,
    })
}

pub fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn guest_files() -> [(&'static str, PathBuf); 3] {
    let guest = |language: &str| here().join(format!("guests/{language}/order-{language}.wasm"));
    [
        ("Rust", here().join("../../plugins/target/components/shopify.wasm")),
        ("JavaScript", guest("javascript")),
        ("Python", guest("python")),
    ]
}

impl Guest {
    /// Compiles it, and loads what was compiled, each with a host of its own.
    fn load(name: &'static str, file: &Path, folder: &Path) -> anyhow::Result<Self> {
        let component = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        let capabilities = [Capability::CONTRACT.as_slice(), &[Capability::Wasi]].concat();
        let terms = Terms { capabilities, limits: Limits::MAX, reuse: false };
        let install = || -> anyhow::Result<_> {
            let cache = Some(CodeCache { dir: folder.join("code-cache"), key: [7; 32] });
            let host = PluginHost::new(HostOptions { cache })?;
            let began = Instant::now();
            let plugin = host.install_on(&component, &terms)?;
            Ok((plugin, milliseconds(began.elapsed())))
        };
        let (_, compile) = install()?;
        let mut loads = Vec::new();
        for _ in 0..4 {
            loads.push(install()?.1);
        }
        let (plugin, load) = install()?;
        loads.push(load);
        let (fresh, reused) = (plugin.with_reuse(false), plugin.with_reuse(true));
        Ok(Self { name, fresh, reused, compile, load: median(loads) })
    }
}

fn context() -> anyhow::Result<CallContext> {
    Ok(CallContext::bare(Name::new("shop")?, Name::new("web")?))
}

/// What a call takes, the median of as many as fit into a lap: others share this machine, and what they take of it
/// would be in a mean.
fn microseconds(plugin: &Plugin, order: &ChannelMessage) -> anyhow::Result<f64> {
    let (context, began, mut times) = (context()?, Instant::now(), Vec::new());
    while began.elapsed() < LAP {
        let since = Instant::now();
        let translation = plugin.translate(black_box(order), &context)?;
        ensure!(translation.commands.len() == 1, "an order is one command");
        black_box(translation);
        times.push(since.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(times))
}

/// How many calls a second there are.
fn rate(plugin: &Plugin, order: &ChannelMessage) -> anyhow::Result<f64> {
    let (context, began, mut calls) = (context()?, Instant::now(), 0_u32);
    while began.elapsed() < RATE_LAP {
        black_box(plugin.translate(black_box(order), &context)?);
        calls += 1;
    }
    Ok(f64::from(calls) / began.elapsed().as_secs_f64())
}

/// The shortest of what the rounds say, each a median: computing alone, a call takes longer only where others take the
/// machine, and they do so for seconds at a time.
fn least_disturbed(rounds: &[f64]) -> f64 {
    rounds.iter().copied().min_by(f64::total_cmp).unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Times {
    fn least_disturbed(&self) -> (f64, f64) {
        (least_disturbed(&self.fresh), least_disturbed(&self.reused))
    }
}

fn of_calls(rounds: usize, native: f64, guests: &[(&str, Times)], extism: Times) -> Table {
    let title = format!(
        "An order of eight lines to commands, microseconds a call (the best of {rounds} rounds); a reused instance is \
         checked against a fresh one at one call of 50"
    );
    let mut table = Table::new(&title, &["who", "fresh", "reused", "fresh / native", "reused / native"]);
    table.row(vec!["Rust, natively".to_owned(), format!("{native:.1}")]);
    let extism = ("Rust, by Extism", extism);
    for (name, times) in guests.iter().map(|(name, times)| (*name, times)).chain([(extism.0, &extism.1)]) {
        let (fresh, reused) = times.least_disturbed();
        let ratio = |time: f64| format!("{:.1}", time / native);
        table.row(vec![name.to_owned(), format!("{fresh:.1}"), format!("{reused:.1}"), ratio(fresh), ratio(reused)]);
    }
    table
}

/// A part of a call: what it is called, and which.
type Named = (&'static str, fn(&Parts) -> Duration);

const PARTS: [Named; 6] = [
    ("store and limits", |parts| parts.store),
    ("instance: memory, tables, start", |parts| parts.instance),
    ("exports", |parts| parts.exports),
    ("arguments, guest, answer", |parts| parts.call),
    ("answer checked", |parts| parts.check),
    ("memory given back", |parts| parts.end),
];

fn of_parts(guests: &[Guest], order: &ChannelMessage, quick: bool) -> anyhow::Result<Table> {
    let calls = if quick { 200 } else { 3_000 };
    let mut measured = Vec::new();
    for guest in guests {
        let context = context()?;
        let parts: Result<Vec<_>, _> = (0..calls).map(|_| guest.fresh.measure_parts(order, &context)).collect();
        measured.push(parts?);
    }
    let title = format!("What a fresh instance costs, microseconds (medians of {calls} calls)");
    let names = guests.iter().map(|guest| guest.name);
    let mut table = Table::new(&title, &[&["part"], &*names.collect::<Vec<_>>()].concat());
    for (name, part) in PARTS {
        let time = |parts: &Vec<Parts>| median(parts.iter().map(|parts| part(parts).as_secs_f64() * 1e6).collect());
        let cells = measured.iter().map(|parts| format!("{:.1}", time(parts)));
        table.row([name.to_owned()].into_iter().chain(cells).collect());
    }
    Ok(table)
}

fn of_cores(guests: &[Guest], order: &ChannelMessage) -> anyhow::Result<Table> {
    let mut table =
        Table::new("Calls a second", &["who", "fresh, 1 thread", "2 threads", "reused, 1 thread", "2 threads"]);
    for guest in guests {
        let mut cells = vec![guest.name.to_owned()];
        for plugin in [&guest.fresh, &guest.reused] {
            for threads in [1, 2] {
                cells.push(format!("{:.0}", calls_per_second(plugin, order, threads)?));
            }
        }
        table.row(cells);
    }
    Ok(table)
}

fn calls_per_second(plugin: &Plugin, order: &ChannelMessage, threads: usize) -> anyhow::Result<f64> {
    std::thread::scope(|scope| {
        let calls = (0..threads).map(|_| scope.spawn(|| rate(plugin, order)));
        let calls: Vec<_> = calls.collect();
        let rates = calls.into_iter().map(|call| {
            let panicked = |_| anyhow::anyhow!("a thread of calls panicked");
            call.join().map_err(panicked)?
        });
        rates.sum()
    })
}

fn of_loads(guests: &[Guest]) -> Table {
    let title = "A plugin made ready, milliseconds: compiled, and loaded from the cache of compiled code";
    let mut table = Table::new(title, &["who", "compiled", "loaded"]);
    for Guest { name, compile, load, .. } in guests {
        table.row(vec![(*name).to_owned(), format!("{compile:.0}"), format!("{load:.1}")]);
    }
    table
}

fn goals(native: f64, guests: &[(&str, Times)], extism: &Times, loaded: &[Guest]) -> Vec<Goal> {
    let mut goals = Vec::new();
    let micros = |time: f64| format!("{time:.1} us");
    if let Some((_, times)) = guests.iter().find(|(name, _)| *name == "Rust") {
        let ((fresh, reused), (_, extism)) = (times.least_disturbed(), extism.least_disturbed());
        for (what, node, bare, bound) in [
            ("(m) an order by a fresh instance, of native", fresh, native, GOAL_FRESH),
            ("(m) by a reused instance, of native", reused, native, GOAL_REUSED),
            ("(m) by a fresh instance, of Extism's reused one", fresh, extism, 1.0),
        ] {
            let (value, bound) = (node / bare, Bound::AtMost(bound));
            goals.push(Goal { what: what.to_owned(), node: micros(node), bare: micros(bare), value, bound });
        }
    }
    for Guest { name, load, compile, .. } in loaded {
        let bound = match *name {
            "Rust" => GOAL_LOAD,
            "Python" => GOAL_LOAD_PYTHON,
            _ => continue,
        };
        let what = format!("(n) milliseconds to load compiled code, {name}");
        let (node, bare) = (format!("{load:.1} ms"), format!("compiling: {compile:.0} ms"));
        goals.push(Goal { what, node, bare, value: *load, bound: Bound::AtMost(bound) });
    }
    goals
}
