//! What happened last, printed when a check fails, with the seed that makes it happen again.

use std::collections::VecDeque;

/// How many steps a failure prints, unless `TILLMESH_SIM_STEPS` says another number.
const STEPS: usize = 60;

/// What happened last. When a panic passes, it prints itself.
pub struct Story {
    seed: u64,
    most: usize,
    steps: VecDeque<String>,
}

impl Story {
    /// A story that begins with a seed.
    pub fn new(seed: u64) -> Self {
        let asked = std::env::var("TILLMESH_SIM_STEPS").ok().and_then(|text| text.parse().ok());
        Self { seed, most: asked.unwrap_or(STEPS), steps: VecDeque::new() }
    }

    /// Adds a step.
    pub fn tell(&mut self, step: String) {
        if self.steps.len() >= self.most {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the last {} steps of seed {}", self.steps.len(), self.seed);
            self.steps.iter().for_each(|step| eprintln!("{step}"));
            eprintln!("--- again with: TILLMESH_SIM_SEED={} cargo test -p tillmesh-sim", self.seed);
        }
    }
}
