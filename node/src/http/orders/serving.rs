//! Serving promises: how far their goods have come, how they leave, that they arrive.

use axum::extract::State;
use serde::Deserialize;
use tillmesh_core::command::{Command, Request};
use tillmesh_core::event::{Handover, Stage};
use tillmesh_core::id::{EventId, Name, Reference};
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::App;
use crate::http::body::{GoodsLine, Recorded, Written, all, recorded};
use crate::http::extract::{Id, Write};
use crate::http::problem::Problem;
use crate::http::reservations::patient_until;
use crate::http::schema;

/// How far promised goods have come.
#[derive(ToSchema)]
#[schema(as = Stage, rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes the core's type of the same words")]
enum StageWord {
    /// Nobody has begun.
    Placed,
    /// Somebody has taken them on.
    Allocated,
    /// Taken from the shelf.
    Picked,
    /// Packed: they can be handed over or shipped.
    Ready,
}

/// How promised goods leave.
#[derive(ToSchema)]
#[schema(as = Handover, rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes the core's type of the same words")]
enum HandoverWord {
    /// The customer has them.
    Collected,
    /// They are on their way: the order is `shipped` until their delivery is recorded.
    Shipped,
}

/// Promised goods that came to another stage.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderProgress {
    /// The stage that they are at now; `placed` puts them back.
    #[schema(value_type = StageWord)]
    stage: Stage,
    /// The stage that they were at; left out, the nearest earlier ones, or, of goods that are put back, whichever.
    #[schema(value_type = Option<StageWord>)]
    from: Option<Stage>,
    /// What; left out, all that can come there. Of goods that are put back, what was given up goes first, and left out,
    /// alone where there is any.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    lines: Vec<GoodsLine>,
    /// When; left out, now.
    #[schema(value_type = Option<schema::Timestamp>)]
    occurred_at: Option<Timestamp>,
    /// The other side's document, such as a picking list or a storage place.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who did it, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// Goods that leave for a promise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderFulfilment {
    /// Where from; left out, the order's location. From another one they are moved to the order's location on the way.
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// What; left out, all that is open.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    lines: Vec<GoodsLine>,
    /// How they leave; left out, nobody says, and they count as handed over.
    #[schema(value_type = Option<HandoverWord>)]
    handover: Option<Handover>,
    /// The parcel's or pick-up's own reference.
    #[schema(value_type = Option<schema::Reference>)]
    parcel: Option<Reference>,
    /// When; left out, now.
    #[schema(value_type = Option<schema::Timestamp>)]
    fulfilled_at: Option<Timestamp>,
    /// Who handed them over, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// Shipped goods that arrived.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderDelivery {
    /// The parcel; left out, all that are on their way.
    #[schema(value_type = Option<schema::Reference>)]
    parcel: Option<Reference>,
    /// When; left out, now.
    #[schema(value_type = Option<schema::Timestamp>)]
    delivered_at: Option<Timestamp>,
    /// The carrier's own document.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who says so, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(progress)).routes(routes!(fulfil)).routes(routes!(deliver))
}

/// Say how far promised goods have come: allocated, picked, ready, or put back
#[utoipa::path(post, path = "/v1/orders/{id}/progress", tag = "orders", operation_id = "progress_order",
    params(("id" = schema::EventId, Path, description = "The order")), request_body = OrderProgress,
    responses((status = 201, description = "They are there", body = Recorded)))]
async fn progress(
    State(app): State<App>,
    Id(order): Id<EventId>,
    write: Write<OrderProgress>,
) -> Result<Written<Recorded>, Problem> {
    let OrderProgress { stage, from, lines, occurred_at, reference, clerk } = write.body;
    let request = write.key.request(Command::Progress { order, stage, from, lines: all(lines) });
    recorded(app.handle.submit(Request { occurred_at, reference, clerk, ..request }).await?)
}

/// Hand over or ship what was promised
#[utoipa::path(post, path = "/v1/orders/{id}/fulfilments", tag = "orders", operation_id = "fulfil",
    params(("id" = schema::EventId, Path, description = "The order")), request_body = OrderFulfilment,
    responses((status = 201, description = "They have left", body = Recorded)))]
async fn fulfil(
    State(app): State<App>,
    Id(order): Id<EventId>,
    write: Write<OrderFulfilment>,
) -> Result<Written<Recorded>, Problem> {
    let OrderFulfilment { location, lines, handover, parcel, fulfilled_at, clerk } = write.body;
    let command = Command::Fulfil { location, order, lines: all(lines), parcel, handover };
    let until = patient_until(&app);
    let request = Request { occurred_at: fulfilled_at, clerk, until, ..write.key.request(command) };
    recorded(app.handle.submit(request).await?)
}

/// Record that shipped goods arrived
#[utoipa::path(post, path = "/v1/orders/{id}/deliveries", tag = "orders", operation_id = "deliver",
    params(("id" = schema::EventId, Path, description = "The order")), request_body = OrderDelivery,
    responses((status = 201, description = "They are there", body = Recorded)))]
async fn deliver(
    State(app): State<App>,
    Id(order): Id<EventId>,
    write: Write<OrderDelivery>,
) -> Result<Written<Recorded>, Problem> {
    let OrderDelivery { parcel, delivered_at, reference, clerk } = write.body;
    let request = write.key.request(Command::Deliver { order, parcel });
    recorded(app.handle.submit(Request { occurred_at: delivered_at, reference, clerk, ..request }).await?)
}
