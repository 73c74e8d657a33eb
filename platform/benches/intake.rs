//! Bench (d): events made durable and acked per second, and how long an ack takes at its 99th percentile.
//!
//! The real intake on a real database; only the broker is left out. Devices behave as the outbox does:
//! each has at most a window of events open, and sends the next when an ack frees one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::sys::resource::{UsageWho, getrusage};
use platform::intake::Intake;
use platform::publish::Outgoing;
use platform::store::Store;
use platform::wire::{Arrived, INTAKE_MAX, OUTGOING_MAX};
use sync::envelope::{Envelope, Origin};
use sync::{Acks, Clock, DeviceId, Event, Key, Packet, Tenant, Topic};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

#[path = "../tests/real/postgres.rs"]
mod postgres;

/// Devices, and events each may have open: the outbox's own window.
const DEVICES: usize = 100;
const WINDOW: usize = 32;
/// Events of one run.
const EVENTS: u32 = 200_000;
/// What a device says: a page that stood on the glass.
const PAYLOAD: &str = r#"{"frame_sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","content_id":"board:S1:17","rung":"prediction","lines":["K1 火车站 3分","5 五四路 即将到站"]}"#;

#[tokio::main]
async fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return; // `cargo test --benches` only wants to know that it builds.
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("platform.db").display());
    report("SQLite", 10_000, &Store::open(&url).await.expect("a new file")).await;
    if let Some(server) = postgres::Postgres::start() {
        server.ready().await;
        let store = Store::open(&server.url()).await.expect("our own server");
        report("PostgreSQL", 15_000, &store).await;
        store.close().await;
    }
}

async fn report(name: &str, goal: u32, store: &Store) {
    let full = run(store, "full", None).await;
    println!(
        "{name:<10} as fast as it goes: {:>7.0} events/s (goal {goal}), {:.2} cores of this process, ack p50 {:?} p99 {:?}",
        full.per_second(),
        full.cpu.as_secs_f64() / full.took.as_secs_f64(),
        full.percentile(50),
        full.percentile(99),
    );
    let calm = run(store, "calm", Some(goal / 2)).await;
    println!(
        "{name:<10} at half the goal:   {:>7.0} events/s, ack p50 {:?} p99 {:?}",
        calm.per_second(),
        calm.percentile(50),
        calm.percentile(99),
    );
}

struct Run {
    took: Duration,
    cpu: Duration,
    /// From a packet's arrival to its ack, ascending.
    waits: Vec<Duration>,
}

impl Run {
    fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.waits.len()).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.waits[(self.waits.len() - 1) * percent / 100]
    }
}

/// One device's side: what is open, and what comes next.
struct Sender {
    id: DeviceId,
    next: u64,
    open: VecDeque<Instant>,
}

/// Sends [`EVENTS`] events; no faster than `pace` events a second, where one is given.
async fn run(store: &Store, name: &str, pace: Option<u32>) -> Run {
    let tenant: Tenant = "gulou".parse().expect("a plain name");
    let (arrived, packets) = mpsc::channel(INTAKE_MAX);
    let (outgoing, mut published) = mpsc::channel(OUTGOING_MAX);
    let (fleet, _requests) = mpsc::channel(1);
    let (metrics, press) = (Arc::default(), platform::news::Press::default());
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let (store, own) = (store.clone(), tenant.clone());
    let owed = Arc::default();
    let intake =
        Intake { store, tenant: own, packets, outgoing, fleet, press, owed, metrics, clock };
    let stop = CancellationToken::new();
    let intake = tokio::spawn(intake.run(stop.clone()));

    let ids = (0..DEVICES).map(|n| format!("{name}-{n}").parse().expect("a plain name"));
    let mut senders: Vec<Sender> =
        ids.map(|id| Sender { id, next: 1, open: VecDeque::new() }).collect();
    let index: HashMap<String, usize> = senders
        .iter()
        .enumerate()
        .map(|(n, sender)| (Topic::Ack(sender.id.clone()).format(&tenant), n))
        .collect();
    let (begun, cpu) = (now(), cpu());
    let mut waits = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let total = pace.map_or(EVENTS, |pace| pace * 10);
    let mut sent: u32 = 0;
    while waits.len() < total as usize {
        let due = |pace: u32| (now() - begun).as_secs_f64() * f64::from(pace);
        let allowed = pace.map_or(f64::INFINITY, due).min(f64::from(total));
        for sender in &mut senders {
            while sender.open.len() < WINDOW && f64::from(sent) < allowed {
                let packet = event(&tenant, &sender.id, sender.next);
                let at = tokio::time::Instant::from_std(now());
                if arrived.try_send(Arrived { packet, at }).is_err() {
                    break;
                }
                sender.open.push_back(at.into_std());
                sender.next += 1;
                sent += 1;
                if pace.is_some() {
                    break;
                }
            }
        }
        let answer = tokio::select! {
            answer = published.recv() => answer.expect("the intake runs"),
            _ = ticks.tick() => continue,
        };
        let mut answer = Some(answer);
        while let Some(Outgoing::Answer(packet)) = answer {
            let sender = &mut senders[index[&packet.topic]];
            let acks: Acks = serde_json::from_slice(&packet.payload).expect("acks");
            let still_open =
                usize::try_from(sender.next - 1 - acks.acks[0].upto).expect("a window");
            let (now, freed) = (now(), sender.open.len() - still_open);
            waits.extend(sender.open.drain(..freed).map(|at| now - at));
            answer = published.try_recv().ok();
        }
    }
    let took = now() - begun;
    stop.cancel();
    intake.await.expect("the intake ends in peace");
    waits.sort_unstable();
    Run { took, cpu: self::cpu().saturating_sub(cpu), waits }
}

fn event(tenant: &Tenant, device: &DeviceId, seq: u64) -> Packet {
    let key = Key { stream: "events".into(), epoch: 1, seq };
    let origin = Origin {
        key,
        gap_from: None,
        boot_id: "b".into(),
        mono_ms: seq,
        clock_error_ms: Some(500),
    };
    let envelope = Envelope {
        id: seq.to_string(),
        source: device.to_string(),
        kind: Event::SHOWN.into(),
        time: Timestamp::UNIX_EPOCH,
        origin: Some(origin),
    };
    let topic = Topic::Stream(device.clone(), "events".into());
    envelope.seal(topic.format(tenant), PAYLOAD)
}

fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the kernel knows");
    let spent = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(
            time.tv_sec().unsigned_abs() * 1_000_000 + time.tv_usec().unsigned_abs(),
        )
    };
    spent(usage.user_time()) + spent(usage.system_time())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}
