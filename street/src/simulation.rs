//! Buses on the demonstration network: a core that turns a time into where every bus is and what its
//! operator predicts.
//!
//! A **run** is one trip as it really happens. Runs of a service day follow from the network, the seed
//! and the date alone, so the same second always looks the same. What the street publishes is less than
//! that truth: buses report every quarter of a minute, fall silent now and then, and predictions know
//! the usual traffic only.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::geometry::Point;
use crate::gtfs::{TIMEZONE, trip_id};
use crate::network::{DWELL_S, Network, Pattern, Service};

/// How often a bus reports its position, in seconds.
const REPORT_EVERY_S: i64 = 15;
/// How long a bus stands at its first stop before it leaves, in seconds.
const BOARDING_S: i64 = 150;
/// How far ahead trips without a bus are predicted, in seconds.
const PREDICT_AHEAD_S: i64 = 25 * 60;
/// A bus falls silent in one of so many ten-minute spells, as in a tunnel or a dead spot.
const SILENT_ONE_IN: u64 = 24;
/// Length of a spell, and how much of a silent one is silence, in seconds.
const SPELL_S: i64 = 600;
const SILENCE_S: i64 = 200;
/// Least gap between two buses of a pattern at one stop, in seconds: they queue and don't overtake.
const FOLLOW_S: i64 = 15;
/// Fleet numbers of a line before they repeat; more than are ever out at once.
const FLEET: usize = 60;
/// Extra seconds a bus stands for each minute since the bus before it: the riders who gathered.
const DWELL_PER_GAP_MIN_S: i64 = 2;

/// Buses of the demonstration network.
#[derive(Debug)]
pub struct Simulation {
    network: Arc<Network>,
    seed: u64,
    timezone: TimeZone,
    days: BTreeMap<Date, Vec<Run>>,
}

/// One trip as it really happens; times are Unix seconds.
#[derive(Debug)]
struct Run {
    pattern: usize,
    trip: String,
    vehicle: String,
    day: Date,
    midnight: i64,
    scheduled: i64,
    arrives: Vec<i64>,
    departs: Vec<i64>,
}

/// What the operator knows at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The moment.
    pub at: Timestamp,
    /// Buses that have reported.
    pub vehicles: Vec<Vehicle>,
    /// Predictions, with or without a bus behind them.
    pub trips: Vec<Prediction>,
}

/// The last report of a bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Vehicle {
    /// Fleet number.
    pub id: String,
    /// GTFS trip.
    pub trip: String,
    /// Service day of the trip.
    pub day: Date,
    /// Index of the pattern.
    pub pattern: usize,
    /// When it reported.
    pub observed_at: Timestamp,
    /// Where it was.
    pub position: Point,
    /// Distance from the first stop, in metres.
    pub along_m: f64,
    /// Compass bearing in degrees.
    pub bearing: f64,
    /// Index of the call it stands at or heads for.
    pub call: usize,
    /// It stands at that call.
    pub at_stop: bool,
}

/// What the operator expects of one trip.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// GTFS trip.
    pub trip: String,
    /// Service day of the trip.
    pub day: Date,
    /// Index of the pattern.
    pub pattern: usize,
    /// The bus, once there is one.
    pub vehicle: Option<String>,
    /// When the prediction was made.
    pub made_at: Timestamp,
    /// Calls still to come.
    pub calls: Vec<PredictedCall>,
}

/// Expected times at one call, as Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PredictedCall {
    /// Index of the call.
    pub call: usize,
    /// Arrival.
    pub arrives: i64,
    /// Departure.
    pub departs: i64,
}

impl Simulation {
    /// Buses on `network`; another `seed` gives another day.
    pub fn new(network: Arc<Network>, seed: u64) -> Self {
        let timezone =
            TimeZone::get(TIMEZONE).expect("the bundled database knows the time zone of China");
        Self { network, seed, timezone, days: BTreeMap::new() }
    }

    /// What the operator knows at `now`.
    pub fn at(&mut self, now: Timestamp) -> Snapshot {
        let today = now.to_zoned_datetime(self.timezone.clone()).date();
        let yesterday = today.saturating_sub(1.day());
        self.days.retain(|day, _| (yesterday..=today).contains(day));
        for day in [yesterday, today] {
            if !self.days.contains_key(&day) {
                let runs = self.runs(day);
                self.days.insert(day, runs);
            }
        }
        let second = now.as_second();
        let mut snapshot = Snapshot { at: now, vehicles: Vec::new(), trips: Vec::new() };
        let out = |run: &&Run| (run.scheduled - PREDICT_AHEAD_S..=run.end()).contains(&second);
        for run in self.days.values().flatten().filter(out) {
            let trip = if let Some(at) = self.last_report(run, second) {
                snapshot.vehicles.push(self.vehicle(run, at));
                self.predict(run, at)
            } else {
                self.predict(run, second - second.rem_euclid(60))
            };
            if !trip.calls.is_empty() {
                snapshot.trips.push(trip);
            }
        }
        snapshot
    }

