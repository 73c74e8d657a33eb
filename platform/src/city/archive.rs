//! Messages of authorities on disk, so that a restarted platform still warns.

use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sync::file;

use crate::alerts::MESSAGES_MAX;

/// A folder of CAP files, oldest first by name.
#[derive(Debug, Clone)]
pub struct Archive(PathBuf);

impl Archive {
    /// The archive in a folder, which is made when absent.
    pub fn open(folder: &Path) -> io::Result<Archive> {
        fs::create_dir_all(folder)?;
        Ok(Archive(folder.to_owned()))
    }

    /// Keeps a message; durable on return. The oldest ones go when there are too many.
    pub fn keep(&self, xml: &[u8], now: Timestamp) -> io::Result<()> {
        let name =
            format!("{}-{}.xml", now.as_millisecond(), hex::encode(&Sha256::digest(xml)[..4]));
        file::replace(&self.0.join(name), xml, 0o600)?;
        let files = self.files()?;
        let surplus = files.len().saturating_sub(MESSAGES_MAX);
        files.iter().take(surplus).try_for_each(fs::remove_file)
    }

    /// Every message that was kept, oldest first.
    pub fn all(&self) -> io::Result<Vec<Vec<u8>>> {
        self.files()?.iter().map(fs::read).collect()
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let files = fs::read_dir(&self.0)?.map(|entry| Ok(entry?.path()));
        let mut files: Vec<PathBuf> = files.collect::<io::Result<_>>()?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "xml"));
        files.sort();
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_in_order_and_the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        let at = |second: i64| Timestamp::from_second(1_795_000_000 + second).unwrap();
        for second in (0..).take(MESSAGES_MAX + 1) {
            archive.keep(second.to_string().as_bytes(), at(second)).unwrap();
        }
        let kept = Archive::open(folder.path()).unwrap().all().unwrap();
        assert_eq!((kept.len(), kept[0].as_slice()), (MESSAGES_MAX, &b"1"[..]));
    }
}
