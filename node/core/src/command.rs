//! What a node can be asked to do, and what it answers.

use crate::cart::{CartRow, MergePolicy};
use crate::catalog::Product;
use crate::channel::ChannelCommand;
use crate::event::{
    AdjustmentReason, CashKind, DispositionLine, Event, Handover, Line, Origin, PriceAdjustment, PricingProof,
    ReturnLine, Stage,
};
use crate::fleet::Enrolment;
use crate::id::{CartId, EventId, Name, Reference, Sku};
use crate::money::{Money, UnitPrice};
use crate::pricing::Promotion;
use crate::refusal::Refusal;
use crate::time::{BusinessDate, Timestamp};
use crate::voucher::{GIFT_CARD, VoucherCode, VoucherKind};

/// A command with what surrounds it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The client's idempotency key: the same key gives the same answer.
    pub key: Option<String>,
    /// The request's own words, hashed, to tell a repetition from another request under the same key.
    pub digest: [u8; 8],
    /// Whether the key alone says what is asked for: a line of a journal, which may be written anew in other words.
    pub is_of_journal: bool,
    /// When it happened, where that is not now.
    pub occurred_at: Option<Timestamp>,
    /// The channel; none: a client of this node.
    pub channel: Option<Name>,
    /// The other side's document.
    pub reference: Option<Reference>,
    /// Who did it, opaque.
    pub clerk: Option<Reference>,
    /// Until when peers are asked for what this node may not take of vouchers, pay back or give up, and for tokens of
    /// carts; none: the answer must come at once.
    pub until: Option<Timestamp>,
    /// What to do.
    pub command: Command,
}

impl Request {
    /// A command without a key, at this moment.
    pub const fn now(command: Command) -> Self {
        Self {
            key: None,
            digest: [0; 8],
            is_of_journal: false,
            occurred_at: None,
            channel: None,
            reference: None,
            clerk: None,
            until: None,
            command,
        }
    }

    /// The same under an idempotency key; `body` is what the client said.
    #[must_use]
    pub fn with_key(mut self, key: &str, body: &[u8]) -> Self {
        self.key = Some(key.to_owned());
        self.digest = digest_of(body);
        self
    }

    /// Until when peers are asked for what is missing, where it may wait for them.
    pub fn waits_until(&mut self) -> Option<&mut Option<Timestamp>> {
        match &mut self.command {
            Command::Reserve(reservation) => Some(&mut reservation.terms.until),
            Command::PromiseCart { terms, .. } => Some(&mut terms.until),
            Command::Checkout { .. }
            | Command::ClaimCart { .. }
            | Command::MergeCarts { .. }
            | Command::Transfer { .. }
            | Command::Fulfil { .. }
            | Command::PayBack { .. }
            | Command::Release(_)
            | Command::Resolve { .. } => Some(&mut self.until),
            Command::TakeBack { refund, .. } if !refund.is_empty() => Some(&mut self.until),
            Command::Sell { tenders, .. } if tenders.iter().any(|it| it.kind.as_str() == GIFT_CARD) => {
                Some(&mut self.until)
            }
            _ => None,
        }
    }

    /// Whether it waits for what peers are asked for.
    pub fn is_patient(&mut self) -> bool {
        self.waits_until().is_some_and(|until| until.is_some())
    }
}

impl Request {
    /// Goes on with what a refusal says was begun, when it is done again.
    pub const fn go_on(&mut self, refusal: &Refusal) {
        if let (Command::Release(given_up), Refusal::CancellationAsked { request, .. }) = (&mut self.command, refusal) {
            given_up.request = Some(*request);
        }
    }
}

/// The hash by which requests are told apart.
pub fn digest_of(body: &[u8]) -> [u8; 8] {
    let mut digest = [0; 8];
    digest.copy_from_slice(&crate::id::hash_parts("tillmesh request", &[body])[..8]);
    digest
}

