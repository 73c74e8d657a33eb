//! How bright the glass is: by ambient light where a sensor says so, by the time of day otherwise.

use jiff::civil::Time;
use sync::{Moment, Mono};

use std::time::Duration;

/// From this light on, the next step serves; percent of full brightness.
/// Steps are about a factor of ten apart, as the eye sees them.
const STEPS: [(f64, u8); 5] = [(0.0, 12), (10.0, 25), (100.0, 45), (1_000.0, 70), (10_000.0, 100)];
/// Light must pass the edge of a step by this factor before the step is left.
const HYSTERESIS: f64 = 1.4;
/// A reading older than this says nothing: three missed at ten seconds each.
const READING_MAX: Duration = Duration::from_secs(30);

/// Percent by day and by night, without a sensor.
const DAY_PERCENT: u8 = 80;
const NIGHT_PERCENT: u8 = 25;
/// Percent while neither light nor time is known.
const UNKNOWN_PERCENT: u8 = 60;

/// Night without a sensor: from 19:00 to 06:00.
const NIGHT_FROM: i8 = 19;
const NIGHT_UNTIL: i8 = 6;

/// The steps at which it is night for the eye.
const NIGHT_STEPS: usize = 2;

/// Decides the brightness.
#[derive(Debug, Clone, Default)]
pub struct Dimmer {
    reading: Option<(Mono, f64)>,
    step: Option<usize>,
}

/// What the light asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glow {
    /// Brightness of the whole panel, 0 to 100 %.
    pub percent: u8,
    /// Light letters on dark ground, where the panel has a choice.
    pub night: bool,
}

impl Dimmer {
    /// Takes a reading of the light sensor.
    pub fn light(&mut self, now: Mono, lux: f64) {
        if !lux.is_finite() {
            return;
        }
        let mut step = self.step.unwrap_or_else(|| step_of(lux));
        while step + 1 < STEPS.len() && lux >= STEPS[step + 1].0 * HYSTERESIS {
            step += 1;
        }
        while step > 0 && lux < STEPS[step].0 / HYSTERESIS {
            step -= 1;
        }
        self.step = Some(step);
        self.reading = Some((now, lux));
    }

    /// The brightness now; `local` is the time of day where the clock is trusted.
    pub fn glow(&self, now: Moment, local: Option<Time>) -> Glow {
        let fresh = self.lux(now.mono).and(self.step);
        match (fresh, local) {
            (Some(step), _) => Glow { percent: STEPS[step].1, night: step < NIGHT_STEPS },
            (None, Some(time)) if (NIGHT_UNTIL..NIGHT_FROM).contains(&time.hour()) => {
                Glow { percent: DAY_PERCENT, night: false }
            }
            (None, Some(_)) => Glow { percent: NIGHT_PERCENT, night: true },
            (None, None) => Glow { percent: UNKNOWN_PERCENT, night: false },
        }
    }

    /// The last reading, while it says something about now.
    pub fn lux(&self, now: Mono) -> Option<f64> {
        self.reading.filter(|(at, _)| now.since(*at) <= READING_MAX).map(|(_, lux)| lux)
    }
}

fn step_of(lux: f64) -> usize {
    STEPS.iter().rposition(|(from, _)| lux >= *from).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;

    fn moment(second: u64) -> Moment {
        Moment {
            mono: Mono(second * 1000),
            wall: jiff::Timestamp::UNIX_EPOCH,
            clock_error_ms: None,
        }
    }

    fn percents(readings: &[f64]) -> Vec<u8> {
        let mut dimmer = Dimmer::default();
        let one = |lux: &f64| {
            dimmer.light(Mono(0), *lux);
            dimmer.glow(moment(0), None).percent
        };
        readings.iter().map(one).collect()
    }

    #[test]
    fn brightness_follows_the_light() {
        assert_eq!(
            percents(&[0.0, 50.0, 500.0, 5_000.0, 80_000.0, 0.0]),
            [12, 25, 45, 70, 100, 12]
        );
    }

    #[test]
    fn light_that_flickers_around_an_edge_changes_nothing() {
        assert_eq!(
            percents(&[90.0, 110.0, 90.0, 139.0, 141.0, 90.0, 72.0, 71.0]),
            [25, 25, 25, 25, 45, 45, 45, 25]
        );
    }

    #[test]
    fn a_silent_sensor_leaves_the_time_of_day() {
        let mut dimmer = Dimmer::default();
        dimmer.light(Mono(0), 80_000.0);
        let glow = |second, hour| dimmer.glow(moment(second), Some(time(hour, 0, 0, 0)));
        assert_eq!(glow(30, 23), Glow { percent: 100, night: false });
        assert_eq!(glow(31, 23), Glow { percent: NIGHT_PERCENT, night: true });
        assert_eq!(glow(31, 6), Glow { percent: DAY_PERCENT, night: false });
    }
}
