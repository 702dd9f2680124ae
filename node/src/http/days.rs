//! Days of trade: their end, their report, and money that moves without a sale.

mod report;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tillmesh_core::command::{Command, Request};
use tillmesh_core::day::Asked;
use tillmesh_core::event::CashKind;
use tillmesh_core::id::{Name, Reference};
use tillmesh_core::money::Money;
use tillmesh_core::time::BusinessDate;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::{Recorded, Written, recorded};
use super::extract::{Date, Params, Write, WriteOrNothing};
use super::problem::{Problem, ProblemKind};
use super::schema;
use report::{ClosedDay, DayReport};

pub(super) use report::TotalsBody;

/// How a day ends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct DayEnd {
    /// The cash that is in the drawer, where it was counted.
    #[schema(value_type = Option<schema::Money>)]
    counted: Option<Money>,
    /// The day that begins, where it is not the one that the clock says: after the one that ends, at most tomorrow.
    #[schema(value_type = Option<schema::BusinessDate>)]
    next: Option<BusinessDate>,
    /// The other side's document, such as a paying-in slip.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who closes, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// Money that moves into or out of the drawer without a sale.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCashMovement {
    /// `float`: change to begin the day with. `paid-in`, `paid-out`: put in or taken out since.
    #[schema(value_type = schema::CashKind)]
    kind: CashKind,
    /// How much, above zero.
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// Why, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    reason: Option<Reference>,
    /// The other side's document, such as a paying-in slip.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who did it, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(close)).routes(routes!(report)).routes(routes!(move_cash))
}

/// End the open day of trade of this node at its own location
///
/// The day's ledger is sealed with what it adds up to. What is recorded afterwards belongs to the next day. `/v1/node`
/// names the open day. A day that is closed already answers as it did, and is refused another count or next day; one
/// that nobody closes is closed when the next begins, without counted cash. What was counted is of a currency that the
/// day has.
#[utoipa::path(post, path = "/v1/days/{date}/~close", tag = "days", operation_id = "close_day",
    params(("date" = schema::BusinessDate, Path, description = "The day")), request_body = Option<DayEnd>,
    responses((status = 201, description = "It is closed", body = ClosedDay)))]
async fn close(
    State(app): State<App>,
    Date(date): Date,
    write: WriteOrNothing<DayEnd>,
) -> Result<Written<ClosedDay>, Problem> {
    let DayEnd { counted, next, reference, clerk } = write.body;
    let request = write.key.request(Command::CloseDay { date, counted, next });
    report::closed(app.handle.submit(Request { reference, clerk, ..request }).await?)
}

/// What a day of trade came to
///
/// Of a day that is open it says what was recorded so far. It covers every node of the location that was heard of, or
/// one of them.
#[utoipa::path(get, path = "/v1/days/{date}/report", tag = "days", operation_id = "get_day_report",
    params(("date" = schema::BusinessDate, Path, description = "The day"),
        ("location" = Option<schema::Name>, Query, description = "Where; left out, the node's own location"),
        ("node" = Option<schema::Name>, Query, description = "Only this node's ledgers")),
    responses((status = 200, description = "The report", body = DayReport)))]
async fn report(State(app): State<App>, Date(date): Date, mut params: Params) -> Result<Json<DayReport>, Problem> {
    let location: Option<Name> = params.id("location")?;
    let node: Option<Name> = params.id("node")?;
    params.finish()?;
    let location = location.unwrap_or_else(|| app.handle.settings().location.clone());
    let open = app.handle.open_day().date;
    let (handle, place) = (app.handle.clone(), location.clone());
    let read =
        tokio::task::spawn_blocking(move || handle.day(Asked { location: &place, date, node: node.as_ref() })).await;
    let read = read.map_err(|error| Problem::new(ProblemKind::Internal, error.to_string()))??;
    if read.ledgers.is_empty() && date != open {
        return Err(Problem::missing(ProblemKind::UnknownDay, "day of trade", date));
    }
    Ok(Json(DayReport::of(location, date, read)))
}

/// Put money into the drawer, or take it out, without a sale
#[utoipa::path(post, path = "/v1/cash/movements", tag = "days", operation_id = "move_cash",
    request_body = NewCashMovement, responses((status = 201, description = "It is recorded", body = Recorded)))]
async fn move_cash(State(app): State<App>, write: Write<NewCashMovement>) -> Result<Written<Recorded>, Problem> {
    let NewCashMovement { kind, amount, reason, reference, clerk } = write.body;
    let request = write.key.request(Command::MoveCash { kind, amount, reason });
    recorded(app.handle.submit(Request { reference, clerk, ..request }).await?)
}
