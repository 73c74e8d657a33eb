//! The sign over the loopback broker, on a panel made of a file.

use std::path::Path;

use drivers::surface::memory::{self, Memory, UNPLUGGED};
use embedded_graphics::geometry::OriginDimensions as _;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use sync::link::LoopbackBroker;
use sync::stream::StreamState;
use sync::{Ack, Acks, Key, SyncVector};
use sync::{
    Arrival, Board, Event as Telemetry, Health, Line, Presence, Shown, Source, Text, Unknown,
};

use super::*;

/// One sign, its platform and the wire between them, in virtual time.
struct Street {
    folder: tempfile::TempDir,
    broker: LoopbackBroker,
    platform: Link,
    sign: Option<Sign>,
    now: Moment,
    /// What the platform heard, in order.
    heard: Vec<Telemetry>,
    /// Error added to the sign's wall clock.
    skew: SignedDuration,
}

fn tenant() -> Tenant {
    "gulou".parse().unwrap()
}

fn config(state: &Path) -> Config {
    Config {
        device: "sign-7".parse().unwrap(),
        stop: "S1".into(),
        area: "350102".into(),
        languages: vec![Lang::Zh],
        panel: Panel::Led128x32,
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        state: state.to_owned(),
        fonts: crate::font::list::SYSTEM_FOLDER.into(),
        software: "test".into(),
        seed: 7,
    }
}

