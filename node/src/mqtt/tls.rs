//! TLS towards a broker: whom to trust, and who this client is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The files of a client's TLS, all PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates of those who may sign a broker's; none: those that the operating system trusts.
    pub ca: Option<PathBuf>,
    /// This client's certificate, with those up to its issuer, and its key, for brokers that ask for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("{} cannot be used as {what} for TLS: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The library has no version of TLS to offer.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
    /// The operating system trusts nobody.
    #[error("the operating system has no certificates to check a broker's with ({reason}): set its ca_file")]
    NoRoots {
        /// What was found instead.
        reason: String,
    },
}

/// What a client brings to a TLS connection. Shows nothing of its key.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them does not hold what it should.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let roots = match &files.ca {
            Some(path) => roots_of(path)?,
            None => system_roots()?,
        };
        let unusable = |path: &Path, what, reason: &dyn fmt::Display| TlsError::File {
            path: path.to_owned(),
            what,
            reason: reason.to_string(),
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .with_root_certificates(roots);
        let config = match &files.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate)?;
                let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, "a key", &error))?;
                builder
                    .with_client_auth_cert(chain, secret)
                    .map_err(|error| unusable(certificate, "the certificate of that key", &error))?
            }
        };
        Ok(Self { config: Arc::new(config) })
    }

    /// Shakes hands over a connection: the broker proves to be `host`.
    pub(super) async fn connect(self, host: &str, stream: TcpStream) -> std::io::Result<Box<dyn Stream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        Ok(Box::new(TlsConnector::from(self.config).connect(name, stream).await?))
    }
}

/// What packets go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unusable = |reason: String| TlsError::File { path: path.to_owned(), what: "certificates", reason };
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found.map_err(|error| unusable(error.to_string()))? {
        none if none.is_empty() => Err(unusable("there is none in it".to_owned())),
        found => Ok(found),
    }
}

fn roots_of(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::File {
            path: path.to_owned(),
            what: "the certificate of an issuer",
            reason: error.to_string(),
        })?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // What a system has besides usable ones is not for a node to judge.
    let found = rustls_native_certs::load_native_certs();
    let (usable, unusable) = roots.add_parsable_certificates(found.certs);
    if usable > 0 {
        return Ok(roots);
    }
    let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    Err(TlsError::NoRoots { reason: format!("{unusable} are unusable; {}", reasons.join("; ")) })
}
