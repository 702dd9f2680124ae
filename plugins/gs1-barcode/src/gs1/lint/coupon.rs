//! Tests of coupons of North America (GS1 General Specifications, AIs 8110 and 8112): digits, one field after the
//! other, most of them with their length before them.

use std::ops::RangeInclusive;

use super::{Breach, CouponField, Finding, Register, date, digits, found, prefix};

/// The length before a company prefix, a funder, a retailer or a serial number counts the digits above six.
const ABOVE: usize = 6;
const OFFER_DIGITS: usize = 6;
const FAMILY_DIGITS: usize = 3;
const DATE_DIGITS: usize = 6;
/// What stands for the length of a company prefix that is left out.
const LEFT_OUT: usize = 9;

/// The codes for how much of an article must be bought.
const REQUIREMENT_CODES: &[u8] = b"012349";

/// Reads a coupon from its beginning to its end.
struct Reader<'a> {
    value: &'a str,
    at: usize,
    register: &'a dyn Register,
}

/// A coupon's offer, AI 8110.
pub(super) fn code(value: &str, register: &dyn Register) -> Result<(), Finding> {
    digits(value)?;
    let mut coupon = Reader { value, at: 0, register };
    coupon.company(CouponField::Company, 0..=6)?;
    coupon.exactly(CouponField::Offer, OFFER_DIGITS)?;
    coupon.sized(CouponField::SaveValue, 1..=5, 0)?;
    coupon.requirement(CouponField::FirstRequirement, CouponField::FirstRequirementCode, CouponField::FirstFamily)?;
    if coupon.option(b'1') {
        coupon.code(CouponField::AdditionalRules, b"0123")?;
        coupon.requirement(
            CouponField::SecondRequirement,
            CouponField::SecondRequirementCode,
            CouponField::SecondFamily,
        )?;
        coupon.company_or_none(CouponField::SecondCompany)?;
    }
    if coupon.option(b'2') {
        coupon.requirement(
            CouponField::ThirdRequirement,
            CouponField::ThirdRequirementCode,
            CouponField::ThirdFamily,
        )?;
        coupon.company_or_none(CouponField::ThirdCompany)?;
    }
    coupon.dates()?;
    if coupon.option(b'5') {
        coupon.sized(CouponField::Serial, 0..=9, ABOVE)?;
    }
    if coupon.option(b'6') {
        coupon.company(CouponField::Retailer, 1..=7)?;
    }
    if coupon.option(b'9') {
        coupon.code(CouponField::SaveValueCode, b"01256")?;
        coupon.code(CouponField::AppliesTo, b"012")?;
        coupon.code(CouponField::StoreCoupon, b"0123456789")?;
        coupon.code(CouponField::Multiply, b"01")?;
    }
    coupon.end()
}

/// An offer that is redeemed at the till, AI 8112.
pub(super) fn offer(value: &str, register: &dyn Register) -> Result<(), Finding> {
    digits(value)?;
    let mut coupon = Reader { value, at: 0, register };
    coupon.code(CouponField::Format, b"01")?;
    coupon.sized(CouponField::Funder, 0..=6, ABOVE)?;
    coupon.exactly(CouponField::Offer, OFFER_DIGITS)?;
    coupon.sized(CouponField::Serial, 0..=9, ABOVE)?;
    coupon.end()
}

