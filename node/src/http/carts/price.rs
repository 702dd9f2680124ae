//! What a cart costs now: catalogue prices or agreed ones, less what the pricing plugin takes off.

use tillmesh_core::cart::{CartLine, CartRow};
use tillmesh_core::command::{LineRequest, Priced};
use tillmesh_core::event::{PriceAdjustment, PricedLine, SaleTax};
use tillmesh_core::id::Name;
use tillmesh_core::money::{Currency, Money, Rounding, UnitPrice};
use tillmesh_core::pricing::{
    Adjustment, CouponCode, CouponOutcome, MAX_COUPONS, MAX_PROMOTIONS, PricingInput, PricingLine, Promotion,
};
use tillmesh_core::tax;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::View;

use crate::http::App;
use crate::http::problem::{Problem, ProblemKind};
use crate::runtime::now;
use crate::runtime::pricing::Proved;

/// A cart's open lines with what they cost, before promotions.
pub(super) struct Lines {
    pub lines: Vec<Line>,
    /// The currency of every amount; none when nothing has a price or currencies are mixed.
    pub currency: Option<Currency>,
    /// Whether amounts of several currencies are there.
    pub mixed: bool,
}

/// A line with what it costs.
pub(super) struct Line {
    pub add_id: Box<str>,
    pub line: CartLine,
    pub name: Option<String>,
    pub unit_price: Option<UnitPrice>,
    pub amount: Option<Money>,
    department: Option<Box<str>>,
    category: Option<Box<str>>,
    tax_class: Option<Name>,
}

/// A cart with its price.
pub(super) struct PricedCart {
    pub lines: Lines,
    pub proved: Option<Proved>,
    /// The taxes on a sale of today.
    pub tax: Option<SaleTax>,
}

/// Prices a cart.
///
/// # Errors
/// When a line costs more than an amount can say, or the plugin fails and the settings say that this refuses a
/// checkout.
pub(super) async fn price(app: &App, row: &CartRow) -> Result<PricedCart, Problem> {
    let settings = app.handle.settings();
    let at = now();
    let channel = row.begun().map_or_else(|| settings.location.clone(), |begun| begun.channel.clone());
    let (lines, promotions) = {
        let view = app.handle.view();
        (Lines::of(row, &view, settings.rounding)?, promotions(&view, &channel, at))
    };
    let proved = match lines.currency {
        Some(currency) if app.handle.pricing().is_active() => {
            let input = PricingInput {
                effective_at: at,
                currency,
                channel,
                lines: lines.to_price(),
                coupons: coupons(row),
                promotions,
                rounding: settings.rounding,
            };
            app.handle.pricing().price(input).await?
        }
        _ => None,
    };
    let adjustments = proved.as_ref().map_or(&[][..], |proved| &proved.result.adjustments);
    let tax = lines.tax(app, adjustments);
    Ok(PricedCart { lines, proved, tax })
}

impl Lines {
    /// The open lines of a cart.
    ///
    /// # Errors
    /// When a line costs more than an amount can say.
    pub(super) fn of(row: &CartRow, view: &View, rounding: Rounding) -> Result<Self, Problem> {
        let mut lines = Vec::new();
        for (place, (add_id, line)) in row.lines().into_iter().enumerate() {
            lines.push(Line::of(place, add_id, line, view, rounding)?);
        }
        let mut currencies: Vec<Currency> =
            lines.iter().filter_map(|line| line.amount).map(|amount| amount.currency).collect();
        currencies.dedup();
        let currency = currencies.first().copied().filter(|_| currencies.len() == 1);
        Ok(Self { lines, currency, mixed: currencies.len() > 1 })
    }

    /// The taxes, worked out as the engine does it when the cart is sold.
    fn tax(&self, app: &App, adjustments: &[Adjustment]) -> Option<SaleTax> {
        let settings = app.handle.settings();
        let lines: Vec<_> = self.lines.iter().map(Line::to_sell).collect();
        let adjustments: Vec<_> = adjustments.iter().map(adjusted).collect();
        let classes = self.lines.iter().map(|line| line.tax_class.clone());
        let nets = tax::spread(&lines, &adjustments);
        settings.taxes.on(classes.zip(nets), app.handle.open_day().date, settings.rounding)
    }

