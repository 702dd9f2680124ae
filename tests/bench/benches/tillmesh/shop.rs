//! A retailer of the size of the published grocery data: eight stores, the same from run to run.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::json;
use tillmesh::store::Store;
use tillmesh_core::catalog::Product;
use tillmesh_core::command::{Command, LineRequest, Outcome, PromiseTerms, Request, Reservation, TenderRequest};
use tillmesh_core::engine::{Config, Effect, Engine};
use tillmesh_core::event::{Event, Line};
use tillmesh_core::id::{Name, Sku};
use tillmesh_core::money::{Currency, Money, Rounding, UnitPrice};
use tillmesh_core::sync::pack;
use tillmesh_core::time::{Timestamp, Zone};

/// How many products the retailer has.
pub const PRODUCTS: usize = 7_404;
/// How many pairs of store and product have stock.
pub const PAIRS: usize = 11_235;
/// How many stores it has.
pub const STORES: usize = 8;
/// How many lines a sale has.
const LINES: usize = 10;
/// How many lines a receipt of goods has, and products an import.
const IMPORT: usize = 400;
/// How many rows one commit of [`Shop::settle`] writes: as many as a node's that stops.
const SETTLE_ROWS: usize = 2_048;
/// When trade begins: a morning.
const MORNING: Timestamp = Timestamp::from_millis(1_700_031_600_000);

/// An engine on a disk, with time and randomness of its own.
pub struct Shop {
    pub engine: Engine<Store>,
    rng: ChaCha20Rng,
    now: Timestamp,
    sales: u64,
}

impl Shop {
    /// Opens the store in a file, or begins an empty one.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let store = Store::open(path)?;
        let engine = Engine::open(store, config()?, MORNING, &mut rng)?;
        Ok(Self { engine, rng, now: MORNING, sales: 0 })
    }

    /// Loads every product, and stock of every store's products.
    pub fn stock_up(&mut self) -> anyhow::Result<()> {
        let products: Vec<_> = (0..PRODUCTS).map(product).collect::<Result<_, _>>()?;
        for products in products.chunks(IMPORT) {
            self.run(Command::PutProducts(products.to_vec()))?;
        }
        for store in 0..STORES {
            let line = |index| Ok(Line { sku: sku(index)?, quantity: 1_000_000 });
            let lines: Vec<_> = stocked(store).map(line).collect::<anyhow::Result<_>>()?;
            for lines in lines.chunks(IMPORT) {
                self.run(Command::Receive { location: Some(location(store)?), lines: lines.to_vec() })?;
            }
        }
        self.settle()
    }

    /// Sales of ten different products of the first store each, paid, each under an idempotency key.
    pub fn draw(&mut self, count: usize) -> anyhow::Result<Vec<Request>> {
        self.draw_lines(count, LINES)
    }

    /// The same with another number of products.
    pub fn draw_lines(&mut self, count: usize, lines: usize) -> anyhow::Result<Vec<Request>> {
        let stocked: Vec<_> = stocked(0).collect();
        (0..count).map(|_| self.draw_one(&stocked, lines)).collect()
    }

    /// A sale of so many lines, as a message between nodes and as its record.
    pub fn message(&mut self, lines: usize) -> anyhow::Result<Message> {
        let request = priced(self.draw_lines(1, lines)?.remove(0))?;
        let record = self.sell(request)?.to_bytes();
        Ok(Message { payload: pack(&self.commit_batches()?), record })
    }

    /// Makes durable what was done since the last commit, and gives its batches.
    pub fn commit_batches(&mut self) -> anyhow::Result<Vec<Vec<u8>>> {
        let batch = |effect| match effect {
            Effect::Batch { envelope, .. } => Some(envelope),
            Effect::Send { .. } => None,
        };
        Ok(self.commit()?.into_iter().filter_map(batch).collect())
    }

    /// Makes a sale and gives its event. It is durable after [`Shop::commit`].
    pub fn sell(&mut self, request: Request) -> anyhow::Result<Event> {
        match self.submit(request)? {
            Outcome::Recorded { mut events, .. } if events.len() == 1 => Ok(events.remove(0).0),
            other => Err(anyhow!("a sale came to {other:?}")),
        }
    }

    /// Makes durable what was done since the last commit, and gives what is to be sent.
    pub fn commit(&mut self) -> anyhow::Result<Vec<Effect>> {
        Ok(self.engine.commit(self.now)?.effects)
    }

    /// Writes every projection row that waits.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        while self.engine.write_behind(SETTLE_ROWS)? > 0 {}
        Ok(())
    }

    /// Goes on to the next morning.
    pub fn next_day(&mut self) {
        self.now = self.now.plus_millis(24 * 3_600 * 1_000);
    }

    fn run(&mut self, command: Command) -> anyhow::Result<()> {
        let _made_durable_next = self.submit(Request::now(command))?;
        self.commit()?;
        Ok(())
    }

    fn submit(&mut self, request: Request) -> anyhow::Result<Outcome> {
        self.now = self.now.plus_millis(1);
        Ok(self.engine.submit(self.now, &mut self.rng, request)?)
    }

    fn draw_one(&mut self, stocked: &[usize], count: usize) -> anyhow::Result<Request> {
        self.sales += 1;
        let (mut lines, mut total) = (BTreeMap::new(), 0);
        while lines.len() < count {
            let drawn = usize::try_from(self.rng.next_u32())?;
            let (index, quantity) = (stocked[drawn % stocked.len()], 1 + i64::from(self.rng.next_u32() % 3));
            let line = LineRequest { sku: sku(index)?, quantity, unit_price: None, amount: None };
            let replaced = lines.insert(index, line).map_or(0, |line: LineRequest| line.quantity);
            total += (quantity - replaced) * price_of(index)?;
        }
        let amount = Money { amount: total, currency: currency()? };
        let tender = TenderRequest { kind: Name::new("cash")?, amount, reference: None };
        let lines = lines.into_values().collect();
        let command = Command::Sell { location: None, lines, tenders: vec![tender], customer: None };
        let key = format!("{:016x}-{:08}", self.rng.next_u64(), self.sales);
        Ok(Request::now(command).with_key(&key, key.as_bytes()))
    }
}

