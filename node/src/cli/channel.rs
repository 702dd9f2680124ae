//! `tillmesh channel`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Target;
use super::show::{self, Table, text};

/// Show channels
#[derive(Debug, Args)]
pub(super) struct Channel {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the channels of a node's settings
    List,
}

impl Channel {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Action::List = self.action;
        let channels = self.target.client().list("/v1/channels", &[])?;
        if self.target.json {
            show::json(&json!(channels))?;
        } else {
            let mut table = Table::new(&["channel", "plugin", "signature", "location", ">waiting", "trouble"]);
            for channel in &channels {
                let [name, plugin, signature, location] =
                    ["name", "plugin", "signature", "location"].map(|name| text(&channel[name]));
                let [waiting, trouble] = ["waiting", "trouble"].map(|name| text(&channel["delivery"][name]));
                table.row([name, plugin, signature, location, waiting, trouble]);
            }
            table.print();
        }
        Ok(ExitCode::SUCCESS)
    }
}
