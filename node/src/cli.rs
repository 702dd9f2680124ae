//! The command line: `tillmesh run` is a node; what works on the store of a node that does not run says so; everything
//! else talks to a running node over HTTP.

#[macro_use]
mod output;

mod backup;
mod cart;
mod channel;
mod chosen;
mod client;
mod day;
mod demo;
mod fleet;
mod import;
mod init;
mod letter;
mod order;
mod past;
mod plugin;
mod product;
mod run;
mod sales;
mod show;
mod status;
mod stock;
mod verify;
mod voucher;
mod work;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

use client::Target;

/// Keeps every till selling, and every channel telling the same truth, with or without the internet.
#[derive(Debug, Parser)]
#[command(name = "tillmesh", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Run>),
    Demo(demo::Demo),
    Init(init::Init),
    Status(status::Status),
    Stock(stock::Stock),
    Cart(cart::Cart),
    Order(order::Order),
    Product(product::Product),
    Sales(sales::Sales),
    Day(day::Day),
    Voucher(voucher::Voucher),
    Channel(channel::Channel),
    Letter(letter::Letter),
    Plugin(plugin::Plugin),
    Fleet(fleet::Fleet),
    Work(work::Work),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Verify(verify::Verify),
}

/// Runs what the arguments of the process say.
pub fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            if let Some(hint) = client::hint(&error).or_else(|| backup::hint(&error)).or_else(|| verify::hint(&error)) {
                eprintln!("hint:  {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The help of a command, by its words, such as `["stock", "count"]`; none for a command that there is not.
pub fn help(words: &[&str]) -> Option<String> {
    let mut command = Cli::command();
    for word in words {
        command = command.find_subcommand(word)?.clone();
    }
    Some(command.render_long_help().to_string())
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Run(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Stock(command) => command.run(),
        Command::Cart(command) => command.run(),
        Command::Order(command) => command.run(),
        Command::Product(command) => command.run(),
        Command::Sales(command) => command.run(),
        Command::Day(command) => command.run(),
        Command::Voucher(command) => command.run(),
        Command::Channel(command) => command.run(),
        Command::Letter(command) => command.run(),
        Command::Plugin(command) => command.run(),
        Command::Fleet(command) => command.run(),
        Command::Work(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Verify(command) => command.run(),
    }
}

#[cfg(test)]
mod tests;
