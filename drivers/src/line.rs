//! The cable of a peripheral: a serial line, a printer's device file or a TCP port.
//!
//! A pseudo-terminal counts as a serial line, so a stand-in hangs on the same cable as the device.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use nix::fcntl::OFlag;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::unix::pipe;
use tokio::time::timeout;
use tokio_serial::{SerialPortBuilderExt as _, SerialStream};

/// A host that has not taken the call by then never will.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Where a peripheral hangs: `/dev/ttyUSB0@9600`, `file:/dev/usb/lp0` or `tcp:10.0.0.9:9100`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A serial line or a pseudo-terminal, 8N1.
    Serial {
        /// Its device file.
        path: PathBuf,
        /// Its speed; none where the device has a usual one.
        baud: Option<u32>,
    },
    /// A character device without line settings, as `usblp` makes one.
    File(PathBuf),
    /// Host and port.
    Tcp(String),
}

/// An open cable.
#[derive(Debug)]
pub enum Line {
    /// A serial line or a pseudo-terminal.
    Serial(SerialStream),
    /// A character device, read and written like a pipe.
    File(pipe::Receiver, pipe::Sender),
    /// A connection.
    Tcp(TcpStream),
}

/// The address can't be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no address: write /dev/ttyUSB0@9600, file:/dev/usb/lp0 or tcp:host:9100")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        if let Some(host) = text.strip_prefix("tcp:") {
            let (name, port) = host.rsplit_once(':').ok_or_else(wrong)?;
            let fits = !name.is_empty() && port.parse::<u16>().is_ok();
            return if fits { Ok(Self::Tcp(host.to_owned())) } else { Err(wrong()) };
        }
        if let Some(path) = text.strip_prefix("file:") {
            return if path.is_empty() { Err(wrong()) } else { Ok(Self::File(path.into())) };
        }
        let (path, baud) = match text.rsplit_once('@') {
            Some((path, baud)) => (path, Some(baud.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        if path.is_empty() || baud == Some(0) {
            return Err(wrong());
        }
        Ok(Self::Serial { path: path.into(), baud })
    }
}

impl Line {
    /// Opens the cable; a serial line runs at `usual_baud` unless its address says otherwise.
    pub async fn open(address: &Address, usual_baud: u32) -> io::Result<Self> {
        match address {
            Address::Serial { path, baud } => {
                let speed = baud.unwrap_or(usual_baud);
                let line = tokio_serial::new(path.to_string_lossy(), speed).open_native_async()?;
                Ok(Self::Serial(line))
            }
            Address::File(path) => {
                let flags = OFlag::O_NONBLOCK.bits();
                let file =
                    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
                let input = pipe::Receiver::from_file_unchecked(file.try_clone()?)?;
                Ok(Self::File(input, pipe::Sender::from_file_unchecked(file)?))
            }
            Address::Tcp(host) => {
                let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(host)).await??;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Serial(line) => Pin::new(line).poll_read(context, buffer),
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::File(input, _) => Pin::new(input).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Serial(line) => Pin::new(line).poll_write(context, bytes),
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::File(_, output) => Pin::new(output).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // Waiting until the last bit left would block the thread on a line that nobody reads.
            Self::Serial(_) | Self::File(..) => Poll::Ready(Ok(())),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_kind_of_cable_they_name() {
        let serial = |path: &str, baud| Address::Serial { path: path.into(), baud };
        assert_eq!("/dev/ttyUSB0".parse(), Ok(serial("/dev/ttyUSB0", None)));
        assert_eq!("/dev/ttyS1@9600".parse(), Ok(serial("/dev/ttyS1", Some(9600))));
        assert_eq!("file:/dev/usb/lp0".parse(), Ok(Address::File("/dev/usb/lp0".into())));
        assert_eq!("tcp:10.0.0.9:9100".parse(), Ok(Address::Tcp("10.0.0.9:9100".to_owned())));
        for wrong in ["", "tcp:printer", "tcp::9100", "tcp:a:99999", "file:", "/dev/x@fast", "@1"] {
            assert_eq!(wrong.parse::<Address>(), Err(AddressError(wrong.to_owned())));
        }
    }
}
