//! What to fetch next, and when to try again. Core.

use std::collections::VecDeque;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::fetch::Failure;
use super::manifest::BlobId;
use crate::moment::Mono;
use crate::name::DeviceId;

/// First wait after a failure; it doubles with each failure that brought nothing.
const WAIT_MIN: Duration = Duration::from_secs(2);
/// Longest wait.
const WAIT_MAX: Duration = Duration::from_mins(10);

/// A blob that is not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Its name.
    pub blob: BlobId,
    /// Its size in bytes.
    pub size: u64,
}

/// What can happen on the way to a complete manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time passed.
    Tick,
    /// This is what is missing now, instead of what was before.
    Wanted(Vec<Want>),
    /// A blob is on disk, verified.
    Arrived(BlobId),
    /// A blob did not come.
    Failed(BlobId, Failure),
    /// The switch asked for by [`Effect::Activate`] is done.
    Activated,
    /// It could not be done: there is no room on the disk.
    Stuck,
}

/// What the shell must do, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Fetch this, and say how it ended. Never two at a time.
    Fetch(Want),
    /// Drop the download under way; its end is not waited for.
    Stop,
    /// Remove what is not needed for the manifests in force and to come.
    MakeRoom,
    /// Everything is there: switch. Answered at once by [`Event::Activated`] or [`Event::Stuck`].
    Activate,
}

/// Core: the order of downloads of one device.
#[derive(Debug, Clone)]
pub struct Plan {
    wanted: VecDeque<Want>,
    running: Option<BlobId>,
    /// A switch is due once nothing is wanted.
    to_activate: bool,
    /// Failures in a row.
    failures: u32,
    not_before: Mono,
    /// Stretches waits by up to a half, differently on each device: a street that lost its platform together does
    /// not come back together.
    stretch: f64,
}

impl Plan {
    /// Starts with what a power cut left undone; it goes on with the first event.
    pub fn new(device: &DeviceId, missing: Vec<Want>) -> Self {
        let place = f64::from(Sha256::digest(device.as_str())[0]) / 255.0;
        let stretch = 1.0 + place / 2.0;
        Self {
            wanted: missing.into(),
            running: None,
            to_activate: true,
            failures: 0,
            not_before: Mono(0),
            stretch,
        }
    }

