//! A courier over the loopback broker, with a small platform that writes down what it gets.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::cursor::{Accept, Cursor};
use crate::link::LoopbackBroker;
use crate::packet::PAYLOAD_MAX;
use crate::stream::{Ack, Acks, Class};
use crate::telemetry::Event;

/// A platform with a database that never fails: cursors and effects, and nothing else.
struct Platform {
    link: Link,
    cursors: BTreeMap<String, Cursor>,
    /// Payloads in the order of their effect.
    effects: Vec<String>,
    /// Numbers that gaps account for.
    gaps: Vec<(u64, u64)>,
    births: Vec<Presence>,
}

/// One device, one broker, one platform, one clock.
struct Street {
    folder: tempfile::TempDir,
    broker: LoopbackBroker,
    platform: Platform,
    courier: Option<Courier>,
    now: Moment,
    heard: Vec<Incoming>,
}

impl Platform {
    async fn run(&mut self) {
        while let Some(event) = self.link.try_next() {
            match event {
                LinkEvent::Up { .. } => {
                    let filter = Topic::uplink_filter(&tenant());
                    self.link.subscribe(0, vec![filter]).await.unwrap();
                }
                // Once each time it is asked to run: a wire that is cut refuses at once.
                LinkEvent::Down { .. } => return self.link.connect(None),
                LinkEvent::Packet(packet) => self.packet(&packet).await,
                LinkEvent::Settled { .. } => {}
            }
        }
    }

    async fn packet(&mut self, packet: &Packet) {
        let acks = match Topic::parse(&packet.topic, &tenant()).unwrap() {
            Topic::Presence(_) => {
                self.births.push(serde_json::from_slice(&packet.payload).unwrap());
                return;
            }
            Topic::Sync(_) => {
                let vector: SyncVector = serde_json::from_slice(&packet.payload).unwrap();
                let answer = |(name, state): (&String, &_)| {
                    self.cursors.get(name).copied().unwrap_or_default().answer(name, *state)
                };
                vector.streams.iter().map(answer).collect()
            }
            Topic::Stream(..) => vec![self.event(packet)],
            _ => return,
        };
        self.ack(acks).await;
    }

    fn event(&mut self, packet: &Packet) -> Ack {
        let origin = Envelope::open(packet).unwrap().origin.unwrap();
        let cursor = self.cursors.entry(origin.key.stream.clone()).or_default();
        let before = cursor.last;
        let accept = cursor.accept(origin.key.epoch, origin.key.seq, origin.gap_from);
        match (accept, origin.gap_from) {
            (Accept::Apply | Accept::NewEpoch, None) => {
                self.effects.push(String::from_utf8(packet.payload.to_vec()).unwrap());
            }
            (Accept::Apply | Accept::NewEpoch, Some(from)) => {
                self.gaps.push((from.max(before + 1), origin.key.seq));
            }
            _ => {}
        }
        cursor.ack(&origin.key.stream, accept == Accept::Missing)
    }

    async fn ack(&mut self, acks: Vec<Ack>) {
        let acks = serde_json::to_vec(&Acks { acks, unknown: Unknown::new() }).unwrap();
        let topic = Topic::Ack(device()).format(&tenant());
        let packet = Packet { topic, payload: acks.into(), ..Packet::default() };
        self.link.send(0, packet).await.ok();
    }
}

impl Street {
    async fn new() -> Self {
        let broker = LoopbackBroker::new();
        let mut link = broker.link("platform");
        link.connect(None);
        let platform = Platform {
            link,
            cursors: BTreeMap::new(),
            effects: Vec::new(),
            gaps: Vec::new(),
            births: Vec::new(),
        };
        let wall = "2026-11-23T08:00:00Z".parse().unwrap();
        let now = Moment { mono: Mono(1_000), wall, clock_error_ms: Some(100) };
        let folder = tempfile::tempdir().unwrap();
        let mut street = Self { folder, broker, platform, courier: None, now, heard: Vec::new() };
        street.power_on(Limits::default()).await;
        street
    }

    async fn power_on(&mut self, limits: Limits) {
        let config = Config {
            tenant: tenant(),
            device: device(),
            role: "sign".into(),
            software: "1".into(),
            stop: Some("S1".into()),
            capabilities: vec![],
            areas: vec!["350102".into()],
            boards: vec!["S1".into()],
            folder: self.folder.path().to_owned(),
            limits,
            seed: 7,
        };
        let link = self.broker.link("sign-7");
        self.courier = Some(Courier::open(config, link, self.now).await.unwrap());
    }

    /// Ends the process where it stands; only what is on disk remains.
    fn power_off(&mut self) {
        drop(self.courier.take());
    }

    fn courier(&mut self) -> &mut Courier {
        self.courier.as_mut().expect("the device is on")
    }

