//! Checking and pricing the lines of a sale.

use std::fmt::Display;

use super::Engine;
use crate::catalog::{Product, check_price};
use crate::command::LineRequest;
use crate::event::{LinePrice, MAX_LINES, MAX_QUANTITY, PricedLine};
use crate::id::Sku;
use crate::money::{Currency, Money, UnitPrice};
use crate::refusal::Refusal;
use crate::storage::Storage;

/// The lines of a sale with their amounts, and the one currency of all of them.
pub(super) struct PricedLines {
    pub lines: Vec<PricedLine>,
    pub currency: Option<Currency>,
}

impl<S: Storage> Engine<S> {
    /// Checks lines and works out what each costs: its own amount, else its own price, else the catalogue's.
    pub(super) fn price_lines(&self, requests: &[LineRequest]) -> Result<PricedLines, Refusal> {
        check_count("lines", requests.len())?;
        let mut currency = None;
        let mut lines = Vec::with_capacity(requests.len());
        for (index, request) in requests.iter().enumerate() {
            check_quantity(format_args!("lines[{index}].quantity"), request.quantity, 0)?;
            let unit_price = self.unit_price(index, &request.sku, request.unit_price)?;
            let amount = match (request.amount, unit_price) {
                (Some(amount), _) => Some(checked_amount(format_args!("lines[{index}].amount"), amount)?),
                (None, Some(price)) => Some(self.product_of(index, price, request.quantity)?),
                (None, None) => None,
            };
            for (field, found) in
                [("amount", amount.map(|a| a.currency)), ("unit_price", unit_price.map(|p| p.currency))]
            {
                same_currency(format_args!("lines[{index}].{field}.currency"), found, &mut currency)?;
            }
            lines.push(PricedLine {
                sku: request.sku.clone(),
                quantity: request.quantity,
                amount: amount.map(|amount| amount.amount),
                unit_price: unit_price.map(|price| LinePrice { amount: price.amount, scale: price.scale }),
                burned: None,
            });
        }
        Ok(PricedLines { lines, currency })
    }

    fn unit_price(&self, index: usize, sku: &Sku, asked: Option<UnitPrice>) -> Result<Option<UnitPrice>, Refusal> {
        match asked {
            Some(price) => {
                check_price(&format!("lines[{index}].unit_price"), price)?;
                Ok(Some(price))
            }
            None => Ok(self.look::<Product, _>(sku, |product| product.price).flatten()),
        }
    }

    fn product_of(&self, index: usize, price: UnitPrice, quantity: i64) -> Result<Money, Refusal> {
        price
            .times(quantity, self.config.rounding)
            .map_err(|error| Refusal::invalid(format!("lines[{index}].quantity"), quantity, error.to_string()))
    }
}

/// Checks that a document has lines, and not too many.
pub(super) fn check_count(field: &str, count: usize) -> Result<(), Refusal> {
    if count == 0 {
        return Err(Refusal::invalid(field, "empty", "at least one line is needed"));
    }
    check_most(field, count)
}

/// Checks that a document has not too many entries.
pub(super) fn check_most(field: &str, count: usize) -> Result<(), Refusal> {
    if count > MAX_LINES {
        return Err(Refusal::invalid(field, format!("{count} entries"), format!("at most {MAX_LINES} are allowed")));
    }
    Ok(())
}

/// Checks that a quantity lies between a least value and [`MAX_QUANTITY`].
pub(super) fn check_quantity(field: impl Display, quantity: i64, least: i64) -> Result<(), Refusal> {
    if (least..=MAX_QUANTITY).contains(&quantity) {
        return Ok(());
    }
    Err(Refusal::invalid(
        field.to_string(),
        quantity,
        format!("a quantity must lie between {least} and {MAX_QUANTITY}"),
    ))
}

fn checked_amount(field: impl Display, amount: Money) -> Result<Money, Refusal> {
    if amount.amount < 0 {
        return Err(Refusal::invalid(
            format!("{field}.amount"),
            amount.amount,
            "a line's amount must not be negative; returns are recorded as returns",
        ));
    }
    amount.checked().map_err(|error| Refusal::invalid(field.to_string(), amount.amount, error.to_string()))
}

/// Checks that an amount is of the one currency of its document, which the first one decides.
pub(super) fn same_currency(
    field: impl Display,
    found: Option<Currency>,
    expected: &mut Option<Currency>,
) -> Result<(), Refusal> {
    let Some(found) = found else { return Ok(()) };
    match *expected.get_or_insert(found) {
        expected if expected == found => Ok(()),
        expected => Err(Refusal::Currency {
            field: field.to_string(),
            value: found.to_string(),
            expected: expected.to_string(),
        }),
    }
}
