//! What no node's own commands ever write, and what therefore is not folded when a peer wrote it: sums over events must
//! stay within 64 bits whatever a hostile node signs.

use super::{
    Body, DayClose, Event, Issue, Line, MAX_LINES, MAX_QUANTITY, MoneyTotals, PriceAdjustment, PricedLine, Sale,
    SaleTax, Stage, StagedLine, TaxPart, Tender,
};
use crate::money::{MAX_AMOUNT, Money};
use crate::pricing::MAX_ADJUSTMENTS;
use crate::time::Timestamp;
use crate::voucher;

/// The most that a count may state, below zero too, as channels may. Counts are not added up, so they may be larger
/// than movements.
const MAX_COUNTED: i64 = 2_000_000_000_000;

/// Whether every quantity, amount, time and list of an event is one that a node could have recorded.
pub(super) fn hold(event: &Event) -> bool {
    let times = event.recorded_at.checked().is_some() && event.occurred().checked().is_some();
    times && body_holds(&event.body)
}

/// Whether every quantity, amount and list of a body is one that a node may record.
pub(super) fn body_holds(body: &Body) -> bool {
    match body {
        Body::Sale(sale) => sold(&sale.lines, &sale.adjustments) && paid(&sale.tenders, -MAX_AMOUNT) && rounded(sale),
        Body::Promise(promise) => {
            let time = promise.expires_at.and_then(Timestamp::checked) == promise.expires_at;
            time && sold(&promise.lines, &promise.adjustments) && taxed(promise.tax.as_ref())
        }
        Body::Return(body) => quantities(body.lines.iter().map(|line| line.quantity), 0),
        Body::Receipt(body) => {
            let minted = body.lines.iter().map(|line| line.minted);
            quantities(body.lines.iter().map(|line| line.quantity), 0) && rights(minted)
        }
        Body::Count(body) => {
            let counted = |line: &Line| (-MAX_COUNTED..=MAX_COUNTED).contains(&line.quantity);
            body.lines.len() <= MAX_LINES && body.lines.iter().all(counted)
        }
        Body::TransferOut(body) | Body::TransferIn(body) => of_lines(&body.lines, 0),
        Body::Adjustment(body) => of_lines(&body.lines, -MAX_QUANTITY),
        Body::Release(body) => of_lines(&body.lines, 0) && of_lines(body.rights.as_deref().unwrap_or_default(), 0),
        Body::Fulfilment(body) => of_lines(&body.lines, 0) && staged(body.stages.as_deref().unwrap_or_default()),
        Body::Progress(body) => staged(&body.lines),
        Body::Delivery(body) => body.shipments.len() <= MAX_LINES,
        Body::ReturnAuthorisation(body) => {
            body.until.and_then(Timestamp::checked) == body.until && of_lines(&body.lines, 0)
        }
        Body::Disposition(body) => quantities(body.lines.iter().map(|line| line.quantity), 0),
        Body::Mint(body) => of_lines(&body.lines, 0),
        Body::Reclaim(body) => of_lines(&body.lines, 0) && body.seen.len() <= MAX_LINES,
        Body::Grant(body) => of_lines(&body.lines, 0),
        Body::Refund(refund) => paid(&refund.tenders, 0) && parts(refund.taxes.as_deref().unwrap_or_default()),
        Body::Burn(body) => of_lines(&body.lines, 0),
        Body::DayClose(close) => added_up(close),
        Body::CashMovement(body) => moved(body.amount),
        Body::RefundGrant(body) => moved(body.amount),
        Body::RefundReclaim(body) => moved(body.amount),
        Body::Issue(body) => issued(body),
        Body::Redemption(body) => of_vouchers(&body.lines),
        Body::RedemptionReversal(body) => of_vouchers(&body.lines),
        Body::VoucherSale(body) => moved(body.value) && paid(&body.tenders, -MAX_AMOUNT),
        Body::CancellationRequest(body) => of_lines(&body.lines, 0),
        Body::Consent(body) => of_lines(&body.lines, 0),
        Body::Confirmation(body) => body.paid.is_none_or(|paid| paid.amount == 0 || moved(paid)),
        Body::Resolution(_) | Body::Fence(_) | Body::BeyondRetirement(_) => true,
    }
}

