//! Four weeks of eight stores' baskets, a fifth of which a web front promises out of the stores' stock, while stores
//! and web front are cut off for hours.
//!
//! The baskets are those of the example `grocery`. Before each week each store books in exactly what that week's
//! baskets hold, so every basket can be had, by whoever knows everything. One week is played; where
//! `TILLMESH_SIM_SEEDS` is set all four are, once for every thousand seeds. Who is cut off when and what is ordered is
//! the same with and without rebalancing, so that the two can be held against each other.

use std::collections::BTreeMap;

use tillmesh_core::catalog::Product;
use tillmesh_core::command::{Command, LineRequest, PromiseTerms, Request, Reservation};
use tillmesh_core::event::{Line, MAX_LINES};
use tillmesh_core::id::{EventId, Name, Sku};
use tillmesh_core::order;
use tillmesh_core::policy::Policies;
use tillmesh_core::refusal::Refusal;
use tillmesh_core::time::Timestamp;
use tillmesh_sim::omniscient::Omniscient;
use tillmesh_sim::world::PATIENCE;
use tillmesh_sim::{Dice, World, check};

const BASKETS: &str = include_str!("../../../../examples/grocery/data/baskets-weeks-1-4.csv");
/// Of a hundred baskets so many are ordered in the web.
const PROMISED_PERCENT: u64 = 20;
/// Before so many of a hundred baskets somebody is cut off, for some hours.
const CUT_PERCENT: u64 = 2;
/// The longest time between two baskets, in milliseconds: nights are short here.
const LONGEST_PAUSE: i64 = 2 * 60_000;
const HOUR: i64 = 3_600_000;
const WEEK: i64 = 7 * 24 * HOUR;
const FIRST_SEED: u64 = 20;
/// How many weeks are played unless more is asked for.
const FEW_WEEKS: i64 = 1;

/// What a customer took or ordered.
struct Basket {
    id: String,
    at: i64,
    store: String,
    /// Units of each SKU.
    lines: BTreeMap<Sku, i64>,
}

/// What came of the web's orders.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    promised: usize,
    /// Declined although the store had everything, free or in somebody's rights.
    declined_in_vain: usize,
    /// Declined because somebody had taken it.
    declined: usize,
    /// The store could not hand it over.
    broken: usize,
}

#[test]
fn a_web_front_breaks_no_promise_whoever_is_cut_off_and_declines_less_where_rights_are_shared_out() {
    let mut in_vain = [0, 0];
    for seed in 0..months().unwrap_or(1) {
        let reports = [true, false].map(|rebalance| Month::new(FIRST_SEED + seed, rebalance).play());
        let [with, without] = &reports;
        println!("seed {} with rebalancing {with:?}", FIRST_SEED + seed);
        println!("seed {} without rebalancing {without:?}", FIRST_SEED + seed);
        for (report, in_vain) in reports.iter().zip(&mut in_vain) {
            assert_eq!(report.broken, 0, "{report:?}");
            assert_eq!(report.declined, 0, "each week has what its baskets hold: {report:?}");
            assert!(report.promised > report.declined_in_vain, "{report:?}");
            *in_vain += report.declined_in_vain;
        }
    }
    assert!(in_vain[0] <= in_vain[1], "declined in vain with and without rebalancing: {in_vain:?}");
}

struct Month {
    world: World,
    /// Decides who is cut off when and what is ordered, whatever the network's dice say.
    fate: Dice,
    watcher: Omniscient,
    stores: BTreeMap<String, usize>,
    web: usize,
    /// When each node's link comes back.
    cut: BTreeMap<usize, i64>,
    /// Promises that their store has not handed over yet.
    open: Vec<(usize, EventId)>,
    report: Report,
}

impl Month {
    fn new(seed: u64, rebalance: bool) -> Self {
        let (mut world, fate, mut stores) = (World::new(seed), Dice::new(seed), BTreeMap::new());
        for basket in baskets() {
            let name = format!("store-{}", basket.store);
            stores.entry(basket.store).or_insert_with(|| world.add(&name, &name));
        }
        let web = world.add("web", "web");
        for node in 0..=web {
            world.nodes[node].policies = Policies { rebalance, ..Policies::default() };
            world.crash(node);
            world.start(node);
        }
        let (watcher, report) = (Omniscient::default(), Report::default());
        Self { world, fate, watcher, stores, web, cut: BTreeMap::new(), open: Vec::new(), report }
    }

