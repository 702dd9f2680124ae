//! Requests to a channel's own address: the one place where a node calls somebody over HTTP.
//!
//! Nothing here decides what to send or when to try again: [`Endpoint::post`] says what came of one attempt.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use ureq::Timeout;
use ureq::http::{StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// How long one attempt may take: an endpoint of the field answers in a second, and a node that stops waits for it.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long a connection may take: what takes longer is not there, however long it is waited for.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest wait that an endpoint may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Sends requests.
pub struct Endpoint {
    agent: ureq::Agent,
}

/// A request.
#[derive(Debug)]
pub struct Post<'a> {
    /// Where to.
    pub url: &'a str,
    /// Names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, to the byte.
    pub body: &'a [u8],
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The endpoint has it (2xx).
    Taken,
    /// It may go well another time.
    Later {
        /// What happened.
        reason: String,
        /// Whether the endpoint was there and failed at the message, rather than not to be reached, busy or closed.
        failed: bool,
        /// How long the endpoint wants to be left alone.
        after: Option<Duration>,
    },
    /// The endpoint will never take it.
    Refused(String),
}

/// Why requests cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A file holds no certificates.
    #[error("{path} cannot be used as certificates: {reason}")]
    Certificates {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The operating system trusts no certificates.
    #[error("the operating system has no certificates to trust ({reason}): install ca-certificates, or give ca_file")]
    NoRoots {
        /// What was found instead.
        reason: String,
    },
    /// An address is none.
    #[error("{address} is no address: {reason}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

impl Endpoint {
    /// An endpoint of these addresses, that proves who it is by these certificates; none: by those that the operating
    /// system trusts.
    ///
    /// # Errors
    /// When the file holds no certificates, or an address is none.
    pub fn new(ca_file: Option<&Path>, addresses: &[&str]) -> Result<Self, EndpointError> {
        for address in addresses {
            let broken = |reason: String| EndpointError::Address { address: (*address).to_owned(), reason };
            let read = address.parse::<Uri>().map_err(|error| broken(error.to_string()))?;
            if read.host().is_none() {
                return Err(broken("it names no host".to_owned()));
            }
        }
        let roots = match ca_file {
            Some(path) => roots_of(path)?,
            None if addresses.iter().any(|address| address.starts_with("https:")) => system_roots()?,
            None => Vec::new(),
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(RootCerts::from(roots))
            .build();
        // What a redirection names is not what the settings name.
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(ATTEMPT))
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            .max_redirects(0)
            // The settings name the endpoint: nothing of the environment stands between.
            .proxy(None)
            .build();
        Ok(Self { agent: agent.into() })
    }

    /// Sends a request once. Blocks for at most ten seconds.
    pub fn post(&self, post: &Post<'_>) -> Answer {
        let mut request = self.agent.post(post.url);
        for (name, value) in post.headers {
            request = request.header(*name, *value);
        }
        match request.send(post.body) {
            Ok(response) => {
                let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                answer_of(response.status(), after)
            }
            Err(ureq::Error::Http(error)) => Answer::Refused(format!("the request cannot be made: {error}")),
            Err(error) => {
                let failed = was_there(&error);
                Answer::Later { reason: format!("no answer: {error}"), failed, after: None }
            }
        }
    }
}

/// Whether the endpoint was reached and did not answer: it may be that it cannot bear the message.
fn was_there(error: &ureq::Error) -> bool {
    use std::io::ErrorKind as Kind;
    match error {
        ureq::Error::Timeout(timeout) => !matches!(timeout, Timeout::Connect | Timeout::Resolve),
        ureq::Error::Io(error) => matches!(
            error.kind(),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof
        ),
        _ => false,
    }
}

fn answer_of(status: StatusCode, after: Option<u64>) -> Answer {
    let after = after.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
    let reason = format!("the endpoint answered {status}");
    match status.as_u16() {
        200..=299 => Answer::Taken,
        // Who is busy, moved, or does not let this node in, has not looked at the message.
        300..=399 | 401 | 403 | 405 | 407 | 408 | 425 | 429 | 502..=504 => {
            Answer::Later { reason, failed: false, after }
        }
        500..=599 => Answer::Later { reason, failed: true, after },
        _ => Answer::Refused(reason),
    }
}

fn roots_of(path: &Path) -> Result<Vec<Certificate<'static>>, EndpointError> {
    let unusable = |reason: String| EndpointError::Certificates { path: path.display().to_string(), reason };
    let text = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let ureq::tls::PemItem::Certificate(certificate) = item.map_err(|error| unusable(error.to_string()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(unusable("there is none in it".to_owned())) } else { Ok(found) }
}

/// What a system has besides usable ones is not for a node to judge; without any, nothing could ever be sent.
fn system_roots() -> Result<Vec<Certificate<'static>>, EndpointError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(EndpointError::NoRoots { reason: reasons.join("; ") });
    }
    Ok(found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
}

#[cfg(test)]
mod tests;
