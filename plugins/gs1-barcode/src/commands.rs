//! What quantities of SKUs mean, by what they were scanned for.

use tillmesh_plugin::inbound::{AdjustStock, Command, CountStock, ReceiveStock, RecordReturn};
use tillmesh_plugin::limits::MAX_LINES;
use tillmesh_plugin::location::Place;
use tillmesh_plugin::{Failure, StockLine, failure};

use crate::body::{Body, MAX_REFERENCE};
use crate::purpose::Purpose;

/// The commands of a message.
///
/// # Errors
/// `malformed` where the reference has no room for what is put behind it.
pub(crate) fn of(body: Body<'_>, lines: Vec<StockLine>) -> Result<Vec<Command>, Failure> {
    let location = match &body.location {
        Place::Here(name) => Some(name.clone()),
        Place::Unsaid | Place::Ignored => None,
    };
    if body.purpose == Purpose::WriteOff {
        return lines.into_iter().map(|line| written_off(&body, line, location.clone())).collect();
    }
    let at = body.at;
    let chunks = lines.chunks(MAX_LINES).enumerate().map(|(index, lines)| {
        let behind = if index == 0 { String::new() } else { format!("#{}", index + 1) };
        let (reference, lines, location) = (reference(&body, &behind)?, lines.to_vec(), location.clone());
        Ok(match body.purpose {
            Purpose::Receive => Command::ReceiveStock(ReceiveStock { reference, lines, received_at: at, location }),
            Purpose::Count => Command::CountStock(CountStock { reference, lines, counted_at: at, location }),
            Purpose::Return | Purpose::WriteOff => {
                let order = body.order.clone();
                Command::RecordReturn(RecordReturn { reference, order, lines, returned_at: at, location })
            }
        })
    });
    chunks.collect()
}

fn written_off(body: &Body<'_>, line: StockLine, location: Option<String>) -> Result<Command, Failure> {
    let reference = reference(body, &format!("/{}", line.sku))?;
    // A quantity is at most 10^9.
    let change = -i64::try_from(line.quantity).unwrap_or_default();
    let (reason, adjusted_at) = (body.reason.clone(), body.at);
    Ok(Command::AdjustStock(AdjustStock { reference, sku: line.sku, change, reason, adjusted_at, location }))
}

/// The message's reference with something behind it.
fn reference(body: &Body<'_>, behind: &str) -> Result<String, Failure> {
    let reference = format!("{}{behind}", body.reference);
    if reference.len() <= MAX_REFERENCE {
        return Ok(reference);
    }
    let rule = format!("with {behind} behind it, it is longer than the {MAX_REFERENCE} bytes of a reference");
    Err(failure::malformed("reference", &body.reference, rule))
}
