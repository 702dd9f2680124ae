//! Why a command is refused. A refusal writes nothing and does not use up an idempotency key.

use std::collections::BTreeSet;

use crate::fleet::Role;
use crate::id::{CartId, EventId, Name, Reference, Sku, Writer};
use crate::money::Money;
use crate::order::Status;
use crate::storage::StorageError;
use crate::sync::ClaimRefusal;
use crate::time::{BusinessDate, Timestamp};

/// A refused command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A field breaks a rule.
    #[error("{field} is {value}: {rule}")]
    Invalid {
        /// The field, as a path: `lines[2].quantity`.
        field: String,
        /// The offending value.
        value: String,
        /// The rule in words.
        rule: String,
    },
    /// A SKU that the catalogue does not have, where it must.
    #[error("{field} is {value}: the catalogue has no product of this SKU")]
    UnknownSku {
        /// The field.
        field: String,
        /// The SKU.
        value: String,
    },
    /// It would write where this node holds nothing.
    #[error("{field} is {value}: the scope {scope} is not among those that this node holds (sync.scopes)")]
    ScopeNotHeld {
        /// The field.
        field: String,
        /// Its value.
        value: String,
        /// The scope that it belongs to.
        scope: String,
    },
    /// Amounts of different currencies in one document.
    #[error("{field} is {value}: every amount must have the currency {expected}")]
    Currency {
        /// The field.
        field: String,
        /// The currency found.
        value: String,
        /// The one of the document.
        expected: String,
    },
    /// There is no such thing here.
    #[error("there is no {kind} {id} at this node")]
    NotFound {
        /// `cart`, `order`, `product`.
        kind: &'static str,
        /// What was asked for.
        id: String,
    },
    /// A day of trade cannot be closed that is not open.
    #[error("{}", not_open(*date, *open))]
    DayNotOpen {
        /// The day asked for.
        date: BusinessDate,
        /// The open one.
        open: BusinessDate,
    },
    /// A day of trade was closed, and otherwise than it is to be closed now.
    #[error("{date} is closed, {}: what was closed stays as it is", closed_words(*counted, *next))]
    DayClosed {
        /// The day.
        date: BusinessDate,
        /// Its close.
        close: EventId,
        /// What was counted then.
        counted: Option<Money>,
        /// The day that was to begin then.
        next: Option<BusinessDate>,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used before for another request (event {event})")]
    KeyReused {
        /// What the key stands for.
        event: EventId,
    },
    /// The cart was checked out.
    #[error("cart {cart} was checked out as order {order}")]
    CheckedOut {
        /// The cart.
        cart: CartId,
        /// Its order.
        order: EventId,
    },
    /// The cart's lines went on in another cart.
    #[error("cart {cart} was merged into cart {into}")]
    CartMerged {
        /// The cart.
        cart: CartId,
        /// The other one.
        into: CartId,
    },
    /// Nobody added to the cart for long.
    #[error("cart {cart} expired at {at}")]
    CartExpired {
        /// The cart.
        cart: CartId,
        /// When.
        at: Timestamp,
    },
    /// Another node holds the cart's token.
    #[error("node {holder} holds the token of cart {cart}{}", refused.map_or_else(String::new, |it| format!(": {it}")))]
    CartHeldElsewhere {
        /// The cart.
        cart: CartId,
        /// Who holds the token, as far as was heard.
        holder: Name,
        /// Whether the holder was heard lately.
        heard_lately: bool,
        /// Whether the holder was asked, and may still answer.
        asked: bool,
        /// Why it does not give the token away.
        refused: Option<ClaimRefusal>,
    },
    /// A fork sells the goods that are in hand, and promises none.
    #[error("cart {cart} is a fork of cart {from}: its goods can be sold over the counter, not promised")]
    ForkPromised {
        /// The cart.
        cart: CartId,
        /// The cart that it is a fork of.
        from: CartId,
    },
    /// The token is here, and not yet everything that its last holder knew.
    #[error("the token of cart {cart} is here; {missing} changes that its last holder knew of are not yet")]
    CartBehind {
        /// The cart.
        cart: CartId,
        /// How many changes.
        missing: usize,
    },
    /// The cart changed while its price was worked out.
    #[error("cart {cart} changed while its price was worked out")]
    CartChanged {
        /// The cart.
        cart: CartId,
    },
    /// The cart holds nothing.
    #[error("cart {cart} has no lines")]
    CartEmpty {
        /// The cart.
        cart: CartId,
    },
    /// More than there is, where goods may not leave unbacked.
    #[error("{field} is {wanted}: only {available} of {sku} are available at {location}")]
    Unbacked {
        /// The field.
        field: String,
        /// The SKU.
        sku: String,
        /// Where.
        location: String,
        /// What was asked for.
        wanted: i64,
        /// What there is.
        available: i64,
    },
    /// More than this node may promise.
    #[error("{}", not_available(missing, location, elsewhere))]
    NotAvailable {
        /// Whose goods.
        location: Name,
        /// What is missing, at least one.
        missing: Vec<Missing>,
        /// Where there is more.
        elsewhere: Vec<Elsewhere>,
        /// Whether peers were asked for it: the same request may be granted in a moment.
        asking: bool,
    },
    /// Nobody issued a voucher of this code, as far as this node has heard.
    #[error("{field}: {voucher} is not known at this node{}", mistyped_words(*mistyped))]
    VoucherUnknown {
        /// The field.
        field: String,
        /// How people call it: never the whole code of a gift card.
        voucher: String,
        /// Whether it looks like a code that a node made with a wrong character.
        mistyped: bool,
    },
    /// A voucher's time is over.
    #[error("{field}: {voucher} was valid until {until}")]
    VoucherExpired {
        /// The field.
        field: String,
        /// The voucher.
        voucher: String,
        /// When it ended.
        until: Timestamp,
    },
    /// A voucher is not worth so much.
    #[error("{field}: {wanted} of {voucher} are asked for, and {balance} are left")]
    VoucherSpent {
        /// The field.
        field: String,
        /// The voucher.
        voucher: String,
        /// What was asked for.
        wanted: i64,
        /// What is left, as far as is known here.
        balance: i64,
    },
    /// A voucher is worth so much, and other nodes may take it.
    #[error("{field}: {wanted} of {voucher} are asked for, and this node may take {available}{}", held_by(holders))]
    VoucherElsewhere {
        /// The field.
        field: String,
        /// The voucher.
        voucher: String,
        /// What was asked for.
        wanted: i64,
        /// What this node may take.
        available: i64,
        /// Who may take the rest, as far as is known here.
        holders: Vec<VoucherHolder>,
        /// Whether peers were asked for it: the same request may be granted in a moment.
        asking: bool,
    },
    /// Goods of a document were booked in before.
    #[error(
        "reference is {reference}: goods of it were booked in at {location} before, by event {event}; if this is \
            another delivery, give it the number of its own delivery note or dispatch advice"
    )]
    AlreadyReceived {
        /// The document.
        reference: Reference,
        /// Where.
        location: Name,
        /// The receipt.
        event: EventId,
    },
    /// The location of a confirmed promise was asked whether it may be given up: an answer may come in a moment.
    #[error("node {asked} was asked whether promise {promise} may be given up")]
    CancellationAsked {
        /// The promise.
        promise: EventId,
        /// The request.
        request: EventId,
        /// Who answers for the location.
        asked: Name,
    },
    /// The location of a promise consented to give it up, so it hands it over no more.
    #[error("{field} is {wanted}: of {sku} of order {order}, {left} may leave; the rest is being cancelled")]
    BeingCancelled {
        /// The field.
        field: String,
        /// The order.
        order: EventId,
        /// The SKU.
        sku: Sku,
        /// What was to leave.
        wanted: i64,
        /// What may.
        left: i64,
    },
    /// Only who made a promise may confirm it or give it up.
    #[error("promise {promise} was made by node {}: ask there", owner.node)]
    NotOwner {
        /// The promise.
        promise: EventId,
        /// Who made it.
        owner: Writer,
    },
    /// Somebody decided on a work item before.
    #[error("work item {item} was decided on before")]
    AlreadyDecided {
        /// The item.
        item: EventId,
    },
    /// A decision on a work item is carried out by others.
    #[error("work item {item} is decided so ({choice}) by who made what it is about: at {}", names(nodes))]
    DecidedElsewhere {
        /// The item.
        item: EventId,
        /// What was to be decided.
        choice: &'static str,
        /// The nodes that can, each for what it made itself.
        nodes: BTreeSet<Name>,
    },
    /// There is nothing left of a promise.
    #[error("promise {promise} is {}: nothing of it is open", status.as_str())]
    PromiseOver {
        /// The promise.
        promise: EventId,
        /// Where it stands.
        status: Status,
    },
    /// More than the order still has: of a return or a fulfilment.
    #[error("{field} is {wanted}: order {order} has {left} of {sku} left to {verb}")]
    MoreThanOrdered {
        /// The field.
        field: String,
        /// The order.
        order: EventId,
        /// The SKU.
        sku: String,
        /// `return`, `fulfil`, `confirm`, `release` or another thing that is done with what is left.
        verb: &'static str,
        /// What was asked for.
        wanted: i64,
        /// What is left.
        left: i64,
    },
    /// An authorisation's time is over.
    #[error("{field} is {authorisation}: goods could come back by it until {until}")]
    AuthorisationOver {
        /// The field.
        field: &'static str,
        /// The authorisation.
        authorisation: EventId,
        /// When it ended.
        until: Timestamp,
    },
    /// More than a return keeps aside.
    #[error("{field} is {wanted}: return {back} has {left} of {sku} left to decide on")]
    MoreThanUndecided {
        /// The field.
        field: String,
        /// The return.
        back: EventId,
        /// The SKU.
        sku: String,
        /// What was asked for.
        wanted: i64,
        /// What is left.
        left: i64,
    },
    /// Only who took goods back decides on them.
    #[error("return {back} was taken in by node {owner}: {}", decider_words(*retired))]
    ReturnElsewhere {
        /// The return.
        back: EventId,
        /// Who recorded it.
        owner: Name,
        /// Whether that node was retired.
        retired: bool,
    },
    /// Others hold the right to pay back.
    #[error("refund is {wanted}: this node may pay back {available} for order {order}{}", refunds_held_by(holders))]
    RefundElsewhere {
        /// The order.
        order: EventId,
        /// What was asked for, in minor units.
        wanted: i64,
        /// What this node may pay back.
        available: i64,
        /// Who may pay back the rest, as far as is known here.
        holders: Vec<RefundHolder>,
        /// Whether peers were asked for it: the same request may be granted in a moment.
        asking: bool,
    },
    /// This node's role in the fleet does not cover it.
    #[error("{what} is not for this node to write: its role is {}", role.map_or("store, until enrolled", Role::as_str))]
    OutsideRole {
        /// What.
        what: String,
        /// Its role; none: it has no certificate.
        role: Option<Role>,
    },
    /// This node was retired: it sells what is in its store, and promises nothing.
    #[error("this node was retired from the fleet: it sells over the counter, and promises nothing any more")]
    Retired,
    /// The store could not be read or written.
    #[error("the store failed: {0}")]
    Storage(#[from] StorageError),
    /// A document could not be used.
    #[error("a document failed: {0}")]
    Document(#[from] crate::document::DocumentError),
}

/// What a promise lacks of one SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The first line that names it, as a path.
    pub field: String,
    /// The SKU.
    pub sku: Sku,
    /// How many units were asked for, over all lines.
    pub wanted: i64,
    /// How many this node may promise.
    pub available: i64,
}

