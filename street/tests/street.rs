//! The whole street, as `make run` starts it: real platform, real broker, real signs, real browser.
//!
//! Tests wait for what the street's own event stream says, never for a length of time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use street::browser::{self, Browser};
use street::pictures::READY;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const STREET: &str = env!("CARGO_BIN_EXE_gulou-street");
/// A street that has not done it by then never will.
const PATIENCE: Duration = Duration::from_secs(90);

/// A report that is so late was not sent; usually they take a second.
const LATE: SignedDuration = SignedDuration::from_secs(4);

/// A running street.
struct Running {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
    client: reqwest::Client,
}

impl Running {
    /// `None`, with a word why, where the other binaries were not built or there is no broker.
    async fn start() -> Option<Running> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let built = |name: &&str| Path::new(STREET).with_file_name(name).exists();
        if !["gulou-platform", "gulou-sign"].iter().all(built) {
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
    async fn until(&self, what: &str, mut good: impl FnMut(&Value) -> bool) -> Value {
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

    async fn until_device(&self, id: &str, what: &str, good: impl Fn(&Value) -> bool) -> Value {
        let what = format!("{id} {what}");
        let document = self.until(&what, |document| good(device(document, id))).await;
        device(&document, id).clone()
    }

    async fn ask(&self, path: &str) -> u16 {
        let url = format!("{}/street/{path}", self.url);
        self.client.post(url).send().await.unwrap().status().as_u16()
    }

    /// Claimed and computed hash of a device's picture.
    async fn picture(&self, id: &str) -> (String, String) {
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
    fn processes(&self) -> Vec<String> {
        let folder = self.folder.path().to_str().unwrap();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let lines =
            entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.contains(folder)).collect()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// What Ctrl-C does.
    async fn end(&mut self) -> ExitStatus {
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

fn device<'a>(document: &'a Value, id: &str) -> &'a Value {
    let devices = document["devices"].as_array().unwrap();
    devices.iter().find(|device| device["id"] == id).unwrap()
}

/// The platform has proof of exactly what stands on the glass.
fn proven(device: &Value) -> bool {
    !device["frame"].is_null() && device["frame"]["sha256"] == device["shown"]["frame_sha256"]
}

fn predicts(device: &Value) -> bool {
    proven(device) && device["shown"]["rung"] == "prediction"
}

#[tokio::test]
async fn a_used_port_is_named_in_one_sentence() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(STREET).args(["--port", &port]).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    if said.contains("is missing: run `cargo build") {
        eprintln!("skipped: the other binaries are not built");
        return;
    }
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&port) && said.contains("in use") && said.contains("--port"), "{said}");
}

#[tokio::test]
async fn faults_stay_where_they_are_and_pass_when_they_are_taken_back() {
    let Some(mut street) = Running::start().await else { return };
    let mut known = HashSet::new();
    let all = ["sign-1", "sign-2", "sign-3", "sign-4"];
    let showing = |document: &Value| {
        known.extend(all.into_iter().filter(|id| predicts(device(document, id))));
        known.len() == all.len()
    };
    street.until("every sign has shown real arrivals", showing).await;

    // A cut cable: the sign goes on by itself, and what it showed arrives later.
    assert_eq!(street.ask("sign-1/cut").await, 204);
    let cut = street.until_device("sign-1", "is cut", |sign| sign["network"] == "cut").await;
    let turned =
        |sign: &Value| sign["frame"]["sequence"].as_u64() > cut["frame"]["sequence"].as_u64();
    let alone =
        street.until_device("sign-1", "goes on", |sign| turned(sign) && !proven(sign)).await;
    assert_eq!(alone["process"], "running");
    assert_eq!(street.ask("sign-1/heal").await, 204);
    street.until_device("sign-1", "is in touch again", proven).await;

    // No power: dark at once, and right again by itself when it returns.
    assert_eq!(street.ask("sign-2/power-off").await, 204);
    let dark = street.until_device("sign-2", "is dark", |sign| sign["frame"].is_null()).await;
    assert_eq!((&dark["power"], &dark["process"]), (&"off".into(), &"dead".into()));
    let (claimed, computed) = street.picture("sign-2").await;
    assert_eq!(claimed, hex::encode(Sha256::digest(vec![0; 192 * 64 * 3])), "black");
    assert_eq!(claimed, computed);
    assert_eq!(street.ask("sign-2/power-on").await, 204);
    street.until_device("sign-2", "is right again", predicts).await;

    // The light sensor hangs on a serial line that the sign really reads.
    let lit = street.until_device("sign-4", "is lit", |sign| !sign["frame"].is_null()).await;
    let brightness = |sign: &Value| sign["frame"]["brightness"].as_u64().unwrap();
    assert_eq!(street.ask("sign-4/light?lux=1").await, 204);
    street.until_device("sign-4", "is dimmed", |sign| brightness(sign) < brightness(&lit)).await;

    fill_a_disk(&street).await;

    // Dead programs come back.
    assert_eq!(street.ask("sign-3/kill").await, 204);
    street.until_device("sign-3", "is dead", |sign| sign["process"] == "dead").await;
    street.until_device("sign-3", "is back", predicts).await;
    assert_eq!(street.ask("platform/kill").await, 204);
    street.until("the platform is gone", |street| street["platform"]["running"] == false).await;
    street.until("the platform is back", |street| street["platform"]["running"] == true).await;
    street.until_device("sign-1", "is in touch with the new one", proven).await;

    assert_eq!(street.ask("sign-9/cut").await, 404);
    assert!(street.end().await.success());
    assert_eq!(street.processes(), Vec::<String>::new());
    assert_eq!(fs::read_dir(street.folder.path()).unwrap().count(), 0, "no file is left either");
}

