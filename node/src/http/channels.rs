//! Channels: what their systems send.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use tillmesh_core::channel::OutboundMessage;
use tillmesh_core::id::{EventId, Name};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::blocking::to_its_end;
use super::body::{Written, events_of, written};
use super::event::EventBody;
use super::extract::{Id, Params};
use super::page::{Ask, Page, PageParams};
use super::problem::Problem;
use super::schema;
use crate::config::ChannelSettings;
use crate::runtime::DeliveryState;
use crate::runtime::channels::{InPieces, Inbound, Taken};

mod arrive;

/// A channel of the node's settings.
#[derive(Debug, Serialize, ToSchema)]
struct Channel {
    /// Its name.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// The plugin that translates its messages.
    #[schema(value_type = schema::Name)]
    plugin: Name,
    /// How its messages prove where they come from: `none`, `shopify`, `woocommerce`, `square` or `hex`.
    signature: &'static str,
    /// Where its orders come from; left out, the node's own location.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// What went wrong last with taking its messages from a folder or a broker; left out: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// How telling it goes; left out: its settings do not say where it is told what happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Delivery>,
}

/// How telling a channel what happens goes.
#[derive(Debug, Serialize, ToSchema)]
struct Delivery {
    /// How many messages wait to be sent.
    waiting: usize,
    /// What went wrong with the last attempt; left out: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

/// What a message came to.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Received {
    /// The events that were recorded; none for a message that changes the catalogue or nothing, or one in pieces.
    events: Vec<EventBody>,
    /// What a message came to that was larger than a plugin takes at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_pieces: Option<InPiecesBody>,
    /// Of a message of which nothing could be made: the dead letter as which it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    dead_letter: Option<EventId>,
    /// Why nothing could be made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the channel is answered, such as a 997 of X12.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledgement: Option<Acknowledgement>,
}

/// What a message is answered, in the channel's own format.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Acknowledgement {
    /// What it is about, in the channel's words.
    topic: String,
    /// The media type.
    content_type: String,
    /// The answer.
    body: String,
}

/// What a message in pieces came to.
#[derive(Debug, Serialize, ToSchema)]
struct InPiecesBody {
    /// How many pieces there were.
    pieces: u64,
    /// How many events were recorded, now or before.
    events: u64,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(receive))
}

/// The channels, by name
#[utoipa::path(get, path = "/v1/channels", tag = "channels", operation_id = "list_channels", params(PageParams),
    responses((status = 200, description = "A page", body = Page<Channel>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<Channel>>, Problem> {
    let ask = Ask::of(&mut params, "channels")?;
    params.finish()?;
    let after: Option<Name> = ask.after_id()?;
    let channels = app.handle.channels().iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
    let channel =
        |(name, settings)| Channel::of(name, settings, app.handle.channels().trouble(name), app.handle.delivery(name));
    Ok(Json(ask.page(channels.map(channel), |channel| channel.name.to_string())))
}

/// Take a message of a channel
///
/// The body goes to the channel's plugin to the byte. Its signature, id and topic are where the channel's `signature`
/// says; of a Square channel id and topic are `event_id` and `type` of the body. On a channel whose
/// `max_body_megabytes` is more than 1, a message of more than 16 KiB goes to the plugin in pieces: nothing is recorded
/// unless the plugin takes them all, then each has a commit of its own.
///
/// The same id is the same message: it counts once, at whichever node it arrives. Everything that the message means is
/// recorded, or nothing; of one in pieces what its pieces mean, each whole.
///
/// A message of which nothing can be made is kept as a dead letter with the reason (member `dead_letter` of the
/// problem), to be read, mended and replayed.
#[utoipa::path(post, path = "/v1/channels/{name}/inbound", tag = "channels", operation_id = "receive_message",
    params(
        ("name" = schema::Name, Path, description = "The channel"),
        ("X-Message-Id" = Option<String>, Header,
            description = "The message's id; of a Shopify channel X-Shopify-Webhook-Id, of a WooCommerce channel \
                X-WC-Webhook-Delivery-ID"),
        ("X-Topic" = Option<String>, Header,
            description = "What it is about; of a Shopify channel X-Shopify-Topic, of a WooCommerce channel \
                X-WC-Webhook-Topic"),
        ("X-Signature" = Option<String>, Header,
            description = "Hexadecimal HMAC-SHA-256 of the body, where the settings ask for it; base64 \
                of a Shopify channel in X-Shopify-Hmac-Sha256, of a WooCommerce channel in X-WC-Webhook-Signature, of \
                a Square channel in X-Square-Hmacsha256-Signature"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "The message, of any media type"),
    responses((status = 200, description = "It is recorded", body = Received),
        (status = 202, description = "Nothing could be made of it, and it is kept as a dead letter; where the \
            channel's `on_failure` is `open`", body = Received)))]
async fn receive(
    State(app): State<App>,
    Id(name): Id<Name>,
    headers: HeaderMap,
    body: Body,
) -> Result<Written<Received>, Problem> {
    let body = arrive::body(app.handle.channels(), &name, &headers, body).await?;
    let text = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let inbound = Inbound { headers: headers.iter().filter_map(text).collect(), body };
    let handle = app.handle.clone();
    let taken = to_its_end(async move { handle.channels().receive(&name, inbound).await });
    let (outcome, acknowledgement) = match taken.await?? {
        Taken::Whole { outcome, acknowledgement } => (outcome, acknowledgement),
        Taken::InPieces(InPieces { pieces, events, repeated }) => {
            let received = Received { in_pieces: Some(InPiecesBody { pieces, events }), ..Received::default() };
            return Ok(written(StatusCode::OK, received, repeated));
        }
        Taken::AsDeadLetter { id, reason, acknowledgement } => {
            let acknowledgement = acknowledgement.as_ref().map(Acknowledgement::of);
            let (dead_letter, reason) = (Some(id), Some(reason));
            let received = Received { dead_letter, reason, acknowledgement, ..Received::default() };
            return Ok(written(StatusCode::ACCEPTED, received, false));
        }
    };
    let (events, repeated) = events_of(outcome)?;
    let events = events.iter().map(|(event, origin)| EventBody::of(event, origin)).collect();
    let acknowledgement = acknowledgement.as_ref().map(Acknowledgement::of);
    Ok(written(StatusCode::OK, Received { events, acknowledgement, ..Received::default() }, repeated))
}

impl Acknowledgement {
    /// An answer, as text.
    pub(super) fn of(answer: &OutboundMessage) -> Self {
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Self { topic: answer.topic.to_string(), content_type: answer.content_type.to_string(), body }
    }
}

impl Channel {
    fn of(name: &Name, settings: &ChannelSettings, trouble: Option<String>, delivery: Option<DeliveryState>) -> Self {
        let signature = settings.signature.as_str();
        let delivery = delivery.map(|DeliveryState { waiting, trouble }| Delivery { waiting, trouble });
        let (plugin, location) = (settings.plugin.clone(), settings.location.clone());
        Self { name: name.clone(), plugin, signature, location, trouble, delivery }
    }
}
