//! Feeds for Google Merchant Center: products that changed as RSS 2.0 with the elements of Google's namespace, and how
//! much of what is in which store as a local inventory feed.
//!
//! Each message is a feed of what changed, to be sent as an update: Google keeps what a feed does not name where the
//! feed is a supplemental one.

use tillmesh_plugin::outbound::{AvailabilityChanged, Event, Outbound, OutboundMessage};
use tillmesh_plugin::{Catalogue, Context, Failure, Product};

mod inventory;
mod price;
mod products;
mod xml;

/// The plugin.
#[derive(Debug)]
pub struct GoogleMerchant;

impl Outbound for GoogleMerchant {
    fn render(events: &[Event], context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<OutboundMessage>, Failure> {
        let products: Vec<_> = events.iter().filter_map(product).collect();
        let levels: Vec<_> = events.iter().filter_map(level).collect();
        let mut messages = Vec::new();
        if !products.is_empty() {
            let feed = products::feed(&products, context, catalogue)?;
            messages.extend(feed.map(|feed| message("products", "application/xml", feed)));
        }
        let feed = inventory::feed(&levels, context, catalogue);
        messages.extend(feed.map(|feed| message("local-inventory", "text/tab-separated-values", feed)));
        Ok(messages)
    }
}

fn product(event: &Event) -> Option<&Product> {
    if let Event::ProductChanged(changed) = event { Some(&changed.product) } else { None }
}

fn level(event: &Event) -> Option<&AvailabilityChanged> {
    if let Event::AvailabilityChanged(level) = event { Some(level) } else { None }
}

fn message(topic: &str, content_type: &str, body: String) -> OutboundMessage {
    let (topic, content_type) = (topic.to_owned(), content_type.to_owned());
    OutboundMessage { ordering_key: Some(topic.clone()), topic, content_type, body: body.into_bytes() }
}

tillmesh_plugin::register_outbound!(GoogleMerchant);

#[cfg(test)]
mod tests;
