//! The process that reads the order natively and by Extism, a round at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::plugins::here;

/// How the order is read.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// By the code of `plugins/shopify`, compiled with this package's profile.
    Native,
    /// By a plugin of Extism made for each call of what was compiled.
    Fresh,
    /// By one plugin of Extism.
    Reused,
}

/// The process.
pub struct Peers {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peers {
    pub fn start() -> anyhow::Result<Self> {
        let folder = here().join("extism");
        let program = folder.join("target/release/plugin-peers");
        let guest = folder.join("guest/target/wasm32-unknown-unknown/release/extism_guest.wasm");
        let mut command = Command::new(&program);
        command.arg(here().join("order.json")).arg(guest).stdin(Stdio::piped()).stdout(Stdio::piped());
        let missing = || format!("start {}: tests/bench/peers builds it", program.display());
        let mut child = command.spawn().with_context(missing)?;
        let (asks, answers) = (child.stdin.take(), child.stdout.take());
        let asks = asks.context("it has no standard input")?;
        let answers = BufReader::new(answers.context("it has no standard output")?);
        Ok(Self { child, asks, answers })
    }

    /// The median of as many calls as take about so long.
    pub fn microseconds(&mut self, how: How, lap: Duration) -> anyhow::Result<f64> {
        const FEW: u32 = 20;
        let once = self.ask(how, FEW)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of calls of a short lap")]
        let calls = (lap.as_secs_f64() * 1e6 / once).ceil() as u32;
        self.ask(how, calls.max(FEW))
    }

    fn ask(&mut self, how: How, calls: u32) -> anyhow::Result<f64> {
        let how = match how {
            How::Native => "native",
            How::Fresh => "fresh",
            How::Reused => "reused",
        };
        writeln!(self.asks, "{how} {calls}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let nanoseconds: f64 = answer.trim().parse().with_context(|| format!("plugin-peers says {answer:?}"))?;
        Ok(nanoseconds / 1e3)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It ends with its input; if it does not, there is nothing of it that must be finished.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
