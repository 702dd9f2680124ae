//! Reservations: goods promised to somebody who does not have them in hand yet. A reservation is an order from its
//! beginning: confirming, releasing, handing over and taking back happen to one thing with one id.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tillmesh_core::command::{Command, GiveUp, PromiseTerms, Request, Reservation};
use tillmesh_core::event::Body;
use tillmesh_core::id::{EventId, Name, Reference};
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::{GoodsLine, Recorded, SaleLine, Written, all, events_of, recorded, written};
use super::event::EventBody;
use super::extract::{Id, Write, WriteOrNothing};
use super::orders::OrderBody;
use super::problem::{Problem, ProblemKind};
use super::sales::{MadeOrder, made};
use super::schema;
use crate::runtime::now;

/// How long goods are kept where nobody says: what a checkout in a browser takes.
pub(super) const DEFAULT_TTL_SECONDS: u32 = 15 * 60;

/// Goods that somebody wants to be promised: all lines or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReservation {
    /// Whose goods; left out, the node's own location.
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// What.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<SaleLine>,
    /// How long they are kept unless the reservation is confirmed, in seconds; left out, 900.
    #[schema(minimum = 1, maximum = 2_678_400, default = 900)]
    ttl_seconds: Option<u32>,
    /// Whether it is confirmed from the beginning: then it has no end of its own.
    #[serde(default)]
    #[schema(required = false, default = false)]
    confirmed: bool,
    /// The channel that promises them: decides which policy holds.
    #[schema(value_type = Option<schema::Name>)]
    channel: Option<Name>,
    /// The customer, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    customer_ref: Option<Reference>,
    /// The other side's document, such as the channel's order number.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who reserves them, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// What of a reservation is confirmed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReservationPart {
    /// What; left out, all that is open. What is not named is given up.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    lines: Vec<GoodsLine>,
    /// Who confirms, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// What of a reservation is given up.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReservationRelease {
    /// What; left out, all that is open.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    lines: Vec<GoodsLine>,
    /// Why, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    reason: Option<Reference>,
    /// Whether it is given up without asking the location that may be handing it over.
    #[serde(default)]
    #[schema(required = false, default = false)]
    force: bool,
    /// Who gives it up, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// What came of giving a reservation up.
#[derive(Debug, Serialize, ToSchema)]
struct ReservationGivenUp {
    /// `given-up`, or `cancellation-requested` while the location has not answered.
    state: &'static str,
    /// The events: the request where there is one, and what gave it up.
    #[schema(min_items = 1)]
    events: Vec<EventBody>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(reserve)).routes(routes!(get)).routes(routes!(confirm)).routes(routes!(release))
}

/// Promise goods
///
/// The node promises what it alone holds the rights to, so that nobody else can promise the same, whether they hear of
/// each other or not. Where it lacks some it asks its peers, for half a second at most. Otherwise the problem
/// `not-available` says how much may be promised here and where there is more.
#[utoipa::path(post, path = "/v1/reservations", tag = "reservations", operation_id = "reserve",
    request_body = NewReservation,
    responses((status = 201, description = "They are kept", body = OrderBody, headers(("Location" = String)))))]
async fn reserve(State(app): State<App>, write: Write<NewReservation>) -> Result<MadeOrder, Problem> {
    let body = write.body;
    let ttl = body.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS);
    check_ttl(ttl)?;
    let reservation = Reservation {
        location: body.location,
        lines: all(body.lines),
        customer: body.customer_ref,
        terms: PromiseTerms { ttl_seconds: (!body.confirmed).then_some(ttl), until: patient_until(&app) },
    };
    let request = write.key.request(Command::Reserve(Box::new(reservation)));
    let request = Request { channel: body.channel, reference: body.reference, clerk: body.clerk, ..request };
    let ([(name, path)], order) = made(app.handle.submit(request).await?)?;
    Ok(([(name, path.replace("/v1/orders/", "/v1/reservations/"))], order))
}

/// A reservation with everything that happened to it
#[utoipa::path(get, path = "/v1/reservations/{id}", tag = "reservations", operation_id = "get_reservation",
    params(("id" = schema::EventId, Path, description = "The reservation")),
    responses((status = 200, description = "The reservation", body = OrderBody)))]
