//! Kinds of events, by number. What a role may write is decided by the number alone, so that a node that does not know
//! a kind yet decides as one that does: else the two would not take in the same ledgers.
//!
//! ```text
//!    0 ..  16   the kinds of the first version, see [`Body`]
//!   32 ..  63   for kinds that make rights or take them from others, which a location's keeper writes: 32 is a
//!               reclaim, 33 one of rights to pay back
//!   64 ..  95   for kinds that belong to selling and promising: 64 is money that moves without a sale, 65 a voucher
//!               that is redeemed, 66 the right to pay back given away, 67 the end of an epoch, 68 a question whether a
//!               confirmed promise can be given up, 69 what a gift card was paid with, 70 a use of a voucher given
//!               back, 71 what is held of a node beyond its retirement
//!   96 .. 127   for kinds that belong to serving an order: 96 is how far its goods have come, 97 that they arrived,
//!               98 that goods may come back, 99 what becomes of those that did, 100 that a promise can be given up
//!   others      for kinds that only those may write who may write everything: 128 is a voucher that is issued
//! ```
//!
//! So a new kind takes its number from the range of those who shall write it, and every version of an event's record
//! keeps the body in its place.

use std::fmt;

use minicbor::Decoder;

use super::Body;

/// The kinds of this version: their numbers and words.
const WORDS: [(u32, &str); 33] = [
    (0, "sale"),
    (1, "return"),
    (2, "receipt"),
    (3, "count"),
    (4, "transfer-out"),
    (5, "transfer-in"),
    (6, "adjustment"),
    (7, "promise"),
    (8, "release"),
    (9, "fulfilment"),
    (10, "mint"),
    (11, "grant"),
    (12, "refund"),
    (13, "day-close"),
    (14, "burn"),
    (15, "confirmation"),
    (16, "resolution"),
    (32, "reclaim"),
    (33, "refund-reclaim"),
    (64, "cash-movement"),
    (65, "redemption"),
    (66, "refund-grant"),
    (67, "fence"),
    (68, "cancellation-request"),
    (69, "voucher-sale"),
    (70, "redemption-reversal"),
    (71, "beyond-retirement"),
    (96, "progress"),
    (97, "delivery"),
    (98, "return-authorisation"),
    (99, "disposition"),
    (100, "consent"),
    (128, "issue"),
];
/// The fields of a record before its body.
const BEFORE_BODY: u64 = 4;

/// The kind of an event, which this node need not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(Option<u32>);

/// What kinds have in common as to who may write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Selling and promising with the rights for it, and the end of a day of it.
    Trade,
    /// Serving an order: fulfilments, returns, refunds, decisions.
    Service,
    /// The arrival of what another location sent.
    Arrival,
    /// Rights out of nothing, or out of the hands of who is gone.
    Minting,
    /// Everything else: booking in, counting, correcting.
    Booking,
}

impl Kind {
    /// The kind of a [`super::Promise`].
    pub const PROMISE: Self = Self(Some(7));
    /// The kind of a [`super::Refund`].
    pub const REFUND: Self = Self(Some(12));
    /// The kind of a [`super::Redemption`].
    pub const REDEMPTION: Self = Self(Some(65));
    /// The kind of a [`super::Consent`].
    pub const CONSENT: Self = Self(Some(100));

    /// The kind of a body.
    pub fn of(body: &Body) -> Self {
        let found = WORDS.iter().find(|(_, word)| *word == body.kind());
        Self(found.map(|(number, _)| *number))
    }

    /// The kind that a ledger's value says that it is, of whatever version.
    pub fn read(value: &[u8]) -> Self {
        Self(value.split_first().and_then(|(_, record)| number_in(record).ok()))
    }

    /// Whether it is a day's end, which a ledger of arrivals has as well.
    pub fn ends_a_day(self) -> bool {
        self.word() == Some("day-close")
    }

    /// What it has in common with others.
    pub fn class(self) -> Class {
        match self.0 {
            Some(0 | 7 | 8 | 11 | 13..=15 | 64..=95) => Class::Trade,
            Some(1 | 9 | 12 | 16 | 96..=127) => Class::Service,
            Some(5) => Class::Arrival,
            Some(10 | 32..=63) => Class::Minting,
            _ => Class::Booking,
        }
    }

    fn word(self) -> Option<&'static str> {
        let number = self.0?;
        WORDS.iter().find(|(known, _)| *known == number).map(|(_, word)| *word)
    }
}

fn number_in(record: &[u8]) -> Result<u32, minicbor::decode::Error> {
    let mut decoder = Decoder::new(record);
    decoder.array()?;
    (0..BEFORE_BODY).try_for_each(|_| decoder.skip())?;
    decoder.array()?;
    decoder.u32()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word() {
            Some(word) => write!(f, "a {word}"),
            None => f.write_str("an event of a newer version"),
        }
    }
}
