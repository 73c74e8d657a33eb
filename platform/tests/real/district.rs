//! A platform of its own for each test, and devices that only know how to speak on the wire.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser as _;
use jiff::Timestamp;
use platform::config::{Arguments, Config};
use platform::run::Platform;
use sync::envelope::{Envelope, Origin};
use sync::identity::{self, Identity};
use sync::link::{Link, LinkEvent, MqttConfig, TlsFiles};
use sync::presence::PresenceState;
use sync::{Acks, Clock, DeviceId, Key, Packet, Presence, SyncVector, Tenant, Topic, Unknown};

/// How long a device waits for an ack before it says its events again.
const RESEND: Duration = Duration::from_secs(2);
/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A running platform in a folder of its own.
pub(crate) struct District {
    pub(crate) platform: Platform,
    pub(crate) folder: PathBuf,
    mqtt_port: u16,
    options: Vec<String>,
    http: reqwest::Client,
    _temporary: tempfile::TempDir,
}

/// `false`, with a line that says so, where Mosquitto is not installed.
pub(crate) fn has_mosquitto() -> bool {
    let there = Path::new("/usr/sbin/mosquitto").exists();
    if !there {
        println!("skipped: mosquitto is not installed (apt-get install mosquitto)");
    }
    there
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn tenant() -> Tenant {
    "gulou".parse().unwrap()
}

impl District {
    pub(crate) async fn start(options: &[&str]) -> District {
        Self::start_in(tempfile::tempdir().unwrap(), free_port(), options).await
    }

    /// In a folder where something lies already, with devices sent to the broker on `mqtt_port`.
    pub(crate) async fn start_in(
        temporary: tempfile::TempDir,
        mqtt_port: u16,
        options: &[&str],
    ) -> District {
        let folder = temporary.path().join("data");
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let platform = start(&folder, mqtt_port, &options).await;
        let http = reqwest::Client::new();
        let district =
            District { platform, folder, mqtt_port, options, http, _temporary: temporary };
        district.until("/healthz", |health| health["status"] == "ok").await;
        district
    }

    /// Ends the platform and starts it again on the same folder.
    pub(crate) async fn restart(self) -> District {
        self.platform.stop().await;
        let platform = start(&self.folder, self.mqtt_port, &self.options).await;
        let district = District { platform, ..self };
        district.until("/healthz", |health| health["status"] == "ok").await;
        district
    }

    pub(crate) fn mqtt_port(&self) -> u16 {
        self.mqtt_port
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.platform.http)
    }

    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.folder.join("operator.token")).unwrap().trim().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> serde_json::Value {
        self.get(path).await.json().await.unwrap()
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        let request = self.http.post(self.url(path)).bearer_auth(self.token());
        request.body(body).send().await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> reqwest::Response {
        self.http.delete(self.url(path)).bearer_auth(self.token()).send().await.unwrap()
    }

    /// Asks again and again until the answer is as wanted.
    pub(crate) async fn until(
        &self,
        path: &str,
        wanted: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let mut last = serde_json::Value::Null;
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        let asking = async {
            loop {
                pause.tick().await;
                last = self.json(path).await;
                if wanted(&last) {
                    return;
                }
            }
        };
        let came = tokio::time::timeout(PATIENCE, asking).await;
        assert!(came.is_ok(), "{path} stayed {last}");
        last
    }

    /// Registers a device, enrols it over HTTPS and connects it.
    pub(crate) async fn device(&self, name: &str) -> Device {
        let identity = self.identity(name, "sign").await;
        Device::connect(identity.device.clone(), &identity, self.mqtt_port).await
    }

    /// Registers a device and enrols it over HTTPS.
    pub(crate) async fn identity(&self, name: &str, role: &str) -> Identity {
        let body = serde_json::json!({ "device": name, "role": role, "stop": "S1" });
        let registered = self.post("/api/devices", body.to_string()).await;
        assert_eq!(registered.status(), 201);
        let registered: serde_json::Value = registered.json().await.unwrap();
        let provision = registered["provision"].as_str().unwrap().parse().unwrap();
        let device: DeviceId = name.parse().unwrap();
        let state = self.folder.join("devices").join(name);
        let now = Clock::new(Timestamp::UNIX_EPOCH).now();
        identity::enrol(&state, &device, &provision, now).await.unwrap()
    }
}

async fn start(folder: &Path, mqtt_port: u16, options: &[String]) -> Platform {
    let data = format!("--data={}", folder.display());
    let mqtt = format!("--mqtt-port={mqtt_port}");
    let content = concat!("--content=", env!("CARGO_MANIFEST_DIR"), "/../content");
    let own =
        ["gulou-platform", content, "--http=127.0.0.1:0", "--device-https=127.0.0.1:0", &data];
    let words = own.into_iter().chain(options.iter().map(String::as_str));
    let external = options.iter().any(|option| option.starts_with("--broker="));
    let words = words.chain((!external).then_some(mqtt.as_str()));
    let config = Config::check(Arguments::parse_from(words).run).unwrap();
    Platform::start(config).await.unwrap()
}

/// A device that says exactly what a test wants it to say.
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) link: Link,
    token: u64,
    /// What came while it waited for something else.
    met: VecDeque<Packet>,
}

impl Device {
    pub(crate) async fn connect(id: DeviceId, identity: &Identity, port: u16) -> Device {
        let tls = TlsFiles {
            authority: identity.authority_path(),
            certificate: identity.certificate_path(),
            key: identity.key_path(),
        };
        let config = MqttConfig {
            url: format!("mqtts://127.0.0.1:{port}"),
            client_id: id.to_string(),
            tls: Some(tls),
        };
        let mut device = Device { id, link: Link::mqtt(config), token: 0, met: VecDeque::new() };
        device.reconnect().await;
        device
    }

