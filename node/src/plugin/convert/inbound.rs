//! Commands.

use tillmesh_core::channel::ChannelCommand;
use tillmesh_core::id::{Reference, Sku};
use tillmesh_core::money::Currency;

use super::types::{lines_in, location_in, product_in, reference_in, stated_in, stock_lines_in, time_in};
use super::{Refused, at, at_option};
use crate::plugin::bindings::exports::tillmesh::channel::inbound as wit;

/// The commands of a message, each checked.
pub(in crate::plugin) fn commands_in(commands: Vec<wit::Command>) -> Result<Vec<ChannelCommand>, Refused> {
    let checked = |(index, command)| {
        let command = at(format_args!("commands[{index}]"), command_in(command))?;
        at(format_args!("commands[{index}]"), command.check()).map(|()| command)
    };
    commands.into_iter().enumerate().map(checked).collect()
}

fn command_in(command: wit::Command) -> Result<ChannelCommand, Refused> {
    use wit::Command as C;
    match command {
        C::PlaceOrder(order) => place_order(order),
        C::CancelOrder(order) => cancel_order(&order),
        C::SetAvailable(level) => set_available(level),
        C::RecordSale(sale) => record_sale(sale),
        C::RecordReturn(goods) => record_return(goods),
        C::FulfilOrder(goods) => fulfil_order(goods),
        C::ReceiveStock(goods) => receive_stock(goods),
        C::AdjustStock(goods) => adjust_stock(goods),
        C::CountStock(goods) => count_stock(goods),
        C::UpsertProduct(product) => product_in(product).map(|product| ChannelCommand::UpsertProduct { product }),
    }
}

fn place_order(order: wit::PlaceOrder) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::PlaceOrder {
        reference: reference_in("reference", &order.reference)?,
        lines: lines_in(order.lines)?,
        customer_ref: at_option("customer-ref", order.customer_ref, |it| Reference::new(&it))?,
        currency: at("currency", Currency::new(&order.currency))?,
        stated: stated_in(order.stated)?,
        placed_at: time_in("placed-at", order.placed_at)?,
        location: location_in(order.location)?,
    })
}

fn cancel_order(order: &wit::CancelOrder) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::CancelOrder {
        reference: reference_in("reference", &order.reference)?,
        cancelled_at: time_in("cancelled-at", order.cancelled_at)?,
        reason: order.reason.as_deref().map(Into::into),
    })
}

fn set_available(level: wit::SetAvailable) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::SetAvailable {
        sku: at("sku", Sku::new(&level.sku))?,
        available: level.available,
        as_of: time_in("as-of", level.as_of)?,
        location: location_in(level.location)?,
    })
}

fn record_sale(sale: wit::RecordSale) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::RecordSale {
        reference: reference_in("reference", &sale.reference)?,
        lines: lines_in(sale.lines)?,
        customer_ref: at_option("customer-ref", sale.customer_ref, |it| Reference::new(&it))?,
        currency: at("currency", Currency::new(&sale.currency))?,
        sold_at: time_in("sold-at", sale.sold_at)?,
        location: location_in(sale.location)?,
    })
}

fn record_return(goods: wit::RecordReturn) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::RecordReturn {
        reference: reference_in("reference", &goods.reference)?,
        order: at_option("order", goods.order, |it| Reference::new(&it))?,
        lines: stock_lines_in(goods.lines)?,
        returned_at: time_in("returned-at", goods.returned_at)?,
        location: location_in(goods.location)?,
    })
}

fn fulfil_order(goods: wit::FulfilOrder) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::FulfilOrder {
        reference: reference_in("reference", &goods.reference)?,
        order: reference_in("order", &goods.order)?,
        lines: stock_lines_in(goods.lines)?,
        fulfilled_at: time_in("fulfilled-at", goods.fulfilled_at)?,
        location: location_in(goods.location)?,
    })
}

fn receive_stock(goods: wit::ReceiveStock) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::ReceiveStock {
        reference: reference_in("reference", &goods.reference)?,
        lines: stock_lines_in(goods.lines)?,
        received_at: time_in("received-at", goods.received_at)?,
        location: location_in(goods.location)?,
    })
}

fn adjust_stock(goods: wit::AdjustStock) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::AdjustStock {
        reference: reference_in("reference", &goods.reference)?,
        sku: at("sku", Sku::new(&goods.sku))?,
        change: goods.change,
        reason: goods.reason.map(String::into_boxed_str),
        adjusted_at: time_in("adjusted-at", goods.adjusted_at)?,
        location: location_in(goods.location)?,
    })
}

fn count_stock(goods: wit::CountStock) -> Result<ChannelCommand, Refused> {
    Ok(ChannelCommand::CountStock {
        reference: reference_in("reference", &goods.reference)?,
        lines: stock_lines_in(goods.lines)?,
        counted_at: time_in("counted-at", goods.counted_at)?,
        location: location_in(goods.location)?,
    })
}
