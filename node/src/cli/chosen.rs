//! Which node's settings: what is asked by every command that reads them.

use std::path::PathBuf;

use clap::Args;

use crate::config::{ConfigError, Overrides, Settings};

#[derive(Debug, Args)]
pub(super) struct Chosen {
    /// Settings (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the node's store; each node needs its own [default: tillmesh-data/<node>]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Name of the node, unique in its fleet
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Fleet; nodes of other fleets are not heard [default: demo]
    #[arg(long, value_name = "NAME")]
    fleet: Option<String>,
}

impl Chosen {
    /// The settings, with what other options say.
    pub(super) fn load(&self, others: Overrides) -> Result<Settings, ConfigError> {
        let (data, node, fleet) = (self.data.clone(), self.node.clone(), self.fleet.clone());
        Settings::load(self.config.as_deref(), &Overrides { data, node, fleet, ..others })
    }
}
