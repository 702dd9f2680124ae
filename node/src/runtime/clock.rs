//! The only place that reads a clock or the system's entropy.

use std::time::{SystemTime, UNIX_EPOCH};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tillmesh_core::time::Timestamp;

use super::StartError;

/// The wall clock. One that stands before 1970 counts as 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A generator seeded from the operating system.
pub(super) fn entropy() -> Result<ChaCha20Rng, StartError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| StartError::System { operation: "read entropy", reason: error.into() })?;
    Ok(ChaCha20Rng::from_seed(seed))
}
