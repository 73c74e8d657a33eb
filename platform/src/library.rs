//! What devices shall have: signs their manifests and serves their blobs.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let now = jiff::Timestamp::UNIX_EPOCH;
//! use platform::library::Library;
//! let tenant = "gulou".parse()?;
//! let library = Library::open("DATA/library".as_ref(), "DATA/signing".as_ref(), &tenant)?;
//! // `Enrolment::new` takes `library.key()`; the device-facing port serves `library.router()`.
//! let timetable = ("timetable/S1.json".to_owned(), b"{}".to_vec());
//! let packet = library.publish(&"sign-7".parse()?, &[timetable], now)?;   // retained; send it
//! let all = library.packets()?;                                             // for a broker that forgot
//! # let _ = (packet, all); Ok(()) }
//! ```
//!
//! A version is the time of the change in seconds, or one more than the last if that is later. A platform that lost
//! its data still goes on above what devices have seen.
//!
//! Files: `library/manifests/DEVICE.json` (signed, as published), `library/blobs/HASH`, `signing/key.pem` (0600).

mod blobs;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sync::content::{
    BLOB_MAX, BlobId, ITEMS_MAX, Item, Manifest, ManifestError, Signed, check_path,
};
use sync::file;
use sync::identity::ContentKey;
use sync::name::{DeviceId, Tenant};
use sync::packet::PAYLOAD_MAX;
use sync::{Envelope, Packet, Topic};

/// A device takes a manifest for the first time within this.
const LIFE: Duration = Duration::from_hours(90 * 24);
/// The same content is signed anew after this, so that a device which comes late finds a manifest it may take.
const REFRESH: Duration = Duration::from_hours(30 * 24);
/// Blobs that no manifest names are kept this long, for devices that are still fetching them.
const GRACE: Duration = Duration::from_hours(7 * 24);

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A folder can't be read or written.
    #[error("library in {folder}: {source}")]
    Disk {
        /// Where it lives.
        folder: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The signing key does not read as one.
    #[error(
        "signing key {path} is damaged ({reason}); restore it from a backup, or every device must enrol again"
    )]
    Key {
        /// Where it lives.
        path: PathBuf,
        /// What does not read.
        reason: String,
    },
    /// A path or blob that no device would take.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Manifests, blobs and the key that signs. All methods take `&self`: share it in an `Arc`.
#[derive(Debug)]
pub struct Library {
    folder: PathBuf,
    tenant: Tenant,
    signing: SigningKey,
    key: ContentKey,
    /// Held while a version is taken and written.
    publishing: Mutex<()>,
}

impl Library {
    /// Opens `folder`, or makes it; the key in `signing` is made at the first start.
    pub fn open(folder: &Path, signing: &Path, tenant: &Tenant) -> Result<Self, LibraryError> {
        let disk = |source| LibraryError::Disk { folder: folder.to_owned(), source };
        for sub in ["manifests", "blobs"] {
            file::secret_folder(&folder.join(sub)).map_err(disk)?;
        }
        let signing = signing_key(signing)?;
        let public = signing.verifying_key().to_bytes();
        let key =
            ContentKey { id: hex::encode(&Sha256::digest(public)[..8]), key: hex::encode(public) };
        let (folder, tenant) = (folder.to_owned(), tenant.clone());
        Ok(Self { folder, tenant, signing, key, publishing: Mutex::default() })
    }

    /// What devices verify manifests with; they learn it at enrolment.
    pub fn key(&self) -> &ContentKey {
        &self.key
    }

    /// Makes `content` what `device` shall have; durable on return. The packet is retained: send it, and send it again
    /// whenever in doubt. The same content gives the same packet.
    pub fn publish(
        &self,
        device: &DeviceId,
        content: &[(String, Vec<u8>)],
        now: Timestamp,
    ) -> Result<Packet, LibraryError> {
        let mut items = BTreeMap::new();
        for (path, bytes) in content {
            check_path(path)?;
            let item = Item { sha256: BlobId::of(bytes), size: bytes.len() as u64 };
            if item.size > BLOB_MAX {
                return Err(ManifestError::TooLarge("blob").into());
            }
            items.insert(path.clone(), item);
        }
        if items.len() > ITEMS_MAX {
            return Err(ManifestError::TooLarge("number of paths").into());
        }
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.last(device)?;
        if let Some((signed, manifest)) = &last
            && manifest.items == items
            && now.duration_since(manifest.made_at).unsigned_abs() < REFRESH
        {
            return self.packet(signed, manifest);
        }
        let least = last.map_or(1, |(_, manifest)| manifest.version + 1);
        let manifest = Manifest {
            channel: device.clone(),
            version: u64::try_from(now.as_second()).unwrap_or(0).max(least),
            made_at: now,
            expires: now.saturating_add(LIFE).expect("an absolute duration has no calendar units"),
            items,
            unknown: sync::Unknown::new(),
        };
        let signed = manifest.sign(&self.signing, &self.key.id);
        let packet = self.packet(&signed, &manifest)?;
        // Blobs first: whoever hears of the manifest finds them.
        for (_, bytes) in content {
            self.keep(bytes)?;
        }
        self.write(&self.manifest_path(device), &packet.payload)?;
        Ok(packet)
    }

