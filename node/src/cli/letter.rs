//! `tillmesh letter`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Target;
use super::client::encode;
use super::show::{self, Table, text};

/// Read, mend and replay dead letters
///
/// A dead letter is a message of a channel, or for one, of which nothing could be made. `tillmesh letter` lists them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Letter {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only those of this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show a dead letter, or write its body to the terminal or a file
    Show {
        /// The dead letter
        letter: String,
        /// Write its body, to the byte
        #[arg(long)]
        body: bool,
    },
    /// Try a dead letter again, as it is or with a mended body
    Replay {
        /// The dead letter
        letter: String,
        /// The mended body
        #[arg(long, value_name = "FILE")]
        body: Option<PathBuf>,
    },
    /// Throw a dead letter away
    Discard {
        /// The dead letter
        letter: String,
    },
}

impl Letter {
    pub(super) fn run(self) -> Result<ExitCode> {
        let (client, as_json) = (self.target.client(), self.target.json);
        match self.action {
            None => list(&self.target, self.channel.as_deref())?,
            Some(Action::Show { letter, body: true }) => {
                let body = client.get_bytes(&format!("{}/body", path(&letter)))?;
                std::io::stdout().write_all(&body)?;
            }
            Some(Action::Show { letter, body: false }) => {
                let letter = client.get(&path(&letter))?;
                if as_json { show::json(&letter)? } else { print_letter(&letter) }
            }
            Some(Action::Replay { letter, body }) => {
                let read =
                    |path: PathBuf| std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()));
                let body = body.map(read).transpose()?.unwrap_or_default();
                let answer = client.post_bytes(&format!("{}:replay", path(&letter)), &body)?;
                if as_json { show::json(&answer)? } else { print_replayed(&answer) }
            }
            Some(Action::Discard { letter }) => {
                let answer = client.post_bytes(&format!("{}:discard", path(&letter)), &[])?;
                if as_json { show::json(&answer)? } else { println!("discarded {letter}") }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn path(letter: &str) -> String {
    format!("/v1/dead-letters/{}", encode(letter))
}

fn list(target: &Target, channel: Option<&str>) -> Result<()> {
    let letters = target.client().list("/v1/dead-letters", &[("channel", channel)])?;
    if target.json {
        return show::json(&json!(letters));
    }
    if letters.is_empty() {
        println!("there are no dead letters");
        return Ok(());
    }
    let mut table = Table::new(&["letter", "channel", "stage", "topic", ">tried", "reason"]);
    for letter in &letters {
        table.row(["id", "channel", "stage", "topic", "attempts", "reason"].map(|name| text(&letter[name])));
    }
    table.print();
    Ok(())
}

fn print_letter(letter: &Value) {
    println!("{}", text(&letter["reason"]));
    for name in ["channel", "stage", "message", "topic", "content_type", "bytes", "cause", "attempts", "first_at"] {
        println!("  {name}: {}", text(&letter[name]));
    }
    let id = text(&letter["id"]);
    println!("read it with:   tillmesh letter show {id} --body > message");
    if letter["piece_offset"].is_null() {
        println!("try again with: tillmesh letter replay {id} [--body message]");
    }
}

fn print_replayed(answer: &Value) {
    for event in answer["events"].as_array().into_iter().flatten() {
        println!("{} {} at {}", text(&event["kind"]), text(&event["id"]), text(&event["location"]));
    }
    match answer["messages"].as_u64() {
        Some(messages) if messages > 0 => println!("{messages} messages wait to be sent"),
        _ => println!("taken"),
    }
}
