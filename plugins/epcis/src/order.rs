//! Orders as business transactions: `urn:epcglobal:cbv:bt:<GLN of who numbers them>:<number>`, or any URI
//! (Core Business Vocabulary 2.0).

use std::fmt::Write;

use tillmesh_plugin::{Context, Failure};

use crate::fields::Fields;
use crate::vocabulary::{TRANSACTION, Term};

const URN: &str = "urn:epcglobal:cbv:bt:";

/// The number of the purchase order that an event names first.
///
/// # Errors
/// `malformed`.
pub(crate) fn of(fields: &Fields<'_>) -> Result<Option<String>, Failure> {
    for transaction in fields.objects("bizTransactionList")? {
        let kind = transaction.text("type")?.map(|kind| TRANSACTION.term(kind));
        if kind == Some(Term::Standard("po")) {
            let uri = transaction.uri("bizTransaction")?;
            let number = uri.strip_prefix(URN).and_then(|rest| rest.split_once(':')).and_then(|it| unescaped(it.1));
            return Ok(Some(number.unwrap_or_else(|| uri.to_owned())));
        }
    }
    Ok(None)
}

/// The URI of an order's number: what is one already, or with the setting `own-gln`. None: it cannot be named.
pub(crate) fn uri(number: &str, context: &Context) -> Option<String> {
    let is_uri = number.contains(':') && !number.contains(char::is_whitespace);
    let named = || context.setting("own-gln").map(|gln| format!("{URN}{gln}:{}", escaped(number)));
    if is_uri { Some(number.to_owned()) } else { named() }
}

fn escaped(number: &str) -> String {
    let mut escaped = String::with_capacity(number.len());
    for byte in number.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// A text without its escapes. None: they are none, or the bytes are no UTF-8.
pub(crate) fn unescaped(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut unescaped = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            // The reader of numbers takes a sign, too.
            let digits = [bytes.next()?, bytes.next()?];
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            unescaped.push(u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            unescaped.push(byte);
        }
    }
    String::from_utf8(unescaped).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_again() {
        for number in ["4711", "PO 4711/a:b", "\u{20ac}%"] {
            assert_eq!(unescaped(&escaped(number)).as_deref(), Some(number));
        }
        for bad in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(unescaped(bad), None, "{bad}");
        }
    }
}
