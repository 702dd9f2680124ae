//! Settings of taxes.

use serde::Deserialize;
use tillmesh_core::id::Name;
use tillmesh_core::tax::{Rate, Taxes, read_percent};
use tillmesh_core::time::BusinessDate;

use super::ConfigError;
use super::promises::number;
use super::source::Source;

/// The largest coin to which cash is rounded, in minor units: more than any in use.
const MAX_COIN: u32 = 10_000;
/// The most rates: each line of a sale looks at them in turn.
const MAX_RATES: usize = 1_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TaxSection {
    inclusive: Option<bool>,
    cash_rounding: Option<u32>,
    rates: Vec<RateSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateSection {
    class: Name,
    rate: String,
    from: BusinessDate,
}

impl TaxSection {
    /// Checks what was set.
    ///
    /// # Errors
    /// When a rate is none, or one is given twice.
    pub(super) fn check(self, source: &Source<'_>, defaults: Self) -> Result<Taxes, ConfigError> {
        let coin = number("tax.cash_rounding", source, self.cash_rounding.or(defaults.cash_rounding))?;
        let coin = coin.unwrap_or_default();
        if coin > MAX_COIN {
            return Err(ConfigError::invalid("tax.cash_rounding", coin, format!("it must be at most {MAX_COIN}")));
        }
        let inclusive = source.permission("tax.inclusive", self.inclusive.or(defaults.inclusive))?;
        Ok(Taxes { inclusive, rates: rates(self.rates)?, smallest_coin: (coin > 0).then_some(coin) })
    }
}

fn rates(sections: Vec<RateSection>) -> Result<Vec<Rate>, ConfigError> {
    if sections.len() > MAX_RATES {
        return Err(ConfigError::invalid("tax.rates", sections.len(), format!("at most {MAX_RATES} are allowed")));
    }
    let mut rates: Vec<Rate> = Vec::with_capacity(sections.len());
    for (place, section) in sections.into_iter().enumerate() {
        let RateSection { class, rate: text, from } = section;
        let at = |name: &str| format!("tax.rates[{place}].{name}");
        if rates.iter().any(|rate| rate.class == class && rate.from == from) {
            return Err(ConfigError::invalid(&at("from"), from, format!("the class {class} has a rate from that day")));
        }
        let rate = read_percent(&text).map_err(|rule| ConfigError::invalid(&at("rate"), &text, rule))?;
        rates.push(Rate { class, rate, from });
    }
    Ok(rates)
}
