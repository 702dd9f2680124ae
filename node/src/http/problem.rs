//! Problem details (RFC 9457): the one place that says which error becomes which problem.

mod kind;

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tillmesh_core::channel::ChannelFailure;
use tillmesh_core::fleet::Role;
use tillmesh_core::id::{InvalidId, Name};
use tillmesh_core::pricing::InvalidPromotion;
use tillmesh_core::refusal::{Elsewhere, Missing, RefundHolder, Refusal};
use tillmesh_core::storage::StorageError;
use utoipa::ToSchema;

use crate::config::ConfigError;
use crate::runtime::channels::ChannelError;
use crate::runtime::pricing::PricingError;
use crate::runtime::{ReloadError, SubmitError};

use super::channels::Acknowledgement;

pub(super) use kind::ProblemKind;

/// The longest offending value that a problem repeats, in characters.
const MAX_VALUE: usize = 120;
/// When to try again after "too much waits", in seconds: a queue of a thousand commands is done in less.
const RETRY_OVERLOADED: u32 = 1;
/// When to try again after a failure of the store or while the node stops, in seconds.
const RETRY_LATER: u32 = 5;

/// What went wrong, for a client.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    kind: ProblemKind,
    detail: String,
    members: Map<String, Value>,
    retry_after: Option<u32>,
}

/// A problem as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// A relative URI that stands for the kind of problem, such as `/problems/unknown-sku`; it can be fetched.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong in this case, and what to do.
    detail: String,
    /// Members of this kind: `field`, `value`, `rule` where a field is to blame; `line` and `column` of malformed JSON;
    /// and others.
    #[serde(flatten)]
    #[schema(additional_properties, value_type = Object)]
    members: Map<String, Value>,
}

impl Problem {
    /// A problem of a kind.
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), members: Map::new(), retry_after: None }
    }

    /// A field, its value and the rule that it breaks.
    pub(super) fn field(kind: ProblemKind, field: &str, value: &str, rule: &str) -> Self {
        let value = shorten(value);
        let is = if value.is_empty() { String::new() } else { format!(" is {value}") };
        Self::new(kind, format!("{field}{is}: {rule}"))
            .with("field", json!(field))
            .with("value", json!(value))
            .with("rule", json!(rule))
    }

    /// The same with another member.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// The same in other words.
    #[must_use]
    pub(super) fn explained(mut self, detail: String) -> Self {
        self.detail = detail;
        self
    }

    /// The same with a time after which to try again, in seconds.
    #[must_use]
    pub(super) const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Something that is not here.
    pub(super) fn missing(kind: ProblemKind, what: &str, id: impl std::fmt::Display) -> Self {
        Self::new(kind, format!("there is no {what} {id} at this node")).with("value", json!(id.to_string()))
    }

    /// Something of a scope that this node does not hold.
    pub(super) fn scope_not_held(field: &str, value: &str, scope: &str) -> Self {
        let rule = format!("the scope {scope} is not among those that this node holds (sync.scopes)");
        Self::field(ProblemKind::ScopeNotHeld, field, value, &rule).with("scope", json!(scope))
    }

    /// The status.
    pub(super) const fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The problem as it is sent.
    pub(super) fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: self.kind.uri(),
            title: self.kind.title(),
            status: self.status().as_u16(),
            detail: self.detail.clone(),
            members: self.members.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let detail = error.to_string();
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::Overloaded => Self::new(ProblemKind::Overloaded, detail).retry_after(RETRY_OVERLOADED),
            SubmitError::Stopping => Self::new(ProblemKind::Stopping, detail).retry_after(RETRY_LATER),
            SubmitError::Storage(error) => error.into(),
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(
            ProblemKind::StorageFailed,
            format!("the disk fails, so a write may be there or not; send it again under the same key: {error}"),
        )
        .retry_after(RETRY_LATER)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Invalid { field, value, rule } => Self::field(ProblemKind::InvalidField, &field, &value, &rule),
            Refusal::UnknownSku { field, value } => {
                Self::field(ProblemKind::UnknownSku, &field, &value, "the catalogue has no product of this SKU")
            }
            Refusal::ScopeNotHeld { field, value, scope } => Self::scope_not_held(&field, &value, &scope),
            Refusal::Currency { field, value, expected } => {
                let rule = format!("every amount must have the currency {expected}");
                Self::field(ProblemKind::CurrencyMismatch, &field, &value, &rule)
            }
            Refusal::NotFound { kind, id } => Self::missing(ProblemKind::of_missing(kind), kind, id),
            Refusal::DayNotOpen { date, open } => {
                Self::new(ProblemKind::DayNotOpen, detail).with("date", json!(date)).with("open", json!(open))
            }
            Refusal::DayClosed { date, close, .. } => {
                Self::new(ProblemKind::DayNotOpen, detail).with("date", json!(date)).with("close", json!(close))
            }
            Refusal::KeyReused { event } => {
                Self::new(ProblemKind::IdempotencyKeyReused, detail).with("event", json!(event))
            }
            Refusal::Unbacked { field, sku, location, wanted, available } => {
                Self::new(ProblemKind::InsufficientStock, detail)
                    .with("field", json!(field))
                    .with("value", json!(wanted))
                    .with("rule", json!("goods may not leave beyond what is available"))
                    .with("sku", json!(sku))
                    .with("location", json!(location))
                    .with("available", json!(available))
            }
            Refusal::NotAvailable { location, missing, elsewhere, .. } => {
                not_available(detail, &location, &missing, &elsewhere)
            }
            Refusal::NotOwner { promise, owner } => Self::new(ProblemKind::NotOwner, detail)
                .with("reservation", json!(promise))
                .with("owner", json!(owner.node)),
            Refusal::AlreadyDecided { item } => {
                Self::new(ProblemKind::WorkItemDecided, detail).with("work_item", json!(item))
            }
            Refusal::DecidedElsewhere { item, choice, nodes } => Self::new(ProblemKind::DecidedElsewhere, detail)
                .with("work_item", json!(item))
                .with("choice", json!(choice))
                .with("nodes", json!(nodes)),
            Refusal::PromiseOver { promise, status } => Self::new(ProblemKind::ReservationOver, detail)
                .with("reservation", json!(promise))
                .with("reservation_status", json!(status.as_str())),
            Refusal::MoreThanOrdered { field, order, sku, verb, wanted, left } => {
                Self::new(ProblemKind::MoreThanOrdered, detail)
                    .with("field", json!(field))
                    .with("value", json!(wanted))
                    .with("rule", json!(format!("the order has {left} left to {verb}")))
                    .with("order", json!(order))
                    .with("sku", json!(sku))
                    .with("left", json!(left))
            }
            Refusal::OutsideRole { what, role } => Self::new(ProblemKind::OutsideRole, detail)
                .with("what", json!(what))
                .with("role", json!(role.map(Role::as_str))),
            Refusal::Retired => Self::new(ProblemKind::Retired, detail),
            Refusal::Storage(error) => error.into(),
            Refusal::Document(_) => {
                tracing::error!(detail, "a document failed");
                Self::new(ProblemKind::Internal, detail)
            }
            other => of_return(other, detail),
        }
    }
}

