//! The local inventory feed: how much of what is in which store, as text with tabs.

use std::fmt::Write as _;

use tillmesh_plugin::outbound::AvailabilityChanged;
use tillmesh_plugin::{Catalogue, Context};

use crate::{price, products};

/// A feed of levels. Google knows a store by its code, which the setting `store.<location>` says; a location whose
/// setting is empty is none of Google's.
pub(crate) fn feed(levels: &[&AvailabilityChanged], context: &Context, catalogue: &dyn Catalogue) -> String {
    let mut text = "store_code\tid\tquantity\tprice\tavailability\n".to_owned();
    for level in levels {
        let store = context.setting(&format!("store.{}", level.location)).unwrap_or(&level.location);
        if store.is_empty() {
            continue;
        }
        let price = catalogue.price(&level.sku).and_then(|price| price::shown(&price)).unwrap_or_default();
        let (sku, quantity) = (&level.sku, level.available.max(0));
        // Writing to a string does not fail, and SKUs hold neither tabs nor line ends.
        let _ = writeln!(text, "{store}\t{sku}\t{quantity}\t{price}\t{}", products::word(level.available));
    }
    text
}
