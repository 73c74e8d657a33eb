//! Manifests and blobs on a device's disk.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fetch::{blob_name, part_name};
use super::manifest::{BlobId, Manifest, ManifestError, Signed};
use super::plan::Want;
use crate::file;
use crate::identity::ContentKey;
use crate::name::DeviceId;

/// Why content could not be taken or given.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The folder can't be read or written.
    #[error("content in {folder}: {source}")]
    Disk {
        /// Where it lives.
        folder: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The manifest offered was refused; nothing changed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest offered needs more than this device may give it.
    #[error("content of {size} bytes is more than the {quota} this device may hold")]
    Quota {
        /// What it would need.
        size: u64,
        /// What is allowed.
        quota: u64,
    },
    /// The bytes on disk are not those of the manifest any more; they were thrown away.
    #[error("{path} rotted on disk")]
    Rotten {
        /// The path asked for.
        path: String,
    },
}

/// A manifest with the signed bytes it came from.
#[derive(Debug, Clone)]
struct Verified {
    signed: Signed,
    manifest: Manifest,
}

/// What `manifests.json` holds. One file, so that one rename switches.
#[derive(Debug, Default, Serialize, Deserialize)]
struct OnDisk {
    highest: u64,
    active: Option<Signed>,
    previous: Option<Signed>,
    pending: Option<Signed>,
}

/// Shell: what one device has, and what it shall have next.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    device: DeviceId,
    key: ContentKey,
    quota: u64,
    /// Highest version ever accepted.
    highest: u64,
    slots: Slots,
}

#[derive(Debug, Clone, Default)]
struct Slots {
    active: Option<Verified>,
    previous: Option<Verified>,
    pending: Option<Verified>,
}

impl Slots {
    fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        [&self.active, &self.previous, &self.pending]
            .into_iter()
            .flatten()
            .map(|verified| &verified.manifest)
    }
}