impl From<ChannelError> for Problem {
    fn from(error: ChannelError) -> Self {
        let detail = error.to_string();
        match error {
            ChannelError::Unknown(name) => Self::missing(ProblemKind::UnknownChannel, "channel", name),
            ChannelError::Signature { header } => {
                Self::new(ProblemKind::BadSignature, detail).with("field", json!(header))
            }
            ChannelError::Header { header, rule } => {
                Self::new(ProblemKind::InvalidHeader, detail).with("field", json!(header)).with("rule", json!(rule))
            }
            ChannelError::Body { field, rule } => {
                Self::new(ProblemKind::InvalidField, detail).with("field", json!(field)).with("rule", json!(rule))
            }
            ChannelError::Failure { failure, .. } => of_failure(&failure, detail),
            ChannelError::GivenUp { error } => Self::from(*error).explained(detail),
            ChannelError::Plugin { .. } => {
                tracing::error!(detail, "a channel's plugin failed");
                Self::new(ProblemKind::PluginFailed, detail).retry_after(RETRY_LATER)
            }
            ChannelError::Submit(error) => error.into(),
            ChannelError::Piece { offset, error } => {
                let problem = Self::from(*error);
                problem.explained(detail).with("piece_offset", json!(offset))
            }
            ChannelError::DeadLetter { id, error, acknowledgement } => {
                let problem = Self::from(*error).explained(detail).with("dead_letter", json!(id));
                match acknowledgement {
                    Some(answer) => problem.with("acknowledgement", json!(Acknowledgement::of(&answer))),
                    None => problem,
                }
            }
            ChannelError::OnlyAPiece | ChannelError::NotTold(_) => Self::new(ProblemKind::NotReplayable, detail),
            ChannelError::FileTooLarge { .. } | ChannelError::MessageTooLarge { .. } => {
                Self::new(ProblemKind::BodyTooLarge, detail)
            }
            ChannelError::LettersFull | ChannelError::AnswersWait { .. } => {
                Self::new(ProblemKind::Overloaded, detail).retry_after(RETRY_LATER)
            }
            ChannelError::File(_) => Self::new(ProblemKind::StorageFailed, detail).retry_after(RETRY_LATER),
        }
    }
}

