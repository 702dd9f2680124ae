//! The rows of a file that may come in pieces.

use std::io::Cursor;

use csv::{ByteRecord, Position, Reader, ReaderBuilder};
use tillmesh_plugin::{Failure, Piece, failure};

use crate::carry::{Carry, Receipts};
use crate::quotes;
use crate::settings::{Columns, Settings};

/// What some programs write before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Room for a row of a till. A longer one gets more.
const ROW_BYTES: usize = 256;

/// The rows of a piece.
pub(crate) struct Table {
    /// The line of names as it stands in the file.
    names: Vec<u8>,
    /// Reads what the last call left, and the piece.
    reader: Reader<Cursor<Vec<u8>>>,
    delimiter: u8,
    places: Columns<usize>,
    width: usize,
    /// Rows of the file before those that this call reads.
    rows_before: u64,
    /// Where each row that was read begins.
    rows: Vec<usize>,
    pub receipts: Receipts,
    last: bool,
    /// Where the bytes begin that are no complete row yet.
    rest: usize,
}

/// One row.
pub(crate) struct Record {
    fields: ByteRecord,
    /// The rule that its quotes break.
    broken: Option<&'static str>,
    places: Columns<usize>,
    /// How many fields the line of names has.
    width: usize,
    /// Its number in the file, from 1.
    number: u64,
    /// Where it begins in the bytes of this call.
    pub start: usize,
}

impl Table {
    /// Opens a piece.
    ///
    /// # Errors
    /// When the line of names lacks a column or what was carried is none of this plugin's.
    pub fn open(piece: &Piece, settings: &Settings) -> Result<Self, Failure> {
        let Carry { rows, mut names, receipts, mut rest } = Carry::read(&piece.carry)?;
        rest.extend_from_slice(&piece.bytes);
        if names.is_empty() {
            let bytes = rest.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&rest);
            let (line, rows) = bytes.split_at(end_of_names(bytes, settings, piece.last)?);
            (names, rest) = (line.to_vec(), rows.to_vec());
        }
        let named = record_of(&names, settings)?;
        Ok(Self {
            places: places(&named, &settings.columns)?,
            width: named.len(),
            names,
            reader: builder(settings).from_reader(Cursor::new(rest)),
            delimiter: settings.delimiter,
            rows_before: rows,
            rows: Vec::new(),
            receipts,
            last: piece.last,
            rest: 0,
        })
    }

    /// The next row that is known to be complete.
    ///
    /// # Errors
    /// When the bytes are no CSV.
    pub fn next(&mut self) -> Result<Option<Record>, Failure> {
        let start = self.position();
        let mut fields = ByteRecord::with_capacity(ROW_BYTES, self.width);
        let more =
            self.reader.read_byte_record(&mut fields).map_err(|_| failure::malformed("body", "", "it is no CSV"))?;
        let end = self.position();
        // A row that ends where the piece does may go on in the next one.
        if !more || (!self.last && end >= self.bytes().len()) {
            self.rest = if more { start } else { end };
            return Ok(None);
        }
        let broken = quotes::broken(&self.bytes()[start..end.min(self.bytes().len())], self.delimiter);
        let end = if broken.is_some() { self.end_with_line(start)? } else { end };
        self.rows.push(start);
        self.rest = end;
        let number = self.rows_before + self.rows.len() as u64;
        Ok(Some(Record { fields, broken, places: self.places.clone(), width: self.width, number, start }))
    }

    /// Ends a row with its first line: where its quotes are broken, what they kept together are other rows.
    fn end_with_line(&mut self, start: usize) -> Result<usize, Failure> {
        let mut end = Position::new();
        end.set_byte((start + quotes::first_line(&self.bytes()[start..])) as u64);
        self.reader.seek(end).map_err(|_| failure::malformed("body", "", "it is no CSV"))?;
        Ok(self.position())
    }

    /// What the next call needs, its rows from a place on not being done with.
    ///
    /// # Errors
    /// When that is more than a till's row or receipt can be.
    pub fn carry(self, from: Option<usize>) -> Result<Vec<u8>, Failure> {
        if self.last {
            return Ok(Vec::new());
        }
        let from = from.unwrap_or(self.rest).min(self.rest);
        let done = self.rows.iter().filter(|start| **start < from).count() as u64;
        let rest = self.bytes()[from..].to_vec();
        Carry { rows: self.rows_before + done, names: self.names, receipts: self.receipts, rest }.write()
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX)
    }

    fn bytes(&self) -> &[u8] {
        self.reader.get_ref().get_ref()
    }
}

