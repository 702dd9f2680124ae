//! ORDERS: the partner wants goods of ours.

use tillmesh_plugin::inbound::{CancelOrder, Command, PlaceOrder};
use tillmesh_plugin::money::{extended, parse_amount, parse_unit_price};
use tillmesh_plugin::orders::Orders;
use tillmesh_plugin::{Failure, Line, LineContent, Money, StatedTotals, UnitPrice, failure};

use crate::reader::{Item, Reader, find};

/// The currency where neither the order nor the settings name one.
const CURRENCY: &str = "EUR";
/// DTM: when the document was made, when it was ordered.
const DATES: [&str; 3] = ["137", "4", "97"];
/// QTY: ordered; and as some partners say it, just a quantity.
const ORDERED: [&str; 3] = ["21", "1", "12"];

/// BGM says whether it is a new order or the cancellation of one; what changes an order is not handled.
pub(crate) fn command(reader: &Reader<'_>, orders: &mut Orders) -> Result<Command, Failure> {
    let (number, function) = reader.document()?;
    let (reference, placed_at) = (number.to_owned(), reader.moment(&DATES)?);
    match function {
        "1" | "3" => Ok(Command::CancelOrder(CancelOrder { reference, cancelled_at: placed_at, reason: None })),
        "2" | "4" => {
            let rule = "it changes an order: this plugin takes new orders and cancellations";
            Err(failure::unsupported(reader.at("BGM 1225"), function, rule))
        }
        _ => {
            let order = placed(reader, reference, placed_at)?;
            orders.place(&reader.at("BGM 1004"), &order, function == "5")?;
            Ok(Command::PlaceOrder(order))
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
    let (ordered, quantity) = reader.quantity(item, &ORDERED)?;
    let content = LineContent::Sku(reader.sku(item)?);
    let price = price(reader, item, currency)?;
    let stated = amount(reader, item, currency)?;
    let amount = stated.or_else(|| price.as_ref().and_then(|price| extended(price, ordered)));
    // The price of a case is none of a unit.
    let unit_price = price.filter(|_| ordered == quantity);
    Ok(Line { content, quantity, unit_price, amount })
}

/// PRI: of the net price and the gross price the better one that is there, for as many units as it says.
fn price(reader: &Reader<'_>, item: &Item<'_>, currency: &str) -> Result<Option<UnitPrice>, Failure> {
    let Some(found) = ["AAA", "AAB", "AAE", "INF", "CAL"].iter().find_map(|kind| find(item.segments, "PRI", kind))
    else {
        return Ok(None);
    };
    let place = format!("LIN[{}] PRI", item.index);
    let text = reader.decimal(found.get(1, 1));
    let price = parse_unit_price(&text, currency).map_err(|rule| reader.malformed(&place, &text, &rule))?;
    let basis = reader.decimal(found.get(1, 4));
    let Some(zeros) = power_of_ten(&basis) else { return Ok(None) };
    let scale = price.scale.and_then(|scale| scale.checked_add(zeros)).filter(|scale| *scale <= 9);
    Ok(scale.map(|scale| UnitPrice { scale: Some(scale), ..price }))
}

/// The zeros of 1, 10, 100, ...; a price for another number of units is none for one.
fn power_of_ten(basis: &str) -> Option<u8> {
    let whole = basis.split_once('.').map_or(basis, |(whole, _)| whole);
    if whole.is_empty() {
        return Some(0);
    }
    let zeros = whole.strip_prefix('1')?;
    zeros.bytes().all(|zero| zero == b'0').then(|| u8::try_from(zeros.len()).ok()).flatten()
}

/// MOA+203: what the line comes to, as it says.
fn amount(reader: &Reader<'_>, item: &Item<'_>, currency: &str) -> Result<Option<Money>, Failure> {
    let Some(found) = find(item.segments, "MOA", "203") else { return Ok(None) };
    let (place, text) = (format!("LIN[{}] MOA", item.index), reader.decimal(found.get(1, 1)));
    parse_amount(&text, currency).map(Some).map_err(|rule| reader.malformed(&place, &text, &rule))
}
