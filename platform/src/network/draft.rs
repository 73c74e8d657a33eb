//! A network while it is being read, and the step that makes it whole.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::tz::TimeZone;
use sync::{Line, Text};

use super::{
    Call, CallTime, Frequency, LineIx, Network, Pattern, PatternIx, Service, ServiceIx, Stop,
    StopIx, TextIx, Trip, TripIx, Visit,
};
use crate::feeds::gtfs::Report;

/// Most entries of the index by stop; exact frequencies count with every repetition.
const VISITS_MAX: usize = 32_000_000;

/// Everything read so far. Trips have no calls until [`Draft::calls`] gives them some.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) timezone: Option<(TimeZone, String)>,
    texts: Vec<Text>,
    text_ids: HashMap<Text, TextIx>,
    stops: Vec<Stop>,
    stop_ids: HashMap<Box<str>, StopIx>,
    lines: Vec<Line>,
    line_ids: HashMap<Box<str>, LineIx>,
    services: Vec<Service>,
    service_ids: HashMap<Box<str>, ServiceIx>,
    trips: Vec<Trip>,
    trip_ids: HashMap<Box<str>, TripIx>,
    patterns: Vec<Pattern>,
    pattern_ids: HashMap<Pattern, PatternIx>,
    times: Vec<CallTime>,
    frequencies: Vec<Frequency>,
}

/// A trip before its calls are known.
#[derive(Debug)]
pub(crate) struct DraftTrip<'a> {
    pub(crate) id: &'a str,
    pub(crate) line: LineIx,
    pub(crate) service: ServiceIx,
    pub(crate) headsign: Option<TextIx>,
}

/// One call with its times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DraftCall {
    pub(crate) call: Call,
    pub(crate) time: CallTime,
}

impl Draft {
    /// The one copy of `text`.
    pub(crate) fn text(&mut self, text: Text) -> TextIx {
        match self.text_ids.entry(text) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let index = TextIx::from_len(self.texts.len());
                self.texts.push(free.key().clone());
                *free.insert(index)
            }
        }
    }

    /// Adds a stop; `false` when its identifier is taken.
    pub(crate) fn stop(&mut self, stop: Stop) -> bool {
        let index = StopIx::from_len(self.stops.len());
        let free = insert_new(&mut self.stop_ids, stop.id.0.as_str().into(), index);
        if free {
            self.stops.push(stop);
        }
        free
    }

    /// Adds a line; `false` when its identifier is taken.
    pub(crate) fn line(&mut self, line: Line) -> bool {
        let index = LineIx::from_len(self.lines.len());
        let free = insert_new(&mut self.line_ids, line.id.as_str().into(), index);
        if free {
            self.lines.push(line);
        }
        free
    }

    /// The service `id`, made without any days where it is new.
    pub(crate) fn service(&mut self, id: &str) -> (ServiceIx, &mut Service) {
        let index = if let Some(index) = self.service_ids.get(id) {
            *index
        } else {
            let index = ServiceIx::from_len(self.services.len());
            self.services.push(Service { id: id.into(), ..Service::default() });
            self.service_ids.insert(id.into(), index);
            index
        };
        (index, &mut self.services[index.at()])
    }

    pub(crate) fn knows_service(&self, id: &str) -> bool {
        self.service_ids.contains_key(id)
    }

    pub(crate) fn stop_by_id(&self, id: &str) -> Option<StopIx> {
        self.stop_ids.get(id).copied()
    }

    pub(crate) fn line_by_id(&self, id: &str) -> Option<LineIx> {
        self.line_ids.get(id).copied()
    }

    pub(crate) fn trip_by_id(&self, id: &str) -> Option<TripIx> {
        self.trip_ids.get(id).copied()
    }

    pub(crate) fn trip_id(&self, trip: TripIx) -> &str {
        &self.trips[trip.at()].id
    }

    /// Adds a trip without calls; `false` when its identifier is taken.
    pub(crate) fn trip(&mut self, draft: &DraftTrip<'_>) -> bool {
        let index = TripIx::from_len(self.trips.len());
        let free = insert_new(&mut self.trip_ids, draft.id.into(), index);
        if free {
            let (line, service, headsign) = (draft.line, draft.service, draft.headsign);
            let pattern = self.pattern(Pattern { calls: Box::default() });
            let id = draft.id.into();
            self.trips.push(Trip {
                id,
                line,
                service,
                pattern,
                headsign,
                repeated: false,
                times: 0,
            });
        }
        free
    }

    /// Repeats a trip through part of the day.
    pub(crate) fn frequency(&mut self, frequency: Frequency) {
        self.trips[frequency.trip.at()].repeated = true;
        self.frequencies.push(frequency);
    }

    /// Gives `trip` its calls.
    pub(crate) fn calls(&mut self, trip: TripIx, calls: &[DraftCall]) {
        let pattern = self.pattern(Pattern { calls: calls.iter().map(|call| call.call).collect() });
        let times =
            u32::try_from(self.times.len()).expect("the reader bounds stop times far below 2^32");
        self.times.extend(calls.iter().map(|call| call.time));
        let trip = &mut self.trips[trip.at()];
        (trip.pattern, trip.times) = (pattern, times);
    }

    fn pattern(&mut self, pattern: Pattern) -> PatternIx {
        match self.pattern_ids.entry(pattern) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let index = PatternIx::from_len(self.patterns.len());
                self.patterns.push(free.key().clone());
                *free.insert(index)
            }
        }
    }

    /// Builds the index by stop; `None` when it would exceed its bound.
    pub(crate) fn finish(mut self, report: Report) -> Option<Network> {
        if self.texts.is_empty() {
            self.text(Text::default());
        }
        for service in &mut self.services {
            service.added.sort_unstable();
            service.removed.sort_unstable();
        }
        let (timezone, timezone_name) =
            self.timezone.take().unwrap_or((TimeZone::UTC, "UTC".into()));
        let mut network = Network {
            timezone,
            timezone_name: timezone_name.into(),
            texts: self.texts,
            stops: self.stops,
            lines: self.lines,
            services: self.services,
            patterns: self.patterns,
            trips: self.trips,
            times: self.times,
            frequencies: self.frequencies,
            visits: Vec::new(),
            visits_from: Vec::new(),
            stop_ids: self.stop_ids,
            line_ids: self.line_ids,
            trip_ids: self.trip_ids,
            report,
        };
        index_visits(&mut network).then_some(network)
    }
}

