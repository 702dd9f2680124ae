//! Orders that a channel says were handed over or shipped, where it is the channel that does that.

use crate::inbound::{Command, FulfilOrder};
use crate::{Context, Failure, Line, LineContent, StockLine, failure};

/// Whether the channel fulfils its orders itself, by the setting `fulfilled-by`: `node`, if nobody says, or `channel`.
/// Where nodes fulfil them, what the channel says of it is what they told it.
///
/// # Errors
/// `rejected`, where the setting is neither.
pub fn is_of_channel(context: &Context) -> Result<bool, Failure> {
    match context.setting("fulfilled-by").unwrap_or("node") {
        "node" => Ok(false),
        "channel" => Ok(true),
        other => Err(failure::rejected("fulfilled-by", other, "it must be node or channel")),
    }
}

/// All goods of an order left at once; nothing where there are none. It has the order's reference, so it counts once.
pub fn of(order: &str, lines: &[Line], fulfilled_at: i64, location: Option<String>) -> Option<Command> {
    let goods = lines.iter().filter_map(|line| match &line.content {
        LineContent::Sku(sku) => Some(StockLine { sku: sku.clone(), quantity: line.quantity }),
        LineContent::Charge(_) => None,
    });
    let lines: Vec<_> = goods.collect();
    if lines.is_empty() {
        return None;
    }
    let (reference, order) = (order.to_owned(), order.to_owned());
    Some(Command::FulfilOrder(FulfilOrder { reference, order, lines, fulfilled_at, location }))
}
