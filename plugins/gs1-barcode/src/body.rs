//! What a message says: scans, one a line, or as JSON with what they are for.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use tillmesh_plugin::json::{self, Field, Raw};
use tillmesh_plugin::location::{self, Place as Where};
use tillmesh_plugin::{Context, Failure, Message, failure};

use crate::purpose::Purpose;
use crate::settings::Settings;

/// The most scans of a message: two look-ups each stay well within the calls to the host that a call may make.
const MAX_SCANS: usize = 2_000;
/// What some programs write before a text in UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';
/// The longest reference and the longest reason that a node takes, in bytes.
pub(crate) const MAX_REFERENCE: usize = 128;
const MAX_REASON: usize = 255;

/// What a message says.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub purpose: Purpose,
    pub reference: String,
    /// The receipt or order by which returned goods were sold.
    pub order: Option<String>,
    /// Why goods are written off.
    pub reason: Option<String>,
    pub location: Where,
    /// When it was done, in microseconds since 1970.
    pub at: i64,
    pub scans: Vec<Entry<'a>>,
}

/// A scan.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Where it stands in the message.
    pub place: Place,
    /// What the scanner sent.
    pub data: Cow<'a, str>,
    /// How often, where the message says so.
    pub quantity: Option<u64>,
}

/// Where a scan stands in its message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// In a line of a text, from 1.
    Line(usize),
    /// In the list of a document, from 0.
    Scan(usize),
}

/// As the field of a failure.
impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(out, "line {number}"),
            Self::Scan(index) => write!(out, "scans[{index}].data"),
        }
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    purpose: Raw<'a>,
    #[serde(borrow)]
    reference: Raw<'a>,
    #[serde(borrow)]
    order: Raw<'a>,
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    location: Raw<'a>,
    #[serde(borrow)]
    at: Raw<'a>,
    #[serde(borrow)]
    scans: Option<Vec<ScanWire<'a>>>,
}

#[derive(Deserialize)]
struct ScanWire<'a> {
    #[serde(borrow)]
    data: Raw<'a>,
    #[serde(borrow)]
    quantity: Raw<'a>,
    #[serde(borrow)]
    at: Raw<'a>,
}

/// Reads a message.
///
/// # Errors
/// `malformed`, `rejected` or `unsupported`, with the field.
pub(crate) fn read<'a>(message: &'a Message, context: &Context, settings: &Settings<'_>) -> Result<Body<'a>, Failure> {
    let media_type = message.content_type.split(';').next().unwrap_or_default().trim();
    match media_type {
        "text/plain" => lines(message, settings),
        _ if media_type == "application/json" || media_type.ends_with("+json") => {
            document(&json::read(&message.piece.bytes)?, message, context, settings)
        }
        other => Err(failure::unsupported("content-type", other, "it must be text/plain or application/json")),
    }
}

fn lines<'a>(message: &'a Message, settings: &Settings<'_>) -> Result<Body<'a>, Failure> {
    let text = str::from_utf8(&message.piece.bytes).map_err(|_| failure::malformed("body", "", "it is no UTF-8"))?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    // Many scanners end what they send with CR alone.
    let line_end = if text.contains('\n') { '\n' } else { '\r' };
    let lines = text.split(line_end).map(bare).enumerate();
    let scans = lines.filter(|(_, line)| !line.is_empty()).map(|(index, line)| Entry {
        place: Place::Line(index + 1),
        data: Cow::Borrowed(line),
        quantity: None,
    });
    let body = Body {
        purpose: purpose(None, message, settings)?,
        reference: reference("message id", &message.id)?,
        order: None,
        reason: None,
        location: Where::Unsaid,
        at: message.received_at,
        scans: scans.collect(),
    };
    must_be_few(body)
}

fn document(
    wire: &Wire<'_>,
    message: &Message,
    context: &Context,
    settings: &Settings<'_>,
) -> Result<Body<'static>, Failure> {
    let text = |name, raw| Field::new(name, raw).text();
    let referred = |name, raw| text(name, raw)?.map(|id| reference(name, &id)).transpose();
    let scans = Field::new("scans", None).require(wire.scans.as_deref())?;
    let (mut entries, mut latest) = (Vec::with_capacity(scans.len()), None);
    for (index, scan) in scans.iter().enumerate() {
        let (entry, at) = entry(index, scan).map_err(|failure| within(index, failure))?;
        latest = latest.max(at);
        entries.push(entry);
    }
    let location = text("location", wire.location)?;
    let reason = Field::new("reason", wire.reason);
    let body = Body {
        purpose: purpose(text("purpose", wire.purpose)?, message, settings)?,
        reference: match referred("reference", wire.reference)? {
            Some(stated) => stated,
            None => reference("message id", &message.id)?,
        },
        order: referred("order", wire.order)?,
        reason: reason.text()?,
        location: location::of("location", location.as_deref(), context)?,
        at: Field::new("at", wire.at).time()?.or(latest).unwrap_or(message.received_at),
        scans: entries,
    };
    if body.reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON) {
        return Err(reason.malformed(format!("it must have at most {MAX_REASON} bytes")));
    }
    must_be_few(body)
}

/// A scan, and when it was.
fn entry(index: usize, scan: &ScanWire<'_>) -> Result<(Entry<'static>, Option<i64>), Failure> {
    let (data, quantity) = (Field::new("data", scan.data), Field::new("quantity", scan.quantity));
    let text = data.require(data.text()?)?;
    let units = quantity.units()?.map(u64::try_from).transpose();
    let units = units.map_err(|_| quantity.malformed("it must be at least 0"))?;
    let at = Field::new("at", scan.at).time()?;
    Ok((Entry { place: Place::Scan(index), data: Cow::Owned(bare(&text).to_owned()), quantity: units }, at))
}

/// A failure of a scan, with the scan's place.
fn within(index: usize, mut failure: Failure) -> Failure {
    let (Failure::Malformed(detail)
    | Failure::Unsupported(detail)
    | Failure::UnknownSku(detail)
    | Failure::Rejected(detail)
    | Failure::Retry(detail)) = &mut failure;
    detail.field = format!("scans[{index}].{}", detail.field);
    failure
}

/// A scan without what a scanner or an app puts around it. GS, which is no white space, belongs to it.
fn bare(scan: &str) -> &str {
    scan.trim_matches([' ', '\t', '\r', '\n'])
}

/// What the body says, else the topic, else the settings.
fn purpose(stated: Option<String>, message: &Message, settings: &Settings<'_>) -> Result<Purpose, Failure> {
    if let Some(word) = stated {
        return Purpose::named("purpose", &word);
    }
    let unsaid = || {
        let rule = "neither the message nor its topic nor the setting purpose says what the scans are for";
        failure::rejected("purpose", &message.topic, rule)
    };
    Purpose::of_topic(&message.topic)?.or(settings.purpose).ok_or_else(unsaid)
}

/// An id as a node takes one.
fn reference(field: &str, id: &str) -> Result<String, Failure> {
    let is_one = (1..=MAX_REFERENCE).contains(&id.len()) && id.trim() == id && !id.chars().any(char::is_control);
    if is_one {
        return Ok(id.to_owned());
    }
    let rule = format!("it must have 1 to {MAX_REFERENCE} bytes, no white space at its ends and no control characters");
    Err(failure::malformed(field, id, rule))
}

fn must_be_few(body: Body<'_>) -> Result<Body<'_>, Failure> {
    let count = body.scans.len();
    if count > MAX_SCANS {
        let rule = format!("a message has at most {MAX_SCANS} scans: send more messages");
        return Err(failure::unsupported("scans", count, rule));
    }
    Ok(body)
}
