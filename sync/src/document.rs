//! Whether a paper is what the platform's terminals printed: the signature in its code, and the short code.
//!
//! A device signs the hash of a document's content with its own document key, which the platform
//! certified. The code on the paper ([`Stamp`]) holds all that a verifier needs besides the platform's
//! public key; the [`short code`](ShortCode) is for people who type, and asks the platform's record.

mod code;
mod stamp;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Unknown;
use crate::name::DeviceId;

pub use code::{CodeError, ShortCode};
pub use stamp::{Stamp, StampError};

/// The stream of document records.
pub const STREAM: &str = "documents";
/// Longest title, in bytes: 30 Chinese characters.
pub const TITLE_MAX: usize = 90;

/// SHA-256 of a document's content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Hash([u8; 32]);

/// An Ed25519 key that verifies.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Key(VerifyingKey);

/// The platform as certifier of document keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Issuer {
    /// Its public key.
    pub key: Key,
    /// Devices that were given up: what they signed is asked of the platform's record only.
    #[serde(default)]
    pub withdrawn: BTreeSet<DeviceId>,
}

/// Body of `POST /device/v1/document-key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRequest {
    /// The device's document key.
    pub key: Key,
}

/// A device's document key, and the platform's signature that it is that device's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certified {
    /// Whose key it is.
    pub device: DeviceId,
    /// Signs the device's documents.
    pub key: Key,
    /// Documents issued later are not the device's.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// By the platform, 64 bytes in hex.
    pub signature: String,
}

/// What the platform keeps of a document: no name, no number, nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Of its content.
    pub hash: Hash,
    /// What it is called, such as 无房证明.
    pub title: String,
    /// When it was printed.
    #[schemars(with = "String")]
    pub issued: Timestamp,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Why a signature proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A hash or key is 64 hex digits.
    #[error("64 lower-case hex digits are wanted")]
    Hex,
    /// The title is empty or too long.
    #[error("a title has 1 to {TITLE_MAX} bytes")]
    Title,
    /// The platform did not certify the key.
    #[error("the platform did not certify the key that signed it")]
    Certificate,
    /// Somebody changed hash, title or date, or signed with another key.
    #[error("the signature does not fit: it was changed, or is not from this terminal")]
    Signature,
    /// It is dated after the key's end.
    #[error("it is dated after the end of the terminal's key")]
    Late,
    /// The device was given up.
    #[error("the terminal that signed it was given up; ask the platform's record")]
    Withdrawn,
}

impl Hash {
    /// Of these bytes.
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }
}

impl Certified {
    /// Certifies a device's key until then; to the second, as it stands in codes.
    pub fn new(platform: &SigningKey, device: DeviceId, key: Key, until: Timestamp) -> Self {
        let until = second(until);
        let signature = platform.sign(&certified_bytes(&device, &key, until));
        Self { device, key, until, signature: hex::encode(signature.to_bytes()) }
    }

    /// Whether the platform signed it.
    pub fn verify(&self, issuer: &Issuer) -> Result<(), DocumentError> {
        let bytes = certified_bytes(&self.device, &self.key, self.until);
        let good = verify(&issuer.key, &bytes, &self.signature);
        if good { Ok(()) } else { Err(DocumentError::Certificate) }
    }
}

impl Document {
    /// A record of `content`, to the second.
    pub fn new(content: &[u8], title: &str, issued: Timestamp) -> Result<Self, DocumentError> {
        let (title, issued) = (title.to_owned(), second(issued));
        let document = Self { hash: Hash::of(content), title, issued, unknown: Unknown::new() };
        document.check().map(|()| document)
    }

    /// Whether its title can stand in a code and a database.
    pub fn check(&self) -> Result<(), DocumentError> {
        let good = (1..=TITLE_MAX).contains(&self.title.len());
        let clean = !self.title.chars().any(char::is_control);
        if good && clean { Ok(()) } else { Err(DocumentError::Title) }
    }

    /// The code that people type.
    pub fn code(&self) -> ShortCode {
        ShortCode::of(&self.hash)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"gulou document 1\0".to_vec();
        bytes.extend_from_slice(&self.hash.0);
        bytes.extend_from_slice(&self.issued.as_second().to_be_bytes());
        bytes.extend_from_slice(self.title.as_bytes());
        bytes
    }
}

fn certified_bytes(device: &DeviceId, key: &Key, until: Timestamp) -> Vec<u8> {
    let mut bytes = b"gulou document key 1\0".to_vec();
    bytes.extend_from_slice(key.0.as_bytes());
    bytes.extend_from_slice(&until.as_second().to_be_bytes());
    bytes.extend_from_slice(device.as_str().as_bytes());
    bytes
}

fn verify(key: &Key, bytes: &[u8], signature: &str) -> bool {
    let mut raw = [0; 64];
    hex::decode_to_slice(signature, &mut raw).is_ok()
        && key.0.verify_strict(bytes, &Signature::from_bytes(&raw)).is_ok()
}

fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn hex32(text: &str) -> Result<[u8; 32], DocumentError> {
    let mut bytes = [0; 32];
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let decoded = hex::decode_to_slice(text, &mut bytes).is_ok();
    if lower && decoded { Ok(bytes) } else { Err(DocumentError::Hex) }
}

impl From<&SigningKey> for Key {
    fn from(key: &SigningKey) -> Key {
        Key(key.verifying_key())
    }
}

impl FromStr for Hash {
    type Err = DocumentError;
    fn from_str(text: &str) -> Result<Self, DocumentError> {
        hex32(text).map(Self)
    }
}

impl FromStr for Key {
    type Err = DocumentError;
    fn from_str(text: &str) -> Result<Self, DocumentError> {
        VerifyingKey::from_bytes(&hex32(text)?).map(Self).map_err(|_| DocumentError::Hex)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = DocumentError;
            fn try_from(text: String) -> Result<Self, DocumentError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

as_text!(Hash);
as_text!(Key);
