//! Carts as the API shows them.

use serde::Serialize;
use tillmesh_core::cart::{self, CartLine, CartRow};
use tillmesh_core::event::SaleTax;
use tillmesh_core::id::{CartId, EventId, Name, Reference, Sku, Writer};
use tillmesh_core::money::{Currency, Money, UnitPrice};
use tillmesh_core::pricing::CouponStatus;
use tillmesh_core::tax::Taxes;
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;

use super::price::{self, Line, Lines, PricedCart};
use crate::http::App;
use crate::http::event::AdjustmentBody;
use crate::http::schema;
use crate::http::tax::TaxBody;
use crate::runtime::now;

/// A cart. An open one is priced as it would be checked out now; of one that was checked out, see its order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cart {
    /// Its id.
    #[schema(value_type = schema::CartId)]
    pub id: CartId,
    /// `open`, `expired` (it takes no more), `checked-out`, or `merged` (its lines went on in another cart).
    state: &'static str,
    /// Who holds its token, and so may check it out or merge it.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
    /// When it expires unless somebody adds to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    expires_at: Option<Timestamp>,
    /// The cart that it is a fork of. It can be sold over the counter only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::CartId>)]
    forked_from: Option<CartId>,
    /// Its forks, as far as they were heard of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::CartId>, required = false)]
    forks: Vec<CartId>,
    /// The cart whose late lines it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::CartId>)]
    continued_from: Option<CartId>,
    /// The cart that shows its late lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::CartId>)]
    continued_in: Option<CartId>,
    /// The cart in which its lines went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::CartId>)]
    merged_into: Option<CartId>,
    /// Whose it is, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    customer_ref: Option<Reference>,
    /// Where it was begun; left out while this node has not heard of that yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    begun: Option<Begun>,
    /// The lines, oldest first: those to sell, or, once it was checked out, those that were sold.
    lines: Vec<CartLineBody>,
    /// Lines that arrived after it was checked out or merged. They are not sold; the cart `continued_in` goes on with
    /// them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    late_lines: Vec<CartLineBody>,
    /// Lines whose goods a fork sold. They are not to be sold again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    sold_by_forks: Vec<CartLineBody>,
    /// The coupons.
    coupons: Vec<Coupon>,
    /// What promotions take off.
    adjustments: Vec<AdjustmentBody>,
    /// How it was priced: `promotions` by the pricing plugin, `catalogue` without one, `mixed-currencies` and `failed`
    /// where there is no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<&'static str>,
    /// What the lines cost before promotions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    subtotal: Option<Money>,
    /// What promotions come to; negative: taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    discount: Option<Money>,
    /// The taxes, if it were checked out now.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax: Option<TaxBody>,
    /// What is to be paid, with taxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    total: Option<Money>,
    /// What is to be paid if all is paid in cash, where the smallest coin makes that another sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    cash_total: Option<Money>,
    /// Its checkouts; two when it was checked out at two places that could not hear each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checkouts: Vec<Checkout>,
}

/// Who holds a cart's token.
#[derive(Debug, Serialize, ToSchema)]
struct Holder {
    /// The node.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// The life of its store. In another one it cannot give the token away.
    epoch: String,
}

/// Where a cart was begun.
#[derive(Debug, Serialize, ToSchema)]
struct Begun {
    /// The channel, which decides the promotions that are for it.
    #[schema(value_type = schema::Name)]
    channel: Name,
    /// The node.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    at: Timestamp,
}

/// A line of a cart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartLine)]
struct CartLineBody {
    /// Its id within the cart: who added it, and a running number.
    add_id: String,
    /// What.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// How much.
    quantity: i64,
    /// The price of one base unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::UnitPrice>)]
    unit_price: Option<UnitPrice>,
    /// What it costs before promotions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    amount: Option<Money>,
    /// When it was added.
    #[schema(value_type = schema::Timestamp)]
    added_at: Timestamp,
    /// Which node added it.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// Which clerk added it, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// A coupon of a cart.
#[derive(Debug, Serialize, ToSchema)]
struct Coupon {
    /// The code.
    code: String,
    /// What became of it: `applied`, `unknown`, `not-valid-now`, `other-channel`, `below-minimum`,
    /// `nothing-to-discount` or `other-wins`; left out where nothing was priced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    status: Option<CouponStatus>,
}

/// A checkout of a cart.
#[derive(Debug, Serialize, ToSchema)]
struct Checkout {
    /// The order that came of it.
    #[schema(value_type = schema::EventId)]
    order: EventId,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    at: Timestamp,
    /// At which node.
    #[schema(value_type = schema::Name)]
    node: Name,
}

/// What a cart is, whether it has expired or not.
pub(super) fn state_of(row: &CartRow) -> &'static str {
    match row.checkouts().as_slice() {
        [] if row.merged().is_some() => "merged",
        [] => "open",
        _ => "checked-out",
    }
}

impl Cart {
    /// A cart with its price. One that cannot be priced shows its lines, and `failed`.
    pub(super) async fn of(app: &App, id: CartId, row: &CartRow) -> Self {
        let plain = Self::plain(app, id, row);
        if row.is_ended() {
            return Self::unpriced(app, id, row);
        }
        match price::price(app, row).await {
            Ok(priced) => plain.priced(&priced).in_cash(&app.handle.settings().taxes),
            Err(problem) => {
                if problem.status().is_server_error() {
                    tracing::warn!(cart = %id, %problem, "a cart could not be priced");
                }
                Self { lines: lines(app, &row.lines()), pricing: Some("failed"), ..plain }
            }
        }
    }

