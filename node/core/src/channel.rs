//! Channels: what they send, what it means, and what they are told.
//!
//! A channel's message ([`ChannelMessage`]) is bytes in the channel's own format. A plugin says what it means as
//! [`ChannelCommand`]s, or why it means nothing ([`ChannelFailure`]). The other way round a plugin renders
//! [`ChannelEvent`]s as messages of the channel ([`OutboundMessage`]).
//!
//! **Nothing personal passes.** There is no field for a name, an address, a number or an e-mail; a customer appears as
//! the channel's opaque reference. The bodies of messages stay outside the ledgers.

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{InvalidId, Name};
use crate::time::Timestamp;

pub use self::command::{
    ChannelCommand, CommandLine, CommandProduct, InvalidCommand, LineContent, StatedTotals, StockLine,
};
pub use self::event::{ChannelEvent, OutboundMessage};

mod command;
mod event;

/// The longest id of a message in bytes. Shopify's and Square's are UUIDs, an EDI control number with its sender is
/// shorter than 100.
pub const MAX_MESSAGE_ID: usize = 256;

/// The longest topic in bytes, such as `orders/create`.
pub const MAX_TOPIC: usize = 200;

/// One message of a channel, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct ChannelMessage {
    /// The channel that sent it.
    #[n(0)]
    pub channel: Name,
    /// The channel's own id of the message. The same id is the same message: it counts once, at whichever node it
    /// arrives.
    #[n(1)]
    pub id: Box<str>,
    /// What it is about, in the channel's words, such as `orders/create`.
    #[n(2)]
    pub topic: Box<str>,
    /// The media type of the body, such as `application/json`.
    #[n(3)]
    pub content_type: Box<str>,
    /// When it arrived.
    #[n(4)]
    pub received_at: Timestamp,
    /// The body, to the byte.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub body: Vec<u8>,
}

impl ChannelMessage {
    /// Checks the lengths and the characters of id and topic.
    ///
    /// # Errors
    /// For the first that breaks its rule.
    pub fn check(&self) -> Result<(), InvalidId> {
        check_label("message id", &self.id, MAX_MESSAGE_ID)?;
        check_label("topic", &self.topic, MAX_TOPIC)?;
        check_label("content type", &self.content_type, MAX_TOPIC)
    }
}

/// Why a plugin makes nothing of a message, by what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum ChannelFailure {
    /// The message breaks its own format. It will not get better: read it, fix it, replay it.
    #[error("malformed: {0}")]
    #[n(0)]
    Malformed(#[n(0)] Detail),
    /// The message is well formed, and the plugin does not handle what it asks for.
    #[error("unsupported: {0}")]
    #[n(1)]
    Unsupported(#[n(0)] Detail),
    /// The message names an article that the catalogue does not know. Add it and replay.
    #[error("unknown SKU: {0}")]
    #[n(2)]
    UnknownSku(#[n(0)] Detail),
    /// The message breaks a rule of the trade.
    #[error("rejected: {0}")]
    #[n(3)]
    Rejected(#[n(0)] Detail),
    /// Something that the plugin needs is not there yet: try again later.
    #[error("to be retried: {0}")]
    #[n(4)]
    Retry(#[n(0)] Detail),
}

/// Which field of a message, which value of it, and which rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
pub struct Detail {
    /// Where in the message, in the words of its format, such as `line_items[2].quantity`. Empty: the message as a
    /// whole.
    #[n(0)]
    pub field: Box<str>,
    /// The offending value, shortened. Never something personal.
    #[n(1)]
    pub value: Box<str>,
    /// The rule in words that finish the sentence "the value is refused: ...".
    #[n(2)]
    pub rule: Box<str>,
}

impl std::fmt::Display for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.field.is_empty(), self.value.is_empty()) {
            (true, _) => write!(f, "{}", self.rule),
            (false, true) => write!(f, "{}: {}", self.field, self.rule),
            (false, false) => write!(f, "{}: {:?} is refused: {}", self.field, self.value, self.rule),
        }
    }
}

impl ChannelFailure {
    /// The cause as one word, for logs, metrics and dead letters.
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Unsupported(_) => "unsupported",
            Self::UnknownSku(_) => "unknown-sku",
            Self::Rejected(_) => "rejected",
            Self::Retry(_) => "retry",
        }
    }

    /// What is wrong.
    pub const fn detail(&self) -> &Detail {
        match self {
            Self::Malformed(detail)
            | Self::Unsupported(detail)
            | Self::UnknownSku(detail)
            | Self::Rejected(detail)
            | Self::Retry(detail) => detail,
        }
    }
}

fn check_label(kind: &'static str, text: &str, max: usize) -> Result<(), InvalidId> {
    let rule = if text.is_empty() {
        "it is empty".to_owned()
    } else if text.len() > max {
        format!("it has {} bytes, at most {max} are allowed", text.len())
    } else if text.chars().any(char::is_control) {
        "it holds a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(InvalidId { kind, value: text.chars().take(80).collect(), rule })
}

#[cfg(test)]
mod tests;
