//! The certificate authority of one tenant: who may speak on its broker.
//!
//! One P-256 root signs everything: the devices' client certificates, the broker's and the HTTPS port's
//! server certificates, and the platform's own client certificate. Its hash stands in every provision
//! string, so a device trusts this root and no other.
//!
//! Of a device's certificate request only the public key is taken. Subject, names, purpose and dates are
//! written here: common name = device id, which the broker takes as the user name of its access rules.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (now, csr) = (jiff::Timestamp::UNIX_EPOCH, "");
//! use platform::authority::Authority;
//! let authority = Authority::open("DATA/ca".as_ref(), &"gulou".parse()?, now)?;
//! let broker = authority.issue_server(&["localhost", "127.0.0.1"], now)?;   // certificate and key, PEM
//! let itself = authority.issue_platform(now)?;
//! let device = authority.issue_device(csr, &"sign-7".parse()?, now)?;       // certificate, PEM
//! authority.revoke(&"sign-7".parse()?, now)?;                               // then reload the broker
//! # Ok(()) }
//! ```
//!
//! Files below the folder: `ca.pem`, `ca.key` (0600), `ledger.jsonl` (what was issued), `crl.pem` (what was
//! revoked; Mosquitto's `crlfile`).

mod ledger;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CertificateSigningRequestParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    RevocationReason, RevokedCertParams, SanType, SerialNumber,
};
use sha2::{Digest as _, Sha256};
use sync::file;
use sync::name::{DeviceId, Tenant};
use time::OffsetDateTime;

use ledger::{Entry, Ledger};

