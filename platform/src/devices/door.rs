//! TLS with a certificate that is asked for: who came is told to the routes behind it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use axum_server::tls::TlsService;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sync::DeviceId;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tower::Layer as _;

use crate::authority::Credentials;

/// Device and serial number (hex) of the certificate that was shown, where one was; our authority signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(pub Option<(DeviceId, String)>);

/// Accepts connections to the port for devices.
#[derive(Debug, Clone)]
pub struct Door {
    tls: RustlsAcceptor,
}

type Opened<S> = io::Result<(TlsStream<TcpStream>, AddExtension<TlsService<S>, Shown>)>;

impl Door {
    /// Shows `server` and lets in who shows nothing or a certificate of `root`.
    pub fn new(server: &Credentials, root: &str) -> io::Result<Door> {
        let odd = |error: &dyn std::fmt::Display| {
            io::Error::new(io::ErrorKind::InvalidData, error.to_string())
        };
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(root.as_bytes()) {
            roots.add(root.map_err(|error| odd(&error))?).map_err(|error| odd(&error))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .map_err(|error| odd(&error))?;
        let chain = CertificateDer::pem_slice_iter(server.certificate.as_bytes());
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| odd(&error))?;
        let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| odd(&error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key.map_err(|error| odd(&error))?)
            .map_err(|error| odd(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Door { tls: RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(config))) })
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Door {
    type Stream = TlsStream<TcpStream>;
    type Service = AddExtension<TlsService<S>, Shown>;
    type Future = Pin<Box<dyn Future<Output = Opened<S>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let tls = self.tls.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = tls.await?;
            let first = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let shown = Shown(first.and_then(|certificate| read(certificate)));
            Ok((stream, Extension(shown).layer(service)))
        })
    }
}

/// Common name and serial number of a verified certificate.
fn read(der: &CertificateDer<'_>) -> Option<(DeviceId, String)> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    Some((name.parse().ok()?, hex::encode(certificate.raw_serial())))
}
