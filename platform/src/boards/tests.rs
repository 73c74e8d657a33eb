use sync::Source;

use super::*;
use crate::feeds::gtfs;
use crate::feeds::gtfs::tests::city_with;
use crate::feeds::gtfs_rt::{Prediction, StopState, StopTime, TripRef, TripState, TripUpdate};

mod invariants;
mod recorded;

/// Wall time in the city on 23 November 2026, a Monday.
fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}+08:00").parse().unwrap()
}

fn s(clock: &str) -> i64 {
    at(clock).as_second()
}

fn stop(id: &str) -> StopTime {
    StopTime { stop: id.into(), ..StopTime::default() }
}

fn arrives(id: &str, clock: &str) -> StopTime {
    StopTime { arrival: Some(Prediction::At(s(clock))), ..stop(id) }
}

fn late(id: &str, seconds: i32) -> StopTime {
    StopTime { arrival: Some(Prediction::Late(seconds)), ..stop(id) }
}

fn update(trip: &str, stop_times: Vec<StopTime>) -> TripUpdate {
    let trip = TripRef { trip: trip.into(), ..TripRef::default() };
    TripUpdate { trip, stop_times, ..TripUpdate::default() }
}

fn vehicle(id: &str, trip: &str, stop: &str, seen: &str) -> Vehicle {
    let trip = TripRef { trip: trip.into(), ..TripRef::default() };
    let trip = Some(trip).filter(|trip| !trip.trip.is_empty());
    Vehicle {
        id: Some(id.into()),
        trip,
        measured_s: Some(s(seen)),
        stop: stop.into(),
        ..Vehicle::default()
    }
}

fn feed(made: &str, trips: Vec<TripUpdate>, vehicles: Vec<Vehicle>) -> Feed {
    Feed { made_s: Some(s(made)), trips, vehicles, ..Feed::default() }
}

/// What `event` changes, in words.
fn changes(boards: &mut Boards, now: Timestamp, event: Event) -> Vec<Effect> {
    boards.handle(now, event).collect()
}

/// What the boards' city has other than the reader's: a stop more, so that riders board at S4.
const LONGER: [(&str, &str); 2] = [
    ("stops.txt", "stop_id,stop_name\nS1,火车站\nS2,东街口\nS3,南门兜\nS4,津泰路\nS5,三坊七巷\n"),
    (
        "stop_times.txt",
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
         T1,08:00:00,08:00:00,S1,1\nT1,08:05:00,08:06:00,S2,2\nT1,,,S3,3\nT1,08:16:00,08:16:00,S4,4\n\
         T1,08:21:00,08:21:00,S5,5\nT2,24:30:00,24:30:00,S1,1\nT2,24:35:00,24:35:00,S2,2\n\
         T2,24:40:00,24:40:00,S3,3\nT2,24:45:00,24:45:00,S4,4\nT2,24:50:00,24:50:00,S5,5\n",
    ),
];

/// A small city; T1 calls at S1 08:00, S2 08:05, S3 08:11, S4 08:16 and ends at S5 08:21.
fn city() -> Boards {
    city_of(&[])
}

fn city_of(changes: &[(&str, &str)]) -> Boards {
    let mut boards = Boards::new();
    let zip = city_with(&[changes, &LONGER].concat());
    boards.handle(at("05:00:00"), Event::Network(Arc::new(gtfs::load(&zip).unwrap())));
    boards
}

/// The board of a stop, a line for each arrival.
fn board(boards: &Boards, stop: &str, clock: &str) -> Vec<String> {
    lines(&boards.board(&stop.into(), at(clock)).unwrap())
}

fn lines(board: &Board) -> Vec<String> {
    let clock =
        |time: Timestamp| jiff::tz::TimeZone::get("Asia/Shanghai").unwrap().to_datetime(time);
    let line = |arrival: &Arrival| {
        let source = match arrival.source {
            Source::Vehicle => "vehicle",
            Source::Prediction => "prediction",
            Source::Schedule => "schedule",
        };
        let (name, to, arrives) =
            (&arrival.line.name, &arrival.destination.zh, clock(arrival.arrives).time());
        let vehicle =
            arrival.vehicle.as_ref().map_or(String::new(), |vehicle| format!(" {vehicle}"));
        let away = arrival.stops_away.map_or(String::new(), |stops| format!(", {stops} away"));
        let there = if arrival.at_stop { ", at stop" } else { "" };
        let seen = match arrival.source {
            Source::Schedule => String::new(),
            _ => format!(", seen {}", clock(arrival.observed_at).time()),
        };
        format!("{name} {to} {arrives} {source}{vehicle}{away}{there}{seen}")
    };
    board.arrivals.iter().map(line).collect()
}

