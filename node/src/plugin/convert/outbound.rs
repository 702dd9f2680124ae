//! Events and the messages made of them.

use tillmesh_core::channel::{ChannelEvent, ChannelFailure, OutboundMessage};

use super::Refused;
use super::types::{failure_out, product_out, references_out, stock_lines_out};
use crate::plugin::bindings::exports::tillmesh::channel::{acknowledgement, outbound as wit};

/// The longest topic, media type or key of a message in bytes.
const MAX_LABEL: usize = 255;

pub(in crate::plugin) fn event_out(event: &ChannelEvent) -> wit::Event {
    match event {
        ChannelEvent::AvailabilityChanged { sku, available, location, as_of, references } => {
            wit::Event::AvailabilityChanged(wit::AvailabilityChanged {
                sku: sku.to_string(),
                available: *available,
                location: location.to_string(),
                as_of: as_of.0,
                references: references_out(references),
            })
        }
        ChannelEvent::OrderFulfilled { order, fulfilment, lines, location, fulfilled_at } => {
            wit::Event::OrderFulfilled(wit::OrderFulfilled {
                order: order.to_string(),
                fulfilment: fulfilment.to_string(),
                lines: stock_lines_out(lines),
                location: location.to_string(),
                fulfilled_at: fulfilled_at.0,
            })
        }
        ChannelEvent::OrderCancelled { order, cancelled_at, reason } => {
            let reason = reason.as_ref().map(ToString::to_string);
            let order = order.to_string();
            wit::Event::OrderCancelled(wit::OrderCancelled { order, cancelled_at: cancelled_at.0, reason })
        }
        ChannelEvent::ProductChanged { product, effective_at } => {
            let product = product_out(product);
            wit::Event::ProductChanged(wit::ProductChanged { product, effective_at: effective_at.0 })
        }
    }
}

pub(in crate::plugin) fn message_in(message: wit::OutboundMessage) -> Result<OutboundMessage, Refused> {
    let labels = [
        ("topic", Some(&message.topic)),
        ("content-type", Some(&message.content_type)),
        ("ordering-key", message.ordering_key.as_ref()),
    ];
    for (field, label) in labels.into_iter().filter_map(|(field, label)| Some((field, label?))) {
        check_label(field, label)?;
    }
    Ok(OutboundMessage {
        topic: message.topic.into(),
        content_type: message.content_type.into(),
        ordering_key: message.ordering_key.map(String::into_boxed_str),
        body: message.body,
    })
}

pub(in crate::plugin) fn outcome_out(refused: Option<&ChannelFailure>) -> acknowledgement::Outcome {
    refused.map_or(acknowledgement::Outcome::Taken, |failure| acknowledgement::Outcome::Refused(failure_out(failure)))
}

pub(in crate::plugin) fn answer_in(answer: acknowledgement::Answer) -> Result<OutboundMessage, Refused> {
    check_label("topic", &answer.topic)?;
    check_label("content-type", &answer.content_type)?;
    let (topic, content_type) = (answer.topic.into(), answer.content_type.into());
    Ok(OutboundMessage { topic, content_type, ordering_key: None, body: answer.body })
}

fn check_label(field: &str, label: &str) -> Result<(), Refused> {
    if label.is_empty() || label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return Err(format!("{field}: it must have 1 to {MAX_LABEL} bytes without control characters"));
    }
    Ok(())
}
