//! A disk small enough to be filled: a tmpfs for one device's state.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

/// Size of a device's disk, in bytes.
const SIZE: u64 = 16 << 20;
/// Written at a time while filling.
const BLOCK: usize = 4096;

/// What to say where the system does not let us mount.
pub const FORBIDDEN: &str = "需要 root 权限：要为设备挂载一块独立的小磁盘";

/// One device's disk.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

/// Gives this process a view of file systems of its own, so that its mounts end with it however it ends.
///
/// Call before any thread starts. Returns whether mounting is possible.
pub fn seclude() -> bool {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    unshare(CloneFlags::CLONE_NEWNS).is_ok()
        && mount(None::<&str>, "/", None::<&str>, private, None::<&str>).is_ok()
}

impl SmallDisk {
    /// Mounts a disk at `folder`; `None` where that is not allowed.
    pub fn mount(folder: &Path) -> Option<SmallDisk> {
        let options = format!("size={SIZE},mode=700");
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("tmpfs"), folder, Some("tmpfs"), flags, Some(&*options)).ok()?;
        Some(SmallDisk { folder: folder.to_owned() })
    }

    /// Fills it to the last byte, or gives the room back.
    pub fn set_full(&self, full: bool) -> io::Result<()> {
        let filler = self.folder.join("filler");
        if !full {
            return match fs::remove_file(filler) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let mut file = File::create(filler)?;
        loop {
            match file.write_all(&[0xFF; BLOCK]) {
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                result => result?,
            }
        }
    }
}

impl Drop for SmallDisk {
    /// A folder with something mounted in it can't be removed.
    fn drop(&mut self) {
        let _ = umount2(&self.folder, MntFlags::MNT_DETACH);
    }
}
