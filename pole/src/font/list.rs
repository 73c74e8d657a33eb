//! Which installed fonts serve: `content/fonts.toml`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::pcf::{Pcf, PcfError};
use super::smooth::Smooth;

/// Where Debian installs fonts.
pub const SYSTEM_FOLDER: &str = "/usr/share/fonts";

/// The list that ships.
const SHIPPED: &str = include_str!("../../../content/fonts.toml");

/// The chain of fonts, in order of preference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FontList {
    font: Vec<Entry>,
}

/// One font: what it is for, where it lies, and who ships it under which licence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name for people.
    pub name: String,
    /// What it is for: `pixel-12`, `pixel-16`, `smooth-regular`, `smooth-bold`.
    #[serde(rename = "use")]
    pub purpose: String,
    /// Its file below the font folder.
    pub file: PathBuf,
    /// Which font of a collection.
    #[serde(default)]
    pub index: u32,
    /// The Debian package that installs it.
    pub package: String,
    /// SPDX expression of its licence.
    pub licence: String,
    /// What it can draw, for people.
    pub coverage: String,
}

/// Bitmap fonts that were read already: one file serves several chains.
#[derive(Debug, Default)]
pub(super) struct Loaded(HashMap<PathBuf, Arc<Pcf>>);

/// Why there is no font.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    /// It is not installed, or not readable.
    #[error("font {path}: {source}; install it with: apt-get install {package}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// The package that has it.
        package: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is a damaged bitmap font.
    #[error("font {path}: {source}; install it again with: apt-get install --reinstall {package}")]
    Bitmap {
        /// The file.
        path: PathBuf,
        /// The package that has it.
        package: String,
        /// What is wrong.
        source: PcfError,
    },
    /// It is a damaged outline font.
    #[error("font {path}: {source}; install it again with: apt-get install --reinstall {package}")]
    Outline {
        /// The file.
        path: PathBuf,
        /// The package that has it.
        package: String,
        /// What is wrong.
        source: ab_glyph::InvalidFont,
    },
    /// The list names no font for a use.
    #[error("fonts.toml names no font for {0}")]
    Unlisted(&'static str),
}

impl FontList {
    /// The list that ships with this software.
    pub fn shipped() -> Self {
        toml::from_str(SHIPPED).expect("the shipped list is read by a test")
    }

    /// The fonts, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.font
    }

    pub(super) fn chain(
        &self,
        purpose: &'static str,
        root: &Path,
        loaded: &mut Loaded,
    ) -> Result<Vec<Arc<Pcf>>, FontError> {
        let entries: Vec<&Entry> =
            self.font.iter().filter(|entry| entry.purpose == purpose).collect();
        if entries.is_empty() {
            return Err(FontError::Unlisted(purpose));
        }
        let mut load = |entry: &Entry| {
            if let Some(font) = loaded.0.get(&entry.file) {
                return Ok(Arc::clone(font));
            }
            let (path, file) = entry.read(root)?;
            let package = entry.package.clone();
            let font =
                Pcf::parse(&file).map_err(|source| FontError::Bitmap { path, package, source })?;
            let font = Arc::new(font);
            loaded.0.insert(entry.file.clone(), Arc::clone(&font));
            Ok(font)
        };
        entries.into_iter().map(&mut load).collect()
    }

    pub(super) fn outline(&self, purpose: &'static str, root: &Path) -> Result<Smooth, FontError> {
        let mut entries = self.font.iter().zip(0_u8..);
        let found = entries.find(|(entry, _)| entry.purpose == purpose);
        let (entry, id) = found.ok_or(FontError::Unlisted(purpose))?;
        let (path, file) = entry.read(root)?;
        let package = entry.package.clone();
        Smooth::parse(file, entry.index, id).map_err(|source| FontError::Outline {
            path,
            package,
            source,
        })
    }
}

impl Entry {
    fn read(&self, root: &Path) -> Result<(PathBuf, Vec<u8>), FontError> {
        let path = root.join(&self.file);
        match std::fs::read(&path) {
            Ok(file) => Ok((path, file)),
            Err(source) => Err(FontError::Missing { path, package: self.package.clone(), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_font_names_its_package_and_licence() {
        for entry in FontList::shipped().entries() {
            assert!(!entry.package.is_empty() && !entry.licence.is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn a_missing_font_names_the_package_to_install() {
        let error =
            super::super::Fonts::pixel(&FontList::shipped(), Path::new("/nowhere")).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("font /nowhere/X11/misc/wenquanyi_9pt.pcf: "), "{message}");
        assert!(message.ends_with("apt-get install xfonts-wqy"), "{message}");
    }
}
