//! The platform's own key: opens what terminals sealed, and seals what lies in the database.
//!
//! `seal.key` in the data folder (0600) holds 32 random bytes in hex. Who has the database without
//! that file reads no name, no number and no telephone in it.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use sync::file;
use sync::seal::{PublicKey, SealError, SecretKey, seal};

/// Why something sealed is not read.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The box stays shut.
    #[error(transparent)]
    Shut(#[from] SealError),
    /// What lay in it does not read.
    #[error("what was sealed can't be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It is no box at all.
    #[error("not base64")]
    Base64,
}

/// Opens and seals.
#[derive(Debug)]
pub struct Vault {
    key: SecretKey,
    /// Makes names for people that nobody without the key can make.
    pepper: [u8; 32],
}

impl Vault {
    /// Reads the key at `path`, or makes it at the first start.
    pub fn open(path: &Path) -> io::Result<Vault> {
        let mut seed: [u8; 32] = rand::random();
        if let Some(text) = file::read_if_there(path)? {
            let text = String::from_utf8_lossy(&text);
            hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| {
                let says = "does not hold 64 hex digits; restore it from a backup, \
                    or what citizens submitted stays unread";
                io::Error::new(io::ErrorKind::InvalidData, says)
            })?;
        } else {
            let text = format!("{}\n", hex::encode(seed));
            file::replace(path, text.as_bytes(), file::SECRET)?;
        }
        Ok(Self::new(&seed))
    }

    /// The vault of this seed.
    pub fn new(seed: &[u8; 32]) -> Vault {
        let mut pepper = Sha256::new_with_prefix(b"gulou names of people 1\0");
        pepper.update(seed);
        Vault { key: SecretKey::from_seed(seed), pepper: pepper.finalize().into() }
    }

    /// For whom terminals seal.
    pub fn public(&self) -> &PublicKey {
        self.key.public()
    }

    /// Reads what was sealed.
    pub fn read<T: DeserializeOwned>(&self, sealed: &[u8]) -> Result<T, VaultError> {
        Ok(serde_json::from_slice(&self.key.open(sealed)?)?)
    }

    /// Reads what [`close`](Self::close) wrote.
    pub fn reopen<T: DeserializeOwned>(&self, text: &str) -> Result<T, VaultError> {
        Ok(serde_json::from_slice(&self.reopen_bytes(text)?)?)
    }

    /// Reads what [`shut`](Self::shut) wrote.
    pub fn reopen_bytes(&self, text: &str) -> Result<Vec<u8>, VaultError> {
        Ok(self.key.open(&BASE64_STANDARD.decode(text).map_err(|_| VaultError::Base64)?)?)
    }

    /// A value as it lies in the database.
    pub fn close(&self, value: &impl Serialize) -> Result<String, VaultError> {
        Ok(self.shut(&serde_json::to_vec(value)?))
    }

    /// Bytes as they lie in the database.
    pub fn shut(&self, bytes: &[u8]) -> String {
        BASE64_STANDARD.encode(seal(self.public(), bytes))
    }

    /// A name for the holder of an identity number that says nothing about her.
    pub fn person(&self, number: &str) -> String {
        let inner = Sha256::new_with_prefix(self.pepper).chain_update(number).finalize();
        hex::encode(Sha256::new_with_prefix(self.pepper).chain_update(inner).finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_key_is_made_once_and_read_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let first = Vault::open(&path).unwrap();
        let sealed = first.close(&"林秀英").unwrap();
        let again = Vault::open(&path).unwrap();
        assert_eq!(again.reopen::<String>(&sealed).unwrap(), "林秀英");
        assert_eq!(again.person("350102194903122129"), first.person("350102194903122129"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "half").unwrap();
        assert!(Vault::open(&path).unwrap_err().to_string().contains("restore it from a backup"));
    }

    #[test]
    fn a_name_for_a_person_depends_on_the_key() {
        let number = "350102194903122129";
        assert_ne!(Vault::new(&[1; 32]).person(number), Vault::new(&[2; 32]).person(number));
        assert!(!Vault::new(&[1; 32]).close(&number).unwrap().contains(number));
    }
}
