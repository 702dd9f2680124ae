//! `tillmesh verify`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::chosen::Chosen;
use super::show;
use crate::config::{Overrides, Settings};
use crate::runtime::verify::{Report, VerifyError, verify};
use crate::store::OpenError;

/// Check the store of a node that does not run
///
/// Every signature and every change of its log, its objects, and its projections against the log folded anew. Nothing
/// is changed. The exit code tells whether all is well.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    chosen: Chosen,
    /// Show the result as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode> {
        let settings = self.chosen.load(Overrides::default())?;
        let bar = show::bar(0, "{bar:40} {percent} %  {eta}")?;
        let shown = bar.clone();
        let checked = verify(
            &settings,
            &(Arc::new(move |done, of| {
                shown.set_length(of);
                shown.set_position(done);
            }) as _),
        );
        bar.finish_and_clear();
        let report = checked?;
        if self.json {
            print_json(&report)?
        } else {
            print(&report, &settings)
        }
        Ok(if report.faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What a person can do when a store cannot be checked.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    let text = match error.downcast_ref()? {
        VerifyError::Missing { .. } => "Name the node with --node, or the folder of its store with --data.",
        VerifyError::Store(OpenError::InUse { .. }) => "Stop the node first.",
        VerifyError::Store(OpenError::Damaged { .. } | OpenError::Log { .. }) => {
            "Restore a backup, or start the node on an empty folder: its peers bring what they heard of it."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn print_json(report: &Report) -> Result<()> {
    let Report { commits, envelopes, changes, objects, rows, faults, told } = report;
    show::json(&json!({
        "commits": commits,
        "envelopes": envelopes,
        "changes": changes,
        "objects": objects,
        "rows": rows,
        "faults": faults,
        "first_faults": told,
    }))
}

fn print(report: &Report, settings: &Settings) {
    let Report { commits, envelopes, changes, objects, rows, faults, told } = report;
    println!("{commits} commits, {envelopes} envelopes, {changes} changes, {objects} objects, {rows} rows");
    if *faults == 0 {
        return println!("All is well: signatures hold, and the projections are what the log says.");
    }
    for fault in told {
        println!("fault: {fault}");
    }
    let more = faults - told.len() as u64;
    if more > 0 {
        println!("and {more} more");
    }
    println!("Signatures are made for a fleet; these were checked for {}.", settings.fleet);
    println!("Restore a backup, or start the node on an empty folder: its peers bring what they heard of it.");
}
