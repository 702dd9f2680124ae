//! Selling over the counter. A physical sale is never refused for lack of stock: the goods are in the customer's hand.

use super::Engine;
use super::prices::PricedLines;
use super::record::Draft;
use super::state::Call;
use super::stock::check_occurred;
use super::tenders::check_tenders;
use crate::catalog::Product;
use crate::command::{LineRequest, Outcome, TenderRequest};
use crate::day;
use crate::event::{Body, Event, Line, Origin, PriceAdjustment, PricedLine, PricingProof, Sale, SaleTax};
use crate::id::{CartId, EventId, Name, Reference, Sku};
use crate::money::MAX_AMOUNT;
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::tax;
use crate::time::BusinessDate;
use crate::view::WriterRow;

/// What a checkout adds to a plain sale.
#[derive(Default)]
pub(super) struct FromCart {
    pub cart: Option<CartId>,
    pub adjustments: Vec<PriceAdjustment>,
    pub proof: Option<PricingProof>,
}

impl<S: Storage> Engine<S> {
    pub(super) fn sell(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        lines: &[LineRequest],
        tenders: &[TenderRequest],
        customer: Option<&Reference>,
    ) -> Result<Outcome, Refusal> {
        self.check_drawer(location, "tenders", tenders)?;
        let sale = self.sale(location, lines, tenders, customer, FromCart::default())?;
        check_occurred(call)?;
        let location = self.location(location).clone();
        let wants = self.gift_cards("tenders", tenders)?;
        let taken = self.take_vouchers(call, wants, call.request.until)?;
        let order = call.event_id(&self.config.node);
        let events = self.record_paid(call, &location, order, sale, taken)?;
        Ok(Outcome::Recorded { events, repeated: false })
    }

    /// Records a sale with what vouchers paid of it, or took off it: both or neither.
    pub(super) fn record_paid(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        order: EventId,
        sale: Sale,
        taken: Vec<Line>,
    ) -> Result<Vec<(Event, Origin)>, Refusal> {
        self.check_may_redeem(&taken)?;
        self.check_given(call, location, &sale)?;
        let sold = self.record(call, location, Draft { id: order, body: Body::Sale(sale), occurred_at: None })?;
        let redeemed = self.redeem(call, order, taken)?;
        Ok(std::iter::once(sold).chain(redeemed).collect())
    }

    pub(super) fn sale(
        &self,
        location: Option<&Name>,
        lines: &[LineRequest],
        tenders: &[TenderRequest],
        customer: Option<&Reference>,
        from: FromCart,
    ) -> Result<Sale, Refusal> {
        let PricedLines { mut lines, mut currency } = self.price_lines(lines)?;
        self.take_rights(self.location(location), &mut lines);
        let tenders = check_tenders("tenders", tenders, &mut currency)?;
        let sum: i64 = lines.iter().filter_map(|line| line.amount).sum();
        if sum > MAX_AMOUNT {
            return Err(Refusal::invalid("lines", sum, format!("the sum must be at most {MAX_AMOUNT} minor units")));
        }
        Ok(Sale {
            receipt: self.next_receipt(),
            lines,
            currency,
            adjustments: from.adjustments,
            tenders,
            customer: customer.cloned(),
            cart: from.cart,
            pricing: from.proof,
            tax: None,
            rounding: None,
        })
    }

    /// Says how a sale or a promise is taxed on its day, and what rounding of cash adds. What a channel sold for totals
    /// of its own is taxed there.
    pub(super) fn tax(&self, body: &mut Body, date: BusinessDate) {
        match body {
            Body::Sale(sale) => {
                sale.tax = self.tax_on(&sale.lines, &sale.adjustments, date);
                sale.rounding = self.rounding_of(sale);
            }
            Body::Promise(promise) if promise.stated.is_none() => {
                promise.tax = self.tax_on(&promise.lines, &promise.adjustments, date);
            }
            _ => {}
        }
    }

    fn tax_on(&self, lines: &[PricedLine], adjustments: &[PriceAdjustment], date: BusinessDate) -> Option<SaleTax> {
        if self.config.taxes.rates.is_empty() {
            return None;
        }
        let classes = lines.iter().map(|line| self.tax_class(&line.sku));
        self.config.taxes.on(classes.zip(tax::spread(lines, adjustments)), date, self.config.rounding)
    }

    /// Where some of it was paid in cash, the rest of it is rounded to the smallest coin.
    fn rounding_of(&self, sale: &Sale) -> Option<i64> {
        self.config.taxes.smallest_coin?;
        let (cash, other): (Vec<_>, Vec<_>) = sale.tenders.iter().partition(|tender| tender.kind.as_str() == day::CASH);
        let paid_otherwise: i64 = other.iter().map(|tender| tender.amount).sum();
        let due = sale.total().saturating_sub(paid_otherwise);
        (!cash.is_empty()).then(|| self.config.taxes.rounding(due))
    }

    fn tax_class(&self, sku: &Sku) -> Option<Name> {
        self.look::<Product, _>(sku, |product| product.tax_class.clone()).flatten()
    }

    /// Receipt numbers have no gaps: one is used only by the event that carries it, and both are durable together.
    pub(super) fn next_receipt(&self) -> u64 {
        self.look::<WriterRow, _>(self.identity.writer(), |row| row.receipt).unwrap_or_default() + 1
    }
}
