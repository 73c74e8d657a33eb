//! A peer that runs, and a folder for its cable, its socket and its papers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;

/// A machine under load may need this long for what takes no time at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Peer {
    process: Child,
    folder: tempfile::TempDir,
}

impl Peer {
    /// Starts a device on a pseudo-terminal.
    pub(crate) fn start(device: &str) -> Self {
        let peer = Self::spawn(|folder| {
            let path = |name: &str| folder.join(name).display().to_string();
            let mut words = vec![device.to_owned(), "--at".to_owned(), path("line")];
            if device == "receipt" {
                words.extend(["--tray".to_owned(), path("tray"), "--width=64".to_owned()]);
            }
            words
        });
        peer.tell(r#"{"do":"state"}"#);
        peer
    }

    /// Starts a peer with the words that `arguments` makes of its folder.
    pub(crate) fn spawn(arguments: impl FnOnce(PathBuf) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_gulou-peer"))
            .args(arguments(folder.path().to_owned()))
            .arg("--control")
            .arg(folder.path().join("control"))
            .spawn()
            .unwrap();
        Self { process, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn address(&self) -> drivers::line::Address {
        self.path("line").to_str().unwrap().parse().unwrap()
    }

    /// Does something to the device, and says how it is then.
    pub(crate) fn tell(&self, command: &str) -> Value {
        let mut stream = self.connect();
        writeln!(stream, "{command}").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["ok"], true, "{command}: {answer}");
        answer["state"].clone()
    }

    /// A peer that has just been started opens its socket last.
    fn connect(&self) -> UnixStream {
        for _ in 0..1000 {
            if let Ok(stream) = UnixStream::connect(self.path("control")) {
                return stream;
            }
            #[expect(clippy::disallowed_methods, reason = "another process is starting")]
            std::thread::sleep(Duration::from_millis(30));
        }
        panic!("the peer opened no socket");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // A peer that owns other processes takes them along when it is asked to end.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// Waits for `what`, for as long as a loaded machine may take.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it comes in time")
}
