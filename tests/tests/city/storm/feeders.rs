//! Devices that post numbered events, as processes that can be killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tests::stage::{self, PATIENCE, Platform};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Most events of one answer.
const PAGE: usize = 500;

pub(super) struct Feeder {
    name: String,
    arguments: Vec<String>,
    process: Child,
    log: PathBuf,
}

/// What a feeder posts.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) events: u64,
    /// Between two of them.
    pub(super) pace: Duration,
    /// Room of its outbox; in a small one events are dropped, and declared.
    pub(super) outbox_bytes: Option<u64>,
}

/// What the platform holds under one number of a stream.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) epoch: u64,
    pub(super) seq: u64,
    pub(super) gap_from: Option<u64>,
    /// The number that the feeder wrote into it.
    pub(super) number: Option<u64>,
}

impl Feeder {
    /// Registers a device and lets it post its load.
    pub(super) async fn start(
        platform: &Platform,
        folder: &Path,
        name: &str,
        load: Load,
    ) -> Feeder {
        let provision =
            platform.register(name, "pole", None).await.expect("the platform takes a device");
        let state = folder.join(name).display().to_string();
        let mut arguments = vec![
            format!("--device={name}"),
            format!("--state={state}"),
            format!("--provision={provision}"),
            format!("--events={}", load.events),
            format!("--pace-ms={}", load.pace.as_millis()),
        ];
        arguments.extend(load.outbox_bytes.map(|bytes| format!("--outbox-bytes={bytes}")));
        let log = folder.join(format!("{name}.log"));
        Feeder { name: name.to_owned(), process: launch(&arguments, &log), arguments, log }
    }

    /// Kills it with `kill -9` and starts it again.
    pub(super) async fn kill(&mut self) {
        self.process.kill().await.expect("it is our child");
        self.process = launch(&self.arguments, &self.log);
    }

    /// Until it has heard that all its events are in the platform's database.
    pub(super) async fn done(&mut self) {
        let ended = timeout(PATIENCE, self.process.wait()).await;
        let done = ended.is_ok_and(|status| status.is_ok_and(|status| status.success()));
        assert!(
            done,
            "{} is stuck or failed; its log ends:\n{}",
            self.name,
            stage::tail(&self.log)
        );
    }

    /// Its stream as the platform's database holds it, oldest first.
    pub(super) async fn events(&self, platform: &Platform) -> Vec<Event> {
        let path = format!("/api/devices/{}/events?stream=events&limit={PAGE}", self.name);
        let mut before = String::new();
        let mut events = Vec::new();
        loop {
            let page =
                platform.get(&format!("{path}{before}")).await.expect("the platform answers");
            events.extend(page["events"].as_array().expect("events").iter().map(event));
            let Some(next) = page["next"].as_str() else { break };
            before = format!("&before={next}");
        }
        events.reverse();
        events
    }
}

fn launch(arguments: &[String], log: &Path) -> Child {
    let mut command = Command::new(stage::binary("gulou-feeder").expect("make builds it"));
    command.args(arguments);
    stage::spawn(command, log).expect("the feeder starts")
}

fn event(row: &Value) -> Event {
    Event {
        epoch: row["epoch"].as_u64().expect("epoch"),
        seq: row["seq"].as_u64().expect("seq"),
        gap_from: row["gap_from"].as_u64(),
        number: row["payload"]["uptime_s"].as_u64(),
    }
}
