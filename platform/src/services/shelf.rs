//! What is offered: services, the demonstration registry and the hours of bookings, read from `--content`.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use service::catalogue::{Catalogue, FILE_MAX};
use service::definition::{Kind, MaterialSource, Operation, Service};
use service::registry::Registry;

use super::calendar::{Hours, HoursError};

/// Largest file of the registry, in bytes.
const REGISTRY_FILE_MAX: usize = 1 << 20;
/// Most files of one folder.
const FILES_MAX: usize = 1000;
/// Errors that are shown at once.
const ERRORS_SHOWN: usize = 10;

/// Why nothing can be offered.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// There is no such folder.
    #[error(
        "no services in {}: start beside a folder `content`, or name one with --content",
        .0.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
    )]
    Nowhere(Vec<PathBuf>),
    /// A file can't be read.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// Something in the files is wrong.
    #[error("{0} has mistakes:\n{1}")]
    Mistakes(PathBuf, String),
    /// The hours of bookings make no sense.
    #[error("{0}: {1}")]
    Hours(PathBuf, HoursError),
}

/// Everything that is offered.
#[derive(Debug)]
pub struct Shelf {
    /// All services.
    pub catalogue: Catalogue,
    /// When people may come.
    pub hours: Hours,
}

impl Shelf {
    /// Reads the folder that was named, or the first of the usual ones that has services.
    pub fn find(named: Option<&Path>) -> Result<(Shelf, Registry), ShelfError> {
        let places = match named {
            Some(folder) => vec![folder.to_owned()],
            None => usual(),
        };
        match places.iter().find(|place| place.join("services").is_dir()) {
            Some(folder) => Self::read(folder),
            None => Err(ShelfError::Nowhere(places)),
        }
    }

    /// Reads a content folder; the registry answers for departments that are not there.
    pub fn read(folder: &Path) -> Result<(Shelf, Registry), ShelfError> {
        let services = folder.join("services");
        let files = texts(&services, FILE_MAX)?;
        let (catalogue, mistakes) = Catalogue::read(pairs(&files));
        no_mistakes(&services, &mistakes)?;
        let registry = folder.join("registry");
        let files = texts(&registry, REGISTRY_FILE_MAX)?;
        let known = Registry::read(pairs(&files));
        let known = known.map_err(|mistakes| list(&registry, &mistakes))?;
        let path = folder.join("bookings.toml");
        let text = text(&path, FILE_MAX)?;
        let hours = Hours::parse(&text).map_err(|error| ShelfError::Hours(path, error))?;
        Ok((Shelf { catalogue, hours }, known))
    }

    /// The operation of this name that a service asks.
    pub fn operation(&self, service: &str, name: &str) -> Option<&Operation> {
        let service = self.catalogue.get(service)?;
        service.operations().find(|operation| operation.name == name)
    }

    /// A service that people book a visit for.
    pub fn booked(&self, service: &str) -> Option<&Service> {
        self.catalogue.get(service).filter(|service| service.kind == Kind::Booking)
    }
}

/// Kinds of electronic certificates that a service may read.
pub fn kinds(service: &Service) -> Vec<String> {
    let materials = service.materials.iter().filter_map(|material| match &material.from {
        MaterialSource::Certificate(kind) => Some(kind.clone()),
        _ => None,
    });
    let binds = service.steps.iter().filter_map(|step| {
        let from = step.bind.as_ref()?.from.strip_prefix("certificate.")?;
        Some(from.split('.').next()?.to_owned())
    });
    let mut kinds: Vec<String> = materials.chain(binds).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Beside the binary and above it, as in a build folder, and in the working folder.
fn usual() -> Vec<PathBuf> {
    let binary = std::env::current_exe().ok();
    let above = binary.iter().flat_map(|binary| binary.ancestors().skip(1));
    above.map(|folder| folder.join("content")).chain([PathBuf::from("content")]).collect()
}

fn pairs(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// Every `*.toml` of a folder, by name.
fn texts(folder: &Path, bytes_max: usize) -> Result<Vec<(String, String)>, ShelfError> {
    let in_folder = |error| ShelfError::File(folder.to_owned(), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(in_folder)?.take(FILES_MAX) {
        let path = entry.map_err(in_folder)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, text(&path, bytes_max)?));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// A text of which one byte more than allowed is read, so that its reader notices.
fn text(path: &Path, bytes_max: usize) -> Result<String, ShelfError> {
    let mut text = String::new();
    let read = fs::File::open(path)
        .and_then(|file| file.take(bytes_max as u64 + 1).read_to_string(&mut text));
    read.map_err(|error| ShelfError::File(path.to_owned(), error))?;
    Ok(text)
}

fn no_mistakes(folder: &Path, mistakes: &[impl ToString]) -> Result<(), ShelfError> {
    if mistakes.is_empty() { Ok(()) } else { Err(list(folder, mistakes)) }
}

fn list(folder: &Path, mistakes: &[impl ToString]) -> ShelfError {
    let mut lines: Vec<String> =
        mistakes.iter().take(ERRORS_SHOWN).map(ToString::to_string).collect();
    if let Some(more) = mistakes.len().checked_sub(ERRORS_SHOWN).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    ShelfError::Mistakes(folder.to_owned(), lines.join("\n"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The content that ships.
    pub(crate) fn content() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../content")
    }

    #[test]
    fn what_ships_can_be_offered() {
        let (shelf, _) = Shelf::find(Some(&content())).unwrap();
        assert!(shelf.operation("T003", "housing.no-property.certify").is_some());
        assert!(shelf.operation("T003", "water.bill.pay").is_none());
        assert!(shelf.booked("C003").is_some() && shelf.booked("T003").is_none());
        assert_eq!(kinds(shelf.catalogue.get("T003").unwrap()), ["marriage"]);
    }

    #[test]
    fn a_wrong_place_is_said() {
        let says = Shelf::find(Some(Path::new("/nowhere"))).unwrap_err().to_string();
        assert!(says.contains("/nowhere") && says.contains("--content"), "{says}");
    }
}