    /// The last packet of every device.
    pub fn packets(&self) -> Result<Vec<Packet>, LibraryError> {
        let published = self.published()?;
        published.iter().map(|(signed, manifest)| self.packet(signed, manifest)).collect()
    }

    /// Forgets what a device shall have; its blobs go with the next [`collect`](Self::collect).
    pub fn withdraw(&self, device: &DeviceId) -> Result<(), LibraryError> {
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        match std::fs::remove_file(self.manifest_path(device)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.disk(error)),
            _ => Ok(()),
        }
    }

    /// Removes blobs that no manifest has named for a week; returns how many.
    pub fn collect(&self, now: SystemTime) -> Result<usize, LibraryError> {
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let published = self.published()?;
        let named: HashSet<String> = published
            .iter()
            .flat_map(|(_, manifest)| manifest.items.values())
            .map(|item| item.sha256.to_string())
            .collect();
        let mut count = 0;
        for entry in
            std::fs::read_dir(self.folder.join("blobs")).map_err(|source| self.disk(source))?
        {
            let entry = entry.map_err(|source| self.disk(source))?;
            let metadata = entry.metadata().map_err(|source| self.disk(source))?;
            let age = metadata.modified().ok().and_then(|made| now.duration_since(made).ok());
            let old = age.is_some_and(|age| age >= GRACE);
            if old && !named.contains(&*entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path()).map_err(|source| self.disk(source))?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// `GET /blobs/{sha256}` with ranges, for the device-facing HTTPS port. Whoever knows a hash may have its bytes.
    pub fn router(&self) -> Router {
        blobs::router(self.folder.join("blobs"))
    }

    /// What was published last for a device.
    fn last(&self, device: &DeviceId) -> Result<Option<(Signed, Manifest)>, LibraryError> {
        let bytes =
            file::read_if_there(&self.manifest_path(device)).map_err(|source| self.disk(source))?;
        Ok(bytes.and_then(|bytes| self.read(&bytes)))
    }

    fn published(&self) -> Result<Vec<(Signed, Manifest)>, LibraryError> {
        let mut published = Vec::new();
        for entry in
            std::fs::read_dir(self.folder.join("manifests")).map_err(|source| self.disk(source))?
        {
            let path = entry.map_err(|source| self.disk(source))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let bytes = std::fs::read(&path).map_err(|source| self.disk(source))?;
                published.extend(self.read(&bytes));
            }
        }
        Ok(published)
    }

    /// `None` for what we did not sign; it is published anew the next time.
    fn read(&self, bytes: &[u8]) -> Option<(Signed, Manifest)> {
        let signed = Signed::parse(bytes).ok()?;
        let manifest = signed.open(&self.key).ok()?;
        Some((signed, manifest))
    }

    fn packet(&self, signed: &Signed, manifest: &Manifest) -> Result<Packet, LibraryError> {
        let payload = serde_json::to_vec(signed).expect("an envelope is plain JSON");
        if payload.len() > PAYLOAD_MAX {
            return Err(ManifestError::TooLarge("bytes").into());
        }
        let envelope = Envelope {
            id: format!("content-{}-{}", manifest.channel, manifest.version),
            source: "platform".to_owned(),
            kind: "gulou.content.v1".to_owned(),
            time: manifest.made_at,
            origin: None,
        };
        let topic = Topic::Content(manifest.channel.clone()).format(&self.tenant);
        Ok(Packet { retain: true, ..envelope.seal(topic, payload) })
    }

    fn keep(&self, bytes: &[u8]) -> Result<(), LibraryError> {
        let path = self.folder.join("blobs").join(BlobId::of(bytes).to_string());
        let there =
            std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == bytes.len() as u64);
        if there { Ok(()) } else { self.write(&path, bytes) }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), LibraryError> {
        file::replace(path, bytes, file::SECRET).map_err(|source| self.disk(source))
    }

    fn manifest_path(&self, device: &DeviceId) -> PathBuf {
        self.folder.join("manifests").join(format!("{device}.json"))
    }

    fn disk(&self, source: io::Error) -> LibraryError {
        LibraryError::Disk { folder: self.folder.clone(), source }
    }
}

fn signing_key(folder: &Path) -> Result<SigningKey, LibraryError> {
    let disk = |source| LibraryError::Disk { folder: folder.to_owned(), source };
    let path = folder.join("key.pem");
    let damaged = |reason: String| LibraryError::Key { path: path.clone(), reason };
    file::secret_folder(folder).map_err(disk)?;
    if let Some(pem) = file::read_if_there(&path).map_err(disk)? {
        let pem = String::from_utf8(pem).map_err(|error| damaged(error.to_string()))?;
        return SigningKey::from_pkcs8_pem(&pem).map_err(|error| damaged(error.to_string()));
    }
    let key = SigningKey::from_bytes(&rand::random());
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| damaged(error.to_string()))?;
    file::replace(&path, pem.as_bytes(), file::SECRET).map_err(disk)?;
    Ok(key)
}

#[cfg(test)]
mod tests;
