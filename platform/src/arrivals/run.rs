//! One run: which day it belongs to, where its vehicle is, and when it reaches each call.

use super::{Position, Sources};
use crate::feeds::gtfs_rt::{Prediction, StopState, StopTime, TripUpdate, Vehicle};
use crate::network::{CALLS_MAX, Call, CallTime, Network, StopIx, TripIx};

/// Buffers that serve every run of a forecast.
#[derive(Debug, Default)]
pub(super) struct Scratch<'a> {
    matched: Vec<Matched<'a>>,
    /// Calls that the last run leaves out.
    pub(super) skipped: Vec<u16>,
    /// How many updates of all runs fit no call.
    pub(super) unmatched: u32,
    /// How many calls of all runs are at another stop than the timetable's.
    pub(super) moved: u32,
}

/// An update and the call it speaks of.
#[derive(Debug, Clone, Copy)]
struct Matched<'a> {
    call: usize,
    update: &'a StopTime,
    /// Where the vehicle calls instead of the timetable's stop.
    instead: Option<StopIx>,
}

pub(super) fn call_ix(call: usize) -> u16 {
    const { assert!(CALLS_MAX <= u16::MAX as usize) };
    u16::try_from(call).expect("a trip has at most CALLS_MAX calls")
}

/// The second that the times of this run count from.
///
/// Where the feed does not name the service day, it is the one whose timetable fits best.
pub(super) fn base(sources: &Sources<'_>, trip: TripIx, update: &TripUpdate) -> Option<i64> {
    let network = sources.network;
    let times = network.times(trip);
    let (first, last) = (times.first()?, times.last()?);
    let shift_s = match update.trip.start_s.filter(|_| network.trip(trip).repeated) {
        Some(start_s) => i64::from(start_s) - i64::from(first.departure_s),
        None => 0,
    };
    if let Some(date) = update.trip.date {
        let known = sources.days.days().iter().find(|day| day.date == date).map(|day| day.start_s);
        return known.or_else(|| network.day_start(date)).map(|start_s| start_s + shift_s);
    }
    let calls = network.calls(trip);
    let anchor = update.stop_times.iter().find_map(|stop| {
        let Some(Prediction::At(at_s)) = stop.arrival.or(stop.departure) else { return None };
        Some((at_s, i64::from(times[find(network, calls, 0, stop)?].arrival_s)))
    });
    let misfit_s = |start_s: i64| {
        if let Some((at_s, scheduled_s)) = anchor {
            return (at_s - start_s - scheduled_s).abs();
        }
        let (from_s, until_s) =
            (start_s + i64::from(first.arrival_s), start_s + i64::from(last.departure_s));
        (from_s - sources.now_s).max(sources.now_s - until_s).max(0)
    };
    let service = network.trip(trip).service;
    let days = sources
        .days
        .days()
        .iter()
        .map(|day| (!day.runs(service), misfit_s(day.start_s + shift_s), day.start_s));
    days.min().map(|(_, _, start_s)| start_s + shift_s)
}

/// Which call `vehicle` is at, where its report says so without doubt.
///
/// `call_at` gives sequence and stop of each of the `calls`.
pub(super) fn position<'s>(
    vehicle: &Vehicle,
    calls: usize,
    call_at: impl Fn(usize) -> (Option<u32>, &'s str),
) -> Option<Position> {
    let by_sequence = vehicle
        .sequence
        .and_then(|sequence| (0..calls).find(|call| call_at(*call).0 == Some(sequence)));
    let by_stop = || {
        let mut there =
            (0..calls).filter(|call| !vehicle.stop.is_empty() && call_at(*call).1 == vehicle.stop);
        there.next().filter(|_| there.next().is_none())
    };
    let call = by_sequence.or_else(by_stop)?;
    Some(Position { call: call_ix(call), stands: vehicle.stands })
}

