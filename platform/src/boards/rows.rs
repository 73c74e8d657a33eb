//! What stands on one board, as numbers that compare quickly.

use sync::Source;

use super::{ARRIVALS_MAX, FORECAST_AHEAD_S, PAST_S, STANDS_S, TIMETABLE_AHEAD_S, VOUCH_S};
use crate::arrivals::Forecast;
use crate::network::{Network, ServiceDays, StopIx, TripIx};

/// Everything of one arrival that can change. Seconds are since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) arrives_s: i64,
    /// `None` for the timetable, which nobody observed.
    pub(super) observed_s: Option<i64>,
    /// Stands for trip, vehicle and names.
    digest: u64,
    pub(super) call: u16,
    pub(super) stops_away: Option<u16>,
    pub(super) at_stop: bool,
    pub(super) source: Source,
}

/// Where the words of a row are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    /// Index of a run of the forecast.
    Run(u32),
    Timetable(TripIx),
}

/// The rows of one stop at one time; a buffer that serves one stop after the other.
#[derive(Debug, Default)]
pub(super) struct Rows {
    found: Vec<(Row, Whose)>,
    numbers: Vec<Row>,
    /// When the newest observation behind these rows was made.
    pub(super) newest_s: Option<i64>,
    /// When time alone changes these rows.
    pub(super) next_change_s: i64,
}

impl Rows {
    /// Finds what stands on the board of `stop` at `now_s`.
    pub(super) fn collect(
        &mut self,
        network: &Network,
        days: &ServiceDays,
        forecast: &Forecast,
        stop: StopIx,
        now_s: i64,
    ) {
        self.found.clear();
        self.newest_s = None;
        self.next_change_s = i64::MAX;
        self.expected(network, forecast, stop, now_s);
        self.timetable(network, days, forecast, stop, now_s);
        self.found.sort_unstable_by_key(|(row, _)| (row.arrives_s, row.digest, row.call));
        self.found.truncate(ARRIVALS_MAX);
        self.newest_s = self.found.iter().filter_map(|(row, _)| row.observed_s).max();
        self.numbers.clear();
        self.numbers.extend(self.found.iter().map(|(row, _)| *row));
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.numbers
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&Row, Whose)> {
        self.found.iter().map(|(row, whose)| (row, *whose))
    }

    fn look_again(&mut self, at_s: i64) {
        self.next_change_s = self.next_change_s.min(at_s);
    }

    /// Adds what the forecast expects: nothing too old to vouch for, nothing the vehicle has passed.
    fn expected(&mut self, network: &Network, forecast: &Forecast, stop: StopIx, now_s: i64) {
        for expected in forecast.at(stop) {
            let run = &forecast.runs[expected.run as usize];
            if run.passed(expected.call) {
                continue;
            }
            if let Some(trip) = run.trip.filter(|_| expected.scheduled) {
                self.scheduled(network, trip, expected.call, expected.arrives_s, now_s);
                continue;
            }
            let ends_s = run.observed_s + VOUCH_S;
            let stood_until_s = run.observed_s + STANDS_S;
            let at_stop = run.stands_at(expected.call) && now_s <= stood_until_s;
            let past_s = expected.arrives_s + PAST_S;
            if now_s >= ends_s || (now_s > past_s && !at_stop) {
                continue;
            }
            if expected.arrives_s > now_s + FORECAST_AHEAD_S {
                self.look_again(expected.arrives_s - FORECAST_AHEAD_S);
                continue;
            }
            self.look_again(ends_s);
            self.look_again(if at_stop { stood_until_s + 1 } else { past_s + 1 });
            // A vehicle seen at the stop arrived no later than it was seen.
            let arrives_s =
                if at_stop { expected.arrives_s.max(run.observed_s) } else { expected.arrives_s };
            let row = Row {
                arrives_s,
                observed_s: Some(run.observed_s),
                digest: run.digest,
                call: expected.call,
                stops_away: run.stops_away(expected.call),
                at_stop,
                source: run.source,
            };
            self.found.push((row, Whose::Run(expected.run)));
        }
    }

    /// Adds what the timetable has and the feeds are silent about.
    fn timetable(
        &mut self,
        network: &Network,
        days: &ServiceDays,
        forecast: &Forecast,
        stop: StopIx,
        now_s: i64,
    ) {
        let visits = network.visits(stop);
        for (number, day) in days.days().iter().enumerate() {
            let from =
                visits.partition_point(|visit| day.start_s + i64::from(visit.arrival_s) < now_s);
            let mut room = ARRIVALS_MAX;
            for visit in &visits[from..] {
                let arrives_s = day.start_s + i64::from(visit.arrival_s);
                if arrives_s > now_s + TIMETABLE_AHEAD_S {
                    self.look_again(arrives_s - TIMETABLE_AHEAD_S);
                    break;
                }
                let (trip, call) = (visit.trip, usize::from(visit.call));
                let base_s = arrives_s - i64::from(network.times(trip)[call].arrival_s);
                let silent = !day.runs(network.trip(trip).service)
                    || !network.calls(trip)[call].boarding
                    || forecast.speaks_of(network, trip, number, base_s);
                if silent {
                    continue;
                }
                self.scheduled(network, trip, visit.call, arrives_s, now_s);
                room -= 1;
                if room == 0 {
                    break;
                }
            }
        }
    }

    fn scheduled(
        &mut self,
        network: &Network,
        trip: TripIx,
        call: u16,
        arrives_s: i64,
        now_s: i64,
    ) {
        if arrives_s < now_s {
            return;
        }
        if arrives_s > now_s + TIMETABLE_AHEAD_S {
            return self.look_again(arrives_s - TIMETABLE_AHEAD_S);
        }
        self.look_again(arrives_s + 1);
        let base_s = arrives_s - i64::from(network.times(trip)[usize::from(call)].arrival_s);
        let digest = (u64::from(trip.0) << 32) ^ base_s.unsigned_abs();
        let row = Row {
            arrives_s,
            observed_s: None,
            digest,
            call,
            stops_away: None,
            at_stop: false,
            source: Source::Schedule,
        };
        self.found.push((row, Whose::Timetable(trip)));
    }
}
