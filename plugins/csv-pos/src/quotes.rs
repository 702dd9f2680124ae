//! Whether quotes are where RFC 4180 has them. The reader of CSV takes them elsewhere, too, and keeps together what are
//! other rows.

const OPEN: &str = "a quote is opened and not closed";
const BEHIND: &str = "there is text behind a closing quote";

/// Where in a field a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Begin,
    Plain,
    Quoted,
    /// Behind a quote that closes, or is the first of two.
    Quote,
}

/// The rule that the quotes of a row break, if they break one.
pub(crate) fn broken(row: &[u8], delimiter: u8) -> Option<&'static str> {
    // Most rows have none.
    if !row.contains(&b'"') {
        return None;
    }
    let mut at = At::Begin;
    for byte in row {
        at = match (at, *byte) {
            (At::Begin | At::Quote, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) => At::Quoted,
            (_, b'\r' | b'\n') => At::Begin,
            (_, byte) if byte == delimiter => At::Begin,
            (At::Quote, _) => return Some(BEHIND),
            _ => At::Plain,
        };
    }
    (at == At::Quoted).then_some(OPEN)
}

/// How long the first line of a row is, with what ends it, and with the line ends before it.
pub(crate) fn first_line(rows: &[u8]) -> usize {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let before = rows.iter().take_while(|byte| is_end(byte)).count();
    let line = rows[before..].iter().take_while(|byte| !is_end(byte)).count();
    (before + line + 1).min(rows.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_closed_and_nothing_is_behind_them() {
        for sound in ["1,TEA\n", "\r\n1,\"a,\nb\"\r\n", "\"\",\"\"\"\"\n", "CU\"P,a\"b\"\n", "\"a\"\"b\"", "", "\n"] {
            assert_eq!(broken(sound.as_bytes(), b','), None, "{sound}");
        }
        for open in ["1,\"12 inch\n2,TEA\n", "\"", "\"a\"\"", "\"\"\""] {
            assert_eq!(broken(open.as_bytes(), b','), Some(OPEN), "{open}");
        }
        for behind in ["\"14\" tray\"\n", "\"a\"b\"c\",1\n", "1,\"a\" ,2\n", "\"a\",\"b\"c"] {
            assert_eq!(broken(behind.as_bytes(), b','), Some(BEHIND), "{behind}");
        }
        assert_eq!(broken(b"\"a\";1\n", b';'), None);
    }

    #[test]
    fn the_first_line_of_a_row_ends_where_its_line_does() {
        for (rows, length) in [("a,b\nc", 4), ("\r\n\na\r\nb", 5), ("a", 1), ("", 0)] {
            assert_eq!(first_line(rows.as_bytes()), length, "{rows:?}");
        }
    }
}
