//! What the stop's own timetable says when nobody has seen a bus: always labelled as such.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use sync::{Timetable, TimetableLine};

use crate::message::Row;
use crate::when::{Certainty, Kind, When};

/// A pause in service at least this long is a night, not a gap.
const NIGHT_MIN: SignedDuration = SignedDuration::from_hours(2);
/// The last bus may be this late before the glass says that it has gone.
const LATE_MAX: SignedDuration = SignedDuration::from_mins(10);
/// From this long before it, the first bus stands on the glass.
const FIRST_LEAD: SignedDuration = SignedDuration::from_mins(60);
/// Timetabled buses further away than this are not worth a line.
const SCHEDULED_MAX: SignedDuration = SignedDuration::from_hours(3);
/// Above this gap people want times, not a headway.
const HEADWAY_MAX_S: u32 = 20 * 60;

/// The timetable of one stop, ready to be asked.
#[derive(Debug, Clone)]
pub struct Fallback {
    timetable: Timetable,
    zone: TimeZone,
}

/// Where in its day the service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Buses run.
    Running,
    /// The last bus has gone.
    Ended,
    /// The first bus comes soon.
    BeforeFirst,
    /// The timetable does not cover this day.
    Unknown,
}

/// One departure of one line.
#[derive(Debug, Clone, Copy)]
struct Departure {
    /// Index of its line in the timetable.
    line: usize,
    at: Timestamp,
}

impl Fallback {
    /// Takes a timetable; `None` when its time zone is unknown here.
    pub fn new(timetable: Timetable) -> Option<Self> {
        let zone = TimeZone::get(&timetable.timezone).ok()?;
        Some(Self { timetable, zone })
    }

    /// The time zone people at this stop live in.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The timetable itself.
    pub fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    /// The first bus of each line, when the last one has gone.
    pub fn ended(&self, now: Timestamp) -> Option<Vec<Row>> {
        (self.phase(now) == Phase::Ended).then(|| self.firsts(now))
    }

    /// The first bus of each line, when it comes soon.
    pub fn first(&self, now: Timestamp) -> Option<Vec<Row>> {
        (self.phase(now) == Phase::BeforeFirst).then(|| self.firsts(now))
    }

    /// How often buses come, where that is often; other lines with their next time.
    pub fn headway(&self, now: Timestamp) -> Option<Vec<Row>> {
        if self.phase(now) != Phase::Running {
            return None;
        }
        let frequent: Vec<(usize, Row)> = (0..self.timetable.lines.len())
            .filter_map(|line| {
                self.every(line, now).map(|kind| (line, self.row(line, "every", kind)))
            })
            .collect();
        let others = self.scheduled(now).into_iter().flatten().filter(|row| {
            !frequent
                .iter()
                .any(|(_, every)| every.line == row.line && every.destination == row.destination)
        });
        let others: Vec<Row> = others.collect();
        let rows: Vec<Row> = frequent.into_iter().map(|(_, row)| row).chain(others).collect();
        rows.iter().any(|row| matches!(row.when.kind, Kind::Every(..))).then_some(rows)
    }

    /// The next times of each line, soonest first.
    pub fn scheduled(&self, now: Timestamp) -> Option<Vec<Row>> {
        let late = if self.departures(now).iter().any(|d| d.at >= now && d.at <= now + NIGHT_MIN) {
            SignedDuration::ZERO
        } else {
            LATE_MAX
        };
        let near = |departure: &Departure| {
            now - late <= departure.at && departure.at <= now + SCHEDULED_MAX
        };
        let departures = self.departures(now).into_iter().filter(near);
        let rows: Vec<Row> = departures
            .map(|departure| {
                let kind = Kind::Clock(self.zone.to_datetime(departure.at).time());
                self.row(departure.line, &departure.at.to_string(), kind)
            })
            .collect();
        (!rows.is_empty()).then_some(rows)
    }

