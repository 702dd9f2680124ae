//! Settings of promises.

use std::time::Duration;

use serde::Deserialize;
use tillmesh_core::event::{MAX_QUANTITY, PromisePolicy};
use tillmesh_core::id::{Name, Sku};
use tillmesh_core::policy::{Policies, Rule, Terms};

use super::ConfigError;
use super::source::Source;

/// The longest that a promise may wait for peers: a client waits with it.
const MAX_PATIENCE_MILLIS: u64 = 10_000;
/// The most rules: each promise of a SKU looks at them in turn.
const MAX_RULES: usize = 1_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PromisesSection {
    policy: Option<PromisePolicy>,
    buffer: Option<i64>,
    floor: Option<i64>,
    patience_milliseconds: Option<u64>,
    rebalance: Option<bool>,
    rules: Vec<RuleSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSection {
    sku: Option<Sku>,
    category: Option<String>,
    channel: Option<Name>,
    policy: Option<PromisePolicy>,
    buffer: Option<i64>,
    floor: Option<i64>,
    allocation: Option<i64>,
}

impl PromisesSection {
    /// Checks what was set.
    ///
    /// # Errors
    /// When a number is out of range or a rule says nothing of whom it is for.
    pub(super) fn check(self, source: &Source<'_>, defaults: Self) -> Result<(Policies, Duration), ConfigError> {
        let otherwise = Terms {
            policy: source.word("promises.policy", self.policy.or(defaults.policy))?.unwrap_or(PromisePolicy::Strict),
            buffer: units("promises.buffer", source, self.buffer.or(defaults.buffer))?,
            floor: units("promises.floor", source, self.floor.or(defaults.floor))?,
            allocation: 0,
        };
        let patience = self.patience_milliseconds.or(defaults.patience_milliseconds);
        let patience = number("promises.patience_milliseconds", source, patience)?.unwrap_or_default();
        if patience > MAX_PATIENCE_MILLIS {
            let rule = format!("it must be at most {MAX_PATIENCE_MILLIS}");
            return Err(ConfigError::invalid("promises.patience_milliseconds", patience, rule));
        }
        if self.rules.len() > MAX_RULES {
            let rule = format!("at most {MAX_RULES} are allowed");
            return Err(ConfigError::invalid("promises.rules", self.rules.len(), rule));
        }
        let rebalance = source.permission("promises.rebalance", self.rebalance.or(defaults.rebalance))?;
        let rules = self.rules.into_iter().enumerate().map(|(place, rule)| rule.check(place, otherwise));
        let rules = rules.collect::<Result<_, _>>()?;
        Ok((Policies { rules, otherwise, rebalance }, Duration::from_millis(patience)))
    }
}

impl RuleSection {
    /// What a rule leaves out is as everywhere.
    fn check(self, place: usize, otherwise: Terms) -> Result<Rule, ConfigError> {
        let at = |name: &str| format!("promises.rules[{place}].{name}");
        if self.sku.is_none() && self.category.is_none() && self.channel.is_none() {
            let rule = "a rule names a sku, a category or a channel";
            return Err(ConfigError::invalid(&format!("promises.rules[{place}]"), "", rule));
        }
        if let (None, Some(units)) = (&self.channel, self.allocation) {
            return Err(ConfigError::invalid(&at("allocation"), units, "units are allocated to a channel: name it"));
        }
        let terms = Terms {
            policy: self.policy.unwrap_or(otherwise.policy),
            buffer: in_range(&at("buffer"), self.buffer.unwrap_or(otherwise.buffer))?,
            floor: in_range(&at("floor"), self.floor.unwrap_or(otherwise.floor))?,
            allocation: in_range(&at("allocation"), self.allocation.unwrap_or_default())?,
        };
        Ok(Rule { sku: self.sku, category: self.category, channel: self.channel, terms })
    }
}

fn units(key: &str, source: &Source<'_>, file: Option<i64>) -> Result<i64, ConfigError> {
    in_range(key, number(key, source, file)?.unwrap_or_default())
}

fn in_range(key: &str, units: i64) -> Result<i64, ConfigError> {
    if (0..=MAX_QUANTITY).contains(&units) {
        return Ok(units);
    }
    Err(ConfigError::invalid(key, units, format!("it must lie between 0 and {MAX_QUANTITY}")))
}

pub(super) fn number<T: std::str::FromStr>(
    key: &str,
    source: &Source<'_>,
    file: Option<T>,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = source.variable(key) else { return Ok(file) };
    text.parse().map(Some).map_err(|_| ConfigError::invalid(key, text, "it must be an integer"))
}
