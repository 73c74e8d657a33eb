//! A file that stands for a panel; the complete stand-in of [`Surface`](super::Surface).
//!
//! ```text
//! "GULOUFB1" | width u32 | height u32 | sequence u64 | brightness u8 (%) | 7 zero bytes | RGB888 row-major
//! ```
//!
//! Numbers are little endian. The file is replaced by rename, so a reader sees whole frames only.
//! While a file of the same name with [`UNPLUGGED`] appended exists, the panel is unplugged.

use std::fs;
use std::path::{Path, PathBuf};

use embedded_graphics::geometry::{OriginDimensions, Size};

use super::{Frame, Presented, Region, SurfaceError};

/// Appended to a panel's path, names the file that unplugs it.
pub const UNPLUGGED: &str = ".unplugged";

const MAGIC: &[u8; 8] = b"GULOUFB1";
const HEADER: usize = 32;

/// Largest panel file that is read, in bytes: the frame of an 8K display and its header.
const FILE_MAX: u64 = 7680 * 4320 * 3 + HEADER as u64;

/// A panel made of a file.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    frame: Frame,
    sequence: u64,
    brightness_percent: u8,
}

/// What a panel file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// The picture.
    pub frame: Frame,
    /// Counts the frames this panel ever showed.
    pub sequence: u64,
    /// Brightness of the whole panel, 0 to 100 %.
    pub brightness_percent: u8,
}

impl Memory {
    /// A dark panel of `size`. Its count of frames goes on where an earlier file ended.
    pub fn open(path: impl Into<PathBuf>, size: Size) -> Self {
        let path = path.into();
        let sequence = read(&path).map_or(0, |panel| panel.sequence);
        Self { path, frame: Frame::new(size), sequence, brightness_percent: 100 }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> Size {
        self.frame.size()
    }

    /// See [`Surface::present`](super::Surface::present). A file holds whole frames: `damage` only decides
    /// whether there is anything to write.
    pub fn present(&mut self, frame: &Frame, damage: &Region) -> Result<Presented, SurfaceError> {
        if frame.size() != self.size() {
            return Err(SurfaceError::Size { frame: frame.size(), panel: self.size() });
        }
        if !damage.is_empty() {
            self.write(frame, self.sequence + 1, self.brightness_percent)?;
            self.sequence += 1;
            self.frame.clone_from(frame);
        }
        Ok(Presented { sequence: self.sequence })
    }

    /// See [`Surface::set_brightness`](super::Surface::set_brightness).
    pub fn set_brightness(&mut self, percent: u8) -> Result<(), SurfaceError> {
        let percent = percent.min(100);
        self.write(&self.frame, self.sequence, percent)?;
        self.brightness_percent = percent;
        Ok(())
    }

    /// Not synced: a panel forgets its picture without power, and so may this one.
    fn write(&self, frame: &Frame, sequence: u64, brightness: u8) -> Result<(), SurfaceError> {
        if with_suffix(&self.path, UNPLUGGED).exists() {
            return Err(SurfaceError::Unplugged(self.path.display().to_string()));
        }
        let mut file = Vec::with_capacity(HEADER + frame.pixels().len());
        file.extend(MAGIC);
        file.extend(frame.size().width.to_le_bytes());
        file.extend(frame.size().height.to_le_bytes());
        file.extend(sequence.to_le_bytes());
        file.push(brightness);
        file.resize(HEADER, 0);
        file.extend(frame.pixels());
        let fresh = with_suffix(&self.path, ".new");
        let written = fs::write(&fresh, file).and_then(|()| fs::rename(&fresh, &self.path));
        written
            .map_err(|source| SurfaceError::File { path: self.path.display().to_string(), source })
    }
}

/// The one parser of panel files.
pub fn read(path: impl AsRef<Path>) -> Result<Panel, SurfaceError> {
    let path = path.as_ref();
    let name = || path.display().to_string();
    let failed = |source| SurfaceError::File { path: name(), source };
    let format = |what| SurfaceError::Format { path: name(), what };
    if fs::metadata(path).map_err(failed)?.len() > FILE_MAX {
        return Err(format("larger than any panel"));
    }
    let file = fs::read(path).map_err(failed)?;
    let (header, pixels) =
        file.split_at_checked(HEADER).ok_or_else(|| format("shorter than its header"))?;
    let (magic, header) = header.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(format("does not start with GULOUFB1"));
    }
    let word = |at: usize| {
        header[at..at + 4].iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
    };
    let size = Size::new(word(0), word(4));
    let frame = Frame::from_pixels(size, pixels.to_vec())
        .ok_or_else(|| format("pixels don't fill its size"))?;
    let sequence = u64::from(word(12)) << 32 | u64::from(word(8));
    Ok(Panel { frame, sequence, brightness_percent: header[16].min(100) })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::pixelcolor::Rgb888;
    use embedded_graphics::prelude::*;