fn published(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|Effect::Publish(board)| format!("{}: {}", board.stop, lines(board).join("; ")))
        .collect()
}

#[test]
fn the_timetable_fills_what_no_feed_speaks_of_and_is_called_so() {
    assert_eq!(board(&city(), "S2", "07:55:00"), ["K1 三坊七巷 08:05:00 schedule"]);
    assert_eq!(board(&city(), "S2", "06:00:00"), [""; 0], "an hour ahead is enough");
    assert_eq!(board(&city(), "S2", "08:05:01"), [""; 0], "what is past is past");
}

#[test]
fn a_trip_after_midnight_belongs_to_the_day_before() {
    assert_eq!(board(&city(), "S2", "00:10:00"), ["K1 三坊七巷 00:35:00 schedule"]);
}

#[test]
fn a_prediction_takes_the_place_of_the_timetable_and_says_whose_it_is() {
    let mut boards = city();
    let trip = update("T1", vec![arrives("S2", "08:07:10"), arrives("S3", "08:12:30")]);
    boards.handle(at("07:59:00"), Event::Trips(feed("07:58:50", vec![trip], vec![])));
    assert_eq!(
        board(&boards, "S2", "07:59:00"),
        ["K1 三坊七巷 08:07:10 prediction, seen 07:58:50"]
    );
    boards.handle(
        at("07:59:00"),
        Event::Vehicles(feed("07:58:55", vec![], vec![vehicle("B7", "T1", "S2", "07:58:30")])),
    );
    assert_eq!(
        board(&boards, "S2", "07:59:00"),
        ["K1 三坊七巷 08:07:10 vehicle B7, 0 away, seen 07:58:30"]
    );
    assert_eq!(
        board(&boards, "S3", "07:59:00"),
        ["K1 三坊七巷 08:12:30 vehicle B7, 1 away, seen 07:58:30"]
    );
    assert_eq!(
        board(&boards, "S1", "07:59:00"),
        [""; 0],
        "the feed says nothing of the stops before"
    );
}

#[test]
fn a_delay_holds_until_the_next_one() {
    let mut boards = city();
    boards.handle(
        at("07:50:00"),
        Event::Trips(feed(
            "07:50:00",
            vec![update("T1", vec![late("S1", 120), late("S4", 30)])],
            vec![],
        )),
    );
    assert_eq!(
        board(&boards, "S1", "07:50:00"),
        ["K1 三坊七巷 08:02:00 prediction, seen 07:50:00"]
    );
    assert_eq!(
        board(&boards, "S3", "07:50:00"),
        ["K1 三坊七巷 08:13:00 prediction, seen 07:50:00"]
    );
    assert_eq!(
        board(&boards, "S4", "07:50:00"),
        ["K1 三坊七巷 08:16:30 prediction, seen 07:50:00"]
    );
}

#[test]
fn a_departure_alone_tells_when_the_vehicle_arrives() {
    let mut boards = city();
    let leaves = StopTime { departure: Some(Prediction::At(s("08:08:00"))), ..stop("S2") };
    boards.handle(
        at("07:50:00"),
        Event::Trips(feed("07:50:00", vec![update("T1", vec![leaves])], vec![])),
    );
    assert_eq!(
        board(&boards, "S2", "07:50:00"),
        ["K1 三坊七巷 08:07:00 prediction, seen 07:50:00"]
    );
    assert_eq!(
        board(&boards, "S3", "07:50:00"),
        ["K1 三坊七巷 08:13:00 prediction, seen 07:50:00"]
    );
}

#[test]
fn skipped_stops_canceled_trips_and_missing_data_are_told_apart() {
    let mut boards = city();
    let skipped = StopTime { state: StopState::Skipped, ..stop("S2") };
    let no_data = StopTime { state: StopState::NoData, ..stop("S3") };
    let trip = update("T1", vec![late("S1", 60), skipped, no_data]);
    boards.handle(at("07:50:00"), Event::Trips(feed("07:50:00", vec![trip], vec![])));
    assert_eq!(board(&boards, "S2", "07:50:00"), [""; 0]);
    assert_eq!(board(&boards, "S4", "07:50:00"), ["K1 三坊七巷 08:16:00 schedule"]);
    let canceled = TripUpdate { state: TripState::Canceled, ..update("T1", vec![]) };
    boards.handle(at("07:51:00"), Event::Trips(feed("07:51:00", vec![canceled], vec![])));
    assert_eq!(board(&boards, "S4", "07:51:00"), [""; 0]);
    assert_eq!(boards.counts().canceled, 1);
}

