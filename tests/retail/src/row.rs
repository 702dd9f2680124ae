//! An order line as published: `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country`.

use std::io::Read;

use serde::Deserialize;

/// An order line. Its identity is the invoice and its place in it, never its content: equal lines are real.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The invoice; one that begins with `C` takes back.
    pub invoice: String,
    /// The stock code, to the letter: case matters.
    pub code: String,
    /// Units that left; negative: that came back or were written off.
    pub quantity: i64,
    /// The price of a unit in tenths of a penny.
    pub tenths: i64,
    /// Local time of the shop as RFC 3339. The data has no zone: it is taken as UTC.
    pub sold_at: String,
    /// The customer's number.
    pub customer: Option<String>,
    /// Where the customer lives.
    pub country: String,
}

impl Row {
    /// Quantity times price, in tenths of a penny.
    pub const fn value(&self) -> i64 {
        self.quantity * self.tenths
    }
}

/// Why lines cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read or is no such CSV.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A price is no decimal of at most three places, or is negative.
    #[error("line {line}: {text:?} is no price in pounds with at most three places")]
    Price {
        /// The line of the file.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// A time is not `YYYY-MM-DD HH:MM:SS`.
    #[error("line {line}: {text:?} is no time such as 2010-12-01 08:26:00")]
    Time {
        /// The line of the file.
        line: u64,
        /// What stands there.
        text: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Published {
    invoice_no: String,
    stock_code: String,
    quantity: i64,
    invoice_date: String,
    unit_price: String,
    #[serde(rename = "CustomerID")]
    customer_id: Option<String>,
    country: String,
}

/// Reads a file's lines in their order.
///
/// # Errors
/// At the first line that is not as published.
pub fn read(file: impl Read) -> Result<Vec<Row>, ReadError> {
    let mut reader = csv::Reader::from_reader(file);
    let mut rows = Vec::new();
    let headers = reader.headers()?.clone();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(row(line, record.deserialize(Some(&headers))?)?);
    }
    Ok(rows)
}

fn row(line: u64, published: Published) -> Result<Row, ReadError> {
    let Published { invoice_no, stock_code, quantity, invoice_date, unit_price, customer_id, country } = published;
    let tenths = tenths_of_a_penny(&unit_price).ok_or(ReadError::Price { line, text: unit_price })?;
    let sold_at = rfc3339(&invoice_date).ok_or(ReadError::Time { line, text: invoice_date })?;
    Ok(Row { invoice: invoice_no, code: stock_code, quantity, tenths, sold_at, customer: customer_id, country })
}

/// Pounds with up to three places, exactly.
pub(crate) fn tenths_of_a_penny(text: &str) -> Option<i64> {
    const PLACES: usize = 3;
    let (pounds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if pounds.is_empty() || fraction.len() > PLACES || !digits(pounds) || !digits(fraction) {
        return None;
    }
    format!("{pounds}{fraction:0<PLACES$}").parse().ok()
}

fn rfc3339(text: &str) -> Option<String> {
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    shape.eq(*b"0000-00-00 00:00:00").then(|| format!("{}Z", text.replace(' ', "T")))
}

#[cfg(test)]
mod tests;
