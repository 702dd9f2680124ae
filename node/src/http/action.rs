//! Actions on one resource, `/v1/carts/{id}:checkout`: the router matches whole segments, so within the node the action
//! is a segment of its own, `/v1/carts/{id}/~checkout`. From outside that address does not exist.

use axum::extract::Request;
use axum::http::Uri;

/// Collections whose members have actions, and the actions.
const ACTIONS: [(&str, &[&str]); 5] = [
    ("/v1/carts/", &["checkout", "claim", "fork", "merge"]),
    ("/v1/days/", &["close"]),
    ("/v1/dead-letters/", &["discard", "replay"]),
    ("/v1/reservations/", &["confirm", "release"]),
    ("/v1/work-items/", &["resolve"]),
];

/// Gives a request the address that the router knows.
pub(super) async fn route(mut request: Request) -> Request {
    if let Some(uri) = inner(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The address as clients write it.
pub(super) fn outer(path: &str) -> String {
    path.replace("/~", ":")
}

fn inner(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let path = if path.contains("/~") { path.replace("/~", "/%7E") } else { member_action(path)? };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{query}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn member_action(path: &str) -> Option<String> {
    let (collection, actions) = ACTIONS.iter().find(|(collection, _)| path.starts_with(collection))?;
    let (member, action) = split_colon(&path[collection.len()..])?;
    let known = !member.contains('/') && actions.contains(&action);
    known.then(|| format!("{collection}{member}/~{action}"))
}

/// Some clients write a colon as `%3A`, which is the same.
fn split_colon(segment: &str) -> Option<(&str, &str)> {
    segment.rsplit_once(':').or_else(|| segment.rsplit_once("%3A")).or_else(|| segment.rsplit_once("%3a"))
}

#[cfg(test)]
mod tests;