#[test]
fn an_added_trip_goes_where_its_last_stop_is() {
    let mut boards = city();
    let mut trip = update("extra", vec![arrives("S3", "07:57:00"), arrives("S2", "07:59:00")]);
    trip.trip.line = "R1".into();
    trip.state = TripState::Added;
    boards.handle(at("07:50:00"), Event::Trips(feed("07:50:00", vec![trip.clone()], vec![])));
    assert_eq!(board(&boards, "S3", "07:50:00")[0], "K1 东街口 07:57:00 prediction, seen 07:50:00");
    trip.trip.line = "R9".into();
    boards.handle(at("07:50:10"), Event::Trips(feed("07:50:10", vec![trip], vec![])));
    assert_eq!(boards.counts().unknown_trips, 1);
}

#[test]
fn a_vehicle_past_the_stop_is_gone_only_when_it_is_known_where_it_is() {
    let mut boards = city();
    let trip = || update("T1", vec![arrives("S2", "08:07:00"), arrives("S3", "08:12:00")]);
    let seen = |stop: &str| vec![vehicle("B7", "T1", stop, "08:05:00")];
    boards.handle(at("08:05:00"), Event::Trips(feed("08:05:00", vec![trip()], seen("S3"))));
    assert_eq!(board(&boards, "S2", "08:05:00"), [""; 0]);
    boards.handle(at("08:05:10"), Event::Trips(feed("08:05:10", vec![trip()], seen("S9"))));
    assert_eq!(
        board(&boards, "S2", "08:05:10"),
        ["K1 三坊七巷 08:07:00 vehicle B7, seen 08:05:00"]
    );
}

#[test]
fn a_vehicle_at_the_stop_stands_there_for_a_while_whatever_was_predicted() {
    let mut boards = city();
    let bus = Vehicle { stands: true, ..vehicle("B7", "T1", "S2", "08:05:00") };
    let trip = update("T1", vec![arrives("S2", "08:04:30"), arrives("S4", "08:16:00")]);
    boards.handle(at("08:05:00"), Event::Trips(feed("08:05:00", vec![trip], vec![bus])));
    assert_eq!(
        board(&boards, "S2", "08:06:00"),
        ["K1 三坊七巷 08:05:00 vehicle B7, 0 away, at stop, seen 08:05:00"]
    );
    assert_eq!(board(&boards, "S2", "08:06:31"), [""; 0], "nobody saw it there for 90 s");
    assert_eq!(
        board(&boards, "S4", "08:06:31"),
        ["K1 三坊七巷 08:16:00 vehicle B7, 1 away, seen 08:05:00"]
    );
}

#[test]
fn a_ghost_with_an_old_position_in_a_fresh_feed_fades() {
    let mut boards = city();
    let trip = update("T1", vec![arrives("S4", "08:40:00")]);
    boards.handle(
        at("08:12:00"),
        Event::Trips(feed("08:12:00", vec![trip], vec![vehicle("B7", "T1", "S2", "08:03:00")])),
    );
    assert_eq!(
        board(&boards, "S4", "08:12:59"),
        ["K1 三坊七巷 08:40:00 vehicle B7, 2 away, seen 08:03:00"]
    );
    assert_eq!(board(&boards, "S4", "08:13:00"), [""; 0], "the feed is fresh, the vehicle is not");
    let board = boards.board(&"S4".into(), at("08:12:30")).unwrap();
    assert_eq!(board.expires, at("08:13:00"), "ten minutes after the newest observation");
}

#[test]
fn a_measurement_from_the_future_is_not_believed() {
    let mut boards = city();
    let trip = update("T1", vec![arrives("S4", "08:20:00")]);
    boards.handle(
        at("08:10:00"),
        Event::Trips(feed("08:09:50", vec![trip], vec![vehicle("B7", "T1", "", "09:30:00")])),
    );
    assert_eq!(
        board(&boards, "S4", "08:10:00"),
        ["K1 三坊七巷 08:20:00 vehicle B7, seen 08:09:50"]
    );
}

#[test]
fn the_last_good_feed_stays_until_its_own_end_and_then_the_timetable_speaks() {
    let mut boards = city();
    let trip = update("T1", vec![late("S1", 300)]);
    boards.handle(at("07:55:00"), Event::Trips(feed("07:54:00", vec![trip], vec![])));
    assert_eq!(
        board(&boards, "S4", "08:03:59"),
        ["K1 三坊七巷 08:21:00 prediction, seen 07:54:00"]
    );
    assert_eq!(
        boards.next_deadline(),
        at("08:04:00"),
        "the feed ends ten minutes after it was made"
    );
    let effects = changes(&mut boards, at("08:04:00"), Event::Tick);
    assert!(
        published(&effects).contains(&"S4: K1 三坊七巷 08:16:00 schedule".into()),
        "{:?}",
        published(&effects)
    );
}

