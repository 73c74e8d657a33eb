//! The manifest: what a device shall have, signed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Unknown;
use crate::identity::ContentKey;
use crate::name::DeviceId;
use crate::packet::PAYLOAD_MAX;

/// Most paths in a manifest.
pub const ITEMS_MAX: usize = 1000;
/// Largest blob, in bytes.
pub const BLOB_MAX: u64 = 256 << 20;
/// Longest path, in bytes.
const PATH_MAX: usize = 256;

/// SHA-256 of a blob; the name under which it is fetched and stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct BlobId([u8; 32]);

impl BlobId {
    /// The name of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(super) fn from_hash(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }
}

impl FromStr for BlobId {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut bytes = [0; 32];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let decoded = hex::decode_to_slice(text, &mut bytes).is_ok();
        if lower && decoded {
            Ok(Self(bytes))
        } else {
            Err("a blob is named by 64 lower-case hex digits")
        }
    }
}

impl TryFrom<String> for BlobId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> String {
        id.to_string()
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..6]))
    }
}

/// What one device shall have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The device.
    pub channel: DeviceId,
    /// Grows with every change, and never shrinks.
    pub version: u64,
    /// When it was made.
    #[schemars(with = "String")]
    pub made_at: Timestamp,
    /// After this it is not taken any more; a device that has it keeps it.
    #[schemars(with = "String")]
    pub expires: Timestamp,
    /// Path to bytes.
    pub items: BTreeMap<String, Item>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The bytes behind one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Their hash.
    pub sha256: BlobId,
    /// Their number.
    pub size: u64,
}

/// A manifest on the wire: its exact bytes, and the signature over them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signed {
    /// JSON of a [`Manifest`], in base64.
    pub payload: String,
    /// Ed25519 over the decoded payload, in base64.
    pub signature: String,
    /// Name of the key.
    pub key_id: String,
}

/// Why a manifest was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It does not read as one.
    #[error("manifest can't be read: {0}")]
    Malformed(String),
    /// It is larger than anyone needs.
    #[error("manifest is too large: {0}")]
    TooLarge(&'static str),
    /// Its key is not the one learnt at enrolment.
    #[error("manifest is signed with key {0:?}, which this device does not know")]
    ForeignKey(String),
    /// Someone changed it, or signed it with another key.
    #[error("manifest's signature is wrong")]
    Signature,
    /// A path could be taken for a place outside.
    #[error("manifest's path {0:?} is not plain")]
    Path(String),
    /// It is for another device.
    #[error("manifest is for {0}")]
    Channel(DeviceId),
    /// It is older than one already seen.
    #[error("manifest has version {version}, but {highest} was seen before")]
    Old {
        /// Its version.
        version: u64,
        /// The highest version seen.
        highest: u64,
    },
    /// Its time is over.
    #[error("manifest expired at {0}")]
    Expired(Timestamp),
}

impl Manifest {
    /// Signs it.
    pub fn sign(&self, key: &SigningKey, key_id: &str) -> Signed {
        let payload = serde_json::to_vec(self).expect("a manifest is plain JSON");
        let signature = key.sign(&payload).to_bytes();
        Signed {
            payload: BASE64.encode(payload),
            signature: BASE64.encode(signature),
            key_id: key_id.to_owned(),
        }
    }

    /// Bytes of all blobs, each counted once.
    pub fn size(&self) -> u64 {
        let blobs: BTreeMap<BlobId, u64> =
            self.items.values().map(|item| (item.sha256, item.size)).collect();
        blobs.values().sum()
    }
}

impl Signed {
    /// Reads the envelope; it proves nothing yet.
    pub fn parse(payload: &[u8]) -> Result<Self, ManifestError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(ManifestError::TooLarge("bytes"));
        }
        serde_json::from_slice(payload).map_err(|error| ManifestError::Malformed(error.to_string()))
    }

    /// The one parser of manifests: verifies the signature first, and bounds everything.
    pub fn open(&self, key: &ContentKey) -> Result<Manifest, ManifestError> {
        if self.key_id != key.id {
            return Err(ManifestError::ForeignKey(self.key_id.chars().take(64).collect()));
        }
        let malformed = |reason: &dyn fmt::Display| ManifestError::Malformed(reason.to_string());
        let decode = |text: &str| BASE64.decode(text).map_err(|error| malformed(&error));
        let (payload, signature) = (decode(&self.payload)?, decode(&self.signature)?);
        let signature = Signature::from_slice(&signature).map_err(|_| ManifestError::Signature)?;
        let verifier =
            verifying_key(key).ok_or_else(|| malformed(&"the key learnt at enrolment is none"))?;
        verifier.verify_strict(&payload, &signature).map_err(|_| ManifestError::Signature)?;
        let manifest: Manifest =
            serde_json::from_slice(&payload).map_err(|error| malformed(&error))?;
        if manifest.items.len() > ITEMS_MAX {
            return Err(ManifestError::TooLarge("number of paths"));
        }
        for (path, item) in &manifest.items {
            check_path(path)?;
            if item.size > BLOB_MAX {
                return Err(ManifestError::TooLarge("blob"));
            }
        }
        Ok(manifest)
    }
}