    /// When the answer to any of these questions may next be another.
    pub fn next_change(&self, now: Timestamp) -> Timestamp {
        let edges = self.departures(now).into_iter().flat_map(|departure| {
            [SignedDuration::ZERO, LATE_MAX, -FIRST_LEAD, -NIGHT_MIN]
                .map(|edge| departure.at + edge)
        });
        edges
            .filter(|edge| *edge > now)
            .min()
            .unwrap_or(now + NIGHT_MIN)
            .min(now + SignedDuration::from_mins(1))
    }

    fn phase(&self, now: Timestamp) -> Phase {
        let departures = self.departures(now);
        let last = departures
            .iter()
            .rev()
            .find(|departure| departure.at <= now)
            .map(|departure| departure.at);
        let next =
            departures.iter().find(|departure| departure.at > now).map(|departure| departure.at);
        match (last, next) {
            (None, None) => Phase::Unknown,
            (_, Some(next)) if now.duration_until(next) <= FIRST_LEAD => {
                let rested = last.is_none_or(|last| last.duration_until(next) >= NIGHT_MIN);
                if rested { Phase::BeforeFirst } else { Phase::Running }
            }
            (Some(last), _) if last.duration_until(now) <= LATE_MAX => Phase::Running,
            (Some(last), Some(next)) if last.duration_until(next) < NIGHT_MIN => Phase::Running,
            _ => Phase::Ended,
        }
    }

    /// The next departure of each line.
    fn firsts(&self, now: Timestamp) -> Vec<Row> {
        let mut seen = Vec::new();
        let mut rows = Vec::new();
        for departure in self.departures(now).into_iter().filter(|departure| departure.at > now) {
            if !seen.contains(&departure.line) {
                seen.push(departure.line);
                let kind = Kind::First(self.zone.to_datetime(departure.at).time());
                rows.push(self.row(departure.line, "first", kind));
            }
        }
        rows
    }

    /// The headway of a line now, between its first and its last bus.
    fn every(&self, line: usize, now: Timestamp) -> Option<Kind> {
        let entry = &self.timetable.lines[line];
        let today = self.zone.to_datetime(now).date();
        [today.checked_sub(1.day()).ok()?, today].into_iter().find_map(|day| {
            let start = self.start_of(day)?;
            let second = u32::try_from(start.duration_until(now).as_secs()).ok()?;
            let services = self.timetable.days.get(&day)?;
            let headways =
                services.iter().filter_map(|service| entry.headways.get(service)).flatten();
            let current =
                headways.filter(|headway| (headway.from_s..headway.until_s).contains(&second));
            let headway = current.min_by_key(|headway| headway.high_s)?;
            let times =
                services.iter().filter_map(|service| entry.departures_s.get(service)).flatten();
            let (first, last) = (times.clone().min()?, times.max()?);
            let between = second + headway.high_s >= *first && second + headway.low_s <= *last;
            let minutes =
                |seconds: u32| u16::try_from(seconds.div_ceil(60).max(1)).unwrap_or(u16::MAX);
            let often = between && headway.high_s <= HEADWAY_MAX_S;
            often.then(|| Kind::Every(minutes(headway.low_s), minutes(headway.high_s)))
        })
    }

    /// All departures of the service days around `now`, soonest first.
    fn departures(&self, now: Timestamp) -> Vec<Departure> {
        let today = self.zone.to_datetime(now).date();
        let days = [today.checked_sub(1.day()), Ok(today), today.checked_add(1.day())];
        let mut departures = Vec::new();
        for day in days.into_iter().flatten() {
            let (Some(start), Some(services)) = (self.start_of(day), self.timetable.days.get(&day))
            else {
                continue;
            };
            for (line, entry) in self.timetable.lines.iter().enumerate() {
                let times =
                    services.iter().filter_map(|service| entry.departures_s.get(service)).flatten();
                departures.extend(times.map(|second| Departure {
                    line,
                    at: start + SignedDuration::from_secs(i64::from(*second)),
                }));
            }
        }
        departures.sort_by_key(|departure| departure.at);
        departures
    }

    /// Noon minus twelve hours: not midnight on the day the clocks change (GTFS reference, "Time").
    fn start_of(&self, day: Date) -> Option<Timestamp> {
        let noon = self.zone.to_timestamp(day.at(12, 0, 0, 0)).ok()?;
        Some(noon - SignedDuration::from_hours(12))
    }