/// `None`, said aloud, where the Debian fonts are not installed.
async fn street() -> Option<Street> {
    let folder = tempfile::tempdir().unwrap();
    let wall: Timestamp = "2026-11-23T08:00:00+08:00".parse().unwrap();
    let now = Moment { mono: Mono(10_000), wall, clock_error_ms: Some(500) };
    let broker = LoopbackBroker::new();
    let mut platform = broker.link("platform");
    platform.connect(None);
    let sign = None;
    let skew = SignedDuration::ZERO;
    let mut street = Street { folder, broker, platform, sign, now, heard: Vec::new(), skew };
    match street.power_on().await {
        Ok(()) => {
            // It connects a random moment after its start.
            street.advance(5).await;
            Some(street)
        }
        Err(error @ FontError::Missing { .. }) => {
            crate::skipped(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

impl Street {
    async fn power_on(&mut self) -> Result<(), FontError> {
        let config = config(self.folder.path());
        let surface = Surface::Memory(Memory::open(self.panel(), config.panel.size()));
        let link = self.broker.link("sign-7");
        self.sign = Some(Sign::open(config, tenant(), link, surface, self.sign_now()).await?);
        self.settle().await;
        Ok(())
    }

    fn power_off(&mut self) {
        self.sign = None;
        self.broker.cut("sign-7");
        self.broker.heal("sign-7");
    }

    fn panel(&self) -> PathBuf {
        self.folder.path().join("panel")
    }

    fn sign_now(&self) -> Moment {
        Moment { wall: self.now.wall + self.skew, ..self.now }
    }

    async fn advance(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now.mono = self.now.mono + std::time::Duration::from_secs(1);
            self.now.wall += SignedDuration::from_secs(1);
            self.broker.set_now(self.now.mono);
            if let Some(sign) = &mut self.sign {
                let now = Moment { wall: self.now.wall + self.skew, ..self.now };
                sign.handle(now, Event::Tick).await;
            }
            self.settle().await;
        }
    }

    /// Delivers everything that is under way.
    async fn settle(&mut self) {
        loop {
            let now = self.sign_now();
            let mut quiet = true;
            while let Some(event) = self.sign.as_mut().and_then(Sign::try_next) {
                quiet = false;
                self.sign.as_mut().unwrap().handle(now, Event::Link(event)).await;
            }
            while let Some(event) = self.platform.try_next() {
                quiet = false;
                match event {
                    LinkEvent::Up { .. } => {
                        self.platform
                            .subscribe(0, vec![Topic::uplink_filter(&tenant())])
                            .await
                            .unwrap();
                    }
                    LinkEvent::Packet(packet) => self.hear(&packet).await,
                    LinkEvent::Settled { .. } | LinkEvent::Down { .. } => {}
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// Writes events down and acks them; a sync vector gets its answer.
    async fn hear(&mut self, packet: &Packet) {
        let envelope = Envelope::open(packet).unwrap();
        let acks = match (&envelope.origin, Topic::parse(&packet.topic, &tenant()).unwrap()) {
            (Some(origin), _) => {
                self.heard
                    .extend(Telemetry::parse(&envelope.kind, &packet.payload).map(Result::unwrap));
                let Key { stream, epoch, seq } = origin.key.clone();
                vec![Ack { stream, epoch, upto: seq, resend: false }]
            }
            (None, Topic::Sync(_)) => {
                let vector: SyncVector = serde_json::from_slice(&packet.payload).unwrap();
                let ack = |(stream, state): (String, StreamState)| Ack {
                    stream,
                    epoch: state.epoch,
                    upto: state.acked,
                    resend: false,
                };
                vector.streams.into_iter().map(ack).collect()
            }
            (None, _) => return,
        };
        let json = serde_json::to_vec(&Acks { acks, unknown: Unknown::new() }).unwrap();
        let packet = Packet {
            topic: Topic::Ack("sign-7".parse().unwrap()).format(&tenant()),
            payload: json.into(),
            ..Packet::default()
        };
        self.platform.send(2, packet).await.unwrap();
    }

    async fn publish(&mut self, topic: Topic, kind: &str, payload: Vec<u8>, retain: bool) {
        let (id, source, time) =
            (self.now.mono.0.to_string(), "platform".to_owned(), self.now.wall);
        let envelope = Envelope { id, source, kind: kind.to_owned(), time, origin: None };
        let packet = Packet { retain, ..envelope.seal(topic.format(&tenant()), payload) };
        self.platform.send(1, packet).await.unwrap();
        self.settle().await;
    }

    async fn publish_board(&mut self, minutes: i64) {
        let board = Board {
            stop: "S1".into(),
            name: Text::new("东街口", "Dongjiekou"),
            made_at: self.now.wall,
            expires: self.now.wall + SignedDuration::from_mins(15),
            arrivals: vec![Arrival {
                line: Line { id: "K1".into(), name: "K1".into(), colour: None },
                destination: Text::new("火车站", "Railway Station"),
                trip: "t1".into(),
                vehicle: None,
                arrives: self.now.wall + SignedDuration::from_mins(minutes),
                observed_at: self.now.wall,
                source: Source::Vehicle,
                stops_away: None,
                at_stop: false,
                unknown: Unknown::new(),
            }],
            unknown: Unknown::new(),
        };
        let json = serde_json::to_vec(&board).unwrap();
        self.publish(Topic::Board("S1".into()), "gulou.board.v1", json, true).await;
    }

    async fn publish_time(&mut self) {
        self.publish(Topic::Time, "gulou.time.v1", b"{}".to_vec(), true).await;
    }

    fn glass(&self) -> String {
        let lines = self.sign.as_ref().unwrap().page().unwrap().look.lines();
        lines.join("|").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn faults(&self) -> Vec<String> {
        self.sign.as_ref().unwrap().faults(self.sign_now())
    }

    fn shown(&self) -> Vec<&Shown> {
        let shown = self.heard.iter().map(|event| match event {
            Telemetry::Shown(shown) => Some(shown),
            _ => None,
        });
        shown.flatten().collect()
    }

    fn health(&self) -> Option<&Health> {
        self.heard.iter().rev().find_map(|event| {
            if let Telemetry::Health(health) = event { Some(health) } else { None }
        })
    }
}

#[tokio::test]
async fn a_published_board_reaches_the_pixels_and_its_proof_the_platform() {
    let Some(mut street) = street().await else { return };
    street.publish_board(12).await;
    street.advance(12).await;
    assert_eq!(street.glass(), "K1 火车站 12分");
    let panel = memory::read(street.panel()).unwrap();
    assert_eq!(panel.frame.size(), Panel::Led128x32.size());
    let hash = hex::encode(Sha256::digest(panel.frame.pixels()));
    let proof = *street.shown().last().unwrap();
    assert_eq!((proof.frame_sha256.as_str(), proof.rung.as_str()), (hash.as_str(), "prediction"));
    assert_eq!(proof.content_id, "board/S1/2026-11-23T00:00:05Z#1/1");
}

#[tokio::test]
async fn a_cut_sign_counts_on_and_is_right_again_after_one_subscribe() {
    let Some(mut street) = street().await else { return };
    street.publish_board(12).await;
    street.broker.cut("sign-7");
    street.advance(120).await;
    assert_eq!(street.glass(), "K1 火车站 约10分");
    street.publish_board(3).await;
    street.broker.heal("sign-7");
    street.advance(60).await;
    assert_eq!(street.glass(), "K1 火车站 2分");
}

#[tokio::test]
async fn after_a_power_cut_the_last_board_stands_at_once() {
    let Some(mut street) = street().await else { return };
    street.publish_board(12).await;
    street.power_off();
    street.broker.stop();
    street.advance(100).await;
    street.power_on().await.unwrap();
    assert_eq!(street.glass(), "K1 火车站 约10分");
}

#[tokio::test]
async fn a_clock_set_wrong_changes_no_minute_once_the_platform_spoke() {
    let Some(mut street) = street().await else { return };
    street.publish_board(12).await;
    street.publish_time().await;
    street.skew = SignedDuration::from_hours(-1);
    street.advance(60).await;
    assert_eq!(street.glass(), "K1 火车站 11分");
    assert_eq!(street.faults()[0], "clock is 3600 s behind the platform's, whose time counts");
    street.skew = SignedDuration::ZERO;
    assert!(!street.faults().iter().any(|fault| fault.starts_with("clock")));
}

#[tokio::test]
async fn an_unplugged_panel_is_reported_and_gets_the_page_of_the_moment_when_it_is_back() {
    let Some(mut street) = street().await else { return };
    let marker = street.folder.path().join(format!("panel{UNPLUGGED}"));
    std::fs::write(&marker, "").unwrap();
    street.publish_board(12).await;
    street.advance(61).await;
    let fault = &street.health().unwrap().faults[0];
    assert!(fault.ends_with("panel is unplugged: check its cable and its power"), "{fault}");
    std::fs::remove_file(marker).unwrap();
    street.advance(1).await;
    assert_eq!(street.glass(), "K1 火车站 11分");
    let panel = memory::read(street.panel()).unwrap();
    assert_eq!(Some(&panel.frame), street.sign.as_ref().unwrap().frame());
}

#[tokio::test]
async fn a_quiet_street_paints_nothing() {
    let Some(mut street) = street().await else { return };
    street.publish_board(12).await;
    street.advance(6).await;
    let frames = street.sign.as_ref().unwrap().frames();
    for _ in 0..4 {
        street.publish_time().await;
        street.advance(5).await;
    }
    assert_eq!(street.sign.as_ref().unwrap().frames(), frames);
}

#[tokio::test]
async fn a_sign_says_how_it_is_every_minute() {
    let Some(mut street) = street().await else { return };
    let now = street.sign_now();
    street.sign.as_mut().unwrap().handle(now, Event::Light(Ok(40.0))).await;
    street.advance(180).await;
    let reports = street.heard.iter().filter(|event| matches!(event, Telemetry::Health(_))).count();
    assert!((3..=4).contains(&reports), "{reports}");
    let faults = &street.health().unwrap().faults;
    assert_eq!(*faults, ["no timetable: nothing to fall back to"]);
}

#[tokio::test]
async fn an_unknown_command_is_rejected_and_a_screenshot_names_the_frame() {
    let Some(mut street) = street().await else { return };
    for (id, kind) in [("1", "dance"), ("2", "screenshot")] {
        let command = Command {
            id: id.into(),
            kind: kind.into(),
            args: serde_json::Value::Null,
            issued_at: street.now.wall,
            expires: street.now.wall + SignedDuration::from_mins(1),
            once: false,
            unknown: Unknown::new(),
        };
        let json = serde_json::to_vec(&command).unwrap();
        street
            .publish(Topic::Command("sign-7".parse().unwrap()), "gulou.order.v1", json, false)
            .await;
    }
    street.advance(2).await;
    let last = |id: &str| {
        let statuses = street.heard.iter().rev();
        let mut statuses = statuses.filter_map(|event| {
            if let Telemetry::Command(status) = event { Some(status) } else { None }
        });
        statuses.find(|status| status.id == id).unwrap().clone()
    };
    assert_eq!((last("1").state, last("2").state), (CommandState::Rejected, CommandState::Done));
    let hash = hex::encode(Sha256::digest(street.sign.as_ref().unwrap().frame().unwrap().pixels()));
    assert!(last("2").detail.starts_with(&hash));
}

#[tokio::test]
async fn its_birth_names_its_stop_and_panel() {
    let Some(street) = street().await else { return };
    let topic = Topic::Presence("sign-7".parse().unwrap()).format(&tenant());
    let presence: Presence =
        serde_json::from_slice(&street.broker.retained(&topic).unwrap().payload).unwrap();
    assert_eq!((presence.role.as_str(), presence.stop), ("sign", Some("S1".into())));
    assert_eq!(presence.capabilities, ["led-128x32"]);
}
