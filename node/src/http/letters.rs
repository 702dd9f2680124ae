//! Dead letters: messages of which nothing was made, to be read, mended and tried again.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use serde::Serialize;
use tillmesh_core::id::{EventId, Name};
use tillmesh_core::time::Timestamp;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::blocking::{blocking, to_its_end};
use super::body::events_of;
use super::event::EventBody;
use super::extract::{Id, Params, read_body};
use super::page::{Ask, Page, PageParams};
use super::problem::{Problem, ProblemKind};
use super::schema;
use crate::runtime::channels::Taken;
use crate::runtime::letters::{DeadLetter, Stage};
use crate::runtime::replay::{ReplayError, Replayed};

/// The longest mended body: what a channel may send at once.
const MAX_MENDED: usize = 1024 * 1024;

/// A message of which nothing was made.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetterBody {
    /// Its id.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// The channel.
    #[schema(value_type = schema::Name)]
    channel: Name,
    /// `inbound`: a message of the channel, for its plugin. `render`: what happened, for the plugin to put into the
    /// channel's format. `delivery`: a message for the channel.
    #[schema(value_type = String)]
    stage: Stage,
    /// The message's id: the channel's own, or that of a delivery.
    message: String,
    /// What it is about, in the channel's words.
    topic: String,
    /// The media type of its body.
    content_type: String,
    /// When it was first tried.
    #[schema(value_type = schema::Timestamp)]
    first_at: Timestamp,
    /// When it was last tried.
    #[schema(value_type = schema::Timestamp)]
    last_at: Timestamp,
    /// How often it was tried.
    #[schema(minimum = 1)]
    attempts: u32,
    /// Why, in a word: `malformed`, `unsupported`, `unknown-sku`, `rejected`, `refused`, `trap`, `limit`, `answer`, ...
    cause: String,
    /// Why, in a sentence.
    reason: String,
    /// How many bytes the body has.
    bytes: u64,
    /// Of a message that is larger than a plugin takes at once: where the piece begins that is kept of it. It cannot be
    /// replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    piece_offset: Option<u64>,
}

/// What a dead letter came to.
#[derive(Debug, Serialize, ToSchema)]
struct ReplayedBody {
    /// The events that were recorded of a message of a channel.
    events: Vec<EventBody>,
    /// How many messages for the channel were made.
    messages: usize,
    /// Under which id a message is sent to the channel again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    delivery: Option<EventId>,
}

/// Which dead letters.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
struct Filter {
    /// Only those of this channel.
    #[param(value_type = Option<schema::Name>)]
    channel: Option<String>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(body))
        .routes(routes!(replay))
        .routes(routes!(discard))
}

/// Messages of which nothing was made
#[utoipa::path(get, path = "/v1/dead-letters", tag = "channels", operation_id = "list_dead_letters",
    params(Filter, PageParams), responses((status = 200, description = "A page", body = Page<DeadLetterBody>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<DeadLetterBody>>, Problem> {
    let channel: Option<Name> = params.id("channel")?;
    let of = channel.as_ref().map_or("", Name::as_str);
    let ask = Ask::of(&mut params, &format!("dead letters {of}"))?;
    params.finish()?;
    let after: Option<EventId> = ask.after_id()?;
    let letters = blocking(move || app.handle.letters().list()).await?;
    let wanted = |(id, letter): &(EventId, DeadLetter)| {
        after.is_none_or(|after| *id > after) && channel.as_ref().is_none_or(|channel| letter.channel == *channel)
    };
    let found = letters.into_iter().filter(wanted).map(|(id, letter)| DeadLetterBody::of(id, &letter));
    Ok(Json(ask.page(found, |letter| letter.id.to_string())))
}

/// A dead letter without its body
#[utoipa::path(get, path = "/v1/dead-letters/{id}", tag = "channels", operation_id = "get_dead_letter",
    params(("id" = schema::EventId, Path, description = "The dead letter")),
    responses((status = 200, description = "The dead letter", body = DeadLetterBody)))]
