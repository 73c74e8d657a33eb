//! The link and the courier against a real Mosquitto, on a free port of this machine.

#![expect(clippy::unwrap_used, reason = "a panic is how it says what went wrong")]

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use sync::link::PIPELINE_MAX;
use sync::{
    Accept, Acks, Class, Clock, Config, Courier, Cursor, Draft, Envelope, Limits, Link, LinkEvent,
    MqttConfig, Packet, Refusal, SyncVector, Tenant, Topic, Unknown,
};

/// Where Debian puts the broker; `/usr/sbin` is not on every path.
const PROGRAM: &str = "/usr/sbin/mosquitto";

/// A broker that dies with its test.
struct Mosquitto {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Mosquitto {
    /// `None`, and a word about it, where Mosquitto is not installed.
    fn start(more: &str) -> Option<Self> {
        if !std::path::Path::new(PROGRAM).exists() {
            println!("skipped: mosquitto is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut text =
            format!("listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n");
        writeln!(text, "max_inflight_messages 0\nmax_queued_messages 0\n{more}").unwrap();
        let text = text.replace("FOLDER", folder.path().to_str().unwrap());
        std::fs::write(folder.path().join("conf"), text).unwrap();
        let rules = "pattern write up/%c/#\npattern read down/%c/#\n";
        std::fs::write(folder.path().join("acl"), rules).unwrap();
        Some(Self { child: spawn(folder.path()), port, folder })
    }

    fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(self.folder.path());
    }

    fn link(&self, client: &str) -> Link {
        let url = format!("mqtt://127.0.0.1:{}", self.port);
        Link::mqtt(MqttConfig { url, client_id: client.into(), tls: None })
    }

    /// A link that is connected and has subscribed.
    async fn up(&self, client: &str, will: Option<Packet>, filters: &[&str]) -> Link {
        let mut link = self.link(client);
        while !matches!(
            {
                link.connect(will.clone());
                link.next().await
            },
            LinkEvent::Up { .. }
        ) {}
        if filters.is_empty() {
            return link;
        }
        link.subscribe(0, filters.iter().map(|&filter| filter.to_owned()).collect()).await.unwrap();
        assert_eq!(settled(&mut link).await, (0, None));
        link
    }
}

fn spawn(folder: &std::path::Path) -> Child {
    let mut command = Command::new(PROGRAM);
    command.arg("-c").arg(folder.join("conf")).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

async fn settled(link: &mut Link) -> (u64, Option<Refusal>) {
    loop {
        match link.next().await {
            LinkEvent::Settled { token, refused } => return (token, refused),
            LinkEvent::Down { reason } => panic!("{reason}"),
            _ => {}
        }
    }
}

async fn packet(link: &mut Link) -> Packet {
    loop {
        match link.next().await {
            LinkEvent::Packet(packet) => return packet,
            LinkEvent::Down { reason } => panic!("{reason}"),
            _ => {}
        }
    }
}

fn to(topic: &str, payload: &'static str) -> Packet {
    Packet { topic: topic.into(), payload: payload.into(), ..Packet::default() }
}

#[tokio::test]
async fn a_packet_arrives_as_it_was_sent() {
    let Some(broker) = Mosquitto::start("") else { return };
    let mut platform = broker.up("platform", None, &["a/#"]).await;
    let mut sign = broker.up("sign-7", None, &[]).await;
    let sent = Packet {
        properties: vec![("specversion".into(), "1.0".into()), ("id".into(), "鼓楼".into())],
        content_type: Some("application/json".into()),
        ..to("a/b", "{}")
    };
    sign.send(1, sent.clone()).await.unwrap();
    assert_eq!(settled(&mut sign).await, (1, None));
    assert_eq!(packet(&mut platform).await, sent);
}

#[tokio::test]
async fn retained_state_and_its_expiry_reach_a_late_subscriber() {
    let Some(broker) = Mosquitto::start("") else { return };
    let mut platform = broker.up("platform", None, &[]).await;
    let board = Packet { retain: true, expiry: Some(Duration::from_mins(10)), ..to("board", "x") };
    platform.send(1, board).await.unwrap();
    settled(&mut platform).await;
    let mut sign = broker.up("sign-7", None, &[]).await;
    sign.subscribe(0, vec!["board".into()]).await.unwrap();
    let heard = packet(&mut sign).await;
    assert!(heard.retain);
    assert!(heard.expiry.unwrap() > Duration::from_mins(9));
}

#[tokio::test]
async fn the_will_speaks_when_the_process_is_gone_and_not_after_a_goodbye() {
    let Some(broker) = Mosquitto::start("") else { return };
    let mut platform = broker.up("platform", None, &["presence", "end"]).await;
    let mut polite = broker.up("sign-7", Some(to("presence", "seven")), &[]).await;
    polite.disconnect().await;
    assert_eq!(polite.next().await, LinkEvent::Down { reason: "disconnected".into() });
    drop(broker.up("sign-8", Some(to("presence", "eight")), &[]).await);
    assert_eq!(packet(&mut platform).await.payload, "eight");
}

#[tokio::test]
async fn what_the_access_rules_forbid_is_refused_by_name() {
    let Some(broker) = Mosquitto::start("acl_file FOLDER/acl") else { return };
    // Mosquitto 2.0.11 answers, and then now and then ends the connection before the answer is out.
    for _ in 0..20 {
        let mut sign = broker.up("sign-7", None, &["down/sign-7/#"]).await;
        sign.send(1, to("up/sign-7/presence", "mine")).await.unwrap();
        assert_eq!(settled(&mut sign).await, (1, None));
        sign.send(2, to("up/sign-8/presence", "another's")).await.unwrap();
        match sign.next().await {
            LinkEvent::Down { .. } => {}
            LinkEvent::Settled { token, refused } => {
                return assert_eq!((token, refused), (2, Some(Refusal::NotAuthorised)));
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the broker never says why");
}

#[tokio::test]
async fn a_packet_above_the_brokers_limit_is_refused_and_the_link_stays_up() {
    let Some(broker) = Mosquitto::start("max_packet_size 2000") else { return };
    let mut sign = broker.up("sign-7", None, &[]).await;
    sign.send(1, Packet { payload: vec![b'x'; 3000].into(), ..to("a", "") }).await.unwrap();
    assert_eq!(settled(&mut sign).await, (1, Some(Refusal::TooLarge)));
    sign.send(2, to("a", "small")).await.unwrap();
    assert_eq!(settled(&mut sign).await, (2, None));
}

#[tokio::test]
async fn ten_thousand_boards_go_out_in_one_breath() {
    let Some(broker) = Mosquitto::start("") else { return };
    let mut platform = broker.up("platform", None, &[]).await;
    let count = 10 * u64::try_from(PIPELINE_MAX).unwrap();
    for token in 1..=count {
        let board = Packet { retain: true, ..to(&format!("board/{token}"), "{}") };
        platform.send(token, board).await.unwrap();
    }
    let mut tokens = Vec::new();
    while tokens.len() < usize::try_from(count).unwrap() {
        tokens.push(settled(&mut platform).await.0);
    }
    tokens.sort_unstable();
    assert!(tokens.iter().copied().eq(1..=count));
}

#[tokio::test]
async fn a_dead_broker_takes_the_link_down_and_a_new_one_takes_it_up() {
    let Some(mut broker) = Mosquitto::start("") else { return };
    let mut sign = broker.up("sign-7", None, &[]).await;
    broker.restart();
    while !matches!(sign.next().await, LinkEvent::Down { .. }) {}
    let mut sign = broker.up("sign-7", None, &[]).await;
    sign.send(1, to("a", "x")).await.unwrap();
    assert_eq!(settled(&mut sign).await, (1, None));
}

/// Answers a courier as the platform does, until `count` events took effect.
async fn take_events(link: &mut Link, count: usize) -> Vec<Bytes> {
    let (mut cursor, mut effects) = (Cursor::default(), Vec::new());
    while effects.len() < count {
        let packet = packet(link).await;
        let ack = match Topic::parse(&packet.topic, &tenant()).unwrap() {
            Topic::Sync(_) => {
                let vector: SyncVector = serde_json::from_slice(&packet.payload).unwrap();
                vector.streams.iter().map(|(name, state)| cursor.answer(name, *state)).collect()
            }
            Topic::Stream(..) => {
                let origin = Envelope::open(&packet).unwrap().origin.unwrap();
                let accept = cursor.accept(origin.key.epoch, origin.key.seq, origin.gap_from);
                if matches!(accept, Accept::Apply | Accept::NewEpoch) {
                    effects.push(packet.payload);
                }
                vec![cursor.ack(&origin.key.stream, accept == Accept::Missing)]
            }
            _ => continue,
        };
        let payload = serde_json::to_vec(&Acks { acks: ack, unknown: Unknown::new() }).unwrap();
        let topic = Topic::Ack("sign-7".parse().unwrap()).format(&tenant());
        let ack = Packet { topic, payload: payload.into(), ..Packet::default() };
        link.send(1, ack).await.unwrap();
    }
    effects
}

fn tenant() -> Tenant {
    "gulou".parse().unwrap()
}

/// Drives a courier as a shell does, until nothing waits.
async fn drive(courier: &mut Courier, clock: &Clock) {
    while courier.stats().rows > 0 {
        let deadline = courier.next_deadline().since(clock.now().mono);
        match tokio::time::timeout(deadline, courier.next()).await {
            Ok(event) => drop(courier.handle(clock.now(), event).await.unwrap()),
            Err(_) => drop(courier.tick(clock.now()).await.unwrap()),
        }
    }
}

#[tokio::test]
async fn a_courier_hands_over_what_it_owes_even_when_the_broker_dies_on_the_way() {
    let Some(mut broker) = Mosquitto::start("") else { return };
    let clock = Clock::new("2020-01-01T00:00:00Z".parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        tenant: tenant(),
        device: "sign-7".parse().unwrap(),
        role: "sign".into(),
        software: "1".into(),
        stop: None,
        capabilities: vec![],
        areas: vec![],
        boards: vec!["S1".into()],
        folder: folder.path().to_owned(),
        limits: Limits::default(),
        seed: 1,
    };
    let link = broker.link("sign-7");
    let mut courier = Courier::open(config, link, clock.now()).await.unwrap();
    let draft = |n: u32| Draft {
        stream: "events".into(),
        class: Class::Critical,
        kind: "gulou.health.v1".into(),
        payload: n.to_string().into(),
    };
    courier.post(clock.now(), (0..2000).map(draft).collect()).await.unwrap();

    let filter = Topic::uplink_filter(&tenant());
    let mut platform = broker.up("platform", None, &[&filter]).await;
    let (effects, ()) = tokio::join!(take_events(&mut platform, 2000), drive(&mut courier, &clock));
    let expected: Vec<Bytes> = (0..2000).map(|n: u32| n.to_string().into()).collect();
    assert_eq!(effects, expected);

    courier.post(clock.now(), (2000..3000).map(draft).collect()).await.unwrap();
    broker.restart();
    let mut platform = broker.up("platform", None, &[&filter]).await;
    let again = async {
        let effects = take_events(&mut platform, 1000).await;
        // A cursor that starts over at 0 makes the device number what waits from 1.
        let expected: Vec<Bytes> = (2000..3000).map(|n: u32| n.to_string().into()).collect();
        assert_eq!(effects, expected);
    };
    tokio::join!(again, drive(&mut courier, &clock));
}
