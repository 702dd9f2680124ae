//! What the examples share: nodes as processes, a client for their API, a link that can be cut, the published trade
//! data and the month in which it is sold.

pub mod client;
pub mod grocery;
pub mod month;
pub mod node;
pub mod proxy;
pub mod report;