impl Reader<'_> {
    fn next(&self) -> Option<u8> {
        self.value.as_bytes().get(self.at).copied()
    }

    /// Whether an optional field of this number follows; passes it over, if so.
    fn option(&mut self, number: u8) -> bool {
        let is_next = self.next() == Some(number);
        self.at += usize::from(is_next);
        is_next
    }

    /// What is missing at the end is missing of the whole.
    fn missing(&self, breach: Breach) -> Result<(), Finding> {
        found(breach, 0..self.value.len())
    }

    /// So many digits.
    fn exactly(&mut self, field: CouponField, count: usize) -> Result<(), Finding> {
        self.take(count, Breach::Truncated(field))
    }

    fn take(&mut self, count: usize, cut_off: Breach) -> Result<(), Finding> {
        let rest = self.value.len() - self.at;
        match rest {
            0 if count > 0 => self.missing(cut_off),
            _ if rest < count => found(cut_off, self.at..self.value.len()),
            _ => {
                self.at += count;
                Ok(())
            }
        }
    }

    /// A code, one of some digits.
    fn code(&mut self, field: CouponField, codes: &[u8]) -> Result<(), Finding> {
        match self.next() {
            None => self.missing(Breach::MissingCode(field)),
            Some(code) if codes.contains(&code) => {
                self.at += 1;
                Ok(())
            }
            Some(_) => found(Breach::InvalidCode(field), self.at..self.at + 1),
        }
    }

    /// The length before a field.
    fn length(&mut self, field: CouponField, may_be: impl Fn(usize) -> bool) -> Result<usize, Finding> {
        let Some(digit) = self.next() else {
            return self.missing(Breach::MissingLength(field)).map(|()| 0);
        };
        let length = usize::from(digit.saturating_sub(b'0'));
        if !may_be(length) {
            return found(Breach::InvalidLength(field), self.at..self.at + 1).map(|()| 0);
        }
        self.at += 1;
        Ok(length)
    }

    /// A field with its length before it.
    fn sized(&mut self, field: CouponField, lengths: RangeInclusive<usize>, above: usize) -> Result<(), Finding> {
        let length = self.length(field, |length| lengths.contains(&length))?;
        self.exactly(field, length + above)
    }

    /// A company prefix with its length before it.
    fn company(&mut self, field: CouponField, lengths: RangeInclusive<usize>) -> Result<(), Finding> {
        let begin = self.at + 1;
        self.sized(field, lengths, ABOVE)?;
        prefix::within(self.value, begin..self.at, self.register)
    }

    /// The same, or a mark that there is none.
    fn company_or_none(&mut self, field: CouponField) -> Result<(), Finding> {
        let length = self.length(field, |length| length <= ABOVE || length == LEFT_OUT)?;
        if length == LEFT_OUT {
            return Ok(());
        }
        let begin = self.at;
        self.exactly(field, length + ABOVE)?;
        prefix::within(self.value, begin..self.at, self.register)
    }

    /// How much of which article must be bought.
    fn requirement(&mut self, amount: CouponField, code: CouponField, family: CouponField) -> Result<(), Finding> {
        self.sized(amount, 1..=5, 0)?;
        self.code(code, REQUIREMENT_CODES)?;
        self.exactly(family, FAMILY_DIGITS)
    }

    /// When the coupon ends and begins, where it says so.
    fn dates(&mut self) -> Result<(), Finding> {
        let mut expiry = None;
        if self.option(b'3') {
            expiry = Some(self.date(Breach::CouponTooShortForExpiry, Breach::CouponExpiry)?);
        }
        if self.option(b'4') {
            let begin = self.at;
            let start = self.date(Breach::CouponTooShortForStart, Breach::CouponStart)?;
            if expiry.is_some_and(|expiry| start > expiry) {
                // Both fields, with their numbers.
                return found(Breach::CouponExpiresBeforeStart, begin - DATE_DIGITS - 2..begin + DATE_DIGITS);
            }
        }
        Ok(())
    }

    fn date(&mut self, cut_off: Breach, wrong: Breach) -> Result<String, Finding> {
        let begin = self.at;
        self.take(DATE_DIGITS, cut_off)?;
        let date = &self.value[begin..self.at];
        if date::short(date, false).is_err() {
            return found(wrong, begin..self.at).map(|()| String::new());
        }
        Ok(date.to_owned())
    }

    fn end(&self) -> Result<(), Finding> {
        if self.at == self.value.len() { Ok(()) } else { found(Breach::CouponExcess, self.at..self.value.len()) }
    }
}
