//! Clients and channels: what a shop's day throws at its nodes.

mod returns;

use tillmesh_core::cart::MergePolicy;
use tillmesh_core::catalog::Product;
use tillmesh_core::channel::{ChannelCommand, CommandLine, LineContent, StatedTotals, StockLine};
use tillmesh_core::command::{
    Command, GiveUp, LineRequest, Outcome, Priced, PromiseTerms, Request, Reservation, TenderRequest,
};
use tillmesh_core::event::{AdjustmentReason, CashKind, Handover, Line, Stage};
use tillmesh_core::id::{CartId, EventId, Name, Reference, Sku};
use tillmesh_core::money::{Currency, Money, UnitPrice};
use tillmesh_core::order;
use tillmesh_core::refusal::Refusal;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view;

use crate::world::PATIENCE;
use crate::{Node, World};
use returns::Returns;

/// How many SKUs are traded: few, so that everything meets.
const SKUS: u64 = 5;
/// How many events of one key are looked at; a course reuses a key a few times.
const MAX_UNDER_KEY: usize = 64;
/// How many requests and messages are remembered to be repeated.
const REMEMBERED: usize = 40;

/// The ways to merge carts.
const POLICIES: [MergePolicy; 3] = [MergePolicy::Sum, MergePolicy::Max, MergePolicy::Keep];

/// Clients and channels, and what they remember.
#[derive(Default)]
pub struct Traffic {
    locations: Vec<Name>,
    keyed: Vec<(usize, Request)>,
    messages: Vec<Request>,
    orders: Vec<Reference>,
    sales: Vec<EventId>,
    promises: Vec<EventId>,
    returns: Returns,
    carts: Vec<CartId>,
    used: u64,
    /// Whether one message may mean something else at each node: without a location of its own.
    pub ambiguous: bool,
    /// Whether days end at midnight only: no clerk closes one.
    pub whole_days: bool,
}

/// A SKU by number.
pub fn sku(number: u64) -> Sku {
    Sku::new(&format!("sku {number}")).expect("a SKU")
}

/// A product without a price.
pub fn product_of(number: u64) -> Product {
    Product::named(sku(number), format!("product {number}"))
}

/// A sale of one SKU.
pub fn sell(what: &Sku, quantity: i64) -> Command {
    let line = LineRequest { sku: what.clone(), quantity, unit_price: None, amount: None };
    Command::Sell { location: None, lines: vec![line], tenders: Vec::new(), customer: None }
}

/// Gives a promise up, all of it or a part, mostly not without asking.
pub fn give_up(world: &mut World, promise: EventId) -> GiveUp {
    let (lines, force) = (some_lines(world), world.dice.percent(15));
    GiveUp { lines, force, ..GiveUp::all_of(promise) }
}

/// The node that made an order, while it runs: nobody else gives it up.
pub fn maker(nodes: &[Node], order: EventId) -> Option<usize> {
    let of = |node: &Node| {
        let engine = node.engine.as_ref()?;
        let view = engine.view();
        let view = view.read().ok()?;
        let order = order::read(&view, &engine.reader(), order).ok()??;
        (order.origin.writer == *engine.writer()).then_some(())
    };
    nodes.iter().position(|node| of(node).is_some())
}

/// Goods that come in.
pub fn receive(what: &Sku, quantity: i64) -> Command {
    Command::Receive { location: None, lines: vec![Line { sku: what.clone(), quantity }] }
}

/// A stock-take of one SKU.
pub fn count(what: &Sku, quantity: i64) -> Command {
    Command::Count { location: None, lines: vec![Line { sku: what.clone(), quantity }] }
}

impl Traffic {
    /// Traffic over some locations.
    pub fn new(locations: &[Name]) -> Self {
        Self { locations: locations.to_vec(), ..Self::default() }
    }

