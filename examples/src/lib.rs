//! What the examples share: nodes as processes, a client for their API, a link that can be cut, the published trade
//! data.

pub mod client;
pub mod grocery;
pub mod node;
pub mod proxy;
pub mod report;
