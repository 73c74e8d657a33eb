//! Beside a panel that is a file: what stands on it, as words and places, for who reads the file.
//!
//! JSON, replaced by rename whenever the picture changes: `{"frames": 7, "parts": [...]}`; see
//! [`screen::outline::Part`].

use std::path::PathBuf;
use std::{fs, io};

use screen::Screen;
use screen::outline::Part;
use serde::Serialize;

/// A file that follows the glass.
#[derive(Debug)]
pub struct Mirror {
    path: PathBuf,
    frames: Option<u64>,
}

#[derive(Serialize)]
struct Shown {
    /// Frames put on the panel so far.
    frames: u64,
    parts: Vec<Part>,
}

impl Mirror {
    /// A mirror that has shown nothing yet.
    pub fn new(path: PathBuf) -> Mirror {
        Mirror { path, frames: None }
    }

    /// Writes the file, unless it shows this picture already.
    pub fn follow(&mut self, screen: &Screen) {
        let frames = screen.progress().frames();
        if self.frames == Some(frames) {
            return;
        }
        match self.write(&Shown { frames, parts: screen.outline() }) {
            Ok(()) => self.frames = Some(frames),
            Err(error) => tracing::warn!("{}: {error}", self.path.display()),
        }
    }

    fn write(&self, shown: &Shown) -> io::Result<()> {
        let beside = self.path.with_added_extension("new");
        fs::write(&beside, serde_json::to_vec(shown)?)?;
        fs::rename(&beside, &self.path)
    }
}
