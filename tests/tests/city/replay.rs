//! An hour of real predictions goes through the platform's boards and is compared with a
//! calculation that shares no code with them: filter, sort, done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use platform::boards::{Boards, Event, PAST_S, VOUCH_S};
use platform::feeds::{gtfs, gtfs_rt};
use sync::board::ARRIVALS_MAX;
use sync::{Source, StopId};

use crate::recorded::{self, Call};

/// Every how many refreshes of the recording (one each 5.7 s) are replayed.
const STEP: usize = 15;

/// What a rider at one stop is told: when, and by which trip.
type Times = Vec<(i64, String)>;

#[test]
fn boards_of_the_recorded_hour_equal_an_independent_calculation() {
    let Some(folder) = recorded::folder() else { return };
    let refreshes = recorded::refreshes(&folder, STEP);
    let network = gtfs::load(&recorded::static_feed(&folder, &refreshes)).unwrap();
    let last_calls = last_calls(&refreshes);
    let mut boards = Boards::new();
    let start = *refreshes.keys().next().unwrap();
    boards.handle(at(start), Event::Network(Arc::new(network)));

    let (mut compared, mut rows) = (0, 0);
    for (time, calls) in &refreshes {
        let feed = gtfs_rt::parse(&recorded::encode(*time, calls)).unwrap();
        assert_eq!(feed.refused.total(), 0, "every entity of a real feed is understood");
        boards.handle(at(*time), Event::Trips(feed));
        for (stop, expected) in expected(*time, calls, &last_calls) {
            let listed: BTreeSet<&str> = calls
                .iter()
                .filter(|call| call.stop == stop)
                .map(|call| call.trip.as_str())
                .collect();
            let board = boards.board(&StopId(stop.clone()), at(*time)).unwrap();
            let shown = board.arrivals.iter().filter(|arrival| arrival.source != Source::Schedule);
            let mut shown: Times = shown
                .filter(|arrival| listed.contains(arrival.trip.as_str()))
                .map(|arrival| (arrival.arrives.as_second(), arrival.trip.clone()))
                .collect();
            shown.sort();
            assert_eq!(shown, expected, "stop {stop} at {}", at(*time));
            compared += 1;
            rows += expected.len();
        }
    }
    println!("{} refreshes, {compared} boards, {rows} arrivals agree", refreshes.len());
    assert!(
        compared > 5_000 && rows > 20_000,
        "the recording was hardly read: {compared} boards, {rows} rows"
    );
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(second).unwrap()).unwrap()
}

/// The last call of each trip: nobody boards there, so no board lists it.
fn last_calls(refreshes: &BTreeMap<u64, Vec<Call>>) -> BTreeMap<String, u32> {
    let mut last = BTreeMap::new();
    for call in refreshes.values().flatten() {
        let sequence = last.entry(call.trip.clone()).or_insert(call.sequence);
        *sequence = call.sequence.max(*sequence);
    }
    last
}

fn expected(
    time: u64,
    calls: &[Call],
    last_calls: &BTreeMap<String, u32>,
) -> BTreeMap<String, Times> {
    let now = i64::try_from(time).unwrap();
    let mut made_at: BTreeMap<&str, (u32, Option<u64>)> = BTreeMap::new();
    for call in calls {
        let first = made_at.entry(&call.trip).or_insert((call.sequence, call.made_at_s));
        if call.sequence < first.0 {
            *first = (call.sequence, call.made_at_s);
        }
    }
    let mut stops: BTreeMap<String, Times> = BTreeMap::new();
    for call in calls {
        let Some(arrives) = call.arrives_s.or(call.departs_s) else { continue };
        let made =
            made_at[call.trip.as_str()].1.and_then(|made| i64::try_from(made).ok()).unwrap_or(now);
        let times = stops.entry(call.stop.clone()).or_default();
        if arrives >= now - PAST_S && now - made < VOUCH_S && call.sequence < last_calls[&call.trip]
        {
            times.push((arrives, call.trip.clone()));
        }
    }
    for times in stops.values_mut() {
        times.sort();
        times.truncate(ARRIVALS_MAX);
    }
    stops
}