    /// Every run of a service day, in order of departure within each pattern.
    fn runs(&self, day: Date) -> Vec<Run> {
        let service = match day.weekday() {
            Weekday::Saturday | Weekday::Sunday => Service::Weekend,
            _ => Service::Weekday,
        };
        // GTFS counts from noon minus twelve hours; China has no summer time, so that is midnight.
        let midnight = self
            .timezone
            .to_zoned_datetime(day.at(0, 0, 0, 0))
            .map_or(0, |z| z.timestamp().as_second());
        let mut runs: Vec<Run> = Vec::new();
        for index in 0..self.network.patterns.len() {
            let line = self.network.patterns[index].line;
            let mut leader = None;
            for (number, departs_s) in
                self.network.departures(line, service).into_iter().enumerate()
            {
                let trip =
                    trip_id(&self.network, &self.network.patterns[index], service, departs_s);
                let ahead = leader.map(|leader: usize| &runs[leader]);
                let mut run = Run {
                    pattern: index,
                    vehicle: self.fleet_number(index, number),
                    trip,
                    day,
                    midnight,
                    scheduled: midnight + i64::from(departs_s),
                    arrives: Vec::new(),
                    departs: Vec::new(),
                };
                self.drive(&mut run, ahead);
                leader = Some(runs.len());
                runs.push(run);
            }
        }
        runs
    }

    /// Takes `run` from stop to stop behind the bus before it.
    fn drive(&self, run: &mut Run, leader: Option<&Run>) {
        let pattern = &self.network.patterns[run.pattern];
        let seed = mix(&[self.seed, hash(&run.trip), run.midnight.unsigned_abs()]);
        let mut random = fastrand::Rng::with_seed(seed);
        let temper = 0.94 + 0.12 * random.f64();
        run.arrives.push(run.scheduled - BOARDING_S);
        run.departs.push(run.scheduled + random.i64(0..75));
        for (k, call) in pattern.calls.iter().enumerate().skip(1) {
            let left = run.departs[k - 1];
            let traffic = run.pace(left) * self.jam(run.pattern, k, left) * temper;
            let arrival = left + scaled(call.ride_s, traffic * (0.9 + 0.2 * random.f64()));
            let ahead = leader.map(|leader| leader.departs[k]);
            let arrival = arrival.max(ahead.map_or(i64::MIN, |ahead| ahead + FOLLOW_S));
            let gathered = ahead.map_or(10, |ahead| ((arrival - ahead) / 60).clamp(0, 20));
            run.arrives.push(arrival);
            run.departs.push(arrival + 8 + DWELL_PER_GAP_MIN_S * gathered + random.i64(0..8));
        }
    }

    /// Unique among the buses that are out at the same time.
    fn fleet_number(&self, pattern: usize, number: usize) -> String {
        let pattern = &self.network.patterns[pattern];
        let number = (number * 2 + usize::from(pattern.direction)) % FLEET;
        format!("{}-{number:02}", self.network.lines[pattern.line].id)
    }

    /// How much slower a stretch is than usual for a quarter of an hour, from 0.85 to 1.35.
    fn jam(&self, pattern: usize, call: usize, second: i64) -> f64 {
        let quarter = second.div_euclid(900).unsigned_abs();
        let seed = mix(&[self.seed, pattern as u64, call as u64, quarter]);
        let mut random = fastrand::Rng::with_seed(seed);
        0.85 + 0.5 * random.f64() * random.f64()
    }

    /// When the bus of `run` last reported before `second`; `None` before its first report.
    fn last_report(&self, run: &Run, second: i64) -> Option<i64> {
        let key = mix(&[self.seed, hash(&run.trip)]);
        let phase = i64::from(u8::try_from(key % 15).unwrap_or(0));
        let second = second.min(run.end());
        let mut report = second - (second - phase).rem_euclid(REPORT_EVERY_S);
        let spell = report.div_euclid(SPELL_S);
        let silent =
            fastrand::Rng::with_seed(mix(&[key, spell.unsigned_abs()])).u64(0..SILENT_ONE_IN) == 0;
        let since = spell * SPELL_S;
        if silent && report < since + SILENCE_S {
            report = since - 1 - (since - 1 - phase).rem_euclid(REPORT_EVERY_S);
        }
        (report >= run.arrives[0]).then_some(report)
    }

