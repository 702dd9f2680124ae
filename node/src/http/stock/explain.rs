//! Where the numbers of a SKU come from: who may promise how many, which promises are open, which events led there.

use std::ops::Bound;

use serde::Serialize;
use tillmesh_core::history::EventReader;
use tillmesh_core::id::{Epoch, EventId, Name, Sku};
use tillmesh_core::stock::{self, StockRow};
use tillmesh_core::storage::StorageError;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::{self, JournalChunk};
use tillmesh_core::voucher;
use utoipa::ToSchema;

use super::super::App;
use super::super::event::EventBody;
use super::super::schema;

/// The most promises and events that an explanation lists, the newest first.
const MAX_LISTED: usize = 100;
/// How many events of a location it looks at, the newest first: some hours of a busy store.
const MAX_LOOKED_AT: usize = 5_000;

/// Where the numbers of a SKU at a location come from.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    /// Who may promise how many.
    rights: Vec<Holder>,
    /// How many units this node's settings say are a channel's: promised to it or kept for it.
    allocations: Vec<Allocation>,
    /// Promises of which something is owed; of more than 100, some.
    promises: Vec<OpenPromise>,
    /// The newest events that touched it, as this node heard them, the newest first; at most 100.
    events: Vec<EventBody>,
}

/// A node that may promise units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RightsHolder)]
pub(super) struct Holder {
    /// The node; left out, one of which no event was heard yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    node: Option<Name>,
    /// The life of its store in which it holds them.
    epoch: String,
    /// How many.
    rights: i64,
}

/// Units that one channel alone may be promised.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelAllocation)]
pub(super) struct Allocation {
    /// The channel.
    #[schema(value_type = schema::Name)]
    channel: Name,
    /// How many.
    units: i64,
}

/// A promise of which something is owed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpenPromise {
    /// The reservation or order.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// Units that are owed; negative: more was given up and handed over than was promised.
    owed: i64,
    /// Who made it; left out while it was not heard yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    node: Option<Name>,
    /// The channel that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    channel: Option<Name>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    promised_at: Option<Timestamp>,
}

impl Explanation {
    /// Explains a row.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn of(app: &App, location: &Name, sku: &Sku, row: &StockRow) -> Result<Self, StorageError> {
        let promises = row.owed.iter().take(MAX_LISTED).map(|(id, owed)| promise(app, *id, *owed));
        Ok(Self {
            rights: row.rights.iter().map(|(epoch, rights)| holder(app, *epoch, *rights)).collect(),
            allocations: allocations(app, sku),
            promises: promises.collect::<Result<_, _>>()?,
            events: events(app, location, sku)?,
        })
    }
}

// The view is looked at for each thing anew: the engine must not wait while the store is read.

fn holder(app: &App, epoch: Epoch, rights: i64) -> Holder {
    let view = app.handle.view();
    let mut writers = view.writers.iter().map(|(writer, _)| writer);
    let node = writers.find(|writer| writer.epoch == epoch).map(|writer| writer.node.clone());
    Holder { node, epoch: epoch.to_string(), rights }
}

fn allocations(app: &App, sku: &Sku) -> Vec<Allocation> {
    if voucher::kind_of(sku).is_some() {
        return Vec::new();
    }
    let category = app.handle.view().products.get(sku).and_then(|product| product.category.clone());
    let allocations = app.handle.settings().promises.allocations(sku, category.as_deref());
    allocations.map(|(channel, units)| Allocation { channel: channel.clone(), units }).collect()
}

fn promise(app: &App, id: EventId, owed: i64) -> Result<OpenPromise, StorageError> {
    let order = app.handle.order(id)?;
    let order = order.as_ref();
    Ok(OpenPromise {
        id,
        owed,
        node: order.map(|order| order.origin.writer.node.clone()),
        channel: order.and_then(|order| order.made.channel.clone()),
        status: order.map(|order| order.status().as_str()),
        promised_at: order.map(|order| order.made.occurred()),
    })
}

/// The newest events of a location that touched a SKU.
fn events(app: &App, location: &Name, sku: &Sku) -> Result<Vec<EventBody>, StorageError> {
    let (mut found, mut looked_at, mut log) = (Vec::new(), 0, EventReader::default());
    for chunk in chunks(app, location).iter().rev() {
        let entries =
            view::read::<JournalChunk>(&app.handle.view(), app.handle.reader(), chunk)?.unwrap_or_default().entries;
        for entry in entries.iter().rev() {
            looked_at += 1;
            if looked_at > MAX_LOOKED_AT || found.len() == MAX_LISTED {
                return Ok(found);
            }
            let Some((event, origin)) = log.read(app.handle.reader(), entry.event)? else { continue };
            let touched = stock::steps(&event, origin.writer.epoch).iter().any(|(moved, _)| *moved == sku);
            if touched || stock::counts(&event, sku) {
                found.push(EventBody::of(&event, &origin));
            }
        }
    }
    Ok(found)
}

fn chunks(app: &App, location: &Name) -> Vec<(Name, u32)> {
    let view = app.handle.view();
    let chunks = view.journal_spans.range_from(Bound::Included((location.clone(), 0)));
    chunks.map(|(key, _)| key).take_while(|key| key.0 == *location).cloned().collect()
}
