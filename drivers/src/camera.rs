//! Camera: one still picture at a time, as JPEG.
//!
//! A V4L2 device that sends Motion JPEG, as USB cameras do.
//! Or a stand-in under the same setting: a folder of JPEG files, taken in turn, or a FIFO of JPEG files.
//! A picture of a person stays in memory that the caller answers for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::ioctl;

/// Size that is asked for; the camera takes the nearest it has.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// Largest picture.
pub const PICTURE_MAX: usize = 8 << 20;
/// Buffers of the camera.
const BUFFERS: u32 = 3;
/// Pictures that are thrown away while the camera finds its exposure.
const WARM_UP: u32 = 8;
/// A picture that has not come by then never will.
const PICTURE_TIMEOUT_MS: u16 = 3000;
/// Most bytes taken from a FIFO at once.
const CHUNK: usize = 64 * 1024;

/// What begins and ends a JPEG file.
const BEGIN: [u8; 3] = [0xFF, 0xD8, 0xFF];
const END: [u8; 2] = [0xFF, 0xD9];

/// Where pictures come from.
#[derive(Debug)]
pub enum Camera {
    /// A V4L2 device.
    Device(PathBuf),
    /// A pipe of JPEG files, one behind the other.
    Fifo {
        /// Where it is.
        path: PathBuf,
        /// It, once it was opened.
        file: Option<File>,
        /// What was read beyond the last picture.
        rest: Vec<u8>,
    },
    /// A folder of JPEG files, taken in the order of their names.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// The name that was taken last.
        last: Option<PathBuf>,
    },
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The device, folder or FIFO failed.
    #[error("camera: {0}")]
    Device(#[from] io::Error),
    /// No picture came.
    #[error("the camera sends no picture: unplug it and plug it in again")]
    Silent,
    /// It sends other pixels.
    #[error("the camera has no Motion JPEG: choose another one")]
    NoJpeg,
    /// What came is no picture, or is too large.
    #[error("what the camera sends is no JPEG")]
    Damaged,
    /// The folder is empty.
    #[error("the folder has no .jpg file")]
    Empty,
}

impl Camera {
    /// The camera at `path`; what stands there says which kind it is.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let kind = fs::metadata(&path)?.file_type();
        Ok(if kind.is_dir() {
            Self::Folder { path, last: None }
        } else if kind.is_fifo() {
            Self::Fifo { path, file: None, rest: Vec::new() }
        } else {
            Self::Device(path)
        })
    }

    /// Takes a picture. Blocks for as long as a camera takes: a few seconds at most.
    pub fn still(&mut self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Device(path) => still(path),
            Self::Fifo { path, file, rest } => next_in_fifo(path, file, rest),
            Self::Folder { path, last } => next_in_folder(path, last),
        }
    }
}

/// The one parser of pictures: the first JPEG in `bytes`, and where it ends. None while it is not whole.
///
/// Within a JPEG an end marker can't occur by chance, except in a thumbnail, which begins anew.
pub fn parse(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let begin = bytes.windows(BEGIN.len()).position(|window| window == BEGIN)?;
    let mut depth = 1;
    let mut at = begin + BEGIN.len();
    while at + END.len() <= bytes.len() {
        if bytes[at..].starts_with(&BEGIN) {
            depth += 1;
        } else if bytes[at..].starts_with(&END) {
            depth -= 1;
            if depth == 0 {
                let end = at + END.len();
                return Some((&bytes[begin..end], end));
            }
        }
        at += 1;
    }
    None
}

fn still(path: &Path) -> Result<Vec<u8>, Error> {
    let flags = OFlag::O_NONBLOCK.bits();
    let camera = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    if ioctl::set_format(&camera, WIDTH, HEIGHT)? != ioctl::MJPG {
        return Err(Error::NoJpeg);
    }
    let buffers = ioctl::map(&camera, BUFFERS)?;
    ioctl::start(&camera)?;
    for _ in 0..WARM_UP {
        wait(&camera)?;
        let (index, _) = ioctl::dequeue(&camera, &buffers)?;
        ioctl::queue(&camera, index)?;
    }
    wait(&camera)?;
    let (_, bytes) = ioctl::dequeue(&camera, &buffers)?;
    parse(&bytes).map(|(picture, _)| picture.to_vec()).ok_or(Error::Damaged)
}

