//! The cable a peer hangs on: a pseudo-terminal whose other end is linked somewhere, or a TCP port.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Where a peer can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Pty(PathBuf),
    Tcp(SocketAddr),
}

/// A cable that is plugged in.
#[derive(Debug)]
pub(crate) enum Line {
    Pty(Pty),
    Tcp { listener: TcpListener, stream: Option<TcpStream> },
}

#[derive(Debug)]
pub(crate) struct Pty {
    input: pipe::Receiver,
    output: pipe::Sender,
    /// Keeps the line up while nobody has it open.
    _slave: OwnedFd,
    link: PathBuf,
}

impl Line {
    pub(crate) fn plug(place: &Place) -> io::Result<Self> {
        match place {
            Place::Pty(link) => Pty::plug(link).map(Self::Pty),
            Place::Tcp(address) => {
                let socket =
                    if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
                // The same port again, after the plug was pulled.
                socket.set_reuseaddr(true)?;
                socket.bind(*address)?;
                Ok(Self::Tcp { listener: socket.listen(1)?, stream: None })
            }
        }
    }

    /// Bytes from the driver; never none. Cancel safe.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pty(pty) => pty.input.read(buffer).await,
            Self::Tcp { listener, stream } => loop {
                let Some(open) = stream else {
                    *stream = Some(listener.accept().await?.0);
                    continue;
                };
                match open.read(buffer).await {
                    Ok(count @ 1..) => return Ok(count),
                    Ok(0) | Err(_) => *stream = None,
                }
            },
        }
    }

    /// Bytes to the driver; without one they are lost.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Pty(pty) => pty.output.write_all(bytes).await,
            Self::Tcp { stream: Some(open), .. } => open.write_all(bytes).await,
            Self::Tcp { stream: None, .. } => Ok(()),
        }
    }
}

impl Pty {
    fn plug(link: &Path) -> io::Result<Self> {
        let pty = openpty(None, None)?;
        let mut settings = tcgetattr(&pty.slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings)?;
        match fs::remove_file(link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => symlink(ttyname(&pty.slave)?, link)?,
        }
        // The master is read and written like a pipe.
        let master = File::from(pty.master);
        let input = pipe::Receiver::from_file_unchecked(master.try_clone()?)?;
        let output = pipe::Sender::from_file_unchecked(master)?;
        Ok(Self { input, output, _slave: pty.slave, link: link.to_owned() })
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.link);
    }
}