/// A full disk stops the reports, not the sign; they go on when there is room again.
async fn fill_a_disk(street: &Running) {
    let begun = street.until_device("sign-2", "is well", proven).await;
    if !begun["unavailable"]["fill"].is_null() {
        return eprintln!("skipped: filling a disk needs root");
    }
    assert_eq!(street.ask("sign-2/fill").await, 204);
    let mut since = (0, Timestamp::UNIX_EPOCH);
    let silent = |street: &Value| {
        let (sign, now) = (device(street, "sign-2"), street["now"].as_str().unwrap());
        let (sequence, now) = (sign["frame"]["sequence"].as_u64().unwrap(), now.parse().unwrap());
        if proven(sign) || since.0 != sequence {
            since = (sequence, now);
        }
        now.duration_since(since.1) > LATE
    };
    street.until("sign-2 draws what it cannot report", silent).await;
    assert_eq!(street.ask("sign-2/free").await, 204);
    street.until_device("sign-2", "reports again", proven).await;
}

#[tokio::test]
async fn after_kill_minus_nine_of_the_street_nothing_runs_on() {
    let Some(mut street) = Running::start().await else { return };
    let draws = |device: &Value| !device["frame"].is_null();
    let all_draw = |street: &Value| street["devices"].as_array().unwrap().iter().all(draws);
    street.until("every sign draws", all_draw).await;
    assert!(street.processes().len() >= 6, "platform, broker and four signs");
    street.signal(Signal::SIGKILL);
    street.child.wait().await.unwrap();
    let gone = async {
        while !street.processes().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("everything ends with the street");
}

/// The page computes these from the pixels it painted.
const PAINTED: &str = "return Object.fromEntries([...document.querySelectorAll('[id^=glass-sign-]')]\
    .map((glass) => [glass.id.slice(6), glass.querySelector('[data-sha256]')?.dataset.sha256]))";

#[tokio::test]
async fn the_page_shows_every_sign_with_the_very_pixels_it_drew() {
    if !browser::installed() {
        eprintln!("skipped: chromium and chromedriver are not installed");
        return;
    }
    let Some(mut street) = Running::start().await else { return };
    let page = Browser::open(1600, 1000).await.unwrap();
    page.go(&street.url).await.unwrap();
    page.wait_for(READY).await.unwrap();
    let strips = page.run("return document.querySelectorAll('[id^=strip-sign-]').length").await;
    assert_eq!(strips.unwrap(), 4);

    // The sign reports its own hashes to the platform; sooner or later each one is also on the page.
    let mut painted: HashMap<String, HashSet<String>> = HashMap::new();
    let mut drawn: HashMap<String, HashSet<String>> = HashMap::new();
    let mut agree = HashSet::new();
    while painted.is_empty() || agree.len() < painted.len() {
        for (id, hash) in page.run(PAINTED).await.unwrap().as_object().unwrap() {
            painted.entry(id.clone()).or_default().extend(hash.as_str().map(str::to_owned));
        }
        let document = street.until("the street says anything", |_| true).await;
        for sign in document["devices"].as_array().unwrap() {
            let hashes = drawn.entry(sign["id"].as_str().unwrap().to_owned()).or_default();
            hashes.extend(sign["shown"]["frame_sha256"].as_str().map(str::to_owned));
        }
        let same = |(id, hashes): &(&String, &HashSet<String>)| !hashes.is_disjoint(&drawn[*id]);
        agree.extend(painted.iter().filter(same).map(|(id, _)| id.clone()));
    }
    assert!(agree.len() >= 3, "glasses on the page: {agree:?}");
    for id in &agree {
        let (claimed, computed) = street.picture(id).await;
        assert_eq!(claimed, computed);
    }

    page.run("document.querySelector('#strip-sign-1 .faults button').click()").await.unwrap();
    street
        .until_device("sign-1", "is cut by the page's button", |sign| sign["network"] == "cut")
        .await;
    page.close().await.unwrap();
    assert!(street.end().await.success());
}
