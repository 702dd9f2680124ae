//! How a till writes its file, as the channel's settings say.

use jiff::tz::Offset;
use tillmesh_plugin::{Context, Failure, failure};

/// The largest offset that is in use anywhere, in whole hours: Kiribati's.
const MAX_OFFSET_HOURS: u8 = 14;

/// The settings, read once a call.
#[derive(Debug)]
pub(crate) struct Settings {
    pub delimiter: u8,
    pub columns: Columns<String>,
    pub currency: String,
    /// For times that say none.
    pub offset: Option<Offset>,
    pub decimal_comma: bool,
    /// Receipts that begin so take goods back.
    pub return_prefix: Option<String>,
    /// Codes that are money and no article, such as postage.
    pub charges: Vec<String>,
    pub skips_bad_rows: bool,
    /// Locations of the node by what the file calls them.
    pub locations: Vec<(String, String)>,
}

/// One value for each column that is read.
#[derive(Debug, Clone)]
pub(crate) struct Columns<T> {
    pub receipt: T,
    pub sku: T,
    pub quantity: T,
    pub unit_price: T,
    pub time: T,
    pub customer: Option<T>,
    pub location: Option<T>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// `rejected`, with the setting, its value and the rule.
    pub fn of(context: &Context) -> Result<Self, Failure> {
        let text = |key: &str| context.setting(key).filter(|value| !value.is_empty()).map(str::to_owned);
        let column = |key: &str, usual: &str| text(&format!("column.{key}")).unwrap_or_else(|| usual.to_owned());
        let prefixed =
            |(key, value): &(String, String)| Some((key.strip_prefix("location.")?.to_owned(), value.clone()));
        Ok(Self {
            delimiter: delimiter(context)?,
            columns: Columns {
                receipt: column("receipt", "receipt"),
                sku: column("sku", "sku"),
                quantity: column("quantity", "quantity"),
                unit_price: column("unit-price", "unit_price"),
                time: column("time", "sold_at"),
                customer: text("column.customer"),
                location: text("column.location"),
            },
            currency: currency(context)?,
            offset: offset(context)?,
            decimal_comma: flag(context, "decimal-comma", ["no", "yes"])?,
            return_prefix: text("return-prefix"),
            charges: text("charges").map(|list| list.split(' ').map(str::to_owned).collect()).unwrap_or_default(),
            skips_bad_rows: flag(context, "bad-rows", ["refuse", "skip"])?,
            locations: context.config.iter().filter_map(prefixed).collect(),
        })
    }
}

fn delimiter(context: &Context) -> Result<u8, Failure> {
    match context.setting("delimiter").unwrap_or(",") {
        "tab" => Ok(b'\t'),
        text if text.len() == 1 && !text.contains(['"', '\r', '\n']) => Ok(text.as_bytes()[0]),
        text => Err(failure::rejected("delimiter", text, "it must be one ASCII character, or the word tab")),
    }
}

fn currency(context: &Context) -> Result<String, Failure> {
    let code = context.setting("currency").unwrap_or_default();
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code.to_owned());
    }
    Err(failure::rejected("currency", code, "the channel's settings must name the currency of the file, such as EUR"))
}

fn offset(context: &Context) -> Result<Option<Offset>, Failure> {
    let Some(text) = context.setting("utc-offset") else { return Ok(None) };
    let wrong = || failure::rejected("utc-offset", text, "it must be an offset such as +01:00");
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return Err(wrong()),
    };
    let (hours, minutes) = digits.split_once(':').ok_or_else(wrong)?;
    let two = |text: &str| if text.len() == 2 { text.parse::<u8>().ok() } else { None };
    let minutes = two(minutes).filter(|minutes| *minutes < 60).ok_or_else(wrong)?;
    let hours = two(hours).filter(|hours| *hours <= MAX_OFFSET_HOURS).ok_or_else(wrong)?;
    let seconds = i32::from(hours) * 3_600 + i32::from(minutes) * 60;
    Offset::from_seconds(sign * seconds).map(Some).map_err(|_| wrong())
}

/// A setting with two words, the first being the usual one.
fn flag(context: &Context, key: &str, words: [&str; 2]) -> Result<bool, Failure> {
    match context.setting(key).unwrap_or(words[0]) {
        word if word == words[0] => Ok(false),
        word if word == words[1] => Ok(true),
        word => Err(failure::rejected(key, word, format!("it must be {} or {}", words[0], words[1]))),
    }
}