async fn get(State(app): State<App>, Id(id): Id<EventId>) -> Result<Json<DeadLetterBody>, Problem> {
    let found = blocking(move || app.handle.letters().get(id)).await?;
    found.map(|(letter, _)| Json(DeadLetterBody::of(id, &letter))).ok_or_else(|| missing(id))
}

/// The body of a dead letter, to the byte
///
/// It is what somebody sent, and may hold what is personal; no browser shows it.
#[utoipa::path(get, path = "/v1/dead-letters/{id}/body", tag = "channels", operation_id = "get_dead_letter_body",
    params(("id" = schema::EventId, Path, description = "The dead letter")),
    responses((status = 200, description = "The body", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn body(
    State(app): State<App>,
    Id(id): Id<EventId>,
) -> Result<([(HeaderName, &'static str); 3], Vec<u8>), Problem> {
    let (_, body) = blocking(move || app.handle.letters().get(id)).await?.ok_or_else(|| missing(id))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, body))
}

/// Try a dead letter again
///
/// As it is, once its cause is gone (an article was added, a setting mended), or with another body. A message of a
/// channel counts under its own id: what it means is recorded once, however often it is tried. What goes well is no
/// dead letter any more.
#[utoipa::path(post, path = "/v1/dead-letters/{id}/~replay", tag = "channels", operation_id = "replay_dead_letter",
    params(("id" = schema::EventId, Path, description = "The dead letter")),
    request_body(content = Option<Vec<u8>>, content_type = "application/octet-stream",
        description = "A mended body; empty or left out: as it was"),
    responses((status = 200, description = "It went well", body = ReplayedBody)))]
async fn replay(
    State(app): State<App>,
    Id(id): Id<EventId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ReplayedBody>, Problem> {
    let mended = read_body(&headers, body, MAX_MENDED).await?;
    let mended = (!mended.is_empty()).then(|| mended.to_vec());
    let (events, messages, delivery) = match to_its_end(async move { app.handle.replay(id, mended).await }).await?? {
        Replayed::Taken(Taken::Whole { outcome, .. }) => (events_of(outcome)?.0, 0, None),
        Replayed::Taken(_) => (Vec::new(), 0, None),
        Replayed::Rendered(messages) => (Vec::new(), messages, None),
        Replayed::Waiting(delivery) => (Vec::new(), 1, Some(delivery)),
    };
    let events = events.iter().map(|(event, origin)| EventBody::of(event, origin)).collect();
    Ok(Json(ReplayedBody { events, messages, delivery }))
}

/// Throw a dead letter away
#[utoipa::path(post, path = "/v1/dead-letters/{id}/~discard", tag = "channels", operation_id = "discard_dead_letter",
    params(("id" = schema::EventId, Path, description = "The dead letter")),
    responses((status = 200, description = "What is gone", body = DeadLetterBody)))]
async fn discard(State(app): State<App>, Id(id): Id<EventId>) -> Result<Json<DeadLetterBody>, Problem> {
    let handle = app.handle.clone();
    let (letter, _) = blocking(move || handle.letters().get(id)).await?.ok_or_else(|| missing(id))?;
    to_its_end(async move { app.handle.letters().discard(id).await }).await??;
    Ok(Json(DeadLetterBody::of(id, &letter)))
}

fn missing(id: EventId) -> Problem {
    Problem::missing(ProblemKind::UnknownDeadLetter, "dead letter", id)
}

impl DeadLetterBody {
    fn of(id: EventId, letter: &DeadLetter) -> Self {
        Self {
            id,
            channel: letter.channel.clone(),
            stage: letter.stage,
            message: letter.message.to_string(),
            topic: letter.topic.to_string(),
            content_type: letter.content_type.to_string(),
            first_at: letter.first_at,
            last_at: letter.last_at,
            attempts: letter.attempts,
            cause: letter.cause.to_string(),
            reason: letter.reason.to_string(),
            bytes: letter.bytes,
            piece_offset: letter.piece_offset,
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Unknown(id) => missing(id),
            ReplayError::Events(error) => Self::new(ProblemKind::MalformedJson, error.to_string()),
            ReplayError::Channel(error) => error.into(),
            ReplayError::Submit(error) => error.into(),
        }
    }
}
