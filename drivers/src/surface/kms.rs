//! A display on the kernel's mode setting interface (DRM/KMS), with dumb buffers: no GPU needed.
//!
//! Two buffers take turns by page flip. Buffer memory is slow to read and to blend in, so pictures
//! are drawn elsewhere and only changed rows are copied here. A driver that cannot flip gets one
//! buffer and is told what changed (`DIRTYFB`); one that needs no telling answers `ENOSYS`, which is
//! success. Sources: kernel `virtgpu_plane.c`, `vc4_kms.c`, `drm_framebuffer.c`; drm-rs 0.15.
//!
//! What was not run on hardware: everything that needs a card. The tests cover choice and copying.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use drm::Device as _;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::dumbbuffer::DumbBuffer;
use drm::control::{ClipRect, Device as _, Event, Mode, ModeTypeFlags, PageFlipFlags};
use drm::control::{connector, crtc, framebuffer};
use embedded_graphics::geometry::Size;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Frame, Presented, Region, SurfaceError};

/// Longest wait for a flip: three frames of the slowest display, 24 Hz. A flip whose end was not
/// told by then never will be, and the next one shows whether the card still works.
const FLIP_MAX_MS: u16 = 125;

/// Bytes of one pixel in a buffer: blue, green, red, unused.
const DOT: usize = 4;

/// A card and the display that hangs on it.
pub struct Kms {
    card: Card,
    path: PathBuf,
    output: Option<Output>,
    /// Size while no display is there: of the last one, or as configured.
    size: Size,
    sequence: u64,
}

struct Card(File);

/// A display that shows our buffers.
struct Output {
    connector: connector::Handle,
    crtc: crtc::Handle,
    size: Size,
    buffers: [Buffer; 2],
    /// Which buffer is drawn next; without flips, which is shown.
    back: usize,
    flips: bool,
    waits: bool,
}

struct Buffer {
    memory: DumbBuffer,
    handle: framebuffer::Handle,
    /// What changed since this buffer was drawn.
    stale: Region,
}

/// A mode as far as the choice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offer {
    size: Size,
    preferred: bool,
}

impl Kms {
    /// Opens a card such as `/dev/dri/card0`. `size` counts until a display is there.
    pub fn open(path: impl Into<PathBuf>, size: Size) -> Result<Self, SurfaceError> {
        let path = path.into();
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let card = Card(opened.map_err(|source| failed(&path, "open", source))?);
        // The first to open the card is its master already, and is refused here.
        let _ = card.acquire_master_lock();
        let mut kms = Self { card, path, output: None, size, sequence: 0 };
        if let Err(error) = kms.plug()
            && !matches!(error, SurfaceError::Unplugged(_))
        {
            return Err(error);
        }
        Ok(kms)
    }

    /// Width and height in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// See [`Surface::look`](super::Surface::look): reads what the connectors say, without probing,
    /// which would stall the picture for some 100 ms.
    pub fn look(&mut self) -> bool {
        let shown = self.output.as_ref().map(|output| output.connector);
        let state = |connector| self.card.get_connector(connector, false).map(|info| info.state());
        let present = shown.is_some_and(|connector| {
            state(connector).is_ok_and(|state| state == connector::State::Connected)
        });
        if present {
            return false;
        }
        self.unplug();
        let before = self.size;
        self.plug().is_ok() || before != self.size || shown.is_some()
    }

    /// See [`Surface::present`](super::Surface::present). The picture is on the glass at the next
    /// vertical blank; the next call waits for that.
    pub fn present(&mut self, frame: &Frame, damage: &Region) -> Result<Presented, SurfaceError> {
        use embedded_graphics::geometry::OriginDimensions as _;
        if self.output.is_none() {
            self.plug()?;
        }
        if frame.size() != self.size {
            return Err(SurfaceError::Size { frame: frame.size(), panel: self.size });
        }
        let Self { card, path, output: Some(output), sequence, .. } = self else {
            return Err(SurfaceError::Unplugged(self.path.display().to_string()));
        };
        if !damage.is_empty() {
            output.show(card, frame, *damage).map_err(|source| failed(path, "show", source))?;
            *sequence += 1;
        }
        Ok(Presented { sequence: *sequence })
    }