    /// One thing happens at a node.
    pub fn act(&mut self, world: &mut World, at: usize) {
        if world.nodes[at].engine.is_none() {
            return;
        }
        match world.dice.below(100) {
            0..37 => self.trade(world, at),
            37..45 => self.promise(world, at),
            45..62 => self.message(world, at),
            62..67 => self.repeat_message(world, at),
            67..74 => self.repeat(world, at),
            74..90 => self.cart(world, at),
            90..95 => self.product(world, at),
            95..98 => self.fulfil(world, at),
            _ => self.day(world, at),
        }
        self.learn(&world.nodes[at]);
    }

    fn trade(&mut self, world: &mut World, at: usize) {
        let location = self.location(world);
        let line = Line { sku: some_sku(world), quantity: world.dice.between(1, 9) };
        let lines = vec![line.clone(), Line { sku: some_sku(world), quantity: world.dice.between(1, 9) }];
        let command = match world.dice.below(24) {
            0..9 => {
                let lines = lines.into_iter().map(|line| LineRequest {
                    sku: line.sku,
                    quantity: line.quantity,
                    unit_price: None,
                    amount: None,
                });
                let paid = paid_at(location.as_ref(), line.quantity);
                let tenders = (line.quantity % 2 == 0).then_some(paid).into_iter().collect();
                Command::Sell { location, lines: lines.collect(), tenders, customer: None }
            }
            9..12 => Command::Receive { location, lines },
            12..15 => Command::Count { location, lines: vec![line] },
            15 => Command::Adjust {
                location,
                lines: vec![Line { quantity: -line.quantity, ..line }],
                reason: AdjustmentReason::Lost,
            },
            16 | 17 => Command::Transfer { from: location, to: world.dice.pick(&self.locations).clone(), lines },
            _ => self.come_back(world, at, location, line),
        };
        let mut request = Request::now(command);
        if world.dice.percent(25) {
            request.occurred_at = Some(some_time(world, at));
        }
        let patient = world.dice.percent(70).then(|| world.nodes[at].clock(world.now + PATIENCE));
        if let Some(until) = request.waits_until() {
            *until = patient;
        }
        self.ask(world, at, request);
    }

    /// A web order's course: kept, confirmed, given up, picked, handed over or shipped.
    fn promise(&mut self, world: &mut World, at: usize) {
        let known = if self.promises.is_empty() { None } else { Some(*world.dice.pick(&self.promises)) };
        let (kind, mut at) = (world.dice.below(16), at);
        let command = match (kind, known) {
            (5 | 6, Some(promise)) => Command::Confirm { promise, lines: Vec::new() },
            (7 | 14 | 15, Some(promise)) => {
                at = maker(&world.nodes, promise).filter(|_| kind > 7).unwrap_or(at);
                Command::Release(give_up(world, promise))
            }
            (8 | 9, Some(order)) => self.leave(world, order),
            (10..=12, Some(order)) => progress(world, order),
            (13, Some(order)) => Command::Deliver { order, parcel: None },
            _ => {
                let location = self.location(world);
                reserve(world, at, location)
            }
        };
        self.ask(world, at, Request::now(command));
    }

    /// All or some of an order leaves, mostly from where it was promised.
    fn leave(&self, world: &mut World, order: EventId) -> Command {
        let location = if world.dice.percent(80) { None } else { Some(world.dice.pick(&self.locations).clone()) };
        let handover = *world.dice.pick(&[None, Some(Handover::Collected), Some(Handover::Shipped)]);
        Command::Fulfil { location, order, lines: some_lines(world), parcel: None, handover }
    }

    /// Asks under a key in most cases, and remembers it.
    fn ask(&mut self, world: &mut World, at: usize, request: Request) {
        let mut request = request;
        if world.dice.percent(60) {
            self.used += 1;
            let body = format!("{:?}", request.command);
            request = request.with_key(&format!("key {}", self.used), body.as_bytes());
            if self.keyed.len() == REMEMBERED {
                self.keyed.remove(0);
            }
            self.keyed.push((at, request.clone()));
        }
        submit(world, at, request);
    }

