//! When a device asks for its next certificate.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::store::Identity;
use crate::moment::{Moment, Mono};
use crate::name::DeviceId;

/// An answer is waited for this long at first, then twice as long each time.
const PATIENCE_MIN: Duration = Duration::from_mins(1);
/// And at most this long.
const PATIENCE_MAX: Duration = Duration::from_hours(6);
/// The wall clock is looked at this often, because it can be set at any time.
const LOOK: Duration = Duration::from_mins(10);
/// Devices ask at half life and up to this share of it later, each at its own place: a street that was enrolled
/// in one afternoon does not come back in one second.
const SPREAD: f64 = 0.1;

/// From when to when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First moment.
    pub from: Timestamp,
    /// Last moment.
    pub until: Timestamp,
}

/// What can happen to a certificate in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Time passed.
    Tick,
    /// The link went up or down.
    Link {
        /// Whether it is up now.
        up: bool,
    },
    /// A new certificate was accepted.
    Renewed(Validity),
}

/// What the shell must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Send [`Identity::request`] on [`Topic::Csr`](crate::Topic::Csr).
    Ask,
    /// The certificate has run out: say so. Given once.
    Expired,
}

/// How it stands with the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In force, and not yet due.
    Valid,
    /// In force; the next one is being asked for.
    Due,
    /// Run out. No broker lets this device in before it was enrolled again.
    Expired,
    /// Nobody vouches for the clock, so nobody can tell.
    Unknown,
}

/// Core: judges a certificate's age by trusted wall time only.
#[derive(Debug, Clone)]
pub struct Renewal {
    validity: Validity,
    /// Place of this device in the spread, from 0 to 1.
    place: f64,
    link_up: bool,
    standing: Standing,
    /// When to ask again, and how long to wait after that; set once a request is out.
    asked: Option<(Mono, Duration)>,
    deadline: Mono,
}

impl Renewal {
    /// For the certificate of `identity`, with the link down.
    pub fn new(identity: &Identity) -> Self {
        Self::with(&identity.device, identity.validity)
    }

    fn with(device: &DeviceId, validity: Validity) -> Self {
        let hash = Sha256::digest(device.as_str());
        let place = f64::from(u16::from_be_bytes([hash[0], hash[1]])) / f64::from(u16::MAX);
        let standing = Standing::Unknown;
        Self { validity, place, link_up: false, standing, asked: None, deadline: Mono(0) }
    }

