//! What plugins may look up, from the committed view.

use std::sync::PoisonError;

use tillmesh_core::catalog::{Product, is_same_gtin};
use tillmesh_core::channel::CommandProduct;
use tillmesh_core::engine::SharedView;
use tillmesh_core::id::{Name, Reference, Sku};
use tillmesh_core::money::UnitPrice;
use tillmesh_core::view::View;

use crate::plugin::{Lookup, Stock};

/// Looks up in the view. The lock is held for one answer, not for a call: a plugin that takes its time must not keep
/// the engine waiting.
pub(super) struct ViewLookup {
    pub view: SharedView,
    /// Who asks: what other channels call things is not for it.
    pub channel: Name,
}

impl ViewLookup {
    fn find(&self, is_it: impl Fn(&Product) -> bool) -> Option<CommandProduct> {
        self.with(|view| {
            let products = view.products.iter().map(|(_, product)| product);
            products.filter(|product| is_it(product)).map(|product| described(product, &self.channel)).next()
        })
    }

    fn with<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        read(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Lookup for ViewLookup {
    fn by_sku(&self, sku: &Sku) -> Option<CommandProduct> {
        self.with(|view| view.products.get(sku).map(|product| described(product, &self.channel)))
    }

    fn by_gtin(&self, gtin: &str) -> Option<CommandProduct> {
        let is_it = |product: &Product| product.gtin.as_ref().is_some_and(|own| is_same_gtin(own, gtin));
        self.find(is_it)
    }

    fn by_reference(&self, channel: &Name, reference: &Reference) -> Option<CommandProduct> {
        self.find(|product| product.called_by(channel).any(|known| known == reference))
    }

    fn availability(&self, sku: &Sku, location: &Name) -> Option<Stock> {
        self.with(|view| {
            let row = view.stock.get(&(location.clone(), sku.clone()))?;
            Some(Stock { on_hand: row.on_hand(), promised: row.open(), available: row.available() })
        })
    }

    fn price(&self, sku: &Sku) -> Option<UnitPrice> {
        self.with(|view| view.products.get(sku).and_then(|product| product.price))
    }
}

/// A product as a channel knows it.
pub(super) fn described(product: &Product, channel: &Name) -> CommandProduct {
    let text = |text: &Option<String>| text.as_deref().map(Box::from);
    CommandProduct {
        sku: product.sku.clone(),
        name: product.name.as_str().into(),
        price: product.price,
        gtin: text(&product.gtin),
        department: text(&product.department),
        category: text(&product.category),
        unit: text(&product.unit),
        tax_class: product.tax_class.as_ref().map(|class| class.as_str().into()),
        references: product.called_by(channel).cloned().collect(),
    }
}
