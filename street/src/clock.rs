//! A wall clock that can be set wrong for one device: libfaketime, told through a file.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where Debian and others put the library for programs with threads.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// What to say where it is not installed.
pub const MISSING: &str = "未安装 libfaketime：sudo apt-get install libfaketime";

/// The clock of one device.
#[derive(Debug)]
pub struct SkewedClock {
    library: &'static str,
    offset: PathBuf,
}

impl SkewedClock {
    /// A clock that is right, with its offset kept in `folder`; `None` where libfaketime is missing.
    pub fn wind(folder: &Path) -> io::Result<Option<SkewedClock>> {
        let Some(library) = PLACES.into_iter().find(|place| Path::new(place).exists()) else {
            return Ok(None);
        };
        let clock = SkewedClock { library, offset: folder.join("clock") };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// Sets it `skew_s` seconds fast, or slow where negative.
    pub fn set(&self, skew_s: i64) -> io::Result<()> {
        // The library may read at any moment, so the file is replaced and never half written.
        let fresh = self.offset.with_extension("new");
        fs::write(&fresh, format!("{skew_s:+}\n"))?;
        fs::rename(fresh, &self.offset)
    }

    /// What the device's environment needs. Monotonic time stays true: a wrong clock is not a time machine.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("LD_PRELOAD", self.library.into()),
            ("FAKETIME_TIMESTAMP_FILE", self.offset.clone().into()),
            ("FAKETIME_CACHE_DURATION", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ]
    }
}
