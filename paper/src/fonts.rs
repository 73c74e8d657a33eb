//! The fixed set of fonts, mapped into memory from the files that `fonts.toml` names.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

use crate::PaperError;

/// Faces in the order of the file.
pub(crate) struct Fonts {
    pub(crate) faces: Vec<Font>,
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) families: Families,
}

/// Names of families as templates use them, rare characters last in both.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Families {
    serif: Vec<String>,
    sans: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    font: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    r#use: Use,
    file: PathBuf,
    #[serde(default)]
    index: u32,
    #[serde(default)]
    optional: bool,
    #[expect(dead_code, reason = "for who installs it")]
    package: String,
    #[expect(dead_code, reason = "for who ships it")]
    licence: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Use {
    Serif,
    Sans,
    Rare,
}

impl Fonts {
    pub(crate) fn load(list: &Path, folder: &Path) -> Result<Self, PaperError> {
        let text = std::fs::read_to_string(list)
            .map_err(|source| PaperError::Read { path: list.to_owned(), source })?;
        let entries: List = toml::from_str(&text).map_err(|error| PaperError::Content {
            path: list.to_owned(),
            reason: error.to_string(),
        })?;
        let (mut faces, mut families) = (Vec::new(), Families::default());
        for entry in entries.font {
            let path = folder.join(&entry.file);
            let data = match map(&path) {
                Ok(data) => data,
                Err(_) if entry.optional => continue,
                Err(source) => return Err(PaperError::Read { path, source }),
            };
            let reason = "this is no font".to_owned();
            let face = Font::new(data, entry.index)
                .ok_or_else(|| PaperError::Content { path: path.clone(), reason })?;
            families.add(entry.r#use, &face.info().family);
            faces.push(face);
        }
        let book = LazyHash::new(FontBook::from_fonts(&faces));
        Ok(Self { faces, book, families })
    }
}

impl Families {
    fn add(&mut self, r#use: Use, family: &str) {
        let lists: &mut [&mut Vec<String>] = match r#use {
            Use::Serif => &mut [&mut self.serif],
            Use::Sans => &mut [&mut self.sans],
            Use::Rare => &mut [&mut self.serif, &mut self.sans],
        };
        for list in lists.iter_mut().filter(|list| !list.iter().any(|known| known == family)) {
            list.push(family.to_owned());
        }
    }
}

/// Maps a font: four faces are 90 MB, of which a document touches few pages.
fn map(path: &Path) -> std::io::Result<Bytes> {
    let file = File::open(path)?;
    #[expect(
        unsafe_code,
        reason = "fonts lie in the read-only root of the image; nobody writes them"
    )]
    let mapped = unsafe { Mmap::map(&file) }?;
    Ok(Bytes::new(mapped))
}
