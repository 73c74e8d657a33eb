//! The cable a peer hangs on: a pseudo-terminal whose other end is linked somewhere, or a TCP port.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
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
    master: AsyncFd<File>,
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
            Self::Pty(pty) => loop {
                let mut ready = pty.master.readable().await?;
                if let Ok(read) = ready.try_io(|master| master.get_ref().read(buffer)) {
                    return read;
                }
            },
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
            Self::Pty(pty) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let mut ready = pty.master.writable().await?;
                    if let Ok(written) = ready.try_io(|master| master.get_ref().write(rest)) {
                        rest = &rest[written?..];
                    }
                }
                Ok(())
            }
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
        fcntl(&pty.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        match fs::remove_file(link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => symlink(ttyname(&pty.slave)?, link)?,
        }
        #[expect(deprecated, reason = "a File keeps its descriptor until it is dropped")]
        let master = AsyncFd::new(File::from(pty.master))?;
        Ok(Self { master, _slave: pty.slave, link: link.to_owned() })
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.link);
    }
}