    fn row(&self, line: usize, what: &str, kind: Kind) -> Row {
        let TimetableLine { line: named, destination, .. } = &self.timetable.lines[line];
        Row {
            key: format!("timetable/{line}/{what}"),
            line: named.clone(),
            destination: destination.clone(),
            when: When { kind, certainty: Certainty::Scheduled },
            stops_away: None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sync::{Headway, Lang, Line, Text, Unknown};

    /// K1 from 06:10 to 22:30 every 8 to 10 minutes, 5 at 07:00, 13:00 and 24:30, on 23 and 24 November 2026.
    pub(crate) fn timetable() -> Timetable {
        let line = |name: &str, zh: &str, en: &str, times: Vec<u32>, headways: Vec<Headway>| {
            TimetableLine {
                line: Line { id: name.into(), name: name.into(), colour: None },
                destination: Text::new(zh, en),
                departures_s: [("daily".to_owned(), times)].into(),
                headways: [("daily".to_owned(), headways)].into(),
            }
        };
        let often = Headway { from_s: 6 * 3600, until_s: 23 * 3600, low_s: 480, high_s: 600 };
        let k1 = (0..=108).map(|n| 6 * 3600 + 600 + n * 540).chain([22 * 3600 + 1800]).collect();
        Timetable {
            stop: "S1".into(),
            name: Text::new("东街口", "Dongjiekou"),
            timezone: "Asia/Shanghai".into(),
            days: ["2026-11-23", "2026-11-24"]
                .map(|day| (day.parse().unwrap(), vec!["daily".to_owned()]))
                .into(),
            lines: vec![
                line("K1", "火车站", "Railway Station", k1, vec![often]),
                line("5", "南门兜", "Nanmendou", vec![7 * 3600, 13 * 3600], vec![]),
            ],
            unknown: Unknown::new(),
        }
    }

    fn words(rows: Option<Vec<Row>>) -> Vec<String> {
        let one = |row: Row| format!("{} {}", row.line.name, row.when.words(Lang::Zh)[0]);
        rows.map(|rows| rows.into_iter().map(one).collect()).unwrap_or_default()
    }

    /// Ended, headway, first, and the first two of the timetable.
    fn at(time: &str) -> [Vec<String>; 4] {
        let fallback = Fallback::new(timetable()).unwrap();
        let now: Timestamp = format!("2026-11-{time}:00+08:00").parse().unwrap();
        let mut scheduled = words(fallback.scheduled(now));
        scheduled.truncate(2);
        [
            words(fallback.ended(now)),
            words(fallback.headway(now)),
            words(fallback.first(now)),
            scheduled,
        ]
    }

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn by_day_frequent_lines_have_a_headway_and_others_a_time() {
        let [ended, headway, first, scheduled] = at("23T12:00");
        assert_eq!((ended, first), (vec![], vec![]));
        assert_eq!(headway, list(&["K1 每8-10分钟", "5 13:00"]));
        assert_eq!(scheduled, list(&["K1 12:01", "K1 12:10"]));
    }

    #[test]
    fn after_the_last_bus_service_has_ended_once_it_cannot_be_late_any_more() {
        assert_eq!(at("23T22:40")[0], list(&[]));
        assert_eq!(at("23T22:40")[3], list(&["K1 22:30"]));
        assert_eq!(at("23T22:41")[0], list(&["K1 首班06:10", "5 首班07:00"]));
        assert_eq!(at("23T22:41")[1], list(&[]));
    }

    #[test]
    fn an_hour_before_it_the_first_bus_is_announced() {
        assert_eq!(at("24T05:09")[2], list(&[]));
        assert_eq!(at("24T05:10")[2], list(&["K1 首班06:10", "5 首班07:00"]));
        assert_eq!(at("24T05:10")[0], list(&[]));
    }

    #[test]
    fn a_day_without_timetable_gives_no_answer() {
        assert!(at("20T12:00").iter().all(Vec::is_empty));
    }
}
