//! Where input records come from.
//!
//! A device of the kernel is grabbed, so that no console sees its keys, and asked for the ranges of
//! its axes. Anything else that carries the same records serves as well: a FIFO, a Unix socket that
//! listens, a pseudo-terminal. A simulated panel is one of these, with the shipped program unchanged.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evdev::AbsoluteAxisCode as Axis;
use evdev::raw_stream::RawDevice;
use nix::errno::Errno;
use nix::libc::O_NONBLOCK;

use super::record::{LENGTH, Reader};
use super::{Decoder, Kind, Range, Ranges, Said};

/// Records read at once; a shaken panel sends some 20 in a report.
const READ_MAX: usize = 256 * LENGTH;

/// One input device, which may come and go.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    kind: Kind,
    decoder: Decoder,
    reader: Reader,
    port: Option<Port>,
}

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
#[error("input {path}: {source}")]
pub struct SourceError {
    /// The device.
    pub path: String,
    /// What the system said.
    pub source: io::Error,
}

/// What carries the records.
enum Port {
    /// A device of the kernel.
    Device(Box<RawDevice>),
    /// A FIFO or a pseudo-terminal.
    File(File),
    /// A simulator that listens.
    Socket(UnixStream),
}

impl Source {
    /// A device that is not open yet; [`reopen`](Self::reopen) opens it.
    pub fn new(path: impl Into<PathBuf>, kind: Kind) -> Self {
        let (decoder, reader) = (Decoder::new(kind), Reader::default());
        Self { path: path.into(), kind, decoder, reader, port: None }
    }

    /// Which device this is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What waits until something can be read; `None` while the device is away.
    pub fn waitable(&self) -> Option<BorrowedFd<'_>> {
        self.port.as_ref().map(AsFd::as_fd)
    }

    /// Opens the device unless it is open.
    pub fn reopen(&mut self) -> Result<(), SourceError> {
        if self.port.is_some() {
            return Ok(());
        }
        let port = Port::open(&self.path).map_err(|source| self.error(source))?;
        self.kind = port.describe(self.kind);
        self.decoder = Decoder::new(self.kind);
        self.reader = Reader::default();
        self.port = Some(port);
        Ok(())
    }

    /// Reads what is there without waiting. After an error the device is away, and `said` holds what
    /// was let go by that.
    pub fn read(&mut self, now: Duration, said: &mut Vec<Said>) -> Result<(), SourceError> {
        let Some(port) = &self.port else { return Ok(()) };
        let mut bytes = [0; READ_MAX];
        let failed = match nix::unistd::read(port, &mut bytes) {
            Ok(0) => io::ErrorKind::UnexpectedEof.into(),
            Ok(count) => {
                for record in self.reader.feed(&bytes[..count]) {
                    said.extend(self.decoder.handle(now, record));
                }
                return Ok(());
            }
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
            Err(errno) => errno.into(),
        };
        self.port = None;
        said.extend(self.decoder.release());
        Err(self.error(failed))
    }

    fn error(&self, source: io::Error) -> SourceError {
        SourceError { path: self.path.display().to_string(), source }
    }
}

impl Port {
    fn open(path: &Path) -> io::Result<Self> {
        let kind = std::fs::metadata(path)?.file_type();
        if kind.is_socket() {
            let socket = UnixStream::connect(path)?;
            socket.set_nonblocking(true)?;
            return Ok(Port::Socket(socket));
        }
        // Read and write: a FIFO without a writer would end at once, and again after each writer.
        let open = OpenOptions::new().read(true).write(true).custom_flags(O_NONBLOCK).open(path)?;
        if open.is_terminal() {
            set_raw(&open)?;
        } else if kind.is_char_device() {
            let mut device = RawDevice::from_fd(open.into())?;
            device.grab()?;
            return Ok(Port::Device(Box::new(device)));
        }
        Ok(Port::File(open))
    }

    /// A device knows its own ranges better than the configuration.
    fn describe(&self, kind: Kind) -> Kind {
        let (Port::Device(device), Kind::Touch { ranges }) = (self, kind) else { return kind };
        let axis = |multi, single, configured| {
            let asked = [multi, single].into_iter().find_map(|axis| range(device, axis));
            asked.unwrap_or(configured)
        };
        let x = axis(Axis::ABS_MT_POSITION_X, Axis::ABS_X, ranges.x);
        let y = axis(Axis::ABS_MT_POSITION_Y, Axis::ABS_Y, ranges.y);
        Kind::Touch { ranges: Ranges { x, y } }
    }
}

fn range(device: &RawDevice, axis: Axis) -> Option<Range> {
    let mut axes = device.get_absinfo().ok()?;
    let (_, info) = axes.find(|(code, _)| *code == axis)?;
    let range = Range { min: info.minimum(), max: info.maximum() };
    (range.min < range.max).then_some(range)
}

/// Records are bytes: the terminal must neither edit nor translate them.
fn set_raw(terminal: &File) -> io::Result<()> {
    use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
    let mut settings = tcgetattr(terminal)?;
    cfmakeraw(&mut settings);
    tcsetattr(terminal, SetArg::TCSANOW, &settings)?;
    Ok(())
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Port::Device(device) => device.as_fd(),
            Port::File(file) => file.as_fd(),
            Port::Socket(socket) => socket.as_fd(),
        }
    }
}

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Port::Device(_) => "Device",
            Port::File(_) => "File",
            Port::Socket(_) => "Socket",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::{Key, Pad, Press};
    use super::super::record::{EV_KEY, Record};
    use super::*;
    use std::io::Write as _;
    use std::os::unix::net::UnixListener;

    const SELECT: Said = Said::Key(Press { key: Key::Pad(Pad::Select), down: true });

    fn read(source: &mut Source) -> Result<Vec<Said>, SourceError> {
        let mut said = Vec::new();
        source.read(Duration::ZERO, &mut said)?;
        Ok(said)
    }

    fn enter() -> [u8; LENGTH] {
        Record::new(EV_KEY, 28, 1).bytes()
    }

    #[test]
    fn a_fifo_outlives_its_writers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keypad");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut source = Source::new(&path, Kind::Keypad);
        source.reopen().unwrap();
        for _ in 0..2 {
            assert_eq!(read(&mut source).unwrap(), [], "nothing there, no wait");
            OpenOptions::new().write(true).open(&path).unwrap().write_all(&enter()).unwrap();
            assert_eq!(read(&mut source).unwrap(), [SELECT]);
        }
    }

    #[test]
    fn a_simulator_that_ends_is_an_unplugged_device_and_may_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keypad");
        let mut source = Source::new(&path, Kind::Keypad);
        assert!(source.reopen().is_err(), "not there yet");
        let listener = UnixListener::bind(&path).unwrap();
        for _ in 0..2 {
            source.reopen().unwrap();
            let (mut simulator, _) = listener.accept().unwrap();
            simulator.write_all(&enter()).unwrap();
            assert_eq!(read(&mut source).unwrap(), [SELECT]);
            drop(simulator);
            assert!(read(&mut source).is_err());
            assert!(source.waitable().is_none());
        }
    }

    #[test]
    fn a_pseudo_terminal_carries_raw_bytes() {
        let pty = nix::pty::openpty(None, None).unwrap();
        let path = nix::unistd::ttyname(&pty.slave).unwrap();
        let mut source = Source::new(path, Kind::Keypad);
        source.reopen().unwrap();
        nix::unistd::write(&pty.master, &enter()).unwrap();
        assert_eq!(read(&mut source).unwrap(), [SELECT]);
    }
}
