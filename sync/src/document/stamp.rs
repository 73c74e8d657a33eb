//! What the square code on a paper says: the record, its signature, and the certificate of the key.
//!
//! `GL1:` and base64url of: hash (32), issued (8, seconds), signature (64), key (32), key's end (8),
//! the platform's signature (64), length of the device's name (1), the name, the title.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;

use super::{Certified, Document, DocumentError, Hash, Issuer, Key, verify};
use crate::Unknown;

/// How a stamp begins.
const MARK: &str = "GL1:";
/// Longest stamp that is read, in characters.
const TEXT_MAX: usize = 1024;

/// The record of a document as it stands on its paper, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// What was printed.
    pub document: Document,
    /// By the device, 64 bytes in hex.
    pub signature: String,
    /// Whose signature it is.
    pub certified: Certified,
}

/// Why something read is no stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the code of one of our papers")]
pub struct StampError;

impl Stamp {
    /// Signs a document with the device's key.
    pub fn new(document: Document, key: &SigningKey, certified: Certified) -> Self {
        let signature = hex::encode(key.sign(&document.bytes()).to_bytes());
        Self { document, signature, certified }
    }

    /// Whether everything in it was said by a device that the platform vouches for.
    pub fn verify(&self, issuer: &Issuer) -> Result<(), DocumentError> {
        self.document.check()?;
        self.certified.verify(issuer)?;
        if !verify(&self.certified.key, &self.document.bytes(), &self.signature) {
            return Err(DocumentError::Signature);
        }
        if self.document.issued > self.certified.until {
            return Err(DocumentError::Late);
        }
        if issuer.withdrawn.contains(&self.certified.device) {
            return Err(DocumentError::Withdrawn);
        }
        Ok(())
    }

    /// Whether this is how a stamp begins.
    pub fn is_one(text: &str) -> bool {
        text.trim_start().starts_with(MARK)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stamp { document, signature, certified } = self;
        let mut bytes = document.hash.0.to_vec();
        bytes.extend(document.issued.as_second().to_be_bytes());
        bytes.extend(hex::decode(signature).unwrap_or_default());
        bytes.extend(certified.key.0.as_bytes());
        bytes.extend(certified.until.as_second().to_be_bytes());
        bytes.extend(hex::decode(&certified.signature).unwrap_or_default());
        let device = certified.device.as_str().as_bytes();
        // A name has at most 64 bytes.
        bytes.push(u8::try_from(device.len()).unwrap_or_default());
        bytes.extend(device);
        bytes.extend(document.title.as_bytes());
        write!(f, "{MARK}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Stamp {
    type Err = StampError;

    /// The one parser of stamps; nothing is verified yet.
    fn from_str(text: &str) -> Result<Self, StampError> {
        let text = text.trim();
        let body = text.strip_prefix(MARK).filter(|_| text.len() <= TEXT_MAX).ok_or(StampError)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(body).map_err(|_| StampError)?;
        let mut rest = bytes.as_slice();
        let hash = Hash(take(&mut rest)?);
        let issued = time(&mut rest)?;
        let signature = hex::encode(take::<64>(&mut rest)?);
        let key: Key = hex::encode(take::<32>(&mut rest)?).parse().map_err(|_| StampError)?;
        let until = time(&mut rest)?;
        let by_platform = hex::encode(take::<64>(&mut rest)?);
        let [length] = take(&mut rest)?;
        let (device, title) = rest.split_at_checked(usize::from(length)).ok_or(StampError)?;
        let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| StampError);
        let device = words(device)?.parse().map_err(|_| StampError)?;
        let document = Document { hash, title: words(title)?, issued, unknown: Unknown::new() };
        document.check().map_err(|_| StampError)?;
        let certified = Certified { device, key, until, signature: by_platform };
        Ok(Stamp { document, signature, certified })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], StampError> {
    let (head, rest) = bytes.split_first_chunk().ok_or(StampError)?;
    *bytes = rest;
    Ok(*head)
}

fn time(bytes: &mut &[u8]) -> Result<Timestamp, StampError> {
    Timestamp::from_second(i64::from_be_bytes(take(bytes)?)).map_err(|_| StampError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn stamp() -> (Stamp, Issuer) {
        let (platform, device) =
            (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let until = at("2027-01-01T00:00:00Z");
        let certified =
            Certified::new(&platform, "terminal-1".parse().unwrap(), Key::from(&device), until);
        let issued = at("2026-11-23T08:00:00.5Z");
        let document = Document::new(b"content", "无房证明", issued).unwrap();
        let issuer = Issuer { key: Key::from(&platform), withdrawn: [].into() };
        (Stamp::new(document, &device, certified), issuer)
    }

    #[test]
    fn a_paper_proves_itself_without_any_link() {
        let (stamp, issuer) = stamp();
        let text = stamp.to_string();
        assert!(text.len() < 350, "{} signs fit on a receipt", text.len());
        let read: Stamp = text.parse().unwrap();
        assert_eq!(read, stamp);
        assert_eq!(read.verify(&issuer), Ok(()));
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let (stamp, issuer) = stamp();
        let mut changed = stamp.clone();
        changed.document.title = "有房证明".to_owned();
        assert_eq!(changed.verify(&issuer), Err(DocumentError::Signature));
        let mut changed = stamp.clone();
        changed.certified.device = "terminal-2".parse().unwrap();
        assert_eq!(changed.verify(&issuer), Err(DocumentError::Certificate));
        let other = Issuer { key: stamp.certified.key, withdrawn: [].into() };
        assert_eq!(stamp.verify(&other), Err(DocumentError::Certificate));
    }

    #[test]
    fn a_key_ends_and_a_device_may_be_given_up() {
        let (stamp, mut issuer) = stamp();
        let late = Document { issued: at("2027-01-02T00:00:00Z"), ..stamp.document.clone() };
        let late = Stamp::new(late, &SigningKey::from_bytes(&[2; 32]), stamp.certified.clone());
        assert_eq!(late.verify(&issuer), Err(DocumentError::Late));
        issuer.withdrawn.insert("terminal-1".parse().unwrap());
        assert_eq!(stamp.verify(&issuer), Err(DocumentError::Withdrawn));
    }

    #[test]
    fn anything_else_is_no_stamp() {
        let text = stamp().0.to_string();
        for cut in 0..text.len() - 12 {
            assert!(text[..cut].parse::<Stamp>().is_err(), "{cut}");
        }
        assert!(format!("GL1:{}", "A".repeat(2000)).parse::<Stamp>().is_err());
        assert!("https://example.invalid/".parse::<Stamp>().is_err());
    }
}
