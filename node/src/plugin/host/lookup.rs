//! The import `lookup`.

use tillmesh_core::channel::CommandProduct;
use tillmesh_core::id::{Name, Reference, Sku};

use crate::plugin::bindings::tillmesh::channel::lookup::{Host, Stock};
use crate::plugin::bindings::tillmesh::channel::types::{Product, UnitPrice};
use crate::plugin::call::CallData;
use crate::plugin::convert;

impl Host for CallData {
    fn by_sku(&mut self, sku: String) -> wasmtime::Result<Option<Product>> {
        self.count_host_call()?;
        Ok(found(Sku::new(&sku).ok().and_then(|sku| self.context.lookup.by_sku(&sku))))
    }

    fn by_gtin(&mut self, gtin: String) -> wasmtime::Result<Option<Product>> {
        self.count_host_call()?;
        Ok(found(self.context.lookup.by_gtin(&gtin)))
    }

    fn by_reference(&mut self, reference: String) -> wasmtime::Result<Option<Product>> {
        self.count_host_call()?;
        let (lookup, channel) = (&self.context.lookup, &self.context.channel);
        Ok(found(Reference::new(&reference).ok().and_then(|reference| lookup.by_reference(channel, &reference))))
    }

    fn availability(&mut self, sku: String, location: Option<String>) -> wasmtime::Result<Option<Stock>> {
        self.count_host_call()?;
        let location = location.map_or_else(|| Ok(self.context.location.clone()), |name| Name::new(&name));
        let (Ok(sku), Ok(location)) = (Sku::new(&sku), location) else { return Ok(None) };
        let stock = self.context.lookup.availability(&sku, &location);
        Ok(stock.map(|it| Stock { on_hand: it.on_hand, promised: it.promised, available: it.available }))
    }

    fn price(&mut self, sku: String) -> wasmtime::Result<Option<UnitPrice>> {
        self.count_host_call()?;
        let price = Sku::new(&sku).ok().and_then(|sku| self.context.lookup.price(&sku));
        Ok(price.map(|price| convert::types::unit_price_out(&price)))
    }
}

fn found(product: Option<CommandProduct>) -> Option<Product> {
    product.map(|product| convert::types::product_out(&product))
}
