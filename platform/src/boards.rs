//! One board for each stop: what is published, when it changes, and when it ends.
//!
//! A board is compared with the one before as rows of numbers; its words are put together only
//! when it is published.

use std::sync::Arc;

use jiff::Timestamp;
use sync::board::ARRIVALS_MAX;
use sync::{Arrival, Board, StopId, Unknown};

pub use crate::arrivals::{Counts, FUTURE_MAX_S};
use crate::arrivals::{Forecast, Run, Sources};
use crate::feeds::gtfs_rt::{Feed, Vehicle};
use crate::network::{Network, ServiceDays, StopIx, TripIx};

mod rows;

use rows::{Row, Rows, Whose};

/// How long after it was observed anything is vouched for, in seconds.
pub const VOUCH_S: i64 = 600;
/// How far an expected arrival may lie in the past and still be shown, in seconds.
pub const PAST_S: i64 = 5;
/// How long a vehicle that was seen standing at a stop is taken to stand there, in seconds.
pub const STANDS_S: i64 = 90;
/// How far ahead a prediction is shown, in seconds; beyond, the feed has the wrong day.
pub const FORECAST_AHEAD_S: i64 = 24 * 3600;
/// How far ahead the timetable fills a board, in seconds.
pub const TIMETABLE_AHEAD_S: i64 = 3600;
/// How long before its expiry a board that rests on the timetable alone is published again, in seconds.
pub const RENEW_S: i64 = 120;
/// A clock that goes back no further than this is taken to stand still, in seconds.
pub const BACKWARDS_MAX_S: i64 = 60;
/// Renewals of timetable boards are spread over this, in seconds.
const SPREAD_S: u32 = 60;

/// What can happen to boards.
#[derive(Debug)]
pub enum Event {
    /// A new timetable.
    Network(Arc<Network>),
    /// A whole realtime feed of predictions; positions in it count unless they have a feed of their own.
    Trips(Feed),
    /// A whole realtime feed of positions.
    Vehicles(Feed),
    /// Time went on.
    Tick,
}

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Publish this board in place of the one before.
    Publish(Board),
}

/// All boards of a network.
#[derive(Debug)]
pub struct Boards {
    network: Arc<Network>,
    days: ServiceDays,
    trips: Option<Held>,
    vehicles: Option<Held>,
    forecast: Forecast,
    /// What was last published for each stop.
    published: Vec<Published>,
    rows: Rows,
    now_s: i64,
    older: u64,
}

/// A feed that is believed until it is [`VOUCH_S`] old.
#[derive(Debug)]
struct Held {
    feed: Feed,
    made_s: i64,
}

/// The last board of one stop, as numbers.
#[derive(Debug, Clone, Default)]
struct Published {
    rows: Vec<Row>,
    expires_s: i64,
    /// When this board must be looked at again.
    due_s: i64,
}

impl Boards {
    /// No boards until there is a network.
    pub fn new() -> Self {
        let nothing =
            crate::network::Draft::default().finish(crate::feeds::gtfs::Report::default());
        Self {
            network: Arc::new(nothing.expect("an empty network is within bounds")),
            days: ServiceDays::default(),
            trips: None,
            vehicles: None,
            forecast: Forecast::default(),
            published: Vec::new(),
            rows: Rows::default(),
            now_s: i64::MIN,
            older: 0,
        }
    }