    /// Takes the first connected display in its best mode.
    fn plug(&mut self) -> Result<(), SurfaceError> {
        let (card, path) = (&self.card, self.path.as_path());
        let fault = |doing| move |source| failed(path, doing, source);
        let resources = card.resource_handles().map_err(fault("list connectors"))?;
        let connected = resources.connectors().iter().find_map(|connector| {
            let info = card.get_connector(*connector, true).ok()?;
            (info.state() == connector::State::Connected).then_some(info)
        });
        let name = || path.display().to_string();
        let connector = connected.ok_or_else(|| SurfaceError::Unplugged(name()))?;
        let offers: Vec<Offer> = connector.modes().iter().map(Offer::from).collect();
        let mode = choose(&offers).ok_or_else(|| SurfaceError::Unplugged(name()))?;
        let (size, mode) = (offers[mode].size, connector.modes()[mode]);
        let crtc = connector
            .encoders()
            .iter()
            .filter_map(|encoder| card.get_encoder(*encoder).ok())
            .find_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs()).first().copied())
            .ok_or_else(|| failed(path, "find a CRTC", io::ErrorKind::NotFound.into()))?;
        let first = Buffer::new(card, size).map_err(fault("make a buffer"))?;
        let second = Buffer::new(card, size).map_err(fault("make a buffer"))?;
        let set = card
            .set_crtc(crtc, Some(first.handle), (0, 0), &[connector.handle()], Some(mode))
            .map_err(fault("set the mode"));
        let connector = connector.handle();
        let buffers = [first, second];
        self.size = size;
        self.output =
            Some(Output { connector, crtc, size, buffers, back: 1, flips: true, waits: false });
        if set.is_err() {
            // Tried again every few seconds, so that buffers must not pile up.
            self.unplug();
        }
        set
    }

    fn unplug(&mut self) {
        let Some(output) = self.output.take() else { return };
        for buffer in output.buffers {
            // The display is gone; whatever this says, the memory is no longer ours.
            let _ = self.card.destroy_framebuffer(buffer.handle);
            let _ = self.card.destroy_dumb_buffer(buffer.memory);
        }
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        self.unplug();
    }
}

