//! What comes with a request: a body under an idempotency key, parameters of path and query; each refused by its name.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use tillmesh_core::command::{self, Command, digest_of};
use tillmesh_core::id::InvalidId;
use tillmesh_core::time::{BusinessDate, InvalidTime};

use super::json;
use super::problem::{Problem, ProblemKind, invalid_parameter};

/// The longest body of a request that is not an import: an event at its limit of 500 lines, each with prices, written
/// out with white space.
pub(super) const MAX_BODY: usize = 512 * 1024;
/// How long a body may take to arrive: a slow line carries [`MAX_BODY`] in this time at 20 KB/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a body that is too large is read and thrown away: a client that sends everything before it reads would
/// find a closed connection instead of the answer that says so.
pub(super) const MAX_DISCARDED: usize = 4 * 1024 * 1024;
/// The longest idempotency key.
pub(super) const MAX_KEY: usize = 128;

/// A client's idempotency key and the request that it stands for.
#[derive(Debug, Clone)]
pub(super) struct Key {
    key: Option<String>,
    digest: [u8; 8],
    is_of_journal: bool,
}

/// A JSON body under its idempotency key.
pub(super) struct Write<T> {
    /// The body.
    pub body: T,
    /// The key.
    pub key: Key,
}

/// A JSON body under its idempotency key, which may be left out where nothing in it is needed.
pub(super) struct WriteOrNothing<T> {
    /// The body.
    pub body: T,
    /// The key.
    pub key: Key,
}

/// The one parameter of a path.
pub(super) struct Id<T>(pub T);

/// The day in a path.
pub(super) struct Date(pub BusinessDate);

/// The two parameters of a path.
pub(super) struct Ids<A, B>(pub A, pub B);

/// The parameters of the query, by name. What is taken is checked; what is left over was not known.
#[derive(Debug)]
pub(super) struct Params(BTreeMap<String, String>);

impl Key {
    /// The key of one request among several: of a line of an import.
    ///
    /// # Errors
    /// When it is no key.
    pub(super) fn of_line(field: &str, key: &str, line: &[u8]) -> Result<Self, Problem> {
        check_key(field, key)?;
        Ok(Self { key: Some(key.to_owned()), digest: digest_of(line), is_of_journal: true })
    }

    /// A command under this key.
    pub(super) fn request(&self, command: Command) -> command::Request {
        let Self { key, digest, is_of_journal } = self.clone();
        command::Request { key, digest, is_of_journal, ..command::Request::now(command) }
    }

    fn of(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let digest = digest_of(&[method.as_str().as_bytes(), uri.path().as_bytes(), body].join(&b'\n'));
        let mut values = headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Ok(Self { key: None, digest, is_of_journal: false });
        };
        let text = String::from_utf8_lossy(value.as_bytes());
        if values.next().is_some() {
            return Err(invalid_key("Idempotency-Key", &text, "it is given more than once"));
        }
        check_key("Idempotency-Key", &text)?;
        Ok(Self { key: Some(text.into_owned()), digest, is_of_journal: false })
    }
}

fn check_key(field: &str, key: &str) -> Result<(), Problem> {
    if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(invalid_key(field, key, &format!("a key has 1 to {MAX_KEY} visible ASCII characters, without spaces")))
}

fn invalid_key(field: &str, key: &str, rule: &str) -> Problem {
    Problem::field(ProblemKind::InvalidIdempotencyKey, field, key, rule)
}

/// For requests without a body. One that comes with a body is no such request.
impl<S: Send + Sync> FromRequest<S> for Key {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body, MAX_BODY).await?;
        if bytes.is_empty() {
            return Self::of(&parts.method, &parts.uri, &parts.headers, &[]);
        }
        let rule = "this request takes no body";
        Err(Problem::field(ProblemKind::InvalidField, "body", &format!("{} bytes", bytes.len()), rule))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Write<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_type(&parts.headers, &["application/json"])?;
        let bytes = read_body(&parts.headers, body, MAX_BODY).await?;
        let key = Key::of(&parts.method, &parts.uri, &parts.headers, &bytes)?;
        Ok(Self { body: json::read(&bytes)?, key })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for WriteOrNothing<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body, MAX_BODY).await?;
        let key = Key::of(&parts.method, &parts.uri, &parts.headers, &bytes)?;
        if bytes.is_empty() {
            return Ok(Self { body: T::default(), key });
        }
        check_type(&parts.headers, &["application/json"])?;
        Ok(Self { body: json::read(&bytes)?, key })
    }
}