    /// A cart as it once was.
    pub(super) fn unpriced(app: &App, id: CartId, row: &CartRow) -> Self {
        let plain = Self::plain(app, id, row);
        let open = lines(app, &row.lines());
        match row.is_ended() {
            true => Self { lines: lines(app, &row.sold_lines()), late_lines: open, ..plain },
            false => Self { lines: open, ..plain },
        }
    }

    fn plain(app: &App, id: CartId, row: &CartRow) -> Self {
        let begun =
            row.begun().map(|begun| Begun { channel: begun.channel.clone(), node: begun.node.clone(), at: begun.at });
        let checkout = |it: &cart::Checkout| Checkout { order: it.order, at: it.at, node: it.node.clone() };
        let expires_at = row.expires_at(app.handle.settings().cart_days);
        let expired = expires_at.is_some_and(|at| at <= now());
        let holder = |token: cart::Token<'_>| {
            let Writer { node, epoch } = token.holder;
            Holder { node, epoch: epoch.to_string() }
        };
        Self {
            id,
            state: if expired { "expired" } else { state_of(row) },
            holder: row.token().map(holder),
            expires_at,
            forked_from: row.forked_from(),
            forks: row.forks().iter().copied().collect(),
            continued_from: row.continued_from(),
            continued_in: row.to_continue(id).map(|_| cart::continuation_of(id)),
            merged_into: row.merged().map(|merged| merged.into),
            customer_ref: row.customer().cloned(),
            begun,
            lines: Vec::new(),
            late_lines: Vec::new(),
            sold_by_forks: lines(app, &row.lines_sold_by_forks()),
            coupons: row.coupons().into_iter().map(|code| Coupon { code: code.to_owned(), status: None }).collect(),
            adjustments: Vec::new(),
            pricing: None,
            subtotal: None,
            discount: None,
            tax: None,
            total: None,
            cash_total: None,
            checkouts: row.checkouts().into_iter().map(checkout).collect(),
        }
    }

    fn priced(mut self, priced: &PricedCart) -> Self {
        self.lines = priced.lines.lines.iter().map(CartLineBody::priced).collect();
        for coupon in &mut self.coupons {
            let outcome = priced.coupons().iter().find(|it| it.coupon.as_str().eq_ignore_ascii_case(&coupon.code));
            coupon.status = outcome.map(|outcome| outcome.status);
        }
        self.pricing = Some(match priced.proved {
            _ if priced.lines.mixed => "mixed-currencies",
            Some(_) => "promotions",
            None => "catalogue",
        });
        if let Some(currency) = priced.lines.currency {
            self.total_in(currency, &priced.lines, priced);
        }
        self
    }

    fn in_cash(mut self, taxes: &Taxes) -> Self {
        let rounded = |total: Money| Money { amount: total.amount + taxes.rounding(total.amount), ..total };
        self.cash_total = self.total.map(rounded).filter(|rounded| self.total.as_ref() != Some(rounded));
        self
    }

    fn total_in(&mut self, currency: Currency, lines: &Lines, priced: &PricedCart) {
        let money = |amount: i64| Some(Money { amount, currency });
        let subtotal: i64 = lines.lines.iter().filter_map(|line| line.amount).map(|amount| amount.amount).sum();
        let discount: i64 = priced.adjustments().iter().map(|adjustment| adjustment.amount.amount).sum();
        let adjustment = |it: &tillmesh_core::pricing::Adjustment| AdjustmentBody {
            promotion: it.promotion.clone(),
            line: it.line,
            amount: it.amount,
            reason: it.reason.to_string(),
        };
        self.adjustments = priced.adjustments().iter().map(adjustment).collect();
        let added = priced.tax.as_ref().map_or(0, SaleTax::added);
        self.tax = priced.tax.as_ref().map(|tax| TaxBody::of(tax, currency));
        (self.subtotal, self.discount) = (money(subtotal), money(discount));
        self.total = money((subtotal + discount).saturating_add(added));
    }
}

impl CartLineBody {
    fn priced(line: &Line) -> Self {
        Self {
            name: line.name.clone(),
            unit_price: line.unit_price,
            amount: line.amount,
            ..Self::plain(&line.add_id, &line.line)
        }
    }

    fn plain(add_id: &str, line: &CartLine) -> Self {
        Self {
            add_id: add_id.to_owned(),
            sku: line.sku.clone(),
            name: None,
            quantity: line.quantity,
            unit_price: line.unit_price,
            amount: None,
            added_at: line.added_at,
            node: line.node.clone(),
            clerk: line.clerk.clone(),
        }
    }
}

/// Lines without amounts: what was sold is told by the order, what cannot be priced has none.
fn lines(app: &App, lines: &[(&cart::AddId, &CartLine)]) -> Vec<CartLineBody> {
    let view = app.handle.view();
    let named = |(add_id, line): &(&cart::AddId, &CartLine)| CartLineBody {
        name: view.products.get(&line.sku).map(|product| product.name.clone()),
        ..CartLineBody::plain(add_id, line)
    };
    lines.iter().map(named).collect()
}