impl Output {
    fn show(&mut self, card: &Card, frame: &Frame, damage: Region) -> io::Result<()> {
        self.finish_flip(card)?;
        for buffer in &mut self.buffers {
            buffer.stale = buffer.stale.union(damage);
        }
        let back = &mut self.buffers[self.back];
        let changed = std::mem::replace(&mut back.stale, Region::NOTHING);
        let pitch = back.memory.pitch() as usize;
        copy(frame, changed, pitch, &mut card.map_dumb_buffer(&mut back.memory)?);
        if self.flips {
            match card.page_flip(self.crtc, back.handle, PageFlipFlags::EVENT, None) {
                Ok(()) => {
                    self.waits = true;
                    self.back = 1 - self.back;
                    return Ok(());
                }
                Err(error) if cannot(&error) => {
                    self.flips = false;
                    card.set_crtc(self.crtc, Some(back.handle), (0, 0), &[self.connector], None)
                        .or_else(|_| self.set_mode(card))?;
                }
                Err(error) => return Err(error),
            }
        }
        let clip = clip(changed, self.size);
        match card.dirty_framebuffer(self.buffers[self.back].handle, &[clip]) {
            Err(error) if !cannot(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn set_mode(&self, card: &Card) -> io::Result<()> {
        let mode = card.get_crtc(self.crtc)?.mode();
        let shown = self.buffers[self.back].handle;
        card.set_crtc(self.crtc, Some(shown), (0, 0), &[self.connector], mode)
    }

    /// Waits until the last flip is done: a second one before that is refused.
    fn finish_flip(&mut self, card: &Card) -> io::Result<()> {
        while self.waits {
            let mut ports = [PollFd::new(card.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ports, PollTimeout::from(FLIP_MAX_MS)) {
                Ok(0) => self.waits = false,
                Ok(_) => {
                    let flipped = |event| matches!(event, Event::PageFlip(_));
                    self.waits = !card.receive_events()?.any(flipped);
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}

impl Buffer {
    fn new(card: &Card, size: Size) -> io::Result<Self> {
        let memory = card.create_dumb_buffer((size.width, size.height), DrmFourcc::Xrgb8888, 32)?;
        let handle = card.add_framebuffer(&memory, 24, 32)?;
        let all = embedded_graphics::primitives::Rectangle::new(
            embedded_graphics::geometry::Point::zero(),
            size,
        );
        Ok(Self { memory, handle, stale: Region::new(all) })
    }
}

impl From<&Mode> for Offer {
    fn from(mode: &Mode) -> Self {
        let (width, height) = mode.size();
        let preferred = mode.mode_type().contains(ModeTypeFlags::PREFERRED);
        Self { size: Size::new(width.into(), height.into()), preferred }
    }
}

/// The mode the display prefers, else the largest up to full HD in either direction, else the first.
fn choose(offers: &[Offer]) -> Option<usize> {
    let area = |offer: &Offer| u64::from(offer.size.width) * u64::from(offer.size.height);
    let fits = |offer: &Offer| {
        let Size { width, height } = offer.size;
        width.max(height) <= 1920 && width.min(height) <= 1080
    };
    let preferred = offers.iter().position(|offer| offer.preferred);
    let largest = || {
        let fitting = offers.iter().enumerate().filter(|(_, offer)| fits(offer));
        // The first of equals: displays list the better rate first.
        fitting.rev().max_by_key(|(_, offer)| area(offer)).map(|(place, _)| place)
    };
    preferred.or_else(largest).or((!offers.is_empty()).then_some(0))
}

/// Copies the rows of `region` into a buffer whose rows are `pitch` bytes apart.
fn copy(frame: &Frame, region: Region, pitch: usize, buffer: &mut [u8]) {
    let bounds = region.bounds();
    let left = usize::try_from(bounds.top_left.x).unwrap_or(0);
    let width = bounds.size.width as usize;
    for y in bounds.rows() {
        let Ok(y) = u32::try_from(y) else { continue };
        let start = y as usize * pitch + left * DOT;
        let from = frame.row(y).as_chunks::<3>().0.iter().skip(left).take(width);
        let Some(to) = buffer.get_mut(start..) else { return };
        for ([red, green, blue], dot) in from.zip(to.as_chunks_mut::<DOT>().0) {
            *dot = [*blue, *green, *red, 0];
        }
    }
}

fn clip(region: Region, size: Size) -> ClipRect {
    let bounds = region.bounds();
    let side = |value: u32, most: u32| u16::try_from(value.min(most)).unwrap_or(u16::MAX);
    let (x, y) = (bounds.top_left.x.max(0).unsigned_abs(), bounds.top_left.y.max(0).unsigned_abs());
    ClipRect::new(
        side(x, size.width),
        side(y, size.height),
        side(x + bounds.size.width, size.width),
        side(y + bounds.size.height, size.height),
    )
}

/// Whether a driver says that it has no such function, rather than that something went wrong.
fn cannot(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOTTY))
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> SurfaceError {
    SurfaceError::Display { path: path.display().to_string(), doing, source }
}

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

impl std::fmt::Debug for Kms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kms").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::geometry::Point;
    use embedded_graphics::primitives::Rectangle;

    fn offer(width: u32, height: u32, preferred: bool) -> Offer {
        Offer { size: Size::new(width, height), preferred }
    }

    #[test]
    fn the_preferred_mode_is_chosen_else_the_largest_up_to_full_hd() {
        let uhd = offer(3840, 2160, false);
        assert_eq!(choose(&[uhd, offer(1280, 800, true)]), Some(1));
        assert_eq!(choose(&[uhd, offer(1280, 720, false), offer(1080, 1920, false)]), Some(2));
        assert_eq!(choose(&[offer(1920, 1080, false), offer(1920, 1080, false)]), Some(0));
        assert_eq!(choose(&[uhd]), Some(0));
        assert_eq!(choose(&[]), None);
    }

    #[test]
    fn only_changed_dots_are_copied_and_rows_keep_their_pitch() {
        let frame = Frame::from_pixels(Size::new(2, 2), (1..=12).collect()).unwrap();
        let mut buffer = [0; 24];
        copy(
            &frame,
            Region::new(Rectangle::new(Point::new(1, 0), Size::new(1, 2))),
            12,
            &mut buffer,
        );
        assert_eq!(buffer[..12], [0, 0, 0, 0, 6, 5, 4, 0, 0, 0, 0, 0]);
        assert_eq!(buffer[12..], [0, 0, 0, 0, 12, 11, 10, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_short_buffer_or_a_region_outside_is_no_harm() {
        let frame = Frame::from_pixels(Size::new(2, 2), (1..=12).collect()).unwrap();
        let all = Region::new(Rectangle::new(Point::new(-5, -5), Size::new(50, 50)));
        copy(&frame, all, 8, &mut [0; 10]);
        let clip = clip(all, Size::new(2, 2));
        assert_eq!((clip.x1(), clip.y1(), clip.x2(), clip.y2()), (0, 0, 2, 2));
    }

    #[test]
    fn a_card_that_is_not_there_is_named() {
        let error = Kms::open("/nowhere/card9", Size::new(1080, 1920)).unwrap_err();
        assert!(error.to_string().starts_with("display /nowhere/card9: open: "), "{error}");
    }

    #[test]
    fn a_driver_without_dirty_rectangles_is_no_fault() {
        assert!(cannot(&io::Error::from_raw_os_error(Errno::ENOSYS as i32)));
        assert!(!cannot(&io::Error::from_raw_os_error(Errno::EACCES as i32)));
    }
}
