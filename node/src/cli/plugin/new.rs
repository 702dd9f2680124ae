//! `tillmesh plugin new`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

/// Begin a plugin: a folder with one that works, its cases, and the contract
///
/// It has what the plugin is built with, too: then `tillmesh plugin build` and `tillmesh plugin test` in it.
#[derive(Debug, Args)]
pub(super) struct New {
    /// Its name: small letters, digits and dashes, beginning with a letter
    name: String,
    /// The language to write it in
    #[arg(long)]
    lang: Language,
    /// The folder to make [default: the name]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    Rust,
    Javascript,
    Typescript,
    C,
    Python,
    Go,
}

/// A file of a new plugin's folder, and its text with places to be filled in.
type File = (&'static str, &'static str);

/// The contract, as this node has it.
const CONTRACT: [File; 10] = [
    ("wit/acknowledgement.wit", include_str!("../../../../wit/acknowledgement.wit")),
    ("wit/inbound.wit", include_str!("../../../../wit/inbound.wit")),
    ("wit/log.wit", include_str!("../../../../wit/log.wit")),
    ("wit/lookup.wit", include_str!("../../../../wit/lookup.wit")),
    ("wit/metrics.wit", include_str!("../../../../wit/metrics.wit")),
    ("wit/outbound.wit", include_str!("../../../../wit/outbound.wit")),
    ("wit/pricing.wit", include_str!("../../../../wit/pricing.wit")),
    ("wit/state.wit", include_str!("../../../../wit/state.wit")),
    ("wit/types.wit", include_str!("../../../../wit/types.wit")),
    ("wit/worlds.wit", include_str!("../../../../wit/worlds.wit")),
];

/// The same in every language: what goes in and what is to come out.
const CASES: [File; 6] = [
    ("fixtures/stock.txt", include_str!("templates/common/stock.txt")),
    ("fixtures/wrong.txt", include_str!("templates/common/wrong.txt")),
    ("cases/stock.toml", include_str!("templates/common/stock.toml")),
    ("cases/stock.expected.json", include_str!("templates/common/stock.expected.json")),
    ("cases/wrong.toml", include_str!("templates/common/wrong.toml")),
    ("cases/wrong.expected.json", include_str!("templates/common/wrong.expected.json")),
];

const RUST: [File; 5] = [
    ("plugin.toml", include_str!("templates/rust/plugin.toml")),
    ("Cargo.toml", include_str!("templates/rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("templates/rust/lib.rs.txt")),
    ("README.md", include_str!("templates/rust/README.md")),
    (".gitignore", include_str!("templates/rust/gitignore")),
];

const JAVASCRIPT: [File; 5] = [
    ("plugin.toml", include_str!("templates/javascript/plugin.toml")),
    ("package.json", include_str!("templates/javascript/package.json")),
    ("plugin.js", include_str!("templates/javascript/plugin.js")),
    ("README.md", include_str!("templates/javascript/README.md")),
    (".gitignore", include_str!("templates/javascript/gitignore")),
];

const TYPESCRIPT: [File; 5] = [
    ("plugin.toml", include_str!("templates/javascript/plugin.toml")),
    ("package.json", include_str!("templates/typescript/package.json")),
    ("plugin.ts", include_str!("templates/typescript/plugin.ts")),
    ("README.md", include_str!("templates/javascript/README.md")),
    (".gitignore", include_str!("templates/typescript/gitignore")),
];

const C: [File; 5] = [
    ("plugin.toml", include_str!("templates/c/plugin.toml")),
    ("build.sh", include_str!("templates/c/build.sh")),
    ("plugin.c", include_str!("templates/c/plugin.c.txt")),
    ("README.md", include_str!("templates/c/README.md")),
    (".gitignore", include_str!("templates/c/gitignore")),
];

const PYTHON: [File; 4] = [
    ("plugin.toml", include_str!("templates/python/plugin.toml")),
    ("plugin.py", include_str!("templates/python/plugin.py")),
    ("README.md", include_str!("templates/python/README.md")),
    (".gitignore", include_str!("templates/python/gitignore")),
];

const GO: [File; 5] = [
    ("plugin.toml", include_str!("templates/go/plugin.toml")),
    ("build.sh", include_str!("templates/go/build.sh")),
    ("export_tillmesh_channel_inbound/plugin.go", include_str!("templates/go/plugin.go")),
    ("README.md", include_str!("templates/go/README.md")),
    (".gitignore", include_str!("templates/go/gitignore")),
];

impl New {
    pub(super) fn run(self) -> Result<ExitCode> {
        check_name(&self.name)?;
        let folder = self.folder.unwrap_or_else(|| PathBuf::from(&self.name));
        if folder.exists() {
            bail!("{} is there already: name another folder with --folder", folder.display());
        }
        let (files, source, language) = self.lang.files();
        for (path, text) in files.iter().chain(&CASES).chain(&CONTRACT) {
            write(&folder.join(path), &filled(text, &self.name, source, language))?;
        }
        println!("{} is a plugin of {language}: {source} is its source.", folder.display());
        println!("Next: cd {} && tillmesh plugin build && tillmesh plugin test", folder.display());
        Ok(ExitCode::SUCCESS)
    }
}

impl Language {
    /// The files, the source among them, and what people call it.
    const fn files(self) -> (&'static [File], &'static str, &'static str) {
        match self {
            Self::Rust => (&RUST, "src/lib.rs", "Rust"),
            Self::Javascript => (&JAVASCRIPT, "plugin.js", "JavaScript"),
            Self::Typescript => (&TYPESCRIPT, "plugin.ts", "TypeScript"),
            Self::C => (&C, "plugin.c", "C"),
            Self::Python => (&PYTHON, "plugin.py", "Python"),
            Self::Go => (&GO, "export_tillmesh_channel_inbound/plugin.go", "Go"),
        }
    }
}

/// A name that every language's tools take.
fn check_name(name: &str) -> Result<()> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if !begins || name.len() > 48 || !name.bytes().all(is_part) {
        bail!("the name {name:?} is refused: it must have 1 to 48 of a-z 0-9 and -, beginning with a letter");
    }
    Ok(())
}

fn filled(text: &str, name: &str, source: &str, language: &str) -> String {
    let places = [
        ("{{name}}", name),
        ("{{crate}}", &name.replace('-', "_")),
        ("{{source}}", source),
        ("{{language}}", language),
    ];
    places.into_iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
