//! Signs papers with the terminal's own document key, which the platform has certified.

use std::io;
use std::path::Path;

use anyhow::Context as _;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use jiff::{Span, Timestamp};
use paper::Sheet;
use paper::code::{Certificate, CodeError};
use sync::ask::Counter;
use sync::document::{Certified, Key, KeyRequest};
use sync::file;

/// The certificate is asked for anew when so little of its life is left, in hours.
const RENEW_HOURS: i64 = 30 * 24;

/// A certified key.
#[derive(Debug, Clone)]
pub struct Notary {
    key: SigningKey,
    certificate: Certificate,
}

impl Notary {
    /// The notary of this state folder; a platform that does not answer is asked only where the
    /// certificate on disk will not do.
    pub async fn open(state: &Path, counter: &Counter, now: Timestamp) -> anyhow::Result<Notary> {
        let key = load_key(&state.join("document.key")).context("document key")?;
        let path = state.join("document-certificate.json");
        let soon = now.saturating_add(Span::new().hours(RENEW_HOURS)).unwrap_or(Timestamp::MAX);
        if let Some(known) = load(&path).filter(|it| it.key == Key::from(&key) && it.until > soon) {
            return Notary::new(key, &known);
        }
        let certified = counter.certify(&KeyRequest { key: Key::from(&key) }).await?;
        let notary = Notary::new(key, &certified)?;
        file::replace(&path, &serde_json::to_vec(&certified)?, file::PUBLIC)?;
        Ok(notary)
    }

    fn new(key: SigningKey, certified: &Certified) -> anyhow::Result<Notary> {
        let mut signature = [0; 64];
        hex::decode_to_slice(&certified.signature, &mut signature)
            .context("the platform's signature is not 128 hex digits")?;
        let certificate = Certificate {
            device: certified.device.as_str().to_owned(),
            key: VerifyingKey::from(&key),
            until: certified.until,
            signature: Signature::from_bytes(&signature),
        };
        Ok(Notary { key, certificate })
    }

    /// The sheet with its code, which people verify at that place.
    pub fn sign(&self, sheet: Sheet, place: &str) -> Result<Sheet, CodeError> {
        sheet.signed(&self.key, &self.certificate, place)
    }
}

fn load_key(path: &Path) -> io::Result<SigningKey> {
    let mut seed: [u8; 32] = rand::random();
    match file::read_if_there(path)? {
        Some(text) => hex::decode_to_slice(text.trim_ascii(), &mut seed).map_err(|_| {
            let says = format!("{} does not hold 64 hex digits: remove it", path.display());
            io::Error::new(io::ErrorKind::InvalidData, says)
        })?,
        None => file::replace(path, hex::encode(seed).as_bytes(), file::SECRET)?,
    }
    Ok(SigningKey::from_bytes(&seed))
}

/// A certificate that can't be read is asked for anew.
fn load(path: &Path) -> Option<Certified> {
    serde_json::from_slice(&file::read_if_there(path).ok()??).ok()
}
