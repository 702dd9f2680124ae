//! The fleet under everything that goes wrong.

mod hostile;
mod openings;
mod random;
mod reconcile;
mod scenarios;
