//! What takes an event back that was declared wrong.

use tillmesh_plugin::inbound::{AdjustStock, Command, RecordReturn};
use tillmesh_plugin::{LineContent, StockLine, log};

use crate::event::Declaration;

/// The commands against those of an event, under a reference of their own, so that they too count once.
pub(crate) fn of(before: &[Command], reference: &str, declared: &Declaration) -> Vec<Command> {
    let undo = |command: &Command| {
        // Each of the commands of a long event has a reference of its own, and so has what undoes it.
        let own = match command {
            Command::ReceiveStock(it) => it.reference.as_str(),
            Command::RecordReturn(it) => &it.reference,
            Command::RecordSale(it) => &it.reference,
            Command::FulfilOrder(it) => &it.reference,
            _ => reference,
        };
        Undo { reference: self::reference(own), declared }.command(command, reference)
    };
    before.iter().flat_map(undo).collect()
}

/// Under which reference an event is undone.
pub(crate) fn reference(of: &str) -> String {
    ["undo/", of].concat()
}

struct Undo<'a> {
    reference: String,
    declared: &'a Declaration,
}

impl Undo<'_> {
    fn command(&self, command: &Command, reference: &str) -> Vec<Command> {
        match command {
            Command::ReceiveStock(it) => self.taken_off(&it.lines, it.location.as_ref()),
            Command::RecordReturn(it) => self.taken_off(&it.lines, it.location.as_ref()),
            Command::AdjustStock(it) => vec![self.adjustment(&it.sku, -it.change, it.location.as_ref())],
            Command::RecordSale(it) => {
                let line = |line: &tillmesh_plugin::Line| match &line.content {
                    LineContent::Sku(sku) => Some(StockLine { sku: sku.clone(), quantity: line.quantity }),
                    LineContent::Charge(_) => None,
                };
                let lines = it.lines.iter().filter_map(line).collect();
                vec![self.brought_back(&it.reference, lines, it.location.as_ref())]
            }
            Command::FulfilOrder(it) => vec![self.brought_back(&it.order, it.lines.clone(), it.location.as_ref())],
            // Nobody knows what was there before; the next count puts it right.
            _ => {
                log::warn(&format!(
                    "{reference}: a count or level was declared wrong, and cannot be undone: count again"
                ));
                Vec::new()
            }
        }
    }

    fn taken_off(&self, lines: &[StockLine], location: Option<&String>) -> Vec<Command> {
        let change = |line: &StockLine| -i64::try_from(line.quantity).unwrap_or(i64::MAX);
        lines.iter().map(|line| self.adjustment(&line.sku, change(line), location)).collect()
    }

    fn adjustment(&self, sku: &str, change: i64, location: Option<&String>) -> Command {
        Command::AdjustStock(AdjustStock {
            reference: self.reference.clone(),
            sku: sku.to_owned(),
            change,
            reason: Some(self.declared.reason.clone()),
            adjusted_at: self.declared.at,
            location: location.cloned(),
        })
    }

    fn brought_back(&self, order: &str, lines: Vec<StockLine>, location: Option<&String>) -> Command {
        Command::RecordReturn(RecordReturn {
            reference: self.reference.clone(),
            order: Some(order.to_owned()),
            lines,
            returned_at: self.declared.at,
            location: location.cloned(),
        })
    }
}
