//! The domain and the sync protocol of Tillmesh as pure state machines.

pub mod cart;
pub mod catalog;
pub mod channel;
pub mod codec;
pub mod command;
pub mod cose;
pub mod day;
pub mod document;
pub mod engine;
pub mod envelope;
pub mod event;
pub mod fleet;
pub mod history;
pub mod id;
pub mod identity;
pub mod money;
pub mod opening;
pub mod order;
pub mod past;
pub mod policy;
pub mod pricing;
pub mod refusal;
pub mod stock;
pub mod storage;
pub mod sync;
pub mod tax;
pub mod time;
pub mod view;
pub mod voucher;
pub mod work;

#[cfg(test)]
mod tests;
