//! How old knowledge may be, and what a countdown may never do.
//!
//! The tiers come from a measurement: with absolute times and a local countdown, predictions of
//! known age keep a benchmark accuracy of 0.89 at 90 s, 0.82 at 300 s and 0.74 at 600 s.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use sync::{Arrival, Source};

use crate::when::{Certainty, Kind, MINUTES_MAX, When};

/// Up to this age a prediction stands plain.
pub const PLAIN_MAX: SignedDuration = SignedDuration::from_secs(90);
/// Up to this age it is marked "约".
const ABOUT_MAX: SignedDuration = SignedDuration::from_secs(300);
/// Up to this age it is marked and darker; beyond, nobody vouches for it.
const FAINT_MAX: SignedDuration = SignedDuration::from_secs(600);
/// An old prediction nearer than this is more often wrong than right.
const FAINT_MINUTES_MIN: u16 = 3;

/// At most this far away a bus is "arriving".
const ARRIVING_MAX: SignedDuration = SignedDuration::from_secs(30);
/// This long after its time a bus that was not seen at the stop has passed.
const PASSED: SignedDuration = SignedDuration::from_secs(5);
/// A time this far in the future was given by a clock that disagrees with ours.
pub const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(90);

/// Most buses remembered; a board has 24, and each is forgotten [`FORGET`] after it was last seen.
const MEMORY_MAX: usize = 128;
const FORGET: SignedDuration = SignedDuration::from_hours(1);

/// How sure a prediction of this age is; `None` when it is too old to be shown.
pub fn tier(age: SignedDuration) -> Option<Certainty> {
    match age {
        age if age <= PLAIN_MAX => Some(Certainty::Plain),
        age if age <= ABOUT_MAX => Some(Certainty::About),
        age if age <= FAINT_MAX => Some(Certainty::Faint),
        _ => None,
    }
}

/// Remembers what was shown of each bus, so that no countdown goes up by one or rises from the dead.
#[derive(Debug, Clone, Default)]
pub struct Countdown(BTreeMap<String, Seen>);

#[derive(Debug, Clone)]
struct Seen {
    /// Minutes last shown; 0 for "arriving".
    minutes: Option<u16>,
    /// The observation that was shown, or that was given up.
    observed_at: Timestamp,
    /// It passed, or got too old: only a newer observation brings it back.
    gone: bool,
    touched: Timestamp,
}

impl Countdown {
    /// When the bus of `arrival` comes, or nothing that could be said about it.
    ///
    /// `made_at` is when its board was made: nothing on it can have been observed later.
    pub fn show(
        &mut self,
        now: Timestamp,
        zone: &TimeZone,
        key: &str,
        arrival: &Arrival,
        made_at: Timestamp,
    ) -> Option<When> {
        let left = now.duration_until(arrival.arrives);
        if arrival.source == Source::Schedule {
            let kind = Kind::Clock(zone.to_datetime(arrival.arrives).time());
            return (!left.is_negative()).then_some(When { kind, certainty: Certainty::Scheduled });
        }
        let observed_at = arrival.observed_at.min(made_at);
        let age = observed_at.duration_until(now);
        let seen = self.0.entry(key.to_owned()).or_insert(Seen {
            minutes: None,
            observed_at,
            gone: false,
            touched: now,
        });
        seen.touched = now;
        if seen.gone && observed_at <= seen.observed_at {
            return None;
        }
        let when = judge(left, age, arrival.at_stop, seen.minutes);
        (seen.gone, seen.observed_at) = (when.is_none(), observed_at);
        let (minutes, certainty) = when?;
        seen.minutes = Some(minutes);
        let kind = match minutes {
            0 if arrival.at_stop && certainty == Certainty::Plain => Kind::AtStop,
            0 => Kind::Arriving,
            1..=MINUTES_MAX => Kind::Minutes(minutes),
            _ => Kind::Clock(zone.to_datetime(arrival.arrives).time()),
        };
        Some(When { kind, certainty })
    }

    /// Forgets buses that no board has named for a while, and the oldest when there are too many.
    pub fn forget(&mut self, now: Timestamp) {
        self.0.retain(|_, seen| seen.touched.duration_until(now).abs() <= FORGET);
        while self.0.len() > MEMORY_MAX {
            let oldest =
                self.0.iter().min_by_key(|(_, seen)| seen.touched).map(|(key, _)| key.clone());
            self.0.remove(&oldest.expect("the memory is not empty"));
        }
    }
}

/// Minutes to show (0 for arriving or here), unless the bus has passed or the knowledge is too old.
fn judge(
    left: SignedDuration,
    age: SignedDuration,
    at_stop: bool,
    shown: Option<u16>,
) -> Option<(u16, Certainty)> {
    let certainty = tier(age)?;
    if age < -CLOCKS_DIFFER {
        return None;
    }
    if at_stop && certainty == Certainty::Plain {
        return Some((0, certainty));
    }
    if left < -PASSED {
        return None;
    }
    let minutes = held(minutes(left), shown);
    (certainty != Certainty::Faint || minutes >= FAINT_MINUTES_MIN).then_some((minutes, certainty))
}

