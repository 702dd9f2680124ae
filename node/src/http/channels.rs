//! Channels: what their systems send.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use tillmesh_core::id::Name;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::{Written, events_of, written};
use super::event::EventBody;
use super::extract::{Id, Params, read_body};
use super::page::{Ask, Page, PageParams};
use super::problem::Problem;
use super::schema;
use crate::config::{ChannelSettings, Signature};
use crate::runtime::channels::Inbound;

/// The longest message: what a plugin is given at most by default.
const MAX_MESSAGE: usize = 1024 * 1024;

/// A channel of the node's settings.
#[derive(Debug, Serialize, ToSchema)]
struct Channel {
    /// Its name.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// The plugin that translates its messages.
    #[schema(value_type = schema::Name)]
    plugin: Name,
    /// How its messages prove where they come from: `none`, `shopify` or `hex`.
    signature: &'static str,
    /// Where its orders come from; left out, the node's own location.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
}

/// What a message came to.
#[derive(Debug, Serialize, ToSchema)]
struct Received {
    /// The events that were recorded; none for a message that changes the catalogue or nothing.
    events: Vec<EventBody>,
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
    Ok(Json(ask.page(channels.map(Channel::of), |channel| channel.name.to_string())))
}

/// Take a message of a channel
///
/// The body goes to the channel's plugin to the byte. Its signature, id and topic are in the headers that the channel's
/// settings name. The same id is the same message: it counts once, at whichever node it arrives. Everything that the
/// message means is recorded, or nothing.
#[utoipa::path(post, path = "/v1/channels/{name}/inbound", tag = "channels", operation_id = "receive_message",
    params(
        ("name" = schema::Name, Path, description = "The channel"),
        ("X-Message-Id" = Option<String>, Header,
            description = "The message's id; of a Shopify channel X-Shopify-Webhook-Id"),
        ("X-Topic" = Option<String>, Header, description = "What it is about; of a Shopify channel X-Shopify-Topic"),
        ("X-Signature" = Option<String>, Header,
            description = "Hexadecimal HMAC-SHA-256 of the body, where the settings ask for it; of a Shopify channel \
                base64 in X-Shopify-Hmac-Sha256"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "The message, of any media type"),
    responses((status = 200, description = "It is recorded", body = Received)))]
async fn receive(
    State(app): State<App>,
    Id(name): Id<Name>,
    headers: HeaderMap,
    body: Body,
) -> Result<Written<Received>, Problem> {
    let body = read_body(&headers, body, MAX_MESSAGE).await?;
    let text = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let inbound = Inbound { headers: headers.iter().filter_map(text).collect(), body };
    let (events, repeated) = events_of(app.handle.channels().receive(&name, inbound).await?)?;
    let events = events.iter().map(|(event, origin)| EventBody::of(event, origin)).collect();
    Ok(written(StatusCode::OK, Received { events }, repeated))
}

impl Channel {
    fn of((name, settings): (&Name, &ChannelSettings)) -> Self {
        let signature = match settings.signature {
            Signature::None => "none",
            Signature::Shopify(_) => "shopify",
            Signature::Hex(_) => "hex",
        };
        Self { name: name.clone(), plugin: settings.plugin.clone(), signature, location: settings.location.clone() }
    }
}
