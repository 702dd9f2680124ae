//! Text within XML 1.0.

/// A text as the content of an element; what XML cannot hold is left out.
pub(crate) fn escaped(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => found.push_str("&amp;"),
            '<' => found.push_str("&lt;"),
            '>' => found.push_str("&gt;"),
            '"' => found.push_str("&quot;"),
            '\'' => found.push_str("&apos;"),
            sign if sign.is_control() || ['\u{fffe}', '\u{ffff}'].contains(&sign) => {}
            sign => found.push(sign),
        }
    }
    found
}

/// A text as a segment of an address (RFC 3986).
pub(crate) fn segment(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
