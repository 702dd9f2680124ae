//! `tillmesh plugin bench`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tillmesh_core::id::Name;

use super::Chosen;
use super::case::Case;
use super::play::{cases_of, name_of};
use crate::cli::show::{self, Table};
use crate::plugin::{Limits, Plugin, Report};

/// Say what a plugin's calls use: fuel, time and memory, against what a call may use
///
/// Plays each of the plugin's cases many times, each time in a fresh instance, as a node does; with `reuse` in
/// plugin.toml then in instances that serve more than one call. Fuel is the same on
/// every machine; time is this machine's.
#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(flatten)]
    chosen: Chosen,
    /// How often each case is played
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls: u32,
}

/// What the calls of a case used.
struct Measured {
    case: String,
    report: Report,
    p50: Duration,
    p99: Duration,
    /// The same in instances that serve more than one call, where the manifest says so.
    reused_p50: Option<Duration>,
}

impl Bench {
    pub(super) fn run(self) -> Result<ExitCode> {
        let cases = cases_of(&self.chosen.folder)?;
        let found = self.chosen.find()?;
        let (plugin, limits) = (found.install()?, found.limits()?);
        let reused = found.manifest.reuse.then(|| plugin.with_reuse(true));
        let measured = cases.iter().map(|case| self.measure(case, &found.manifest.name, &plugin, reused.as_ref()));
        let measured = measured.collect::<Result<Vec<_>>>()?;
        if self.chosen.json {
            print_json(&measured, &limits)?
        } else {
            print(&measured, &limits)
        }
        Ok(ExitCode::SUCCESS)
    }

    fn measure(&self, path: &Path, plugin_name: &Name, plugin: &Plugin, reused: Option<&Plugin>) -> Result<Measured> {
        let case = Case::read(path, plugin_name)?;
        // The first call warms everything up.
        let report = case.play(plugin).report;
        let times = self.times(&case, plugin);
        let at = |times: &[Duration], share: usize| times[(times.len() - 1) * share / 100];
        let reused_p50 = reused.map(|reused| at(&self.times(&case, reused), 50));
        Ok(Measured { case: name_of(path), report, p50: at(&times, 50), p99: at(&times, 99), reused_p50 })
    }

    /// What each call took, the shortest first.
    fn times(&self, case: &Case, plugin: &Plugin) -> Vec<Duration> {
        let mut times: Vec<_> = (0..self.calls).map(|_| timed(case, plugin)).collect();
        times.sort_unstable();
        times
    }
}

fn timed(case: &Case, plugin: &Plugin) -> Duration {
    let began = Instant::now();
    let _outcome = case.play(plugin);
    began.elapsed()
}

fn print(measured: &[Measured], limits: &Limits) {
    let mut table = Table::new(&["case", ">fuel", ">of allowed", ">p50", ">p99", ">reused p50", ">memory"]);
    for Measured { case, report, p50, p99, reused_p50 } in measured {
        let share = 100.0 * report.fuel as f64 / report.fuel_allowed.max(1) as f64;
        let millis = |time: &Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
        let memory = format!("{} KiB", report.memory_bytes >> 10);
        let (fuel, share) = (report.fuel.to_string(), format!("{share:.1} %"));
        let reused = reused_p50.as_ref().map(millis).unwrap_or_default();
        table.row([case.clone(), fuel, share, millis(p50), millis(p99), reused, memory]);
    }
    table.print();
    let Limits { deadline, memory_bytes, .. } = limits;
    let (seconds, mebibytes) = (deadline.as_secs(), memory_bytes >> 20);
    println!("A call may take {seconds} s and {mebibytes} MiB, unless a node's settings say otherwise.");
}

fn print_json(measured: &[Measured], limits: &Limits) -> Result<()> {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let cases = measured.iter().map(|Measured { case, report, p50, p99, reused_p50 }| {
        json!({
            "case": case,
            "fuel": report.fuel,
            "fuel_allowed": report.fuel_allowed,
            "memory_bytes": report.memory_bytes,
            "memory_bytes_allowed": limits.memory_bytes,
            "p50_microseconds": micros(*p50),
            "p99_microseconds": micros(*p99),
            "reused_p50_microseconds": reused_p50.map(micros),
        })
    });
    show::json(&json!(cases.collect::<Vec<_>>()))
}
