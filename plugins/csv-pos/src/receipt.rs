//! The items of a receipt as commands.

use jiff::Timestamp;
use jiff::tz::Offset;
use tillmesh_plugin::inbound::{AdjustStock, Command, RecordReturn, RecordSale};
use tillmesh_plugin::limits::MAX_LINES;
use tillmesh_plugin::{Line, LineContent, StockLine};

use crate::row::{Row, What};

/// Rows that stand together under one number, at one place.
#[derive(Debug)]
pub(crate) struct Receipt {
    /// Where its first row begins.
    pub start: usize,
    /// How often the file began one of this name, this time included.
    times: u32,
    rows: Vec<Row>,
}

/// What a receipt is called: tills begin their numbers anew, so the time of its first row belongs to it, and the place
/// where the file has several.
pub(crate) fn name_of(row: &Row) -> String {
    let place = row.location.as_ref().map(|place| format!("{place}/")).unwrap_or_default();
    let at = Timestamp::from_microsecond(row.at).unwrap_or_default();
    let at = Offset::UTC.to_datetime(at);
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{place}{}@{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z", row.receipt)
}

impl Receipt {
    /// A receipt of one row.
    pub fn of(row: Row, start: usize, times: u32) -> Self {
        Self { start, times, rows: vec![row] }
    }

    /// What it is called.
    pub fn name(&self) -> String {
        self.rows.first().map(name_of).unwrap_or_default()
    }

    /// Whether a row belongs to it.
    pub fn takes(&self, row: &Row) -> bool {
        let is_alike = |own: &Row| own.receipt == row.receipt && own.location == row.location;
        self.rows.len() < MAX_LINES && self.rows.first().is_some_and(is_alike)
    }

    /// Takes a row.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// What it comes to: a sale, a return, and each unit that was written off.
    pub fn close(self, commands: &mut Vec<Command>) {
        let Some(first) = self.rows.first() else { return };
        let (reference, location) = (self.reference(), first.location.clone());
        let of =
            |wanted: &[What]| self.rows.iter().filter(|row| wanted.contains(&row.what)).cloned().collect::<Vec<_>>();
        let sold = of(&[What::Sold, What::Charged]);
        if !sold.is_empty() {
            commands.push(Command::RecordSale(RecordSale {
                reference: reference.clone(),
                lines: sold.into_iter().map(line).collect(),
                customer_ref: first.customer.clone(),
                currency: first.unit_price.currency.clone(),
                sold_at: first.at,
                location: location.clone(),
            }));
        }
        let taken_back = of(&[What::TakenBack]);
        if !taken_back.is_empty() {
            let lines = taken_back.into_iter().map(|row| StockLine { sku: row.code, quantity: row.units }).collect();
            let (reference, location) = (reference.clone(), location.clone());
            let (order, returned_at) = (None, first.at);
            commands.push(Command::RecordReturn(RecordReturn { reference, order, lines, returned_at, location }));
        }
        let written_off = of(&[What::WrittenOff]);
        commands.extend(written_off.into_iter().map(|row| write_off(row, self.reference())));
    }

    /// A node takes what comes under one reference once. So what follows under a name that was there before has one of
    /// its own.
    fn reference(&self) -> String {
        let name = self.name();
        if self.times > 1 { format!("{name}#{}", self.times) } else { name }
    }
}

fn line(row: Row) -> Line {
    let content = if row.what == What::Charged { LineContent::Charge(row.code) } else { LineContent::Sku(row.code) };
    Line { content, quantity: row.units, unit_price: Some(row.unit_price), amount: None }
}

fn write_off(row: Row, reference: String) -> Command {
    Command::AdjustStock(AdjustStock {
        reference,
        sku: row.code,
        change: -i64::try_from(row.units).unwrap_or(i64::MAX),
        reason: None,
        adjusted_at: row.at,
        location: row.location,
    })
}
