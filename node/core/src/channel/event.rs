//! What happened at the node, for channels to be told.

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{CommandProduct, StockLine};
use crate::id::{Name, Reference, Sku};
use crate::time::Timestamp;

/// What happened, as far as channels are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ChannelEvent {
    /// How much of something can be sold has changed.
    #[n(0)]
    AvailabilityChanged {
        /// What.
        #[n(0)]
        sku: Sku,
        /// How much is available now.
        #[n(1)]
        available: i64,
        /// Where.
        #[n(2)]
        location: Name,
        /// When.
        #[n(3)]
        as_of: Timestamp,
        /// What the channel calls it.
        #[n(4)]
        references: Vec<Reference>,
    },
    /// An order of the channel was handed over or shipped, wholly or in part.
    #[n(1)]
    OrderFulfilled {
        /// The channel's id of the order.
        #[n(0)]
        order: Reference,
        /// The fulfilment's number.
        #[n(1)]
        fulfilment: Reference,
        /// What left.
        #[n(2)]
        lines: Vec<StockLine>,
        /// Where from.
        #[n(3)]
        location: Name,
        /// When.
        #[n(4)]
        fulfilled_at: Timestamp,
    },
    /// An order of the channel was cancelled by the node.
    #[n(2)]
    OrderCancelled {
        /// The channel's id of the order.
        #[n(0)]
        order: Reference,
        /// When.
        #[n(1)]
        cancelled_at: Timestamp,
        /// Why.
        #[n(2)]
        reason: Option<Box<str>>,
    },
    /// A product is new or has changed.
    #[n(3)]
    ProductChanged {
        /// The product, whole.
        #[n(0)]
        product: CommandProduct,
        /// From when on.
        #[n(1)]
        effective_at: Timestamp,
    },
}

/// One message for a channel, in its own format.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct OutboundMessage {
    /// What it is about, in the channel's words; the channel's configuration maps it to an address.
    #[n(0)]
    pub topic: Box<str>,
    /// The media type of the body.
    #[n(1)]
    pub content_type: Box<str>,
    /// Messages with the same key are delivered in order.
    #[n(2)]
    pub ordering_key: Option<Box<str>>,
    /// The body.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub body: Vec<u8>,
}
