//! The targets.

mod engine;
mod readers;
