//! Where a setting comes from: a flag, else its environment variable, else the operator's file, else the default.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::ConfigError;

/// What every variable of a setting begins with.
const PREFIX: &str = "TILLMESH_";

/// The environment, and the folder to which files named in the settings are relative.
pub(super) struct Source<'a> {
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    pub base: &'a Path,
}

impl Source<'_> {
    /// The variable of a setting, if it is set. It is looked up even where a flag wins, so that whoever gives the
    /// environment knows which variables mean something.
    pub fn variable(&self, key: &str) -> Option<String> {
        (self.environment)(&variable_name(key))
    }

    /// A setting that is text.
    pub fn text(&self, key: &str, flag: Option<&String>, file: Option<String>) -> Option<String> {
        let variable = self.variable(key);
        flag.cloned().or(variable).or(file)
    }

    /// A setting that is text and has a default.
    pub fn parsed<T: FromStr<Err: Display>>(
        &self,
        key: &str,
        flag: Option<&String>,
        file: Option<String>,
        default: Option<String>,
    ) -> Result<T, ConfigError> {
        let text = self.text(key, flag, file).or(default).unwrap_or_default();
        parsed(key, &text)
    }

    /// A setting that is one word.
    pub fn word<T: DeserializeOwned>(&self, key: &str, file: Option<T>) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.variable(key) else { return Ok(file) };
        let read: Result<T, serde::de::value::Error> = T::deserialize(text.as_str().into_deserializer());
        read.map(Some).map_err(|error| ConfigError::invalid(key, &text, error))
    }

    /// A setting that is `true` or `false`, and nothing else; left out, it is not allowed.
    pub fn permission(&self, key: &str, file: Option<bool>) -> Result<bool, ConfigError> {
        match self.variable(key) {
            Some(text) => text.parse().map_err(|_| ConfigError::invalid(key, text, "it must be true or false")),
            None => Ok(file.unwrap_or_default()),
        }
    }

    /// A setting that is a list: its variable is separated by commas.
    pub fn list(&self, key: &str, file: Option<Vec<String>>) -> Result<Option<Vec<String>>, ConfigError> {
        let Some(text) = self.variable(key) else { return Ok(file) };
        let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
        match entries.iter().filter(|entry| entry.is_empty()).count() {
            0 => Ok(Some(entries)),
            // An empty variable is an empty list.
            1 if entries.len() == 1 => Ok(Some(Vec::new())),
            _ => Err(ConfigError::invalid(key, text, "an entry between its commas is empty")),
        }
    }

    /// A setting that names a file; one that the settings' file names is relative to it.
    pub fn file(&self, key: &str, file: Option<&PathBuf>) -> Option<PathBuf> {
        let named = self.variable(key).filter(|path| !path.is_empty()).map(PathBuf::from);
        named.or_else(|| file.map(|path| self.base.join(path)))
    }
}

/// Variables of options of the command line, which are no settings.
const OPTIONS: [&str; 3] = ["TILLMESH_FLEET_KEY", "TILLMESH_LOG", "TILLMESH_URL"];

/// Variables that look like settings and are none.
pub(super) fn unknown_variables(names: impl Iterator<Item = String>, asked: &BTreeSet<String>) -> Vec<String> {
    let is_known = |name: &str| OPTIONS.contains(&name) || asked.contains(name);
    names.filter(|name| name.starts_with(PREFIX) && !is_known(name)).collect()
}

/// The environment variable of a setting: `http.listen` is `TILLMESH_HTTP_LISTEN`.
pub(super) fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

pub(super) fn parsed<T: FromStr<Err: Display>>(key: &str, text: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|error: T::Err| ConfigError::invalid(key, text, error))
}

pub(super) fn address(key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| ConfigError::invalid(key, text, "it must be IP:PORT, such as 127.0.0.1:7210"))
}
