//! The orders that a location has to work on.

use std::ops::Bound;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tillmesh_core::document::Scope;
use tillmesh_core::id::{EventId, Name, Reference};
use tillmesh_core::order::{self, Order, Status};
use tillmesh_core::storage::StorageError;
use tillmesh_core::time::Timestamp;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::QuantitiesOfSku;
use crate::http::App;
use crate::http::blocking::blocking;
use crate::http::extract::Params;
use crate::http::page::{Ask, Page, PageParams};
use crate::http::problem::Problem;
use crate::http::schema;

/// How many orders one request reads, so that a rare state does not keep a thread for all open orders of a year. The
/// page ends there, with a cursor, even if it found nothing yet.
const MAX_LOOKED_AT: usize = 5_000;

/// Which orders.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
struct Filter {
    /// Only those whose goods are this location's.
    #[param(value_type = Option<schema::Name>)]
    location: Option<String>,
    /// Only those in this state.
    #[param(value_type = Option<OpenWord>, inline)]
    status: Option<String>,
}

/// Where an order can stand that a location has to work on.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes the words of a parameter")]
enum OpenWord {
    /// Not confirmed yet.
    Reserved,
    /// Nobody has begun, or not with all of it.
    Placed,
    /// Somebody has taken all of it on.
    Allocated,
    /// All of it was taken from the shelves.
    Picked,
    /// All of it can be handed over or shipped.
    Ready,
    /// A part has left.
    PartlyFulfilled,
    /// Goods that were picked and given up since are to be put back, whatever else its `status` says.
    ToPutBack,
}

/// What `status` may ask for beside a state.
const TO_PUT_BACK: &str = "to-put-back";

/// An order of which something is still to leave, or to be put back.
#[derive(Debug, Serialize, ToSchema)]
struct OpenOrder {
    /// Its id.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// Where it stands.
    status: &'static str,
    /// The location whose goods they are.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// The node that promised them.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    sold_at: Timestamp,
    /// The channel that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    channel: Option<Name>,
    /// The other side's document, such as the channel's order number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// The customer, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    customer_ref: Option<Reference>,
    /// How much of each SKU went where, and how far the rest has come.
    quantities: Vec<QuantitiesOfSku>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Orders of which something is still to leave, or to be put back, by id
///
/// A page may have fewer items than asked for, even none, and still a `next_cursor`: go on with it. An order that was
/// sold over the counter, has left or was given up is not among them, see `GET /v1/orders/{id}`: but for one that was
/// given up after goods of it had been picked, until these are put back.
#[utoipa::path(get, path = "/v1/orders", tag = "orders", operation_id = "list_orders", params(Filter, PageParams),
    responses((status = 200, description = "A page", body = Page<OpenOrder>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<OpenOrder>>, Problem> {
    let location: Option<Name> = params.id("location")?;
    if let Some(location) = &location {
        let scope = Scope::Stock(location.clone());
        if !app.handle.settings().scopes.admits(&scope) {
            return Err(Problem::scope_not_held("location", location.as_str(), &scope.to_string()));
        }
    }
    let words: Vec<_> = Status::OPEN.map(Status::as_str).into_iter().chain([TO_PUT_BACK]).collect();
    let status = params.word("status", &words)?;
    let ask = Ask::of(&mut params, &format!("orders {location:?} {status:?}"))?;
    params.finish()?;
    let (after, limit) = (ask.after_id::<EventId>()?, ask.limit);
    let (items, looked_at) = blocking(move || find(&app, location.as_ref(), status, after, limit)).await?;
    Ok(Json(Page { items, next_cursor: looked_at.map(|id| ask.cursor(&id.to_string())) }))
}

/// Orders behind an id, and the last one that was looked at, unless all were.
fn find(
    app: &App,
    location: Option<&Name>,
    status: Option<&str>,
    after: Option<EventId>,
    limit: usize,
) -> Result<(Vec<OpenOrder>, Option<EventId>), StorageError> {
    let open = order::open_at(&mut |see| see(&app.handle.view()), location);
    let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut items = Vec::new();
    for (looked_at, id) in (1..).zip(open.range((begin, Bound::Unbounded))) {
        let order = app.handle.order(*id)?;
        let order = order.filter(|order| status.is_none_or(|status| stands(order, status)));
        items.extend(order.as_ref().map(OpenOrder::of));
        if items.len() == limit || looked_at == MAX_LOOKED_AT {
            return Ok((items, open.last().filter(|last| *last != id).map(|_| *id)));
        }
    }
    Ok((items, None))
}

fn stands(order: &Order, status: &str) -> bool {
    if status == TO_PUT_BACK { order.to_put_back() > 0 } else { status == order.status().as_str() }
}

impl OpenOrder {
    fn of(order: &Order) -> Self {
        Self {
            id: order.id,
            status: order.status().as_str(),
            location: order.origin.location.clone(),
            node: order.origin.writer.node.clone(),
            sold_at: order.made.occurred(),
            channel: order.made.channel.clone(),
            reference: order.made.reference.clone(),
            customer_ref: order.customer().cloned(),
            quantities: order.quantities().into_iter().map(QuantitiesOfSku::from).collect(),
        }
    }
}
