//! Stock arithmetic: what events do to the stock of one SKU at one location (design section "Stock arithmetic").
//!
//! ```text
//! entered  = received + returned + found + transferred in       left = sold + shipped + lost + transferred out
//! on hand  = entered - left, or since the latest count: counted + (entered - left of what the count does not cover)
//! open     = sum over promises of max(0, promised - released - fulfilled)
//! ```
//!
//! A row is a fold of the set of events: the order in which a node hears them does not matter, nor does hearing one
//! again (the engine folds each event id once).

use std::collections::BTreeMap;

use minicbor::{CborLen, Decode, Encode};

use crate::codec;
use crate::event::{Body, Count, Event, Origin};
use crate::id::{self, Boot, Epoch, EventId, Sku};
use crate::time::Timestamp;

/// What one event does to one SKU.
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
}

impl Movement {
    /// What it changes of the units on hand.
    pub const fn on_hand(self) -> i64 {
        match self {
            Self::Enter(quantity) => quantity,
            Self::Leave(quantity) | Self::Fulfil(_, quantity) => -quantity,
            Self::Promise(..) | Self::Release(..) => 0,
        }
    }

    /// The same, taken back.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Enter(quantity) => Self::Enter(-quantity),
            Self::Leave(quantity) => Self::Leave(-quantity),
            Self::Promise(id, quantity) => Self::Promise(id, -quantity),
            Self::Release(id, quantity) => Self::Release(id, -quantity),
            Self::Fulfil(id, quantity) => Self::Fulfil(id, -quantity),
        }
    }
}

/// The movements of an event, in the order of its lines. Counts have none: they are [`StockRow::count`]ed.
pub fn movements(event: &Event) -> Vec<(&Sku, Movement)> {
    use Movement::{Enter, Fulfil, Leave, Promise, Release};
    match &event.body {
        Body::Sale(sale) => sale.lines.iter().map(|line| (&line.sku, Leave(line.quantity))).collect(),
        Body::Return(body) => {
            body.lines.iter().filter(|line| line.restock).map(|line| (&line.sku, Enter(line.quantity))).collect()
        }
        Body::Receipt(body) => body.lines.iter().map(|line| (&line.sku, Enter(line.quantity))).collect(),
        Body::TransferOut(body) => body.lines.iter().map(|line| (&line.sku, Leave(line.quantity))).collect(),
        Body::TransferIn(body) => body.lines.iter().map(|line| (&line.sku, Enter(line.quantity))).collect(),
        Body::Adjustment(body) => {
            let movement = |quantity: i64| if quantity < 0 { Leave(-quantity) } else { Enter(quantity) };
            body.lines.iter().map(|line| (&line.sku, movement(line.quantity))).collect()
        }
        Body::Promise(body) => body.lines.iter().map(|line| (&line.sku, Promise(event.id, line.quantity))).collect(),
        Body::Release(body) => {
            body.lines.iter().map(|line| (&line.sku, Release(body.promise, line.quantity))).collect()
        }
        Body::Fulfilment(body) => {
            body.lines.iter().map(|line| (&line.sku, Fulfil(body.promise, line.quantity))).collect()
        }
        Body::Count(_) | Body::Mint(_) | Body::Grant(_) | Body::Refund(_) | Body::DayClose(_) => Vec::new(),
    }
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
}

impl StockRow {
    /// Folds a movement in. `covered` is whether the row's latest count covers the event.
    pub fn apply(&mut self, movement: Movement, covered: bool) {
        match movement {
            Movement::Enter(quantity) => self.entered += quantity,
            Movement::Leave(quantity) => self.left += quantity,
            Movement::Promise(id, quantity) => self.owe(id, quantity),
            Movement::Release(id, quantity) => self.owe(id, -quantity),
            Movement::Fulfil(id, quantity) => {
                self.left += quantity;
                self.owe(id, -quantity);
            }
        }
        if let Some(counted) = &mut self.counted
            && !covered
        {
            counted.since += movement.on_hand();
        }
    }

    /// Folds a count in: the later count wins, by its time, then by its id, so that every node has the same one.
    pub fn count(&mut self, counted: Counted) {
        if self.is_superseded_by(counted.at, counted.event) {
            self.counted = Some(counted);
        }
    }

    /// Whether a count made then would be the row's latest.
    pub fn is_superseded_by(&self, at: Timestamp, event: EventId) -> bool {
        self.counted.is_none_or(|latest| (latest.at, latest.event) < (at, event))
    }

    /// Units on hand, by the books; negative when more left than was ever booked in.
    pub fn on_hand(&self) -> i64 {
        match self.counted {
            Some(counted) => counted.quantity + counted.since,
            None => self.entered - self.left,
        }
    }

    /// What counts corrected: the difference between the shelves and the events.
    pub fn adjustment(&self) -> i64 {
        self.on_hand() - (self.entered - self.left)
    }

    /// Units promised and still owed.
    pub fn open(&self) -> i64 {
        self.owed.values().map(|owed| (*owed).max(0)).sum()
    }

    /// Units that can be promised or sold.
    pub fn available(&self) -> i64 {
        (self.on_hand() - self.open()).max(0)
    }

    /// Units promised beyond what there is.
    pub fn shortfall(&self) -> i64 {
        (self.open() - self.on_hand()).max(0)
    }

    /// A promise that is settled exactly is forgotten, so that a row stays small for a year of web orders.
    fn owe(&mut self, id: EventId, quantity: i64) {
        let owed = self.owed.entry(id).or_default();
        *owed += quantity;
        if *owed == 0 {
            self.owed.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;
