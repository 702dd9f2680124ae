//! Quantiles, the tables that show them, and the goals that they are held against.

use std::fmt;

/// The value below which a share of the values lies, from 0 to 1. 0 of none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share of a count of measurements is a place among them"
)]
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = values.len().saturating_sub(1) as f64 * share;
    values.get(place as usize).copied().unwrap_or_default()
}

/// The value in the middle; of an even number, the lower of the two. 0 of none.
pub fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// A number of bytes, to be divided.
#[expect(clippy::cast_precision_loss, reason = "nothing here has 2^52 bytes")]
pub const fn bytes(count: usize) -> f64 {
    count as f64
}

/// What a part found.
pub struct Findings {
    pub tables: Vec<Table>,
    pub goals: Vec<Goal>,
}

/// What a value should be.
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A value that the design promises, and what was measured.
pub struct Goal {
    pub what: String,
    /// The node's number and the bare engine's, with units.
    pub node: String,
    pub bare: String,
    /// What is held against the bound: the ratio of the two, or the node's number.
    pub value: f64,
    pub bound: Bound,
}

impl Goal {
    fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => self.value >= bound,
            Bound::AtMost(bound) => self.value <= bound,
        }
    }
}

/// All goals in one table.
pub fn summary(goals: &[Goal]) -> Table {
    let mut table = Table::new("Goals", &["what", "node", "bare engine", "value", "goal", "met"]);
    for goal in goals {
        let bound = match goal.bound {
            Bound::AtLeast(bound) => format!("at least {bound}"),
            Bound::AtMost(bound) => format!("at most {bound}"),
        };
        let met = if goal.is_met() { "yes" } else { "no" };
        let value = format!("{:.2}", goal.value);
        table.row(vec![goal.what.clone(), goal.node.clone(), goal.bare.clone(), value, bound, met.to_owned()]);
    }
    table
}

/// A title, columns, rows.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(title: &str, columns: &[&str]) -> Self {
        Self { title: title.to_owned(), rows: vec![columns.iter().map(|column| (*column).to_owned()).collect()] }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title)?;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(String::len).max();
        let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        for row in &self.rows {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(f, "  {cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
