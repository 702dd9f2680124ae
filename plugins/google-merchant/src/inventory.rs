//! The local inventory feed: how much of what is in which store, as text with tabs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tillmesh_plugin::outbound::AvailabilityChanged;
use tillmesh_plugin::{Catalogue, Context};

use crate::{price, products};

/// A feed of levels; none where none of them is Google's. Google knows a store by its code, which the setting
/// `store.<location>` says; a location whose setting is empty is none of Google's.
pub(crate) fn feed(levels: &[&AvailabilityChanged], context: &Context, catalogue: &dyn Catalogue) -> Option<String> {
    let (mut rows, mut told) = (String::new(), BTreeSet::new());
    for level in levels {
        let (store, sku) = (store(&level.location, context), &level.sku);
        if store.is_empty() || !told.insert((store, sku)) {
            continue;
        }
        let price = catalogue.price(sku).and_then(|price| price::shown(&price)).unwrap_or_default();
        let available = available(store, level, levels, context, catalogue);
        let quantity = available.max(0);
        // Writing to a string does not fail, and SKUs hold neither tabs nor line ends.
        let _ = writeln!(rows, "{store}\t{sku}\t{quantity}\t{price}\t{}", products::word(available));
    }
    (!rows.is_empty()).then(|| format!("store_code\tid\tquantity\tprice\tavailability\n{rows}"))
}

fn store<'a>(location: &'a str, context: &'a Context) -> &'a str {
    context.setting(&format!("store.{location}")).unwrap_or(location)
}

/// How much there is in a store: what its locations have together, where the settings say that it has several.
fn available(
    store: &str,
    level: &AvailabilityChanged,
    levels: &[&AvailabilityChanged],
    context: &Context,
    catalogue: &dyn Catalogue,
) -> i64 {
    let said = context.config.iter().filter(|(_, code)| code == store);
    let said = said.filter_map(|(key, _)| key.strip_prefix("store."));
    // A location whose code nobody says is called as it is.
    let unsaid = Some(store).filter(|location| context.setting(&format!("store.{location}")).is_none());
    let others = said.chain(unsaid).filter(|location| *location != level.location);
    let of = |location: &str| {
        let changed = levels.iter().rfind(|other| other.location == location && other.sku == level.sku);
        let known = || catalogue.availability(&level.sku, Some(location)).map(|stock| stock.available);
        changed.map(|other| other.available).or_else(known).unwrap_or_default()
    };
    others.map(of).fold(of(&level.location), i64::saturating_add)
}
