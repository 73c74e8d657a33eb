//! A device's key and certificate on its disk.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use super::exchange::{CertificateAnswer, CertificateRequest, ContentKey, EnrolAnswer, Refusal};
use super::renewal::Validity;
use super::trust::Pin;
use crate::file;
use crate::name::{DeviceId, StopId, Tenant};
use crate::seal::PublicKey;

/// Who a device is and where its platform is.
#[derive(Clone)]
pub struct Identity {
    folder: PathBuf,
    /// The device; also the MQTT client id.
    pub device: DeviceId,
    /// Whose street it is.
    pub tenant: Tenant,
    /// The broker, `mqtts://HOST:PORT`.
    pub broker: String,
    /// Where blobs are, `https://HOST:PORT`.
    pub content: String,
    /// Who signs content manifests.
    pub content_key: ContentKey,
    /// For whom asks are sealed, where the platform takes any; [`Counter::keys`](crate::ask::Counter::keys) gives it later.
    pub seal_key: Option<PublicKey>,
    /// What the platform takes it for, such as `sign`.
    pub role: String,
    /// The stop it stands at, as the platform knows it.
    pub stop: Option<StopId>,
    /// The root it trusts.
    pub pin: Pin,
    /// From when to when its certificate is valid.
    pub validity: Validity,
}

/// Why there is no identity to use.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The folder can't be read or written.
    #[error("identity in {folder}: {source}")]
    Disk {
        /// Where it lives.
        folder: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Key, certificate or root do not read as such.
    #[error("identity in {folder} is damaged ({reason}); enrol the device again")]
    Damaged {
        /// Where it lives.
        folder: PathBuf,
        /// What does not read.
        reason: String,
    },
    /// The folder was enrolled under another name.
    #[error("identity belongs to {found:?}, not to {wanted}; enrol the device again")]
    Device {
        /// Common name of the certificate found.
        found: String,
        /// The name asked for.
        wanted: DeviceId,
    },
    /// The platform's certificate does not fit.
    #[error("certificate refused: {0}")]
    Certificate(String),
    /// The platform gave no certificate.
    #[error("platform gave no certificate: {0}")]
    Refused(#[from] Refusal),
}

/// What `platform.json` holds.
#[derive(Serialize, Deserialize)]
struct Platform {
    tenant: Tenant,
    broker: String,
    content: String,
    content_key: ContentKey,
    #[serde(default)]
    seal_key: Option<PublicKey>,
    role: String,
    stop: Option<StopId>,
}

impl Identity {
    /// What stands on the disk below `state`, or `None` before enrolment.
    pub fn load(state: &Path, device: &DeviceId) -> Result<Option<Self>, IdentityError> {
        let folder = Folder::of(state);
        let Some(own) = folder.read("device.pem")? else { return Ok(None) };
        let missing = |name: &str| folder.damaged(format!("{name} is missing"));
        let root = folder.read("ca.pem")?.ok_or_else(|| missing("ca.pem"))?;
        let platform = folder.read("platform.json")?.ok_or_else(|| missing("platform.json"))?;
        let platform: Platform = serde_json::from_str(&platform)
            .map_err(|error| folder.damaged(format!("platform.json: {error}")))?;
        let key = KeyPair::from_pem(&own)
            .map_err(|error| folder.damaged(format!("device.pem: {error}")))?;
        let root = der(&root).map_err(|reason| folder.damaged(format!("ca.pem: {reason}")))?;
        let (name, validity) = read_certificate(&own, &root, &key)
            .map_err(|reason| folder.damaged(format!("device.pem: {reason}")))?;
        if name != device.as_str() {
            return Err(IdentityError::Device { found: name, wanted: device.clone() });
        }
        Ok(Some(Self {
            folder: folder.0,
            device: device.clone(),
            tenant: platform.tenant,
            broker: platform.broker,
            content: platform.content,
            content_key: platform.content_key,
            seal_key: platform.seal_key,
            role: platform.role,
            stop: platform.stop,
            pin: Pin::of(&root),
            validity,
        }))
    }

    /// PEM file with the root: whom to trust.
    pub fn authority_path(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// PEM file with the client certificate. Its key lies in the same file, so that they change together.
    pub fn certificate_path(&self) -> PathBuf {
        self.folder.join("device.pem")
    }

    /// PEM file with the key.
    pub fn key_path(&self) -> PathBuf {
        self.certificate_path()
    }

    /// The payload for [`Topic::Csr`](crate::Topic::Csr), with a new key. The same key until an answer was accepted,
    /// so that an answer which comes after a reboot still fits.
    pub fn request(&self) -> Result<Vec<u8>, IdentityError> {
        let csr = Folder(self.folder.clone()).request(&self.device)?;
        Ok(serde_json::to_vec(&CertificateRequest { csr }).expect("a request is plain JSON"))
    }

    /// Takes the payload of [`Topic::Certificate`](crate::Topic::Certificate); on return the new certificate is on
    /// disk. An answer to a request that nobody made, or that was taken before, is refused.
    pub fn accept(&self, payload: &[u8]) -> Result<Self, IdentityError> {
        let answer: CertificateAnswer = serde_json::from_slice(payload)
            .map_err(|error| IdentityError::Certificate(error.to_string()))?;
        let certificate = match answer {
            CertificateAnswer::Certificate(certificate) => certificate,
            CertificateAnswer::Refused(refusal) => return Err(refusal.into()),
        };
        let folder = Folder(self.folder.clone());
        let root =
            folder.read("ca.pem")?.ok_or_else(|| folder.damaged("ca.pem is missing".to_owned()))?;
        let root = der(&root).map_err(|reason| folder.damaged(format!("ca.pem: {reason}")))?;
        let validity = folder.adopt(&certificate, &root, &self.device)?;
        Ok(Self { validity, ..self.clone() })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, tenant, broker, validity, .. } = self;
        write!(
            f,
            "{device} of {tenant} at {broker}, certificate {}..{}",
            validity.from, validity.until
        )
    }
}

/// `state/identity`, before and after there is an identity in it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn of(state: &Path) -> Self {
        Self(state.join("identity"))
    }

    /// Writes down what the platform answered. `device.pem` comes last: with it the device is enrolled.
    pub(super) fn enrolled(
        &self,
        device: &DeviceId,
        answer: EnrolAnswer,
        pin: Pin,
    ) -> Result<(), IdentityError> {
        let root = der(&answer.chain).map_err(IdentityError::Certificate)?;
        if Pin::of(&root) != pin {
            return Err(IdentityError::Certificate("its root is not the pinned one".to_owned()));
        }
        let EnrolAnswer { tenant, broker, content, content_key, seal_key, role, stop, .. } = answer;
        let platform = Platform { tenant, broker, content, content_key, seal_key, role, stop };
        let platform = serde_json::to_vec_pretty(&platform).expect("an answer is plain JSON");
        self.replace("ca.pem", answer.chain.as_bytes())?;
        self.replace("platform.json", &platform)?;
        self.adopt(&answer.certificate, &root, device)?;
        Ok(())
    }

    /// A certificate request with the next key, which is made and kept on disk first.
    pub(super) fn request(&self, device: &DeviceId) -> Result<String, IdentityError> {
        file::secret_folder(&self.0).map_err(|source| self.disk(source))?;
        // A next key that does not read is worth nothing: nobody has certified it yet.
        let kept = self.read("next-key.pem")?.and_then(|pem| KeyPair::from_pem(&pem).ok());
        let key = if let Some(key) = kept {
            key
        } else {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
                .map_err(|error| self.crypto(&error))?;
            self.replace("next-key.pem", key.serialize_pem().as_bytes())?;
            key
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, device.as_str());
        params
            .serialize_request(&key)
            .and_then(|csr| csr.pem())
            .map_err(|error| self.crypto(&error))
    }

    /// Puts a certificate for the next key in the place of the present ones.
    fn adopt(
        &self,
        certificate: &str,
        root: &[u8],
        device: &DeviceId,
    ) -> Result<Validity, IdentityError> {
        let refused = |reason: &str| IdentityError::Certificate(reason.to_owned());
        let key = self.read("next-key.pem")?.ok_or_else(|| refused("nobody asked for one"))?;
        let pair = KeyPair::from_pem(&key)
            .map_err(|error| self.damaged(format!("next-key.pem: {error}")))?;
        let (name, validity) =
            read_certificate(certificate, root, &pair).map_err(IdentityError::Certificate)?;
        if name != device.as_str() {
            return Err(IdentityError::Certificate(format!("it is made out to {name:?}")));
        }
        self.replace("device.pem", format!("{key}{certificate}").as_bytes())?;
        // Left behind by a power cut here, the key would only be certified once more.
        std::fs::remove_file(self.0.join("next-key.pem")).map_err(|source| self.disk(source))?;
        Ok(validity)
    }

    fn read(&self, name: &str) -> Result<Option<String>, IdentityError> {
        let bytes = file::read_if_there(&self.0.join(name)).map_err(|source| self.disk(source))?;
        bytes
            .map(String::from_utf8)
            .transpose()
            .map_err(|_| self.damaged(format!("{name} is not text")))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), IdentityError> {
        file::replace(&self.0.join(name), bytes, file::SECRET).map_err(|source| self.disk(source))
    }

    fn disk(&self, source: io::Error) -> IdentityError {
        IdentityError::Disk { folder: self.0.clone(), source }
    }

    fn damaged(&self, reason: String) -> IdentityError {
        IdentityError::Damaged { folder: self.0.clone(), reason }
    }

    fn crypto(&self, error: &rcgen::Error) -> IdentityError {
        self.damaged(format!("no certificate request can be made: {error}"))
    }
}

