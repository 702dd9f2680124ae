//! A client of a node, and what a person is told when it does not get what it wants.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::http;

/// How long a node may take to answer. An import has no limit as a whole.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The largest answer that is read: the largest component.
const MAX_ANSWER: u64 = crate::plugin::MAX_COMPONENT as u64;

/// What is said of an import that ended early. One that never began can be sent as well.
const BROKEN_OFF: &str = "the import did not end; it can be sent again, what was recorded is recorded once";

/// The node of this machine, where it listens unless its settings say otherwise.
pub(super) const HERE: &str = "http://127.0.0.1:7210";

/// Which node is talked to, and how its answer is shown.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// The node
    #[arg(long, env = "TILLMESH_URL", default_value = HERE, value_name = "URL", global = true)]
    pub url: String,
    /// Show the node's answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Under which key something is written.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct WriteKey {
    /// Idempotency key: repeating the command under the same key does it once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// Problems whose detail says everything: the field, the value and the rule.
const FIELDS: [&str; 3] = ["/problems/invalid-field", "/problems/invalid-parameter", "/problems/unknown-field"];

/// A client of one node.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
}

/// A node that refused, or did not answer.
#[derive(Debug, thiserror::Error)]
enum ClientError {
    /// It answered with a problem.
    #[error("{detail}")]
    Refused { detail: String, kind: String },
    /// It answered with something else.
    #[error("{url} answered with status {status}: {text}")]
    NotANode { url: String, status: u16, text: String },
    /// It did not answer.
    #[error("cannot reach a node at {url}: {reason}")]
    Unreachable { url: String, reason: String },
}

/// What a person can do next.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<ClientError>()? {
        ClientError::Refused { kind, .. } if FIELDS.contains(&kind.as_str()) => None,
        ClientError::Refused { kind, .. } => http::meaning(kind).map(str::to_owned),
        ClientError::NotANode { .. } => Some("Check --url: something else listens there.".to_owned()),
        ClientError::Unreachable { .. } => {
            Some("Start a node with `tillmesh run --node NAME`, or name one with --url or TILLMESH_URL.".to_owned())
        }
    }
}

/// Whether nobody answered.
pub(super) fn is_unreachable(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ClientError::Unreachable { .. }))
}

impl Target {
    /// A client of it.
    pub(super) fn client(&self) -> Client {
        Client::new(&self.url)
    }
}

impl Client {
    /// A client of the node at a URL; an empty one is none, and means the node of this machine.
    pub(super) fn new(url: &str) -> Self {
        let url = if url.is_empty() { HERE } else { url };
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), base: url.trim_end_matches('/').to_owned() }
    }

    /// Reads.
    pub(super) fn get(&self, path: &str) -> Result<Value> {
        self.json(self.agent.get(self.url(path)).call())
    }

    /// Reads bytes.
    pub(super) fn get_bytes(&self, path: &str) -> Result<Vec<u8>> {
        let mut response = self.accepted(self.agent.get(self.url(path)).call())?;
        Ok(response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?)
    }

    /// Reads bytes without a limit.
    pub(super) fn download<T>(&self, path: &str, take: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> Result<T> {
        let response = self.accepted(self.agent.get(self.url(path)).call())?;
        Ok(take(&mut response.into_body().into_reader())?)
    }

    /// Every item of a list, over its cursors.
    pub(super) fn list(&self, path: &str, filters: &[(&str, Option<&str>)]) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let given = filters.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode((*value)?))));
            let at = cursor.as_ref().map(|cursor| format!("cursor={cursor}"));
            let query: Vec<String> = given.chain(at).chain(["limit=1000".to_owned()]).collect();
            let page = self.get(&format!("{path}?{}", query.join("&")))?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// Writes with POST.
    pub(super) fn post(&self, path: &str, key: &WriteKey, body: &Value) -> Result<Value> {
        let request = self.agent.post(self.url(path));
        let request = key.key.iter().fold(request, |request, key| request.header("Idempotency-Key", key));
        self.json(request.send_json(body))
    }

    /// Writes with POST where nothing is to be said.
    pub(super) fn act(&self, path: &str, key: &WriteKey) -> Result<Value> {
        let request = self.agent.post(self.url(path));
        let request = key.key.iter().fold(request, |request, key| request.header("Idempotency-Key", key));
        self.json(request.send_empty())
    }

    /// Sends bytes with POST.
    pub(super) fn post_bytes(&self, path: &str, body: &[u8]) -> Result<Value> {
        self.json(self.agent.post(self.url(path)).header("Content-Type", "application/octet-stream").send(body))
    }

    /// Writes with PATCH.
    pub(super) fn patch(&self, path: &str, key: &WriteKey, body: &Value) -> Result<Value> {
        let request = self.agent.patch(self.url(path));
        let request = key.key.iter().fold(request, |request, key| request.header("Idempotency-Key", key));
        self.json(request.send_json(body))
    }

    /// Writes with DELETE.
    pub(super) fn delete(&self, path: &str, key: &WriteKey) -> Result<Value> {
        let request = self.agent.delete(self.url(path));
        let request = key.key.iter().fold(request, |request, key| request.header("Idempotency-Key", key));
        self.json(request.call())
    }

    /// Sends lines and gives each line of the answer to `each`.
    pub(super) fn import(&self, path: &str, mut lines: impl Read, mut each: impl FnMut(&Value)) -> Result<()> {
        let request = self.agent.post(self.url(path)).config().timeout_recv_response(None).build();
        let request = request.header("Content-Type", "application/x-ndjson");
        let sent = request.send(ureq::SendBody::from_reader(&mut lines));
        let response = self.accepted(sent).context(BROKEN_OFF)?;
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line.context(BROKEN_OFF)?;
            each(&serde_json::from_str(&line).with_context(|| format!("an answer that is not JSON: {line}"))?);
        }
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn json(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
        let text = self.accepted(answer)?.body_mut().with_config().limit(MAX_ANSWER).read_to_string()?;
        serde_json::from_str(&text).map_err(|_| self.no_node(200, &text).into())
    }

    fn accepted(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<ureq::http::Response<ureq::Body>> {
        let unreachable =
            |error: ureq::Error| ClientError::Unreachable { url: self.base.clone(), reason: error.to_string() };
        let mut response = answer.map_err(unreachable)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let problem: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({}));
        match (problem["type"].as_str(), problem["detail"].as_str()) {
            (Some(kind), Some(detail)) => {
                Err(ClientError::Refused { detail: detail.to_owned(), kind: kind.to_owned() }.into())
            }
            _ => Err(self.no_node(status, &text).into()),
        }
    }

    fn no_node(&self, status: u16, text: &str) -> ClientError {
        ClientError::NotANode { url: self.base.clone(), status, text: text.chars().take(200).collect() }
    }
}

/// A text as a segment of a path or a value of a query (RFC 3986, unreserved characters stay).
pub(super) fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests;