/// What to do. A location that is left out is the node's own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Command {
    /// Put products into the catalogue.
    PutProducts(Vec<Product>),
    /// Put a promotion into the catalogue.
    PutPromotion(Box<Promotion>),
    /// Book goods in.
    Receive {
        /// Where.
        location: Option<Name>,
        /// What.
        lines: Vec<Line>,
    },
    /// Record a stock-take.
    Count {
        /// Where.
        location: Option<Name>,
        /// What was found.
        lines: Vec<Line>,
    },
    /// Move goods between locations.
    Transfer {
        /// Where from.
        from: Option<Name>,
        /// Where to.
        to: Name,
        /// What.
        lines: Vec<Line>,
    },
    /// Correct stock.
    Adjust {
        /// Where.
        location: Option<Name>,
        /// Positive: found. Negative: lost.
        lines: Vec<Line>,
        /// Why.
        reason: AdjustmentReason,
    },
    /// Record a physical sale.
    Sell {
        /// Where.
        location: Option<Name>,
        /// What.
        lines: Vec<LineRequest>,
        /// How it was paid.
        tenders: Vec<TenderRequest>,
        /// The customer, opaque.
        customer: Option<Reference>,
    },
    /// Say that goods of an order may come back.
    AuthoriseReturn {
        /// Where.
        location: Option<Name>,
        /// The order.
        order: EventId,
        /// What; empty: all that can.
        lines: Vec<Line>,
        /// The first moment at which nothing may come back by it any more.
        until: Option<Timestamp>,
    },
    /// Take goods back, and pay back where asked to: both or neither.
    TakeBack {
        /// Where.
        location: Option<Name>,
        /// The order; none for a blind return, which refunds nothing.
        order: Option<EventId>,
        /// The authorisation that they come back by; none: a till takes them back at once.
        authorisation: Option<EventId>,
        /// What.
        lines: Vec<ReturnLine>,
        /// How it is paid back; amounts are positive. Empty: it is not.
        refund: Vec<TenderRequest>,
    },
    /// Decide what becomes of goods that came back and were kept aside.
    Dispose {
        /// The return.
        back: EventId,
        /// What becomes of what.
        lines: Vec<DispositionLine>,
    },
    /// Pay back what an order has left, apart from goods that come back.
    PayBack {
        /// Where.
        location: Option<Name>,
        /// The order.
        order: EventId,
        /// How it is paid back; amounts are positive.
        refund: Vec<TenderRequest>,
    },
    /// Hand over or ship what was promised.
    Fulfil {
        /// Where from.
        location: Option<Name>,
        /// The order.
        order: EventId,
        /// What; empty: all that is open.
        lines: Vec<Line>,
        /// A parcel's own reference.
        parcel: Option<Reference>,
        /// How they leave; none: nobody says.
        handover: Option<Handover>,
    },
    /// Say how far promised goods have come.
    Progress {
        /// The order.
        order: EventId,
        /// The stage that they are at now.
        stage: Stage,
        /// The stage that they were at; none: earlier ones, or, of goods that are put back, whichever they were at.
        from: Option<Stage>,
        /// What; empty: all of it.
        lines: Vec<Line>,
    },
    /// Say that shipped goods arrived.
    Deliver {
        /// The order.
        order: EventId,
        /// The parcel that arrived; none: all that are on their way.
        parcel: Option<Reference>,
    },
    /// End the open day of trade at the node's own location.
    CloseDay {
        /// The day.
        date: BusinessDate,
        /// The cash in the drawer, where it was counted.
        counted: Option<Money>,
        /// The day that begins, where the clock cannot say.
        next: Option<BusinessDate>,
    },
    /// Put money into the drawer of the node's own location, or take it out, without a sale.
    MoveCash {
        /// Which way, and what for.
        kind: CashKind,
        /// How much.
        amount: Money,
        /// Why, opaque.
        reason: Option<Reference>,
    },
    /// Promise goods.
    Reserve(Box<Reservation>),
    /// Say that a promise is wanted for certain.
    Confirm {
        /// The promise.
        promise: EventId,
        /// What of it; empty: all that is open. The rest is given up.
        lines: Vec<Line>,
    },
    /// Give a promise up, once its location consents where it must.
    Release(GiveUp),
    /// Decide on a work item.
    Resolve {
        /// The item.
        item: EventId,
        /// One of its choices.
        choice: String,
        /// Why, opaque.
        reason: Option<Reference>,
    },
    /// Begin a cart.
    CreateCart {
        /// Whose it is.
        customer: Option<Reference>,
    },
    /// Add goods to a cart.
    AddToCart {
        /// The cart.
        cart: CartId,
        /// What.
        sku: Sku,
        /// How much, above zero.
        quantity: i64,
        /// An agreed price; none: the catalogue's at checkout.
        unit_price: Option<UnitPrice>,
    },
    /// Set how much of a SKU a cart holds; zero removes it.
    SetInCart {
        /// The cart.
        cart: CartId,
        /// What.
        sku: Sku,
        /// How much.
        quantity: i64,
    },
    /// Add a coupon code to a cart.
    AddCoupon {
        /// The cart.
        cart: CartId,
        /// The code.
        code: String,
    },
    /// Take a coupon off a cart.
    RemoveCoupon {
        /// The cart.
        cart: CartId,
        /// The code.
        code: String,
    },
    /// Sell a cart's goods over the counter.
    Checkout {
        /// The cart.
        cart: CartId,
        /// The lines, as they were priced: the cart must still hold exactly these.
        priced: Priced,
        /// How it was paid.
        tenders: Vec<TenderRequest>,
    },
    /// Promise a cart's goods.
    PromiseCart {
        /// The cart.
        cart: CartId,
        /// The lines, as they were priced: the cart must still hold exactly these.
        priced: Priced,
        /// How long, and how patiently.
        terms: PromiseTerms,
    },
    /// Get a cart's token, from whoever holds it.
    ClaimCart {
        /// The cart.
        cart: CartId,
    },
    /// Begin a cart of the lines of another one whose token cannot be had.
    ForkCart {
        /// The other cart.
        cart: CartId,
    },
    /// Let the lines of one cart go on in another.
    MergeCarts {
        /// The cart that takes them.
        into: CartId,
        /// The cart that ends.
        from: CartId,
        /// How much of each SKU.
        policy: MergePolicy,
    },
    /// Make a voucher worth something, or something more.
    IssueVoucher(Box<VoucherIssue>),
    /// Take statements of the fleet's key.
    Enrol(Enrolment),
    /// What a plugin made of a channel's message.
    Channel {
        /// The channel's id of the message.
        message: String,
        /// What it means, in order; all or none.
        commands: Vec<ChannelCommand>,
        /// What is to be kept with it, unless the message was taken before.
        kept: Vec<Kept>,
        /// What is to be kept with it each time that the message comes: what its channel is answered.
        answered: Vec<Kept>,
    },
    /// Keep something beside the ledgers.
    Keep(Vec<Kept>),
}