    /// A client that got no answer, or does not trust it, asks again; a confused one asks for something else.
    fn repeat(&mut self, world: &mut World, at: usize) {
        let mine: Vec<_> =
            self.keyed.iter().filter(|(node, _)| *node == at).map(|(_, request)| request.clone()).collect();
        if mine.is_empty() {
            return;
        }
        let mut request = world.dice.pick(&mine).clone();
        if world.dice.percent(75) {
            submit(world, at, request);
            return;
        }
        let known = world.nodes[at].answers_to(&request);
        request = Request { command: sell(&some_sku(world), 77), digest: *b"another!", ..request };
        if known {
            let result = world.submit(at, request);
            assert!(matches!(result, Err(Refusal::KeyReused { .. })), "another body under a used key: {result:?}");
        }
    }

    fn message(&mut self, world: &mut World, at: usize) {
        self.used += 1;
        let mut commands = vec![self.channel_command(world, at)];
        if world.dice.percent(20) {
            commands.push(self.channel_command(world, at));
        }
        let request = Request {
            channel: Some(crate::node::name("web")),
            ..Request::now(Command::of_channel(format!("message {}", self.used), commands))
        };
        if self.messages.len() == REMEMBERED {
            self.messages.remove(0);
        }
        self.messages.push(request.clone());
        drop(world.submit(at, request));
    }

    /// A channel sends a message again, to the same node or another one.
    fn repeat_message(&mut self, world: &mut World, at: usize) {
        if !self.messages.is_empty() {
            let request = world.dice.pick(&self.messages).clone();
            drop(world.submit(at, request));
        }
    }

    fn channel_command(&mut self, world: &mut World, at: usize) -> ChannelCommand {
        let reference = Reference::new(&format!("ref {}", self.used)).expect("a reference");
        let location =
            if self.ambiguous { self.location(world) } else { Some(world.dice.pick(&self.locations).clone()) };
        let at = some_time(world, at);
        let quantity = world.dice.below(9) + 1;
        let sku = some_sku(world);
        let lines = vec![StockLine { sku: sku.clone(), quantity }];
        let order = self.order(world, &reference);
        match world.dice.below(if self.ambiguous { 16 } else { 14 }) {
            0..6 => {
                self.orders.push(reference.clone());
                let content = LineContent::Sku(sku);
                let lines = vec![CommandLine { content, quantity, unit_price: None, amount: None }];
                let (stated, currency) = (StatedTotals::default(), Currency::new("GBP").expect("a currency"));
                ChannelCommand::PlaceOrder {
                    reference,
                    lines,
                    customer_ref: None,
                    currency,
                    stated,
                    placed_at: at,
                    location,
                }
            }
            6..8 => ChannelCommand::CancelOrder { reference: order, cancelled_at: at, reason: None },
            8..11 => ChannelCommand::FulfilOrder { reference, order, lines, fulfilled_at: at, location },
            11 => ChannelCommand::ReceiveStock { reference, lines, received_at: at, location },
            12 => ChannelCommand::RecordReturn { reference, order: None, lines, returned_at: at, location },
            13 => ChannelCommand::CountStock { reference, lines, counted_at: at, location },
            14 => ChannelCommand::SetAvailable {
                sku,
                available: i64::try_from(quantity).unwrap_or(1),
                as_of: at,
                location,
            },
            _ => {
                let content = LineContent::Sku(sku);
                let lines = vec![CommandLine { content, quantity, unit_price: None, amount: None }];
                let currency = Currency::new("GBP").expect("a currency");
                ChannelCommand::RecordSale { reference, lines, customer_ref: None, currency, sold_at: at, location }
            }
        }
    }

