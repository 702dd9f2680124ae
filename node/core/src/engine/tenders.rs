//! Means of payment: which a sale takes, and how much of them.
//!
//! What is given for a sale is at most what is to be paid. Cash is given back as change, a cash tender below zero, so
//! that the drawer, the order and what may be paid back say the same.

use super::Engine;
use super::prices::{check_most, same_currency};
use super::state::Call;
use crate::command::TenderRequest;
use crate::day::CASH;
use crate::event::{Body, Sale, Tender};
use crate::id::{Name, Reference};
use crate::money::Currency;
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::voucher::{GIFT_CARD, VoucherCode};

impl<S: Storage> Engine<S> {
    /// Checks that what is given for a sale is no more than is to be paid, once change is taken off.
    pub(super) fn check_given(&self, call: &Call<'_>, location: &Name, sale: &Sale) -> Result<(), Refusal> {
        if sale.tenders.is_empty() {
            return Ok(());
        }
        check_change("tenders", &sale.tenders)?;
        let mut taxed = Body::Sale(sale.clone());
        self.tax(&mut taxed, self.day(call.now, location).date);
        let Body::Sale(sale) = &taxed else { return Ok(()) };
        check_cards(sale)?;
        sale.due().map_or(Ok(()), |due| check_due(&sale.tenders, due))
    }

    /// Cash lies in the drawer of the node's own location, whose books must say so.
    pub(super) fn check_drawer(
        &self,
        location: Option<&Name>,
        field: &str,
        given: &[TenderRequest],
    ) -> Result<(), Refusal> {
        let own = &self.config.location;
        let Some(place) = given.iter().position(|it| it.kind.as_str() == CASH) else { return Ok(()) };
        match location.filter(|location| *location != own) {
            Some(location) => {
                let rule = format!(
                    "cash is in the drawer of this node's own location, {own}: for {location}, record it at a node of \
                     that location, or name another means of payment"
                );
                Err(Refusal::invalid(format!("{field}[{place}].kind"), CASH, rule))
            }
            None => Ok(()),
        }
    }
}

/// Checks means of payment: their currency is the document's, their amounts are positive or, for change given back,
/// negative.
pub(super) fn check_tenders(
    field: &str,
    requests: &[TenderRequest],
    currency: &mut Option<Currency>,
) -> Result<Vec<Tender>, Refusal> {
    check_most(field, requests.len())?;
    let check = |(index, request): (usize, &TenderRequest)| {
        let at = format!("{field}[{index}].amount");
        request.amount.checked().map_err(|e| Refusal::invalid(&at, request.amount.amount, e.to_string()))?;
        same_currency(format_args!("{at}.currency"), Some(request.amount.currency), currency)?;
        check_spelling(field, index, &request.kind)?;
        let (kind, reference) = (request.kind.clone(), shown_reference(request));
        Ok(Tender { kind, amount: request.amount.amount, reference })
    };
    requests.iter().enumerate().map(check).collect()
}

/// A gift card under another spelling would be a payment of any kind, and its code a reference that everybody sees;
/// cash would be missing in the drawer.
fn check_spelling(field: &str, index: usize, kind: &Name) -> Result<(), Refusal> {
    let plain = |text: &str| text.replace(['-', '_', '.'], "").to_ascii_lowercase();
    let meant = [GIFT_CARD, CASH].into_iter().find(|word| plain(kind.as_str()) == plain(word));
    match meant.filter(|word| kind.as_str() != *word) {
        Some(word) => Err(Refusal::invalid(format!("{field}[{index}].kind"), kind, format!("it is spelt {word}"))),
        None => Ok(()),
    }
}

/// The reference of a payment as it is kept: of a gift card's code the end only.
fn shown_reference(request: &TenderRequest) -> Option<Reference> {
    if request.kind.as_str() != GIFT_CARD {
        return request.reference.clone();
    }
    let code = VoucherCode::new(request.reference.as_ref()?.as_str()).ok()?;
    Reference::new(&code.ending()).ok()
}

/// Checks that change is given back in cash, and no more than came in so.
pub(super) fn check_change(field: &str, tenders: &[Tender]) -> Result<(), Refusal> {
    let other = tenders.iter().enumerate().find(|(_, tender)| tender.amount < 0 && !is_cash(tender));
    if let Some((index, tender)) = other {
        let rule = format!("change is given back in {CASH}: what is below zero is of that kind");
        return Err(Refusal::invalid(format!("{field}[{index}].amount.amount"), tender.amount, rule));
    }
    let left = sum(tenders.iter().filter(|tender| is_cash(tender)));
    if left < 0 {
        return Err(Refusal::invalid(field, left, "no more cash is given back as change than was given"));
    }
    Ok(())
}

/// Gift cards pay no more than is to be paid: they give no change.
fn check_cards(sale: &Sale) -> Result<(), Refusal> {
    let (cards, total) = (sum(sale.tenders.iter().filter(|it| it.kind.as_str() == GIFT_CARD)), sale.total());
    if cards > total {
        let rule = format!("gift cards give no change: {total} minor units are to be paid");
        return Err(Refusal::invalid("tenders", cards, rule));
    }
    Ok(())
}

/// What is given may be less than is to be paid, but change is of what is above it.
fn check_due(tenders: &[Tender], due: i64) -> Result<(), Refusal> {
    let (given, cash) = (sum(tenders), sum(tenders.iter().filter(|tender| is_cash(tender))));
    let (above, change) = (given.saturating_sub(due), tenders.iter().any(|tender| tender.amount < 0));
    if above == 0 || (above < 0 && !change) {
        return Ok(());
    }
    let rule = if above < 0 {
        format!("{due} minor units are to be paid: only what is given above that is given back as change")
    } else if above <= cash {
        format!("{due} minor units are to be paid: add the change as a {CASH} tender of {}", -above)
    } else {
        format!("{due} minor units are to be paid, and only {CASH} gives change")
    };
    Err(Refusal::invalid("tenders", given, rule))
}

fn is_cash(tender: &Tender) -> bool {
    tender.kind.as_str() == CASH
}

fn sum<'a>(tenders: impl IntoIterator<Item = &'a Tender>) -> i64 {
    tenders.into_iter().fold(0, |sum: i64, tender| sum.saturating_add(tender.amount))
}