/// Common name of the platform's own client certificate; no device may be called so.
pub const PLATFORM: &str = "platform";
/// Life of a device's certificate; it is renewed at half of it.
pub const DEVICE_LIFE: Duration = Duration::from_hours(60 * 24);
/// Certificates are dated back by this much, for devices whose clocks are a little behind.
pub const BACKDATED: Duration = Duration::from_hours(1);
/// Life of the root, of the revocation list, and of what is issued to this machine itself: the keys lie beside
/// the root's, so a shorter life would protect nothing and end in an outage.
const ROOT_LIFE: Duration = Duration::from_hours(20 * 365 * 24);
/// Longest certificate request that is parsed, in bytes.
const CSR_MAX: usize = 8 * 1024;
/// Length of an uncompressed P-256 point.
const P256_POINT: usize = 65;
/// Most certificates of one device in force at a time. Renewals need three; the rest is for answers that got lost,
/// and the bound keeps a device that asks without end from filling the disk.
const IN_FORCE_MAX: usize = 32;
/// A platform clock before this is wrong, and would date certificates into the past.
const CLOCK_FLOOR: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The folder can't be read or written.
    #[error("certificate authority in {folder}: {source}")]
    Disk {
        /// Where it lives.
        folder: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Key or certificate of the root do not read as such.
    #[error("certificate authority in {folder} is damaged ({reason}); restore it from a backup")]
    Damaged {
        /// Where it lives.
        folder: PathBuf,
        /// What does not read.
        reason: String,
    },
    /// The folder belongs to another tenant.
    #[error("certificate authority belongs to {found:?}, not to tenant {wanted}")]
    Tenant {
        /// Common name of the root found.
        found: String,
        /// The tenant asked for.
        wanted: Tenant,
    },
    /// This machine's clock can't be right.
    #[error("the platform's clock says {0}; set it before certificates are issued")]
    Clock(Timestamp),
    /// The certificate request was refused.
    #[error("certificate request refused: {0}")]
    Request(String),
    /// The name belongs to the platform itself.
    #[error("a device may not be called {0:?}")]
    Reserved(String),
    /// A renewal was asked for by a device that holds no valid certificate.
    #[error("{0} holds no certificate that is in force; enrol it again")]
    NotInForce(DeviceId),
    /// A device asked for more certificates than anyone needs.
    #[error("{0} holds {IN_FORCE_MAX} certificates in force; wait, or revoke them")]
    TooMany(DeviceId),
    /// A certificate could not be made.
    #[error("certificate could not be made: {0}")]
    Issue(#[from] rcgen::Error),
}

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub struct Credentials {
    /// The certificate, and those above it where the other side needs them.
    pub certificate: String,
    /// Its private key (PKCS #8).
    pub key: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// The certificate authority of one tenant. All methods take `&self`: share it in an `Arc`.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    tenant: Tenant,
    root_pem: String,
    root_hash: String,
    issuer: Issuer<'static, KeyPair>,
    ledger: Mutex<Ledger>,
}

impl Authority {
    /// Loads the authority of `tenant` from `folder`, or makes it there at the first start.
    pub fn open(folder: &Path, tenant: &Tenant, now: Timestamp) -> Result<Self, AuthorityError> {
        let disk = |source| AuthorityError::Disk { folder: folder.to_owned(), source };
        let damaged =
            |reason: String| AuthorityError::Damaged { folder: folder.to_owned(), reason };
        file::secret_folder(folder).map_err(disk)?;
        let text = |name: &str| -> Result<Option<String>, AuthorityError> {
            let bytes = file::read_if_there(&folder.join(name)).map_err(disk)?;
            bytes
                .map(String::from_utf8)
                .transpose()
                .map_err(|_| damaged(format!("{name} is not text")))
        };
        let (root_pem, key_pem) = match (text("ca.pem")?, text("ca.key")?) {
            (Some(root), Some(key)) => (root, key),
            // The key is written first: a root without its key is damage, a key without a root is a first start.
            (Some(_), None) => return Err(damaged("ca.key is missing".to_owned())),
            (None, _) => make_root(folder, tenant, now)?,
        };
        let key =
            KeyPair::from_pem(&key_pem).map_err(|error| damaged(format!("ca.key: {error}")))?;
        let (root_der, name) = read_root(&root_pem, &key).map_err(&damaged)?;
        if name != root_name(tenant) {
            return Err(AuthorityError::Tenant { found: name, wanted: tenant.clone() });
        }
        let issuer = Issuer::from_ca_cert_der(&root_der.as_slice().into(), key)
            .map_err(|error| damaged(format!("ca.pem: {error}")))?;
        let authority = Self {
            folder: folder.to_owned(),
            tenant: tenant.clone(),
            root_hash: hex::encode(Sha256::digest(&root_der)),
            root_pem,
            issuer,
            ledger: Mutex::new(Ledger::open(&folder.join("ledger.jsonl"), now).map_err(disk)?),
        };
        authority.write_revocations(&authority.ledger(), now)?;
        Ok(authority)
    }

    /// The tenant it speaks for.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The root certificate, PEM: what devices and the broker verify each other against.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// SHA-256 of the root's DER in lower-case hex, as provision strings pin it.
    pub fn root_hash(&self) -> &str {
        &self.root_hash
    }

    /// File with [`root_pem`](Self::root_pem), for a broker's configuration.
    pub fn root_path(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// File with the revocation list, PEM; rewritten by [`revoke`](Self::revoke).
    pub fn revocations_path(&self) -> PathBuf {
        self.folder.join("crl.pem")
    }

    /// Signs a device's request; only its public key (P-256) is taken. For enrolment, after its token was redeemed.
    pub fn issue_device(
        &self,
        csr: &str,
        device: &DeviceId,
        now: Timestamp,
    ) -> Result<String, AuthorityError> {
        if device.as_str() == PLATFORM {
            return Err(AuthorityError::Reserved(device.to_string()));
        }
        if self.ledger().in_force(device, now) >= IN_FORCE_MAX {
            return Err(AuthorityError::TooMany(device.clone()));
        }
        let public_key = public_key(csr)?;
        let mut params =
            leaf(device.as_str(), ExtendedKeyUsagePurpose::ClientAuth, now, DEVICE_LIFE)?;
        let urn = format!("urn:gulou:{}:{device}", self.tenant);
        params.subject_alt_names = vec![SanType::URI(urn.try_into()?)];
        let certificate = params.signed_by(&public_key, &self.issuer)?;
        let serial = params.serial_number.as_ref().map(SerialNumber::to_bytes).unwrap_or_default();
        let entry = Entry {
            device: device.clone(),
            serial: hex::encode(serial),
            until: end(now, DEVICE_LIFE),
        };
        self.ledger().issued(entry).map_err(|source| self.disk(source))?;
        Ok(certificate.pem())
    }

    /// Signs a request that came over the device's authenticated link, where its certificate is still in force.
    pub fn renew_device(
        &self,
        csr: &str,
        device: &DeviceId,
        now: Timestamp,
    ) -> Result<String, AuthorityError> {
        if self.ledger().in_force(device, now) == 0 {
            return Err(AuthorityError::NotInForce(device.clone()));
        }
        self.issue_device(csr, device, now)
    }

    /// Whether a certificate of a device was issued here, has not run out and was not revoked.
    pub fn admits(&self, device: &DeviceId, serial: &str, now: Timestamp) -> bool {
        self.ledger().admits(device, serial, now)
    }

    /// A server certificate with a new key for `names` (host names and addresses), followed by the root: a device
    /// that enrols knows only the root's hash. Make it anew at each start.
    pub fn issue_server(
        &self,
        names: &[&str],
        now: Timestamp,
    ) -> Result<Credentials, AuthorityError> {
        let first = names
            .first()
            .ok_or_else(|| AuthorityError::Request("a server needs a name".to_owned()))?;
        let mut params = leaf(first, ExtendedKeyUsagePurpose::ServerAuth, now, ROOT_LIFE)?;
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        let mut server = self.with_new_key(&params)?;
        server.certificate += &self.root_pem;
        Ok(server)
    }

    /// The client certificate under which the platform itself speaks, with a new key.
    pub fn issue_platform(&self, now: Timestamp) -> Result<Credentials, AuthorityError> {
        self.with_new_key(&leaf(PLATFORM, ExtendedKeyUsagePurpose::ClientAuth, now, ROOT_LIFE)?)
    }

    /// Revokes every certificate of a device and rewrites the list; the broker must then read it anew.
    /// Returns how many were in force. The device may be enrolled again with a new token.
    pub fn revoke(&self, device: &DeviceId, now: Timestamp) -> Result<usize, AuthorityError> {
        let mut ledger = self.ledger();
        let count = ledger.revoke(device, now).map_err(|source| self.disk(source))?;
        self.write_revocations(&ledger, now)?;
        Ok(count)
    }

    fn with_new_key(&self, params: &CertificateParams) -> Result<Credentials, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Credentials { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// The list lies beside the broker and is never fetched, so its age says nothing: it lives as long as the root.
    fn write_revocations(&self, ledger: &Ledger, now: Timestamp) -> Result<(), AuthorityError> {
        let revoked =
            |(serial, at): (&str, Timestamp)| -> Result<RevokedCertParams, AuthorityError> {
                let serial = hex::decode(serial)
                    .map_err(|error| self.damaged(format!("ledger.jsonl: {error}")))?;
                Ok(RevokedCertParams {
                    serial_number: SerialNumber::from_slice(&serial),
                    revocation_time: date(at)?,
                    reason_code: Some(RevocationReason::PrivilegeWithdrawn),
                    invalidity_date: None,
                })
            };
        let list = CertificateRevocationListParams {
            this_update: date(start(now))?,
            next_update: date(end(now, ROOT_LIFE))?,
            crl_number: SerialNumber::from(u64::try_from(now.as_millisecond()).unwrap_or(0)),
            issuing_distribution_point: None,
            revoked_certs: ledger.revoked().map(revoked).collect::<Result<_, _>>()?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(&self.issuer)?.pem()?;
        file::replace(&self.revocations_path(), pem.as_bytes(), file::PUBLIC)
            .map_err(|source| self.disk(source))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk(&self, source: std::io::Error) -> AuthorityError {
        AuthorityError::Disk { folder: self.folder.clone(), source }
    }

    fn damaged(&self, reason: String) -> AuthorityError {
        AuthorityError::Damaged { folder: self.folder.clone(), reason }
    }
}

/// Makes key and root; returns the PEM of both, root first.
fn make_root(
    folder: &Path,
    tenant: &Tenant,
    now: Timestamp,
) -> Result<(String, String), AuthorityError> {
    let disk = |source| AuthorityError::Disk { folder: folder.to_owned(), source };
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished(&root_name(tenant));
    params.serial_number = Some(serial());
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (date(start(now))?, date(end(now, ROOT_LIFE))?);
    let root: Certificate = params.self_signed(&key)?;
    let key = key.serialize_pem();
    file::replace(&folder.join("ca.key"), key.as_bytes(), file::SECRET).map_err(disk)?;
    file::replace(&folder.join("ca.pem"), root.pem().as_bytes(), file::PUBLIC).map_err(disk)?;
    Ok((root.pem(), key))
}

/// DER and common name of the root, if `key` is its key.
fn read_root(pem: &str, key: &KeyPair) -> Result<(Vec<u8>, String), String> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes())
        .map_err(|error| format!("ca.pem: {error}"))?;
    let root = pem.parse_x509().map_err(|error| format!("ca.pem: {error}"))?;
    if root.public_key().subject_public_key.data.as_ref() != key.der_bytes() {
        return Err("ca.key is not the key of ca.pem".to_owned());
    }
    let name = root
        .subject()
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok())
        .unwrap_or_default();
    let name = name.to_owned();
    Ok((pem.contents, name))
}

/// A certificate that signs no others, without its key.
fn leaf(
    name: &str,
    purpose: ExtendedKeyUsagePurpose,
    now: Timestamp,
    life: Duration,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished(name);
    params.serial_number = Some(serial());
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (date(start(now))?, date(end(now, life))?);
    Ok(params)
}

/// SHA-256 of the key in a certificate request, in hex.
pub fn key_hash(csr: &str) -> Result<String, AuthorityError> {
    Ok(hex::encode(Sha256::digest(public_key(csr)?.der_bytes())))
}

/// The key of a request whose signature proves that the asker holds it.
fn public_key(csr: &str) -> Result<rcgen::PublicKey, AuthorityError> {
    let refused = |reason: &str| AuthorityError::Request(reason.to_owned());
    if csr.len() > CSR_MAX {
        return Err(refused("it is too long"));
    }
    let request = CertificateSigningRequestParams::from_pem(csr)
        .map_err(|error| refused(&error.to_string()))?;
    let key = request.public_key;
    if key.algorithm() != &PKCS_ECDSA_P256_SHA256 || key.der_bytes().len() != P256_POINT {
        return Err(refused("the key must be ECDSA P-256 with SHA-256"));
    }
    Ok(key)
}

fn root_name(tenant: &Tenant) -> String {
    format!("gulou {tenant} authority")
}

fn distinguished(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Random and positive (RFC 5280 §4.1.2.2), so that two certificates of one key can be told apart.
fn serial() -> SerialNumber {
    let mut bytes: [u8; 16] = rand::random();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn start(now: Timestamp) -> Timestamp {
    now.saturating_sub(BACKDATED).expect("an absolute duration has no calendar units")
}

fn end(now: Timestamp, life: Duration) -> Timestamp {
    now.saturating_add(life).expect("an absolute duration has no calendar units")
}

fn date(at: Timestamp) -> Result<OffsetDateTime, AuthorityError> {
    let plausible = at >= CLOCK_FLOOR;
    let date =
        plausible.then(|| OffsetDateTime::from_unix_timestamp(at.as_second()).ok()).flatten();
    date.ok_or(AuthorityError::Clock(at))
}

#[cfg(test)]
mod tests;
