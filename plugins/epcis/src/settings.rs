//! What the operator says about the channel, besides places and units.

use tillmesh_plugin::{Context, Failure, failure};

/// The currency of sales where the settings name none: they have no prices, and a sale must have one.
const CURRENCY: &str = "EUR";

/// What a shipment from here means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shipping {
    /// Its goods are taken off.
    Adjust,
    /// The order that it names has left.
    Fulfil,
    /// Nothing.
    Ignore,
}

/// The settings, read once a call.
#[derive(Debug)]
pub(crate) struct Settings {
    pub shipping: Shipping,
    pub currency: String,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// `rejected`, with the setting, its value and the rule.
    pub fn of(context: &Context) -> Result<Self, Failure> {
        let shipping = match context.setting("shipping").unwrap_or("adjust") {
            "adjust" => Shipping::Adjust,
            "fulfil" => Shipping::Fulfil,
            "ignore" => Shipping::Ignore,
            other => return Err(failure::rejected("shipping", other, "it must be adjust, fulfil or ignore")),
        };
        let currency = context.setting("currency").unwrap_or(CURRENCY);
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(failure::rejected("currency", currency, "it must be an ISO 4217 code, such as EUR"));
        }
        Ok(Self { shipping, currency: currency.to_owned() })
    }
}
