//! How a paper proves that it is ours: its hash, the terminal's signature, and a code for people who type.
//!
//! Terms: the **platform** certifies each terminal's document key; the terminal **stamps** the hash of a
//! sheet's content. The stamp stands in the square code and needs only the platform's public key to verify.
//! The **short code** is made of the hash alone and asks the platform's record.
//! The formats are those of the platform's document record; the golden vectors below hold both sides to them.

mod short;
mod stamp;

use std::collections::BTreeSet;
use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

pub use short::{ShortCode, Typo};
pub use stamp::Stamp;

use crate::sheet::{Code, Sheet};

/// Longest title in a stamp, in bytes: 30 Chinese characters.
pub const TITLE_MAX: usize = 90;

/// SHA-256 of a sheet's content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

/// The platform's word that a document key is a certain terminal's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Name of the terminal, at most 255 bytes.
    pub device: String,
    /// Its public document key.
    pub key: VerifyingKey,
    /// Papers issued later are not the terminal's.
    pub until: Timestamp,
    /// By the platform.
    pub signature: Signature,
}

/// The keys that verify.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The platform's.
    pub platform: VerifyingKey,
    /// Terminals that were given up: what they signed is asked of the platform's record only.
    pub withdrawn: BTreeSet<String>,
}

/// Why a paper proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("this is not the code of one of our papers")]
    Shape,
    #[error("a title has 1 to {TITLE_MAX} bytes, and a terminal's name 1 to 64")]
    Title,
    #[error("the paper says something else than what was signed")]
    Content,
    #[error("the platform did not certify the key that signed it")]
    Certificate,
    #[error("the signature does not fit: it was changed, or is not from this terminal")]
    Signature,
    #[error("it is dated after the end of the terminal's key")]
    Late,
    #[error("the terminal that signed it was given up; ask the platform's record")]
    Withdrawn,
}

/// Verifies what the square code says of a paper, whose content has this hash.
pub fn verify(payload: &str, hash: &Hash, keys: &Keys) -> Result<Stamp, CodeError> {
    let stamp: Stamp = payload.parse()?;
    if stamp.hash != *hash {
        return Err(CodeError::Content);
    }
    stamp.verify(keys).map(|()| stamp)
}

impl Sheet {
    /// The sheet with its code: signed by the terminal, verified at that place.
    pub fn signed(
        self,
        key: &SigningKey,
        of: &Certificate,
        place: &str,
    ) -> Result<Sheet, CodeError> {
        let hash = self.hash();
        let stamp = Stamp::new(hash, &self.title, self.issued_at, key, of)?;
        let code = Code {
            short: ShortCode::of(&hash).to_string(),
            payload: stamp.to_string(),
            place: place.to_owned(),
        };
        Ok(Sheet { code: Some(code), ..self })
    }
}

impl Hash {
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }
}

impl Certificate {
    /// Certifies a terminal's key until then; to the second, as it stands in codes.
    pub fn new(platform: &SigningKey, device: &str, key: VerifyingKey, until: Timestamp) -> Self {
        let until = whole_second(until);
        let signature = platform.sign(&certified_bytes(device, &key, until));
        Self { device: device.to_owned(), key, until, signature }
    }

    fn signed_by(&self, platform: &VerifyingKey) -> bool {
        let bytes = certified_bytes(&self.device, &self.key, self.until);
        platform.verify_strict(&bytes, &self.signature).is_ok()
    }
}

fn certified_bytes(device: &str, key: &VerifyingKey, until: Timestamp) -> Vec<u8> {
    let mut bytes = b"gulou document key 1\0".to_vec();
    bytes.extend(key.as_bytes());
    bytes.extend(until.as_second().to_be_bytes());
    bytes.extend(device.as_bytes());
    bytes
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