/// Whether a path is plain: segments between single slashes, none of them `.` or `..`, nothing a shell, a file
/// system or a terminal would take for more than a letter.
pub fn check_path(path: &str) -> Result<(), ManifestError> {
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && !segment.chars().any(|letter| letter.is_control() || matches!(letter, '\\' | ':'))
    };
    if path.len() <= PATH_MAX && path.split('/').all(plain) {
        return Ok(());
    }
    Err(ManifestError::Path(path.chars().take(80).collect()))
}

fn verifying_key(key: &ContentKey) -> Option<VerifyingKey> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(&key.key, &mut bytes).ok()?;
    VerifyingKey::from_bytes(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signing() -> (SigningKey, ContentKey) {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public =
            ContentKey { id: "k1".into(), key: hex::encode(key.verifying_key().as_bytes()) };
        (key, public)
    }

    fn manifest(paths: &[&str]) -> Manifest {
        let item = Item { sha256: BlobId::of(b"x"), size: 1 };
        Manifest {
            channel: "sign-7".parse().unwrap(),
            version: 1,
            made_at: "2026-11-23T08:00:00Z".parse().unwrap(),
            expires: "2026-12-23T08:00:00Z".parse().unwrap(),
            items: paths.iter().map(|&path| (path.to_owned(), item)).collect(),
            unknown: Unknown::new(),
        }
    }

    #[test]
    fn a_signed_manifest_reads_as_it_was_written() {
        let (key, public) = signing();
        let written = manifest(&["timetable/S1.json", "声音/到站.opus"]);
        let wire = serde_json::to_vec(&written.sign(&key, "k1")).unwrap();
        assert_eq!(Signed::parse(&wire).unwrap().open(&public), Ok(written));
    }

    #[test]
    fn a_changed_or_foreign_manifest_is_refused() {
        let (key, public) = signing();
        let signed = manifest(&["a"]).sign(&key, "k1");
        let changed =
            Signed { payload: manifest(&["b"]).sign(&key, "k1").payload, ..signed.clone() };
        assert_eq!(changed.open(&public), Err(ManifestError::Signature));
        let renamed = Signed { key_id: "k2".into(), ..signed };
        assert_eq!(renamed.open(&public), Err(ManifestError::ForeignKey("k2".into())));
        let mallory = SigningKey::from_bytes(&[8; 32]);
        assert_eq!(
            manifest(&["a"]).sign(&mallory, "k1").open(&public),
            Err(ManifestError::Signature)
        );
    }

    #[test]
    fn a_manifest_that_is_too_large_is_refused() {
        let (key, public) = signing();
        let names: Vec<String> = (0..=ITEMS_MAX).map(|n| n.to_string()).collect();
        let many = manifest(&names.iter().map(String::as_str).collect::<Vec<_>>()).sign(&key, "k1");
        assert_eq!(many.open(&public), Err(ManifestError::TooLarge("number of paths")));
        let mut heavy = manifest(&["a"]);
        heavy.items.get_mut("a").unwrap().size = u64::MAX;
        assert_eq!(heavy.sign(&key, "k1").open(&public), Err(ManifestError::TooLarge("blob")));
        assert_eq!(
            Signed::parse(&vec![b' '; PAYLOAD_MAX + 1]),
            Err(ManifestError::TooLarge("bytes"))
        );
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused_even_when_signed() {
        let (key, public) = signing();
        for path in
            ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a\\b", "c:x", "a\0b", "a\nb"]
        {
            let signed = manifest(&[path]).sign(&key, "k1");
            assert_eq!(signed.open(&public), Err(ManifestError::Path(path.into())), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_below_any_folder(path in "[a-z./\\\\ ]{0,24}|\\PC{0,24}") {
            if check_path(&path).is_ok() {
                let joined = std::path::Path::new("/content").join(&path);
                prop_assert!(joined.components().count() >= 3);
                let plain = |part| matches!(part, std::path::Component::Normal(_) | std::path::Component::RootDir);
                prop_assert!(joined.components().all(plain));
                prop_assert!(joined.starts_with("/content"));
            }
        }

        #[test]
        fn any_changed_byte_of_the_envelope_is_refused_or_harmless(at in 0usize..400, flip in 1u8..=255) {
            let (key, public) = signing();
            let written = manifest(&["a"]);
            let mut wire = serde_json::to_vec(&written.sign(&key, "k1")).unwrap();
            let at = at % wire.len();
            wire[at] ^= flip;
            if let Ok(read) = Signed::parse(&wire).and_then(|signed| signed.open(&public)) {
                prop_assert_eq!(read, written);
            }
        }
    }
}
