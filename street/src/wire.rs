//! A cable that can be cut: a TCP relay between one device and one port of the platform.
//!
//! A cut cable carries nothing and says nothing: connections stay open and fall silent, as over the air.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Most bytes on their way in one direction of one connection.
const CHUNK: usize = 16 * 1024;

/// How a cable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// It carries nothing.
    pub cut: bool,
    /// Everything arrives this much later.
    pub delay: Duration,
}

/// A cable to the platform.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    condition: watch::Sender<Condition>,
}

impl Wire {
    /// Lays a cable to `target` and gives it a free port of its own.
    pub async fn lay(target: SocketAddr) -> io::Result<Wire> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (condition, watched) = watch::channel(Condition::default());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(relay(near, target, watched.clone()));
            }
        });
        Ok(Wire { address, condition })
    }

    /// Port on this machine where the device plugs in.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts, heals or slows it.
    pub fn set(&self, condition: Condition) {
        self.condition.send_replace(condition);
    }
}

async fn relay(
    near: TcpStream,
    target: SocketAddr,
    mut condition: watch::Receiver<Condition>,
) -> Option<()> {
    condition.wait_for(|condition| !condition.cut).await.ok()?;
    let far = TcpStream::connect(target).await.ok()?;
    near.set_nodelay(true).ok()?;
    far.set_nodelay(true).ok()?;
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::join!(
        pump(near_read, far_write, condition.clone()),
        pump(far_read, near_write, condition.clone())
    );
    Some(())
}

/// Carries bytes one way until the sender closes; dropping `to` closes that direction.
async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut condition: watch::Receiver<Condition>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await.unwrap_or(0);
        let delay = condition.borrow().delay;
        #[expect(
            clippy::disallowed_methods,
            reason = "the cable is hardware, and this is how long it is"
        )]
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        // The end of a connection does not pass a cut cable either.
        let open = condition.wait_for(|condition| !condition.cut).await.is_ok();
        if length == 0 || !open || to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn a_cut_cable_is_silent_and_loses_nothing_when_it_heals() {
        let wire = Wire::lay(echo().await).await.unwrap();
        let mut device = TcpStream::connect(("127.0.0.1", wire.port())).await.unwrap();
        let mut answer = [0; 3];
        device.write_all(b"one").await.unwrap();
        device.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"one");

        wire.set(Condition { cut: true, ..Condition::default() });
        device.write_all(b"two").await.unwrap();
        let silent =
            tokio::time::timeout(Duration::from_millis(100), device.read_exact(&mut answer)).await;
        assert!(silent.is_err(), "nothing comes, and the connection stays");

        wire.set(Condition::default());
        device.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"two");
    }

    #[tokio::test]
    async fn a_connection_made_while_the_cable_is_cut_waits() {
        let wire = Wire::lay(echo().await).await.unwrap();
        wire.set(Condition { cut: true, ..Condition::default() });
        let mut device = TcpStream::connect(("127.0.0.1", wire.port())).await.unwrap();
        device.write_all(b"hey").await.unwrap();
        wire.set(Condition::default());
        let mut answer = [0; 3];
        device.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hey");
    }
}
