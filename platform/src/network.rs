//! The city's static feed, compact: stops, lines, trips and the days they run.
//!
//! Trips that call at the same stops in the same order share one [`Pattern`]; every name is held once.
//! A stop time costs 8 bytes for its times and 12 in the index by stop, so a city of a million
//! stop times fits in 20 MB. Everything is addressed by index; identifiers of the feed are kept for the wire.
//!
//! Times of day are seconds since noon minus 12 h of the service day (GTFS reference, "Time").

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sync::{Line, StopId, Text};

mod days;
mod draft;

pub use days::{Service, ServiceDay, ServiceDays};
pub(crate) use draft::{Draft, DraftCall, DraftTrip};

use crate::feeds::gtfs::Report;

/// Most calls of one trip.
pub const CALLS_MAX: usize = 4_096;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into a slice.
            pub fn at(self) -> usize {
                self.0 as usize
            }

            fn from_len(len: usize) -> Self {
                Self(u32::try_from(len).expect("readers bound every table far below 2^32 rows"))
            }
        }
    };
}

index! {
    /// A stop of a [`Network`].
    StopIx
}
index! {
    /// A line of a [`Network`].
    LineIx
}
index! {
    /// A trip of a [`Network`].
    TripIx
}
index! {
    /// A service (set of days) of a [`Network`].
    ServiceIx
}
index! {
    /// A pattern of a [`Network`].
    PatternIx
}
index! {
    /// A name of a [`Network`].
    TextIx
}

/// One stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// As the feed calls it.
    pub id: StopId,
    /// For people.
    pub name: TextIx,
    /// Degrees north and east (WGS 84), where given and sane.
    pub position: Option<(f64, f64)>,
}

/// One call of a pattern at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    /// Where.
    pub stop: StopIx,
    /// `stop_sequence` of the feed: ascending, not dense.
    pub sequence: u32,
    /// Destination shown from here on, where it differs from the trip's.
    pub headsign: Option<TextIx>,
    /// Whether riders may get on; never where the trip ends.
    pub boarding: bool,
}

/// The calls that some trips share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// In order of travel; a stop may occur more than once.
    pub calls: Box<[Call]>,
}

/// When a trip calls, as seconds of the service day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTime {
    /// Arrival.
    pub arrival_s: u32,
    /// Departure, never before arrival.
    pub departure_s: u32,
}

/// One trip of the timetable.
#[derive(Debug, Clone)]
pub struct Trip {
    /// As the feed calls it.
    pub id: Box<str>,
    /// Its line.
    pub line: LineIx,
    /// When it runs.
    pub service: ServiceIx,
    /// Where it calls.
    pub pattern: PatternIx,
    /// Where it says it goes.
    pub headsign: Option<TextIx>,
    /// Whether its times are a template repeated by [`Frequency`] and not times of day.
    pub repeated: bool,
    /// Index of its first [`CallTime`].
    times: u32,
}

/// A trip repeated through part of the day (frequencies.txt).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frequency {
    /// The template.
    pub trip: TripIx,
    /// First departure from the first stop.
    pub from_s: u32,
    /// No departure from the first stop at or after this.
    pub until_s: u32,
    /// Seconds between departures.
    pub headway_s: u32,
    /// Whether departures hold to the second, and so stand in the timetable.
    pub exact: bool,
}

/// One scheduled call at a stop, for the index by stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// Arrival as seconds of the service day.
    pub arrival_s: u32,
    /// The trip.
    pub trip: TripIx,
    /// Which of its calls.
    pub call: u16,
}

/// The static feed.
#[derive(Debug)]
pub struct Network {
    timezone: TimeZone,
    timezone_name: Box<str>,
    texts: Vec<Text>,
    stops: Vec<Stop>,
    lines: Vec<Line>,
    services: Vec<Service>,
    patterns: Vec<Pattern>,
    trips: Vec<Trip>,
    times: Vec<CallTime>,
    frequencies: Vec<Frequency>,
    /// All visits, by stop and then by time.
    visits: Vec<Visit>,
    /// Where each stop's visits start; one more entry than stops.
    visits_from: Vec<u32>,
    stop_ids: HashMap<Box<str>, StopIx>,
    line_ids: HashMap<Box<str>, LineIx>,
    trip_ids: HashMap<Box<str>, TripIx>,
    report: Report,
}

