//! What the realtime feeds expect at each stop, judged vehicle by vehicle.
//!
//! A [`Forecast`] is made of one whole feed and replaced by the next. It holds indices and seconds only;
//! names are looked up when a board is built.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use sync::Source;

use crate::feeds::gtfs_rt::{TripState, TripUpdate, Vehicle};
use crate::network::{LineIx, Network, ServiceDays, StopIx, TextIx, TripIx};

mod run;

/// How far in the future a measurement may lie and still be believed, in seconds: clocks differ.
pub const FUTURE_MAX_S: i64 = 60;

/// One run of one trip that a realtime feed speaks of.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Its trip, where the timetable has it.
    pub(crate) trip: Option<TripIx>,
    /// What the feed calls the trip, where the timetable has it not.
    pub(crate) name: String,
    pub(crate) line: LineIx,
    /// Destination of a trip that the timetable has not.
    pub(crate) destination: Option<TextIx>,
    pub(crate) vehicle: Option<String>,
    /// When the vehicle was last seen, else the prediction made; never in the future.
    pub(crate) observed_s: i64,
    pub(crate) source: Source,
    position: Option<Position>,
    /// Calls it leaves out, ascending.
    skipped: Vec<u16>,
    /// Changes whenever anything changes that riders see of this run, apart from its times.
    pub(crate) digest: u64,
}

/// The call a vehicle stands at or goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Position {
    call: u16,
    stands: bool,
}

impl Run {
    /// Whether the vehicle is known to be past `call`.
    pub(crate) fn passed(&self, call: u16) -> bool {
        self.position.is_some_and(|position| call < position.call)
    }

    /// Whether the vehicle stands at `call`.
    pub(crate) fn stands_at(&self, call: u16) -> bool {
        self.position == Some(Position { call, stands: true })
    }

    /// How many stops the vehicle still has before `call`; 0 means it is next, or reached.
    pub(crate) fn stops_away(&self, call: u16) -> Option<u16> {
        let position = self.position?;
        let next = position.call + u16::from(position.stands);
        let left_out =
            self.skipped.iter().filter(|skipped| (next..call).contains(*skipped)).count();
        let ahead = call.saturating_sub(next);
        Some(ahead.saturating_sub(u16::try_from(left_out).unwrap_or(u16::MAX)))
    }
}

/// One expected call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Index into [`Forecast::runs`].
    pub(crate) run: u32,
    pub(crate) call: u16,
    /// The feed has no data for this call, so its time is the timetable's.
    pub(crate) scheduled: bool,
    /// Seconds since 1970.
    pub(crate) arrives_s: i64,
}

/// What could not be used of a feed, and how much could.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Runs with an expectation.
    pub runs: u32,
    /// Runs that do not take place.
    pub canceled: u32,
    /// Trips of neither the timetable nor a known line.
    pub unknown_trips: u32,
    /// Stop times that fit no call of their trip.
    pub unmatched_stops: u32,
    /// Calls at another stop than the timetable's, such as another platform.
    pub moved_stops: u32,
    /// Runs that the feed lists once more.
    pub duplicates: u32,
}

/// What the realtime feeds expect, by stop.
#[derive(Debug, Default)]
pub(crate) struct Forecast {
    pub(crate) runs: Vec<Run>,
    pub(crate) counts: Counts,
    expected: Vec<Expected>,
    /// Where each stop's expectations start; empty while there is no forecast at all.
    from: Vec<u32>,
    /// For each trip, a bit for each of the three service days on which the feed speaks of it.
    spoken: Vec<u8>,
    /// The same for repeated trips, by the second their times count from.
    spoken_repeated: HashSet<(TripIx, i64)>,
}

impl Forecast {
    /// What is expected at `stop`, in no order.
    pub(crate) fn at(&self, stop: StopIx) -> &[Expected] {
        match self.from.get(stop.at()..=stop.at() + 1) {
            Some(&[from, until]) => &self.expected[from as usize..until as usize],
            _ => &[],
        }
    }

