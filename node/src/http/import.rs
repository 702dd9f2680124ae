//! Imports: records line by line, each line answered by a line, in order; as long as the client likes, in bounded
//! memory.
//!
//! ```text
//!  body ──► lines ──► in flight (they share commits) ──► answers ──► memory, else a file ──► response
//! ```
//!
//! Many clients send everything before they read anything. If the node waited for them to read, they would wait for it
//! to read: so answers that nobody takes yet go to a file, and the body is read on. A line that is refused is answered
//! with its problem, and the import goes on.

mod lines;
mod products;
mod sales;
mod spool;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, header};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use tillmesh_core::id::{EventId, Sku};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::extract::check_type;
use super::problem::{Problem, ProblemBody, ProblemKind};
use super::schema;
use lines::Lines;

/// The media types of an import: a JSON document a line.
const MEDIA: [&str; 4] =
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/octet-stream"];

/// The answer to a line that was recorded.
#[derive(Serialize, ToSchema)]
struct RecordedLine<'a> {
    /// The line, from 1; empty lines are counted and not answered.
    line: u64,
    /// 201.
    #[schema(minimum = 201, maximum = 201)]
    status: u16,
    /// The line's own key.
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
    /// The event.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// Its kind.
    kind: &'static str,
    /// The receipt of a sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_number: Option<String>,
    /// Whether the key had been used before.
    repeated: bool,
}

/// The answer to a product that was put.
#[derive(Serialize, ToSchema)]
struct PutLine<'a> {
    /// The line, from 1; empty lines are counted and not answered.
    line: u64,
    /// 200.
    #[schema(minimum = 200, maximum = 200)]
    status: u16,
    /// The product.
    #[schema(value_type = schema::Sku)]
    sku: &'a Sku,
}

/// The answer to a line that was refused: its problem, with where it stands.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `refused` writes")]
struct RefusedLine {
    #[serde(flatten)]
    problem: ProblemBody,
    /// The line, from 1; empty lines are counted and not answered.
    line: u64,
    /// The line's own key, as far as it could be told.
    idempotency_key: Option<String>,
}

/// An answer to a line of what happened.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what lines are answered with")]
enum SaleAnswer<'a> {
    Recorded(RecordedLine<'a>),
    Refused(RefusedLine),
}

/// An answer to a product.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what lines are answered with")]
enum ProductAnswer<'a> {
    Put(PutLine<'a>),
    Refused(RefusedLine),
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import_sales)).routes(routes!(import_products))
}

/// Import sales, returns, write-offs and receipts
///
/// A JSON document a line, in the body of the request. Each line is what `POST /v1/sales` takes, with an
/// `idempotency_key` of its own, which it must have. With `"kind": "return"` it is what `POST /v1/returns` takes, with
/// `"kind": "adjustment"` what `POST /v1/stock/adjustments` takes, with `"kind": "receipt"` what `POST
/// /v1/stock/receipts` takes. Lines are recorded in order, many to a commit. An import that broke off is sent again as
/// a whole: what was recorded is recorded once.
#[utoipa::path(post, path = "/v1/sales:import", tag = "sales", operation_id = "import_sales",
    request_body(content((String = "application/x-ndjson"), (Vec<u8> = "application/octet-stream")),
        description = "A document a line"),
    responses((status = 200, description = "An answer a line, in order", body = SaleAnswer,
        content_type = "application/x-ndjson")))]
async fn import_sales(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    check_type(request.headers(), &MEDIA)?;
    let (answers, response) = open(&app)?;
    tokio::spawn(sales::import(app, Lines::new(request.into_body()), answers));
    Ok(response)
}

/// Import products
///
/// A product a line, as `PUT /v1/products/{sku}` takes it, each with its `sku`. Products are put in groups of 250, each
/// group whole. A product that breaks a rule is left out and answered with its problem.
#[utoipa::path(post, path = "/v1/products:import", tag = "catalogue", operation_id = "import_products",
    request_body(content((String = "application/x-ndjson"), (Vec<u8> = "application/octet-stream")),
        description = "A product a line"),
    responses((status = 200, description = "An answer a line, in order", body = ProductAnswer,
        content_type = "application/x-ndjson")))]
async fn import_products(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    check_type(request.headers(), &MEDIA)?;
    let (answers, response) = open(&app)?;
    tokio::spawn(products::import(app, Lines::new(request.into_body()), answers));
    Ok(response)
}

/// Where answers go, and the response that carries them.
fn open(app: &App) -> Result<(spool::Sender, Response), Problem> {
    let (sender, receiver) = spool::open(&app.handle.settings().data);
    let body = Body::from_stream(receiver.into_stream());
    let mut response = Response::new(body);
    let media: HeaderName = header::CONTENT_TYPE;
    response.headers_mut().insert(media, axum::http::HeaderValue::from_static(MEDIA[0]));
    Ok((sender, response))
}

/// Ends an import. One that did not get through says so by breaking off as well.
fn end(lines: &Lines, answers: spool::Sender, result: Result<(), spool::SpoolError>) {
    if let Err(error) = &result {
        tracing::warn!(%error, "an import ended early; it can be sent again");
    }
    if result.is_err() || lines.is_broken_off() {
        answers.break_off();
    }
}

/// The answer to a line that was refused: its problem, with the line's number and key.
fn refused(line: u64, key: Option<&str>, problem: &Problem) -> Bytes {
    let mut answer = serde_json::to_value(problem.body()).unwrap_or_else(|_| json!({}));
    answer["line"] = json!(line);
    if let Some(key) = key {
        answer["idempotency_key"] = json!(key);
    }
    encode(&answer)
}

/// A line that does not fit in memory.
fn too_long(line: u64) -> Bytes {
    let detail = format!("it has more than {} bytes", lines::MAX_LINE);
    refused(line, None, &Problem::new(ProblemKind::LineTooLong, detail))
}

fn encode(answer: &impl Serialize) -> Bytes {
    Bytes::from(format!("{}\n", json!(answer)))
}