impl Command {
    /// What a channel's message means, with nothing to keep.
    pub fn of_channel(message: impl Into<String>, commands: Vec<ChannelCommand>) -> Self {
        Self::Channel { message: message.into(), commands, kept: Vec::new(), answered: Vec::new() }
    }
}

/// Something that whoever drives the engine keeps for itself beside the ledgers, such as messages to be sent. It is
/// durable together with whatever shares its commit; nobody else hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where: the driver's own keys.
    pub key: Vec<u8>,
    /// What; none removes it.
    pub value: Option<Vec<u8>>,
}

/// Goods that somebody wants to be promised.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// Whose goods; none: the node's own location.
    pub location: Option<Name>,
    /// What, all or none.
    pub lines: Vec<LineRequest>,
    /// The customer, opaque.
    pub customer: Option<Reference>,
    /// How.
    pub terms: PromiseTerms,
}

/// A promise that is to be given up.
#[derive(Debug, Clone)]
pub struct GiveUp {
    /// The promise.
    pub promise: EventId,
    /// What of it; empty: all that is open.
    pub lines: Vec<Line>,
    /// Why, opaque.
    pub reason: Option<Reference>,
    /// Whether it is given up without asking the location that may be handing it over.
    pub force: bool,
    /// The request that was made for it before.
    pub request: Option<EventId>,
}