    /// Whether the feed speaks of this run, so that the timetable is silent about it.
    ///
    /// `day` is the index of the service day, `base_s` the second that the run's times count from.
    pub(crate) fn speaks_of(
        &self,
        network: &Network,
        trip: TripIx,
        day: usize,
        base_s: i64,
    ) -> bool {
        if network.trip(trip).repeated {
            return self.spoken_repeated.contains(&(trip, base_s));
        }
        self.spoken.get(trip.at()).is_some_and(|days| days & (1 << day) != 0)
    }
}

/// What a forecast is made of.
pub(crate) struct Sources<'a> {
    pub(crate) network: &'a Network,
    pub(crate) days: &'a ServiceDays,
    pub(crate) trips: &'a [TripUpdate],
    /// When the feed of `trips` was made.
    pub(crate) made_s: i64,
    pub(crate) vehicles: &'a [Vehicle],
    pub(crate) now_s: i64,
}

impl Sources<'_> {
    /// The forecast of these feeds.
    pub(crate) fn forecast(&self) -> Forecast {
        let mut maker = Maker::new(self);
        for update in self.trips {
            maker.trip(update);
        }
        for (number, vehicle) in self.vehicles.iter().enumerate() {
            maker.vehicle_alone(number, vehicle);
        }
        maker.finish()
    }

    /// A measurement that may be believed, moved out of the future.
    fn believed(&self, measured_s: Option<i64>) -> Option<i64> {
        measured_s
            .filter(|measured| *measured <= self.now_s + FUTURE_MAX_S)
            .map(|measured| measured.min(self.now_s))
    }
}

/// A forecast being made.
struct Maker<'a> {
    sources: &'a Sources<'a>,
    forecast: Forecast,
    /// Expectations in the order of runs.
    placed: Vec<(StopIx, Expected)>,
    by_trip: HashMap<&'a str, usize>,
    by_vehicle: HashMap<&'a str, usize>,
    /// Trips the timetable has not that were already seen.
    added: HashSet<&'a str>,
    scratch: run::Scratch<'a>,
}

impl<'a> Maker<'a> {
    fn new(sources: &'a Sources<'a>) -> Self {
        let (mut by_trip, mut by_vehicle) = (HashMap::new(), HashMap::new());
        for (number, vehicle) in sources.vehicles.iter().enumerate() {
            // Of two reports the newer one counts.
            let newer = |known: &mut usize| {
                if sources.vehicles[*known].measured_s <= vehicle.measured_s {
                    *known = number;
                }
            };
            if let Some(trip) = &vehicle.trip {
                by_trip.entry(trip.trip.as_str()).and_modify(newer).or_insert(number);
            }
            if let Some(id) = &vehicle.id {
                by_vehicle.entry(id.as_str()).and_modify(newer).or_insert(number);
            }
        }
        let forecast =
            Forecast { spoken: vec![0; sources.network.trips().len()], ..Forecast::default() };
        let calls = sources.trips.iter().map(|trip| trip.stop_times.len()).sum();
        let placed = Vec::with_capacity(calls);
        Self {
            sources,
            forecast,
            placed,
            by_trip,
            by_vehicle,
            added: HashSet::new(),
            scratch: run::Scratch::default(),
        }
    }

    fn trip(&mut self, update: &'a TripUpdate) {
        let network = self.sources.network;
        let Some(trip) = network.trip_by_id(&update.trip.trip) else {
            return self.added_trip(update, None);
        };
        let Some(base_s) = run::base(self.sources, trip, update) else {
            self.forecast.counts.unknown_trips += 1;
            return;
        };
        if !self.speak(trip, base_s) {
            self.forecast.counts.duplicates += 1;
            return;
        }
        match update.state {
            TripState::Canceled => self.forecast.counts.canceled += 1,
            TripState::Added => self.added_trip(update, Some(trip)),
            TripState::Scheduled => self.scheduled_trip(update, trip, base_s),
        }
    }

