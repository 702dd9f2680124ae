//! How channels sign their messages, and where they say which message it is.
//!
//! Each scheme is an HMAC-SHA-256 (RFC 2104): of Shopify by <https://shopify.dev/docs/apps/build/webhooks>, of
//! WooCommerce by <https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks>, of Square by
//! <https://developer.squareup.com/docs/webhooks/step3validate>.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tillmesh_core::channel::ChannelMessage;
use tillmesh_core::id::Name;

use super::{Body, ChannelError, Inbound};
use crate::config::{Secret, Signature};
use crate::runtime::now;

const SHOPIFY: Headers = Headers { id: "x-shopify-webhook-id", topic: "x-shopify-topic" };
const WOOCOMMERCE: Headers = Headers { id: "x-wc-webhook-delivery-id", topic: "x-wc-webhook-topic" };
const PLAIN: Headers = Headers { id: "x-message-id", topic: "x-topic" };

/// Where a message says which it is and what it is about.
struct Headers {
    id: &'static str,
    topic: &'static str,
}

/// The parts of Square's events that are the same for all.
#[derive(Deserialize)]
struct SquareEvent {
    event_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Reads the text of a signature.
type Decode = fn(&[u8]) -> Option<Vec<u8>>;

/// How a channel signs.
struct Scheme<'a> {
    header: &'static str,
    secret: &'a Secret,
    decode: Decode,
    /// What is signed before the body.
    before: &'a str,
}

impl<'a> Scheme<'a> {
    fn of(signature: &'a Signature) -> Option<Self> {
        let base64: Decode = |text| data_encoding::BASE64.decode(text).ok();
        let hex: Decode = |text| data_encoding::HEXLOWER_PERMISSIVE.decode(text).ok();
        let (header, secret, decode, before) = match signature {
            Signature::None => return None,
            Signature::Shopify(secret) => ("x-shopify-hmac-sha256", secret, base64, ""),
            Signature::WooCommerce(secret) => ("x-wc-webhook-signature", secret, base64, ""),
            Signature::Square { key, notification_url } => {
                ("x-square-hmacsha256-signature", key, base64, notification_url.as_str())
            }
            Signature::Hex(secret) => ("x-signature", secret, hex, ""),
        };
        Some(Self { header, secret, decode, before })
    }
}

/// Checks in constant time, over the bytes as they came.
pub(super) fn check(signature: &Signature, inbound: &Inbound) -> Result<(), ChannelError> {
    let Some(Scheme { header, secret, decode, before }) = Scheme::of(signature) else { return Ok(()) };
    let refused = || ChannelError::Signature { header };
    let stated = decode(inbound.header(header).ok_or_else(refused)?.as_bytes()).ok_or_else(refused)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).map_err(|_| refused())?;
    mac.update(before.as_bytes());
    inbound.body.read(|bytes| mac.update(bytes))?;
    mac.verify_slice(&stated).map_err(|_| refused())
}

/// The message, with the id and the topic that the channel gives it.
pub(super) fn message_of(
    name: &Name,
    signature: &Signature,
    inbound: &Inbound,
) -> Result<ChannelMessage, ChannelError> {
    let headers = match signature {
        Signature::Square { .. } => return square_message(name, inbound),
        Signature::Shopify(_) => SHOPIFY,
        Signature::WooCommerce(_) => WOOCOMMERCE,
        Signature::None | Signature::Hex(_) => PLAIN,
    };
    let needed = |header: &'static str| {
        inbound.header(header).ok_or_else(|| ChannelError::Header { header, rule: "missing".to_owned() })
    };
    let mut id = needed(headers.id)?.to_owned();
    if let Signature::WooCommerce(_) = signature {
        // It makes its ids of the second: two deliveries of one webhook may have one.
        id = format!("{id}-{}", body_hash(inbound)?);
    }
    let message = message(name, &id, needed(headers.topic)?, inbound);
    message.check().map_err(|error| ChannelError::Header { header: headers.id, rule: error.to_string() })?;
    Ok(message)
}

fn square_message(name: &Name, inbound: &Inbound) -> Result<ChannelMessage, ChannelError> {
    let broken = |field, rule: &str| ChannelError::Body { field, rule: rule.to_owned() };
    let none = || broken("event_id", "not there: it is no event of Square");
    let Body::Whole(body) = &inbound.body else { return Err(none()) };
    let event: SquareEvent = serde_json::from_slice(body).map_err(|_| none())?;
    let id = event.event_id.ok_or_else(|| broken("event_id", "missing"))?;
    let kind = event.kind.ok_or_else(|| broken("type", "missing"))?;
    let message = message(name, &id, &kind, inbound);
    message.check().map_err(|error| broken("event_id", &error.to_string()))?;
    Ok(message)
}

/// Sixteen digits of the body's SHA-256.
fn body_hash(inbound: &Inbound) -> Result<String, ChannelError> {
    let mut hash = Sha256::new();
    inbound.body.read(|bytes| hash.update(bytes))?;
    Ok(data_encoding::HEXLOWER.encode(&hash.finalize()[..8]))
}

fn message(name: &Name, id: &str, topic: &str, inbound: &Inbound) -> ChannelMessage {
    ChannelMessage {
        channel: name.clone(),
        id: id.into(),
        topic: topic.into(),
        content_type: inbound.header("content-type").unwrap_or("application/octet-stream").into(),
        received_at: now(),
        body: match &inbound.body {
            Body::Whole(body) => body.to_vec(),
            Body::Spooled(_) => Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests;
