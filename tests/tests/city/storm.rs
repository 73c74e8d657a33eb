//! A storm of `kill -9` on device, broker and platform while events flow.
//!
//! Afterwards the platform's own database, asked through its API, must hold every event once and in order,
//! and every number that is missing must be declared as dropped.

mod feeders;

use std::time::Duration;

use feeders::{Event, Feeder, Load};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::TempDir;
use tests::stage::{OtherBroker, Platform, Postgres, pause};

/// Between two kills, in milliseconds.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 50..=1_500;

/// Room for about ten events: the first feeder of a storm has to drop some.
const CRAMPED_BYTES: u64 = 2_000;

struct Storm {
    feeders: usize,
    events_per_feeder: u64,
    kills: u32,
    seed: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_storm_loses_nothing() {
    Storm { feeders: 4, events_per_feeder: 250, kills: 20, seed: 1 }
        .rage(&folder(), Vec::new())
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_with_another_broker_and_postgresql_loses_nothing() {
    let folder = folder();
    let broker = OtherBroker::start(folder.path()).await.expect("a broker");
    let database = Postgres::start().await.expect("a database");
    let mut more = broker.arguments();
    more.extend(["--database".to_owned(), database.url()]);
    Storm { feeders: 2, events_per_feeder: 100, kills: 6, seed: 3 }.rage(&folder, more).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: make soak"]
async fn a_long_storm_loses_nothing() {
    Storm { feeders: 4, events_per_feeder: 2_500, kills: 200, seed: 2 }
        .rage(&folder(), Vec::new())
        .await;
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

impl Storm {
    async fn rage(self, folder: &TempDir, more: Vec<String>) {
        let mut platform = Platform::start(folder.path(), more).await.expect("the platform starts");
        let mut feeders = Vec::new();
        for number in 1..=self.feeders {
            let outbox_bytes = (number == 1).then_some(CRAMPED_BYTES);
            let load = Load { events: self.events_per_feeder, pace: self.pace(), outbox_bytes };
            let name = format!("feeder-{number}");
            feeders.push(Feeder::start(&platform, folder.path(), &name, load).await);
        }
        self.kill(&mut platform, &mut feeders).await;
        platform.await_health().await.expect("the platform comes back");
        let mut declared = Vec::new();
        for feeder in &mut feeders {
            feeder.done().await;
            declared.push(judge(&feeder.events(&platform).await, self.events_per_feeder));
        }
        println!(
            "storm: all there, once and in order; each feeder declared as dropped {declared:?}"
        );
        assert!(
            declared.iter().skip(1).all(|dropped| *dropped == 0),
            "there was room for all of these"
        );
    }

    /// Spreads the events over the whole storm.
    fn pace(&self) -> Duration {
        let storm_ms = u64::from(self.kills) * (PAUSE_MS.start() + PAUSE_MS.end()) / 2;
        Duration::from_millis(storm_ms / self.events_per_feeder)
    }

    async fn kill(&self, platform: &mut Platform, feeders: &mut [Feeder]) {
        let mut dice = StdRng::seed_from_u64(self.seed);
        let (mut devices, mut brokers, mut platforms) = (0, 0, 0);
        while devices + brokers + platforms < self.kills {
            pause(Duration::from_millis(dice.random_range(PAUSE_MS))).await;
            match dice.random_range(0..3) {
                0 => {
                    feeders[dice.random_range(0..self.feeders)].kill().await;
                    devices += 1;
                }
                1 => brokers += u32::from(platform.kill_broker()),
                _ => {
                    platform.kill().await.expect("it starts again");
                    platforms += 1;
                }
            }
        }
        println!("storm: killed {devices} devices, {brokers} brokers, {platforms} platforms");
    }
}

/// Every number from 1 to `count` once and in order, as an event or within a declared gap. Returns how many are gaps.
///
/// A gap may begin with events that did arrive: the device dropped them before it heard so.
fn judge(events: &[Event], count: u64) -> u64 {
    let mut next = 1;
    let mut declared = 0;
    for event in events {
        assert_eq!(event.epoch, events[0].epoch, "the outbox was made anew");
        if let Some(from) = event.gap_from {
            assert!(from <= next && next <= event.seq, "after {} comes {event:?}", next - 1);
            declared += event.seq - next + 1;
        } else {
            assert_eq!(event.seq, next, "after {} comes {event:?}", next - 1);
            assert_eq!(event.number, Some(event.seq), "another event stands under this number");
        }
        next = event.seq + 1;
    }
    assert_eq!(next, count + 1, "events are missing at the end");
    declared
}

#[test]
fn a_lost_a_doubled_and_an_undeclared_event_are_noticed() {
    let event = |seq| Event { epoch: 1, seq, gap_from: None, number: Some(seq) };
    let gap = |from, seq| Event { epoch: 1, seq, gap_from: Some(from), number: None };
    assert_eq!(judge(&[event(1), gap(2, 4), event(5)], 5), 3);
    assert_eq!(judge(&[event(1), event(2), gap(2, 4)], 4), 2);
    let refused = |events: Vec<Event>| std::panic::catch_unwind(move || judge(&events, 3)).is_err();
    assert!(refused(vec![event(1), event(3)]));
    assert!(refused(vec![event(1), event(2), event(2), event(3)]));
    assert!(refused(vec![event(1), event(2)]));
    assert!(refused(vec![event(1), gap(3, 3)]));
    assert!(refused(vec![event(1), Event { number: Some(1), ..event(2) }, event(3)]));
}