#[test]
fn only_boards_that_changed_are_published_and_an_emptied_one_once() {
    let mut boards = city();
    let trip = |clock| update("T1", vec![arrives("S4", clock)]);
    boards.handle(at("08:14:00"), Event::Tick);
    let effects = changes(
        &mut boards,
        at("08:14:00"),
        Event::Trips(feed("08:14:00", vec![trip("08:16:30")], vec![])),
    );
    assert_eq!(published(&effects), ["S4: K1 三坊七巷 08:16:30 prediction, seen 08:14:00"]);
    let same = feed("08:14:00", vec![trip("08:16:30")], vec![]);
    assert_eq!(changes(&mut boards, at("08:14:05"), Event::Trips(same)), []);
    assert_eq!(changes(&mut boards, at("08:16:35"), Event::Tick), []);
    assert_eq!(boards.next_deadline(), at("08:16:36"));
    assert_eq!(published(&changes(&mut boards, at("08:16:36"), Event::Tick)), ["S4: "]);
    assert_eq!(changes(&mut boards, at("08:20:00"), Event::Tick), []);
}

#[test]
fn a_board_of_the_timetable_alone_is_renewed_before_it_ends() {
    let mut boards = city();
    let first = changes(&mut boards, at("07:20:00"), Event::Tick);
    assert_eq!(first.len(), 4, "{:?}", published(&first));
    let Effect::Publish(board) = &first[3];
    assert_eq!(board.expires, at("07:30:00"));
    let mut now = at("07:20:00");
    while now < at("07:30:00") {
        now = boards.next_deadline();
        let again = changes(&mut boards, now, Event::Tick);
        if again.iter().any(|Effect::Publish(board)| board.stop == "S4".into()) {
            assert_eq!(now, at("07:27:57"), "two minutes before, spread by stop");
            return;
        }
    }
    panic!("S4 was not renewed");
}

#[test]
fn an_older_feed_changes_nothing_and_is_counted() {
    let mut boards = city();
    let trip = |clock| update("T1", vec![arrives("S4", clock)]);
    boards.handle(at("08:00:00"), Event::Trips(feed("08:00:00", vec![trip("08:17:00")], vec![])));
    assert_eq!(
        changes(
            &mut boards,
            at("08:00:05"),
            Event::Trips(feed("07:59:00", vec![trip("08:18:00")], vec![]))
        ),
        []
    );
    assert_eq!(boards.older_feeds(), 1);
}

#[test]
fn a_clock_that_goes_back_a_little_revives_nothing() {
    let mut boards = city();
    let trip = update("T1", vec![arrives("S1", "08:00:00"), arrives("S2", "08:05:00")]);
    boards.handle(at("08:00:00"), Event::Trips(feed("08:00:00", vec![trip], vec![])));
    boards.handle(at("08:00:06"), Event::Tick);
    assert_eq!(changes(&mut boards, at("07:59:50"), Event::Tick), []);
    // A clock that was an hour ahead and is set right is followed.
    boards.handle(at("09:00:00"), Event::Tick);
    let effects = changes(&mut boards, at("08:00:10"), Event::Tick);
    assert_eq!(published(&effects).last().unwrap(), "S4: K1 三坊七巷 08:16:00 schedule");
}

#[test]
fn the_service_day_is_guessed_where_the_feed_does_not_name_it() {
    let mut boards = city();
    // T2 calls at S2 at 24:35, half past midnight: the trip of the evening before.
    boards.handle(
        at("00:20:00"),
        Event::Trips(feed("00:20:00", vec![update("T2", vec![late("S2", 60)])], vec![])),
    );
    assert_eq!(
        board(&boards, "S2", "00:20:00"),
        ["K1 三坊七巷 00:36:00 prediction, seen 00:20:00"]
    );
    boards.handle(
        at("00:21:00"),
        Event::Trips(feed("00:21:00", vec![update("T2", vec![arrives("S2", "00:37:00")])], vec![])),
    );
    assert_eq!(
        board(&boards, "S2", "00:21:00"),
        ["K1 三坊七巷 00:37:00 prediction, seen 00:21:00"]
    );
}