    fn scheduled_trip(&mut self, update: &'a TripUpdate, trip: TripIx, base_s: i64) {
        let network = self.sources.network;
        let (calls, number) = (network.calls(trip), self.next_run());
        let (placed, scratch) = (&mut self.placed, &mut self.scratch);
        let before = placed.len();
        run::expect(network, trip, base_s, update, scratch, |stop, call, scheduled, arrives_s| {
            if calls[usize::from(call)].boarding {
                placed.push((stop, Expected { run: number, call, scheduled, arrives_s }));
            }
        });
        if self.placed.len() > before {
            let sequences =
                |call: usize| (calls[call].sequence, &network.stop(calls[call].stop).id.0);
            let (vehicle, position) = self.vehicle_of(update, calls.len(), |call| {
                let (sequence, stop) = sequences(call);
                (Some(sequence), stop.as_str())
            });
            let skipped = self.scratch.skipped.clone();
            let line = network.trip(trip).line;
            self.push_run(
                update,
                vehicle,
                Run { trip: Some(trip), position, skipped, ..blank(line) },
                base_s,
            );
        }
    }

    /// A trip at other times than the timetable's, or one the timetable has not.
    fn added_trip(&mut self, update: &'a TripUpdate, trip: Option<TripIx>) {
        let network = self.sources.network;
        let line = trip
            .map(|trip| network.trip(trip).line)
            .or_else(|| network.line_by_id(&update.trip.line));
        let Some(line) = line else {
            self.forecast.counts.unknown_trips += 1;
            return;
        };
        if update.state == TripState::Canceled {
            self.forecast.counts.canceled += 1;
            return;
        }
        if trip.is_none() && !update.trip.trip.is_empty() && !self.added.insert(&update.trip.trip) {
            self.forecast.counts.duplicates += 1;
            return;
        }
        let (before, number) = (self.placed.len(), self.next_run());
        let placed = &mut self.placed;
        let last = run::expect_added(network, update, |stop, call, arrives_s| {
            placed.push((stop, Expected { run: number, call, scheduled: false, arrives_s }));
        });
        if last.is_none() {
            self.forecast.counts.unmatched_stops +=
                u32::try_from(update.stop_times.len()).unwrap_or(u32::MAX);
        }
        if self.placed.len() == before {
            return;
        }
        let (vehicle, position) = self.vehicle_of(update, update.stop_times.len(), |call| {
            (update.stop_times[call].sequence, update.stop_times[call].stop.as_str())
        });
        let destination = last.map(|stop| network.stop(stop).name);
        let name = update.trip.trip.clone();
        self.push_run(update, vehicle, Run { trip, name, destination, position, ..blank(line) }, 0);
    }

    /// A vehicle on a trip without predictions: it says only which calls of the timetable are past.
    fn vehicle_alone(&mut self, number: usize, vehicle: &'a Vehicle) {
        let Some(trip) = vehicle
            .trip
            .as_ref()
            .filter(|trip| self.by_trip.get(trip.trip.as_str()) == Some(&number))
        else {
            return;
        };
        let update = TripUpdate { trip: trip.clone(), ..TripUpdate::default() };
        let network = self.sources.network;
        let Some(known) = network.trip_by_id(&trip.trip) else { return };
        let calls = network.calls(known);
        let position = run::position(vehicle, calls.len(), |call| {
            (Some(calls[call].sequence), network.stop(calls[call].stop).id.0.as_str())
        });
        let Some((base_s, position)) = run::base(self.sources, known, &update).zip(position) else {
            return;
        };
        if !self.speak(known, base_s) {
            return;
        }
        let run = self.next_run();
        for (call, time) in
            network.times(known).iter().enumerate().filter(|(call, _)| calls[*call].boarding)
        {
            let arrives_s = base_s + i64::from(time.arrival_s);
            let call_ix = run::call_ix(call);
            self.placed.push((
                calls[call].stop,
                Expected { run, call: call_ix, scheduled: true, arrives_s },
            ));
        }
        let line = network.trip(known).line;
        let run = Run { trip: Some(known), position: Some(position), ..blank(line) };
        self.push_run(&update, Some(vehicle), run, base_s);
    }

