//! Stock arithmetic: what events do to the stock of one SKU at one location (design section "Stock arithmetic").
//!
//! ```text
//! entered  = received + returned + found + transferred in       left = sold + shipped + lost + transferred out
//! on hand  = entered - left, or since the latest count: counted + (entered - left of what the count does not cover)
//!            + what was open by the events that it covers, if the count is of what can be sold
//! open     = sum over promises of max(0, promised - released - fulfilled)
//! rights   = of each holder: minted + granted to it - granted by it - promised + given back - burned
//! floor    = max(0, on hand - open - all rights)       what anybody at the location may sell
//! excess   = max(0, open + all rights - on hand)       rights that nothing stands behind
//! ```
//!
//! Only its holder spends a right, and a grant can only be heard late: so promises made out of rights stay within the
//! stock whatever the network does, as long as nothing physical takes it away (the bounded counter of Balegas et al.,
//! "Extending Eventually Consistent Cloud Databases for Enforcing Numeric Invariants", SRDS 2015).
//!
//! A row is a fold of the set of events: the order in which a node hears them does not matter, nor does hearing one
//! again (the engine folds each event id once).

use std::collections::BTreeMap;

use minicbor::{CborLen, Decode, Encode};

use crate::codec;
use crate::event::{Body, Count, CountOf, Event, Line, Origin, PricedLine};
use crate::id::{self, Boot, Epoch, EventId, Sku};
use crate::time::Timestamp;

/// What one event does to the goods of one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// Units came in.
    Enter(i64),
    /// Units left.
    Leave(i64),
    /// Units were promised.
    Promise(EventId, i64),
    /// Promised units were given up.
    Release(EventId, i64),
    /// Promised units left.
    Fulfil(EventId, i64),
    /// Only rights moved.
    Nothing,
}

impl Movement {
    /// What it changes of the units on hand.
    pub const fn on_hand(self) -> i64 {
        match self {
            Self::Enter(quantity) => quantity,
            Self::Leave(quantity) | Self::Fulfil(_, quantity) => -quantity,
            Self::Promise(..) | Self::Release(..) | Self::Nothing => 0,
        }
    }

    /// What it changes of what is owed, and of which promise.
    pub const fn owed(self) -> Option<(EventId, i64)> {
        match self {
            Self::Promise(id, quantity) => Some((id, quantity)),
            Self::Release(id, quantity) | Self::Fulfil(id, quantity) => Some((id, -quantity)),
            Self::Enter(_) | Self::Leave(_) | Self::Nothing => None,
        }
    }

    const fn reversed(self) -> Self {
        match self {
            Self::Enter(quantity) => Self::Enter(-quantity),
            Self::Leave(quantity) => Self::Leave(-quantity),
            Self::Promise(id, quantity) => Self::Promise(id, -quantity),
            Self::Release(id, quantity) => Self::Release(id, -quantity),
            Self::Fulfil(id, quantity) => Self::Fulfil(id, -quantity),
            Self::Nothing => Self::Nothing,
        }
    }
}

/// What one event does to one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// To the goods.
    pub movement: Movement,
    /// To the rights of a holder: how many more it has.
    pub rights: Option<(Epoch, i64)>,
}

impl Step {
    /// A movement of goods alone.
    pub const fn of(movement: Movement) -> Self {
        Self { movement, rights: None }
    }

    /// The same, taken back.
    #[must_use]
    pub fn reversed(self) -> Self {
        let rights = self.rights.map(|(holder, rights)| (holder, -rights));
        Self { movement: self.movement.reversed(), rights }
    }
}

impl From<Movement> for Step {
    fn from(movement: Movement) -> Self {
        Self::of(movement)
    }
}

/// What an event of a writer does, in the order of its lines. Counts do nothing: they are [`StockRow::count`]ed.
pub fn steps(event: &Event, writer: Epoch) -> Vec<(&Sku, Step)> {
    steps_of(event.id, &event.body, writer)
}