/// Rounded to the nearest minute; 0 only while [`ARRIVING_MAX`] holds.
fn minutes(left: SignedDuration) -> u16 {
    if left <= ARRIVING_MAX {
        return 0;
    }
    u16::try_from((left.as_secs() + 30) / 60).unwrap_or(u16::MAX).max(1)
}

/// 96 % of all upward steps are by one minute and mean nothing: the number stays.
fn held(minutes: u16, shown: Option<u16>) -> u16 {
    shown.filter(|shown| shown.checked_add(1) == Some(minutes)).unwrap_or(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync::{Line, Text, Unknown};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn bus(arrives: i64, observed: i64) -> Arrival {
        Arrival {
            line: Line { id: "1".into(), name: "K1".into(), colour: None },
            destination: Text::new("火车站", ""),
            trip: "t".into(),
            vehicle: None,
            arrives: at(arrives),
            observed_at: at(observed),
            source: Source::Vehicle,
            stops_away: None,
            at_stop: false,
            unknown: Unknown::new(),
        }
    }

    /// What stands on the glass, second by second.
    fn shown(countdown: &mut Countdown, now: i64, arrival: &Arrival) -> String {
        let made_at = arrival.observed_at.max(at(0));
        let when = countdown.show(at(now), &TimeZone::UTC, "t", arrival, made_at);
        when.map_or("-".into(), |when| when.words(sync::Lang::Zh).remove(0))
    }

    #[test]
    fn knowledge_ages_through_four_tiers() {
        let bus = bus(1800, 0);
        let at = |now| shown(&mut Countdown::default(), now, &bus);
        assert_eq!([at(0), at(90), at(91), at(300)], ["30分", "29分", "约28分", "约25分"]);
        assert_eq!([at(301), at(600), at(601)], ["约25分", "约20分", "-"]);
        assert_eq!(tier(SignedDuration::from_secs(301)), Some(Certainty::Faint));
    }

    #[test]
    fn an_old_prediction_stands_only_from_three_minutes_up() {
        let at = |arrives| shown(&mut Countdown::default(), 400, &bus(arrives, 0));
        assert_eq!([at(400 + 150), at(400 + 149)], ["约3分", "-"]);
    }

    #[test]
    fn a_bus_arrives_at_thirty_seconds_and_has_passed_after_five_more_than_none() {
        let at = |now| shown(&mut Countdown::default(), now, &bus(60, 0));
        assert_eq!(
            [at(29), at(30), at(60), at(65), at(66)],
            ["1分", "即将到站", "即将到站", "即将到站", "-"]
        );
    }

    #[test]
    fn a_bus_at_the_stop_stays_while_it_was_seen_there() {
        let mut standing = bus(0, 0);
        standing.at_stop = true;
        let mut countdown = Countdown::default();
        assert_eq!(shown(&mut countdown, 60, &standing), "已到站");
        assert_eq!(shown(&mut countdown, 91, &standing), "-");
    }

    #[test]
    fn one_minute_more_is_not_shown_but_two_are() {
        let mut countdown = Countdown::default();
        assert_eq!(shown(&mut countdown, 0, &bus(300, 0)), "5分");
        assert_eq!(shown(&mut countdown, 10, &bus(370, 10)), "5分");
        assert_eq!(shown(&mut countdown, 20, &bus(440, 20)), "7分");
    }

    #[test]
    fn a_dead_prediction_rises_only_with_a_newer_observation() {
        let mut countdown = Countdown::default();
        assert_eq!(shown(&mut countdown, 66, &bus(60, 0)), "-");
        assert_eq!(shown(&mut countdown, 70, &bus(400, 0)), "-", "moved, but nobody saw it again");
        assert_eq!(shown(&mut countdown, 75, &bus(400, 70)), "5分");
    }

    #[test]
    fn nothing_from_a_clock_ahead_of_ours_is_shown() {
        assert_eq!(shown(&mut Countdown::default(), 0, &bus(900, 91)), "-");
        assert_eq!(shown(&mut Countdown::default(), 0, &bus(900, 90)), "15分");
    }

    #[test]
    fn beyond_an_hour_the_time_of_day_stands() {
        assert_eq!(shown(&mut Countdown::default(), 0, &bus(3660, 0)), "09:01");
    }

    #[test]
    fn memory_is_bounded() {
        let mut countdown = Countdown::default();
        for n in 0..200 {
            countdown.show(at(n), &TimeZone::UTC, &n.to_string(), &bus(900, n), at(n));
        }
        countdown.forget(at(200));
        assert_eq!(countdown.0.len(), MEMORY_MAX);
        countdown.forget(at(200 + 3601));
        assert!(countdown.0.is_empty());
    }
}
