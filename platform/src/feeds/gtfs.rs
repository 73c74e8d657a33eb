//! The static feed: a zip of CSV files (GTFS Schedule reference), read with every size bounded.
//!
//! Damage to the whole refuses the feed and names file, line and column; damage to a row leaves the
//! row out (or repairs it) and is counted in the [`Report`] that the network carries.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::network::Network;

mod archive;
mod stop_times;
mod table;
mod tables;
mod words;

pub(crate) use table::{parse_date, parse_time_of_day};

/// Largest zip, in bytes. The largest national feeds are half of it.
pub const ZIP_MAX: u64 = 512 << 20;
/// Most entries in the zip.
pub const ENTRIES_MAX: usize = 512;
/// Largest file in the zip once unpacked, in bytes actually read.
pub const FILE_MAX: u64 = 1 << 30;
/// Most bytes unpacked for one byte of zip; real feeds stay below 50.
pub const RATIO_MAX: u64 = 200;
/// Unpacked bytes below which the ratio is not judged.
pub const RATIO_FLOOR: u64 = 4 << 20;
/// Longest CSV row, in bytes: an unclosed quote must not swallow a file into memory.
pub const ROW_MAX: u64 = 256 << 10;
/// Longest identifier, in bytes; [`sync::StopId`] promises as much.
pub const ID_MAX: usize = 128;
/// Longest name, in bytes.
pub const NAME_MAX: usize = 512;

/// Why a feed was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum GtfsError {
    /// It could not be read at all.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The zip is larger than [`ZIP_MAX`].
    #[error("zip has {bytes} bytes, at most {ZIP_MAX} are read")]
    ZipSize {
        /// Its size.
        bytes: u64,
    },
    /// The zip has more than [`ENTRIES_MAX`] entries.
    #[error("zip has more than {ENTRIES_MAX} entries")]
    Entries,
    /// It is no zip, or a broken one.
    #[error("not a readable zip: {0}")]
    Zip(String),
    /// A file that every feed needs is not there.
    #[error("zip has no {0}")]
    MissingFile(&'static str),
    /// A column that the file needs is not there.
    #[error("{file}, line 1: no column {column}")]
    MissingColumn {
        /// Which file.
        file: &'static str,
        /// Which column.
        column: &'static str,
    },
    /// A file unpacks to more than [`FILE_MAX`] bytes, or more than [`RATIO_MAX`] times its zip.
    #[error("{file}, line {line}: unpacks to more than {bytes} bytes: a zip bomb")]
    Bomb {
        /// Which file.
        file: &'static str,
        /// Where reading stopped.
        line: u64,
        /// The limit it ran into.
        bytes: u64,
    },
    /// A row is longer than [`ROW_MAX`].
    #[error("{file}, line {line}: row is longer than {ROW_MAX} bytes; is a quote left open?")]
    Row {
        /// Which file.
        file: &'static str,
        /// Where the row starts.
        line: u64,
    },
    /// Text is neither UTF-8 nor GB18030.
    #[error("{file}, line {line}, column {column}: text is not UTF-8")]
    Charset {
        /// Which file.
        file: &'static str,
        /// Which line.
        line: u64,
        /// Which column.
        column: String,
    },
    /// A value without which nothing can be made of the feed.
    #[error("{file}, line {line}, column {column}: {problem}")]
    Value {
        /// Which file.
        file: &'static str,
        /// Which line.
        line: u64,
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The zip's data is damaged, or its checksum is wrong.
    #[error("{file}, line {line}: {problem}")]
    Damaged {
        /// Which file.
        file: &'static str,
        /// Where reading stopped.
        line: u64,
        /// What the unpacker says.
        problem: String,
    },
    /// More rows than a city can have.
    #[error("{file}: more than {limit} rows")]
    TooMany {
        /// Which file.
        file: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// A kind of damage that a feed survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Issue {
    /// An identifier or sequence number occurs twice; the first is kept.
    Duplicate,
    /// A row names something that is not in the feed.
    UnknownReference,
    /// An identifier is empty or too long.
    BadId,
    /// A number, time, date or colour can't be read.
    BadValue,
    /// A stop time is earlier than the one before it; it is moved to that.
    Backwards,
    /// A trip has fewer than two calls or no time at its first or last; it is left out.
    Unusable,
    /// A file is GB18030, not UTF-8.
    Gb18030,
}

/// What was odd in a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    issues: BTreeMap<Issue, (u64, String)>,
}

impl Report {
    /// Counts one issue; the place of the first of its kind is kept.
    fn add(&mut self, issue: Issue, place: impl FnOnce() -> String) {
        self.issues.entry(issue).or_insert_with(|| (0, place())).0 += 1;
    }

    /// How often `issue` occurred.
    pub fn count(&self, issue: Issue) -> u64 {
        self.issues.get(&issue).map_or(0, |(count, _)| *count)
    }

    /// Each issue with its count and the place of its first occurrence.
    pub fn issues(&self) -> impl Iterator<Item = (Issue, u64, &str)> {
        self.issues.iter().map(|(issue, (count, place))| (*issue, *count, place.as_str()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.issues.is_empty() {
            return f.write_str("nothing odd");
        }
        for (number, (issue, count, place)) in self.issues().enumerate() {
            let comma = if number > 0 { "; " } else { "" };
            write!(f, "{comma}{issue:?} {count} times, first in {place}")?;
        }
        Ok(())
    }
}

/// Reads the zip at `path`. Its size is judged before any of it is read.
pub fn load_path(path: &Path) -> Result<Network, GtfsError> {
    let io = |source| GtfsError::Io { path: path.display().to_string(), source };
    let file = File::open(path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    if bytes > ZIP_MAX {
        return Err(GtfsError::ZipSize { bytes });
    }
    let mut zip = Vec::new();
    file.take(ZIP_MAX + 1).read_to_end(&mut zip).map_err(io)?;
    load(&zip)
}

/// The one parser of GTFS zips.
pub fn load(zip: &[u8]) -> Result<Network, GtfsError> {
    let mut archive = archive::Archive::open(zip)?;
    loop {
        match tables::read(&mut archive) {
            Err(GtfsError::Charset { .. }) if archive.read_again() => {}
            done => return done,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