    fn cart(&mut self, world: &mut World, at: usize) {
        if self.carts.is_empty() || world.dice.percent(10) {
            self.ask(world, at, Request::now(Command::CreateCart { customer: None }));
            return;
        }
        let recent = &self.carts[self.carts.len().saturating_sub(4)..];
        let cart = *world.dice.pick(recent);
        let (sku, quantity) = (some_sku(world), world.dice.between(1, 5));
        let unit_price = Some(price(world.dice.between(1, 999)));
        let other = *world.dice.pick(recent);
        let command = match world.dice.below(14) {
            0..6 => Command::AddToCart { cart, sku, quantity, unit_price },
            6..8 => Command::SetInCart { cart, sku, quantity: world.dice.between(0, 3) },
            8 => Command::AddCoupon { cart, code: "SAVE".to_owned() },
            9 | 10 => Command::ClaimCart { cart },
            11 => Command::ForkCart { cart },
            12 => Command::MergeCarts { into: cart, from: other, policy: *world.dice.pick(&POLICIES) },
            _ => {
                let Some(row) = world.nodes[at].cart(cart) else { return };
                let add_ids = row.lines().into_iter().map(|(add_id, _)| add_id.clone()).collect();
                let line = |line: &tillmesh_core::cart::CartLine| LineRequest {
                    sku: line.sku.clone(),
                    quantity: line.quantity,
                    unit_price: line.unit_price,
                    amount: None,
                };
                let lines = row.lines().into_iter().map(|(_, found)| line(found)).collect();
                let priced = Priced { add_ids, lines, adjustments: Vec::new(), proof: None };
                Command::Checkout { cart, priced, tenders: Vec::new() }
            }
        };
        self.ask(world, at, Request::now(command));
    }

    fn product(&mut self, world: &mut World, at: usize) {
        let product = |world: &mut World| Product {
            name: format!("product {}", world.dice.below(1_000)),
            price: Some(price(world.dice.between(1, 999))),
            ..product_of(world.dice.below(SKUS))
        };
        let products = (0..=world.dice.below(3)).map(|_| product(world)).collect();
        drop(world.submit(at, Request::now(Command::PutProducts(products))));
    }

    /// Cash comes and goes, and now and then a clerk closes the day, which may not have begun.
    fn day(&mut self, world: &mut World, at: usize) {
        let amount = pounds(world.dice.between(1, 99));
        let command = match world.dice.below(6) {
            0 => Command::MoveCash { kind: CashKind::Float, amount, reason: None },
            1 | 2 => Command::MoveCash { kind: CashKind::PaidIn, amount, reason: None },
            3 => Command::MoveCash { kind: CashKind::PaidOut, amount, reason: None },
            _ if self.whole_days => return,
            _ => {
                let now = world.nodes[at].clock(world.now);
                let Some(open) = world.nodes[at].engine.as_ref().map(|engine| engine.open_day(now)) else { return };
                Command::CloseDay { date: open.date, counted: Some(amount), next: None }
            }
        };
        self.ask(world, at, Request::now(command));
    }

    fn fulfil(&mut self, world: &mut World, at: usize) {
        if let Some(reference) = self.orders.last() {
            let order = EventId::hash_of("tillmesh channel order", &[b"web", reference.as_str().as_bytes()]);
            let command = Command::Fulfil { location: None, order, lines: Vec::new(), parcel: None, handover: None };
            self.ask(world, at, Request::now(command));
        }
    }

    /// Remembers ids that outcomes named.
    fn learn(&mut self, node: &Node) {
        if let Some((_, Outcome::Recorded { events, .. })) = node.pending.last() {
            events.iter().for_each(|(event, _)| self.returns.learn(event));
        }
        match node.pending.last() {
            Some((_, Outcome::Cart { id, .. })) if !self.carts.contains(id) => self.carts.push(*id),
            Some((request, Outcome::Recorded { events, .. })) if matches!(request.command, Command::Reserve(_)) => {
                self.promises.extend(events.iter().map(|(event, _)| event.id));
                let old = self.promises.len().saturating_sub(REMEMBERED);
                self.promises.drain(..old);
            }
            Some((request, Outcome::Recorded { events, .. })) if matches!(request.command, Command::Sell { .. }) => {
                self.sales.extend(events.iter().map(|(event, _)| event.id));
                let old = self.sales.len().saturating_sub(REMEMBERED);
                self.sales.drain(..old);
            }
            _ => {}
        }
    }

    fn order(&self, world: &mut World, otherwise: &Reference) -> Reference {
        let recent = &self.orders[self.orders.len().saturating_sub(6)..];
        if recent.is_empty() { otherwise.clone() } else { world.dice.pick(recent).clone() }
    }