/// Where there is more of a SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The SKU.
    pub sku: Sku,
    /// Whose goods.
    pub location: Name,
    /// Who may promise them; none: whoever holds rights there.
    pub node: Option<Name>,
    /// How many, as far as is known here.
    pub available: i64,
    /// Whether nobody goes on in the epoch that holds them, as its node was retired or its store has left it: they can
    /// be promised once the location's keeper has taken them.
    pub left: bool,
}

/// Who may pay back what of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundHolder {
    /// The node.
    pub node: Name,
    /// How much, in minor units, as far as is known here.
    pub available: i64,
    /// Whether it was retired, or left the epoch that holds the right: the keeper of the order's location pays back.
    pub left: bool,
}

/// Who may take what of a voucher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherHolder {
    /// The node.
    pub node: Name,
    /// How much, as far as is known here.
    pub available: i64,
    /// Whether it was retired, or its store left the epoch that holds it: the vouchers' keeper takes it first.
    pub left: bool,
}

fn not_open(date: BusinessDate, open: BusinessDate) -> String {
    if date == open {
        return format!(
            "{date} is not open yet: the day before was closed early, and {date} begins with what is recorded on it, \
             or when the clock says so"
        );
    }
    format!("{date} is not open: the open day is {open}, and it can be closed once it has begun")
}

