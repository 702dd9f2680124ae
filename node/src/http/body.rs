//! Shapes that several resources share: lines, means of payment, recorded events.

use axum::Json;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use tillmesh_core::command::{LineRequest, Outcome, TenderRequest};
use tillmesh_core::event::{Event, Line, Origin, Tender};
use tillmesh_core::id::{Name, Reference, Sku};
use tillmesh_core::money::{Currency, Money, UnitPrice};
use utoipa::ToSchema;

use super::event::EventBody;
use super::problem::{Problem, ProblemKind};
use super::schema;

/// The most lines, tenders or returns of one request, for the API's description; the core holds the rule.
pub(super) const MAX_LINES: usize = tillmesh_core::event::MAX_LINES;

/// A line to sell.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SaleLine {
    /// What.
    #[schema(value_type = schema::Sku)]
    pub sku: Sku,
    /// How much; zero is kept: a till's coupon or correction.
    #[schema(value_type = schema::QuantityOrZero)]
    pub quantity: i64,
    /// The price of one base unit; left out, the catalogue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::UnitPrice>)]
    pub unit_price: Option<UnitPrice>,
    /// What the line costs, where that is not price times quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    pub amount: Option<Money>,
}

/// A means of payment and what it paid.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenderBody {
    /// `cash`, `card`, `gift-card` or another name of the retailer.
    #[schema(value_type = schema::Name)]
    pub kind: Name,
    /// What it paid; negative is change given back.
    #[schema(value_type = schema::Money)]
    pub amount: Money,
    /// The payment's own reference; of a gift card its code, of which the last four characters at most are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    pub reference: Option<Reference>,
}

/// What was recorded: one event, or two of a transfer or of a return with a refund.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Recorded {
    /// The events.
    #[schema(min_items = 1)]
    pub events: Vec<EventBody>,
}

/// The answer to a write. The header tells whether the idempotency key had been used before.
pub(super) type Written<T> = (StatusCode, [(HeaderName, &'static str); 1], Json<T>);

/// Says `true` where an answer is that of an earlier request under the same key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An answer to a write.
pub(super) const fn written<T>(status: StatusCode, body: T, repeated: bool) -> Written<T> {
    (status, [(REPLAYED, if repeated { "true" } else { "false" })], Json(body))
}

/// The answer to a command that records events.
///
/// # Errors
/// When the engine answered with something else, which would be a defect.
pub(super) fn recorded(outcome: Outcome) -> Result<Written<Recorded>, Problem> {
    let (events, repeated) = events_of(outcome)?;
    let events = events.iter().map(|(event, origin)| EventBody::of(event, origin)).collect();
    Ok(written(StatusCode::CREATED, Recorded { events }, repeated))
}

/// The events of an outcome, and whether its key had been used before.
///
/// # Errors
/// When it has none, which would be a defect.
pub(super) fn events_of(outcome: Outcome) -> Result<(Vec<(Event, Origin)>, bool), Problem> {
    match outcome {
        Outcome::Recorded { events, repeated } => Ok((events, repeated)),
        _ => Err(Problem::new(ProblemKind::Internal, "the engine answered another question than was asked")),
    }
}

impl From<SaleLine> for LineRequest {
    fn from(line: SaleLine) -> Self {
        Self { sku: line.sku, quantity: line.quantity, unit_price: line.unit_price, amount: line.amount }
    }
}

impl From<TenderBody> for TenderRequest {
    fn from(tender: TenderBody) -> Self {
        Self { kind: tender.kind, amount: tender.amount, reference: tender.reference }
    }
}

impl TenderBody {
    /// A recorded tender.
    pub(super) fn of(tender: &Tender, currency: Currency) -> Self {
        let amount = Money { amount: tender.amount, currency };
        Self { kind: tender.kind.clone(), amount, reference: tender.reference.clone() }
    }
}

/// Declares a line of a SKU and a quantity, whose range depends on what is done with it.
macro_rules! quantity_line {
    ($(#[$doc:meta])* $name:ident, $quantity:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// What.
            #[schema(value_type = schema::Sku)]
            pub sku: Sku,
            /// How much, in the SKU's base unit.
            #[schema(value_type = $quantity)]
            pub quantity: i64,
        }

        impl From<$name> for Line {
            fn from(line: $name) -> Self {
                Self { sku: line.sku, quantity: line.quantity }
            }
        }
    };
}

quantity_line! {
    /// Goods that move.
    GoodsLine, schema::Quantity
}
quantity_line! {
    /// Goods that were counted.
    CountLine, schema::QuantityOrZero
}
quantity_line! {
    /// Stock that is corrected.
    ChangeLine, schema::Change
}

/// Converts a list.
pub(super) fn all<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(Into::into).collect()
}