    fn location(&self, world: &mut World) -> Option<Name> {
        if world.dice.percent(50) { None } else { Some(world.dice.pick(&self.locations).clone()) }
    }
}

/// Goods of an order come to a stage, or back.
fn progress(world: &mut World, order: EventId) -> Command {
    let stage = *world.dice.pick(&Stage::ALL);
    let from = if world.dice.percent(80) { None } else { Some(*world.dice.pick(&Stage::ALL)) };
    Command::Progress { order, stage, from, lines: some_lines(world) }
}

/// All that there is, or a unit of something.
fn some_lines(world: &mut World) -> Vec<Line> {
    if world.dice.percent(60) { Vec::new() } else { vec![Line { sku: some_sku(world), quantity: 1 }] }
}

/// A reservation of some goods, for a while or for good, with or without peers' help.
fn reserve(world: &mut World, at: usize, location: Option<Name>) -> Command {
    let lines = (0..world.dice.between(1, 2)).map(|_| LineRequest {
        sku: some_sku(world),
        quantity: world.dice.between(1, 4),
        unit_price: None,
        amount: None,
    });
    let lines = lines.collect();
    let ttl_seconds = if world.dice.percent(50) { None } else { u32::try_from(world.dice.between(1, 600)).ok() };
    let until = world.dice.percent(70).then(|| world.nodes[at].clock(world.now + PATIENCE));
    let terms = PromiseTerms { ttl_seconds, until };
    Command::Reserve(Box::new(Reservation { location, lines, customer: None, terms }))
}

/// Asks a node, and notes the lines that this may remove, be it the first time or, after a crash, a repetition: what
/// the node has heard of, committed or not.
fn submit(world: &mut World, at: usize, request: Request) {
    let sets = matches!(request.command, Command::SetInCart { .. });
    if let Command::MergeCarts { from, .. } = &request.command {
        world.reference.merges(*from);
    }
    let done = world.submit(at, request);
    if let (true, Ok(()), Some((_, Outcome::Cart { id, row, .. }))) = (sets, done, world.nodes[at].pending.last()) {
        world.reference.removes(*id, row.removed().iter().cloned().collect());
    }
}

fn some_sku(world: &mut World) -> Sku {
    sku(world.dice.below(SKUS))
}

fn price(amount: i64) -> UnitPrice {
    UnitPrice::of(pounds(amount))
}

/// Cash is taken and given at a node's own location.
fn paid_at(location: Option<&Name>, amount: i64) -> TenderRequest {
    let kind = if location.is_some() { "card" } else { "cash" };
    TenderRequest { kind: crate::node::name(kind), amount: pounds(amount), reference: None }
}

fn pounds(amount: i64) -> Money {
    Money { amount, currency: Currency::new("GBP").expect("a currency") }
}

/// A time around now, by the node's clock: mostly past, now and then a little ahead.
fn some_time(world: &mut World, at: usize) -> Timestamp {
    let now = world.nodes[at].clock(world.now);
    now.plus_millis(world.dice.between(-3 * 3_600_000, 600_000))
}

impl Node {
    /// A cart as readers see it.
    pub fn cart(&self, cart: CartId) -> Option<tillmesh_core::cart::CartRow> {
        let engine = self.engine.as_ref()?;
        let view = engine.view();
        let view = view.read().expect("no thread panicked");
        view::read(&view, &engine.reader(), &cart).expect("memory does not fail")
    }

    /// Whether this node's own clients used the request's key before.
    pub fn answers_to(&self, request: &Request) -> bool {
        let (Some(engine), Some(key)) = (&self.engine, &request.key) else { return false };
        let view = engine.view();
        let view = view.read().expect("no thread panicked");
        let (least, greatest) = EventId::span_of_client_key(&self.name, key);
        let rows = view::read_between::<view::EventRow>(&view, &engine.reader(), &least, &greatest, MAX_UNDER_KEY);
        let mut rows = rows.expect("memory does not fail").into_values();
        rows.any(|row| row.counted().is_some() && row.request == Some(request.digest))
    }
}