/// DER of the first certificate of a PEM text.
fn der(pem: &str) -> Result<Vec<u8>, String> {
    let first =
        CertificateDer::pem_slice_iter(pem.as_bytes()).next().ok_or("it holds no certificate")?;
    first.map(|der| der.to_vec()).map_err(|error| error.to_string())
}

/// Common name and validity of a certificate that `root` signed for `key`.
fn read_certificate(pem: &str, root: &[u8], key: &KeyPair) -> Result<(String, Validity), String> {
    let der = der(pem)?;
    let parse = |der| x509_parser::parse_x509_certificate(der).map_err(|error| error.to_string());
    let ((_, certificate), (_, root)) = (parse(&der)?, parse(root)?);
    certificate
        .verify_signature(Some(root.public_key()))
        .map_err(|_| "the pinned root did not sign it")?;
    if certificate.public_key().subject_public_key.data.as_ref() != key.der_bytes() {
        return Err("it is for another key".to_owned());
    }
    let name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let date = |at: x509_parser::time::ASN1Time| {
        Timestamp::from_second(at.timestamp()).map_err(|error| format!("its dates: {error}"))
    };
    let validity = certificate.validity();
    let validity = Validity { from: date(validity.not_before)?, until: date(validity.not_after)? };
    Ok((name.unwrap_or_default().to_owned(), validity))
}