/// The same goods, promised instead of sold.
pub fn reserved(request: Request) -> anyhow::Result<Request> {
    let Command::Sell { lines, .. } = request.command else { bail!("{:?} is no sale", request.command) };
    let terms = PromiseTerms { ttl_seconds: None, until: None };
    let command = Command::Reserve(Box::new(Reservation { location: None, lines, customer: None, terms }));
    Ok(Request { command, ..request })
}

/// A sale on its way.
pub struct Message {
    /// What a node sends.
    pub payload: Vec<u8>,
    /// The event's record alone.
    pub record: Vec<u8>,
}

/// A drawn sale as `POST /v1/sales` takes it.
pub fn body(command: &Command) -> anyhow::Result<String> {
    let Command::Sell { lines, tenders, .. } = command else { bail!("{command:?} is no sale") };
    let line = |line: &LineRequest| json!({ "sku": line.sku.as_str(), "quantity": line.quantity });
    let tender = |tender: &TenderRequest| {
        let Money { amount, currency } = tender.amount;
        json!({ "kind": tender.kind.as_str(), "amount": { "amount": amount, "currency": currency.to_string() } })
    };
    let lines: Vec<_> = lines.iter().map(line).collect();
    let tenders: Vec<_> = tenders.iter().map(tender).collect();
    Ok(json!({ "lines": lines, "tenders": tenders }).to_string())
}

/// A drawn sale whose lines say what they cost, for a node without a catalogue.
pub fn priced(mut request: Request) -> anyhow::Result<Request> {
    if let Command::Sell { lines, tenders, .. } = &mut request.command {
        let amount = Money { amount: 500, currency: currency()? };
        lines.iter_mut().for_each(|line| line.amount = Some(amount));
        let total = amount.amount * i64::try_from(lines.len())?;
        tenders.iter_mut().for_each(|tender| tender.amount.amount = total);
    }
    Ok(request)
}

fn config() -> anyhow::Result<Config> {
    Ok(Config {
        fleet: Name::new("bench")?,
        node: Name::new("till-1")?,
        location: location(0)?,
        region: Name::new("main")?,
        zone: Zone::UTC,
        rounding: Rounding::HalfUp,
        keeper: false,
        promises: tillmesh_core::policy::Policies::default(),
        taxes: tillmesh_core::tax::Taxes::default(),
        vouchers: Name::new(tillmesh_core::voucher::LOCATION)?,
    })
}

fn currency() -> anyhow::Result<Currency> {
    Currency::new("USD").context("the currency of the benchmark")
}

fn location(store: usize) -> anyhow::Result<Name> {
    Ok(Name::new(&format!("store-{store}"))?)
}

fn sku(index: usize) -> anyhow::Result<Sku> {
    Ok(Sku::new(&(818_980 + 131 * index).to_string())?)
}

/// Some products that the first store has.
pub fn skus(count: usize) -> anyhow::Result<Vec<Sku>> {
    stocked(0).take(count).map(sku).collect()
}

/// The products of a store: spread over all of them, partly the same as its neighbours'.
fn stocked(store: usize) -> impl Iterator<Item = usize> {
    /// Shares no factor with [`PRODUCTS`], so that no product comes twice.
    const STRIDE: usize = 5;
    let count = PAIRS / STORES + usize::from(store < PAIRS % STORES);
    (0..count).map(move |number| (number * STRIDE + store * 811) % PRODUCTS)
}

/// What one unit costs, in minor units.
fn price_of(index: usize) -> anyhow::Result<i64> {
    Ok(49 + i64::try_from(index * 37 % 1_900)?)
}

fn product(index: usize) -> anyhow::Result<Product> {
    let price = Money { amount: price_of(index)?, currency: currency()? };
    Ok(Product {
        sku: sku(index)?,
        name: format!("Prepared beans, baked with pork no. {index}"),
        price: Some(UnitPrice::of(price)),
        gtin: None,
        department: Some("Grocery".to_owned()),
        category: Some(format!("Canned glass and ready-made {}", index % 300)),
        unit: Some("each".to_owned()),
        tax_class: None,
        references: BTreeMap::new(),
    })
}