#[test]
fn another_platform_gets_the_arrival_and_the_planned_one_loses_it() {
    let stops = "stop_id,stop_name\nS1,a\nS2,b\nS3,c\nS4,d\nS5,e\nS3-b,c\n";
    let mut boards = city_of(&[("stops.txt", stops)]);
    // T1 calls at S3 with stop_sequence 3.
    let elsewhere = StopTime { sequence: Some(3), ..arrives("S3-b", "08:12:00") };
    let after = StopTime { instead: Some("S2".into()), ..late("S4", 60) };
    let trip = update("T1", vec![elsewhere, after]);
    boards.handle(at("08:00:00"), Event::Trips(feed("08:00:00", vec![trip], vec![])));
    assert_eq!(
        board(&boards, "S3-b", "08:00:00"),
        ["K1 三坊七巷 08:12:00 prediction, seen 08:00:00"]
    );
    assert_eq!(board(&boards, "S3", "08:00:00"), [""; 0]);
    assert_eq!(
        board(&boards, "S2", "08:00:00"),
        ["K1 三坊七巷 08:17:00 prediction, seen 08:00:00"]
    );
    assert_eq!(boards.counts().moved_stops, 2);
}

#[test]
fn a_loop_shows_its_stop_twice() {
    let times = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
                 T1,08:00:00,08:00:00,S1,1\nT1,08:05:00,08:05:00,S2,2\nT1,08:10:00,08:10:00,S1,3\n\
                 T1,08:15:00,08:15:00,S5,4\n";
    let mut boards = city_of(&[("stop_times.txt", times)]);
    let trip = update("T1", vec![late("S1", 60), late("S2", 60), late("S1", 90)]);
    let bus = Vehicle { sequence: Some(2), ..vehicle("B7", "T1", "S2", "07:58:00") };
    boards.handle(at("07:58:00"), Event::Trips(feed("07:58:00", vec![trip], vec![bus])));
    assert_eq!(
        board(&boards, "S1", "07:58:00"),
        ["K1 三坊七巷 08:11:30 vehicle B7, 1 away, seen 07:58:00"]
    );
}

#[test]
fn nobody_is_sent_to_a_bus_they_may_not_enter() {
    let times = "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type\n\
                 T1,08:00:00,08:00:00,S1,1,0\nT1,08:05:00,08:05:00,S2,2,1\n\
                 T1,08:10:00,08:10:00,S3,3,0\nT1,08:15:00,08:15:00,S4,4,0\n";
    let boards = city_of(&[("stop_times.txt", times)]);
    assert_eq!(board(&boards, "S2", "07:55:00"), [""; 0]);
    assert_eq!(board(&boards, "S3", "07:55:00"), ["K1 三坊七巷 08:10:00 schedule"]);
}

#[test]
fn no_board_lists_a_bus_where_its_trip_ends() {
    let mut boards = city();
    let nothing = [""; 0];
    assert_eq!(board(&boards, "S5", "08:00:00"), nothing, "the timetable");
    let bus = || vec![vehicle("B7", "T1", "S1", "08:00:00")];
    boards.handle(at("08:00:00"), Event::Trips(feed("08:00:00", vec![], bus())));
    assert_eq!(board(&boards, "S5", "08:00:00"), nothing, "a vehicle without predictions");
    let trip = update("T1", vec![arrives("S4", "08:17:00"), arrives("S5", "08:22:00")]);
    boards.handle(at("08:01:00"), Event::Trips(feed("08:01:00", vec![trip], bus())));
    assert_eq!(board(&boards, "S5", "08:01:00"), nothing, "a prediction");
    assert_eq!(board(&boards, "S4", "08:01:00").len(), 1);

    // An added trip passes S5, ends at S4, and is on its way until only its end is left.
    let all = vec![arrives("S5", "08:17:00"), arrives("S4", "08:22:00"), stop("elsewhere")];
    let mut trip = update("extra", all);
    trip.trip.line = "R1".into();
    trip.state = TripState::Added;
    boards.handle(at("08:02:00"), Event::Trips(feed("08:02:00", vec![trip.clone()], vec![])));
    assert_eq!(board(&boards, "S5", "08:02:00"), ["K1 津泰路 08:17:00 prediction, seen 08:02:00"]);
    assert_eq!(board(&boards, "S4", "08:02:00"), ["K1 三坊七巷 08:16:00 schedule"]);
    trip.stop_times.remove(0);
    boards.handle(at("08:18:00"), Event::Trips(feed("08:18:00", vec![trip], vec![])));
    assert_eq!(board(&boards, "S4", "08:18:00"), nothing);
    assert_eq!(boards.counts().unmatched_stops, 0, "its end is a stop of the city");
}
