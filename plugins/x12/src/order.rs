//! 850, a purchase order: the partner wants goods of ours.

use tillmesh_plugin::inbound::{CancelOrder, Command, PlaceOrder};
use tillmesh_plugin::money::parse_amount;
use tillmesh_plugin::orders::Orders;
use tillmesh_plugin::{Failure, Line, LineContent, Money, StatedTotals, failure};

use crate::number::decimal;
use crate::price::{Cost, cost};
use crate::segment::Segment;
use crate::set::Reader;

/// The currency where neither the order nor the settings name one.
const CURRENCY: &str = "USD";
/// PO1 has its pairs of qualifier and article number from here on.
const ARTICLE: usize = 6;

/// What BEG01 (X12 data element 353) says is to become of an order.
pub(crate) enum Purpose {
    /// It is new, or said again.
    Place,
    /// It is in place of an earlier form.
    Replace,
    Cancel,
    /// It changes an order, only informs of one, or leaves open what is to become of it.
    NotHandled,
}

/// What is to become of the order that begins so.
pub(crate) fn purpose(beginning: &Segment<'_>) -> Purpose {
    match beginning.get(1) {
        // Original; confirmation, duplicate, sent again, reissued, final; original that wants no response.
        "00" | "06" | "07" | "15" | "18" | "20" | "49" => Purpose::Place,
        // Cancellation, deletion; cancelled to be reissued.
        "01" | "03" | "17" => Purpose::Cancel,
        "05" => Purpose::Replace,
        _ => Purpose::NotHandled,
    }
}

/// A new order, or the cancellation of one.
pub(crate) fn command(reader: &Reader<'_>, orders: &mut Orders) -> Result<Command, Failure> {
    reader.check_answers()?;
    let beginning = reader.required("BEG")?;
    let reference = reader.element(beginning, 3)?.to_owned();
    let placed_at = reader.moment("BEG05", reader.element(beginning, 5)?, "")?;
    match purpose(beginning) {
        Purpose::Cancel => Ok(Command::CancelOrder(CancelOrder { reference, cancelled_at: placed_at, reason: None })),
        Purpose::NotHandled => {
            let rule = "it places and cancels nothing, or changes an order: this plugin takes new orders (00, 06, 07, \
                        15, 18, 20, 49), those that replace one (05) and cancellations (01, 03, 17)";
            Err(failure::unsupported(reader.at("BEG01"), beginning.get(1), rule))
        }
        purpose @ (Purpose::Place | Purpose::Replace) => {
            let order = placed(reader, reference, placed_at)?;
            orders.place(&reader.at("BEG03"), &order, matches!(purpose, Purpose::Replace))?;
            Ok(Command::PlaceOrder(order))
        }
    }
}

fn placed(reader: &Reader<'_>, reference: String, placed_at: i64) -> Result<PlaceOrder, Failure> {
    reader.check_total(items(reader).count());
    let (currency, lines) = (currency(reader), wanted(reader)?);
    if lines.is_empty() {
        return Err(reader.malformed("PO1", "", "an order has one line at least of which something is wanted"));
    }
    let total = amount(reader, currency)?;
    let stated =
        StatedTotals { subtotal: total, discount: None, tax: None, tax_included: false, shipping: None, total: None };
    Ok(PlaceOrder {
        reference,
        lines,
        customer_ref: customer(reader),
        currency: currency.to_owned(),
        stated,
        placed_at,
        location: reader.location().named(),
    })
}

/// The lines of which something is wanted: one may say that nothing is wanted of an article.
pub(crate) fn wanted(reader: &Reader<'_>) -> Result<Vec<Line>, Failure> {
    let currency = currency(reader);
    let lines = items(reader).enumerate().map(|(index, segment)| line(reader, index, segment, currency));
    lines.filter(|line| line.as_ref().map_or(true, |line| line.quantity > 0)).collect()
}

fn items<'a>(reader: &Reader<'a>) -> impl Iterator<Item = &'a Segment<'a>> + use<'a> {
    reader.set.segments.iter().filter(|segment| segment.id() == "PO1")
}

fn currency<'a>(reader: &Reader<'a>) -> &'a str {
    match reader.first("CUR").map(|currency| currency.get(2)) {
        Some(code) if !code.is_empty() => code,
        _ => reader.context.setting("currency").unwrap_or(CURRENCY),
    }
}

/// PO1: quantity, unit, price, and what it is of.
fn line(reader: &Reader<'_>, index: usize, segment: &Segment<'_>, currency: &str) -> Result<Line, Failure> {
    let (text, measure) = (segment.get(2), segment.get(3));
    let at = format_args!("PO1[{index}].02");
    let (stated, units) = (reader.quantity(at, text)?, reader.units_in(measure)?);
    let quantity = reader.whole(at, text, stated, units)?;
    let sku = reader.sku(format_args!("PO1[{index}].06"), segment, ARTICLE)?;
    let price = (segment.get(4), segment.get(5), measure);
    let broken = |rule: String| reader.malformed(format_args!("PO1[{index}].04"), price.0, &rule);
    let Cost { unit_price, amount } = cost(price, stated, units, currency).map_err(broken)?;
    Ok(Line { content: LineContent::Sku(sku), quantity, unit_price, amount })
}

/// AMT*TT: what the order comes to, as it says.
fn amount(reader: &Reader<'_>, currency: &str) -> Result<Option<Money>, Failure> {
    let mut totals = reader.set.segments.iter().filter(|segment| segment.id() == "AMT" && segment.get(1) == "TT");
    let Some(total) = totals.next() else { return Ok(None) };
    let read = parse_amount(&decimal(total.get(2)), currency);
    read.map(Some).map_err(|rule| reader.malformed("AMT02", total.get(2), &rule))
}

/// The buying party's id: a company's number, never its name.
fn customer(reader: &Reader<'_>) -> Option<String> {
    let mut parties = reader.set.segments.iter().filter(|segment| segment.id() == "N1");
    let buyer = parties.find(|party| ["BY", "BT"].contains(&party.get(1)) && !party.get(4).is_empty())?;
    Some(buyer.get(4).to_owned())
}
