//! The codes of vouchers. Whoever knows one can spend it, so none is ever shown whole but to who issued it:
//! [`VoucherCode::ending`] says what else is shown.

use std::fmt;

use crate::id::InvalidId;
use crate::pricing::CouponCode;

/// The letters of codes that nodes make: no I, L, O or U, which are misread or misheard. Each stands for five bits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How many characters a code has that a node made: 95 bits of chance, of which those that know the last four still
/// lack 75, and a check character.
pub const CODE_LEN: usize = 20;
/// How many characters stand together where a code is shown.
const GROUP: usize = 4;
/// The shortest code of a gift card, grouping aside: shorter ones can be found by trying.
const MIN_GIFT_CARD: usize = 16;
/// The longest code.
const MAX_LEN: usize = 64;

/// What stands for the characters of a code that are not shown.
const MASK: &str = "****";

/// A code as somebody typed it, in capitals. Its debug form is its [`Self::ending`].
#[derive(Clone, PartialEq, Eq)]
pub struct VoucherCode {
    typed: String,
    plain: String,
}

impl VoucherCode {
    /// Takes a code: letters, digits, and what groups them.
    ///
    /// # Errors
    /// When it is none. The error does not repeat it.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        let invalid = |rule: &str| InvalidId { kind: "voucher code", value: String::new(), rule: rule.to_owned() };
        let typed = text.trim().to_ascii_uppercase();
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
        if typed.is_empty() || typed.len() > MAX_LEN || !typed.chars().all(is_known) {
            return Err(invalid("it has 1 to 64 letters and digits, grouped by - or spaces"));
        }
        let plain = typed.chars().filter(char::is_ascii_alphanumeric).map(unmistaken).collect();
        Ok(Self { typed, plain })
    }

    /// A code made of chance. Each byte gives five bits.
    pub fn made_of(chance: &[u8; CODE_LEN - 1]) -> Self {
        let values = chance.map(|byte| byte & 31);
        let check = check_of(&values);
        let letters = values.iter().chain([&check]).map(|value| char::from(ALPHABET[usize::from(*value)]));
        let plain: String = letters.collect();
        Self { typed: plain.clone(), plain }
    }

    /// As it is printed on a gift card: in groups.
    pub fn grouped(&self) -> String {
        let letters: Vec<char> = self.plain.chars().collect();
        let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
        groups.join("-")
    }

    /// As a gift card's: letters that are mistaken for digits and what groups them do not matter. None: it is too
    /// short for one.
    pub fn as_gift_card(&self) -> Option<&str> {
        (self.plain.len() >= MIN_GIFT_CARD).then_some(&*self.plain)
    }

    /// As a coupon's.
    pub fn as_coupon(&self) -> Option<CouponCode> {
        CouponCode::new(&self.typed).ok()
    }

    /// What receipts, messages and answers show of it: a mask, and behind it the last four characters where these give
    /// nothing away and are those on the card. So nothing of a code that is too short for a gift card; nor, of a code
    /// that no node made and that mixes letters and digits, a 0 or 1, which may be an O, I or L on paper.
    pub fn ending(&self) -> String {
        let last = self.plain.get(self.plain.len().saturating_sub(GROUP)..).unwrap_or_default();
        let is_long = self.as_gift_card().is_some();
        let is_read_as_printed = self.is_made() || self.is_number() || !last.contains(['0', '1']);
        if is_long && is_read_as_printed { format!("{MASK}{last}") } else { MASK.to_owned() }
    }

    fn is_number(&self) -> bool {
        self.typed.chars().filter(char::is_ascii_alphanumeric).all(|c| c.is_ascii_digit())
    }

    /// Whether it is one that a node made, as far as its check character tells.
    fn is_made(&self) -> bool {
        self.check_sum() == Some(0)
    }

    /// Whether it looks like a code that a node made, and was mistyped.
    pub fn is_mistyped(&self) -> bool {
        self.check_sum().is_some_and(|sum| sum != 0)
    }

    /// What its characters add up to: nothing, where a node made it. None: no node makes such a code.
    fn check_sum(&self) -> Option<u8> {
        let value = |byte: u8| ALPHABET.iter().position(|letter| *letter == byte).and_then(|it| u8::try_from(it).ok());
        let values: Vec<u8> = self.plain.bytes().map(value).collect::<Option<_>>()?;
        (values.len() == CODE_LEN).then(|| sum(&values))
    }
}

impl std::str::FromStr for VoucherCode {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl fmt::Debug for VoucherCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ending())
    }
}

fn unmistaken(c: char) -> char {
    match c {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    }
}

/// Each place has a weight of its own in the field of 32 elements, so a wrong character and two that changed places are
/// both found.
fn sum(values: &[u8]) -> u8 {
    values.iter().fold(0, |sum, value| doubled(sum) ^ value)
}

fn check_of(values: &[u8]) -> u8 {
    doubled(sum(values))
}

/// Times x, modulo x^5 + x^2 + 1.
const fn doubled(value: u8) -> u8 {
    let shifted = value << 1;
    if shifted & 32 == 0 { shifted } else { shifted ^ 37 }
}
