//! Adding up the events of a day.

use std::collections::BTreeMap;

use crate::event::{
    Body, CashKind, CashMovement, Confirmation, DayTotals, DepartmentTotal, Event, MoneyTotals, Refund, Sale, TaxPart,
    Tender, TenderTotal, VoucherSale,
};
use crate::id::{Name, Sku};
use crate::money::Currency;
use crate::tax;

/// The means of payment that is in the drawer.
pub const CASH: &str = "cash";
/// The most departments and means of payment that a close lists; what the smallest sold is with those that have none.
const MAX_LISTED: usize = 100;

/// Sums over events. Order does not matter; each event is added once.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counts: DayTotals,
    money: BTreeMap<Currency, Sums>,
}

#[derive(Debug, Clone, Default)]
struct Sums {
    plain: Plain,
    tenders: BTreeMap<Name, (i64, i64)>,
    taxes: BTreeMap<(Option<Name>, u32), (i64, i64)>,
    /// What of each SKU was sold; its department is looked up at the end, once.
    goods: BTreeMap<Sku, (i64, i64)>,
    departments: BTreeMap<Option<String>, (i64, i64)>,
}

/// The sums that need no list.
#[derive(Debug, Clone, Copy, Default)]
struct Plain {
    sold: i64,
    refunded: i64,
    rounding: i64,
    vouchers_sold: i64,
    promises_refunded: i64,
    promises_paid: i64,
    untendered: i64,
    cash: crate::event::CashTotals,
}

impl Tally {
    /// Adds an event.
    pub fn add(&mut self, event: &Event) {
        match &event.body {
            Body::Sale(sale) => self.add_sale(sale),
            Body::Return(_) => self.counts.returns += 1,
            Body::Refund(refund) => self.add_refund(refund),
            Body::CashMovement(movement) => self.add_movement(movement),
            Body::VoucherSale(sale) => self.add_voucher_sale(sale),
            Body::Promise(promise) if promise.expires_at.is_none() => {
                self.add_promise(promise.currency, promise.paid())
            }
            Body::Confirmation(Confirmation { paid: Some(paid), .. }) => {
                self.add_promise(Some(paid.currency), paid.amount);
            }
            _ => {}
        }
    }

    /// Begins with what a ledger's close says, its receipt numbers with it.
    pub fn sealed(totals: &DayTotals) -> Self {
        let mut tally = Self::default();
        tally.add_totals(totals);
        (tally.counts.first_receipt, tally.counts.last_receipt) = (totals.first_receipt, totals.last_receipt);
        tally
    }

    /// Adds what another ledger came to. Receipt numbers are each writer's own and left out.
    pub fn add_totals(&mut self, totals: &DayTotals) {
        self.counts.sales = self.counts.sales.saturating_add(totals.sales);
        self.counts.returns = self.counts.returns.saturating_add(totals.returns);
        self.counts.refunds = self.counts.refunds.saturating_add(totals.refunds);
        for money in &totals.money {
            self.money.entry(money.currency).or_default().add(money);
        }
    }

    fn add_sale(&mut self, sale: &Sale) {
        let counts = &mut self.counts;
        counts.sales += 1;
        counts.first_receipt = Some(counts.first_receipt.map_or(sale.receipt, |first| first.min(sale.receipt)));
        counts.last_receipt = counts.last_receipt.max(Some(sale.receipt));
        let Some(currency) = sale.currency else { return };
        let sums = self.money.entry(currency).or_default();
        add(&mut sums.plain.sold, sale.total());
        add(&mut sums.plain.rounding, sale.rounding.unwrap_or_default());
        add(&mut sums.plain.untendered, sale.total().saturating_add(sale.rounding.unwrap_or_default()));
        for tender in &sale.tenders {
            add(&mut sums.tenders.entry(tender.kind.clone()).or_default().0, tender.amount);
            add(&mut sums.plain.untendered, -tender.amount);
        }
        add(&mut sums.plain.cash.sales, cash_in(&sale.tenders));
        let parts = sale.tax.iter().flat_map(|tax| &tax.parts);
        parts.for_each(|part| sums.add_tax(part, 1));
        for (line, net) in sale.lines.iter().zip(tax::spread(&sale.lines, &sale.adjustments)) {
            add_both(sums.goods.entry(line.sku.clone()).or_default(), (line.quantity, net));
        }
    }

    fn add_refund(&mut self, refund: &Refund) {
        self.counts.refunds += 1;
        let sums = self.money.entry(refund.currency).or_default();
        let promised = refund.promised == Some(true);
        for tender in &refund.tenders {
            let refunded = if promised { &mut sums.plain.promises_refunded } else { &mut sums.plain.refunded };
            add(refunded, tender.amount);
            add(&mut sums.tenders.entry(tender.kind.clone()).or_default().1, tender.amount);
        }
        add(&mut sums.plain.cash.refunds, cash_in(&refund.tenders));
        let taxes = refund.taxes.iter().flatten().filter(|_| !promised);
        taxes.for_each(|part| sums.add_tax(part, -1));
    }

    /// What was paid for a promise. No till took it as far as its events say: a web front's payment provider did.
    fn add_promise(&mut self, currency: Option<Currency>, paid: i64) {
        let Some(currency) = currency.filter(|_| paid != 0) else { return };
        let plain = &mut self.money.entry(currency).or_default().plain;
        add(&mut plain.promises_paid, paid);
        add(&mut plain.untendered, paid);
    }

