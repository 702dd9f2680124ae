//! Writes plugins for Tillmesh nodes.
//!
//! A plugin is a pure function: the node hands it a message, it says what the message means. No clock, no files, no
//! network; what it needs to know it asks the [`Catalogue`]. Implement a trait, register it, and that is all:
//!
//! ```
//! use tillmesh_plugin::inbound::{Command, Inbound, SetAvailable};
//! use tillmesh_plugin::{Catalogue, Context, Failure, Message, failure};
//!
//! struct Stock;
//!
//! impl Inbound for Stock {
//!     fn translate(message: &Message, _: &Context, _: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
//!         let text = str::from_utf8(&message.piece.bytes).map_err(|_| failure::malformed("", "", "it is no UTF-8"))?;
//!         let (sku, count) = text.split_once('=').ok_or_else(|| failure::malformed("", text, "it is no SKU=COUNT"))?;
//!         let available = count.parse().map_err(|_| failure::malformed("count", count, "it must be a whole number"))?;
//!         let as_of = message.received_at;
//!         Ok(vec![Command::SetAvailable(SetAvailable { sku: sku.into(), available, as_of, location: None })])
//!     }
//! }
//!
//! tillmesh_plugin::register_inbound!(Stock);
//! ```
//!
//! Features choose what the component exports: `inbound` (a channel that is listened to), `outbound` (a channel that is
//! told), `acknowledgement` (a channel whose messages are acknowledged), `pricing` (promotions), and whether [`json`]
//! is there. `wit/` is the manual of the records.

#[cfg(feature = "acknowledgement")]
pub mod acknowledgement;
pub mod article;
#[doc(hidden)]
pub mod bindings;
mod catalogue;
#[cfg(feature = "outbound")]
pub mod control;
#[cfg(feature = "dates")]
pub mod dates;
pub mod failure;
#[cfg(feature = "inbound")]
pub mod fulfilment;
#[cfg(feature = "inbound")]
pub mod inbound;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "inbound")]
pub mod levels;
#[cfg(feature = "inbound")]
pub mod limits;
pub mod location;
pub mod log;
pub mod metrics;
pub mod money;
#[cfg(feature = "inbound")]
pub mod orders;
#[cfg(feature = "outbound")]
pub mod outbound;
#[doc(hidden)]
pub mod panic;
#[cfg(feature = "pricing")]
pub mod pricing;
pub mod product;
#[cfg(feature = "json")]
pub mod quantity;
#[cfg(feature = "inbound")]
pub mod shipment;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::bindings::common::tillmesh::channel::types::{
    Context, Detail, Failure, Line, LineContent, Message, Money, Piece, Product, StatedTotals, StockLine, UnitPrice,
};
pub use self::catalogue::{Catalogue, Node, Stock};

impl Context {
    /// The value of a setting, if the operator gave one.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.config.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

impl Message {
    /// Whether the body is here as a whole.
    pub fn is_whole(&self) -> bool {
        self.piece.offset == 0 && self.piece.last
    }
}
