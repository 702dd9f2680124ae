//! Square's amounts: whole minor units with a currency.

use tillmesh_plugin::json::Field;
use tillmesh_plugin::{Failure, Money};

use crate::wire;

/// An amount in the order's currency; nothing where there is none.
pub(crate) fn of(name: &str, money: Option<&wire::Money<'_>>, currency: &str) -> Result<Option<Money>, Failure> {
    let Some(money) = money else { return Ok(None) };
    let amount_name = format!("{name}.amount");
    let currency_name = format!("{name}.currency");
    let found = Field::new(&currency_name, money.currency);
    if found.require(found.text()?)? != currency {
        return Err(found.malformed(format!("it must be {currency}, as the order's total is")));
    }
    let amount = Field::new(&amount_name, money.amount).integer()?;
    Ok(amount.map(|amount| Money { amount, currency: currency.to_owned() }))
}

/// A currency.
pub(crate) fn currency(name: &str, money: Option<&wire::Money<'_>>) -> Result<String, Failure> {
    let name = format!("{name}.currency");
    let field = Field::new(&name, money.and_then(|money| money.currency));
    let code = field.require(field.text()?)?;
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code);
    }
    Err(field.malformed("it must be a currency of ISO 4217, three capital letters"))
}
