//! Real messages, and how they are altered.
//!
//! Every test of this package is a target of [bolero](https://github.com/camshaft/bolero): `cargo test` runs each for a
//! bounded number of random inputs, and `cargo bolero test -p tillmesh-fuzz <test>` under an engine that is guided by
//! coverage, for as long as wanted. A failure prints `BOLERO_RANDOM_SEED=<n>`, which plays the input again.
//!
//! Inputs are edits of real messages: random bytes alone hardly get behind the first check.

pub mod corpus;
pub mod edits;
