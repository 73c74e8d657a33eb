//! The zip around a feed, opened so that no header is believed.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read};

use zip::ZipArchive;

use super::table::Table;
use super::{ENTRIES_MAX, FILE_MAX, GtfsError, RATIO_FLOOR, RATIO_MAX, ROW_MAX, Report, ZIP_MAX};

/// Signature of an entry in a zip's central directory (APPNOTE 4.3.12).
const CENTRAL: &[u8; 4] = b"PK\x01\x02";

/// An opened zip, and what was odd in it so far.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    bytes: u64,
    /// Folder of the feed inside the zip, with its slash; empty at the top.
    folder: String,
    /// Files found not to be UTF-8.
    gb18030: BTreeSet<&'static str>,
    again: bool,
    pub(super) report: Report,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, GtfsError> {
        let size = bytes.len() as u64;
        if size > ZIP_MAX {
            return Err(GtfsError::ZipSize { bytes: size });
        }
        // No reader can find more entries than there are signatures, whatever the directory claims.
        if bytes.windows(CENTRAL.len()).filter(|window| window == CENTRAL).count() > ENTRIES_MAX {
            return Err(GtfsError::Entries);
        }
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| GtfsError::Zip(error.to_string()))?;
        let folders = zip.file_names().filter_map(Result::ok).filter_map(|name| {
            let folder = name.strip_suffix("stops.txt")?;
            let own = folder.is_empty() || folder.ends_with('/');
            (own && !folder.starts_with("__MACOSX")).then(|| folder.to_owned())
        });
        let folder = folders.min_by_key(|folder| (folder.matches('/').count(), folder.clone()));
        let folder = folder.ok_or(GtfsError::MissingFile("stops.txt"))?;
        Ok(Self {
            zip,
            bytes: size,
            folder,
            gb18030: BTreeSet::new(),
            again: false,
            report: Report::default(),
        })
    }

    /// Reads `file` with `read`; `None` when the feed has no such file.
    pub(super) fn read<T>(
        &mut self,
        file: &'static str,
        read: impl FnOnce(&mut Table<'_>) -> Result<T, GtfsError>,
    ) -> Result<Option<T>, GtfsError> {
        let Some(index) = self.zip.index_for_name(&format!("{}{file}", self.folder)) else {
            return Ok(None);
        };
        let mut entry =
            self.zip.by_index(index).map_err(|error| GtfsError::Zip(format!("{file}: {error}")))?;
        let limit =
            (self.bytes.min(entry.compressed_size()) * RATIO_MAX).clamp(RATIO_FLOOR, FILE_MAX);
        let source = Source { entry: &mut entry, left: limit, row_left: ROW_MAX, limit };
        let mut table = Table::new(file, source, self.gb18030.contains(file), &mut self.report)?;
        let done = read(&mut table);
        if matches!(done, Err(GtfsError::Charset { .. })) && table.may_be_gb18030() {
            self.gb18030.insert(file);
            self.again = true;
        }
        done.map(Some)
    }

    /// Whether the last error was a file that may be GB18030: reading the feed from its start will tell.
    pub(super) fn read_again(&mut self) -> bool {
        self.report = Report::default();
        std::mem::take(&mut self.again)
    }

    /// Like [`Archive::read`], for a file that every feed needs.
    pub(super) fn need<T>(
        &mut self,
        file: &'static str,
        read: impl FnOnce(&mut Table<'_>) -> Result<T, GtfsError>,
    ) -> Result<T, GtfsError> {
        self.read(file, read)?.ok_or(GtfsError::MissingFile(file))
    }
}

/// One entry being unpacked; it ends in an error at its limits, counted in bytes that really came out.
pub(super) struct Source<'a> {
    entry: &'a mut dyn Read,
    left: u64,
    row_left: u64,
    limit: u64,
}

/// How a [`Source`] says which limit it ran into.
#[derive(Debug, thiserror::Error)]
pub(super) enum Limit {
    #[error("unpacks to more than {0} bytes")]
    File(u64),
    #[error("row is too long")]
    Row,
}

impl Source<'_> {
    /// Called between rows.
    pub(super) fn next_row(&mut self) {
        self.row_left = ROW_MAX;
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row_left == 0 {
            return Err(io::Error::other(Limit::Row));
        }
        let most = self.row_left.min(buffer.len() as u64);
        let most = usize::try_from(most).expect("not more than the buffer's length");
        let read = self.entry.read(&mut buffer[..most])?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(Limit::File(self.limit)))?;
        self.row_left -= read as u64;
        Ok(read)
    }
}
