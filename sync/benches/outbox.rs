//! How fast a device hands over what it owes: from a post to the freed row, over the loopback.
//!
//! Every post is fsynced, on the disk that holds the system's temporary folder.

#![expect(clippy::unwrap_used, reason = "a panic is how it says what went wrong")]

use std::path::Path;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use sync::link::LoopbackBroker;
use sync::{
    Acks, Config, Courier, Cursor, DeviceId, Draft, Envelope, Limits, Link, LinkEvent, Moment,
    Mono, Outbox, Packet, SyncVector, Tenant, Topic,
};
use tokio::runtime::{Builder, Runtime};

/// Events of one run.
const EVENTS: u64 = 20_000;
/// Drafts of one post: what a busy device gathers in a tenth of a second.
const BATCH: u64 = 200;
/// Rows that wait after a long outage.
const BACKLOG: u64 = 100_000;
/// The payload of a page that was shown is about as long.
const PAYLOAD_BYTES: usize = 300;

fn main() {
    println!("goals: post_send_ack >= 10,000 items/s, drain >= 5,000 items/s");
    divan::main();
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn post_send_ack(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| runtime.block_on(Street::new(tempfile::tempdir().unwrap())))
        .bench_local_values(|mut street| runtime.block_on(street.post_and_hand_over(EVENTS)));
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn drain(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    bencher
        .counter(ItemsCount::new(BACKLOG))
        .with_inputs(|| {
            let folder = tempfile::tempdir().unwrap();
            runtime.block_on(fill(folder.path()));
            runtime.block_on(Street::new(folder))
        })
        .bench_local_values(|mut street| runtime.block_on(street.hand_over()));
}

/// What the disk alone allows: posts without anyone who listens.
#[divan::bench(sample_count = 5, sample_size = 1, args = [1, 20, 200, 2000])]
fn post(bencher: Bencher<'_, '_>, batch: u64) {
    let runtime = runtime();
    let count = (batch * 100).min(EVENTS);
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| {
            let folder = tempfile::tempdir().unwrap();
            let outbox = Outbox::open(folder.path(), Limits::default(), "boot", now());
            (runtime.block_on(outbox).unwrap(), folder)
        })
        .bench_local_values(|(mut outbox, folder)| {
            for _ in 0..count / batch {
                runtime.block_on(outbox.post(now(), drafts(batch))).unwrap();
            }
            (outbox, folder)
        });
}

/// A device and a platform that keeps its cursor in memory.
struct Street {
    courier: Courier,
    platform: Link,
    cursor: Cursor,
    _folder: tempfile::TempDir,
}

impl Street {
    async fn new(folder: tempfile::TempDir) -> Self {
        let broker = LoopbackBroker::new();
        let mut platform = broker.link("platform");
        platform.connect(None);
        platform.next().await;
        platform.subscribe(0, vec![Topic::uplink_filter(&tenant())]).await.unwrap();
        let link = broker.link(device().as_str());
        let courier = Courier::open(config(folder.path()), link, now()).await.unwrap();
        let mut street = Self { courier, platform, cursor: Cursor::default(), _folder: folder };
        street
            .courier
            .tick(Moment { mono: street.courier.next_deadline(), ..now() })
            .await
            .unwrap();
        street
    }

    async fn post_and_hand_over(&mut self, count: u64) -> u64 {
        for _ in 0..count / BATCH {
            self.courier.post(now(), drafts(BATCH)).await.unwrap();
            self.turn().await;
        }
        self.hand_over().await
    }

    async fn hand_over(&mut self) -> u64 {
        while self.courier.stats().rows > 0 {
            self.turn().await;
        }
        black_box(self.cursor.last)
    }

    /// Lets both sides read what waits for them; the platform answers once for all of it.
    async fn turn(&mut self) {
        let mut heard = false;
        while let Some(event) = self.platform.try_next() {
            if let LinkEvent::Packet(packet) = event {
                heard |= self.hear(&packet).await;
            }
        }
        if heard {
            self.answer(vec![self.cursor.ack("events", false)]).await;
        }
        while let Some(event) = self.courier.try_next() {
            self.courier.handle(now(), event).await.unwrap();
        }
    }

    async fn hear(&mut self, packet: &Packet) -> bool {
        match Topic::parse(&packet.topic, &tenant()).unwrap() {
            Topic::Sync(_) => {
                let vector: SyncVector = serde_json::from_slice(&packet.payload).unwrap();
                let streams = vector.streams.iter();
                let answers = streams.map(|(name, state)| self.cursor.answer(name, *state));
                self.answer(answers.collect()).await;
                false
            }
            Topic::Stream(..) => {
                let origin = Envelope::open(packet).unwrap().origin.unwrap();
                self.cursor.accept(origin.key.epoch, origin.key.seq, origin.gap_from);
                true
            }
            _ => false,
        }
    }

    async fn answer(&mut self, acks: Vec<sync::Ack>) {
        let acks = Acks { acks, unknown: sync::Unknown::new() };
        let topic = Topic::Ack(device()).format(&tenant());
        let payload = serde_json::to_vec(&acks).unwrap().into();
        self.platform.send(0, Packet { topic, payload, ..Packet::default() }).await.unwrap();
    }
}

async fn fill(folder: &Path) {
    let mut outbox = Outbox::open(folder, Limits::default(), "boot", now()).await.unwrap();
    for _ in 0..BACKLOG / 1000 {
        outbox.post(now(), drafts(1000)).await.unwrap();
    }
    outbox.close().await;
}

fn drafts(count: u64) -> Vec<Draft> {
    let draft = |_| Draft {
        stream: "events".into(),
        class: sync::Class::Normal,
        kind: sync::Event::SHOWN.into(),
        payload: vec![b'x'; PAYLOAD_BYTES],
    };
    (0..count).map(draft).collect()
}

fn config(folder: &Path) -> Config {
    Config {
        tenant: tenant(),
        device: device(),
        role: "sign".into(),
        software: "bench".into(),
        stop: None,
        capabilities: vec![],
        areas: vec![],
        boards: vec![],
        folder: folder.to_owned(),
        limits: Limits::default(),
        seed: 1,
    }
}

fn tenant() -> Tenant {
    "gulou".parse().unwrap()
}

fn device() -> DeviceId {
    "sign-7".parse().unwrap()
}

fn now() -> Moment {
    let wall = "2026-11-23T08:00:00Z".parse().unwrap();
    Moment { mono: Mono(1), wall, clock_error_ms: None }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