/// The same of an event that has no more than an id and a body.
pub(crate) fn steps_of(id: EventId, body: &Body, writer: Epoch) -> Vec<(&Sku, Step)> {
    use Movement::{Enter, Fulfil, Leave, Nothing, Promise, Release};
    let plain = |movement: fn(i64) -> Movement, lines: &'_ [Line]| -> Vec<Step> {
        lines.iter().map(|line| Step::of(movement(line.quantity))).collect()
    };
    let with = |movement: Movement, rights: i64| {
        let rights = (rights != 0).then_some((writer, rights));
        Step { movement, rights }
    };
    match body {
        Body::Sale(sale) => {
            sale.lines.iter().map(|line| (&line.sku, with(Leave(line.quantity), -units(line.burned)))).collect()
        }
        Body::Return(body) => restocked(body.lines.iter().map(|line| (&line.sku, line.quantity, line.restock))),
        Body::Disposition(body) => restocked(body.lines.iter().map(|line| (&line.sku, line.quantity, line.restock))),
        Body::Receipt(body) => {
            body.lines.iter().map(|line| (&line.sku, with(Enter(line.quantity), units(line.minted)))).collect()
        }
        Body::TransferOut(body) => named(&body.lines, plain(Leave, &body.lines)),
        Body::TransferIn(body) => named(&body.lines, plain(Enter, &body.lines)),
        Body::Adjustment(body) => {
            let movement = |quantity: i64| if quantity < 0 { Leave(-quantity) } else { Enter(quantity) };
            named(&body.lines, plain(movement, &body.lines))
        }
        Body::Promise(body) => {
            let step = |line: &PricedLine| with(Promise(id, line.quantity), -units(line.burned));
            body.lines.iter().map(|line| (&line.sku, step(line))).collect()
        }
        Body::Release(body) => {
            let given_up = body.lines.iter().map(|l| (&l.sku, Step::of(Release(body.promise, l.quantity))));
            let rights = body.rights.iter().flatten().map(|line| (&line.sku, with(Nothing, line.quantity)));
            given_up.chain(rights).collect()
        }
        Body::Fulfilment(body) => {
            body.lines.iter().map(|l| (&l.sku, Step::of(Fulfil(body.promise, l.quantity)))).collect()
        }
        Body::Mint(body) => body.lines.iter().map(|line| (&line.sku, with(Nothing, line.quantity))).collect(),
        Body::Reclaim(body) => {
            let from = |line: &Line| Step { movement: Nothing, rights: Some((body.of.epoch, -line.quantity)) };
            body.lines.iter().map(|line| (&line.sku, from(line))).collect()
        }
        Body::Burn(body) => body.lines.iter().map(|line| (&line.sku, with(Nothing, -line.quantity))).collect(),
        Body::Grant(body) => {
            let to = |quantity| Step { movement: Nothing, rights: Some((body.to.epoch, quantity)) };
            let both = |line: &'_ Line| [with(Nothing, -line.quantity), to(line.quantity)];
            body.lines.iter().flat_map(|line| both(line).map(|step| (&line.sku, step))).collect()
        }
        Body::Issue(body) => vec![(&body.voucher, with(Enter(body.quantity), units(body.minted)))],
        Body::Redemption(body) => body.lines.iter().map(|l| (&l.sku, with(Leave(l.quantity), -l.quantity))).collect(),
        Body::RedemptionReversal(body) => {
            body.lines.iter().map(|l| (&l.sku, with(Enter(l.quantity), l.quantity))).collect()
        }
        Body::Count(_)
        | Body::VoucherSale(_)
        | Body::Refund(_)
        | Body::DayClose(_)
        | Body::Confirmation(_)
        | Body::Resolution(_)
        | Body::CashMovement(_)
        | Body::Fence(_)
        | Body::BeyondRetirement(_)
        | Body::Progress(_)
        | Body::Delivery(_)
        | Body::ReturnAuthorisation(_)
        | Body::CancellationRequest(_)
        | Body::Consent(_)
        | Body::RefundGrant(_)
        | Body::RefundReclaim(_) => Vec::new(),
    }
}

/// Whether an event is a stock-take of a SKU.
pub fn counts(event: &Event, sku: &Sku) -> bool {
    matches!(&event.body, Body::Count(count) if count.lines.iter().any(|line| line.sku == *sku))
}

/// What enters the stock of goods that came back, each with whether it can be sold again.
fn restocked<'a>(lines: impl Iterator<Item = (&'a Sku, i64, bool)>) -> Vec<(&'a Sku, Step)> {
    let back = lines.filter(|(_, _, restock)| *restock);
    back.map(|(sku, quantity, _)| (sku, Step::of(Movement::Enter(quantity)))).collect()
}

fn named(lines: &[Line], steps: Vec<Step>) -> Vec<(&Sku, Step)> {
    lines.iter().map(|line| &line.sku).zip(steps).collect()
}

/// A count of rights as it adds up; the limits of events keep it in range.
fn units(rights: Option<u64>) -> i64 {
    rights.map_or(0, |rights| i64::try_from(rights).unwrap_or(i64::MAX))
}

/// Whether a count covers an event: the counting node had heard of it, or it happened no later than the count.
///
/// The second is what keeps a sale that was made before the count and heard after it from being taken off twice.
pub fn covers(count: &Count, counted_at: Timestamp, event: &Event, origin: &Origin) -> bool {
    let heard = count
        .seen
        .iter()
        .any(|seen| seen.epoch == origin.writer.epoch && seen.boot == origin.boot && event.number < seen.through);
    heard || event.occurred() <= counted_at
}

