//! Papers that terminals printed: who may sign them, and what is kept of them.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use sync::DeviceId;
use sync::document::{Certified, Document, Hash, Issuer, Key, ShortCode};
use sync::file;
use utoipa::ToSchema;

use crate::store::{Store, StoreError, instant};

/// Life of a device's document key; a terminal asks for the next one well before.
const KEY_LIFE: Duration = Duration::from_hours(400 * 24);

/// Certifies the keys with which devices sign documents.
#[derive(Debug)]
pub struct Notary {
    key: SigningKey,
}

/// What is kept of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Paper {
    /// SHA-256 of its content.
    pub hash: String,
    /// The code that people type.
    pub code: String,
    /// What it is called.
    pub title: String,
    /// The terminal that printed it.
    pub device: String,
    /// When it was printed.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
}

impl Notary {
    /// Reads the key at `path`, or makes it at the first start.
    pub fn open(path: &Path) -> io::Result<Notary> {
        let mut seed: [u8; 32] = rand::random();
        if let Some(text) = file::read_if_there(path)? {
            let text = String::from_utf8_lossy(&text);
            hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| {
                let says = "does not hold 64 hex digits; restore it from a backup, \
                    or printed papers can't be verified";
                io::Error::new(io::ErrorKind::InvalidData, says)
            })?;
        } else {
            file::replace(path, format!("{}\n", hex::encode(seed)).as_bytes(), file::SECRET)?;
        }
        Ok(Notary { key: SigningKey::from_bytes(&seed) })
    }

    /// Certifies a device's key.
    pub fn certify(&self, device: DeviceId, key: Key, now: Timestamp) -> Certified {
        let until = now.saturating_add(KEY_LIFE).unwrap_or(Timestamp::MAX);
        Certified::new(&self.key, device, key, until)
    }

    /// What verifiers need.
    pub fn issuer(&self, withdrawn: BTreeSet<DeviceId>) -> Issuer {
        Issuer { key: Key::from(&self.key), withdrawn }
    }
}

/// Writes a record down; the first of a content stays.
pub async fn record(
    connection: &mut AnyConnection,
    device: &DeviceId,
    document: &Document,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO documents (hash, code, title, device, issued_ms) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO NOTHING";
    let query = sqlx::query(sql).bind(document.hash.to_string());
    let query = query.bind(document.code().to_string()).bind(document.title.as_str());
    let query = query.bind(device.as_str()).bind(document.issued.as_millisecond());
    query.execute(connection).await.map(|_| ())
}

/// The record under a hash.
pub async fn by_hash(store: &Store, hash: &Hash) -> Result<Option<Paper>, StoreError> {
    let sql = "SELECT hash, code, title, device, issued_ms FROM documents WHERE hash = $1";
    let row = sqlx::query(sql).bind(hash.to_string()).fetch_optional(store.pool()).await?;
    row.as_ref().map(paper).transpose()
}

/// The record under a short code.
pub async fn by_code(store: &Store, code: ShortCode) -> Result<Option<Paper>, StoreError> {
    let sql = "SELECT hash, code, title, device, issued_ms FROM documents \
         WHERE code = $1 ORDER BY issued_ms LIMIT 1";
    let row = sqlx::query(sql).bind(code.to_string()).fetch_optional(store.pool()).await?;
    row.as_ref().map(paper).transpose()
}

/// Devices that were given up.
pub async fn withdrawn(store: &Store) -> Result<BTreeSet<DeviceId>, StoreError> {
    let sql = "SELECT device FROM devices WHERE removed_ms IS NOT NULL";
    let rows = sqlx::query_scalar::<_, String>(sql).fetch_all(store.pool()).await?;
    Ok(rows.iter().filter_map(|device| device.parse().ok()).collect())
}

fn paper(row: &AnyRow) -> Result<Paper, StoreError> {
    Ok(Paper {
        hash: row.try_get(0)?,
        code: row.try_get(1)?,
        title: row.try_get(2)?,
        device: row.try_get(3)?,
        issued_at: instant(row.try_get(4)?)?,
    })
}
