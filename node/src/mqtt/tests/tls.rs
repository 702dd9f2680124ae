//! TLS: a broker that proves itself to a client that does, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::support::{At, Client, Product, TestBroker, options};
use crate::mqtt::{Protocol, Tls, TlsError, TlsFiles};

/// Somebody who issues certificates, with the files of them.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The files of a certificate and its key.
    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let (certificate, secret) = (format!("{name}.pem"), format!("{name}.key"));
        let (certificate, secret) = (self.folder.path().join(certificate), self.folder.path().join(secret));
        fs::write(&certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        fs::write(&secret, key.serialize_pem()).unwrap();
        (certificate, secret)
    }
}

/// Takes TLS from clients that this authority knows, and passes on to a broker. Gives the port.
async fn in_front_of(broker: &TestBroker, authority: &Authority) -> u16 {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.ca()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let (certificate, key) = authority.issue("localhost");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate).unwrap()],
            PrivateKeyDer::from_pem_file(key).unwrap(),
        )
        .unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (port, behind) = (listener.local_addr().unwrap().port(), broker.at.address);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut inside = TcpStream::connect(behind).await?;
                let mut outside = acceptor.accept(stream).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    port
}

fn at(port: u16, protocol: Protocol) -> At {
    At { address: ([127, 0, 0, 1], port).into(), protocol }
}

fn client(at: At, name: &str, files: &TlsFiles) -> Client {
    let port = at.address.port();
    let mut options = options(at, name, &["all/#"]);
    options.broker = format!("mqtts://localhost:{port}").parse().unwrap();
    options.tls = Some(Tls::load(files).unwrap());
    Client::start(options)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_speaks_tls_with_a_certificate_of_its_own() {
    let broker = TestBroker::start(Product::Embedded, Protocol::V3).await.unwrap();
    let authority = Authority::new("shop");
    let port = in_front_of(&broker, &authority).await;
    let files = TlsFiles { ca: Some(authority.ca()), client: Some(authority.issue("till")) };
    let mut plain = Client::up(broker.at, "plain", &["all/#"]).await;
    for protocol in [Protocol::V3, Protocol::V5] {
        let mut till = client(at(port, protocol), "till", &files);
        till.wait_up().await;
        till.say("all/x", "hello").await;
        assert_eq!(plain.message().await, ("all/x".into(), Bytes::from_static(b"hello")));
        till.link.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_nobody_vouches_for_is_not_talked_to_and_a_client_without_a_certificate_not_let_in() {
    let broker = TestBroker::start(Product::Embedded, Protocol::V3).await.unwrap();
    let (authority, stranger) = (Authority::new("shop"), Authority::new("stranger"));
    let port = in_front_of(&broker, &authority).await;
    let trusting_another = TlsFiles { ca: Some(stranger.ca()), client: Some(authority.issue("till")) };
    let reason = client(at(port, Protocol::V3), "till", &trusting_another).wait_down().await;
    assert!(reason.contains("UnknownIssuer"), "{reason}");
    let nobody = TlsFiles { ca: Some(authority.ca()), client: None };
    let reason = client(at(port, Protocol::V3), "web", &nobody).wait_down().await;
    assert!(reason.contains("CertificateRequired"), "{reason}");
    let another_host = TlsFiles { ca: Some(authority.ca()), client: Some(authority.issue("kiosk")) };
    let mut options = options(at(port, Protocol::V3), "kiosk", &[]);
    options.broker = format!("mqtts://127.0.0.1:{port}").parse().unwrap();
    options.tls = Some(Tls::load(&another_host).unwrap());
    let reason = Client::start(options).wait_down().await;
    assert!(reason.contains("not valid for name"), "{reason}");
}

#[test]
fn files_that_hold_something_else_are_named() {
    let authority = Authority::new("shop");
    let (certificate, key) = authority.issue("till");
    let refused = |ca: &Path, client: Option<(PathBuf, PathBuf)>| {
        let error = Tls::load(&TlsFiles { ca: Some(ca.to_owned()), client }).unwrap_err();
        assert!(matches!(error, TlsError::File { .. }), "{error:?}");
        error.to_string()
    };
    assert!(refused(&key, None).contains("till.key cannot be used as certificates"));
    assert!(refused(Path::new("/nowhere/ca.pem"), None).contains("/nowhere/ca.pem"));
    let no_key = refused(&authority.ca(), Some((certificate.clone(), certificate.clone())));
    assert!(no_key.contains("till.pem cannot be used as a key"), "{no_key}");
    let (_, other) = authority.issue("web");
    let mixed = refused(&authority.ca(), Some((certificate, other)));
    assert!(mixed.contains("the certificate of that key"), "{mixed}");
}