/// Of several copies of an event under one id, the one of the least rank counts: by content, then by time, then by who
/// wrote it.
pub fn rank(event: &Event, origin: &Origin) -> ([u8; 8], Timestamp, Epoch, Boot, u64) {
    (content_of(event, origin), event.occurred(), origin.writer.epoch, origin.boot, event.number)
}

/// What an event says, and where, hashed: copies of it may differ in nothing else.
pub fn content_of(event: &Event, origin: &Origin) -> [u8; 8] {
    let body = codec::encode(&event.body);
    let hash = id::hash_parts("tillmesh content", &[origin.location.as_str().as_bytes(), &body]);
    let mut content = [0; 8];
    content.copy_from_slice(&hash[..8]);
    content
}

/// The stock of one SKU at one location.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct StockRow {
    /// Units that ever came in.
    #[n(0)]
    pub entered: i64,
    /// Units that ever left.
    #[n(1)]
    pub left: i64,
    /// The latest count.
    #[n(2)]
    pub counted: Option<Counted>,
    /// Of each promise what is still owed: promised - released - fulfilled. Negative while its release or fulfilment
    /// was heard before it, or when it was released and fulfilled both. Settled ones are left out.
    #[n(3)]
    pub owed: BTreeMap<EventId, i64>,
    /// Rights by holder; below zero only where a grant to it is still to be heard, or two copies of a store spent the
    /// same. Those who hold none are left out.
    #[n(4)]
    pub rights: BTreeMap<Epoch, i64>,
    /// The sum of what is owed: kept, so that a sale does not add up all web orders of its SKU.
    #[n(5)]
    pub(crate) open: i64,
    /// Where the latest count is of what can be sold: what of [`StockRow::owed`] is of events that it does not cover.
    #[n(6)]
    #[cbor(default)]
    pub owed_since: BTreeMap<EventId, i64>,
}

/// The latest count of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Counted {
    /// The count event.
    #[n(0)]
    pub event: EventId,
    /// When the shelf was counted.
    #[n(1)]
    pub at: Timestamp,
    /// What was found.
    #[n(2)]
    pub quantity: i64,
    /// What events that the count does not cover changed.
    #[n(3)]
    pub since: i64,
    /// Of what can be sold alone: units that were promised and owed then, and lay on the shelf besides. None: whatever
    /// lay there was counted.
    #[n(4)]
    pub promised: Option<i64>,
}

/// What events that a count does not cover changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Since {
    /// Of the units on hand.
    pub on_hand: i64,
    /// Of what is owed of each promise.
    pub owed: BTreeMap<EventId, i64>,
}

impl Since {
    /// Of these.
    pub fn of(movements: impl Iterator<Item = Movement>) -> Self {
        let mut since = Self::default();
        for movement in movements {
            since.on_hand += movement.on_hand();
            if let Some((id, quantity)) = movement.owed() {
                add(&mut since.owed, id, quantity);
            }
        }
        since
    }
}

impl StockRow {
    /// Folds a step in. `covered` is whether the row's latest count covers the event.
    pub fn apply(&mut self, step: impl Into<Step>, covered: bool) {
        let step = step.into();
        match step.movement {
            Movement::Enter(quantity) => self.entered += quantity,
            Movement::Leave(quantity) | Movement::Fulfil(_, quantity) => self.left += quantity,
            Movement::Promise(..) | Movement::Release(..) | Movement::Nothing => {}
        }
        if let Some((id, quantity)) = step.movement.owed() {
            self.note_promised(id, quantity, covered);
            self.owe(id, quantity);
        }
        if let Some((holder, rights)) = step.rights {
            self.hold(holder, rights);
        }
        if let Some(counted) = &mut self.counted
            && !covered
        {
            counted.since += step.movement.on_hand();
        }
    }

    /// Folds a count in of so much: the later count wins, by its time, then by its id, so that every node has the same
    /// one.
    pub fn count(&mut self, event: EventId, at: Timestamp, (of, quantity): (CountOf, i64), since: Since) {
        if !self.is_superseded_by(at, event) {
            return;
        }
        let Since { on_hand: since, owed } = since;
        self.owed_since = if of == CountOf::Available { owed } else { BTreeMap::new() };
        let promised = (of == CountOf::Available).then(|| self.promised_then());
        self.counted = Some(Counted { event, at, quantity, since, promised });
    }

    /// Takes the latest count away.
    pub(crate) fn forget_count(&mut self) {
        (self.counted, self.owed_since) = (None, BTreeMap::new());
    }