    fn add_voucher_sale(&mut self, sale: &VoucherSale) {
        let sums = self.money.entry(sale.value.currency).or_default();
        add(&mut sums.plain.vouchers_sold, sale.value.amount);
        for tender in &sale.tenders {
            add(&mut sums.tenders.entry(tender.kind.clone()).or_default().0, tender.amount);
        }
        add(&mut sums.plain.cash.sales, cash_in(&sale.tenders));
    }

    fn add_movement(&mut self, movement: &CashMovement) {
        let cash = &mut self.money.entry(movement.amount.currency).or_default().plain.cash;
        let sum = match movement.kind {
            CashKind::Float => &mut cash.float,
            CashKind::PaidIn => &mut cash.paid_in,
            CashKind::PaidOut => &mut cash.paid_out,
        };
        add(sum, movement.amount.amount);
    }

    /// The sums as a close records them; `department` is the catalogue's word for a SKU.
    pub fn totals(self, department: impl Fn(&Sku) -> Option<String>) -> DayTotals {
        let money = self.money.into_iter().map(|(currency, sums)| sums.listed(currency, &department)).collect();
        DayTotals { money, ..self.counts }
    }
}

impl Sums {
    fn add(&mut self, money: &MoneyTotals) {
        add(&mut self.plain.sold, money.sold);
        add(&mut self.plain.refunded, money.refunded);
        add(&mut self.plain.rounding, money.rounding);
        add(&mut self.plain.vouchers_sold, money.vouchers_sold.unwrap_or_default());
        add(&mut self.plain.promises_refunded, money.promises_refunded.unwrap_or_default());
        add(&mut self.plain.promises_paid, money.promises_paid.unwrap_or_default());
        add(&mut self.plain.untendered, money.untendered.unwrap_or_default());
        let (cash, more) = (&mut self.plain.cash, &money.cash);
        add(&mut cash.float, more.float);
        add(&mut cash.paid_in, more.paid_in);
        add(&mut cash.paid_out, more.paid_out);
        add(&mut cash.sales, more.sales);
        add(&mut cash.refunds, more.refunds);
        for tender in &money.tenders {
            add_both(self.tenders.entry(tender.kind.clone()).or_default(), (tender.paid, tender.refunded));
        }
        for department in &money.departments {
            let sums = self.departments.entry(department.department.clone()).or_default();
            add_both(sums, (department.units, department.amount));
        }
        money.taxes.iter().for_each(|part| self.add_tax(part, 1));
    }

    fn add_tax(&mut self, part: &TaxPart, sign: i64) {
        let sums = self.taxes.entry((part.class.clone(), part.rate)).or_default();
        add_both(sums, (sign * part.taxable, sign * part.tax));
    }

    fn listed(mut self, currency: Currency, department_of: impl Fn(&Sku) -> Option<String>) -> MoneyTotals {
        for (sku, sold) in &self.goods {
            add_both(self.departments.entry(department_of(sku)).or_default(), *sold);
        }
        let Plain { sold, refunded, rounding, vouchers_sold, promises_refunded, promises_paid, untendered, cash } =
            self.plain;
        let said = |amount: i64| Some(amount).filter(|amount| *amount != 0);
        let tender = |(kind, (paid, refunded))| TenderTotal { kind, paid, refunded };
        let tax = |((class, rate), (taxable, tax))| TaxPart { class, rate, taxable, tax };
        let department = |(department, (units, amount))| DepartmentTotal { department, units, amount };
        MoneyTotals {
            currency,
            sold,
            refunded,
            tenders: largest(self.tenders, None).into_iter().map(tender).collect(),
            taxes: self.taxes.into_iter().take(MAX_LISTED).map(tax).collect(),
            departments: largest(self.departments, Some(None)).into_iter().map(department).collect(),
            cash,
            rounding,
            vouchers_sold: said(vouchers_sold),
            promises_refunded: said(promises_refunded),
            promises_paid: said(promises_paid),
            untendered: said(untendered),
        }
    }
}

/// Shortens a list to [`MAX_LISTED`]: what the smallest came to goes to `rest`, else to the smallest that stays.
fn largest<K: Ord + Clone>(sums: BTreeMap<K, (i64, i64)>, rest: Option<K>) -> BTreeMap<K, (i64, i64)> {
    if sums.len() <= MAX_LISTED {
        return sums;
    }
    let mut all: Vec<_> = sums.into_iter().collect();
    all.sort_by_key(|(_, (first, second))| std::cmp::Reverse(first.unsigned_abs().max(second.unsigned_abs())));
    let few = all.split_off(MAX_LISTED - 1);
    let rest = rest.or_else(|| few.first().map(|(key, _)| key.clone()));
    let mut listed: BTreeMap<_, _> = all.into_iter().collect();
    if let Some(rest) = rest {
        let sum = listed.entry(rest).or_default();
        few.into_iter().for_each(|(_, more)| add_both(sum, more));
    }
    listed
}

fn cash_in(tenders: &[Tender]) -> i64 {
    let cash = tenders.iter().filter(|tender| tender.kind.as_str() == CASH);
    cash.fold(0, |sum: i64, tender| sum.saturating_add(tender.amount))
}

fn add(sum: &mut i64, more: i64) {
    *sum = sum.saturating_add(more);
}

fn add_both(sums: &mut (i64, i64), more: (i64, i64)) {
    add(&mut sums.0, more.0);
    add(&mut sums.1, more.1);
}
