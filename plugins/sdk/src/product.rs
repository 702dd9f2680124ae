//! What channels say of products, as a node takes it.

/// How long a GTIN may be.
const GTIN_DIGITS: [usize; 4] = [8, 12, 13, 14];
/// The longest text of a product that a node takes, in bytes.
const MAX_TEXT: usize = 200;

/// Whether it is a GTIN whose check digit holds (GS1 General Specifications). Others are of another system.
pub fn is_gtin(text: &str) -> bool {
    let weight = |place: usize| if place % 2 == 1 { 3 } else { 1 };
    let digits =
        text.bytes().rev().enumerate().map(|(place, digit)| u32::from(digit.wrapping_sub(b'0')) * weight(place));
    GTIN_DIGITS.contains(&text.len())
        && text.bytes().all(|digit| digit.is_ascii_digit())
        && digits.sum::<u32>() % 10 == 0
}

/// As much of a text as a node takes, such as a name, without what it does not.
pub fn shortened(text: &str) -> String {
    let mut short: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    short.truncate(short.floor_char_boundary(MAX_TEXT));
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gtin_has_a_length_and_a_check_digit() {
        for sound in ["96385074", "012345678905", "4006381333931", "10614141000415"] {
            assert!(is_gtin(sound), "{sound}");
        }
        for other in ["", "4006381333932", "400638133393", "1234_pink", "\u{664}006381333931", "40063813339310"] {
            assert!(!is_gtin(other), "{other}");
        }
    }

    #[test]
    fn a_text_is_cut_between_letters_and_has_no_control_characters() {
        assert_eq!(shortened("tea\tpot"), "tea pot");
        assert_eq!(shortened(&"\u{e9}".repeat(101)), "\u{e9}".repeat(100));
        assert_eq!(shortened(&format!("x{}", "\u{e9}".repeat(100))).len(), 199);
    }
}