    /// Takes in what happened and hands out the boards that are different now, one after the other.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Effects<'_> {
        let mut all = self.advance(now);
        match event {
            Event::Network(network) => {
                self.published = vec![Published::default(); network.stops().len()];
                self.network = network;
                self.days = ServiceDays::default();
                all = true;
            }
            Event::Trips(feed) => all |= take(&mut self.trips, feed, self.now_s, &mut self.older),
            Event::Vehicles(feed) => {
                all |= take(&mut self.vehicles, feed, self.now_s, &mut self.older);
            }
            Event::Tick => {}
        }
        if !self.days.hold(&self.network, now) {
            self.days = ServiceDays::around(&self.network, now);
            all = true;
        }
        all |= self.drop_expired();
        if all {
            self.forecast = self.forecast();
        }
        Effects { boards: self, all, next: 0 }
    }

    /// When `handle` wants a [`Event::Tick`] at the latest.
    pub fn next_deadline(&self) -> Timestamp {
        let feeds = self.trips.iter().chain(&self.vehicles).map(|held| held.made_s + VOUCH_S);
        let due = self.published.iter().map(|published| published.due_s).chain(feeds).min();
        Timestamp::from_second(due.unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX)
    }

    /// The board of `stop` as it is at `now`; `None` when there is no such stop.
    pub fn board(&self, stop: &StopId, now: Timestamp) -> Option<Board> {
        let stop = self.network.stop_by_id(&stop.0)?;
        let mut rows = Rows::default();
        let now_s = now.as_second();
        rows.collect(&self.network, &self.days, &self.forecast, stop, now_s);
        Some(self.build(stop, &rows, now_s))
    }

    /// The timetable in use.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// What could be used of the feeds in use.
    pub fn counts(&self) -> Counts {
        self.forecast.counts
    }

    /// How many feeds were left out because a newer one was there already.
    pub fn older_feeds(&self) -> u64 {
        self.older
    }

    /// Moves the clock; `true` when it went back so far that everything must be looked at again.
    fn advance(&mut self, now: Timestamp) -> bool {
        let now_s = now.as_second();
        let back_s = self.now_s.saturating_sub(now_s);
        if back_s <= 0 || back_s > BACKWARDS_MAX_S {
            self.now_s = now_s;
        }
        back_s > BACKWARDS_MAX_S
    }

    fn drop_expired(&mut self) -> bool {
        let ended = |held: &Held| held.made_s + VOUCH_S <= self.now_s;
        let (trips, vehicles) =
            (self.trips.as_ref().is_some_and(ended), self.vehicles.as_ref().is_some_and(ended));
        if trips {
            self.trips = None;
        }
        if vehicles {
            self.vehicles = None;
        }
        trips || vehicles
    }

    fn forecast(&self) -> Forecast {
        let (trips, made_s) = self
            .trips
            .as_ref()
            .map_or((&[][..], self.now_s), |held| (&held.feed.trips, held.made_s));
        let vehicles: &[Vehicle] = match (&self.vehicles, &self.trips) {
            (Some(held), _) | (None, Some(held)) => &held.feed.vehicles,
            (None, None) => &[],
        };
        Sources {
            network: &self.network,
            days: &self.days,
            trips,
            made_s,
            vehicles,
            now_s: self.now_s,
        }
        .forecast()
    }

    /// Compares a stop's rows with the published ones; a board when they differ or must be renewed.
    fn publish(&mut self, stop: StopIx) -> Option<Effect> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.collect(&self.network, &self.days, &self.forecast, stop, self.now_s);
        let last = &self.published[stop.at()];
        let renew_s = last.expires_s - RENEW_S - i64::from(stop.0 % SPREAD_S);
        let rests_on_timetable = rows.newest_s.is_none() && !rows.rows().is_empty();
        let changed = last.rows != rows.rows() || (rests_on_timetable && renew_s <= self.now_s);
        if changed {
            let published = &mut self.published[stop.at()];
            published.rows.clear();
            published.rows.extend_from_slice(rows.rows());
            published.expires_s = rows.newest_s.unwrap_or(self.now_s) + VOUCH_S;
        }
        let published = &mut self.published[stop.at()];
        published.due_s = rows.next_change_s;
        if rests_on_timetable {
            let renew_s = published.expires_s - RENEW_S - i64::from(stop.0 % SPREAD_S);
            published.due_s = published.due_s.min(renew_s.max(self.now_s + 1));
        }
        let board = changed.then(|| Effect::Publish(self.build(stop, &rows, self.now_s)));
        self.rows = rows;
        board
    }

    fn build(&self, stop: StopIx, rows: &Rows, now_s: i64) -> Board {
        let expires_s = rows.newest_s.unwrap_or(now_s) + VOUCH_S;
        let stop = self.network.stop(stop);
        Board {
            stop: stop.id.clone(),
            name: self.network.text(stop.name).clone(),
            made_at: timestamp(now_s),
            expires: timestamp(expires_s),
            arrivals: rows.iter().map(|(row, whose)| self.arrival(row, whose, now_s)).collect(),
            unknown: Unknown::new(),
        }
    }

    fn arrival(&self, row: &Row, whose: Whose, now_s: i64) -> Arrival {
        let network = &*self.network;
        let scheduled = |trip: TripIx| {
            let known = network.trip(trip);
            (known.line, network.destination(trip, usize::from(row.call)), known.id.as_ref())
        };
        let (run, (line, destination, trip)) = match whose {
            Whose::Timetable(trip) => (None, scheduled(trip)),
            Whose::Run(number) => {
                let run: &Run = &self.forecast.runs[number as usize];
                let of = match (run.trip, run.destination) {
                    (Some(trip), None) => scheduled(trip),
                    (Some(trip), Some(destination)) => (run.line, destination, scheduled(trip).2),
                    (None, destination) => {
                        (run.line, destination.unwrap_or_default(), run.name.as_str())
                    }
                };
                (Some(run), of)
            }
        };
        let vehicle = run.and_then(|run| run.vehicle.clone());
        Arrival {
            line: network.line(line).clone(),
            destination: network.text(destination).clone(),
            trip: trip.to_owned(),
            vehicle,
            arrives: timestamp(row.arrives_s),
            // The timetable was read just now; nothing was observed.
            observed_at: timestamp(row.observed_s.unwrap_or(now_s)),
            source: row.source,
            stops_away: row.stops_away,
            at_stop: row.at_stop,
            unknown: Unknown::new(),
        }
    }
}

/// The effects of one event, each put into words when it is asked for: a whole city in words at once
/// costs more time in the allocator than everything else together. Those not asked for count as done.
#[derive(Debug)]
pub struct Effects<'a> {
    boards: &'a mut Boards,
    /// Every stop must be looked at, not only those that are due.
    all: bool,
    next: u32,
}

impl Iterator for Effects<'_> {
    type Item = Effect;

    fn next(&mut self) -> Option<Effect> {
        while (self.next as usize) < self.boards.published.len() {
            let stop = StopIx(self.next);
            self.next += 1;
            if self.all || self.boards.published[stop.at()].due_s <= self.boards.now_s {
                let effect = self.boards.publish(stop);
                if effect.is_some() {
                    return effect;
                }
            }
        }
        None
    }
}

impl Drop for Effects<'_> {
    fn drop(&mut self) {
        for _ in self {}
    }
}

impl Default for Boards {
    fn default() -> Self {
        Self::new()
    }
}

/// Holds `feed` unless it is older than the one held; says whether it does.
fn take(held: &mut Option<Held>, feed: Feed, now_s: i64, older: &mut u64) -> bool {
    let believed = feed.made_s.filter(|made_s| *made_s <= now_s + FUTURE_MAX_S);
    let made_s = match (believed, &*held) {
        (Some(made_s), _) => made_s.min(now_s),
        // Without a time of its own, the same feed again is as old as it was.
        (None, Some(held)) if held.feed == feed => held.made_s,
        (None, _) => now_s,
    };
    if held.as_ref().is_some_and(|held| made_s < held.made_s && held.made_s <= now_s) {
        *older += 1;
        return false;
    }
    *held = Some(Held { feed, made_s });
    true
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
