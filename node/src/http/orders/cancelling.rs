//! Requests to give a confirmed promise up, as orders show them.

use serde::Serialize;
use tillmesh_core::id::{EventId, Name, Reference, Sku};
use tillmesh_core::order::Cancellation;
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;

use crate::http::schema;

/// A request to give a confirmed promise up, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CancellationRequest)]
pub(super) struct CancellationBody {
    /// Its id.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    requested_at: Timestamp,
    /// The node that answers for the location.
    #[schema(value_type = schema::Name)]
    asked: Name,
    /// Why, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    reason: Option<Reference>,
    /// `requested`: not answered yet; `consented`: about to be given up; `given-up`; or `without-effect`: the goods had
    /// left.
    state: &'static str,
    /// What of which SKU.
    lines: Vec<CancelledLine>,
}

/// How much of a SKU of a request came how far.
#[derive(Debug, Serialize, ToSchema)]
struct CancelledLine {
    /// The SKU.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// Asked for.
    quantity: i64,
    /// Of that, what the location hands over no more.
    consented: i64,
    /// Of that, what was given up.
    given_up: i64,
}

impl CancellationBody {
    /// A request.
    pub(super) fn of(request: &Cancellation<'_>) -> Self {
        let lines = request.lines.iter().map(|(sku, of)| CancelledLine {
            sku: sku.clone(),
            quantity: of.requested,
            consented: of.consented,
            given_up: of.given_up,
        });
        Self {
            id: request.event.id,
            requested_at: request.event.occurred(),
            asked: request.body.asked.clone(),
            reason: request.body.reason.clone(),
            state: request.state.as_str(),
            lines: lines.collect(),
        }
    }
}
