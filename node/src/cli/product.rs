//! `tillmesh product`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Target, import};

/// Put products into the catalogue
#[derive(Debug, Args)]
pub(super) struct Product {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Import products: a JSON document a line, each with its sku
    Import {
        /// The file; - is standard input
        file: PathBuf,
    },
}

impl Product {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Action::Import { file } = self.action;
        import::import(&self.target, "/v1/products:import", &file, "products")
    }
}
