//! Sending a file of records, with a progress bar, and telling what became of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::Target;
use super::show;

/// How many refusals are told one by one.
const TOLD: u64 = 20;

/// What became of the lines.
#[derive(Debug, Default)]
struct Counts {
    taken: u64,
    repeated: u64,
    refused: u64,
}

/// Imports a file; `-` is standard input. The exit code tells whether every line was taken.
pub(super) fn import(target: &Target, path: &str, file: &Path, what: &str) -> Result<ExitCode> {
    let (input, length) = open(file)?;
    let bar = show::byte_bar(length)?;
    let mut counts = Counts::default();
    let result = target.client().import(path, bar.wrap_read(input), |answer| counts.note(answer, &bar));
    bar.finish_and_clear();
    result?;
    let Counts { taken, repeated, refused } = counts;
    if target.json {
        show::json(&json!({ "taken": taken, "repeated": repeated, "refused": refused }))?;
    } else {
        println!("{taken} {what} taken, of which {repeated} had been taken before; {refused} refused");
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn open(file: &Path) -> Result<(Box<dyn Read>, Option<u64>)> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let length = opened.metadata().ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len());
    Ok((Box::new(opened), length))
}

impl Counts {
    fn note(&mut self, answer: &Value, bar: &ProgressBar) {
        if answer["type"].is_null() {
            self.taken += 1;
            self.repeated += u64::from(answer["repeated"] == true);
            return;
        }
        self.refused += 1;
        match self.refused {
            number if number <= TOLD => bar.suspend(|| {
                eprintln!("line {}: {}", show::text(&answer["line"]), show::text(&answer["detail"]));
            }),
            number if number == TOLD + 1 => bar.suspend(|| eprintln!("more lines are refused; they are only counted")),
            _ => {}
        }
    }
}
