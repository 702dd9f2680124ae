//! What the channel's settings say about scans.

use tillmesh_plugin::{Context, Failure, failure};

use crate::gs1::Options;
use crate::purpose::Purpose;

/// The base unit of what is weighed, if nobody says.
const GRAM: &str = "g";
/// The most base units of one packing: more than a pallet holds.
const MAX_UNITS: u64 = 1_000_000;

/// The settings, read once a call.
#[derive(Debug)]
pub(crate) struct Settings<'c> {
    /// What scans are for where neither the message nor its topic says so.
    pub purpose: Option<Purpose>,
    /// How data is read.
    pub options: Options<'static>,
    /// Whether identifiers must stand beside those that they need.
    pub checks_needs: bool,
    /// Whether what has expired is not received.
    pub refuses_expired: bool,
    /// The base unit of what is weighed.
    pub weighed_unit: &'c str,
    context: &'c Context,
}

impl<'c> Settings<'c> {
    /// Reads the settings.
    ///
    /// # Errors
    /// `rejected`, with the setting, its value and the rule.
    pub fn of(context: &'c Context) -> Result<Self, Failure> {
        let purpose = context.setting("purpose").map(|word| Purpose::named("purpose", word)).transpose()?;
        let is_older = flag(context, "older-links", ["no", "yes"])?;
        let unknown_ais = flag(context, "unknown-identifiers", ["refuse", "pass-over"])?;
        Ok(Self {
            purpose,
            options: Options {
                unknown_ais,
                unknown_attributes: unknown_ais,
                short_gtins: is_older,
                words: is_older,
                ..Options::default()
            },
            checks_needs: flag(context, "needed-identifiers", ["ignore", "check"])?,
            refuses_expired: flag(context, "expired", ["take", "refuse"])?,
            weighed_unit: context.setting("weighed-unit").unwrap_or(GRAM),
            context,
        })
    }

    /// How many base units a GTIN of 14 digits is: 1, if nobody says.
    ///
    /// # Errors
    /// `rejected` where the setting is no number that it may be.
    pub fn units_of(&self, gtin: &str) -> Result<u64, Failure> {
        let key = format!("units.{gtin}");
        let Some(text) = self.context.setting(&key) else { return Ok(1) };
        let number = text.parse().ok().filter(|number| (1..=MAX_UNITS).contains(number));
        number.ok_or_else(|| failure::rejected(key, text, format!("it must be a whole number from 1 to {MAX_UNITS}")))
    }

    /// What numbers for use within a store mean that begin so.
    pub fn in_store(&self, prefix: &str) -> Option<&'c str> {
        self.context.setting(&format!("in-store.{prefix}"))
    }
}

/// A setting with two words, the first being the usual one.
fn flag(context: &Context, key: &str, words: [&str; 2]) -> Result<bool, Failure> {
    match context.setting(key).unwrap_or(words[0]) {
        word if word == words[0] => Ok(false),
        word if word == words[1] => Ok(true),
        word => Err(failure::rejected(key, word, format!("it must be {} or {}", words[0], words[1]))),
    }
}
