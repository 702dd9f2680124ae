//! What events say of goods that move without being sold.

use minicbor::{CborLen, Decode, Encode};

use super::Line;
use crate::id::{Boot, Epoch, EventId, Name, Sku};

/// Goods booked in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Receipt {
    /// The lines.
    #[n(0)]
    pub lines: Vec<ReceiptLine>,
}

/// A line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct ReceiptLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much.
    #[n(1)]
    pub quantity: i64,
    /// Rights minted for it: the quantity less the floor buffer.
    #[n(2)]
    pub minted: Option<u64>,
}

impl Receipt {
    /// Whether it brings some of the same goods.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        self.lines.iter().any(|line| other.lines.iter().any(|it| it.sku == line.sku))
    }
}

/// A stock-take.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Count {
    /// What was found.
    #[n(0)]
    pub lines: Vec<Line>,
    /// What the counting node had heard: for each boot of a writer at this location, how many of its events, without
    /// gaps. Empty when the time of the count was given: then the times decide.
    #[n(1)]
    pub seen: Vec<Seen>,
    /// What the quantities are of.
    #[n(2)]
    #[cbor(default)]
    pub of: CountOf,
}

/// What somebody counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, CborLen)]
#[cbor(index_only)]
pub enum CountOf {
    /// Everything on the shelf.
    #[n(0)]
    #[default]
    OnHand,
    /// What can be sold of it: what was promised by then and still owed lies there as well. So a channel states levels;
    /// below 0 it sold more than there was.
    #[n(1)]
    Available,
}

/// How far a node had heard one boot of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Seen {
    /// The writer's epoch.
    #[n(0)]
    pub epoch: Epoch,
    /// Its boot.
    #[n(1)]
    pub boot: Boot,
    /// Events numbered below this.
    #[n(2)]
    pub through: u64,
}

/// Goods that move between locations.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Transfer {
    /// The other location: where they go, or where they came from.
    #[n(0)]
    pub other: Name,
    /// What.
    #[n(1)]
    pub lines: Vec<Line>,
    /// The transfer out that this transfer in answers.
    #[n(2)]
    pub answers: Option<EventId>,
}

/// A correction of stock.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Adjustment {
    /// Positive: found. Negative: lost.
    #[n(0)]
    pub lines: Vec<Line>,
    /// Why.
    #[n(1)]
    pub reason: AdjustmentReason,
}

/// Why stock was corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
#[non_exhaustive]
pub enum AdjustmentReason {
    /// Broken or spoiled.
    #[n(0)]
    Damaged,
    /// Found again.
    #[n(1)]
    Found,
    /// Missing without a known cause.
    #[n(2)]
    Lost,
    /// Stolen.
    #[n(3)]
    Stolen,
    /// Written off, or any other cause.
    #[n(4)]
    WrittenOff,
}