fn closed_words(counted: Option<Money>, next: Option<BusinessDate>) -> String {
    let counted = counted.map_or_else(
        || "and nothing was counted".to_owned(),
        |counted| format!("and {} {} were counted, in minor units", counted.amount, counted.currency),
    );
    next.map_or_else(|| counted.clone(), |next| format!("{counted}, and {next} was to begin"))
}

fn names(nodes: &BTreeSet<Name>) -> String {
    nodes.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

const fn decider_words(retired: bool) -> &'static str {
    if retired { "it was retired, so the keeper of the location decides" } else { "ask there" }
}

const fn mistyped_words(mistyped: bool) -> &'static str {
    if mistyped { "; its check character does not fit, so it was mistyped" } else { "" }
}

fn held_by(holders: &[VoucherHolder]) -> String {
    let one = |it: &VoucherHolder| {
        let first = if it.left { ", in an epoch that was left: the keeper of vouchers takes them first" } else { "" };
        format!("; node {} may take {}{first}", it.node, it.available)
    };
    holders.iter().map(one).collect()
}

fn refunds_held_by(holders: &[RefundHolder]) -> String {
    let one = |it: &RefundHolder| {
        let instead = if it.left { ", and is gone: the keeper of the order's location pays it back" } else { "" };
        format!("; node {} may pay back {}{instead}", it.node, it.available)
    };
    holders.iter().map(one).collect()
}

