//! Which day of trade is open.

use crate::id::Name;
use crate::time::{BusinessDate, Timestamp, Zone};
use crate::view::WriterRow;

/// How far beyond the end of the latest known day a clock may be and still be believed, in milliseconds: 36 hours, a
/// Sunday and a morning. A shop that was shut for longer says with the close of its last day which one begins.
pub const DOUBT_MILLIS: i64 = 36 * 3_600 * 1_000;

/// The day of trade that what is recorded now belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenDay {
    /// The day.
    pub date: BusinessDate,
    /// Why it is not the day that the clock says.
    pub doubt: Option<Doubt>,
}

/// Why a clock does not decide the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It says a day long after the latest that was traded on: it may have jumped.
    Ahead(BusinessDate),
    /// It says a day before one that was traded on.
    Behind(BusinessDate),
}

impl OpenDay {
    /// Decides from what is known of a writer. The day never goes back, and a clock that is far ahead does not move it
    /// alone: `latest_heard` is the latest day, up to one, that anybody is known to have traded on, by their clock.
    pub fn decide(
        row: Option<&WriterRow>,
        location: &Name,
        zone: &Zone,
        now: Timestamp,
        latest_heard: impl FnOnce(BusinessDate) -> Option<BusinessDate>,
    ) -> Self {
        let today = zone.business_date(now);
        let traded = row.and_then(|row| row.dates.get(location)).copied();
        let begun = row.and_then(|row| row.begun.get(location)).copied();
        let Some(floor) = traded.max(begun) else { return Self { date: today, doubt: None } };
        let believed = |latest| now <= zone.end_of(latest).plus_millis(DOUBT_MILLIS);
        if today <= floor {
            // After an early close the day that is open has not begun by the clock: one day ahead is no doubt.
            let behind = if Some(floor) == begun { today.next() < floor } else { today < floor };
            return Self { date: floor, doubt: behind.then_some(Doubt::Behind(today)) };
        }
        if believed(floor) || latest_heard(today.next()).is_some_and(believed) {
            return Self { date: today, doubt: None };
        }
        Self { date: floor, doubt: Some(Doubt::Ahead(today)) }
    }
}
