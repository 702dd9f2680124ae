//! The HTTP interface: JSON under `/v1`, described by `/openapi.json`, every error a problem.
//!
//! ```text
//!  request ──► action ──► measure ──► panics ──► guard ──► handler ──► Handle (runtime) ──► answer
//! ```
//!
//! A handler reads its parameters and body, asks the runtime, and shapes the answer; what a thing is and which rule it
//! breaks is the core's business. Nothing here holds the view across an await.

mod action;
mod backup;
mod blocking;
mod body;
mod carts;
mod channels;
mod days;
mod event;
mod events;
mod extract;
mod fleet;
mod guard;
mod import;
mod json;
mod letters;
mod measure;
mod node;
mod openapi;
mod orders;
mod page;
mod past;
mod plugins;
mod problem;
mod problems;
mod products;
mod promotions;
mod reservations;
mod sales;
mod schema;
mod stock;
mod tax;
mod vouchers;
mod work;

use std::any::Any;
use std::future::{Future, IntoFuture as _};
use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri, header};
use axum::middleware::{from_fn_with_state, map_request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::runtime::Handle;
use measure::Measures;
use problem::{Problem, ProblemKind};

/// How long requests that are under way may take once the node stops.
const GRACE: Duration = Duration::from_secs(5);

/// What every handler has.
#[derive(Clone)]
struct App {
    handle: Handle,
    measures: Measures,
    /// Turns true when the node stops: streams end then.
    stopping: watch::Receiver<bool>,
    /// Room for followers of the change stream.
    streams: Arc<Semaphore>,
    /// Room for backups.
    backups: Arc<Semaphore>,
}

/// Serves the API until `shutdown` comes, then ends within a few seconds.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    handle: Handle,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let measures = Measures::register(handle.metrics());
    let streams = Arc::new(Semaphore::new(events::MAX_STREAMS));
    let backups = Arc::new(Semaphore::new(backup::MAX_BACKUPS));
    let app = App { handle, measures, stopping: stopping.clone(), streams, backups };
    // A sale is one small request and one small answer: neither may wait for the other's acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's algorithm");
        }
    });
    let signalled = async move {
        let mut stopping = stopping;
        // An error means that nobody can say stop any more, which is a stop as well.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let server = axum::serve(listener, router(app)).with_graceful_shutdown(signalled);
    tokio::select! {
        result = server.into_future() => result,
        () = stop_after(shutdown, stop) => Ok(()),
    }
}

/// Says stop when it is time, and gives what is under way its time to end.
async fn stop_after(shutdown: impl Future<Output = ()>, stop: watch::Sender<bool>) {
    shutdown.await;
    stop.send_replace(true);
    tokio::time::sleep(GRACE).await;
}

/// The description of the API, OpenAPI 3.1.
pub fn openapi() -> serde_json::Value {
    openapi::document(described().get_openapi())
}

/// What a kind of problem means and what to do, by the URI in its member `type`.
pub fn meaning(uri: &str) -> Option<&'static str> {
    uri.strip_prefix("/problems/").and_then(ProblemKind::named).map(ProblemKind::text)
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::head())
        .merge(products::routes())
        .merge(promotions::routes())
        .merge(stock::routes())
        .merge(sales::routes())
        .merge(import::routes())
        .merge(reservations::routes())
        .merge(orders::routes())
        .merge(carts::routes())
        .merge(vouchers::routes())
        .merge(days::routes())
        .merge(work::routes())
        .merge(channels::routes())
        .merge(letters::routes())
        .merge(plugins::routes())
        .merge(events::routes())
        .merge(node::routes())
        .merge(fleet::routes())
        .merge(backup::routes())
        .merge(problems::routes())
}

fn router(app: App) -> Router {
    let (routes, description) = described().split_for_parts();
    // Made when first asked for: a till that starts has no time for it.
    let text = Arc::new(LazyLock::new(move || Bytes::from(openapi::document(&description).to_string())));
    let inner = routes
        .route(
            "/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], Bytes::clone(&text)) }),
        )
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), guard::check))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), measure::request))
        .with_state(app);
    Router::new().fallback_service(inner).layer(map_request(action::route))
}

async fn no_such_route(uri: Uri) -> Problem {
    Problem::new(ProblemKind::NoSuchRoute, format!("there is nothing at {}", action::outer(uri.path())))
}

async fn method_not_allowed(method: Method, request: Request) -> Problem {
    let path = action::outer(request.uri().path());
    Problem::new(ProblemKind::MethodNotAllowed, format!("{path} does not take {method}"))
}

/// A panic is one request's end, not the node's.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("without words"), "a request panicked");
    Problem::new(ProblemKind::Internal, "the request panicked; the node goes on").into_response()
}

#[cfg(test)]
mod tests;
