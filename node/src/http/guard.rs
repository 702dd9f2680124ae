//! Keeps web pages out: a browser on this machine must not be a way to the node for whatever page it shows.
//!
//! A page that rebinds its own name to 127.0.0.1 shows that name in `Host`; a page elsewhere shows itself in `Origin`.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::problem::{Problem, ProblemKind};

/// The middleware.
pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let settings = app.handle.settings();
    let host = host_of(request.uri(), request.headers());
    check_host(&host, settings.listen, &settings.allowed_hosts)?;
    check_origin(request.method(), request.headers(), &host)?;
    Ok(next.run(request).await)
}

/// The name under which the client called, with its port.
fn host_of(uri: &Uri, headers: &HeaderMap) -> String {
    let header = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(|authority| authority.as_str()).or(header).unwrap_or_default().to_ascii_lowercase()
}

fn check_host(host: &str, listen: SocketAddr, allowed: &[String]) -> Result<(), Problem> {
    let name = without_port(host);
    let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    let known = match address {
        // An address cannot be rebound; where the node listens on every one of its addresses, any of them may be meant.
        Some(address) => address.is_loopback() || address == listen.ip() || listen.ip().is_unspecified(),
        None => name == "localhost" || name.ends_with(".localhost"),
    };
    if known || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    let rule = "it must be localhost, the address that the node listens on, or one of the setting http.allowed_hosts";
    Err(Problem::field(ProblemKind::HostNotAllowed, "Host", host, rule))
}

/// Reading is left to the browser, which does not show answers to other origins; writing it would send.
fn check_origin(method: &Method, headers: &HeaderMap, host: &str) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = String::from_utf8_lossy(origin.as_bytes()).to_ascii_lowercase();
    let same = origin.split_once("://").is_some_and(|(_, from)| from == host);
    if same { Ok(()) } else { Err(Problem::field(ProblemKind::CrossOrigin, "Origin", &origin, "it must be this node")) }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests;
