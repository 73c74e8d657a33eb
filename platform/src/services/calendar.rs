//! When people may come: working days and their slots. Time is an argument.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time, Weekday};
use serde::Deserialize;
use service::text::Text;

/// Furthest day that can be booked, counted from today.
pub const DAYS_MAX: u8 = 60;

/// The working hours of the counters: `content/bookings.toml`.
#[derive(Debug, Clone)]
pub struct Hours {
    quota: u32,
    times: Vec<Time>,
    place: Text,
    closed: BTreeSet<Date>,
    open: BTreeSet<Date>,
    services: BTreeMap<String, Own>,
}

/// What a service has of its own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    quota: Option<u32>,
    place: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    quota: u32,
    every_min: u16,
    spans: Vec<String>,
    place: Text,
    #[serde(default)]
    closed: BTreeSet<Date>,
    #[serde(default)]
    open: BTreeSet<Date>,
    #[serde(default)]
    services: BTreeMap<String, Own>,
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// It does not read.
    #[error("{0}")]
    Malformed(String),
    /// A span is none.
    #[error("`{0}` is no span: write 09:00-11:30")]
    Span(String),
    /// The slots are too short or too long.
    #[error("every_min: use 5 to 240")]
    Every,
    /// Nobody could ever come.
    #[error("there is no slot: a quota or a span is missing")]
    Nothing,
}

impl Hours {
    /// The one parser of the file.
    pub fn parse(text: &str) -> Result<Hours, HoursError> {
        let file: File =
            toml::from_str(text).map_err(|error| HoursError::Malformed(error.to_string()))?;
        if !(5..=240).contains(&file.every_min) {
            return Err(HoursError::Every);
        }
        let mut times = Vec::new();
        for span in &file.spans {
            times
                .extend(slots(span, file.every_min).ok_or_else(|| HoursError::Span(span.clone()))?);
        }
        times.sort_unstable();
        times.dedup();
        if times.is_empty() || file.quota == 0 {
            return Err(HoursError::Nothing);
        }
        let File { quota, place, closed, open, services, .. } = file;
        Ok(Hours { quota, times, place, closed, open, services })
    }

    /// How many may come to a slot of this service.
    pub fn quota(&self, service: &str) -> u32 {
        self.services.get(service).and_then(|own| own.quota).unwrap_or(self.quota)
    }

    /// Where they come to.
    pub fn place(&self, service: &str) -> &Text {
        self.services.get(service).and_then(|own| own.place.as_ref()).unwrap_or(&self.place)
    }

    /// Whether a counter is open on this day.
    pub fn works(&self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.open.contains(&day) || (!weekend && !self.closed.contains(&day))
    }

    /// The open days from today on with those slots that have not begun; at most `days` calendar days.
    pub fn offered(&self, now: DateTime, days: u8) -> Vec<(Date, Vec<Time>)> {
        let days = (0..=i64::from(days.min(DAYS_MAX)))
            .filter_map(|n| now.date().checked_add(n.days()).ok());
        let open = days.filter(|day| self.works(*day));
        let later =
            |day: Date| self.times.iter().copied().filter(move |time| day.to_datetime(*time) > now);
        open.map(|day| (day, later(day).collect::<Vec<_>>()))
            .filter(|(_, times)| !times.is_empty())
            .collect()
    }

    /// Whether this is a slot that can be booked now.
    pub fn has(&self, now: DateTime, day: Date, time: Time) -> bool {
        let last = now.date().saturating_add(i64::from(DAYS_MAX).days());
        day <= last && self.works(day) && day.to_datetime(time) > now && self.times.contains(&time)
    }
}

/// Beginnings of the slots of `09:00-11:30`.
fn slots(span: &str, every_min: u16) -> Option<Vec<Time>> {
    let (from, to) = span.split_once('-')?;
    let minutes = |text: &str| {
        let time: Time = format!("{text}:00").parse().ok()?;
        Some(u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs()))
    };
    let (from, to) = (minutes(from)?, minutes(to)?);
    let count = to.checked_sub(from)? / every_min;
    let time = |minutes: u16| {
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        Time::new(hour, minute, 0, 0).ok()
    };
    (0..count).map(|slot| time(from + slot * every_min)).collect()
}

/// `09:00`.
pub fn hour(time: Time) -> String {
    time.strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn hours() -> Hours {
        Hours::parse(include_str!("../../../content/bookings.toml")).unwrap()
    }

    fn picture(offered: &[(Date, Vec<Time>)]) -> Vec<String> {
        let line = |(day, times): &(Date, Vec<Time>)| {
            let times: Vec<String> = times.iter().copied().map(hour).collect();
            format!("{day} {}", times.join(" "))
        };
        offered.iter().map(line).collect()
    }

    #[test]
    fn slots_end_with_their_span_and_weekends_are_free() {
        // 2026-11-27 is a Friday.
        let offered = hours().offered(date(2026, 11, 27).at(15, 0, 0, 0), 3);
        assert_eq!(
            picture(&offered),
            [
                "2026-11-27 15:30 16:00 16:30",
                "2026-11-30 09:00 09:30 10:00 10:30 11:00 14:30 15:00 15:30 16:00 16:30",
            ]
        );
    }

    #[test]
    fn a_holiday_is_closed_and_a_worked_weekend_open() {
        let text = include_str!("../../../content/bookings.toml");
        let hours = Hours::parse(&text.replace("open = []", "open = [\"2026-11-28\"]")).unwrap();
        assert!(hours.works(date(2026, 11, 28)) && !hours.works(date(2026, 11, 29)));
        assert!(!hours.works(date(2027, 1, 1)));
    }

    #[test]
    fn only_what_is_offered_can_be_booked() {
        let now = date(2026, 11, 27).at(15, 0, 0, 0);
        let at = |hour, minute| Time::new(hour, minute, 0, 0).unwrap();
        let hours = hours();
        assert!(hours.has(now, date(2026, 11, 30), at(9, 0)));
        for (day, time) in [
            (date(2026, 11, 27), at(14, 30)),
            (date(2026, 11, 28), at(9, 0)),
            (date(2026, 11, 30), at(9, 15)),
            (date(2027, 11, 30), at(9, 0)),
        ] {
            assert!(!hours.has(now, day, time), "{day} {time}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let text = include_str!("../../../content/bookings.toml");
        let error = |from: &str, to: &str| Hours::parse(&text.replace(from, to)).unwrap_err();
        assert_eq!(error("09:00-11:30", "9 to 5"), HoursError::Span("9 to 5".to_owned()));
        assert_eq!(error("every_min = 30", "every_min = 0"), HoursError::Every);
        assert_eq!(error("quota = 3", "quota = 0"), HoursError::Nothing);
    }
}
