//! `tillmesh plugin test`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use similar::TextDiff;
use tillmesh_core::id::Name;

use super::Chosen;
use super::case::{Case, Outcome};
use crate::cli::show;
use crate::plugin::{LogLine, Plugin};

/// The folder of a plugin's cases, beside its plugin.toml.
const CASES: &str = "cases";

/// Play a plugin's cases: what goes in, and what is to come out
///
/// Each file cases/NAME.toml beside plugin.toml is a case, and cases/NAME.expected.json what the plugin is to make of
/// it. A case names the file with what the plugin is given, `message`, `events` or `cart`, and what surrounds it:
/// `topic`, `content-type`, `received-at`, `channel`, `location`, `config`, `state`, `products` and `stock`. With
/// `piece-bytes` a message comes piece by piece; with `reports` what is logged and counted is expected, too. Each is
/// played twice, in fresh instances, and must come to the same; with `reuse` in plugin.toml also in instances that
/// served other cases. The exit code tells whether all came out as expected.
#[derive(Debug, Args)]
pub(super) struct Test {
    #[command(flatten)]
    chosen: Chosen,
    /// Take what comes out now as what is expected, after you have read it
    #[arg(long)]
    accept: bool,
}

/// How a case went.
enum Verdict {
    Same,
    Accepted,
    /// Nothing is expected yet, or something else: what changes, line by line.
    Differs(String),
    /// Two calls with the same input came to different outcomes.
    Random,
    /// An instance that had served other cases came to another outcome.
    Keeps,
}

struct Played {
    name: String,
    verdict: Verdict,
    outcome: Outcome,
}

impl Test {
    pub(super) fn run(self) -> Result<ExitCode> {
        let cases = cases_of(&self.chosen.folder)?;
        let found = self.chosen.find()?;
        let plugin = found.install()?;
        let reused = found.manifest.reuse.then(|| plugin.with_reuse(true));
        let name = &found.manifest.name;
        let played: Result<Vec<_>> = cases.iter().map(|case| self.play(case, name, &plugin, reused.as_ref())).collect();
        let played = played?;
        if self.chosen.json {
            print_json(&played)?
        } else {
            print(&played)
        }
        Ok(if played.iter().all(Played::is_well) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn play(&self, path: &Path, plugin_name: &Name, plugin: &Plugin, reused: Option<&Plugin>) -> Result<Played> {
        let case = Case::read(path, plugin_name)?;
        let (outcome, again) = (case.play(plugin), case.play(plugin));
        let name = name_of(path);
        let verdict = if outcome != again {
            Verdict::Random
        } else if reused.is_some_and(|reused| !is_same_again(&case, reused, &outcome)) {
            Verdict::Keeps
        } else {
            self.hold_against(&path.with_extension("expected.json"), &outcome.answer)?
        };
        Ok(Played { name, verdict, outcome })
    }

    fn hold_against(&self, path: &Path, answer: &Value) -> Result<Verdict> {
        let expected = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let now = format!("{answer:#}\n");
        // People may write it with other spaces, or members in another order.
        if serde_json::from_str::<Value>(&expected).is_ok_and(|expected| expected == *answer) {
            return Ok(Verdict::Same);
        }
        if self.accept {
            fs::write(path, now).with_context(|| format!("cannot write {}", path.display()))?;
            return Ok(Verdict::Accepted);
        }
        let diff = TextDiff::from_lines(&expected, &now);
        Ok(Verdict::Differs(diff.unified_diff().header("expected", "now").to_string()))
    }
}

/// Whether instances that served other cases, and this one, come to the same.
fn is_same_again(case: &Case, reused: &Plugin, outcome: &Outcome) -> bool {
    (0..2).all(|_| case.play(reused).answer == outcome.answer) && reused.is_reused()
}

/// What a case is called.
pub(super) fn name_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The cases of a plugin's folder, by name.
pub(super) fn cases_of(plugin: &Path) -> Result<Vec<PathBuf>> {
    let folder = plugin.join(CASES);
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}: a case is a file cases/NAME.toml there", folder.display()))?;
    let paths: std::io::Result<Vec<_>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.with_context(|| format!("cannot read {}", folder.display()))?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    if paths.is_empty() {
        bail!("there is no case in {}: a case is a file NAME.toml", folder.display());
    }
    Ok(paths)
}

impl Played {
    const fn is_well(&self) -> bool {
        matches!(self.verdict, Verdict::Same | Verdict::Accepted)
    }

    const fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Same => "ok",
            Verdict::Accepted => "accepted",
            Verdict::Differs(_) => "differs",
            Verdict::Random => "random",
            Verdict::Keeps => "keeps",
        }
    }
}

fn print(played: &[Played]) {
    for Played { name, verdict, outcome } in played {
        let fuel = outcome.report.fuel;
        match verdict {
            Verdict::Same => println!("ok        {name}  ({fuel} fuel)"),
            Verdict::Accepted => println!("accepted  {name}  ({fuel} fuel)"),
            Verdict::Differs(diff) => {
                println!("DIFFERS   {name}  ({fuel} fuel)\n{diff}");
                outcome.report.log.iter().for_each(|LogLine { level, message }| println!("{level:?}: {message}"));
            }
            Verdict::Keeps => println!(
                "KEEPS     {name}: an instance that had served other cases came to another outcome; take `reuse` out \
                 of plugin.toml"
            ),
            Verdict::Random => println!("RANDOM    {name}: two calls with the same input came to different outcomes"),
        }
    }
    let well = played.iter().filter(|played| played.is_well()).count();
    println!("{well} of {} cases came out as expected", played.len());
    if played.iter().any(|played| matches!(played.verdict, Verdict::Differs(_))) {
        println!("If what comes out now is right, take it as what is expected: --accept");
    }
}

fn print_json(played: &[Played]) -> Result<()> {
    let cases = played.iter().map(|played| {
        let Outcome { answer, report } = &played.outcome;
        let log: Vec<_> = report.log.iter().map(|line| line.message.as_str()).collect();
        json!({ "case": played.name, "verdict": played.word(), "answer": answer, "fuel": report.fuel, "log": log })
    });
    show::json(&json!(cases.collect::<Vec<_>>()))
}