    /// The vehicle behind `update`, and which of its calls it is at where that is known.
    fn vehicle_of<'s>(
        &self,
        update: &TripUpdate,
        calls: usize,
        call_at: impl Fn(usize) -> (Option<u32>, &'s str),
    ) -> (Option<&'a Vehicle>, Option<Position>) {
        let vehicles = self.sources.vehicles;
        let named = update.vehicle.as_ref().and_then(|id| self.by_vehicle.get(id.as_str()));
        let found = named.or_else(|| match &update.vehicle {
            None => self.by_trip.get(update.trip.trip.as_str()),
            Some(_) => None,
        });
        let Some(vehicle) = found.map(|number| &vehicles[*number]) else { return (None, None) };
        let same = vehicle.trip.as_ref().is_some_and(|trip| {
            let day =
                trip.date.is_none() || update.trip.date.is_none() || trip.date == update.trip.date;
            trip.trip == update.trip.trip && day
        });
        if named.is_none() && !same {
            return (None, None);
        }
        (Some(vehicle), if same { run::position(vehicle, calls, call_at) } else { None })
    }

    fn next_run(&self) -> u32 {
        u32::try_from(self.forecast.runs.len()).expect("the feed's parser bounds its entities")
    }

    fn push_run(&mut self, update: &TripUpdate, vehicle: Option<&Vehicle>, run: Run, base_s: i64) {
        let sources = self.sources;
        let measured = vehicle.and_then(|vehicle| sources.believed(vehicle.measured_s));
        let measured = measured.or_else(|| sources.believed(update.measured_s));
        let observed_s =
            measured.or_else(|| sources.believed(Some(sources.made_s))).unwrap_or(sources.now_s);
        let source = if vehicle.is_some() { Source::Vehicle } else { Source::Prediction };
        let vehicle =
            vehicle.and_then(|vehicle| vehicle.id.clone()).or_else(|| update.vehicle.clone());
        let mut hasher = DefaultHasher::new();
        (run.trip, &run.name, run.line, run.destination, &vehicle, base_s).hash(&mut hasher);
        self.forecast.runs.push(Run {
            vehicle,
            observed_s,
            source,
            digest: hasher.finish(),
            ..run
        });
    }

    /// Marks a run as spoken of; `false` when it already is.
    fn speak(&mut self, trip: TripIx, base_s: i64) -> bool {
        if self.sources.network.trip(trip).repeated {
            return self.forecast.spoken_repeated.insert((trip, base_s));
        }
        let Some(day) = self.sources.days.days().iter().position(|day| day.start_s == base_s)
        else {
            return true;
        };
        let days = &mut self.forecast.spoken[trip.at()];
        let fresh = *days & (1 << day) == 0;
        *days |= 1 << day;
        fresh
    }

    /// Sorts the expectations by stop.
    fn finish(self) -> Forecast {
        let (mut forecast, placed) = (self.forecast, self.placed);
        forecast.counts.unmatched_stops += self.scratch.unmatched;
        forecast.counts.moved_stops = self.scratch.moved;
        forecast.counts.runs = u32::try_from(forecast.runs.len()).unwrap_or(u32::MAX);
        let stops = self.sources.network.stops().len();
        let mut from = vec![0u32; stops + 1];
        for (stop, _) in &placed {
            from[stop.at() + 1] += 1;
        }
        for stop in 0..stops {
            from[stop + 1] += from[stop];
        }
        let mut next = from.clone();
        let nothing = Expected { run: 0, call: 0, scheduled: false, arrives_s: 0 };
        forecast.expected = vec![nothing; placed.len()];
        for (stop, expected) in placed {
            let place = &mut next[stop.at()];
            forecast.expected[*place as usize] = expected;
            *place += 1;
        }
        forecast.from = from;
        forecast
    }
}

/// A run of which only the line is known.
fn blank(line: LineIx) -> Run {
    Run {
        trip: None,
        name: String::new(),
        line,
        destination: None,
        vehicle: None,
        observed_s: 0,
        source: Source::Prediction,
        position: None,
        skipped: Vec::new(),
        digest: 0,
    }
}