impl From<ReloadError> for Problem {
    fn from(error: ReloadError) -> Self {
        let detail = error.to_string();
        match error {
            ReloadError::Busy => Self::new(ProblemKind::Overloaded, detail).retry_after(RETRY_LATER),
            // It quotes the line that is wrong, which may be a secret.
            ReloadError::Config(ConfigError::Syntax { path, .. }) => {
                tracing::warn!(detail, "the settings are not read again");
                Self::new(ProblemKind::PluginsNotReloaded, format!("{path} cannot be read: the node's log says why"))
            }
            _ => Self::new(ProblemKind::PluginsNotReloaded, detail),
        }
    }
}

impl From<PricingError> for Problem {
    fn from(error: PricingError) -> Self {
        let detail = error.to_string();
        match error {
            PricingError::Stopping => Self::new(ProblemKind::Stopping, detail).retry_after(RETRY_LATER),
            PricingError::Input(input) => {
                Self::field(ProblemKind::InvalidField, &input.field, &input.value, &input.rule)
            }
            PricingError::Plugin(_) => Self::new(ProblemKind::PricingFailed, detail).retry_after(RETRY_LATER),
        }
    }
}

impl From<InvalidPromotion> for Problem {
    fn from(error: InvalidPromotion) -> Self {
        Self::field(ProblemKind::InvalidField, error.field, &error.value, &error.rule)
    }
}

/// The first missing line as the field to blame; all of them, and where there is more, as members.
fn not_available(detail: String, location: &Name, missing: &[Missing], elsewhere: &[Elsewhere]) -> Problem {
    let lines = missing.iter().map(|it| json!({ "sku": it.sku, "wanted": it.wanted, "available": it.available }));
    let lines: Vec<_> = lines.collect();
    let place = |it: &Elsewhere| {
        let mut place = json!({ "sku": it.sku, "location": it.location, "available": it.available, "gone": it.left });
        if let Some(node) = &it.node {
            place["node"] = json!(node);
        }
        place
    };
    let elsewhere: Vec<_> = elsewhere.iter().map(place).collect();
    let mut problem = Problem::new(ProblemKind::NotAvailable, detail)
        .with("rule", json!("a node promises what it holds the rights to"))
        .with("location", json!(location))
        .with("lines", json!(lines))
        .with("elsewhere", json!(elsewhere));
    if let Some(first) = missing.first() {
        problem = problem
            .with("field", json!(first.field))
            .with("value", json!(first.wanted))
            .with("sku", json!(first.sku))
            .with("available", json!(first.available));
    }
    problem
}

/// What goods are refused for that come in again, come back, or leave although they are being cancelled.
fn of_return(refusal: Refusal, detail: String) -> Problem {
    match refusal {
        Refusal::AuthorisationOver { field, authorisation, until } => {
            Problem::new(ProblemKind::AuthorisationOver, detail)
                .with("field", json!(field))
                .with("value", json!(authorisation))
                .with("rule", json!("its time must not be over"))
                .with("until", json!(until))
        }
        Refusal::AlreadyReceived { reference, location, event } => Problem::new(ProblemKind::AlreadyReceived, detail)
            .with("field", json!("reference"))
            .with("value", json!(reference))
            .with("rule", json!("goods of a document are booked in once: each delivery has a reference of its own"))
            .with("location", json!(location))
            .with("event", json!(event)),
        Refusal::BeingCancelled { field, order, sku, wanted, left } => {
            Problem::new(ProblemKind::BeingCancelled, detail)
                .with("field", json!(field))
                .with("value", json!(wanted))
                .with("rule", json!("what the location consented to give up is not handed over"))
                .with("order", json!(order))
                .with("sku", json!(sku))
                .with("left", json!(left))
        }
        Refusal::MoreThanUndecided { field, back, sku, wanted, left } => {
            Problem::new(ProblemKind::MoreThanUndecided, detail)
                .with("field", json!(field))
                .with("value", json!(wanted))
                .with("rule", json!(format!("the return has {left} left to decide on")))
                .with("return", json!(back))
                .with("sku", json!(sku))
                .with("left", json!(left))
        }
        Refusal::RefundElsewhere { order, wanted, available, holders, .. } => {
            let holder = |it: &RefundHolder| json!({ "node": it.node, "available": it.available, "gone": it.left });
            Problem::new(ProblemKind::RefundElsewhere, detail)
                .with("field", json!("refund"))
                .with("value", json!(wanted))
                .with("rule", json!("a node pays back what it holds the right to"))
                .with("order", json!(order))
                .with("available", json!(available))
                .with("holders", holders.iter().map(holder).collect())
        }
        Refusal::ReturnElsewhere { back, owner, .. } => {
            Problem::new(ProblemKind::ReturnElsewhere, detail).with("return", json!(back)).with("owner", json!(owner))
        }
        other => of_voucher(other, detail),
    }
}