fn wait(file: &File) -> Result<(), Error> {
    let mut wanted = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    match poll(&mut wanted, PollTimeout::from(PICTURE_TIMEOUT_MS)).map_err(io::Error::from)? {
        0 => Err(Error::Silent),
        _ => Ok(()),
    }
}

fn next_in_fifo(
    path: &Path,
    file: &mut Option<File>,
    rest: &mut Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let opened = match file.take() {
        Some(opened) => opened,
        // For writing too, so that a FIFO without a writer is silent instead of at its end.
        None => OpenOptions::new().read(true).write(true).open(path)?,
    };
    let fifo = file.insert(opened);
    let mut chunk = vec![0; CHUNK];
    loop {
        if let Some((picture, end)) = parse(rest) {
            let picture = picture.to_vec();
            rest.drain(..end);
            return Ok(picture);
        }
        if rest.len() > PICTURE_MAX {
            rest.clear();
            return Err(Error::Damaged);
        }
        wait(fifo)?;
        let read = fifo.read(&mut chunk)?;
        rest.extend_from_slice(&chunk[..read]);
    }
}

fn next_in_folder(path: &Path, last: &mut Option<PathBuf>) -> Result<Vec<u8>, Error> {
    let is_picture = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        ending.eq_ignore_ascii_case("jpg") || ending.eq_ignore_ascii_case("jpeg")
    };
    let mut files: Vec<_> = fs::read_dir(path)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_picture)
        .collect();
    files.sort_unstable();
    let after = files.iter().find(|file| last.as_ref().is_none_or(|last| *file > last));
    let next = after.or(files.first()).ok_or(Error::Empty)?.clone();
    let mut bytes = Vec::new();
    File::open(&next)?.take(PICTURE_MAX as u64 + 1).read_to_end(&mut bytes)?;
    *last = Some(next);
    parse(&bytes).map(|(picture, _)| picture.to_vec()).ok_or(Error::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn jpeg(content: u8) -> Vec<u8> {
        [&BEGIN[..], &[content; 20], &END].concat()
    }

    #[test]
    fn a_folder_is_taken_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let mut camera = Camera::open(folder.path()).unwrap();
        assert!(matches!(camera.still(), Err(Error::Empty)));
        for (name, content) in [("b.jpg", 2), ("a.JPG", 1), ("note.txt", 9)] {
            fs::write(folder.path().join(name), jpeg(content)).unwrap();
        }
        let taken: Vec<_> = (0..3).map(|_| camera.still().unwrap()[5]).collect();
        assert_eq!(taken, [1, 2, 1]);
        fs::write(folder.path().join("c.jpg"), b"no picture").unwrap();
        assert!(camera.still().is_ok() && matches!(camera.still(), Err(Error::Damaged)));
    }

    #[test]
    fn a_fifo_gives_one_picture_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("camera");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut camera = Camera::open(&path).unwrap();
        let mut far = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        far.write_all(&[b"noise", &jpeg(1)[..], &jpeg(2)].concat()).unwrap();
        assert_eq!(camera.still().unwrap(), jpeg(1));
        assert_eq!(camera.still().unwrap(), jpeg(2));
    }

    #[test]
    fn a_thumbnail_does_not_end_a_picture() {
        let picture = [&BEGIN[..], b"exif", &jpeg(7), b"more", &END].concat();
        assert_eq!(parse(&[&picture[..], b"tail"].concat()), Some((&picture[..], picture.len())));
        assert_eq!(parse(&picture[..picture.len() - 1]), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn what_is_no_camera_is_told_at_once() {
        assert!(Camera::open("/nowhere/video0").is_err());
        let mut camera = Camera::open("/dev/null").unwrap();
        assert!(matches!(camera.still(), Err(Error::Device(_))));
    }
}