    /// Takes an event; returns what to do.
    pub fn handle(&mut self, now: Mono, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Tick => {}
            Event::Wanted(wants) => {
                let still = |blob| wants.iter().any(|want| want.blob == blob);
                if self.running.is_some_and(|blob| !still(blob)) {
                    self.running = None;
                    effects.push(Effect::Stop);
                }
                self.wanted = wants.into();
                (self.to_activate, self.failures, self.not_before) = (true, 0, now);
            }
            Event::Arrived(blob) => {
                self.ended(blob);
                self.wanted.retain(|want| want.blob != blob);
                self.failures = 0;
            }
            Event::Failed(blob, failure) => {
                self.ended(blob);
                // The others first: one bad blob shall not hold up the rest.
                let failed = self.wanted.iter().position(|want| want.blob == blob);
                let failed = failed.and_then(|at| self.wanted.remove(at));
                self.wanted.extend(failed);
                if failure == Failure::Full {
                    effects.push(Effect::MakeRoom);
                }
                if failure == (Failure::Cut { progressed: true }) {
                    self.failures = 0;
                }
                self.wait(now);
            }
            Event::Activated => self.to_activate = false,
            Event::Stuck => {
                effects.push(Effect::MakeRoom);
                self.wait(now);
            }
        }
        effects.extend(self.next(now));
        effects
    }

    /// When a [`Event::Tick`] is wanted at the latest.
    pub fn next_deadline(&self) -> Mono {
        let idle = self.wanted.is_empty() && !self.to_activate;
        if idle || self.running.is_some() { Mono::NEVER } else { self.not_before }
    }

    fn next(&mut self, now: Mono) -> Option<Effect> {
        if self.running.is_some() || now < self.not_before {
            return None;
        }
        if let Some(&want) = self.wanted.front() {
            self.running = Some(want.blob);
            return Some(Effect::Fetch(want));
        }
        self.to_activate.then_some(Effect::Activate)
    }

    /// A download that was stopped may still be heard of; it is not the one under way.
    fn ended(&mut self, blob: BlobId) {
        if self.running == Some(blob) {
            self.running = None;
        }
    }

    fn wait(&mut self, now: Mono) {
        let doubled = WAIT_MIN.saturating_mul(1 << self.failures.min(16));
        self.not_before = now + doubled.min(WAIT_MAX).mul_f64(self.stretch);
        self.failures += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn want(n: u8) -> Want {
        Want { blob: BlobId::of(&[n]), size: u64::from(n) }
    }

    fn plan() -> Plan {
        Plan { stretch: 1.0, ..Plan::new(&"sign-7".parse().unwrap(), vec![]) }
    }

    const CUT: Failure = Failure::Cut { progressed: false };

    #[test]
    fn blobs_are_fetched_one_by_one_and_then_the_manifest_is_switched() {
        let mut plan = plan();
        let start = plan.handle(Mono(0), Event::Wanted(vec![want(1), want(2)]));
        assert_eq!(start, [Effect::Fetch(want(1))]);
        assert_eq!(plan.handle(Mono(1), Event::Tick), []);
        assert_eq!(plan.handle(Mono(2), Event::Arrived(want(1).blob)), [Effect::Fetch(want(2))]);
        assert_eq!(plan.handle(Mono(3), Event::Arrived(want(2).blob)), [Effect::Activate]);
        assert_eq!(plan.handle(Mono(3), Event::Activated), []);
        assert_eq!(plan.next_deadline(), Mono::NEVER);
    }

    #[test]
    fn what_a_power_cut_left_undone_goes_on_with_the_first_tick() {
        let mut plan = Plan::new(&"sign-7".parse().unwrap(), vec![want(1)]);
        assert_eq!(plan.next_deadline(), Mono(0));
        assert_eq!(plan.handle(Mono(5), Event::Tick), [Effect::Fetch(want(1))]);
    }

    #[test]
    fn waits_double_until_something_comes() {
        let mut plan = plan();
        plan.handle(Mono(0), Event::Wanted(vec![want(1)]));
        let mut now = 0;
        for (failure, wait_ms) in [
            (CUT, 2_000),
            (CUT, 4_000),
            (CUT, 8_000),
            (Failure::Cut { progressed: true }, 2_000),
            (Failure::Status(503), 4_000),
            (Failure::Corrupt, 8_000),
        ] {
            assert_eq!(plan.handle(Mono(now), Event::Failed(want(1).blob, failure)), []);
            assert_eq!(plan.next_deadline(), Mono(now + wait_ms));
            now += wait_ms;
            assert_eq!(plan.handle(Mono(now), Event::Tick), [Effect::Fetch(want(1))]);
        }
    }

    #[test]
    fn one_bad_blob_does_not_hold_up_the_others() {
        let mut plan = plan();
        plan.handle(Mono(0), Event::Wanted(vec![want(1), want(2)]));
        plan.handle(Mono(0), Event::Failed(want(1).blob, Failure::Status(404)));
        assert_eq!(plan.handle(Mono(2_000), Event::Tick), [Effect::Fetch(want(2))]);
        assert_eq!(
            plan.handle(Mono(2_001), Event::Arrived(want(2).blob)),
            [Effect::Fetch(want(1))]
        );
    }

    #[test]
    fn a_full_disk_is_swept_and_tried_again() {
        let mut plan = plan();
        plan.handle(Mono(0), Event::Wanted(vec![want(1)]));
        assert_eq!(
            plan.handle(Mono(0), Event::Failed(want(1).blob, Failure::Full)),
            [Effect::MakeRoom]
        );
        assert_eq!(plan.handle(Mono(2_000), Event::Tick), [Effect::Fetch(want(1))]);
        assert_eq!(plan.handle(Mono(2_001), Event::Arrived(want(1).blob)), [Effect::Activate]);
        assert_eq!(plan.handle(Mono(2_001), Event::Stuck), [Effect::MakeRoom]);
        assert_eq!(plan.handle(Mono(4_001), Event::Tick), [Effect::Activate]);
    }

    #[test]
    fn a_newer_manifest_stops_what_it_does_not_need() {
        let mut plan = plan();
        plan.handle(Mono(0), Event::Wanted(vec![want(1)]));
        assert_eq!(
            plan.handle(Mono(1), Event::Wanted(vec![want(2), want(1)])),
            [],
            "it is still needed"
        );
        let effects = plan.handle(Mono(2), Event::Wanted(vec![want(2)]));
        assert_eq!(effects, [Effect::Stop, Effect::Fetch(want(2))]);
        assert_eq!(
            plan.handle(Mono(3), Event::Failed(want(1).blob, CUT)),
            [],
            "what was stopped is not waited for"
        );
    }

    proptest! {
        #[test]
        fn never_two_downloads_and_never_a_switch_with_something_missing(
            ops in prop::collection::vec((0u8..6, prop::collection::vec(0u8..5, 0..4), 0u64..20_000), 1..60)
        ) {
            let (mut plan, mut now) = (plan(), 0);
            let mut running: Option<Want> = None;
            let mut missing: Vec<u8> = vec![];
            for (op, set, passed) in ops {
                now += passed;
                let event = match (op, running) {
                    (0, _) => {
                        missing = set;
                        missing.sort_unstable();
                        missing.dedup();
                        Event::Wanted(missing.iter().map(|&n| want(n)).collect())
                    }
                    (1 | 2, Some(want)) => {
                        missing.retain(|&n| BlobId::of(&[n]) != want.blob);
                        running = None;
                        Event::Arrived(want.blob)
                    }
                    (3, Some(want)) => {
                        running = None;
                        Event::Failed(want.blob, CUT)
                    }
                    (4, Some(want)) => {
                        running = None;
                        Event::Failed(want.blob, Failure::Full)
                    }
                    _ => Event::Tick,
                };
                let mut events = vec![event];
                while let Some(event) = events.pop() {
                    for effect in plan.handle(Mono(now), event) {
                        match effect {
                            Effect::Fetch(want) => prop_assert!(running.replace(want).is_none()),
                            Effect::Stop => prop_assert!(running.take().is_some()),
                            Effect::MakeRoom => {}
                            Effect::Activate => {
                                prop_assert!(missing.is_empty());
                                events.push(if now % 2 == 1 { Event::Activated } else { Event::Stuck });
                            }
                        }
                    }
                }
                let stalled = running.is_none() && !missing.is_empty() && plan.next_deadline() == Mono::NEVER;
                prop_assert!(!stalled, "something is missing, and nobody will look again");
            }
        }
    }
}
