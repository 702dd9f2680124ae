//! Amounts as Amazon writes them: an amount as text or number, and a currency.

use serde::Deserialize;
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::{Failure, Money, UnitPrice};

/// An amount. Orders v0 writes its fields with capitals.
#[derive(Debug, Deserialize)]
pub(crate) struct Amount<'a> {
    #[serde(borrow, alias = "Amount")]
    pub amount: Raw<'a>,
    #[serde(borrow, alias = "CurrencyCode")]
    #[serde(rename = "currencyCode")]
    pub currency_code: Raw<'a>,
    /// Of vendors: the unit of weight that the amount is for.
    #[serde(rename = "unitOfMeasure")]
    pub unit_of_measure: Raw<'a>,
}

impl Amount<'_> {
    /// The currency.
    pub(crate) fn currency(&self, name: &str) -> Result<String, Failure> {
        let name = format!("{name}.currencyCode");
        let field = Field::new(&name, self.currency_code);
        let code = field.require(field.text()?)?;
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_code { Ok(code) } else { Err(field.malformed("it must be a currency's code, such as USD")) }
    }

    /// The amount, which must be in a currency.
    pub(crate) fn money(&self, name: &str, currency: &str) -> Result<Option<Money>, Failure> {
        self.check(name, currency)?;
        Field::new(format_args!("{name}.amount"), self.amount).amount(currency)
    }

    /// The amount as the price of a unit.
    pub(crate) fn price(&self, name: &str, currency: &str) -> Result<Option<UnitPrice>, Failure> {
        self.check(name, currency)?;
        Field::new(format_args!("{name}.amount"), self.amount).unit_price(currency)
    }

    /// Whether it is for a unit of weight, and so says nothing of what is counted.
    pub(crate) fn is_by_weight(&self, name: &str) -> Result<bool, Failure> {
        Ok(Field::new(format_args!("{name}.unitOfMeasure"), self.unit_of_measure).text()?.is_some())
    }

    fn check(&self, name: &str, currency: &str) -> Result<(), Failure> {
        if self.currency(name)? == currency {
            return Ok(());
        }
        let name = format!("{name}.currencyCode");
        Err(Field::new(&name, self.currency_code).malformed(format!("it must be the order's, {currency}")))
    }
}

/// An amount that need not be there.
pub(crate) fn of(name: &str, amount: Option<&Amount<'_>>, currency: &str) -> Result<Option<Money>, Failure> {
    amount.map_or(Ok(None), |amount| amount.money(name, currency))
}