impl Network {
    /// What was odd in the feed.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// IANA name of the time zone the service days live in.
    pub fn timezone_name(&self) -> &str {
        &self.timezone_name
    }

    /// Every stop, in order of index.
    pub fn stops(&self) -> &[Stop] {
        &self.stops
    }

    /// Every line, in order of index.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Every trip, in order of index.
    pub fn trips(&self) -> &[Trip] {
        &self.trips
    }

    /// Every service, in order of index.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Every repeated trip.
    pub fn frequencies(&self) -> &[Frequency] {
        &self.frequencies
    }

    /// How many stop times it holds.
    pub fn stop_times(&self) -> usize {
        self.times.len()
    }

    /// The stop that the feed calls `id`.
    pub fn stop_by_id(&self, id: &str) -> Option<StopIx> {
        self.stop_ids.get(id).copied()
    }

    /// The line that the feed calls `id`.
    pub fn line_by_id(&self, id: &str) -> Option<LineIx> {
        self.line_ids.get(id).copied()
    }

    /// The trip that the feed calls `id`.
    pub fn trip_by_id(&self, id: &str) -> Option<TripIx> {
        self.trip_ids.get(id).copied()
    }

    /// One stop.
    pub fn stop(&self, stop: StopIx) -> &Stop {
        &self.stops[stop.at()]
    }

    /// One trip.
    pub fn trip(&self, trip: TripIx) -> &Trip {
        &self.trips[trip.at()]
    }

    /// One line.
    pub fn line(&self, line: LineIx) -> &Line {
        &self.lines[line.at()]
    }

    /// One name.
    pub fn text(&self, text: TextIx) -> &Text {
        &self.texts[text.at()]
    }

    /// Where `trip` calls.
    pub fn calls(&self, trip: TripIx) -> &[Call] {
        &self.patterns[self.trip(trip).pattern.at()].calls
    }

    /// When `trip` calls, one entry for each of [`Network::calls`].
    pub fn times(&self, trip: TripIx) -> &[CallTime] {
        let from = self.trip(trip).times as usize;
        &self.times[from..from + self.calls(trip).len()]
    }

    /// Scheduled calls at `stop` on any day, by time.
    pub fn visits(&self, stop: StopIx) -> &[Visit] {
        &self.visits[self.visits_from[stop.at()] as usize..self.visits_from[stop.at() + 1] as usize]
    }

    /// The lines that call at `stop`, each once, in order of index.
    pub fn lines_at(&self, stop: StopIx) -> Vec<LineIx> {
        let repeated = self.frequencies.iter().map(|frequency| frequency.trip);
        let repeated =
            repeated.filter(|trip| self.calls(*trip).iter().any(|call| call.stop == stop));
        let trips = self.visits(stop).iter().map(|visit| visit.trip).chain(repeated);
        let mut lines: Vec<LineIx> = trips.map(|trip| self.trip(trip).line).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// What a vehicle on `trip` shows at its call `call`: its headsign there, else the name of its last stop.
    pub fn destination(&self, trip: TripIx, call: usize) -> TextIx {
        let calls = self.calls(trip);
        let here = calls.get(call).and_then(|call| call.headsign).or(self.trip(trip).headsign);
        let last = calls.last().map(|last| self.stop(last.stop).name);
        here.or(last).unwrap_or(TextIx(0))
    }

    /// Second 0 of the service day `date`: noon minus 12 h, which differs from midnight when clocks change.
    pub fn day_start(&self, date: Date) -> Option<i64> {
        let noon = self.timezone.to_timestamp(date.at(12, 0, 0, 0)).ok()?;
        Some(noon.as_second() - 12 * 3600)
    }

    /// The calendar day at `now` where the network is.
    pub fn date_at(&self, now: Timestamp) -> Date {
        self.timezone.to_datetime(now).date()
    }
}
