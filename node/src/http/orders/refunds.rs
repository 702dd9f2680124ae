//! Paying back, apart from goods that come back.

use axum::extract::State;
use serde::Deserialize;
use tillmesh_core::command::{Command, Request};
use tillmesh_core::id::{EventId, Name, Reference};
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::App;
use crate::http::body::{Recorded, TenderBody, Written, all, recorded};
use crate::http::extract::{Id, Write};
use crate::http::problem::Problem;
use crate::http::reservations::patient_until;
use crate::http::schema;

/// Money that is paid back for an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderRefund {
    /// Where; left out, the node's own location.
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// How it is paid back; amounts are positive.
    #[schema(min_items = 1, max_items = 500)]
    refund: Vec<TenderBody>,
    /// When; left out, now.
    #[schema(value_type = Option<schema::Timestamp>)]
    refunded_at: Option<Timestamp>,
    /// The refund's own document.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who pays it back, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(pay_back))
}

/// Pay back what an order has left, apart from goods that come back
///
/// Goods may have come back before, or never have left. No more is paid back than was paid, whoever can hear whom: the
/// right to pay back is held by the node that made the order, until it gives it away. A node that lacks it asks for it,
/// for half a second; otherwise the problem `refund-elsewhere` says who holds it.
#[utoipa::path(post, path = "/v1/orders/{id}/refunds", tag = "orders", operation_id = "pay_back",
    params(("id" = schema::EventId, Path, description = "The order")), request_body = OrderRefund,
    responses((status = 201, description = "It is paid back", body = Recorded)))]
async fn pay_back(
    State(app): State<App>,
    Id(order): Id<EventId>,
    write: Write<OrderRefund>,
) -> Result<Written<Recorded>, Problem> {
    let OrderRefund { location, refund, refunded_at, reference, clerk } = write.body;
    let request = write.key.request(Command::PayBack { location, order, refund: all(refund) });
    let until = patient_until(&app);
    recorded(app.handle.submit(Request { occurred_at: refunded_at, reference, clerk, until, ..request }).await?)
}
