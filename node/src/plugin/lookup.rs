//! What a call may ask the node.

use tillmesh_core::channel::CommandProduct;
use tillmesh_core::id::{Name, Reference, Sku};
use tillmesh_core::money::UnitPrice;

/// What the node knows, as one snapshot: every answer of one call comes from the same moment.
pub trait Lookup: Send + Sync {
    /// The product with this SKU.
    fn by_sku(&self, sku: &Sku) -> Option<CommandProduct>;

    /// The product with this GTIN, in any of its lengths.
    fn by_gtin(&self, gtin: &str) -> Option<CommandProduct>;

    /// The product that the channel calls so.
    fn by_reference(&self, channel: &Name, reference: &Reference) -> Option<CommandProduct>;

    /// How much of it there is at a location.
    fn availability(&self, sku: &Sku, location: &Name) -> Option<Stock>;

    /// What it costs now.
    fn price(&self, sku: &Sku) -> Option<UnitPrice>;
}

/// How much of something there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock {
    /// Units at the location.
    pub on_hand: i64,
    /// Units promised to orders.
    pub promised: i64,
    /// Units that can still be promised.
    pub available: i64,
}

/// A node that knows nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoLookup;

impl Lookup for NoLookup {
    fn by_sku(&self, _: &Sku) -> Option<CommandProduct> {
        None
    }

    fn by_gtin(&self, _: &str) -> Option<CommandProduct> {
        None
    }

    fn by_reference(&self, _: &Name, _: &Reference) -> Option<CommandProduct> {
        None
    }

    fn availability(&self, _: &Sku, _: &Name) -> Option<Stock> {
        None
    }

    fn price(&self, _: &Sku) -> Option<UnitPrice> {
        None
    }
}

/// What a plugin's state holds at the start of a call.
pub trait StateReader: Send + Sync {
    /// The value of a key.
    fn read(&self, key: &str) -> Option<Vec<u8>>;

    /// Bytes of all keys and values together.
    fn used_bytes(&self) -> usize;
}

/// A plugin that remembers nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoState;

impl StateReader for NoState {
    fn read(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn used_bytes(&self) -> usize {
        0
    }
}
