//! TLS that trusts one root, known by its hash, whatever the device's clock says.
//!
//! Servers send their root along with their certificate. It counts only if its hash is the pinned one; then the
//! chain, the host name and the handshake's signature are verified against it as usual. A clock that nobody
//! vouches for can't judge dates, so dates are then left out: a sign with an empty battery still gets in.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest as _, Sha256};

use super::store::{Identity, IdentityError};
use crate::moment::Moment;

/// SHA-256 of a root certificate's DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The pin of a root.
    pub fn of(root_der: &[u8]) -> Self {
        Self(Sha256::digest(root_der).into())
    }
}

impl FromStr for Pin {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ())?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A TLS client that trusts the root behind `pin` and no other; for enrolment and for content.
pub fn client_config(pin: Pin, now: Moment) -> ClientConfig {
    config(Arc::new(Verifier::new(pin, now)))
}

/// As [`client_config`], and shows the device's own certificate to servers that ask for it.
pub fn identified_config(identity: &Identity, now: Moment) -> Result<ClientConfig, IdentityError> {
    let path = identity.certificate_path();
    let damaged = |reason: &dyn fmt::Display| IdentityError::Damaged {
        folder: path.clone(),
        reason: reason.to_string(),
    };
    let pem = std::fs::read(&path)
        .map_err(|source| IdentityError::Disk { folder: path.clone(), source })?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| damaged(&error))?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| damaged(&error))?;
    trusting(Arc::new(Verifier::new(identity.pin, now)))
        .with_client_auth_cert(chain, key)
        .map_err(|error| damaged(&error))
}

pub(super) fn config(verifier: Arc<Verifier>) -> ClientConfig {
    trusting(verifier).with_no_client_auth()
}

fn trusting(verifier: Arc<Verifier>) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder_with_provider(verifier.provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
}

#[derive(Debug)]
pub(super) struct Verifier {
    pin: Pin,
    clock_is_trusted: bool,
    provider: Arc<CryptoProvider>,
    /// Set when a server came without the pinned root, to tell this apart from other failures.
    stranger: AtomicBool,
}

impl Verifier {
    pub(super) fn new(pin: Pin, now: Moment) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self {
            pin,
            clock_is_trusted: now.trusted_wall().is_some(),
            provider,
            stranger: AtomicBool::new(false),
        }
    }

    /// Whether a server was met that does not belong to the pinned root.
    pub(super) fn met_a_stranger(&self) -> bool {
        self.stranger.load(Ordering::Relaxed)
    }

    fn judged_at(&self, now: UnixTime, chain: [&CertificateDer<'_>; 2]) -> UnixTime {
        if self.clock_is_trusted {
            return now;
        }
        let start = |der: &CertificateDer<'_>| {
            let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
            u64::try_from(certificate.validity().not_before.timestamp()).ok()
        };
        let latest = chain.into_iter().filter_map(start).max().unwrap_or(0);
        UnixTime::since_unix_epoch(Duration::from_secs(latest))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(root) = intermediates.iter().find(|der| Pin::of(der) == self.pin) else {
            self.stranger.store(true, Ordering::Relaxed);
            return Err(CertificateError::UnknownIssuer.into());
        };
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                self.judged_at(now, [end_entity, root]),
            )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