    /// Connects, as often as it takes, and listens to what is meant for it.
    pub(crate) async fn reconnect(&mut self) {
        let filters =
            vec![Topic::downlink_filter(&tenant(), &self.id), "gulou/1/gulou/public/#".to_owned()];
        self.met.clear();
        let connecting = async {
            loop {
                self.link.connect(None);
                match self.next().await {
                    LinkEvent::Up { .. } => break,
                    LinkEvent::Down { .. } => tokio::task::yield_now().await,
                    other => panic!("{other:?} before the link was up"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, connecting).await.unwrap();
        assert_eq!(self.subscribe(filters).await, None);
    }

    /// Connects anew until the broker does not let it in; tells why.
    pub(crate) async fn refused(&mut self) -> String {
        let connecting = async {
            loop {
                self.link.connect(None);
                match self.next().await {
                    LinkEvent::Down { reason } => return reason,
                    event => assert!(matches!(event, LinkEvent::Up { .. }), "{event:?}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, connecting).await.expect("the broker lets it in")
    }

    pub(crate) async fn next(&mut self) -> LinkEvent {
        tokio::time::timeout(PATIENCE, self.link.next()).await.expect("the link has nothing to say")
    }

    pub(crate) async fn subscribe(&mut self, filters: Vec<String>) -> Option<String> {
        self.token += 1;
        self.link.subscribe(self.token, filters).await.unwrap();
        self.settled().await
    }

    /// Publishes; tells whether and why the broker refused.
    pub(crate) async fn publish(&mut self, packet: Packet) -> Option<String> {
        self.token += 1;
        self.link.send(self.token, packet).await.unwrap();
        self.settled().await
    }

    async fn settled(&mut self) -> Option<String> {
        loop {
            match self.next().await {
                LinkEvent::Settled { token, refused } if token == self.token => {
                    return refused.map(|refused| refused.to_string());
                }
                LinkEvent::Packet(packet) => self.met.push_back(packet),
                LinkEvent::Down { reason } => return Some(reason),
                _ => {}
            }
        }
    }

    /// The next packet on this topic.
    pub(crate) async fn hear(&mut self, topic: &Topic) -> Packet {
        let topic = topic.format(&tenant());
        while let Some(packet) = self.met.pop_front() {
            if packet.topic == topic {
                return packet;
            }
        }
        loop {
            match self.next().await {
                LinkEvent::Packet(packet) if packet.topic == topic => return packet,
                LinkEvent::Down { reason } => panic!("down while waiting for {topic}: {reason}"),
                _ => {}
            }
        }
    }

    /// Acks until this device's `events` are durable up to `upto`.
    pub(crate) async fn acked(&mut self, upto: u64) {
        loop {
            let packet = self.hear(&Topic::Ack(self.id.clone())).await;
            let acks: Acks = serde_json::from_slice(&packet.payload).unwrap();
            if acks.acks.iter().any(|ack| ack.upto >= upto) {
                return;
            }
        }
    }

    pub(crate) async fn say(&mut self, seq: u64, kind: &str, payload: &str) {
        assert_eq!(self.publish(event(&self.id, seq, kind, payload)).await, None);
    }

    /// Says events again and again, as a device does, until the platform has the last of them.
    pub(crate) async fn deliver(&mut self, events: &[(u64, &str, &str)]) {
        let last = events.last().unwrap().0;
        for _ in 0..20 {
            for (seq, kind, payload) in events {
                self.say(*seq, kind, payload).await;
            }
            if tokio::time::timeout(RESEND, self.acked(last)).await.is_ok() {
                return;
            }
        }
        panic!("event {last} is never acked");
    }

    pub(crate) async fn come_online(&mut self, session: u64) {
        let presence = Presence {
            state: PresenceState::Online,
            session,
            boot_id: "b".into(),
            role: "sign".into(),
            software: "1".into(),
            stop: Some("S1".into()),
            capabilities: vec![],
            unknown: Unknown::new(),
        };
        let payload = serde_json::to_vec(&presence).unwrap();
        let packet = plain(&Topic::Presence(self.id.clone()), "gulou.presence.v1", payload);
        assert_eq!(self.publish(Packet { retain: true, ..packet }).await, None);
        let payload = serde_json::to_vec(&SyncVector::default()).unwrap();
        let packet = plain(&Topic::Sync(self.id.clone()), "gulou.sync.v1", payload);
        assert_eq!(self.publish(packet).await, None);
    }
}

fn plain(topic: &Topic, kind: &str, payload: Vec<u8>) -> Packet {
    envelope(kind, None).seal(topic.format(&tenant()), payload)
}

/// Event `seq` of the stream `events`.
pub(crate) fn event(device: &DeviceId, seq: u64, kind: &str, payload: &str) -> Packet {
    let origin = Origin {
        key: Key { stream: "events".into(), epoch: 1, seq },
        gap_from: None,
        boot_id: "b".into(),
        mono_ms: seq,
        clock_error_ms: Some(500),
    };
    let topic = Topic::Stream(device.clone(), "events".into());
    envelope(kind, Some(origin)).seal(topic.format(&tenant()), payload.to_owned())
}

fn envelope(kind: &str, origin: Option<Origin>) -> Envelope {
    Envelope {
        id: "1".into(),
        source: "device".into(),
        kind: kind.into(),
        time: "2026-11-23T08:00:00Z".parse().unwrap(),
        origin,
    }
}

pub(crate) const HEALTH: &str = r#"{"uptime_s":1,"outbox_rows":0}"#;