impl GiveUp {
    /// All that is open of a promise.
    pub const fn all_of(promise: EventId) -> Self {
        Self { promise, lines: Vec::new(), reason: None, force: false, request: None }
    }
}

/// A voucher that is to be issued.
#[derive(Debug, Clone)]
pub struct VoucherIssue {
    /// What it is.
    pub kind: VoucherKind,
    /// Its code; none: the node makes one.
    pub code: Option<VoucherCode>,
    /// How many uses, or minor units.
    pub quantity: i64,
    /// The first moment at which it is worth nothing any more.
    pub valid_until: Option<Timestamp>,
    /// The only promotion that it is for, of a coupon.
    pub promotion: Option<Name>,
    /// How a gift card was paid for; empty: it was given away, or is paid for otherwise.
    pub tenders: Vec<TenderRequest>,
}

/// How goods are promised.
#[derive(Debug, Clone, Copy)]
pub struct PromiseTerms {
    /// How long the promise holds unless it is confirmed; none: it is confirmed at once.
    pub ttl_seconds: Option<u32>,
    /// Until when peers are asked for what is missing; none: the answer must come at once.
    pub until: Option<Timestamp>,
}

/// A line that is asked to be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRequest {
    /// What.
    pub sku: Sku,
    /// How much; zero is kept.
    pub quantity: i64,
    /// The price; none: the catalogue's.
    pub unit_price: Option<UnitPrice>,
    /// What the line costs, where that is not price times quantity.
    pub amount: Option<Money>,
}

/// A means of payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenderRequest {
    /// `cash`, `card` or another name of the retailer.
    pub kind: Name,
    /// What it paid.
    pub amount: Money,
    /// The payment's own reference.
    pub reference: Option<Reference>,
}

/// A cart's lines with their prices, as they were shown to the customer.
#[derive(Debug, Clone)]
pub struct Priced {
    /// The add-ids that were priced.
    pub add_ids: Vec<Box<str>>,
    /// The lines to sell.
    pub lines: Vec<LineRequest>,
    /// What promotions take off.
    pub adjustments: Vec<PriceAdjustment>,
    /// What proves them, and the inputs, to be kept.
    pub proof: Option<(PricingProof, Vec<u8>)>,
}

/// What a command came to.
#[derive(Debug, Clone)]
#[must_use = "an outcome must not reach the client before the commit returned"]
pub enum Outcome {
    /// Events were recorded, now or when the key was first used.
    Recorded {
        /// The events with where they stand.
        events: Vec<(Event, Origin)>,
        /// Whether the key was used before.
        repeated: bool,
    },
    /// A voucher was issued, now or when the key was first used.
    Issued {
        /// Its code, which nobody keeps.
        code: VoucherCode,
        /// The event with where it stands.
        events: Vec<(Event, Origin)>,
        /// Whether the key was used before.
        repeated: bool,
    },
    /// A cart was changed, now or when the key was first used.
    Cart {
        /// The cart.
        id: CartId,
        /// The cart as it was after the change.
        row: Box<CartRow>,
        /// Whether the key was used before.
        repeated: bool,
    },
    /// The catalogue took records.
    Catalogue {
        /// How many of them said something new.
        changed: usize,
    },
    /// The fleet's statements were taken.
    Fleet {
        /// How many of them were new.
        new: usize,
    },
    /// The catalogue took this request before, under the same key. What others put there since stays.
    Repeated,
}
