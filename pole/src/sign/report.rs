//! What a sign reports: proof of display, and how it is.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use drivers::surface::Frame;
use sha2::{Digest as _, Sha256};
use sync::courier::LinkState;
use sync::outbox::Draft;
use sync::{Class, Event as Telemetry, Health, Moment, Shown, Unknown};

use super::Sign;
use crate::page::Page;

/// A sign says how it is this often.
pub(super) const HEALTH_EVERY: Duration = Duration::from_mins(1);
/// Most faults in one report; a courier's own list is the longest.
const FAULTS_MAX: usize = 24;

/// What is wrong at present, by the part it is wrong with.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<&'static str, String>);

impl Troubles {
    pub(super) fn set(&mut self, what: &'static str, reason: String) {
        if self.0.get(what) != Some(&reason) {
            tracing::warn!("{reason}");
            self.0.insert(what, reason);
        }
    }

    pub(super) fn clear(&mut self, what: &'static str) {
        if self.0.remove(what).is_some() {
            tracing::info!("{what}: well again");
        }
    }

    pub(super) fn note(&mut self, what: &'static str, result: Result<(), impl Display>) {
        match result {
            Ok(()) => self.clear(what),
            Err(error) => self.set(what, error.to_string()),
        }
    }
}

/// Proof that a page stood on the glass.
pub(super) fn proof(page: &Page, frame: &Frame) -> Draft {
    let shown = Shown {
        frame_sha256: hash(frame),
        content_id: page.content_id.clone(),
        rung: page.rung.name().to_owned(),
        lines: page.look.lines(),
        board_made_at: page.board_made_at,
        unknown: Unknown::new(),
    };
    Draft::event(Class::Lossy, &Telemetry::Shown(shown))
}

fn hash(frame: &Frame) -> String {
    hex::encode(Sha256::digest(frame.pixels()))
}

impl Sign {
    /// What stands on the glass, for an operator.
    pub(super) fn describe(&self) -> String {
        let lines =
            self.shown.as_ref().map(|page| page.look.lines().join(" | ")).unwrap_or_default();
        let hash = self.frame.as_ref().map(hash).unwrap_or_default();
        format!("{hash} {lines}")
    }

    pub(super) async fn report_health(&mut self, now: Moment) {
        let judged = self.timekeeper.judge(now);
        let health = Health {
            uptime_s: now.mono.since(self.started).as_secs(),
            light_lux: self.glass.light_lux(now.mono),
            brightness_percent: self.glass.brightness_percent(),
            outbox_rows: self.courier.as_ref().map_or(0, |courier| courier.stats().rows),
            faults: self.faults(now),
            unknown: Unknown::new(),
        };
        let report = Draft::event(Class::Normal, &Telemetry::Health(health));
        self.post(judged, vec![report]).await;
    }

    /// What is wrong, in plain words; empty when nothing is.
    pub fn faults(&self, now: Moment) -> Vec<String> {
        let mut faults: Vec<String> = self.troubles.0.values().cloned().collect();
        if let Some(behind) = self.timekeeper.disagreement(now) {
            faults.push(format!(
                "clock is {} s behind the platform's, whose time counts",
                behind.as_secs()
            ));
        }
        faults.extend(self.glass.faults(self.timekeeper.judge(now)));
        if let Some(courier) = &self.courier {
            faults.extend(courier.stats().fault);
            if courier.link_state() == LinkState::Down {
                faults.extend(courier.faults().last().cloned());
            }
        }
        faults.truncate(FAULTS_MAX);
        faults
    }
}
