//! Who may pay back how much of an order's money.
//!
//! ```text
//! rights(w) = [w made it] paid + granted to w - granted by w + taken by w - taken from w - paid back by w
//! ```
//!
//! Only its holder spends a right and gives it away, and of a grant its taker can only hear late: so no more is paid
//! back than was paid, whoever can hear whom. Nothing is kept for it: it is added up from the events that name the
//! order.

use std::collections::BTreeMap;

use super::Order;
use crate::event::{Body, Refund};
use crate::id::Writer;

impl Order {
    /// What each writer may pay back, in minor units; below zero where a grant to it is still to be heard, or it paid
    /// back without the right.
    pub fn refund_rights(&self) -> BTreeMap<Writer, i64> {
        let mut rights = BTreeMap::from([(self.origin.writer.clone(), self.paid())]);
        let mut add = |writer: &Writer, amount: i64| {
            let held = rights.entry(writer.clone()).or_default();
            *held = held.saturating_add(amount);
        };
        for (event, origin) in &self.later {
            match &event.body {
                Body::Refund(refund) => add(&origin.writer, -paid_back(refund)),
                Body::RefundGrant(grant) => {
                    add(&origin.writer, -grant.amount.amount);
                    add(&grant.to, grant.amount.amount);
                }
                Body::RefundReclaim(reclaim) => {
                    add(&reclaim.of, -reclaim.amount.amount);
                    add(&origin.writer, reclaim.amount.amount);
                }
                _ => {}
            }
        }
        rights
    }
}

/// What a refund comes to; as much as 64 bits hold where a hostile node says more.
fn paid_back(refund: &Refund) -> i64 {
    refund.tenders.iter().fold(0, |sum: i64, tender| sum.saturating_add(tender.amount))
}