    fn play(mut self) -> Report {
        let baskets = baskets();
        self.put_products(&baskets);
        let (mut week, mut before) = (None, baskets[0].at);
        for basket in &baskets {
            let pause = (basket.at - before).clamp(0, LONGEST_PAUSE);
            before = basket.at;
            self.pass(pause);
            let of = (basket.at - baskets[0].at) / WEEK;
            if week != Some(of) {
                week = Some(of);
                self.receive(baskets.iter().filter(|other| (other.at - baskets[0].at) / WEEK == of));
            }
            if self.fate.percent(CUT_PERCENT) {
                self.cut_off();
            }
            match self.fate.percent(PROMISED_PERCENT) {
                true => self.order(basket),
                false => self.sell(basket),
            }
            self.hand_over();
            self.watcher.look(&self.world);
        }
        self.end()
    }

    /// Ends every cut; then each promise is handed over, and nothing is short.
    fn end(mut self) -> Report {
        self.world.settle();
        self.hand_over();
        assert_eq!(self.open.len(), 0, "everybody has heard of every promise");
        self.world.settle();
        self.watcher.look(&self.world);
        check::nodes_agree(&self.world);
        for (key, row) in self.watcher.rows() {
            assert_eq!((row.open(), row.twice), (0, 0), "{key:?} {row:?}");
            assert!(row.on_hand >= 0, "more was sold than came in: {key:?} {row:?}");
        }
        self.report
    }

    fn pass(&mut self, millis: i64) {
        self.world.pass(millis, false);
        let now = self.world.now;
        let back: Vec<_> = self.cut.iter().filter(|(_, until)| **until <= now).map(|(node, _)| *node).collect();
        for node in back {
            self.cut.remove(&node);
            self.world.link(node, true);
        }
    }

    fn cut_off(&mut self) {
        let node = self.fate.index(self.world.nodes.len());
        let until = self.world.now + self.fate.between(1, 5) * HOUR;
        if self.cut.insert(node, until).is_none() {
            self.world.link(node, false);
        }
    }

    fn put_products(&mut self, baskets: &[Basket]) {
        let skus: std::collections::BTreeSet<_> = baskets.iter().flat_map(|basket| basket.lines.keys()).collect();
        let products: Vec<_> = skus.into_iter().map(|sku| Product::named(sku.clone(), sku.to_string())).collect();
        for products in products.chunks(200) {
            self.world.run(self.web, Request::now(Command::PutProducts(products.to_vec())));
        }
        self.world.settle();
    }

