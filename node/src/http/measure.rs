//! Metrics of the API.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::{App, action};
use crate::metrics::Metrics;

/// A request and its answer. The route is the template, not the address: the number of series stays small.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: String,
    route: String,
}

/// The metrics.
#[derive(Clone)]
pub(super) struct Measures {
    requests: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram, fn() -> Histogram>,
}

impl Measures {
    /// Adds them to those of the node.
    pub(super) fn register(metrics: &Metrics) -> Self {
        let measures =
            Self { requests: Family::default(), seconds: Family::new_with_constructor(histogram as fn() -> Histogram) };
        metrics.register("http_requests", "Requests by method, route and status", measures.requests.clone());
        let help = "How long a request took until its answer began";
        metrics.register("http_request_seconds", help, measures.seconds.clone());
        measures
    }
}

/// From 0.1 ms to 3.3 s.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.0, 16))
}

/// The middleware.
pub(super) async fn request(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_word(request.method().as_str());
    let template = request.extensions().get::<MatchedPath>().map(|path| action::outer(path.as_str()));
    let route = template.unwrap_or_else(|| "none".to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    app.measures.requests.get_or_create(&Answered { method: method.clone(), route: route.clone(), status }).inc();
    app.measures.seconds.get_or_create(&Asked { method, route }).observe(started.elapsed().as_secs_f64());
    response
}

/// Methods that nobody serves are one series, whatever a client makes up.
fn method_word(method: &str) -> String {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.iter().find(|known| **known == method).map_or("other", |known| known).to_owned()
}
