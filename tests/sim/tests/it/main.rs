//! The fleet under everything that goes wrong.

mod a_thousand;
mod asking;
mod bombs;
mod cancelling;
mod chunk;
mod crowd;
mod fleet;
mod hostile;
mod made_up;
mod misfortunes;
mod mutants;
mod openings;
mod promises;
mod put_back;
mod random;
mod reconcile;
mod refunds;
mod scenarios;
mod stranger;
mod web_front;
mod year;