fn insert_new<K: Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) -> bool {
    match map.entry(key) {
        Entry::Occupied(_) => false,
        Entry::Vacant(free) => {
            free.insert(value);
            true
        }
    }
}

/// Sorts every scheduled call by stop and time.
fn index_visits(network: &mut Network) -> bool {
    let mut placed: Vec<(StopIx, Visit)> = Vec::with_capacity(network.times.len());
    let plain =
        (0..network.trips.len()).map(TripIx::from_len).filter(|trip| !network.trip(*trip).repeated);
    let plain = plain.map(|trip| (trip, 0));
    let exact =
        network.frequencies.iter().filter(|frequency| frequency.exact).flat_map(|frequency| {
            let first =
                network.times(frequency.trip).first().map_or(0, |time| i64::from(time.departure_s));
            let starts =
                (frequency.from_s..frequency.until_s).step_by(frequency.headway_s.max(1) as usize);
            starts.map(move |start| (frequency.trip, i64::from(start) - first))
        });
    for (trip, shift_s) in plain.chain(exact) {
        for (number, (call, time)) in
            network.calls(trip).iter().zip(network.times(trip)).enumerate()
        {
            let arrival_s = u32::try_from(i64::from(time.arrival_s) + shift_s).unwrap_or(0);
            let call_ix = u16::try_from(number).expect("a trip has at most CALLS_MAX calls");
            placed.push((call.stop, Visit { arrival_s, trip, call: call_ix }));
        }
        if placed.len() > VISITS_MAX {
            return false;
        }
    }
    placed.sort_unstable();
    network.visits_from = vec![0; network.stops.len() + 1];
    for (stop, _) in &placed {
        network.visits_from[stop.at() + 1] += 1;
    }
    for stop in 0..network.stops.len() {
        network.visits_from[stop + 1] += network.visits_from[stop];
    }
    network.visits = placed.into_iter().map(|(_, visit)| visit).collect();
    true
}