impl Record {
    /// Checks that its quotes are closed, and that it has as many fields as the line of names.
    ///
    /// # Errors
    /// The rule in words.
    pub fn check_fields(&self) -> Result<(), String> {
        if let Some(rule) = self.broken {
            return Err(rule.to_owned());
        }
        let found = self.fields.len();
        if found == self.width {
            Ok(())
        } else {
            Err(format!("it has {found} fields, the line of names has {}", self.width))
        }
    }

    /// A field.
    ///
    /// # Errors
    /// When it is no UTF-8.
    pub fn text(&self, place: impl Fn(&Columns<usize>) -> usize) -> Result<&str, String> {
        let bytes = self.fields.get(place(&self.places)).unwrap_or_default();
        str::from_utf8(bytes).map(str::trim).map_err(|_| "it is no UTF-8".to_owned())
    }

    /// A field whose column may not be read at all; nothing where it is empty.
    ///
    /// # Errors
    /// When it is no UTF-8.
    pub fn optional(&self, place: impl Fn(&Columns<usize>) -> Option<usize>) -> Result<Option<&str>, String> {
        let Some(place) = place(&self.places) else { return Ok(None) };
        self.text(|_| place).map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    /// Which row it is, for people.
    pub fn describe(&self) -> String {
        format!("row {}", self.number)
    }
}

fn builder(settings: &Settings) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(settings.delimiter);
    builder
}

fn record_of(bytes: &[u8], settings: &Settings) -> Result<ByteRecord, Failure> {
    let mut record = ByteRecord::new();
    let mut reader = builder(settings).from_reader(bytes);
    match reader.read_byte_record(&mut record) {
        Ok(true) => Ok(record),
        _ => Err(failure::malformed("body", "", "it must begin with a line of column names")),
    }
}

/// Where the line of names ends. It must be whole: the first piece is longer than it.
fn end_of_names(bytes: &[u8], settings: &Settings, last: bool) -> Result<usize, Failure> {
    let mut reader = builder(settings).from_reader(bytes);
    let mut record = ByteRecord::new();
    let read = reader.read_byte_record(&mut record).is_ok_and(|read| read);
    let end = usize::try_from(reader.position().byte()).unwrap_or(bytes.len()).min(bytes.len());
    let is_broken = quotes::broken(&bytes[..end], settings.delimiter).is_some();
    if !read || is_broken || (!last && end == bytes.len()) {
        return Err(failure::malformed("body", "", "it must begin with a line of column names"));
    }
    Ok(end)
}

fn places(names: &ByteRecord, columns: &Columns<String>) -> Result<Columns<usize>, Failure> {
    let place = |name: &String| {
        let mut found = names.iter().enumerate().filter(|(_, field)| field.trim_ascii() == name.as_bytes());
        match (found.next(), found.next()) {
            (Some((place, _)), None) => Ok(place),
            (None, _) => Err(failure::malformed("columns", name, "the line of names has no such column")),
            (Some(_), Some(_)) => Err(failure::malformed("columns", name, "the line of names has it twice")),
        }
    };
    Ok(Columns {
        receipt: place(&columns.receipt)?,
        sku: place(&columns.sku)?,
        quantity: place(&columns.quantity)?,
        unit_price: place(&columns.unit_price)?,
        time: place(&columns.time)?,
        customer: columns.customer.as_ref().map(place).transpose()?,
        location: columns.location.as_ref().map(place).transpose()?,
    })
}
