//! Whether this sign's clock can be believed, judged by the platform's.
//!
//! The platform says the time every few seconds. Between two words of it the monotonic clock carries on, so a
//! wall clock that is set wrong is noticed within a second, with or without a network. Times on boards are the
//! platform's, so where the two disagree, the platform's time counts.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sync::{Moment, Mono};

/// A wall clock that differs by less is believed.
const AGREE: SignedDuration = SignedDuration::from_secs(10);
/// Error claimed for a time that came over the network, in milliseconds.
const NETWORK_ERROR_MS: u32 = 2_000;
/// A newer word counts from then on even where an older one was quicker on its way.
const ANCHOR_MAX: Duration = Duration::from_mins(10);

/// Follows the platform's clock.
#[derive(Debug, Clone, Default)]
pub struct Timekeeper {
    /// The platform's time at a moment of ours, from the message that was quickest on its way.
    anchor: Option<Anchor>,
    /// A time that the platform once said, retained by the broker: now can't be before it.
    floor: Option<Anchor>,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    mono: Mono,
    wall: Timestamp,
}

impl Timekeeper {
    /// The platform said `time`; `retained` when nobody knows how long ago.
    pub fn hear(&mut self, now: Mono, time: Timestamp, retained: bool) {
        let word = Anchor { mono: now, wall: time };
        if retained {
            let later = self.floor.is_none_or(|floor| floor.at(now) < time);
            self.floor = if later { Some(word) } else { self.floor };
        } else if self
            .anchor
            .is_none_or(|old| old.at(now) < time || now.since(old.mono) > ANCHOR_MAX)
        {
            self.anchor = Some(word);
        }
    }

    /// The moment as it should be believed.
    pub fn judge(&self, now: Moment) -> Moment {
        let Some(expected) = self.anchor.map(|anchor| anchor.at(now.mono)) else {
            let behind = self.floor.is_some_and(|floor| now.wall < floor.at(now.mono) - AGREE);
            return if behind { Moment { clock_error_ms: None, ..now } } else { now };
        };
        let agrees =
            now.clock_error_ms.is_some() && now.wall.duration_until(expected).abs() <= AGREE;
        if agrees {
            now
        } else {
            Moment { wall: expected, clock_error_ms: Some(NETWORK_ERROR_MS), ..now }
        }
    }

    /// How far our wall clock is behind the platform's (or before it, negative), where that is too far.
    pub fn disagreement(&self, now: Moment) -> Option<SignedDuration> {
        let expected = self.anchor.or(self.floor)?.at(now.mono);
        let behind = now.wall.duration_until(expected);
        let wrong = if self.anchor.is_some() { behind.abs() > AGREE } else { behind > AGREE };
        wrong.then_some(behind)
    }
}

impl Anchor {
    fn at(self, now: Mono) -> Timestamp {
        let passed = SignedDuration::try_from(now.since(self.mono)).unwrap_or(SignedDuration::MAX);
        self.wall.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn moment(mono_s: u64, wall_s: i64) -> Moment {
        Moment { mono: Mono(mono_s * 1000), wall: at(wall_s), clock_error_ms: Some(500) }
    }

    #[test]
    fn a_clock_that_agrees_is_believed_to_the_millisecond() {
        let mut keeper = Timekeeper::default();
        keeper.hear(Mono(0), at(0), false);
        assert_eq!(keeper.judge(moment(60, 63)), moment(60, 63));
        assert_eq!(keeper.disagreement(moment(60, 63)), None);
    }

    #[test]
    fn a_clock_set_wrong_gives_way_to_the_platforms_even_without_a_network() {
        let mut keeper = Timekeeper::default();
        keeper.hear(Mono(0), at(0), false);
        let judged = keeper.judge(moment(60, -3600));
        assert_eq!((judged.wall, judged.clock_error_ms), (at(60), Some(NETWORK_ERROR_MS)));
        assert_eq!(keeper.disagreement(moment(60, -3600)), Some(SignedDuration::from_secs(3660)));
    }

    #[test]
    fn a_sign_without_a_clock_gets_one() {
        let mut keeper = Timekeeper::default();
        let lost = Moment { wall: Timestamp::UNIX_EPOCH, clock_error_ms: None, ..moment(5, 0) };
        assert_eq!(keeper.judge(lost).clock_error_ms, None);
        keeper.hear(Mono(5_000), at(0), false);
        assert_eq!(keeper.judge(lost).trusted_wall(), Some(at(0)));
    }

    #[test]
    fn a_retained_word_only_says_what_time_it_cannot_be() {
        let mut keeper = Timekeeper::default();
        keeper.hear(Mono(0), at(0), true);
        assert_eq!(keeper.judge(moment(0, 500)).trusted_wall(), Some(at(500)));
        assert_eq!(keeper.judge(moment(0, -11)).trusted_wall(), None);
    }

    #[test]
    fn the_quickest_message_counts() {
        let mut keeper = Timekeeper::default();
        keeper.hear(Mono(0), at(0), false);
        keeper.hear(Mono(30_000), at(8), false);
        assert_eq!(keeper.anchor.unwrap().at(Mono(30_000)), at(30));
        keeper.hear(Mono(700_000), at(650), false);
        assert_eq!(keeper.anchor.unwrap().at(Mono(700_000)), at(650));
    }
}
