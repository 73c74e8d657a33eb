//! Hand-offs: what a citizen takes along on her own telephone, once.
//!
//! A terminal seals a page or a paper with a key made for it, lays the sealed bytes down at the
//! platform, and shows an address with that key behind `#`, a part that browsers send to nobody.
//! So the platform keeps what it can't read, and the code on the glass says nothing about a person.
//!
//! Sealed bytes: nonce (12), then AES-256-GCM (NIST SP 800-38D) of `KIND\nCONTENT`, its tag (16)
//! last. `KIND` is a media type, [`LABEL`] the additional data. The page at the platform opens it
//! with `WebCrypto`, which takes exactly this.

use std::fmt;
use std::str::FromStr;

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;
use crate::name::Text;

/// Largest content, in bytes.
pub const CONTENT_MAX: usize = 2 << 20;
/// Largest sealed body, in bytes.
pub const BODY_MAX: usize = CONTENT_MAX + NONCE + KIND_MAX + TAG;
/// Smallest one: it holds nothing.
pub const BODY_MIN: usize = NONCE + TAG;
/// What is sealed names its own format.
pub const LABEL: &[u8] = b"gulou.handoff.v1";

const NONCE: usize = 12;
const TAG: usize = 16;
/// Room for the kind and the end of its line.
const KIND_MAX: usize = 32;

/// What is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A [`Page`] as JSON.
    Page,
    /// A paper that could not be printed, or is wanted as a file.
    Pdf,
}

/// Words in sections, as the terminal showed them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Stands on top.
    pub title: Text,
    /// In order.
    pub sections: Vec<Section>,
}

/// Lines under a title of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// What they are about.
    pub title: Text,
    /// In order.
    pub lines: Vec<Text>,
}

/// Opens one hand-off. It goes into the code on the glass and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

/// Where a sealed body lies: the platform's answer to `POST /device/v1/handoff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The address without the key.
    pub url: String,
    /// It is gone then, fetched or not.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Why nothing is sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandOffError {
    /// The content is.
    #[error("a hand-off holds at most {CONTENT_MAX} bytes")]
    TooLarge,
    /// Too short, changed, or sealed with another key.
    #[error("the hand-off was changed, or sealed with another key")]
    Shut,
    /// A newer version made it.
    #[error("the hand-off is of a kind that this version does not know")]
    Kind,
    /// Not 32 bytes in base64url.
    #[error("a key is 43 signs of base64url")]
    Key,
}

/// Seals `content` with a key that is used for nothing else.
pub fn seal(kind: Kind, content: &[u8]) -> Result<(Vec<u8>, Key), HandOffError> {
    let key = Key(rand::random());
    Ok((seal_with(&key, rand::random(), kind, content)?, key))
}

fn seal_with(
    key: &Key,
    nonce: [u8; NONCE],
    kind: Kind,
    content: &[u8],
) -> Result<Vec<u8>, HandOffError> {
    if content.len() > CONTENT_MAX {
        return Err(HandOffError::TooLarge);
    }
    // Encrypted where it lies: no second copy of what is about a citizen stays behind.
    let mut body = Vec::with_capacity(NONCE + KIND_MAX + content.len() + TAG);
    body.extend_from_slice(&nonce);
    body.extend_from_slice(kind.media_type().as_bytes());
    body.push(b'\n');
    body.extend_from_slice(content);
    let tag = key
        .cipher()
        .encrypt_inout_detached(&nonce.into(), LABEL, body[NONCE..].as_mut().into())
        .expect("GCM takes 64 GiB");
    body.extend_from_slice(&tag);
    Ok(body)
}

/// What lies in a sealed body.
pub fn open(body: &[u8], key: &Key) -> Result<(Kind, Vec<u8>), HandOffError> {
    if body.len() > BODY_MAX {
        return Err(HandOffError::TooLarge);
    }
    let (nonce, rest) = body.split_first_chunk::<NONCE>().ok_or(HandOffError::Shut)?;
    let (sealed, tag) = rest.split_last_chunk::<TAG>().ok_or(HandOffError::Shut)?;
    let mut plain = sealed.to_vec();
    key.cipher()
        .decrypt_inout_detached(
            &(*nonce).into(),
            LABEL,
            plain.as_mut_slice().into(),
            &(*tag).into(),
        )
        .map_err(|_| HandOffError::Shut)?;
    let end = plain.iter().position(|&byte| byte == b'\n').ok_or(HandOffError::Kind)?;
    let kinds = [Kind::Page, Kind::Pdf];
    let kind = kinds.into_iter().find(|kind| kind.media_type().as_bytes() == &plain[..end]);
    plain.drain(..=end);
    Ok((kind.ok_or(HandOffError::Kind)?, plain))
}

impl Kind {
    /// Its media type, which travels sealed.
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Page => "application/json",
            Kind::Pdf => "application/pdf",
        }
    }
}

impl Place {
    /// What the code on the glass says.
    pub fn address(&self, key: &Key) -> String {
        format!("{}#{key}", self.url)
    }
}

impl Key {
    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&self.0.into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for Key {
    type Err = HandOffError;
    fn from_str(text: &str) -> Result<Self, HandOffError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| HandOffError::Key)?;
        Ok(Key(bytes.try_into().map_err(|_| HandOffError::Key)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_opens_what_was_sealed() {
        let (body, key) = seal(Kind::Page, "林秀英".as_bytes()).unwrap();
        assert!(!body.windows(9).any(|bytes| bytes == "林秀英".as_bytes()));
        assert_eq!(open(&body, &key).unwrap(), (Kind::Page, "林秀英".as_bytes().to_vec()));
        let (_, other) = seal(Kind::Pdf, b"").unwrap();
        assert_eq!(open(&body, &other), Err(HandOffError::Shut));
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        assert!(!format!("{key:?}").contains(&key.to_string()));
    }

    #[test]
    fn a_changed_or_cut_body_stays_shut() {
        let (body, key) = seal(Kind::Pdf, b"%PDF-1.7").unwrap();
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1;
            assert_eq!(open(&changed, &key), Err(HandOffError::Shut), "{at}");
            assert_eq!(open(&body[..at], &key), Err(HandOffError::Shut), "{at}");
        }
    }

    #[test]
    fn the_largest_content_fits_and_no_larger_one() {
        let (body, _) = seal(Kind::Page, &vec![0; CONTENT_MAX]).unwrap();
        assert!(body.len() <= BODY_MAX);
        assert_eq!(seal(Kind::Page, &vec![0; CONTENT_MAX + 1]), Err(HandOffError::TooLarge));
    }

    /// Made with `AESGCM(bytes([7] * 32)).encrypt(bytes([9] * 12), b"application/pdf\n%PDF-1.7", b"gulou.handoff.v1")`
    /// of the Python package `cryptography`.
    #[test]
    fn it_is_what_others_call_aes_256_gcm() {
        let body = seal_with(&Key([7; 32]), [9; NONCE], Kind::Pdf, b"%PDF-1.7").unwrap();
        assert_eq!(
            hex::encode(&body[NONCE..]),
            "46f5f4f8d793a015c90da517968ec5d5f1e027b519dfd9f7d11425b7dc331b04e69a9858cb25770b"
        );
    }
}