    /// Lets everything happen that happens at once.
    async fn settle(&mut self) {
        loop {
            self.platform.run().await;
            let now = self.now;
            let Some(courier) = &mut self.courier else { return };
            let mut idle = true;
            while let Some(event) = courier.try_next() {
                self.heard.extend(courier.handle(now, event).await.unwrap());
                idle = false;
            }
            if idle {
                return;
            }
        }
    }

    async fn advance(&mut self, by: Duration) {
        let end = self.now.mono + by;
        self.settle().await;
        while self.now.mono < end {
            let deadline = self.courier.as_ref().map_or(end, Courier::next_deadline);
            let next = deadline.max(self.now.mono + Duration::from_millis(1)).min(end);
            self.now.wall += next.since(self.now.mono);
            self.now.mono = next;
            self.broker.set_now(next);
            let now = self.now;
            if let Some(courier) = &mut self.courier {
                self.heard.extend(courier.tick(now).await.unwrap());
            }
            self.settle().await;
        }
    }

    async fn post(&mut self, payloads: impl IntoIterator<Item = u32>) {
        let draft = |n: u32| Draft {
            stream: "events".into(),
            class: Class::Critical,
            kind: Event::HEALTH.into(),
            payload: n.to_string().into_bytes(),
        };
        let now = self.now;
        let drafts = payloads.into_iter().map(draft).collect();
        self.courier().post(now, drafts).await.unwrap();
    }

    /// What the platform sends to the device.
    async fn down(&mut self, topic: Topic, payload: impl Into<Bytes>) {
        let topic = topic.format(&tenant());
        let packet = Packet { topic, payload: payload.into(), ..Packet::default() };
        self.platform.link.send(0, packet).await.unwrap();
        self.settle().await;
    }

    async fn command(&mut self, id: &str, once: bool) {
        let command = Command {
            id: id.into(),
            kind: "print".into(),
            args: serde_json::Value::Null,
            issued_at: self.now.wall,
            expires: self.now.wall + Duration::from_mins(1),
            once,
            unknown: Unknown::new(),
        };
        self.down(Topic::Command(device()), serde_json::to_vec(&command).unwrap()).await;
    }

    /// Identifiers of the commands that the shell was told of since the last question.
    fn commands(&mut self) -> Vec<String> {
        let heard = std::mem::take(&mut self.heard);
        let command = |incoming| match incoming {
            Incoming::Command(command) => Some(command.id),
            _ => None,
        };
        heard.into_iter().filter_map(command).collect()
    }

    async fn finish(&mut self, id: &str, state: CommandState) -> CommandState {
        let now = self.now;
        self.courier().finish(now, id, state, "").await.unwrap()
    }
}

fn tenant() -> Tenant {
    "gulou".parse().unwrap()
}

fn device() -> DeviceId {
    "sign-7".parse().unwrap()
}

fn numbers(range: impl Iterator<Item = u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn events_arrive_once_and_in_order_and_free_the_outbox() {
    let mut street = Street::new().await;
    street.post(0..5).await;
    assert_eq!(street.platform.effects, numbers(0..0), "nothing is sent before it is connected");
    street.advance(Duration::from_secs(2)).await;
    street.post(5..4000).await;
    street.settle().await;
    assert_eq!(street.platform.effects, numbers(0..4000));
    assert_eq!(street.courier().stats().rows, 0);
}

#[tokio::test]
async fn a_cut_loses_nothing_and_doubles_nothing() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.post(0..100).await;
    street.broker.cut("sign-7");
    street.advance(Duration::from_mins(5)).await;
    street.post(100..200).await;
    street.broker.heal("sign-7");
    street.advance(Duration::from_mins(2)).await;
    assert_eq!(street.platform.effects, numbers(0..200));
    let sessions: Vec<u64> = street.platform.births.iter().map(|birth| birth.session).collect();
    assert!(sessions.is_sorted(), "{sessions:?}");
}

#[tokio::test]
async fn a_platform_that_is_back_and_says_the_time_gets_what_waited() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.broker.cut("platform");
    street.post(0..50).await;
    street.advance(Duration::from_mins(20)).await;
    street.broker.heal("platform");
    street.advance(Duration::from_secs(1)).await;
    street.down(Topic::Time, "{}").await;
    street.advance(Duration::from_secs(3)).await;
    assert_eq!(street.platform.effects, numbers(0..50));
}

#[tokio::test]
async fn a_broker_that_forgot_everything_is_told_everything_again() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.broker.forget_everything();
    street.post(0..50).await;
    street.advance(Duration::from_mins(1)).await;
    assert_eq!(street.platform.effects, numbers(0..50));
    let presence = street.broker.retained(&Topic::Presence(device()).format(&tenant())).unwrap();
    let presence: Presence = serde_json::from_slice(&presence.payload).unwrap();
    assert_eq!(presence.state, PresenceState::Online);
}