    /// The lines that have a price, as the plugin is given them: a line's number is its place.
    fn to_price(&self) -> Vec<PricingLine> {
        let line = |(place, line): (usize, &Line)| {
            Some(PricingLine {
                number: u32::try_from(place).ok()?,
                sku: line.line.sku.clone(),
                quantity: u64::try_from(line.line.quantity).ok()?,
                unit_price: line.unit_price,
                amount: line.amount?,
                department: line.department.clone(),
                category: line.category.clone(),
            })
        };
        self.lines.iter().enumerate().filter_map(line).collect()
    }
}

impl Line {
    fn of(place: usize, add_id: &str, line: &CartLine, view: &View, rounding: Rounding) -> Result<Self, Problem> {
        let product = view.products.get(&line.sku);
        let unit_price = line.unit_price.or_else(|| product.and_then(|product| product.price));
        let amount = unit_price.map(|price| price.times(line.quantity, rounding)).transpose().map_err(|error| {
            let (field, value) = (format!("lines[{place}].quantity"), line.quantity.to_string());
            Problem::field(ProblemKind::InvalidField, &field, &value, &error.to_string())
        })?;
        let text = |text: Option<&String>| text.map(|text| text.as_str().into());
        Ok(Self {
            add_id: add_id.into(),
            line: line.clone(),
            name: product.map(|product| product.name.clone()),
            unit_price,
            amount,
            department: text(product.and_then(|product| product.department.as_ref())),
            category: text(product.and_then(|product| product.category.as_ref())),
            tax_class: product.and_then(|product| product.tax_class.clone()),
        })
    }
}

impl Line {
    fn to_sell(&self) -> PricedLine {
        PricedLine {
            sku: self.line.sku.clone(),
            quantity: self.line.quantity,
            amount: self.amount.map(|amount| amount.amount),
            unit_price: None,
            burned: None,
        }
    }
}

impl PricedCart {
    /// What the plugin takes off.
    pub(super) fn adjustments(&self) -> &[Adjustment] {
        self.proved.as_ref().map_or(&[], |proved| &proved.result.adjustments)
    }

    /// What became of the coupons.
    pub(super) fn coupons(&self) -> &[CouponOutcome] {
        self.proved.as_ref().map_or(&[], |proved| &proved.result.coupons)
    }

    /// The cart as a checkout sells it: at exactly the prices that were worked out.
    ///
    /// # Errors
    /// When the lines have several currencies.
    pub(super) fn for_checkout(self) -> Result<Priced, Problem> {
        if self.lines.mixed {
            return Err(mixed(&self.lines.lines));
        }
        let adjustments = self.adjustments().iter().map(adjusted).collect();
        let line = |line: Line| LineRequest {
            sku: line.line.sku,
            quantity: line.line.quantity,
            unit_price: line.unit_price,
            amount: line.amount,
        };
        Ok(Priced {
            add_ids: self.lines.lines.iter().map(|line| line.add_id.clone()).collect(),
            lines: self.lines.lines.into_iter().map(line).collect(),
            adjustments,
            proof: self.proved.map(|proved| (proved.proof, proved.inputs)),
        })
    }
}

fn adjusted(it: &Adjustment) -> PriceAdjustment {
    PriceAdjustment {
        promotion: it.promotion.clone(),
        line: it.line,
        amount: it.amount.amount,
        reason: it.reason.to_string(),
    }
}

fn mixed(lines: &[Line]) -> Problem {
    let mut amounts = lines.iter().enumerate().filter_map(|(place, line)| Some((place, line.amount?.currency)));
    let first = amounts.next().map(|(_, currency)| currency);
    let other = amounts.find(|(_, currency)| Some(*currency) != first);
    let (place, found) = other.map_or((0, String::new()), |(place, currency)| (place, currency.to_string()));
    let rule = format!("every amount must have the currency {}", first.map_or_else(String::new, |it| it.to_string()));
    Problem::field(ProblemKind::CurrencyMismatch, &format!("lines[{place}].amount.currency"), &found, &rule)
}

/// The promotions that can count here and now, so that what an order keeps stays small.
fn promotions(view: &View, channel: &Name, at: Timestamp) -> Vec<Promotion> {
    let counts = |promotion: &&Promotion| {
        promotion.valid_from.is_none_or(|from| from <= at)
            && promotion.valid_until.is_none_or(|until| at < until)
            && (promotion.channels.is_empty() || promotion.channels.contains(channel))
    };
    view.promotions.iter().map(|(_, promotion)| promotion).filter(counts).take(MAX_PROMOTIONS).cloned().collect()
}

fn coupons(row: &CartRow) -> Vec<CouponCode> {
    row.coupons().into_iter().filter_map(|code| CouponCode::new(code).ok()).take(MAX_COUPONS).collect()
}
