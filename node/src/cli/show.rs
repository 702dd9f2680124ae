//! Showing answers to people: aligned tables, amounts of money, JSON on request.

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tillmesh_core::money::Currency;

/// A table with a header, aligned: numbers to the right.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// A table without rows. A column whose name begins with `>` is aligned to the right.
    pub(super) fn new(columns: &[&str]) -> Self {
        let right = columns.iter().map(|name| name.starts_with('>')).collect();
        let header = columns.iter().map(|name| name.trim_start_matches('>').to_owned()).collect();
        Self { rows: vec![header], right }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// How many rows it has, without the header.
    pub(super) fn len(&self) -> usize {
        self.rows.len() - 1
    }

    /// The table as text, with a line end behind each row.
    pub(super) fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).zip(&self.right).map(|((cell, width), right)| match right {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            });
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        self.rows.iter().map(line).collect()
    }

    /// Prints it.
    pub(super) fn print(&self) {
        print!("{}", self.text());
    }
}

/// A bar for what transfers this many bytes; a spinner where nobody knows. Neither shows where there is no terminal.
pub(super) fn byte_bar(length: Option<u64>) -> Result<ProgressBar> {
    match length {
        Some(length) => bar(length, "{bar:40} {bytes}/{total_bytes}  {eta}"),
        None => Ok(ProgressBar::no_length().with_style(style("{spinner} {bytes}  {elapsed}")?)),
    }
}

/// A bar of a template's look.
pub(super) fn bar(length: u64, template: &str) -> Result<ProgressBar> {
    Ok(ProgressBar::new(length).with_style(style(template)?))
}

fn style(template: &str) -> Result<ProgressStyle> {
    ProgressStyle::with_template(template).context("the template of the bar")
}

/// Prints an answer as JSON.
pub(super) fn json(value: &Value) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A member as text; nothing where it is not there.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An amount of money or a price, such as `12.99 USD`.
pub(super) fn money(value: &Value) -> String {
    let (Some(amount), Some(code)) = (value["amount"].as_i64(), value["currency"].as_str()) else {
        return String::new();
    };
    let exponent = Currency::new(code).map_or(2, |currency| currency.exponent());
    let decimals = value["scale"].as_u64().and_then(|scale| u32::try_from(scale).ok()).unwrap_or(u32::from(exponent));
    let unit = 10_u64.saturating_pow(decimals);
    let (whole, part) = (amount.unsigned_abs() / unit, amount.unsigned_abs() % unit);
    let sign = if amount < 0 { "-" } else { "" };
    let width = decimals as usize;
    if decimals == 0 { format!("{sign}{whole} {code}") } else { format!("{sign}{whole}.{part:0width$} {code}") }
}

#[cfg(test)]
mod tests;