fn sold(lines: &[PricedLine], adjustments: &[PriceAdjustment]) -> bool {
    rights(lines.iter().map(|line| line.burned))
        && quantities(lines.iter().map(|line| line.quantity), -MAX_QUANTITY)
        && amounts(lines.iter().filter_map(|line| line.amount), -MAX_AMOUNT)
        && adjustments.len() <= MAX_ADJUSTMENTS
        && amounts(adjustments.iter().map(|adjustment| adjustment.amount), -MAX_AMOUNT)
}

fn moved(money: Money) -> bool {
    (1..=MAX_AMOUNT).contains(&money.amount)
}

fn of_vouchers(lines: &[Line]) -> bool {
    of_lines(lines, 0) && lines.iter().all(|line| voucher::kind_of(&line.sku).is_some())
}

fn issued(issue: &Issue) -> bool {
    voucher::kind_of(&issue.voucher).is_some()
        && issue.valid_until.and_then(Timestamp::checked) == issue.valid_until
        && quantities([issue.quantity].into_iter(), 0)
        && rights([issue.minted].into_iter())
}

fn rounded(sale: &Sale) -> bool {
    taxed(sale.tax.as_ref()) && amounts(sale.rounding.into_iter(), -MAX_AMOUNT)
}

fn taxed(tax: Option<&SaleTax>) -> bool {
    tax.is_none_or(|tax| tax.lines.len() <= MAX_LINES && parts(&tax.parts))
}

/// An exclusive tax may be as much as what it is on, and more.
fn parts(parts: &[TaxPart]) -> bool {
    parts.len() <= MAX_LINES && amounts(parts.iter().flat_map(|part| [part.taxable, part.tax]), -MAX_AMOUNT)
}

/// Totals of a day are shown and not added up beyond 64 bits; their lists are bounded like all others.
fn added_up(close: &DayClose) -> bool {
    let few = |money: &MoneyTotals| {
        let lists = [money.tenders.len(), money.taxes.len(), money.departments.len()];
        lists.into_iter().all(|count| count <= MAX_LINES)
    };
    let money = close.totals.as_ref().map_or(&[][..], |totals| &totals.money);
    money.len() <= MAX_LINES
        && money.iter().all(few)
        && amounts(close.counted.map(|money| money.amount).into_iter(), -MAX_AMOUNT)
}

fn paid(tenders: &[Tender], least: i64) -> bool {
    tenders.len() <= MAX_LINES && amounts(tenders.iter().map(|tender| tender.amount), least)
}

fn of_lines(lines: &[Line], least: i64) -> bool {
    quantities(lines.iter().map(|line| line.quantity), least)
}

/// Goods of one line may come from several stages.
fn staged(lines: &[StagedLine]) -> bool {
    let range = 0..=MAX_QUANTITY;
    lines.len() <= MAX_LINES * Stage::ALL.len() && lines.iter().all(|line| range.contains(&line.quantity))
}

fn quantities(mut quantities: impl ExactSizeIterator<Item = i64>, least: i64) -> bool {
    quantities.len() <= MAX_LINES && quantities.all(|quantity| (least..=MAX_QUANTITY).contains(&quantity))
}

/// Rights that come with a line: no more than a line has units.
fn rights(mut rights: impl Iterator<Item = Option<u64>>) -> bool {
    rights.all(|rights| rights.is_none_or(|rights| rights <= MAX_QUANTITY.unsigned_abs()))
}

fn amounts(mut amounts: impl Iterator<Item = i64>, least: i64) -> bool {
    amounts.all(|amount| (least..=MAX_AMOUNT).contains(&amount))
}