async fn get(State(app): State<App>, Id(id): Id<EventId>) -> Result<Json<OrderBody>, Problem> {
    let order = app.handle.order(id)?;
    let order = order.filter(|order| order.is_promise());
    let order = order.ok_or_else(|| Problem::missing(ProblemKind::UnknownReservation, "reservation", id))?;
    Ok(Json(OrderBody::of(&order)))
}

/// Confirm a reservation: it has no end of its own from now on
///
/// Only the node that made it can. Doing so again changes nothing. What is confirmed, and what has left before, counts
/// as paid: the share of its lines, with what of discounts and charges falls to them.
#[utoipa::path(post, path = "/v1/reservations/{id}/~confirm", tag = "reservations",
    operation_id = "confirm_reservation", request_body = Option<ReservationPart>,
    params(("id" = schema::EventId, Path, description = "The reservation")),
    responses((status = 201, description = "It holds", body = Recorded)))]
async fn confirm(
    State(app): State<App>,
    Id(promise): Id<EventId>,
    write: WriteOrNothing<ReservationPart>,
) -> Result<Written<Recorded>, Problem> {
    let ReservationPart { lines, clerk } = write.body;
    let request = write.key.request(Command::Confirm { promise, lines: all(lines) });
    recorded(app.handle.submit(Request { clerk, ..request }).await?)
}

/// Give a reservation up, or a part of it
///
/// Only the node that made it can. Doing so again changes nothing. One that is confirmed may be on its way over a
/// counter: where another node answers for its location (the keeper, else one that had its goods in hand), that one is
/// asked, for half a second. What it consents to is not handed over any more, and is given up. Without an answer that
/// is done as soon as one comes; if the goods have left by then, nothing is. The order's `cancellation_requests` say
/// so.
#[utoipa::path(post, path = "/v1/reservations/{id}/~release", tag = "reservations",
    operation_id = "release_reservation", request_body = Option<ReservationRelease>,
    params(("id" = schema::EventId, Path, description = "The reservation")),
    responses((status = 201, description = "It is given up", body = ReservationGivenUp),
        (status = 202, description = "Its location was asked and has not answered yet", body = ReservationGivenUp)))]
async fn release(
    State(app): State<App>,
    Id(promise): Id<EventId>,
    write: WriteOrNothing<ReservationRelease>,
) -> Result<Written<ReservationGivenUp>, Problem> {
    let ReservationRelease { lines, reason, force, clerk } = write.body;
    let given_up = GiveUp { lines: all(lines), reason, force, ..GiveUp::all_of(promise) };
    let request = Request { clerk, until: patient_until(&app), ..write.key.request(Command::Release(given_up)) };
    let (events, repeated) = events_of(app.handle.submit(request).await?)?;
    let given_up = events.iter().any(|(event, _)| matches!(event.body, Body::Release(_)));
    let (status, state) =
        if given_up { (StatusCode::CREATED, "given-up") } else { (StatusCode::ACCEPTED, "cancellation-requested") };
    let events = events.iter().map(|(event, origin)| EventBody::of(event, origin)).collect();
    Ok(written(status, ReservationGivenUp { state, events }, repeated))
}

/// Until when a promise waits for peers.
pub(super) fn patient_until(app: &App) -> Option<Timestamp> {
    let patience = app.handle.settings().promise_patience;
    (!patience.is_zero()).then(|| now().plus_millis(i64::try_from(patience.as_millis()).unwrap_or(i64::MAX)))
}

/// Checks how long a promise is to hold.
///
/// # Errors
/// When that is out of range.
pub(super) fn check_ttl(seconds: u32) -> Result<(), Problem> {
    const MOST: u32 = tillmesh_core::engine::MAX_TTL_SECONDS;
    if (1..=MOST).contains(&seconds) {
        return Ok(());
    }
    let rule = format!("it must lie between 1 and {MOST}");
    Err(Problem::field(ProblemKind::InvalidField, "ttl_seconds", &seconds.to_string(), &rule))
}
