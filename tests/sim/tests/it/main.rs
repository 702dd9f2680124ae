//! The fleet under everything that goes wrong.

mod hostile;
mod random;
mod scenarios;
