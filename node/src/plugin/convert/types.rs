//! The records that the interfaces share.

use tillmesh_core::channel::{
    ChannelFailure, ChannelMessage, CommandLine, CommandProduct, Detail, LineContent, StatedTotals, StockLine,
};
use tillmesh_core::id::{InvalidId, Name, Reference, Sku};
use tillmesh_core::money::{Currency, InvalidMoney, Money, UnitPrice};
use tillmesh_core::time::Timestamp;

use super::{Refused, at, at_option};
use crate::plugin::Part;
use crate::plugin::bindings::tillmesh::channel::types as wit;
use crate::plugin::call::CallContext;

/// The longest text of a failure that is kept: a rule with its names, not a message.
const MAX_DETAIL: usize = 400;

pub(in crate::plugin) fn message_out(message: &ChannelMessage, part: &Part) -> wit::Message {
    let (bytes, carry) = (message.body.clone(), part.carry.clone());
    wit::Message {
        channel: message.channel.to_string(),
        id: message.id.to_string(),
        topic: message.topic.to_string(),
        content_type: message.content_type.to_string(),
        received_at: message.received_at.0,
        piece: wit::Piece { offset: part.offset, last: part.last, bytes, carry },
    }
}

pub(in crate::plugin) fn context_out(context: &CallContext) -> wit::Context {
    let config = context.config.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    wit::Context { location: context.location.to_string(), config }
}

pub(in crate::plugin) fn unit_price_out(price: &UnitPrice) -> wit::UnitPrice {
    wit::UnitPrice { amount: price.amount, scale: price.scale, currency: price.currency.to_string() }
}

pub(in crate::plugin) fn money_out(money: &Money) -> wit::Money {
    wit::Money { amount: money.amount, currency: money.currency.to_string() }
}

pub(in crate::plugin) fn product_out(product: &CommandProduct) -> wit::Product {
    let text = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
    wit::Product {
        sku: product.sku.to_string(),
        name: product.name.to_string(),
        price: product.price.as_ref().map(unit_price_out),
        gtin: text(&product.gtin),
        department: text(&product.department),
        category: text(&product.category),
        unit: text(&product.unit),
        tax_class: text(&product.tax_class),
        references: references_out(&product.references),
    }
}

pub(in crate::plugin) fn references_out(references: &[Reference]) -> Vec<String> {
    references.iter().map(ToString::to_string).collect()
}

pub(in crate::plugin) fn stock_lines_out(lines: &[StockLine]) -> Vec<wit::StockLine> {
    lines.iter().map(|line| wit::StockLine { sku: line.sku.to_string(), quantity: line.quantity }).collect()
}

pub(in crate::plugin) fn failure_in(failure: wit::Failure) -> ChannelFailure {
    match failure {
        wit::Failure::Malformed(detail) => ChannelFailure::Malformed(detail_in(detail)),
        wit::Failure::Unsupported(detail) => ChannelFailure::Unsupported(detail_in(detail)),
        wit::Failure::UnknownSku(detail) => ChannelFailure::UnknownSku(detail_in(detail)),
        wit::Failure::Rejected(detail) => ChannelFailure::Rejected(detail_in(detail)),
        wit::Failure::Retry(detail) => ChannelFailure::Retry(detail_in(detail)),
    }
}

pub(super) fn failure_out(failure: &ChannelFailure) -> wit::Failure {
    let detail = |detail: &Detail| wit::Detail {
        field: detail.field.to_string(),
        value: detail.value.to_string(),
        rule: detail.rule.to_string(),
    };
    match failure {
        ChannelFailure::Malformed(it) => wit::Failure::Malformed(detail(it)),
        ChannelFailure::Unsupported(it) => wit::Failure::Unsupported(detail(it)),
        ChannelFailure::UnknownSku(it) => wit::Failure::UnknownSku(detail(it)),
        ChannelFailure::Rejected(it) => wit::Failure::Rejected(detail(it)),
        ChannelFailure::Retry(it) => wit::Failure::Retry(detail(it)),
    }
}

pub(super) fn money_in(money: wit::Money) -> Result<Money, InvalidMoney> {
    Money { amount: money.amount, currency: Currency::new(&money.currency)? }.checked()
}

pub(super) fn unit_price_in(price: wit::UnitPrice) -> Result<UnitPrice, InvalidMoney> {
    UnitPrice { amount: price.amount, scale: price.scale, currency: Currency::new(&price.currency)? }.checked()
}

pub(super) fn reference_in(field: &str, reference: &str) -> Result<Reference, Refused> {
    at(field, Reference::new(reference))
}

pub(super) fn location_in(location: Option<String>) -> Result<Option<Name>, Refused> {
    at_option("location", location, |name| Name::new(&name))
}

pub(super) fn time_in(field: &str, time: i64) -> Result<Timestamp, Refused> {
    Timestamp(time).checked().ok_or_else(|| format!("{field}: {time} is no time between 1970 and 9999"))
}

pub(super) fn lines_in(lines: Vec<wit::Line>) -> Result<Vec<CommandLine>, Refused> {
    lines.into_iter().enumerate().map(|(index, line)| at(format_args!("lines[{index}]"), line_in(line))).collect()
}

fn line_in(line: wit::Line) -> Result<CommandLine, Refused> {
    let content = match line.content {
        wit::LineContent::Sku(sku) => LineContent::Sku(at("sku", Sku::new(&sku))?),
        wit::LineContent::Charge(reference) => LineContent::Charge(reference_in("charge", &reference)?),
    };
    let unit_price = at_option("unit-price", line.unit_price, unit_price_in)?;
    Ok(CommandLine {
        content,
        quantity: line.quantity,
        unit_price,
        amount: at_option("amount", line.amount, money_in)?,
    })
}

pub(super) fn stock_lines_in(lines: Vec<wit::StockLine>) -> Result<Vec<StockLine>, Refused> {
    let line = |line: wit::StockLine| Ok(StockLine { sku: Sku::new(&line.sku)?, quantity: line.quantity });
    let lines: Result<_, InvalidId> = lines.into_iter().map(line).collect();
    at("lines[].sku", lines)
}

pub(super) fn stated_in(stated: wit::StatedTotals) -> Result<StatedTotals, Refused> {
    Ok(StatedTotals {
        subtotal: at_option("stated.subtotal", stated.subtotal, money_in)?,
        discount: at_option("stated.discount", stated.discount, money_in)?,
        tax: at_option("stated.tax", stated.tax, money_in)?,
        tax_included: stated.tax_included,
        shipping: at_option("stated.shipping", stated.shipping, money_in)?,
        total: at_option("stated.total", stated.total, money_in)?,
    })
}

pub(super) fn product_in(product: wit::Product) -> Result<CommandProduct, Refused> {
    let text = |text: Option<String>| text.map(String::into_boxed_str);
    let references: Result<_, InvalidId> = product.references.iter().map(|it| Reference::new(it)).collect();
    Ok(CommandProduct {
        sku: at("sku", Sku::new(&product.sku))?,
        name: product.name.into(),
        price: at_option("price", product.price, unit_price_in)?,
        gtin: text(product.gtin),
        department: text(product.department),
        category: text(product.category),
        unit: text(product.unit),
        tax_class: text(product.tax_class),
        references: at("references[]", references)?,
    })
}

fn detail_in(detail: wit::Detail) -> Detail {
    let text = |text: String| -> Box<str> {
        text.chars().take(MAX_DETAIL).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().into()
    };
    Detail { field: text(detail.field), value: text(detail.value), rule: text(detail.rule) }
}
