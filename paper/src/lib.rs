//! Papers: certificates, records, receipts, tickets and passes, set by Typst from templates that are data.
//!
//! A [`Sheet`] says what one document says. [`Paper`] holds fonts and templates, and makes of a sheet
//! the PDF that is kept and printed, the pages that are shown, and the raster that a receipt printer takes.
//! [`code`] proves later that a paper is ours. Nothing here reads a clock, a network or the system's font list.

mod bitmap;
pub mod code;
mod desk;
mod fonts;
mod sheet;
mod typeset;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use typst::foundations::{Bytes, Datetime, Smart};
use typst::syntax::{FileId, Source};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

pub use bitmap::{Dots, Pixels};
pub use sheet::{Code, Language, Row, Sheet, Table};

use desk::Desk;
use fonts::Fonts;

/// Printable width of an 80 mm roll at 203 dpi.
pub const ROLL_80_DOTS: u32 = 576;
/// Printable width of a 58 mm roll at 203 dpi.
pub const ROLL_58_DOTS: u32 = 384;
/// Dots of a receipt printer per millimetre.
const DOTS_PER_MM: u32 = 8;
const MM_PER_POINT: f64 = 25.4 / 72.0;

/// Fonts and templates, loaded once.
pub struct Paper {
    fonts: Fonts,
    templates: HashMap<FileId, Source>,
    library: LazyHash<Library>,
}

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: {reason}")]
    Content { path: PathBuf, reason: String },
    #[error("there is no template `{0}`")]
    Template(String),
    #[error("template `{template}`: {reason}")]
    Typeset { template: String, reason: String },
    /// A name with a hole in it must not be printed; a person writes it by hand.
    #[error("no font has {0}")]
    Glyphs(String),
    #[error("{0} bytes are too many for a square code")]
    TooLong(usize),
    #[error("`{template}` is {width_mm:.0} mm wide and no slip")]
    NotASlip { template: String, width_mm: f64 },
}

impl Paper {
    /// Reads the folder `content/templates`, and maps the fonts it names below the system's font folder.
    pub fn load(templates: &Path, fonts: &Path) -> Result<Self, PaperError> {
        let fonts = Fonts::load(&templates.join("fonts.toml"), fonts)?;
        let templates = desk::read_templates(templates)?;
        let library = LazyHash::new(Library::builder().build());
        Ok(Self { fonts, templates, library })
    }

    /// The document as PDF/A-2b, which stays readable for decades. The same sheet gives the same bytes.
    pub fn pdf(&self, sheet: &Sheet) -> Result<Vec<u8>, PaperError> {
        let _forget = Forget;
        let document = self.set(sheet, ROLL_80_DOTS)?;
        let failed = |reason| typeset_error(sheet, reason);
        let standards = PdfStandards::new(&[PdfStandard::A_2b])
            .map_err(|error| failed(error.message().to_string()))?;
        let options = PdfOptions {
            ident: Smart::Custom(sheet.hash().to_string()),
            creator: Smart::Custom(Some("Gulou".to_owned())),
            timestamp: timestamp(sheet),
            standards,
            ..PdfOptions::default()
        };
        typst_pdf::pdf(&document, &options).map_err(|errors| failed(typeset::sentences(&errors)))
    }

    /// The pages as pictures, for the screen.
    pub fn pages(&self, sheet: &Sheet, dots_per_inch: u32) -> Result<Vec<Pixels>, PaperError> {
        let _forget = Forget;
        let document = self.set(sheet, ROLL_80_DOTS)?;
        let scale = f64::from(dots_per_inch) / 72.0;
        Ok(document.pages().iter().map(|page| Pixels::of(page, scale)).collect())
    }

    /// The raster of a receipt printer; see [`ROLL_80_DOTS`] and [`ROLL_58_DOTS`].
    pub fn slip(&self, sheet: &Sheet, width_dots: u32) -> Result<Dots, PaperError> {
        let _forget = Forget;
        let document = self.set(sheet, width_dots)?;
        let scale = f64::from(DOTS_PER_MM) * MM_PER_POINT;
        let mut slip = Dots { width: width_dots, rows: Vec::new() };
        for page in document.pages() {
            let width_mm = page.frame.width().to_mm();
            if (width_mm * f64::from(DOTS_PER_MM) - f64::from(width_dots)).abs() > 0.5 {
                return Err(PaperError::NotASlip { template: sheet.template.clone(), width_mm });
            }
            slip.rows.append(&mut Dots::from(&Pixels::of(page, scale)).rows);
        }
        Ok(slip)
    }

    /// The words of each page in the order in which they are drawn, for who can't see it.
    pub fn text(&self, sheet: &Sheet) -> Result<Vec<String>, PaperError> {
        let _forget = Forget;
        let document = self.set(sheet, ROLL_80_DOTS)?;
        Ok(document.pages().iter().map(|page| typeset::text(&page.frame)).collect())
    }

    fn set(&self, sheet: &Sheet, width_dots: u32) -> Result<PagedDocument, PaperError> {
        let desk = Desk::new(self, sheet, width_dots)?;
        let compiled = typst::compile::<PagedDocument>(&desk);
        let document =
            compiled.output.map_err(|errors| typeset_error(sheet, typeset::sentences(&errors)))?;
        debug_assert!(compiled.warnings.is_empty(), "{}", typeset::sentences(&compiled.warnings));
        let missing = typeset::missing(&document);
        if missing.is_empty() { Ok(document) } else { Err(PaperError::Glyphs(missing)) }
    }
}

/// What Typst remembers of a sheet is a citizen's; it goes when her paper is done.
struct Forget;

impl Drop for Forget {
    fn drop(&mut self) {
        typst::comemo::evict(0);
    }
}

fn typeset_error(sheet: &Sheet, reason: String) -> PaperError {
    PaperError::Typeset { template: sheet.template.clone(), reason }
}

/// When it was issued, as PDF says it.
fn timestamp(sheet: &Sheet) -> Option<typst_pdf::Timestamp> {
    let at = TimeZone::UTC.to_datetime(sheet.issued_at);
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    let (hour, minute, second) = (part(at.hour()), part(at.minute()), part(at.second()));
    let (month, day) = (part(at.month()), part(at.day()));
    Datetime::from_ymd_hms(at.year().into(), month, day, hour, minute, second)
        .map(typst_pdf::Timestamp::new_utc)
}

impl fmt::Debug for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paper").field("templates", &self.templates.len()).finish_non_exhaustive()
    }
}
