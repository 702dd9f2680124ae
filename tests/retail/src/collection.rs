//! A folder of months and of what they must add up to.
//!
//! ```text
//! online_retail_<month>.csv[.gz]           the lines of a month
//! per_stockcode_net_units.csv[.gz]         stock_code,rows,net_units,net_value_gbp over all of them
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use crate::row::{self, ReadError, Row, tenths_of_a_penny};

/// Months in their order, and their totals as published.
pub struct Collection {
    /// The months.
    pub months: Vec<Month>,
    /// The totals by stock code.
    pub totals: BTreeMap<String, Total>,
}

/// A month of trade.
pub struct Month {
    /// Its file.
    pub name: String,
    /// Its lines.
    pub rows: Vec<Row>,
}

/// What the lines of a stock code add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// How many lines it has.
    pub rows: u64,
    /// The sum of their quantities.
    pub units: i64,
    /// The sum of quantity times price, in tenths of a penny.
    pub tenths: i64,
}

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// The system refused.
    #[error("{path}: {error}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is not as published.
    #[error("{path}: {error}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        error: ReadError,
    },
}

impl Collection {
    /// The collection that `TILLMESH_FIXTURES` leads to; without it the sample, and a word about it.
    ///
    /// # Errors
    /// When a file cannot be read or is not as published.
    pub fn at_hand() -> Result<Self, CollectionError> {
        let folder = std::env::var_os("TILLMESH_FIXTURES").map_or_else(
            || {
                println!("TILLMESH_FIXTURES is not set: the wide run is left out, the sample is played");
                Path::new(env!("CARGO_MANIFEST_DIR")).join("sample")
            },
            |fixtures| PathBuf::from(fixtures).join("online_retail"),
        );
        Self::read(&folder)
    }

    /// Reads a folder.
    ///
    /// # Errors
    /// When a file cannot be read or is not as published.
    pub fn read(folder: &Path) -> Result<Self, CollectionError> {
        let (mut months, mut totals) = (Vec::new(), BTreeMap::new());
        for path in files(folder)? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let content = |error| CollectionError::Content { path: path.clone(), error };
            if name.starts_with("online_retail_") {
                months.push(Month { rows: row::read(open(&path)?).map_err(content)?, name });
            } else if name.starts_with("per_stockcode_net_units.csv") {
                totals = read_totals(open(&path)?).map_err(content)?;
            }
        }
        Ok(Self { months, totals })
    }

    /// Every line of every month.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.months.iter().flat_map(|month| &month.rows)
    }

    /// What the lines add up to, worked out anew.
    pub fn sums(&self) -> BTreeMap<String, Total> {
        let mut sums: BTreeMap<String, Total> = BTreeMap::new();
        for row in self.rows() {
            let sum = sums.entry(row.code.clone()).or_default();
            sum.rows += 1;
            sum.units += row.quantity;
            sum.tenths += row.value();
        }
        sums
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, CollectionError> {
    let refused = |error| CollectionError::File { path: folder.to_path_buf(), error };
    let entries = std::fs::read_dir(folder).map_err(refused)?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>().map_err(refused)?;
    files.sort();
    Ok(files)
}

fn open(path: &Path) -> Result<Box<dyn Read>, CollectionError> {
    let file = File::open(path).map_err(|error| CollectionError::File { path: path.to_path_buf(), error })?;
    Ok(if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

#[derive(Deserialize)]
struct PublishedTotal {
    stock_code: String,
    rows: u64,
    net_units: i64,
    net_value_gbp: String,
}

fn read_totals(file: impl Read) -> Result<BTreeMap<String, Total>, ReadError> {
    let mut totals = BTreeMap::new();
    for (line, published) in (2..).zip(csv::Reader::from_reader(file).into_deserialize()) {
        let PublishedTotal { stock_code, rows, net_units, net_value_gbp } = published?;
        let tenths = signed_tenths(&net_value_gbp).ok_or(ReadError::Price { line, text: net_value_gbp })?;
        totals.insert(stock_code, Total { rows, units: net_units, tenths });
    }
    Ok(totals)
}

fn signed_tenths(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    tenths_of_a_penny(digits).map(|tenths| sign * tenths)
}

#[cfg(test)]
mod tests;
