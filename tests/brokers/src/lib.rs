//! Real brokers for tests, and a link to them that breaks every promise that MQTT makes.
//!
//! ```text
//! node ── Proxy ── Broker
//!
//! Broker   embedded, Mosquitto, NATS, RabbitMQ: started, killed with what it kept, started again
//! Proxy    drops, duplicates, delays and reorders whole PUBLISH packets, cuts connections
//! ```
//!
//! `tests/it` plays the published trade data over both.

pub mod broker;
pub mod lane;
pub mod packet;
pub mod port;
pub mod proxy;