#[tokio::test]
async fn a_platform_that_lost_its_cursor_gets_a_new_epoch() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.post(0..10).await;
    street.settle().await;
    street.platform.cursors.clear();
    street.broker.cut("sign-7");
    street.broker.heal("sign-7");
    street.advance(Duration::from_mins(2)).await;
    street.post(10..20).await;
    street.advance(Duration::from_mins(1)).await;
    assert_eq!(street.platform.effects, numbers(0..20));
}

#[tokio::test]
async fn a_device_that_lost_its_outbox_starts_over_above_the_old_epoch() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.post(0..10).await;
    street.settle().await;
    street.power_off();
    for end in ["", "-wal"] {
        std::fs::remove_file(street.folder.path().join(format!("outbox.db{end}"))).ok();
    }
    // A dead battery makes the new epoch look older than the one the platform knows.
    street.now.wall = "1970-01-02T00:00:00Z".parse().unwrap();
    street.now.clock_error_ms = None;
    street.power_on(Limits::default()).await;
    street.post(10..20).await;
    street.advance(Duration::from_mins(1)).await;
    assert_eq!(street.platform.effects, numbers(0..20));
}

#[tokio::test]
async fn a_packet_no_broker_takes_becomes_a_gap_and_blocks_nothing() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.broker.refuse("sign-7", Some(crate::Refusal::TooLarge));
    street.post([0]).await;
    street.settle().await;
    street.broker.refuse("sign-7", None);
    street.post(1..4).await;
    street.advance(Duration::from_mins(1)).await;
    assert_eq!(street.platform.gaps, [(1, 1)]);
    assert_eq!(street.platform.effects, numbers(1..4));
}

#[tokio::test]
async fn a_quota_is_waited_for() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.broker.refuse("sign-7", Some(crate::Refusal::Quota));
    street.post(0..100).await;
    street.advance(Duration::from_secs(30)).await;
    assert_eq!(street.platform.effects, numbers(0..0));
    street.broker.refuse("sign-7", None);
    street.advance(Duration::from_mins(1)).await;
    assert_eq!(street.platform.effects, numbers(0..100));
}

#[tokio::test]
async fn boards_and_alerts_are_heard_and_garbage_is_counted() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.heard.clear();
    let board = r#"{"stop":"S1","name":{"zh":"东街口"},"made_at":"2026-11-23T08:00:00Z",
        "expires":"2026-11-23T08:10:00Z","arrivals":[],"later":{"field":1}}"#;
    street.down(Topic::Board("S1".into()), board).await;
    let Some(Incoming::Board(heard)) = street.heard.pop() else { panic!("no board") };
    assert_eq!(heard.unknown["later"]["field"], 1, "unknown fields are carried along");

    street.down(Topic::Board("S1".into()), "not json").await;
    street.down(Topic::Alerts("350102".into()), "[".repeat(100_000)).await;
    street.down(Topic::Command(device()), vec![b' '; PAYLOAD_MAX]).await;
    assert_eq!(street.heard.len(), 3);
    assert!(street.heard.iter().all(|heard| matches!(heard, Incoming::Refused { .. })));
    assert_eq!(street.courier().refused(), 3);
}

#[tokio::test]
async fn a_command_is_known_again_and_told_once() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.command("c1", true).await;
    street.command("c1", true).await;
    assert_eq!(street.commands(), ["c1"]);
    assert_eq!(street.finish("c1", CommandState::Running).await, CommandState::Running);
    assert_eq!(street.finish("c1", CommandState::Done).await, CommandState::Done);
    street.command("c1", true).await;
    assert_eq!(street.commands(), [""; 0]);
    let states: Vec<CommandState> = statuses(&street.platform.effects);
    assert_eq!(states, [CommandState::Received, CommandState::Running, CommandState::Done]);
}

#[tokio::test]
async fn what_must_not_run_twice_ends_unknown_after_a_crash() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.command("print", true).await;
    street.command("lamp", false).await;
    street.command("door", true).await;
    street.finish("print", CommandState::Running).await;
    street.finish("lamp", CommandState::Running).await;
    street.power_off();
    street.heard.clear();
    street.power_on(Limits::default()).await;
    street.advance(Duration::from_secs(5)).await;
    assert_eq!(street.commands(), ["door", "lamp"], "the door had not started, the lamp may again");
    let last = statuses(&street.platform.effects);
    assert_eq!(last[last.len() - 2..], [CommandState::Received, CommandState::Unknown]);
}

#[tokio::test]
async fn a_command_that_waited_too_long_does_not_start() {
    let mut street = Street::new().await;
    street.advance(Duration::from_secs(2)).await;
    street.now.clock_error_ms = None;
    street.command("c1", false).await;
    street.advance(Duration::from_secs(61)).await;
    assert_eq!(street.finish("c1", CommandState::Running).await, CommandState::Expired);
}

fn statuses(effects: &[String]) -> Vec<CommandState> {
    let status = |text: &String| serde_json::from_str::<crate::CommandStatus>(text).unwrap().state;
    effects.iter().map(status).collect()
}
