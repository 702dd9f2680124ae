//! How long to wait before the next attempt to connect.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Short enough that a broker which restarts is found again before a person notices.
const FIRST: Duration = Duration::from_millis(200);

/// Long enough that a thousand nodes do not keep a struggling broker down, short enough for a store that waits for it.
const LONGEST: Duration = Duration::from_secs(30);

/// Doubling delays with jitter: each is drawn from the upper half of its step, so that nodes which lost the same broker
/// at the same moment come back spread out, and none comes back at once.
#[derive(Debug)]
pub(super) struct Backoff {
    random: ChaCha8Rng,
    step: Duration,
}

impl Backoff {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { random: ChaCha8Rng::from_seed(seed), step: FIRST }
    }

    /// The delay before the next attempt, 0.1 s to 30 s.
    pub(super) fn next_delay(&mut self) -> Duration {
        let half = self.step / 2;
        // 2^20 steps are fine enough for a spread over seconds.
        let share = self.random.next_u32() >> 12;
        let delay = half + half.mul_f64(f64::from(share) / f64::from(1_u32 << 20));
        self.step = (self.step * 2).min(LONGEST);
        delay
    }

    /// Begins again with the shortest delay, after a connection that lasted.
    pub(super) fn reset(&mut self) {
        self.step = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_stay_within_their_step() {
        let mut backoff = Backoff::new([7; 32]);
        let mut step = FIRST;
        for _ in 0..20 {
            let delay = backoff.next_delay();
            assert!(delay >= step / 2 && delay <= step, "{delay:?} is outside the step {step:?}");
            step = (step * 2).min(LONGEST);
        }
        assert_eq!(step, LONGEST);
    }

    #[test]
    fn a_reset_begins_with_the_shortest_delay() {
        let mut backoff = Backoff::new([7; 32]);
        for _ in 0..10 {
            backoff.next_delay();
        }
        backoff.reset();
        assert!(backoff.next_delay() <= FIRST);
    }

    #[test]
    fn two_seeds_give_different_delays_and_one_seed_the_same() {
        let delays = |seed| {
            let mut backoff = Backoff::new([seed; 32]);
            (0..8).map(|_| backoff.next_delay()).collect::<Vec<_>>()
        };
        assert_ne!(delays(1), delays(2));
        assert_eq!(delays(3), delays(3));
    }
}
