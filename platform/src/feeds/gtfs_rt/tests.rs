use prost::Message as _;

use super::wire::{
    FeedEntity, FeedHeader, FeedMessage, StopTimeEvent, StopTimeUpdate, TripDescriptor,
};
use super::*;

const NOON: u64 = 1_795_406_400;

fn message(entity: Vec<FeedEntity>) -> FeedMessage {
    let header =
        FeedHeader { gtfs_realtime_version: "2.0".into(), incrementality: 0, timestamp: NOON };
    FeedMessage { header: Some(header), entity }
}

fn trip(id: &str, times: &[i64]) -> FeedEntity {
    let stop = |(number, time): (usize, &i64)| StopTimeUpdate {
        stop_sequence: Some(u32::try_from(number).unwrap()),
        arrival: Some(StopTimeEvent { delay: None, time: Some(*time) }),
        ..StopTimeUpdate::default()
    };
    let update = wire::TripUpdate {
        trip: Some(TripDescriptor { trip_id: id.into(), ..TripDescriptor::default() }),
        stop_time_update: times.iter().enumerate().map(stop).collect(),
        ..wire::TripUpdate::default()
    };
    FeedEntity { id: id.into(), trip_update: Some(update), ..FeedEntity::default() }
}

fn read(message: &FeedMessage) -> Result<Feed, FeedError> {
    parse(&message.encode_to_vec())
}

#[test]
fn a_time_beats_a_delay_and_zero_means_nothing() {
    let event = |time, delay| prediction(Some(StopTimeEvent { delay, time }));
    assert_eq!(event(Some(1_795_406_400), Some(60)), Ok(Some(Prediction::At(1_795_406_400))));
    assert_eq!(event(Some(0), Some(60)), Ok(Some(Prediction::Late(60))));
    assert_eq!(event(None, None), Ok(None));
    assert_eq!(event(None, Some(100_000)), Err(Refusal::Time));
}

#[test]
fn entities_from_1970_and_2100_are_refused_alone_and_counted() {
    let good = trip("good", &[1_795_406_460]);
    let feed =
        read(&message(vec![trip("old", &[60]), good, trip("far", &[4_102_444_800])])).unwrap();
    assert_eq!(feed.trips.iter().map(|trip| trip.trip.trip.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(feed.refused, Refused { time: 2, ..Refused::default() });
}

#[test]
fn what_is_no_feed_is_refused_with_its_place() {
    let good = message(vec![trip("a", &[1_795_406_460])]).encode_to_vec();
    let error = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
    assert_eq!(error(b""), "feed has no header");
    assert_eq!(
        error(b"<html>Bad gateway</html>"),
        "not a GTFS-realtime feed, damaged at byte 0: cut off"
    );
    assert_eq!(
        error(&good[..good.len() - 1]),
        "not a GTFS-realtime feed, damaged at byte 13: cut off"
    );
    assert_eq!(error(&vec![0; FEED_MAX + 1]), "feed has 33554433 bytes, at most 33554432 are read");
    let mut old = message(vec![]);
    old.header.as_mut().unwrap().timestamp = 3;
    assert_eq!(read(&old), Err(FeedError::Time(3)));
    old.header.as_mut().unwrap().incrementality = 1;
    assert_eq!(read(&old), Err(FeedError::Differential));
}

#[test]
fn one_damaged_entity_does_not_take_the_others_along() {
    let mut bytes = message(vec![trip("a", &[1_795_406_460])]).encode_to_vec();
    bytes.extend([0x12, 3, 0x0A, 1, 0xFF]); // an entity whose id is not UTF-8
    bytes.extend([0x12, 2, 0x1A, 9]); // an entity cut off inside
    let feed = parse(&bytes).unwrap();
    assert_eq!((feed.trips.len(), feed.refused.damaged), (1, 2));
}

#[test]
fn more_stops_than_any_trip_has_are_refused() {
    let feed = read(&message(vec![trip("long", &vec![1_795_406_460; CALLS_MAX + 1])])).unwrap();
    assert_eq!((feed.trips.len(), feed.refused.parts), (0, 1));
    let name = "x".repeat(ID_MAX + 1);
    assert_eq!(read(&message(vec![trip(&name, &[])])).unwrap().refused.id, 1);
    assert_eq!(
        read(&message(vec![trip("", &[])])).unwrap().refused.id,
        1,
        "a trip must have a name"
    );
}

#[test]
fn an_alert_speaks_chinese_and_english_and_ends_or_does_not() {
    let say = |text: &str, language: &str| wire::Translation {
        text: text.into(),
        language: language.into(),
    };
    let alert = wire::Alert {
        active_period: vec![wire::TimeRange { start: NOON, end: u64::MAX }],
        informed_entity: vec![wire::EntitySelector { route_id: "R1".into(), ..Default::default() }],
        header_text: Some(wire::TranslatedString {
            translation: vec![say("Umleitung", "de"), say("绕行", ""), say("Detour", "en-GB")],
        }),
        severity_level: 4,
        ..Default::default()
    };
    let entity = FeedEntity { id: "a1".into(), alert: Some(alert), ..Default::default() };
    let feed = read(&message(vec![entity.clone()])).unwrap();
    let alert = &feed.alerts[0];
    assert_eq!(alert.headline, Text::new("绕行", "Detour"));
    assert_eq!(alert.periods, [(Some(1_795_406_400), None)]);
    assert_eq!(alert.affects, [Affected { stop: None, line: Some("R1".into()) }]);

    let mut lost = entity;
    lost.alert.as_mut().unwrap().informed_entity = vec![wire::EntitySelector::default()];
    let feed = read(&message(vec![lost])).unwrap();
    assert_eq!((feed.alerts.len(), feed.refused.id), (0, 1), "nobody knows whom it concerns");
}

#[test]
fn the_recorded_feeds_are_read_whole() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/transit/raba/");
    let Ok(bytes) = std::fs::read(format!("{folder}raba-trip-updates.pb")) else {
        eprintln!("skipped: {folder} is absent");
        return;
    };
    let feed = parse(&bytes).unwrap();
    assert_eq!(feed.made_s, Some(1_749_416_885));
    assert_eq!(
        (feed.trips.len(), feed.trips.iter().map(|trip| trip.stop_times.len()).sum::<usize>()),
        (9, 41)
    );
    assert_eq!(
        feed.trips
            .iter()
            .flat_map(|trip| &trip.stop_times)
            .filter(|stop| stop.state == StopState::Skipped)
            .count(),
        40
    );
    let feed =
        parse(&std::fs::read(format!("{folder}raba-vehicle-positions.pb")).unwrap()).unwrap();
    assert_eq!((feed.vehicles.len(), feed.refused.total()), (22, 0));
    assert_eq!(feed.vehicles.iter().filter(|vehicle| vehicle.trip.is_some()).count(), 1);
}
