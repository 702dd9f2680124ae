//! A till's receipts as CSV, one row an item: sales, returns and write-offs, by the columns that the settings name.
//!
//! A file may come in pieces: rows of a receipt that is not known to be complete wait for the next piece ([`table`]).
//! [`settings`] says how a till writes, [`row`] reads one item, [`receipt`] makes commands of the items of a receipt.

use tillmesh_plugin::inbound::{Command, Inbound, Translation};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, log, metrics};

mod carry;
mod quotes;
mod receipt;
mod row;
mod settings;
mod table;

use receipt::Receipt;
use settings::Settings;
use table::Table;

/// The plugin.
#[derive(Debug)]
pub struct CsvPos;

impl Inbound for CsvPos {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        Self::translate_piece(message, context, catalogue).map(|translation| translation.commands)
    }

    fn translate_piece(message: &Message, context: &Context, _: &dyn Catalogue) -> Result<Translation, Failure> {
        let settings = Settings::of(context)?;
        let mut table = Table::open(&message.piece, &settings)?;
        let mut commands = Vec::new();
        let mut receipt: Option<Receipt> = None;
        let mut refused = Vec::new();
        while let Some(record) = table.next()? {
            let row = match row::read(&record, &settings) {
                Ok(row) => row,
                Err(refusal) if settings.skips_bad_rows => {
                    refused.push(record.start);
                    log::warn(&format!("{} {:?}: {}", refusal.field, refusal.value, refusal.rule));
                    continue;
                }
                Err(refusal) => return Err(refusal.into()),
            };
            if let Some(open) = receipt.as_mut().filter(|open| open.takes(&row)) {
                open.add(row);
                continue;
            }
            if let Some(complete) = receipt.take() {
                complete.close(&mut commands);
            }
            let times = table.receipts.begin(&receipt::name_of(&row));
            receipt = Some(Receipt::of(row, record.start, times));
        }
        let waits = receipt.take_if(|_| !message.piece.last);
        receipt.into_iter().for_each(|complete| complete.close(&mut commands));
        if let Some(open) = &waits {
            table.receipts.take_back(&open.name());
            // What the next call reads again, it counts.
            refused.retain(|start| *start < open.start);
        }
        metrics::count("refused-rows", refused.len() as u64);
        Ok(Translation { commands, carry: table.carry(waits.map(|open| open.start))? })
    }
}

tillmesh_plugin::register_inbound!(CsvPos);

#[cfg(test)]
mod tests;