/// What a voucher refuses.
fn of_voucher(refusal: Refusal, detail: String) -> Problem {
    let problem = |kind, field: String, voucher: String| {
        Problem::new(kind, detail.clone()).with("field", json!(field)).with("voucher", json!(voucher))
    };
    match refusal {
        Refusal::VoucherUnknown { field, voucher, .. } => problem(ProblemKind::UnknownVoucher, field, voucher),
        Refusal::VoucherExpired { field, voucher, until } => {
            problem(ProblemKind::VoucherExpired, field, voucher).with("valid_until", json!(until))
        }
        Refusal::VoucherSpent { field, voucher, wanted, balance } => {
            problem(ProblemKind::VoucherSpent, field, voucher).with("value", json!(wanted)).with("left", json!(balance))
        }
        Refusal::VoucherElsewhere { field, voucher, wanted, available, holders, .. } => {
            let holders =
                holders.iter().map(|it| json!({ "node": it.node, "available": it.available, "gone": it.left }));
            problem(ProblemKind::VoucherElsewhere, field, voucher)
                .with("value", json!(wanted))
                .with("available", json!(available))
                .with("holders", holders.collect())
        }
        other => of_cart(other, detail),
    }
}

/// What a cart refuses.
fn of_cart(refusal: Refusal, detail: String) -> Problem {
    match refusal {
        Refusal::CheckedOut { cart, order } => {
            Problem::new(ProblemKind::CartCheckedOut, detail).with("cart", json!(cart)).with("order", json!(order))
        }
        Refusal::CartMerged { cart, into } => {
            Problem::new(ProblemKind::CartMerged, detail).with("cart", json!(cart)).with("into", json!(into))
        }
        Refusal::CartExpired { cart, at } => {
            Problem::new(ProblemKind::CartExpired, detail).with("cart", json!(cart)).with("expired_at", json!(at))
        }
        Refusal::CartHeldElsewhere { cart, holder, heard_lately, .. } => {
            let fork = format!("/v1/carts/{cart}:fork");
            Problem::new(ProblemKind::CartHeldElsewhere, detail)
                .with("cart", json!(cart))
                .with("holder", json!(holder))
                .with("heard_lately", json!(heard_lately))
                .with("fork", json!(fork))
        }
        Refusal::CartBehind { cart, missing } => Problem::new(ProblemKind::CartBehind, detail)
            .with("cart", json!(cart))
            .with("missing_changes", json!(missing)),
        Refusal::ForkPromised { cart, from } => {
            Problem::new(ProblemKind::ForkNotPromised, detail).with("cart", json!(cart)).with("from", json!(from))
        }
        Refusal::CartChanged { cart } => Problem::new(ProblemKind::CartChanged, detail).with("cart", json!(cart)),
        Refusal::CartEmpty { cart } => Problem::new(ProblemKind::CartEmpty, detail).with("cart", json!(cart)),
        _ => Problem::new(ProblemKind::Internal, detail),
    }
}

fn of_failure(failure: &ChannelFailure, detail: String) -> Problem {
    let (kind, retry) = match failure {
        ChannelFailure::Malformed(_) => (ProblemKind::MessageMalformed, None),
        ChannelFailure::Unsupported(_) => (ProblemKind::MessageUnsupported, None),
        ChannelFailure::UnknownSku(_) => (ProblemKind::MessageUnknownSku, None),
        ChannelFailure::Rejected(_) => (ProblemKind::MessageRejected, None),
        ChannelFailure::Retry(_) => (ProblemKind::MessageRetry, Some(RETRY_LATER)),
    };
    let what = failure.detail();
    let problem = Problem { retry_after: retry, ..Problem::new(kind, detail) };
    problem.with("field", json!(what.field)).with("value", json!(shorten(&what.value))).with("rule", json!(what.rule))
}

/// A parameter of a path or query that is no id.
pub(super) fn invalid_parameter(name: &str, error: &InvalidId) -> Problem {
    Problem::field(
        ProblemKind::InvalidParameter,
        name,
        &error.value,
        &format!("it is no {}: {}", error.kind, error.rule),
    )
}

fn shorten(value: &str) -> String {
    value.chars().take(MAX_VALUE).collect()
}

#[cfg(test)]
mod tests;