impl<S: Send + Sync, T: FromStr<Err = InvalidId>> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = path_params(parts, state).await?;
        Ok(Self(path_id(&params, 0)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Date {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = path_params(parts, state).await?;
        let (name, text) = params.iter().next().unwrap_or(("path", ""));
        let invalid = |InvalidTime { value, rule }| Problem::field(ProblemKind::InvalidParameter, name, &value, &rule);
        text.parse().map(Self).map_err(invalid)
    }
}

impl<S: Send + Sync, A: FromStr<Err = InvalidId>, B: FromStr<Err = InvalidId>> FromRequestParts<S> for Ids<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = path_params(parts, state).await?;
        Ok(Self(path_id(&params, 0)?, path_id(&params, 1)?))
    }
}

async fn path_params<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, Problem> {
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|error| Problem::field(ProblemKind::InvalidParameter, "path", parts.uri.path(), &error.body_text()))
}

fn path_id<T: FromStr<Err = InvalidId>>(params: &RawPathParams, place: usize) -> Result<T, Problem> {
    let (name, text) = params.iter().nth(place).unwrap_or(("path", ""));
    text.parse().map_err(|error: InvalidId| invalid_parameter(name, &error))
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.uri)
    }
}

impl Params {
    /// Reads those of an address.
    ///
    /// # Errors
    /// When one is given twice, or is not text.
    pub(super) fn read(uri: &Uri) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|error| {
            Problem::field(ProblemKind::InvalidParameter, "query", uri.query().unwrap_or_default(), &error.body_text())
        })?;
        let mut params = BTreeMap::new();
        for (name, value) in pairs {
            if let Some(first) = params.insert(name.clone(), value) {
                return Err(Problem::field(ProblemKind::InvalidParameter, &name, &first, "it is given more than once"));
            }
        }
        Ok(Self(params))
    }

    /// Takes a text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes an id.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn id<T: FromStr<Err = InvalidId>>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        let parsed = self.text(name).map(|text| text.parse());
        parsed.transpose().map_err(|error| invalid_parameter(name, &error))
    }

    /// Takes a number within a range.
    ///
    /// # Errors
    /// When it is none or out of range.
    pub(super) fn number(&mut self, name: &str, least: usize, most: usize) -> Result<Option<usize>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        let rule = format!("it must be an integer between {least} and {most}");
        number.map(Some).ok_or_else(|| Problem::field(ProblemKind::InvalidParameter, name, &text, &rule))
    }

    /// Takes one of some words.
    ///
    /// # Errors
    /// When it is another.
    pub(super) fn word(&mut self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let word = words.iter().copied().find(|word| *word == text);
        let shown: Vec<_> = words.iter().copied().filter(|word| !word.is_empty()).collect();
        let rule = format!("it must be one of {}", shown.join(", "));
        word.map(Some).ok_or_else(|| Problem::field(ProblemKind::InvalidParameter, name, &text, &rule))
    }

    /// Checks that nothing is left over.
    ///
    /// # Errors
    /// When a parameter was not known.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, value)) => {
                Err(Problem::field(ProblemKind::InvalidParameter, &name, &value, "this address has no such parameter"))
            }
        }
    }
}

/// Checks the media type of a body.
///
/// # Errors
/// When it is none of these.
pub(super) fn check_type(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = stated.split(';').next().unwrap_or_default().trim();
    if allowed.iter().any(|allowed| media.eq_ignore_ascii_case(allowed)) {
        return Ok(());
    }
    let rule = format!("it must be {}", allowed.join(" or "));
    Err(Problem::field(ProblemKind::UnsupportedMediaType, "Content-Type", stated, &rule))
}

/// Reads a body that must fit in memory.
///
/// # Errors
/// When it is larger than `limit`, does not arrive in time, or breaks off.
pub(super) async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let stated = stated.unwrap_or_default();
    let read = async {
        let (mut bytes, mut arrived) = (BytesMut::new(), 0);
        let mut chunks = body.into_data_stream();
        while stated.max(arrived) <= limit + MAX_DISCARDED
            && let Some(chunk) = chunks.next().await
        {
            let chunk =
                chunk.map_err(|error| Problem::new(ProblemKind::BodyTimeout, format!("it broke off: {error}")))?;
            arrived += chunk.len();
            if stated.max(arrived) <= limit {
                bytes.extend_from_slice(&chunk);
            }
        }
        if stated.max(arrived) > limit { Err(too_large(limit)) } else { Ok(bytes.freeze()) }
    };
    let late = || Problem::new(ProblemKind::BodyTimeout, format!("it did not arrive in {} s", BODY_TIMEOUT.as_secs()));
    tokio::time::timeout(BODY_TIMEOUT, read).await.map_err(|_| late())?
}

pub(super) fn too_large(limit: usize) -> Problem {
    Problem::new(ProblemKind::BodyTooLarge, format!("the body has more than {limit} bytes"))
        .with("limit", serde_json::json!(limit))
}

#[cfg(test)]
mod tests;
