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
use serde_json::{Value, json};
use tillmesh_core::id::EventId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::extract::check_type;
use super::problem::{Problem, ProblemKind};
use super::schema;
use lines::Lines;

/// The media types of an import: a JSON document a line.
const MEDIA: [&str; 4] =
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/octet-stream"];

/// An answer to a line. A line that was refused has the members of its problem instead.
#[derive(ToSchema)]
#[schema(as = ImportAnswer)]
#[expect(dead_code, reason = "describes what `taken` and `refused` write")]
struct Answer {
    /// The line, from 1; empty lines are counted and not answered.
    line: u64,
    /// 201: recorded. 200: put. Otherwise the status of the problem.
    status: u16,
    /// The line's own key.
    idempotency_key: Option<String>,
    /// The event.
    #[schema(value_type = Option<schema::EventId>)]
    id: Option<EventId>,
    /// Its kind.
    kind: Option<String>,
    /// The receipt of a sale.
    receipt_number: Option<String>,
    /// Whether the key had been used before.
    repeated: Option<bool>,
    /// The SKU of a product.
    #[schema(value_type = Option<schema::Sku>)]
    sku: Option<String>,
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
    responses((status = 200, description = "An answer a line, in order", body = Answer,
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
    responses((status = 200, description = "An answer a line, in order", body = Answer,
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

fn encode(answer: &Value) -> Bytes {
    Bytes::from(format!("{answer}\n"))
}
