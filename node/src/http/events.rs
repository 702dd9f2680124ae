//! The change stream: server-sent events, straight from the log.
//!
//! Each change of the log is one event of the stream; its id is the change's place, `position.slot.index`. A client
//! that comes back says the last id that it saw and goes on behind it: the log is never changed, so nothing is lost and
//! nothing comes twice. Nothing is buffered for a client but a few events; one that does not read is cut off and comes
//! back.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use serde::Serialize;
use serde_json::json;
use tillmesh_core::document::{DocumentId, PRODUCTS, PROMOTIONS};
use tillmesh_core::envelope::Batch;
use tillmesh_core::history;
use tillmesh_core::id::{CartId, Name};
use tillmesh_core::storage::StorageError;
use tillmesh_core::view::Position;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::event::EventBody;
use super::extract::Params;
use super::problem::{Problem, ProblemKind};
use super::schema;

/// How many clients may follow at once: screens and connectors of a shop, not its customers.
pub(super) const MAX_STREAMS: usize = 64;
/// How many events wait for a client that reads.
const WAITING: usize = 64;
/// How long a client may take to read one event before it is cut off.
const SLOW_CLIENT: Duration = Duration::from_secs(30);
/// How often a comment says that the stream is alive: below the minute after which proxies close silent connections.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many commits are read at a time.
const SLICE: Position = 16;

/// Where to begin.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
struct Begin {
    /// Begin behind the event of this id; `0.0.0` begins with the first. Left out: with what happens next. The header
    /// `Last-Event-ID` wins.
    #[param(pattern = r"^\d{1,18}\.\d{1,5}\.\d{1,5}$")]
    after: Option<String>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(follow))
}

/// Follow what happens
///
/// Server-sent events. `event` is the kind of a business event (`sale`, `receipt`, ...; `data` is an Event), or `cart`
/// (`data` is `{"cart": id}`), or `catalogue` (`data` is `{"products": [sku], "promotions": [id]}`), or `unknown` for
/// what only a newer node understands. Comments are heartbeats.
#[utoipa::path(get, path = "/v1/events", tag = "events", operation_id = "follow_events",
    params(Begin, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")),
    responses((status = 200, description = "The stream; the schema is that of each `data`", body = StreamData,
        content_type = "text/event-stream")))]
async fn follow(
    State(app): State<App>,
    headers: HeaderMap,
    mut params: Params,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let after = params.text("after");
    params.finish()?;
    let last = headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let begin = begin(&app, last.map(|id| ("Last-Event-ID", id)).or_else(|| after.map(|id| ("after", id))))?;
    let Ok(permit) = app.streams.clone().try_acquire_owned() else {
        let detail = format!("{MAX_STREAMS} clients follow already");
        return Err(Problem::new(ProblemKind::TooManyStreams, detail).retry_after(SLOW_CLIENT.as_secs() as u32));
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        feed(app, begin, sender).await;
        drop(permit);
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive")))
}

/// What the `data` of the stream's events holds.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum StreamData {
    Event(Box<EventBody>),
    Cart(CartChange),
    Catalogue(CatalogueChange),
    Unknown(UnknownChange),
}

/// A cart that changed.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CartChange {
    /// The cart.
    #[schema(value_type = schema::CartId)]
    cart: CartId,
}

/// Products and promotions that were put.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CatalogueChange {
    /// The SKUs of the products.
    #[schema(value_type = Vec<schema::Sku>)]
    products: Vec<String>,
    /// The promotions.
    #[schema(value_type = Vec<schema::Name>)]
    promotions: Vec<String>,
}

/// An event that only a newer node understands.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnknownChange {
    /// The location that it touches.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// The node that recorded it.
    #[schema(value_type = schema::Name)]
    node: Name,
}

/// The place of a change in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    position: Position,
    slot: u16,
    index: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.position, self.slot, self.index)
    }
}

impl FromStr for Place {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let mut part = || parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit())).ok_or(());
        let place = Self {
            position: part()?.parse().map_err(drop)?,
            slot: part()?.parse().map_err(drop)?,
            index: part()?.parse().map_err(drop)?,
        };
        if parts.next().is_none() { Ok(place) } else { Err(()) }
    }
}

