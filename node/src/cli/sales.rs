//! `tillmesh sales`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Target, import};

/// Record sales
#[derive(Debug, Args)]
pub(super) struct Sales {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Import sales: a JSON document a line, each with its idempotency_key
    ///
    /// A line with "kind": "return", "adjustment" or "receipt" is one of these. A file that broke off is imported again
    /// as a whole: what was recorded is recorded once.
    Import {
        /// The file; - is standard input
        file: PathBuf,
    },
}

impl Sales {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Action::Import { file } = self.action;
        import::import(&self.target, "/v1/sales:import", &file, "records")
    }
}
