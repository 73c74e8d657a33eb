//! Small files that a power cut leaves whole: either as they were, or as they shall be.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Mode of a file that only its owner may read: keys, tokens, state.
pub const SECRET: u32 = 0o600;
/// Mode of a file that everyone may read: certificates, revocation lists.
pub const PUBLIC: u32 = 0o644;

/// Puts `bytes` in the place of whatever stands at `path`; durable on return.
///
/// The bytes are written beside it, synced, renamed over it, and the folder is synced, so nobody ever reads half.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).and_then(
            |mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            },
        );
    if let Err(error) = written.and_then(|()| fs::rename(&beside, path)) {
        // A full disk shall not stay full because of what did not fit.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    sync_folder(path)
}

/// Makes a folder, and those above it, that only its owner may enter.
pub fn secret_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the name `path` itself durable, after it was created, renamed or removed.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The content of `path`, or `None` where there is no such file.
pub fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_replaced_file_is_whole_and_private_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(path.with_added_extension("new"), "what a power cut left").unwrap();
        replace(&path, b"first, and longer", SECRET).unwrap();
        replace(&path, b"second", SECRET).unwrap();
        assert_eq!(read_if_there(&path).unwrap().unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_if_there(&folder.path().join("none")).unwrap(), None);
    }
}