    /// Takes an event; returns what to do.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Effect> {
        match event {
            Event::Tick => {}
            Event::Link { up } => self.link_up = up,
            Event::Renewed(validity) => (self.validity, self.asked) = (validity, None),
        }
        let before = self.standing;
        self.standing = self.judge(now);
        self.deadline = now.mono + LOOK;
        let effect = match self.standing {
            Standing::Due => self.ask(now.mono),
            Standing::Expired if before != Standing::Expired => Some(Effect::Expired),
            _ => None,
        };
        effect.into_iter().collect()
    }

    /// When a [`Event::Tick`] is wanted at the latest.
    pub fn next_deadline(&self) -> Mono {
        self.deadline
    }

    /// How it stands, as of the last event.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// When the next certificate is asked for.
    pub fn due(&self) -> Timestamp {
        let life = self.validity.until.duration_since(self.validity.from);
        let wait = life.mul_f64(0.5 + SPREAD * self.place);
        self.validity.from.saturating_add(wait).expect("an absolute duration has no calendar units")
    }

    fn judge(&self, now: Moment) -> Standing {
        match now.trusted_wall() {
            None => Standing::Unknown,
            Some(wall) if wall >= self.validity.until => Standing::Expired,
            Some(wall) if wall >= self.due() => Standing::Due,
            Some(_) => Standing::Valid,
        }
    }

    /// Requests go out while the link is up, each later than the one before.
    fn ask(&mut self, now: Mono) -> Option<Effect> {
        let (again, wait) = self.asked.unwrap_or((now, PATIENCE_MIN));
        if !self.link_up {
            return None;
        }
        if now < again {
            self.deadline = self.deadline.min(again);
            return None;
        }
        self.asked = Some((now + wait, (wait * 2).min(PATIENCE_MAX)));
        self.deadline = self.deadline.min(now + wait);
        Some(Effect::Ask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_MS: u64 = 86_400_000;

    fn validity(from: &str, until: &str) -> Validity {
        Validity { from: from.parse().unwrap(), until: until.parse().unwrap() }
    }

    fn november() -> Validity {
        validity("2026-11-01T00:00:00Z", "2026-12-31T00:00:00Z")
    }

    fn renewal() -> Renewal {
        Renewal::with(&"sign-7".parse().unwrap(), november())
    }

    fn at(mono: u64, wall: &str) -> Moment {
        Moment { mono: Mono(mono), wall: wall.parse().unwrap(), clock_error_ms: Some(500) }
    }

    #[test]
    fn at_half_life_a_device_asks_and_is_content_with_the_answer() {
        let mut renewal = renewal();
        assert_eq!(renewal.handle(at(0, "2026-11-30T00:00:00Z"), Event::Link { up: true }), []);
        assert_eq!(renewal.standing(), Standing::Valid);
        assert_eq!(renewal.handle(at(1, "2026-12-08T00:00:00Z"), Event::Tick), [Effect::Ask]);
        let next = validity("2026-12-08T00:00:00Z", "2027-02-06T00:00:00Z");
        assert_eq!(renewal.handle(at(2, "2026-12-08T00:00:01Z"), Event::Renewed(next)), []);
        assert_eq!(renewal.standing(), Standing::Valid);
    }

    #[test]
    fn without_an_answer_it_asks_again_less_and_less_often() {
        let mut renewal = renewal();
        let wall = "2026-12-10T00:00:00Z";
        renewal.handle(at(0, wall), Event::Link { up: true });
        let mut asked = vec![];
        for minute in 1..=15 {
            if renewal.handle(at(minute * 60_000, wall), Event::Tick) == [Effect::Ask] {
                asked.push(minute);
            }
        }
        assert_eq!(asked, [1, 3, 7, 15]);
    }

    #[test]
    fn while_the_link_is_down_nothing_is_asked() {
        let mut renewal = renewal();
        assert_eq!(renewal.handle(at(0, "2026-12-10T00:00:00Z"), Event::Tick), []);
        assert_eq!(renewal.standing(), Standing::Due);
        assert_eq!(
            renewal.handle(at(1, "2026-12-10T00:00:00Z"), Event::Link { up: true }),
            [Effect::Ask]
        );
    }

    #[test]
    fn a_clock_before_2000_judges_nothing() {
        let mut renewal = renewal();
        let wrong = Moment { clock_error_ms: None, ..at(0, "1970-01-01T00:00:00Z") };
        assert_eq!(renewal.handle(wrong, Event::Link { up: true }), []);
        assert_eq!(renewal.standing(), Standing::Unknown);
        let far = Moment { clock_error_ms: None, ..at(1, "2100-01-01T00:00:00Z") };
        assert_eq!(renewal.handle(far, Event::Tick), []);
        assert_eq!(renewal.standing(), Standing::Unknown);
    }

    #[test]
    fn an_expired_certificate_is_said_once_and_asks_nothing() {
        let mut renewal = renewal();
        let late = "2027-01-01T00:00:00Z";
        assert_eq!(renewal.handle(at(0, late), Event::Link { up: true }), [Effect::Expired]);
        assert_eq!(renewal.handle(at(DAY_MS, late), Event::Tick), []);
        assert_eq!(renewal.standing(), Standing::Expired);
    }

    #[test]
    fn devices_of_one_day_ask_on_different_days() {
        let due = |name: &str| Renewal::with(&name.parse().unwrap(), november()).due();
        let days: std::collections::BTreeSet<_> =
            (0..100).map(|n| due(&format!("sign-{n}")).to_string()[..10].to_owned()).collect();
        assert!(days.len() >= 5, "{days:?}");
        assert!(
            days.iter().all(|day| ("2026-12-01".."2026-12-08").contains(&day.as_str())),
            "{days:?}"
        );
    }

    proptest! {
        #[test]
        fn whatever_the_clock_does_the_deadline_lies_ahead_and_only_a_due_certificate_asks(
            steps in prop::collection::vec((0u64..DAY_MS, -200i64..400, any::<bool>(), any::<bool>()), 1..40)
        ) {
            let mut renewal = renewal();
            let mut mono = 0;
            for (passed, day, trusted, up) in steps {
                mono += passed;
                let wall = november().from + jiff::SignedDuration::from_hours(day * 24);
                let now = Moment { mono: Mono(mono), wall, clock_error_ms: trusted.then_some(1) };
                let effects = renewal.handle(now, Event::Link { up });
                prop_assert!(renewal.next_deadline() > now.mono);
                if effects.contains(&Effect::Ask) {
                    prop_assert!(up && trusted && renewal.standing() == Standing::Due);
                }
            }
        }
    }
}
