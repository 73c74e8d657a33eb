//! A street that runs for one test, as `make run` starts it.

use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub(crate) const STREET: &str = env!("CARGO_BIN_EXE_gulou-street");
/// A street that has not done it by then never will.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A running street.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
    client: reqwest::Client,
}

impl Running {
    /// `None`, with a word why, where the other binaries were not built or there is no broker.
    pub(crate) async fn start() -> Option<Running> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let built = |name: &&str| Path::new(STREET).with_file_name(name).exists();
        if !["gulou-platform", "gulou-sign", "gulou-terminal", "gulou-peer"].iter().all(built) {
            eprintln!("skipped: run `cargo build --workspace --bins` first");
            return None;
        }
        let places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"];
        if !places.iter().any(|place| Path::new(place).exists()) {
            eprintln!("skipped: mosquitto is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(STREET);
        command.args(["--port", "0"]).env("TMPDIR", folder.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next_line().await.unwrap().expect("the street says where it is");
            if let Some(at) = line.find("http://") {
                break line[at..].trim().to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Some(Running { child, url, folder, client })
    }

    /// Follows the event stream until `good` holds.
    pub(crate) async fn until(&self, what: &str, mut good: impl FnMut(&Value) -> bool) -> Value {
        let follow = async {
            let answer = self.client.get(format!("{}/api/stream", self.url)).send().await.unwrap();
            let (mut chunks, mut text) = (answer.bytes_stream(), Vec::new());
            while let Some(chunk) = chunks.next().await {
                text.extend(chunk.unwrap());
                while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
                    let event = String::from_utf8(text.drain(..end + 2).collect()).unwrap();
                    let Some((_, data)) = event.split_once("data: ") else { continue };
                    let document: Value = serde_json::from_str(data.trim()).unwrap();
                    if good(&document) {
                        return document;
                    }
                }
            }
            panic!("the stream ended")
        };
        let followed = tokio::time::timeout(PATIENCE, follow).await;
        followed.unwrap_or_else(|_| panic!("waited in vain until {what}"))
    }

    pub(crate) async fn until_device(
        &self,
        id: &str,
        what: &str,
        good: impl Fn(&Value) -> bool,
    ) -> Value {
        let what = format!("{id} {what}");
        let document = self.until(&what, |document| good(device(document, id))).await;
        device(&document, id).clone()
    }

    pub(crate) async fn ask(&self, path: &str) -> u16 {
        let url = format!("{}/street/{path}", self.url);
        self.client.post(url).send().await.unwrap().status().as_u16()
    }

    /// Claimed and computed hash of a device's picture.
    pub(crate) async fn picture(&self, id: &str) -> (String, String) {
        let url = format!("{}/street/{id}/frame.png", self.url);
        let answer = self.client.get(url).send().await.unwrap();
        let claimed = answer.headers()["x-frame-sha256"].to_str().unwrap().to_owned();
        let bytes = answer.bytes().await.unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut rgb).unwrap();
        (claimed, hex::encode(Sha256::digest(&rgb)))
    }

    /// Processes that this street started; its folder stands on their command lines.
    pub(crate) fn processes(&self) -> Vec<String> {
        let folder = self.folder.path().to_str().unwrap();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let lines =
            entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.contains(folder)).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// What Ctrl-C does.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        self.signal(Signal::SIGINT);
        self.child.wait().await.unwrap()
    }
}

impl Drop for Running {
    /// A failed test leaves nothing behind either: what the street started dies with it.
    fn drop(&mut self) {
        let _ = self.child.start_kill();
    }
}

/// What the street says of one device.
pub(crate) fn device<'a>(document: &'a Value, id: &str) -> &'a Value {
    let devices = document["devices"].as_array().unwrap();
    devices.iter().find(|device| device["id"] == id).unwrap()
}
