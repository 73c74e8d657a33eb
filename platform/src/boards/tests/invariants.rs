//! Random feeds, clocks and orders of events; after each step every board must keep its promises.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Trips { age_s: i64, trips: Vec<TripUpdate> },
    Vehicles { age_s: i64, vehicles: Vec<Vehicle> },
    Advance(i64),
    SetBack(i64),
}

/// Seconds around which everything happens: 08:00.
fn around() -> impl Strategy<Value = i64> {
    (-1_500..1_500i64).prop_map(|offset_s| s("08:00:00") + offset_s)
}

fn any_stop_time() -> impl Strategy<Value = StopTime> {
    let prediction =
        || prop_oneof![around().prop_map(Prediction::At), (-900..900).prop_map(Prediction::Late)];
    let state = prop_oneof![6 => Just(StopState::Scheduled), 1 => Just(StopState::Skipped), 1 => Just(StopState::NoData)];
    let stop = prop_oneof![
        Just(""),
        Just("S1"),
        Just("S2"),
        Just("S3"),
        Just("S4"),
        Just("S5"),
        Just("S9")
    ];
    (
        prop::option::of(0..7u32),
        stop,
        prop::option::of(prediction()),
        prop::option::of(prediction()),
        state,
    )
        .prop_map(|(sequence, stop, arrival, departure, state)| StopTime {
            sequence,
            stop: stop.into(),
            arrival,
            departure,
            state,
            instead: None,
        })
}

fn any_trip() -> impl Strategy<Value = TripUpdate> {
    let name = prop_oneof![Just("T1"), Just("T2"), Just("extra"), Just("")];
    let state = prop_oneof![6 => Just(TripState::Scheduled), 1 => Just(TripState::Added), 1 => Just(TripState::Canceled)];
    let stop_times = prop::collection::vec(any_stop_time(), 0..6);
    (name, state, prop::option::of(around()), prop::option::of(-900..900), stop_times).prop_map(
        |(name, state, measured_s, delay_s, stop_times)| {
            let trip = TripRef { trip: name.into(), line: "R1".into(), ..TripRef::default() };
            TripUpdate { trip, state, vehicle: Some("B7".into()), measured_s, delay_s, stop_times }
        },
    )
}

fn any_vehicle() -> impl Strategy<Value = Vehicle> {
    let stop = prop_oneof![Just(""), Just("S1"), Just("S3"), Just("S4"), Just("S5")];
    (
        prop_oneof![Just("B7"), Just("B8")],
        prop_oneof![Just(""), Just("T1")],
        stop,
        around(),
        any::<bool>(),
    )
        .prop_map(|(id, trip, stop, measured_s, stands)| Vehicle {
            measured_s: Some(measured_s),
            stands,
            ..vehicle(id, trip, stop, "08:00:00")
        })
}

fn any_op() -> impl Strategy<Value = Op> {
    let trips = prop::collection::vec(any_trip(), 0..4);
    let vehicles = prop::collection::vec(any_vehicle(), 0..3);
    prop_oneof![
        3 => (-100..700i64, trips).prop_map(|(age_s, trips)| Op::Trips { age_s, trips }),
        2 => (-100..700i64, vehicles).prop_map(|(age_s, vehicles)| Op::Vehicles { age_s, vehicles }),
        4 => (0..300i64).prop_map(Op::Advance),
        1 => (0..BACKWARDS_MAX_S).prop_map(Op::SetBack),
    ]
}

/// What the wire holds for each stop, as a broker would.
#[derive(Default)]
struct Wire {
    boards: HashMap<StopId, Board>,
}

impl Wire {
    fn check(&mut self, now: Timestamp, effects: Vec<Effect>) {
        for Effect::Publish(board) in effects {
            check_board(&board, now);
            let last = self.boards.insert(board.stop.clone(), board.clone());
            assert!(
                last.is_none_or(
                    |last| last.arrivals != board.arrivals || last.expires != board.expires
                ),
                "nothing new"
            );
        }
    }
}

fn check_board(board: &Board, now: Timestamp) {
    assert!(board.arrivals.len() <= ARRIVALS_MAX);
    assert!(board.arrivals.is_sorted_by_key(|arrival| arrival.arrives), "{:?}", lines(board));
    assert!(board.expires > now, "expired when published");
    let observed = board.arrivals.iter().filter(|arrival| arrival.source != Source::Schedule);
    let newest = observed.clone().map(|arrival| arrival.observed_at).max();
    assert_eq!(board.expires.as_second(), newest.unwrap_or(now).as_second() + VOUCH_S);
    for arrival in &board.arrivals {
        let (now_s, arrives_s, seen_s) =
            (now.as_second(), arrival.arrives.as_second(), arrival.observed_at.as_second());
        assert!(
            arrives_s >= now_s - if arrival.at_stop { STANDS_S } else { PAST_S },
            "past: {:?}",
            lines(board)
        );
        assert!(
            seen_s <= now_s && now_s < seen_s + VOUCH_S,
            "stale, or from the future: {:?}",
            lines(board)
        );
        if arrival.source == Source::Schedule {
            assert!(!arrival.at_stop && arrival.stops_away.is_none() && arrival.vehicle.is_none());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_feeds_say_no_board_lies(ops in prop::collection::vec(any_op(), 1..25)) {
        let (mut boards, mut wire) = (city(), Wire::default());
        // The latest the clock has been: boards hold it against a clock that goes back a little.
        let (mut now, mut latest) = (at("07:50:00"), at("07:50:00"));
        wire.check(now, changes(&mut boards, now, Event::Tick));
        for op in ops {
            let made = |age_s: i64| Some(now.as_second() - age_s);
            let event = match op {
                Op::Trips { age_s, trips } => Event::Trips(Feed { made_s: made(age_s), trips, ..Feed::default() }),
                Op::Vehicles { age_s, vehicles } => Event::Vehicles(Feed { made_s: made(age_s), vehicles, ..Feed::default() }),
                Op::Advance(by_s) => {
                    now = timestamp(now.as_second() + by_s);
                    Event::Tick
                }
                Op::SetBack(by_s) => {
                    now = timestamp(latest.as_second() - by_s);
                    Event::Tick
                }
            };
            latest = latest.max(now);
            let effects = changes(&mut boards, now, event);
            wire.check(latest, effects);
            prop_assert!(boards.next_deadline() > latest);
            // What stands on the wire is what a new reader of the platform would be told.
            for (stop, published) in &wire.boards {
                let fresh = boards.board(stop, latest).unwrap();
                if published.expires > latest {
                    let of = |board: &Board| board.arrivals.iter().map(|arrival| (arrival.trip.clone(), arrival.arrives)).collect::<Vec<_>>();
                    prop_assert_eq!(of(published), of(&fresh), "{}", stop);
                } else {
                    prop_assert!(fresh.arrivals.is_empty(), "{} is empty but was let expire", stop);
                }
            }
        }
    }
}
