//! ORDERS: the partner wants goods of ours.

use tillmesh_plugin::inbound::{CancelOrder, Command, PlaceOrder};
use tillmesh_plugin::money::{parse_amount, parse_unit_price};
use tillmesh_plugin::orders::Orders;
use tillmesh_plugin::{Failure, Line, LineContent, Money, StatedTotals, failure};

use crate::function::Function;
use crate::number::{ONE, billionths};
use crate::price::Price;
use crate::reader::{Item, Reader, find};

/// The currency where neither the order nor the settings name one.
const CURRENCY: &str = "EUR";
/// DTM: when the document was made, when it was ordered.
const DATES: [&str; 3] = ["137", "4", "97"];
/// QTY: ordered; and as some partners say it, just a quantity.
const ORDERED: [&str; 3] = ["21", "1", "12"];

/// BGM says whether it is a new order or the cancellation of one; what changes an order or is none is not handled.
pub(crate) fn command(reader: &Reader<'_>, orders: &mut Orders) -> Result<Command, Failure> {
    let (number, code) = reader.document()?;
    let (reference, placed_at) = (number.to_owned(), reader.moment(&DATES)?);
    let function = Function::of(code);
    match function {
        Function::Cancellation => {
            Ok(Command::CancelOrder(CancelOrder { reference, cancelled_at: placed_at, reason: None }))
        }
        Function::Original | Function::Replacement => {
            let order = placed(reader, reference, placed_at)?;
            orders.place(&reader.at("BGM 1004"), &order, function == Function::Replacement)?;
            Ok(Command::PlaceOrder(order))
        }
        Function::Other | Function::NoCode => {
            let rule = "this plugin takes new orders and cancellations, not what changes or answers an order, nor a \
                draft or a copy";
            Err(failure::unsupported(reader.at("BGM 1225"), code, rule))
        }
    }
}

fn placed(reader: &Reader<'_>, reference: String, placed_at: i64) -> Result<PlaceOrder, Failure> {
    let stated = find(reader.head(), "CUX", "2").map_or("", |currency| currency.get(1, 1));
    let currency = match stated {
        "" => reader.context.setting("currency").unwrap_or(CURRENCY),
        stated => stated,
    };
    let items = reader.items();
    reader.check_total(items.len());
    let lines = items.iter().map(|item| line(reader, item, currency)).collect::<Result<Vec<_>, _>>()?;
    // A line may say that nothing is wanted of an article.
    let lines: Vec<_> = lines.into_iter().filter(|line| line.quantity > 0).collect();
    if lines.is_empty() {
        return Err(reader.malformed("LIN", "", "an order has one line at least of which something is wanted"));
    }
    let stated =
        StatedTotals { subtotal: None, discount: None, tax: None, tax_included: false, shipping: None, total: None };
    Ok(PlaceOrder {
        reference,
        lines,
        customer_ref: find(reader.head(), "NAD", "BY")
            .map(|buyer| buyer.get(2, 0).to_owned())
            .filter(|id| !id.is_empty()),
        currency: currency.to_owned(),
        stated,
        placed_at,
        location: reader.location().named(),
    })
}

fn line(reader: &Reader<'_>, item: &Item<'_>, currency: &str) -> Result<Line, Failure> {
    let ordered = reader.quantity(item, &ORDERED)?;
    let content = LineContent::Sku(reader.sku(item)?);
    let price = price(reader, item, currency)?;
    // The price of a case is none of a unit.
    let is_of_units = ordered.stated == u128::from(ordered.units) * ONE;
    let unit_price = price.as_ref().filter(|_| is_of_units).and_then(Price::of_one);
    let amount = match (amount(reader, item, currency)?, &price) {
        (None, Some(price)) => {
            let place = format!("LIN[{}] PRI", item.index);
            let too_large = || reader.malformed(&place, &price.text, "what the line comes to by it is too large");
            let cost = price.of(ordered.stated).ok_or_else(too_large)?;
            // The node rounds what it has a price of.
            Some(cost).filter(|cost| cost.is_exact || unit_price.is_none()).map(|cost| cost.money)
        }
        (stated, _) => stated,
    };
    Ok(Line { content, quantity: ordered.units, unit_price, amount })
}

/// PRI: of the net price and the gross price the better one that is there, for as many units as it says.
fn price(reader: &Reader<'_>, item: &Item<'_>, currency: &str) -> Result<Option<Price>, Failure> {
    let Some(found) = ["AAA", "AAB", "AAE", "INF", "CAL"].iter().find_map(|kind| find(item.segments, "PRI", kind))
    else {
        return Ok(None);
    };
    let place = format!("LIN[{}] PRI", item.index);
    let text = reader.decimal(found.get(1, 1));
    let stated = parse_unit_price(&text, currency).map_err(|rule| reader.malformed(&place, &text, &rule))?;
    let basis = match reader.decimal(found.get(1, 4)) {
        basis if basis.is_empty() => ONE,
        basis => billionths(&basis).ok().filter(|basis| *basis > 0).ok_or_else(|| {
            let rule = "what a price is for must be a decimal above 0, of at most 9 decimals";
            reader.malformed(&place, &basis, rule)
        })?,
    };
    Ok(Some(Price { text, stated, basis }))
}

/// MOA+203: what the line comes to, as it says.
fn amount(reader: &Reader<'_>, item: &Item<'_>, currency: &str) -> Result<Option<Money>, Failure> {
    let Some(found) = find(item.segments, "MOA", "203") else { return Ok(None) };
    let (place, text) = (format!("LIN[{}] MOA", item.index), reader.decimal(found.get(1, 1)));
    parse_amount(&text, currency).map(Some).map_err(|rule| reader.malformed(&place, &text, &rule))
}
