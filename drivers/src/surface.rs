//! Surfaces: where pixels become light.
//!
//! A [`Frame`] is one whole picture, a [`Region`] the part of it that changed, and a
//! [`Surface`] the panel that shows it. Whoever draws does so on a `Frame`, which is an
//! embedded-graphics `DrawTarget`; only `Surface` knows what hangs on the cable.

pub mod frame;
pub mod kms;
pub mod memory;

pub use frame::{Frame, Region};
pub use kms::Kms;
pub use memory::Memory;

use embedded_graphics::geometry::Size;

/// A panel.
#[derive(Debug)]
pub enum Surface {
    /// A display on a graphics card.
    Kms(Kms),
    /// A file that stands for a panel, for tests and for streets on one machine.
    Memory(Memory),
}

/// What the panel did with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// Counts the frames this panel ever showed.
    pub sequence: u64,
}

/// Why a frame is not on the glass.
#[derive(Debug, thiserror::Error)]
pub enum SurfaceError {
    /// Nothing answers at the other end of the cable.
    #[error("panel {0} is unplugged: check its cable and its power")]
    Unplugged(String),
    /// The frame was drawn for another panel.
    #[error("frame is {frame} but the panel is {panel}")]
    Size {
        /// Size of the frame.
        frame: Size,
        /// Size of the panel.
        panel: Size,
    },
    /// A graphics card refuses.
    #[error("display {path}: {doing}: {source}")]
    Display {
        /// The card.
        path: String,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file behind a memory panel cannot be read or written.
    #[error("panel file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no panel file.
    #[error("panel file {path}: {what}")]
    Format {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Surface {
    /// Width and height in pixels.
    pub fn size(&self) -> Size {
        match self {
            Surface::Kms(kms) => kms.size(),
            Surface::Memory(memory) => memory.size(),
        }
    }

    /// Puts `damage` of `frame` on the glass; returns when the panel has it.
    ///
    /// After an error the panel may show anything: present the whole frame next.
    pub fn present(&mut self, frame: &Frame, damage: &Region) -> Result<Presented, SurfaceError> {
        match self {
            Surface::Kms(kms) => kms.present(frame, damage),
            Surface::Memory(memory) => memory.present(frame, damage),
        }
    }

    /// Whether another panel may be plugged in while we run: then [`look`](Self::look) now and then.
    pub fn may_change(&self) -> bool {
        match self {
            Surface::Kms(_) => true,
            Surface::Memory(_) => false,
        }
    }

    /// Looks at what is plugged in; true when that changed, and everything must be drawn anew in
    /// this panel's size.
    pub fn look(&mut self) -> bool {
        match self {
            Surface::Kms(kms) => kms.look(),
            Surface::Memory(_) => false,
        }
    }

    /// Sets the brightness of the whole panel, 0 to 100 %. A display on a card has a knob of its own,
    /// and nothing happens.
    pub fn set_brightness(&mut self, percent: u8) -> Result<(), SurfaceError> {
        match self {
            Surface::Kms(_) => Ok(()),
            Surface::Memory(memory) => memory.set_brightness(percent),
        }
    }
}
