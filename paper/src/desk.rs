//! The world in which Typst sets one sheet: templates, fonts, and four files in memory.
//!
//! A sheet enters as JSON, so that nothing a person typed can be read as markup.
//!
//! | file | |
//! |---|---|
//! | `/sheet.json` | the sheet |
//! | `/paper.json` | `width_mm` of the roll, `families` of fonts, `qr` and `code`: modules across each square code |
//! | `/qr.png`, `/code.png` | the square codes, one pixel a module |

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;
use typst::World;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Datetime, Duration};
use typst::syntax::{RootedPath, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};

use crate::fonts::Families;
use crate::{
    Bytes, DOTS_PER_MM, FileId, LazyHash, Library, Paper, PaperError, Sheet, Source, bitmap,
};

/// One sheet on the desk.
pub(crate) struct Desk<'a> {
    paper: &'a Paper,
    main: FileId,
    files: HashMap<FileId, Bytes>,
}

/// What a template must know of the paper besides the sheet.
#[derive(Serialize)]
struct Medium<'a> {
    width_mm: f64,
    families: &'a Families,
    qr: u32,
    code: u32,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(
        paper: &'a Paper,
        sheet: &Sheet,
        width_dots: u32,
    ) -> Result<Self, PaperError> {
        let unknown = || PaperError::Template(sheet.template.clone());
        let main = file_id(&format!("/{}.typ", sheet.template)).ok_or_else(unknown)?;
        if !paper.templates.contains_key(&main) {
            return Err(unknown());
        }
        let mut desk = Self { paper, main, files: HashMap::new() };
        let payload = sheet.code.as_ref().map_or("", |code| code.payload.as_str());
        let medium = Medium {
            width_mm: f64::from(width_dots) / f64::from(DOTS_PER_MM),
            families: &paper.fonts.families,
            qr: desk.put_square("/qr.png", &sheet.qr)?,
            code: desk.put_square("/code.png", payload)?,
        };
        // Plain structures can always be written.
        desk.put("/sheet.json", serde_json::to_vec(sheet).unwrap_or_default());
        desk.put("/paper.json", serde_json::to_vec(&medium).unwrap_or_default());
        Ok(desk)
    }

    /// Draws a square code and returns its modules across, 0 for none.
    fn put_square(&mut self, path: &str, payload: &str) -> Result<u32, PaperError> {
        if payload.is_empty() {
            return Ok(0);
        }
        let square = bitmap::square(payload)?;
        self.put(path, square.png());
        Ok(square.width)
    }

    fn put(&mut self, path: &str, bytes: Vec<u8>) {
        if let Some(id) = file_id(path) {
            self.files.insert(id, Bytes::new(bytes));
        }
    }
}

/// Every `.typ` file of the folder.
pub(crate) fn read_templates(folder: &Path) -> Result<HashMap<FileId, Source>, PaperError> {
    let failed = |path: &Path, source| PaperError::Read { path: path.to_owned(), source };
    let mut templates = HashMap::new();
    for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        if path.extension().is_none_or(|ending| ending != "typ") {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
        let reason = "not a name for a template".to_owned();
        let name = path.file_name().and_then(|name| name.to_str());
        let id = name.and_then(file_id).ok_or(PaperError::Content { path, reason })?;
        templates.insert(id, Source::new(id, text));
    }
    Ok(templates)
}

fn file_id(path: &str) -> Option<FileId> {
    let path = VirtualPath::new(path).ok()?;
    Some(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.paper.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.paper.fonts.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.paper.templates.get(&id).cloned().ok_or_else(|| absent(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or_else(|| absent(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.paper.fonts.faces.get(index).cloned()
    }

    /// There is no clock: dates stand in the sheet.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn absent(id: FileId) -> FileError {
    FileError::NotFound(id.get().vpath().get_with_slash().into())
}
