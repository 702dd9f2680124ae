//! Telling a person what happens, and checking what is told.

use anyhow::{Result, bail};

/// Tells a story in steps. Every claim is checked; a claim that does not hold ends the story.
#[derive(Default)]
pub struct Story {
    step: usize,
    claims: usize,
}

impl Story {
    /// Begins a step.
    pub fn step(&mut self, text: &str) {
        self.step += 1;
        println!("\n{}. {text}", self.step);
    }

    /// Adds a detail.
    pub fn tell(&self, text: &str) {
        println!("   {text}");
    }

    /// Claims something.
    ///
    /// # Errors
    /// When it does not hold.
    pub fn claim(&mut self, text: &str, holds: bool) -> Result<()> {
        self.claims += 1;
        if !holds {
            bail!("this does not hold: {text}");
        }
        println!("   [ok] {text}");
        Ok(())
    }

    /// How many claims held.
    pub const fn claims(&self) -> usize {
        self.claims
    }
}
