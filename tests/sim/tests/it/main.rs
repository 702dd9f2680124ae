//! The fleet under everything that goes wrong.

mod bombs;
mod chunk;
mod hostile;
mod mutants;
mod openings;
mod random;
mod reconcile;
mod scenarios;
mod stranger;