/// Says for each call of the run when it is expected, and whether that is only the timetable's time.
///
/// Follows "Trip updates" of the GTFS Realtime reference: a delay holds for the calls after it until
/// another one is given, "no data" likewise, and nothing is known of calls before the first update.
/// The stop is the one that the feed names, which may be another platform than the timetable's.
pub(super) fn expect<'a>(
    network: &Network,
    trip: TripIx,
    base_s: i64,
    update: &'a TripUpdate,
    scratch: &mut Scratch<'a>,
    mut say: impl FnMut(StopIx, u16, bool, i64),
) {
    let (calls, times) = (network.calls(trip), network.times(trip));
    match_stops(network, calls, update, scratch);
    let mut matched = scratch.matched.iter().peekable();
    let mut known =
        if update.stop_times.is_empty() { Known::whole_trip(update) } else { Known::Nothing };
    let mut last_s = i64::MIN;
    let first = matched.peek().map_or(0, |first| first.call);
    for (call, time) in times.iter().enumerate().skip(first) {
        let (arrival_s, departure_s) =
            (base_s + i64::from(time.arrival_s), base_s + i64::from(time.departure_s));
        let matched = matched.next_if(|next| next.call == call);
        let here = matched.map(|matched| matched.update);
        let stop = matched.and_then(|matched| matched.instead).unwrap_or(calls[call].stop);
        if let Some(StopState::Skipped) = here.map(|stop| stop.state) {
            scratch.skipped.push(call_ix(call));
            continue;
        }
        if let Some(StopState::NoData) = here.map(|stop| stop.state) {
            known = Known::Timetable;
        }
        let told = here.filter(|here| here.state == StopState::Scheduled).and_then(|here| {
            let at = |prediction: Prediction, scheduled_s: i64| match prediction {
                Prediction::At(at_s) => at_s,
                Prediction::Late(late_s) => scheduled_s + i64::from(late_s),
            };
            let leaves_s = here.departure.map(|departure| at(departure, departure_s));
            // A departure alone says when the vehicle arrives, less the stay that the timetable plans.
            let arrives_s = here.arrival.map(|arrival| at(arrival, arrival_s));
            let arrives_s = arrives_s.or(leaves_s.map(|leaves_s| leaves_s - stay_s(call, *time)))?;
            Some((
                arrives_s,
                leaves_s.map_or(arrives_s - arrival_s, |leaves_s| leaves_s - departure_s),
            ))
        });
        if let Some((arrives_s, late_s)) = told {
            known = Known::Late(late_s);
            last_s = arrives_s;
            say(stop, call_ix(call), false, arrives_s);
            continue;
        }
        match known {
            Known::Late(late_s) => {
                last_s = last_s.max(arrival_s + late_s);
                say(stop, call_ix(call), false, last_s);
            }
            Known::Timetable => say(stop, call_ix(call), true, arrival_s),
            Known::Nothing => {}
        }
    }
}

/// What holds for calls without an update of their own.
#[derive(Debug, Clone, Copy)]
enum Known {
    Nothing,
    Late(i64),
    Timetable,
}

impl Known {
    fn whole_trip(update: &TripUpdate) -> Known {
        update.delay_s.map_or(Known::Timetable, |late_s| Known::Late(i64::from(late_s)))
    }
}

/// How long the timetable lets a vehicle stand; at the first call nobody waits for it to arrive.
fn stay_s(call: usize, time: CallTime) -> i64 {
    if call == 0 { 0 } else { i64::from(time.departure_s - time.arrival_s) }
}

/// Finds the call of each update, in the order of travel.
fn match_stops<'a>(
    network: &Network,
    calls: &[Call],
    update: &'a TripUpdate,
    scratch: &mut Scratch<'a>,
) {
    scratch.matched.clear();
    scratch.skipped.clear();
    let mut from = 0;
    for update in &update.stop_times {
        let known = |id: &str| network.stop_by_id(id);
        let fitting = find(network, calls, from, update)
            .map(|call| (call, update.instead.as_deref().and_then(known)));
        // The place in the order of travel is the timetable's and the stop is not: another platform.
        let moved = || {
            let call = by_sequence(calls, from, update.sequence?)?;
            Some((call, Some(known(&update.stop)?)))
        };
        let Some((call, instead)) = fitting.or_else(moved) else {
            scratch.unmatched += 1;
            continue;
        };
        scratch.moved += u32::from(instead.is_some());
        scratch.matched.push(Matched { call, update, instead });
        from = call + 1;
    }
}

/// The call that `stop` speaks of, not before `from`: by sequence where that fits the stop, else by stop.
fn find(network: &Network, calls: &[Call], from: usize, stop: &StopTime) -> Option<usize> {
    let fits = |call: &Call| stop.stop.is_empty() || network.stop(call.stop).id.0 == stop.stop;
    let there = stop.sequence.and_then(|sequence| by_sequence(calls, from, sequence));
    if let Some(call) = there.filter(|call| fits(&calls[*call])) {
        return Some(call);
    }
    if stop.stop.is_empty() {
        return None;
    }
    calls.get(from..)?.iter().position(fits).map(|ahead| from + ahead)
}

/// The call with this `stop_sequence`, not before `from`; mostly it is the very next.
fn by_sequence(calls: &[Call], from: usize, sequence: u32) -> Option<usize> {
    let next = calls.get(from).filter(|call| call.sequence == sequence).map(|_| from);
    let call = next.or_else(|| calls.binary_search_by_key(&sequence, |call| call.sequence).ok())?;
    (call >= from).then_some(call)
}

/// Says for each stop time with an absolute time when it is expected; returns where the run ends,
/// of which it says nothing: nobody boards there.
pub(super) fn expect_added(
    network: &Network,
    update: &TripUpdate,
    mut say: impl FnMut(StopIx, u16, i64),
) -> Option<StopIx> {
    let calls = update.stop_times.iter().enumerate();
    let mut calls = calls
        .filter(|(_, stop)| stop.state == StopState::Scheduled)
        .filter_map(|(call, stop)| Some((call, stop, network.stop_by_id(&stop.stop)?)))
        .peekable();
    while let Some((call, stop, there)) = calls.next() {
        if calls.peek().is_none() {
            return Some(there);
        }
        if let Some(Prediction::At(arrives_s)) = stop.arrival.or(stop.departure) {
            say(there, call_ix(call), arrives_s);
        }
    }
    None
}