    /// Whether a count made then would be the row's latest.
    pub fn is_superseded_by(&self, at: Timestamp, event: EventId) -> bool {
        self.counted.is_none_or(|latest| (latest.at, latest.event) < (at, event))
    }

    /// Units on hand, by the books; negative when more left than was ever booked in.
    pub fn on_hand(&self) -> i64 {
        match self.counted {
            Some(counted) => counted.quantity + counted.since + counted.promised.unwrap_or_default(),
            None => self.entered - self.left,
        }
    }

    /// What counts corrected: the difference between the shelves and the events.
    pub fn adjustment(&self) -> i64 {
        self.on_hand() - (self.entered - self.left)
    }

    /// Units promised and still owed.
    pub const fn open(&self) -> i64 {
        self.open
    }

    /// Rights of one holder that it can spend.
    pub fn rights_of(&self, holder: Epoch) -> i64 {
        self.rights.get(&holder).copied().unwrap_or_default().max(0)
    }

    /// Rights of all holders.
    pub fn all_rights(&self) -> i64 {
        self.rights.values().map(|rights| (*rights).max(0)).sum()
    }

    /// Units that anybody at the location may sell: neither promised nor somebody's to promise.
    pub fn floor(&self) -> i64 {
        (self.on_hand() - self.open() - self.all_rights()).max(0)
    }

    /// Rights that nothing stands behind.
    pub fn excess(&self) -> i64 {
        self.over_rights().min(self.all_rights())
    }

    /// Units promised, or somebody's to promise, beyond what there is.
    pub fn over_rights(&self) -> i64 {
        (self.open() + self.all_rights() - self.on_hand()).max(0)
    }

    /// How many of its rights a holder is to give up, where so many open units were promised without rights, for which
    /// nobody gives up any. Those with most rights begin, so that everybody who has heard the same comes to the same.
    pub fn spare_rights_of(&self, holder: Epoch, beyond: i64) -> i64 {
        let mut holders: Vec<_> = self.rights.iter().filter(|(_, rights)| **rights > 0).collect();
        holders.sort_by_key(|(epoch, rights)| (std::cmp::Reverse(**rights), **epoch));
        let mut excess = (self.over_rights() - beyond).clamp(0, self.all_rights());
        for (epoch, rights) in holders {
            let part = excess.min(*rights);
            if *epoch == holder {
                return part;
            }
            excess -= part;
        }
        0
    }

    /// Units that can be promised or sold.
    pub fn available(&self) -> i64 {
        (self.on_hand() - self.open()).max(0)
    }

    /// Units promised beyond what there is.
    pub fn shortfall(&self) -> i64 {
        (self.open() - self.on_hand()).max(0)
    }

    /// What is owed, as an opening says it.
    pub(crate) fn set_owed(&mut self, id: EventId, quantity: i64) {
        let owed = self.owed.get(&id).copied().unwrap_or_default();
        self.owe(id, quantity - owed);
    }

    /// What was owed of a promise by the events that the latest count covers.
    fn owed_then(&self, id: EventId) -> i64 {
        let of = |owed: &BTreeMap<EventId, i64>| owed.get(&id).copied().unwrap_or_default();
        of(&self.owed) - of(&self.owed_since)
    }

    fn promised_then(&self) -> i64 {
        let since = self.owed_since.keys().filter(|id| !self.owed.contains_key(id));
        self.owed.keys().chain(since).map(|id| self.owed_then(*id).max(0)).sum()
    }

    /// Keeps what was promised when the latest count was made, where that is of what can be sold.
    fn note_promised(&mut self, id: EventId, quantity: i64, covered: bool) {
        let then = self.owed_then(id);
        let Some(promised) = self.counted.as_mut().and_then(|counted| counted.promised.as_mut()) else { return };
        if covered {
            *promised += (then + quantity).max(0) - then.max(0);
        } else {
            add(&mut self.owed_since, id, quantity);
        }
    }

    /// A promise that is settled exactly is forgotten, so that a row stays small for a year of web orders.
    fn owe(&mut self, id: EventId, quantity: i64) {
        let before = self.owed.get(&id).copied().unwrap_or_default();
        self.open += (before + quantity).max(0) - before.max(0);
        add(&mut self.owed, id, quantity);
    }

    pub(crate) fn hold(&mut self, holder: Epoch, more: i64) {
        add(&mut self.rights, holder, more);
    }
}

/// Adds to the number of a key; one that comes to nothing is left out.
fn add<K: Ord + Copy>(numbers: &mut BTreeMap<K, i64>, key: K, more: i64) {
    let number = numbers.entry(key).or_default();
    *number += more;
    if *number == 0 {
        numbers.remove(&key);
    }
}

#[cfg(test)]
mod tests;