    /// Each store books in what a week's baskets hold.
    fn receive<'a>(&mut self, week: impl Iterator<Item = &'a Basket>) {
        let mut units: BTreeMap<&str, BTreeMap<&Sku, i64>> = BTreeMap::new();
        for basket in week {
            let of_store = units.entry(&basket.store).or_default();
            basket.lines.iter().for_each(|(sku, quantity)| *of_store.entry(sku).or_default() += quantity);
        }
        for (store, units) in units {
            let lines: Vec<_> = units.into_iter().map(|(sku, quantity)| Line { sku: sku.clone(), quantity }).collect();
            for lines in lines.chunks(MAX_LINES / 2) {
                let command = Command::Receive { location: None, lines: lines.to_vec() };
                self.world.run(self.stores[store], Request::now(command));
            }
        }
    }

    fn sell(&mut self, basket: &Basket) {
        let (lines, store) = (lines_of(basket), self.stores[&basket.store]);
        if !lines.is_empty() {
            let command = Command::Sell { location: None, lines, tenders: Vec::new(), customer: None };
            self.world.run(store, Request::now(command));
        }
    }

    /// Orders a basket in the web: it asks the stores, and waits for them as long as a customer does.
    fn order(&mut self, basket: &Basket) {
        let lines = lines_of(basket);
        if lines.is_empty() {
            return;
        }
        self.watcher.look(&self.world);
        let location = self.world.nodes[self.stores[&basket.store]].location.clone();
        let is_there = self.is_there(&location, basket);
        let until = Timestamp::from_millis(self.world.now + PATIENCE);
        let first = self.reserve(&location, &lines, &basket.id, Some(until));
        self.world.commit(self.web);
        if first.is_err() {
            self.pass(PATIENCE + 100);
        }
        // The same key gives the same answer: what came of it.
        match self.reserve(&location, &lines, &basket.id, None) {
            Ok(promise) => {
                self.report.promised += 1;
                self.open.push((self.stores[&basket.store], promise));
            }
            Err(Refusal::NotAvailable { .. }) if is_there => self.report.declined_in_vain += 1,
            Err(Refusal::NotAvailable { .. }) => self.report.declined += 1,
            Err(refusal) => panic!("{refusal}"),
        }
        self.world.commit(self.web);
    }

    fn reserve(
        &mut self,
        location: &Name,
        lines: &[LineRequest],
        key: &str,
        until: Option<Timestamp>,
    ) -> Result<EventId, Refusal> {
        let terms = PromiseTerms { ttl_seconds: None, until };
        let location = Some(location.clone());
        let reservation = Reservation { location, lines: lines.to_vec(), customer: None, terms };
        let request = Request::now(Command::Reserve(Box::new(reservation))).with_key(key, key.as_bytes());
        self.world.submit(self.web, request)?;
        let pending = self.world.nodes[self.web].pending.last();
        let (_, outcome) = pending.expect("what was taken waits for a commit");
        match outcome {
            tillmesh_core::command::Outcome::Recorded { events, .. } => Ok(events[0].0.id),
            other => panic!("a reservation came to {other:?}"),
        }
    }

    /// Whether a store has all of a basket that nobody was promised, free or as rights, whoever holds them.
    fn is_there(&self, location: &Name, basket: &Basket) -> bool {
        basket.lines.iter().all(|(sku, quantity)| {
            let row = self.watcher.rows().get(&(location.clone(), sku.clone()));
            row.is_some_and(|row| row.on_hand - row.open() >= *quantity)
        })
    }

    /// Stores hand over what they have heard to be promised.
    fn hand_over(&mut self) {
        for (store, promise) in std::mem::take(&mut self.open) {
            let node = &self.world.nodes[store];
            let engine = node.engine.as_ref().expect("nobody crashes here");
            let known = order::read(&engine.view().read().unwrap(), &engine.reader(), promise).unwrap();
            let Some(known) = known else {
                self.open.push((store, promise));
                continue;
            };
            let view = engine.view();
            let on_hand = |sku: &Sku| {
                let row = view.read().unwrap().stock.get(&(node.location.clone(), sku.clone())).cloned();
                row.map_or(0, |row| row.on_hand())
            };
            self.report.broken += usize::from(known.lines().iter().any(|line| on_hand(&line.sku) < line.quantity));
            let command =
                Command::Fulfil { location: None, order: promise, lines: Vec::new(), parcel: None, handover: None };
            self.world.run(store, Request::now(command));
        }
    }
}

fn lines_of(basket: &Basket) -> Vec<LineRequest> {
    let line = |(sku, quantity): (&Sku, &i64)| LineRequest {
        sku: sku.clone(),
        quantity: *quantity,
        unit_price: None,
        amount: None,
    };
    basket.lines.iter().map(line).collect()
}

/// How many months are played; none: a week.
fn months() -> Option<u64> {
    let seeds = std::env::var("TILLMESH_SIM_SEEDS").ok()?;
    Some(seeds.parse::<u64>().expect("a number of seeds").div_ceil(1_000))
}

/// The baskets in the order of their times; lines without units are left out.
fn baskets() -> Vec<Basket> {
    let mut baskets: BTreeMap<(i64, String), Basket> = BTreeMap::new();
    for row in BASKETS.lines().skip(1) {
        let cells: Vec<_> = row.split(',').collect();
        let [time, store, id, _, product, quantity, ..] = cells.as_slice() else { panic!("{row}") };
        let at = Timestamp::parse(&format!("{time}Z")).expect("a time").as_millis();
        let lines = BTreeMap::new();
        let empty = || Basket { id: (*id).to_owned(), at, store: (*store).to_owned(), lines };
        let basket = baskets.entry((at, (*id).to_owned())).or_insert_with(empty);
        let quantity: i64 = quantity.parse().expect("a quantity");
        if quantity > 0 {
            *basket.lines.entry(Sku::new(product).expect("a SKU")).or_default() += quantity;
        }
    }
    let first = baskets.keys().next().map_or(0, |(at, _)| *at);
    let weeks = if months().is_some() { i64::MAX / WEEK } else { FEW_WEEKS };
    baskets.into_values().filter(|basket| basket.at - first < weeks * WEEK).collect()
}