impl Store {
    /// Opens or makes `folder`. What does not read or verify there is left out: it can be fetched again.
    pub fn open(
        folder: &Path,
        device: &DeviceId,
        key: &ContentKey,
        quota: u64,
    ) -> Result<Self, ContentError> {
        let disk = |source| ContentError::Disk { folder: folder.to_owned(), source };
        for sub in ["blobs", "parts"] {
            file::secret_folder(&folder.join(sub)).map_err(disk)?;
        }
        let bytes = file::read_if_there(&folder.join("manifests.json")).map_err(disk)?;
        let on_disk: OnDisk = bytes.map_or_else(OnDisk::default, |bytes| {
            serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, "content: manifests.json is damaged; starting empty");
                OnDisk::default()
            })
        });
        let verified = |signed: Option<Signed>| {
            let signed = signed?;
            let manifest = signed.open(key).ok().filter(|manifest| manifest.channel == *device)?;
            Some(Verified { signed, manifest })
        };
        let slots = Slots {
            active: verified(on_disk.active),
            previous: verified(on_disk.previous),
            pending: verified(on_disk.pending),
        };
        let (device, key) = (device.clone(), key.clone());
        Ok(Self { folder: folder.to_owned(), device, key, quota, highest: on_disk.highest, slots })
    }

    /// Where it lives.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The manifest in force.
    pub fn active(&self) -> Option<&Manifest> {
        self.slots.active.as_ref().map(|verified| &verified.manifest)
    }

    /// The highest version ever accepted.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Takes a manifest that may come into force. `false` if it is the one already known; `wall` is trusted time.
    pub fn offer(&mut self, payload: &[u8], wall: Option<Timestamp>) -> Result<bool, ContentError> {
        let signed = Signed::parse(payload)?;
        let known = |slot: &Option<Verified>| {
            slot.as_ref().is_some_and(|verified| verified.signed == signed)
        };
        if known(&self.slots.pending) || (self.slots.pending.is_none() && known(&self.slots.active))
        {
            return Ok(false);
        }
        let manifest = signed.open(&self.key)?;
        if manifest.channel != self.device {
            return Err(ManifestError::Channel(manifest.channel).into());
        }
        if manifest.version <= self.highest {
            return Err(
                ManifestError::Old { version: manifest.version, highest: self.highest }.into()
            );
        }
        if wall.is_some_and(|wall| wall >= manifest.expires) {
            return Err(ManifestError::Expired(manifest.expires).into());
        }
        let size = manifest.size();
        if size > self.quota {
            return Err(ContentError::Quota { size, quota: self.quota });
        }
        let highest = manifest.version;
        self.write(
            highest,
            Slots { pending: Some(Verified { signed, manifest }), ..self.slots.clone() },
        )?;
        Ok(true)
    }

    /// Blobs of the manifests to come and in force that are not on disk, each once.
    pub fn missing(&self) -> Vec<Want> {
        let mut wants = Vec::new();
        let manifests = [&self.slots.pending, &self.slots.active].into_iter().flatten();
        for item in manifests.flat_map(|verified| verified.manifest.items.values()) {
            let want = Want { blob: item.sha256, size: item.size };
            let there = fs::metadata(self.folder.join(blob_name(item.sha256)));
            if there.is_ok_and(|metadata| metadata.len() == item.size) || wants.contains(&want) {
                continue;
            }
            wants.push(want);
        }
        wants
    }

    /// Switches to the manifest to come, if one is; returns its version. The one in force becomes the previous one.
    pub fn activate(&mut self) -> Result<Option<u64>, ContentError> {
        let Some(pending) = self.slots.pending.clone() else { return Ok(None) };
        let version = pending.manifest.version;
        let previous = self.slots.active.clone();
        self.write(self.highest, Slots { active: Some(pending), previous, pending: None })?;
        self.collect()?;
        Ok(Some(version))
    }

    /// Switches back to the previous manifest, if there is one whose blobs are all on disk; returns its version.
    pub fn roll_back(&mut self) -> Result<Option<u64>, ContentError> {
        let Some(previous) = self.slots.previous.clone() else { return Ok(None) };
        let there = |blob: BlobId| self.folder.join(blob_name(blob)).exists();
        if !previous.manifest.items.values().all(|item| there(item.sha256)) {
            return Ok(None);
        }
        let version = previous.manifest.version;
        self.write(
            self.highest,
            Slots { active: Some(previous), previous: None, pending: self.slots.pending.clone() },
        )?;
        Ok(Some(version))
    }

    /// The bytes of a path in force, verified; `None` where it has no such path or its blob is not there yet.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ContentError> {
        let Some(item) = self.active().and_then(|manifest| manifest.items.get(path)) else {
            return Ok(None);
        };
        let blob = self.folder.join(blob_name(item.sha256));
        let Some(bytes) = file::read_if_there(&blob).map_err(|source| self.disk(source))? else {
            return Ok(None);
        };
        if BlobId::of(&bytes) == item.sha256 {
            return Ok(Some(bytes));
        }
        fs::remove_file(&blob).map_err(|source| self.disk(source))?;
        Err(ContentError::Rotten { path: path.to_owned() })
    }

    /// Frees what can be freed without losing the manifests in force and to come. The previous one goes.
    pub fn make_room(&mut self) -> Result<(), ContentError> {
        self.slots.previous = None;
        self.collect()
    }

    /// Removes blobs that no manifest names, and parts of blobs that nobody waits for.
    fn collect(&self) -> Result<(), ContentError> {
        let named: HashSet<String> = self
            .slots
            .manifests()
            .flat_map(|manifest| manifest.items.values())
            .flat_map(|item| [blob_name(item.sha256), part_name(item.sha256)])
            .collect();
        for sub in ["blobs", "parts"] {
            for entry in fs::read_dir(self.folder.join(sub)).map_err(|source| self.disk(source))? {
                let entry = entry.map_err(|source| self.disk(source))?;
                let name = format!("{sub}/{}", entry.file_name().display());
                if !named.contains(&name) {
                    fs::remove_file(entry.path()).map_err(|source| self.disk(source))?;
                }
            }
        }
        Ok(())
    }

    /// Writes first and changes its mind after: what is in memory is never ahead of the disk.
    fn write(&mut self, highest: u64, slots: Slots) -> Result<(), ContentError> {
        let signed =
            |slot: &Option<Verified>| slot.as_ref().map(|verified| verified.signed.clone());
        let on_disk = OnDisk {
            highest,
            active: signed(&slots.active),
            previous: signed(&slots.previous),
            pending: signed(&slots.pending),
        };
        let bytes = serde_json::to_vec(&on_disk).expect("manifests are plain JSON");
        file::replace(&self.folder.join("manifests.json"), &bytes, file::SECRET)
            .map_err(|source| self.disk(source))?;
        (self.highest, self.slots) = (highest, slots);
        Ok(())
    }

    fn disk(&self, source: io::Error) -> ContentError {
        ContentError::Disk { folder: self.folder.clone(), source }
    }
}