/// Behind which place the stream begins: the one that the client names, else the last one of the last commit.
fn begin(app: &App, named: Option<(&str, String)>) -> Result<Place, Problem> {
    let head = *app.handle.head().borrow();
    let Some((name, id)) = named else { return Ok(Place { position: head, slot: u16::MAX, index: u16::MAX }) };
    let rule = "it must be the id of an event of this stream: position.slot.index";
    let place: Place = id.parse().map_err(|()| Problem::field(ProblemKind::InvalidParameter, name, &id, rule))?;
    if place.position > head {
        let rule = format!("this node's log ends at {head}; its store was rebuilt, so begin again at 0.0.0");
        return Err(Problem::field(ProblemKind::InvalidCursor, name, &id, &rule));
    }
    Ok(place)
}

/// Sends what the log holds behind a place, then what comes, until the client is gone or does not read, or the node
/// stops.
async fn feed(app: App, begin: Place, sender: mpsc::Sender<Result<Event, Infallible>>) {
    let mut head = app.handle.head();
    let mut stopping = app.stopping.clone();
    let mut next = begin.position.max(1);
    loop {
        let last = *head.borrow_and_update();
        while next <= last {
            let to = last.min(next + SLICE - 1);
            let Some(events) = read(&app, next, to, begin).await else { return };
            for event in events {
                match tokio::time::timeout(SLOW_CLIENT, sender.send(Ok(event))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => {
                        tracing::warn!("cut off a client of the change stream that does not read");
                        return;
                    }
                }
            }
            next = to + 1;
        }
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            () = sender.closed() => return,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Reads commits away from the threads that serve requests.
async fn read(app: &App, from: Position, to: Position, after: Place) -> Option<Vec<Event>> {
    let handle = app.handle.clone();
    let read = move || {
        let mut events = Vec::new();
        for position in from..=to {
            let record = history::read_commit(handle.reader(), position)?;
            for slot in 0..record.envelopes.len() {
                let slot = u16::try_from(slot).unwrap_or(u16::MAX);
                events.extend(events_of(&record.batch(slot)?, position, slot, after)?);
            }
        }
        Ok::<_, StorageError>(events)
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(events)) => Some(events),
        Ok(Err(error)) => {
            tracing::error!(%error, "the change stream cannot read the log");
            None
        }
        Err(error) => {
            tracing::error!(%error, "reading the log panicked");
            None
        }
    }
}

fn events_of(batch: &Batch, position: Position, slot: u16, after: Place) -> Result<Vec<Event>, StorageError> {
    let mut events = Vec::with_capacity(batch.changes.len());
    for (index, bytes) in batch.changes.iter().enumerate() {
        let place = Place { position, slot, index: u16::try_from(index).unwrap_or(u16::MAX) };
        if place <= after {
            continue;
        }
        let Some((kind, data)) = content(&batch.document, bytes)? else { continue };
        events.push(Event::default().id(place.to_string()).event(kind).data(json!(data).to_string()));
    }
    Ok(events)
}

fn content(document: &DocumentId, bytes: &[u8]) -> Result<Option<(&'static str, StreamData)>, StorageError> {
    let change = history::read_change(document, bytes)?;
    let keys = |block: &str| -> Vec<String> {
        change.entries().iter().filter(|entry| entry.block == block).map(|entry| entry.key.clone()).collect()
    };
    Ok(match document {
        DocumentId::Ledger { location, writer, .. } => Some(match history::event_of(document, &change) {
            Some((event, origin)) => (event.body.kind(), StreamData::Event(Box::new(EventBody::of(&event, &origin)))),
            None => {
                let (location, node) = (location.clone(), writer.node.clone());
                ("unknown", StreamData::Unknown(UnknownChange { location, node }))
            }
        }),
        DocumentId::Cart { id } => Some(("cart", StreamData::Cart(CartChange { cart: *id }))),
        DocumentId::Catalog { .. } => {
            let change = CatalogueChange { products: keys(PRODUCTS), promotions: keys(PROMOTIONS) };
            Some(("catalogue", StreamData::Catalogue(change)))
        }
        DocumentId::Opening { .. } | DocumentId::Fleet { .. } => None,
    })
}

#[cfg(test)]
mod tests;
