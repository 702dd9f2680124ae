//! A small client of a node's HTTP API.

use std::io::{BufRead as _, BufReader, Read};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// How long one request may take: an import of a week on a slow disk, with room.
const REQUEST: Duration = Duration::from_secs(300);
/// How often a condition is looked at while it is waited for.
const POLL: Duration = Duration::from_millis(20);

/// A client of one node.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

impl Client {
    /// A client of the node at a base URL such as `http://127.0.0.1:7210`.
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(REQUEST)).http_status_as_error(false).build();
        Self { agent: config.into(), base: base.trim_end_matches('/').to_owned() }
    }

    /// The base URL.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Reads.
    ///
    /// # Errors
    /// When the node does not answer or answers with a problem.
    pub fn get(&self, path: &str) -> Result<Value> {
        let response = self.agent.get(format!("{}{path}", self.base)).call();
        answer("GET", path, response)
    }

    /// Whether a path answers with success.
    pub fn is_ok(&self, path: &str) -> bool {
        self.agent.get(format!("{}{path}", self.base)).call().is_ok_and(|response| response.status().is_success())
    }

    /// Writes under an idempotency key.
    ///
    /// # Errors
    /// When the node does not answer or answers with a problem.
    pub fn post(&self, path: &str, key: &str, body: &Value) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("Idempotency-Key", key);
        answer("POST", path, request.send_json(body))
    }

    /// Puts under an idempotency key.
    ///
    /// # Errors
    /// When the node does not answer or answers with a problem.
    pub fn put(&self, path: &str, key: &str, body: &Value) -> Result<Value> {
        let request = self.agent.put(format!("{}{path}", self.base)).header("Idempotency-Key", key);
        answer("PUT", path, request.send_json(body))
    }

    /// Sends NDJSON and gives each line of the answer to `each` as it comes.
    ///
    /// # Errors
    /// When the connection breaks: the import can be sent again, what was taken is taken once.
    pub fn import(&self, path: &str, lines: &[Value], mut each: impl FnMut(Value)) -> Result<()> {
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let request = self.agent.post(format!("{}{path}", self.base)).header("content-type", "application/x-ndjson");
        let response = request.send(body).with_context(|| format!("POST {path}"))?;
        let status = response.status();
        let mut reader = BufReader::new(response.into_body().into_reader());
        if !status.is_success() {
            let mut text = String::new();
            reader.read_to_string(&mut text)?;
            bail!("POST {path}: {status}: {text}");
        }
        let mut answered = 0;
        for line in reader.lines() {
            let line = line?;
            if !line.is_empty() {
                each(serde_json::from_str(&line)?);
                answered += 1;
            }
        }
        if answered < lines.len() {
            bail!("POST {path}: the answer ended after {answered} of {} lines", lines.len());
        }
        Ok(())
    }

    /// Reads the change stream from its beginning: gives each event's kind and data to `each`, until that says that it
    /// was the last one.
    ///
    /// # Errors
    /// When the stream breaks off before.
    pub fn events(&self, mut each: impl FnMut(&str, Value) -> bool) -> Result<()> {
        let path = "/v1/events?after=0.0.0";
        let response = self.agent.get(format!("{}{path}", self.base)).call().with_context(|| format!("GET {path}"))?;
        let mut kind = String::new();
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line?;
            if let Some(text) = line.strip_prefix("event:") {
                text.trim().clone_into(&mut kind);
            } else if let Some(text) = line.strip_prefix("data:")
                && each(&kind, serde_json::from_str(text)?)
            {
                return Ok(());
            }
        }
        bail!("GET {path}: the stream ended")
    }

    /// Every item of a list, over its cursors.
    ///
    /// # Errors
    /// When the node does not answer or answers with a problem.
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = match &cursor {
                Some(cursor) => self.get(&format!("{path}{joint}cursor={cursor}"))?,
                None => self.get(path)?,
            };
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }
}

/// Waits until a condition holds.
///
/// # Errors
/// When it does not hold in time; says what was waited for.
pub fn wait_until(what: &str, limit: Duration, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + limit;
    loop {
        let result = holds();
        if matches!(result, Ok(true)) {
            return Ok(());
        }
        if Instant::now() > end {
            return match result {
                Ok(_) => bail!("waited {} s in vain: {what}", limit.as_secs()),
                Err(error) => Err(error.context(format!("waited {} s in vain: {what}", limit.as_secs()))),
            };
        }
        std::thread::sleep(POLL);
    }
}

fn answer(method: &str, path: &str, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
    let mut response = response.with_context(|| format!("{method} {path}"))?;
    let status = response.status();
    let text = response.body_mut().read_to_string()?;
    if !status.is_success() {
        bail!("{method} {path}: {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("{method} {path}: {text}"))
}
