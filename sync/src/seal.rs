//! Sealed boxes: what only the platform may read, on the wire, in an outbox and at rest.
//!
//! `crypto_box_seal` of libsodium: an X25519 key made for one message, its public half in front,
//! then `XSalsa20-Poly1305`. Whoever seals cannot open it again; neither can who steals the terminal.
//! Source: libsodium documentation, "Sealed boxes".

use std::fmt;
use std::str::FromStr;

use dryoc::classic::crypto_box::{
    crypto_box_keypair, crypto_box_seal, crypto_box_seal_open, crypto_box_seed_keypair,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much longer a box is than what lies in it, in bytes: a public key and a tag.
pub const OVERHEAD: usize = 32 + 16;

/// Key of the platform that everyone may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PublicKey([u8; 32]);

/// The other half, which never leaves the platform.
#[derive(Clone)]
pub struct SecretKey {
    secret: [u8; 32],
    public: PublicKey,
}

/// Why a box stays shut, or a key is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A key is 64 hex digits.
    #[error("a key is 64 hex digits")]
    Key,
    /// Too short, changed on the way, or sealed for another key.
    #[error("the box was changed, or sealed for another key")]
    Shut,
}

/// Seals `bytes` for the holder of the key.
pub fn seal(key: &PublicKey, bytes: &[u8]) -> Vec<u8> {
    let mut sealed = vec![0; bytes.len() + OVERHEAD];
    // It fails for a key of low order only, and `PublicKey` holds none.
    crypto_box_seal(&mut sealed, bytes, &key.0).expect("a checked key and a buffer that fits");
    sealed
}

impl SecretKey {
    /// A new key.
    pub fn generate() -> Self {
        let (public, secret) = crypto_box_keypair();
        Self { secret, public: PublicKey(public) }
    }

    /// The key that these 32 random bytes stand for, as libsodium makes it.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (public, secret) = crypto_box_seed_keypair(seed);
        Self { secret, public: PublicKey(public) }
    }

    /// What to tell everyone.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// What lies in a box.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let length = sealed.len().checked_sub(OVERHEAD).ok_or(SealError::Shut)?;
        let mut bytes = vec![0; length];
        crypto_box_seal_open(&mut bytes, sealed, &self.public.0, &self.secret)
            .map_err(|_| SealError::Shut)?;
        Ok(bytes)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl FromStr for PublicKey {
    type Err = SealError;
    fn from_str(text: &str) -> Result<Self, SealError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| SealError::Key)?;
        // Trying it once keeps keys of low order out, with which nothing is secret.
        let mut sealed = [0; OVERHEAD];
        crypto_box_seal(&mut sealed, &[], &bytes).map_err(|_| SealError::Key)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = SealError;
    fn try_from(text: String) -> Result<Self, SealError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_of_the_key_opens_a_box() {
        let (platform, stranger) = (SecretKey::generate(), SecretKey::generate());
        let sealed = seal(platform.public(), "林秀英".as_bytes());
        assert_eq!(platform.open(&sealed).unwrap(), "林秀英".as_bytes());
        assert_eq!(stranger.open(&sealed), Err(SealError::Shut));
        assert_ne!(sealed, seal(platform.public(), "林秀英".as_bytes()), "each box is another one");
    }

    #[test]
    fn a_changed_or_cut_box_stays_shut() {
        let platform = SecretKey::from_seed(&[7; 32]);
        let sealed = seal(platform.public(), b"350102194903122129");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(platform.open(&changed), Err(SealError::Shut), "{at}");
        }
        assert_eq!(platform.open(&sealed[..OVERHEAD - 1]), Err(SealError::Shut));
    }

    /// Key and box made with `PyNaCl` (libsodium): `SealedBox(PrivateKey.from_seed(bytes([7] * 32)).public_key)`.
    #[test]
    fn a_box_of_libsodium_is_opened() {
        let key = SecretKey::from_seed(&[7; 32]);
        let public = "761d88ec830413919dfe9d4d1d56f17e653c8c994082df5b137b90a0ae6edf74";
        assert_eq!(key.public().to_string(), public);
        let sealed = "22e38f48c1fd5a6d1190c9855d055253f2e5c98b50b3416fee24fb160896476b\
                      238c68821ddf1d694d13ec84849d6d2fd708ffcb15";
        assert_eq!(key.open(&hex::decode(sealed).unwrap()).unwrap(), b"Gulou");
    }

    #[test]
    fn a_key_is_hex_and_of_full_order() {
        let key = SecretKey::from_seed(&[7; 32]);
        assert_eq!(key.public().to_string().parse(), Ok(*key.public()));
        assert_eq!("00".repeat(32).parse::<PublicKey>(), Err(SealError::Key));
        assert_eq!("7".parse::<PublicKey>(), Err(SealError::Key));
    }
}