    const SIZE: Size = Size::new(3, 2);

    fn panel() -> (tempfile::TempDir, PathBuf, Memory) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("panel");
        let memory = Memory::open(&path, SIZE);
        (folder, path, memory)
    }

    fn white() -> Frame {
        let mut frame = Frame::new(SIZE);
        let _ = frame.clear(Rgb888::WHITE);
        frame
    }

    #[test]
    fn what_was_presented_is_read() {
        let (_folder, path, mut memory) = panel();
        memory.set_brightness(40).unwrap();
        memory.present(&white(), &Region::all(&white())).unwrap();
        assert_eq!(
            read(&path).unwrap(),
            Panel { frame: white(), sequence: 1, brightness_percent: 40 }
        );
    }

    #[test]
    fn no_damage_is_no_new_frame() {
        let (_folder, path, mut memory) = panel();
        memory.present(&white(), &Region::all(&white())).unwrap();
        memory.present(&white(), &Region::NOTHING).unwrap();
        assert_eq!(read(&path).unwrap().sequence, 1);
    }

    #[test]
    fn the_count_of_frames_survives_a_restart() {
        let (_folder, path, mut memory) = panel();
        memory.present(&white(), &Region::all(&white())).unwrap();
        let mut again = Memory::open(&path, SIZE);
        assert_eq!(again.present(&white(), &Region::all(&white())).unwrap().sequence, 2);
    }

    #[test]
    fn an_unplugged_panel_says_so_and_works_again_when_plugged_in() {
        let (_folder, path, mut memory) = panel();
        let marker = with_suffix(&path, UNPLUGGED);
        fs::write(&marker, "").unwrap();
        let refused = memory.present(&white(), &Region::all(&white())).unwrap_err();
        assert!(
            refused.to_string().ends_with("is unplugged: check its cable and its power"),
            "{refused}"
        );
        assert!(!path.exists());
        fs::remove_file(marker).unwrap();
        memory.present(&white(), &Region::all(&white())).unwrap();
    }

    #[test]
    fn a_frame_for_another_panel_is_refused() {
        let (_folder, _path, mut memory) = panel();
        let wide = Frame::new(Size::new(4, 2));
        assert!(matches!(
            memory.present(&wide, &Region::all(&wide)),
            Err(SurfaceError::Size { .. })
        ));
    }

    #[test]
    fn a_broken_file_is_named_and_refused() {
        let (_folder, path, mut memory) = panel();
        memory.present(&white(), &Region::all(&white())).unwrap();
        let good = fs::read(&path).unwrap();
        let mut huge = good.clone();
        huge[8..16].fill(0xFF);
        for (bytes, what) in [
            (&good[..31], "shorter than its header"),
            (&good[..good.len() - 1], "pixels don't fill its size"),
            (&huge[..], "pixels don't fill its size"),
            (&[0; 64][..], "does not start with GULOUFB1"),
        ] {
            fs::write(&path, bytes).unwrap();
            assert!(read(&path).unwrap_err().to_string().ends_with(what), "{what}");
        }
    }
}
