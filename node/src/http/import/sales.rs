//! Importing what happened: sales, returns, corrections, receipts.

use std::collections::VecDeque;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};
use tillmesh_core::command::{Outcome, Request};
use tillmesh_core::event::Body;

use super::lines::{Line, Lines};
use super::spool::{Sender, SpoolError};
use super::{RecordedLine, encode, end, refused, too_long};
use crate::http::App;
use crate::http::body::events_of;
use crate::http::event::receipt_number;
use crate::http::extract::Key;
use crate::http::json as reading;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::sales::{BlindReturn, Sale};
use crate::http::stock::{Adjustment, Receipt};
use crate::runtime::{Handle, SubmitError};

/// How many lines are on their way at once: while one commit holds 64, the next 64 wait for theirs.
pub(super) const IN_FLIGHT: usize = 128;
/// How long a line waits that found the engine's queue full; its client is held up, not refused.
const OVERLOADED_WAIT: Duration = Duration::from_millis(5);

/// What a line records.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    Sale,
    Return,
    Adjustment,
    Receipt,
}

type Submission = Pin<Box<dyn Future<Output = Result<Outcome, SubmitError>> + Send>>;

/// A line that was sent to the engine, or was refused before.
struct Pending {
    line: u64,
    key: Option<String>,
    result: Result<Submission, Problem>,
}

/// Imports lines until they end, the client goes or the node stops.
pub(super) async fn import(app: App, mut lines: Lines, answers: Sender) {
    let result = run(&app, &mut lines, &answers).await;
    end(&lines, answers, result);
}

async fn run(app: &App, lines: &mut Lines, answers: &Sender) -> Result<(), SpoolError> {
    let mut pending: VecDeque<Pending> = VecDeque::new();
    let mut more = true;
    while more || !pending.is_empty() {
        tokio::select! {
            line = lines.next(), if more && pending.len() < IN_FLIGHT => match line {
                Ok(Some(Line::Text(number, text))) => pending.push_back(start(app, number, &text).await),
                Ok(Some(Line::TooLong(number))) => {
                    finish(&mut pending, answers).await?;
                    answers.send(too_long(number)).await?;
                }
                Ok(None) => more = false,
                // The client went in the middle of a line: what it sent whole is recorded.
                Err(_) => more = false,
            },
            answer = first(&mut pending), if !pending.is_empty() => {
                pending.pop_front();
                answers.send(answer).await?;
            }
        }
    }
    Ok(())
}

/// Waits for everything that is on its way.
async fn finish(pending: &mut VecDeque<Pending>, answers: &Sender) -> Result<(), SpoolError> {
    while !pending.is_empty() {
        let answer = first(pending).await;
        pending.pop_front();
        answers.send(answer).await?;
    }
    Ok(())
}

/// The answer to the oldest line that is on its way. Dropping the future leaves the line where it is.
async fn first(pending: &mut VecDeque<Pending>) -> Bytes {
    let Some(Pending { line, key, result }) = pending.front_mut() else { return Bytes::new() };
    let outcome = match result {
        Ok(submission) => submission.await.map_err(Problem::from),
        Err(problem) => Err(problem.clone()),
    };
    match outcome.and_then(|outcome| taken(*line, key.as_deref(), outcome)) {
        Ok(answer) => answer,
        Err(problem) => refused(*line, key.as_deref(), &problem),
    }
}

/// Reads a line and sends it to the engine. When this returns the engine has it in its queue: lines keep their order.
async fn start(app: &App, line: u64, text: &[u8]) -> Pending {
    let (key, request) = read(text);
    let result = match request {
        Ok(request) => Ok(send(&app.handle, &request).await),
        Err(problem) => Err(problem),
    };
    Pending { line, key, result }
}

async fn send(handle: &Handle, request: &Request) -> Submission {
    loop {
        let (handle, request) = (handle.clone(), request.clone());
        let mut submission: Submission = Box::pin(async move { handle.submit(request).await });
        match poll_fn(|context| Poll::Ready(submission.as_mut().poll(context))).await {
            Poll::Pending => return submission,
            Poll::Ready(Err(SubmitError::Overloaded)) => tokio::time::sleep(OVERLOADED_WAIT).await,
            Poll::Ready(result) => return Box::pin(ready(result)),
        }
    }
}

/// A line's key, as far as it can be told, and what it asks for.
fn read(text: &[u8]) -> (Option<String>, Result<Request, Problem>) {
    let mut record: Map<String, Value> = match reading::read(text) {
        Ok(record) => record,
        Err(problem) => return (None, Err(problem)),
    };
    let (key, kind) = (record.remove("idempotency_key"), record.remove("kind"));
    let key = match key {
        Some(Value::String(key)) => key,
        other => {
            let value = other.map_or_else(String::new, |other| other.to_string());
            let rule = "each line needs a key of its own, a text: so the import can be sent again";
            let problem = Problem::field(ProblemKind::InvalidIdempotencyKey, "idempotency_key", &value, rule);
            return (None, Err(problem));
        }
    };
    let request = request(&key, kind, Value::Object(record), text);
    (Some(key), request)
}

fn request(key: &str, kind: Option<Value>, record: Value, text: &[u8]) -> Result<Request, Problem> {
    let key = Key::of_line("idempotency_key", key, text)?;
    Ok(match kind_of(kind)? {
        Kind::Sale => reading::read_value::<Sale>(record)?.request(&key),
        Kind::Return => reading::read_value::<BlindReturn>(record)?.request(&key),
        Kind::Adjustment => reading::read_value::<Adjustment>(record)?.request(&key),
        Kind::Receipt => reading::read_value::<Receipt>(record)?.request(&key),
    })
}

fn kind_of(kind: Option<Value>) -> Result<Kind, Problem> {
    let Some(kind) = kind else { return Ok(Kind::default()) };
    let rule = "it must be \"sale\", \"return\", \"adjustment\" or \"receipt\"";
    let invalid = |_| Problem::field(ProblemKind::InvalidField, "kind", &kind.to_string(), rule);
    Kind::deserialize(&kind).map_err(invalid)
}

fn taken(line: u64, key: Option<&str>, outcome: Outcome) -> Result<Bytes, Problem> {
    let (events, repeated) = events_of(outcome)?;
    let Some((event, origin)) = events.first() else {
        return Err(Problem::new(ProblemKind::Internal, "nothing was recorded"));
    };
    let receipt_number = match &event.body {
        Body::Sale(sale) => Some(receipt_number(&origin.writer, sale.receipt)),
        _ => None,
    };
    let (id, kind) = (event.id, event.body.kind());
    Ok(encode(&RecordedLine { line, status: 201, idempotency_key: key, id, kind, receipt_number, repeated }))
}

#[cfg(test)]
mod tests;
