//! The whole street, as `make run` starts it: real platform, real broker, real signs, a real terminal with
//! real printers, real browser.
//!
//! Tests wait for what the street's own event stream says, never for a length of time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod running;
mod terminal;

use std::collections::{HashMap, HashSet};
use std::fs;

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use street::browser::{self, Browser};
use street::pictures::READY;
use tokio::process::Command;

use running::{PATIENCE, Running, STREET, device};

/// A report that is so late was not sent; usually they take a second.
const LATE: SignedDuration = SignedDuration::from_secs(4);

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
    street.until("every glass is lit", all_draw).await;
    street
        .until("the page printer is ready", |street| street["bench"]["a4"]["plugged"] == true)
        .await;
    let running = street.processes();
    for name in [
        "gulou-platform",
        "mosquitto",
        "gulou-sign",
        "gulou-terminal",
        "gulou-peer",
        "ippeveprinter",
        "dbus-daemon",
    ] {
        assert!(running.iter().any(|line| line.contains(name)), "{name} runs: {running:?}");
    }
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
