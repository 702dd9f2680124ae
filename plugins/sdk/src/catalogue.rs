//! What the node knows, behind a trait, so that a plugin is tested without a node.

use crate::bindings::common::tillmesh::channel::lookup;
use crate::{Product, UnitPrice};

pub use crate::bindings::common::tillmesh::channel::lookup::Stock;

/// What the node knows. All answers of one call come from one snapshot.
///
/// A test implements what its plugin asks for; the rest knows nothing.
pub trait Catalogue {
    /// The product with this SKU.
    fn by_sku(&self, _sku: &str) -> Option<Product> {
        None
    }

    /// The product with this GTIN, in any of its lengths.
    fn by_gtin(&self, _gtin: &str) -> Option<Product> {
        None
    }

    /// The product that the plugin's channel calls so.
    fn by_reference(&self, _reference: &str) -> Option<Product> {
        None
    }

    /// How much of it there is at a location; at the node's own when none is named.
    fn availability(&self, _sku: &str, _location: Option<&str>) -> Option<Stock> {
        None
    }

    /// What it costs now.
    fn price(&self, _sku: &str) -> Option<UnitPrice> {
        None
    }
}

/// The node that runs the plugin.
#[derive(Debug, Clone, Copy)]
pub struct Node;

impl Catalogue for Node {
    fn by_sku(&self, sku: &str) -> Option<Product> {
        lookup::by_sku(sku)
    }

    fn by_gtin(&self, gtin: &str) -> Option<Product> {
        lookup::by_gtin(gtin)
    }

    fn by_reference(&self, reference: &str) -> Option<Product> {
        lookup::by_reference(reference)
    }

    fn availability(&self, sku: &str, location: Option<&str>) -> Option<Stock> {
        lookup::availability(sku, location)
    }

    fn price(&self, sku: &str) -> Option<UnitPrice> {
        lookup::price(sku)
    }
}