fn not_available(missing: &[Missing], location: &Name, elsewhere: &[Elsewhere]) -> String {
    let one = |m: &Missing| {
        let Missing { field, sku, wanted, available } = m;
        format!("{field} is {wanted}: only {available} of {sku} may be promised here, of the stock of {location}")
    };
    let left = |it: &Elsewhere| {
        let Elsewhere { sku, location, available, .. } = it;
        format!("; {available} of {sku} are held in an epoch that was left: the keeper of {location} takes them")
    };
    let left: String = elsewhere.iter().filter(|it| it.left).map(left).collect();
    missing.iter().map(one).collect::<Vec<_>>().join("; ") + &left
}

impl Refusal {
    /// Whether a cart's token, or what its last holder knew of the cart, is on its way.
    pub const fn awaits_token(&self) -> bool {
        matches!(self, Self::CartHeldElsewhere { asked: true, .. } | Self::CartBehind { .. })
    }

    /// Whether peers were asked for what is missing: an answer may come.
    pub const fn is_asking(&self) -> bool {
        self.awaits_token() || self.awaits_rights()
    }

    const fn awaits_rights(&self) -> bool {
        matches!(
            self,
            Self::NotAvailable { asking: true, .. }
                | Self::VoucherElsewhere { asking: true, .. }
                | Self::RefundElsewhere { asking: true, .. }
                | Self::CancellationAsked { .. }
        )
    }

    /// A field breaks a rule.
    pub fn invalid(field: impl Into<String>, value: impl std::fmt::Display, rule: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), value: value.to_string(), rule: rule.into() }
    }
}