    fn vehicle(&self, run: &Run, at: i64) -> Vehicle {
        let pattern = &self.network.patterns[run.pattern];
        let place = run.place(pattern, at);
        let (position, bearing) = pattern.path.at(place.along_m);
        Vehicle {
            id: run.vehicle.clone(),
            trip: run.trip.clone(),
            day: run.day,
            pattern: run.pattern,
            observed_at: unix(at),
            position,
            along_m: place.along_m,
            bearing,
            call: place.call,
            at_stop: place.at_stop,
        }
    }

    /// The operator's view at `at`: where the bus is, then timetable times at the usual pace.
    fn predict(&self, run: &Run, at: i64) -> Prediction {
        let pattern = &self.network.patterns[run.pattern];
        let known = at >= run.arrives[0];
        let pace = run.pace(at);
        let mut calls = Vec::new();
        let mut free = at;
        let first = if known {
            run.place(pattern, at)
        } else {
            Place { call: 0, along_m: 0.0, at_stop: true }
        };
        for (k, call) in pattern.calls.iter().enumerate().skip(first.call) {
            let arrives = match (k == first.call, first.at_stop) {
                (true, true) => run.arrives[k].min(at),
                (true, false) => {
                    let before = pattern.calls[k - 1].along_m;
                    let left = (call.along_m - first.along_m) / (call.along_m - before).max(1.0);
                    at + scaled(call.ride_s, pace * left)
                }
                _ => free + scaled(call.ride_s, pace),
            };
            let arrives = if k == 0 { arrives.max(run.scheduled - BOARDING_S) } else { arrives };
            let departs = match k {
                0 => run.scheduled.max(at) + 10,
                _ => (arrives + i64::from(DWELL_S)).max(at + 5),
            };
            calls.push(PredictedCall { call: k, arrives, departs });
            free = departs;
        }
        let vehicle = known.then(|| run.vehicle.clone());
        let (trip, made_at) = (run.trip.clone(), unix(at));
        Prediction { trip, day: run.day, pattern: run.pattern, vehicle, made_at, calls }
    }
}

/// Where on its pattern a bus is.
struct Place {
    call: usize,
    along_m: f64,
    at_stop: bool,
}

impl Run {
    /// When the bus is gone from the street.
    fn end(&self) -> i64 {
        self.departs[self.departs.len() - 1]
    }

    /// Usual riding time relative to the timetable: slow in the two rush hours, quick at night.
    fn pace(&self, at: i64) -> f64 {
        match (at - self.midnight).div_euclid(3600).rem_euclid(24) {
            7 | 8 | 17 | 18 => 1.25,
            9..=16 | 19 | 20 => 1.08,
            _ => 0.95,
        }
    }

    fn place(&self, pattern: &Pattern, at: i64) -> Place {
        let call =
            self.departs.partition_point(|&departs| departs <= at).min(self.departs.len() - 1);
        let along_m = pattern.calls[call].along_m;
        if call == 0 || self.arrives[call] <= at {
            return Place { call, along_m, at_stop: true };
        }
        let (left, arrives) = (self.departs[call - 1], self.arrives[call]);
        let from = pattern.calls[call - 1].along_m;
        let share = fraction(at - left, arrives - left);
        // Eases out of one stop and into the next.
        let eased = share * share * (3.0 - 2.0 * share);
        Place { call, along_m: from + (along_m - from) * eased, at_stop: false }
    }
}

fn unix(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a service day lies within the years that jiff knows")
}

#[expect(clippy::cast_possible_truncation, reason = "rides take minutes")]
fn scaled(ride_s: u32, factor: f64) -> i64 {
    (f64::from(ride_s) * factor).round() as i64
}

#[expect(clippy::cast_precision_loss, reason = "rides take minutes")]
fn fraction(part: i64, whole: i64) -> f64 {
    part as f64 / (whole.max(1)) as f64
}

/// One seed from several numbers.
fn mix(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0, |seed, number| fastrand::Rng::with_seed(seed ^ number).u64(..))
}

/// FNV-1a, 64 bit: stable across builds, unlike the standard library's hasher.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
