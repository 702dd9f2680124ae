//! The line to an MQTT broker. Moves bytes and knows nothing of what they mean.
//!
//! ```text
//!  engine --publish--> Link --> worker task --> rumqttc --> capped stream --> TLS, TCP --> broker
//!  engine <--LinkEvent-- mailbox (bounded) <-- worker task <-- rumqttc <--'
//! ```
//!
//! What callers may rely on: a message that was sent may be lost, repeated or overtaken, never altered; every queue is
//! bounded; nothing here blocks its caller. What they must not rely on: that an acknowledged message reached a peer,
//! that the broker keeps anything, that a session survives a connection. Repair between peers makes up for all of that.
//! Who has no peers to repair with asks for [`Session::Kept`], and acknowledges what it took.
//!
//! This is the only home of `rumqttc` and `rumqttc_v5` (the client, for either version of MQTT), of `mqtt5` (the
//! embedded broker) and of `rustls`.

mod backoff;
pub mod broker;
mod cap;
mod link;
mod mailbox;
mod tls;
pub mod topic;
mod url;
mod worker;

pub use link::{
    InvalidLinkOptions, Link, LinkError, LinkEvent, LinkOptions, LinkStatistics, Protocol, PublishLost, PublishTicket,
    Receipt, Session, TicketState, Will, is_publishable,
};
pub use tls::{Tls, TlsError, TlsFiles};
pub use url::{BrokerUrl, InvalidBrokerUrl};

/// The largest payload in bytes, in both directions. Every broker carries it: the smallest limit among them is that of
/// AWS IoT Core, 128 KiB for a whole packet, and half of that leaves room for what a bridge may add.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// Publishes that may wait for the broker's acknowledgement at a time. More in flight gains nothing (events are batched
/// behind an unacknowledged publish), costs up to 64 KiB each, and AWS IoT Core allows no more than 100.
pub const MAX_UNACKNOWLEDGED: usize = 64;

/// Messages that may wait for the receiver of a [`Link`]. At the largest payload this is 64 MiB, which only a flood of
/// foreign messages reaches; a real batch is half of that at most, and mostly a few hundred bytes. What does not fit is
/// dropped and counted, and is found again by repair.
pub const MAX_WAITING_MESSAGES: usize = 1024;

/// Subscriptions of one connection; AWS IoT Core and Azure Event Grid allow no more.
pub const MAX_SUBSCRIPTIONS: usize = 50;

#[cfg(test)]
mod tests;
