//! The recorded city against a calculation that shares nothing with ours but the decoder of the wire.

use std::collections::BTreeMap;
use std::path::Path;

use prost::Message as _;
use sync::Source;

use super::super::*;
use crate::feeds::gtfs::{self, parse_date};
use crate::feeds::gtfs_rt;
use crate::feeds::gtfs_rt::wire::FeedMessage;

#[test]
fn every_board_of_the_recorded_city_says_what_its_feed_says() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/transit/raba"));
    if !folder.exists() {
        eprintln!("skipped: {} is absent", folder.display());
        return;
    }
    let now: Timestamp = "2025-06-08T21:08:05Z".parse().unwrap();
    let trips = std::fs::read(folder.join("raba-trip-updates.pb")).unwrap();
    let vehicles = std::fs::read(folder.join("raba-vehicle-positions.pb")).unwrap();
    let mut boards = Boards::new();
    let network = Arc::new(gtfs::load_path(&folder.join("raba.zip")).unwrap());
    boards.handle(now, Event::Network(network.clone()));
    boards.handle(now, Event::Vehicles(gtfs_rt::parse(&vehicles).unwrap()));
    boards.handle(now, Event::Trips(gtfs_rt::parse(&trips).unwrap()));

    let naive = naive(&trips, &folder.join("raba.zip"), now.as_second());
    assert_eq!(
        naive.values().map(Vec::len).sum::<usize>(),
        2,
        "one bus with two stops to go and then its last is on the road on that Sunday"
    );
    for stop in network.stops() {
        let board = boards.board(&stop.id, now).unwrap();
        let predicted = board.arrivals.iter().filter(|arrival| arrival.source != Source::Schedule);
        let ours: Vec<_> =
            predicted.map(|arrival| (arrival.arrives.as_second(), arrival.trip.clone())).collect();
        assert_eq!(ours, naive.get(&stop.id.0).cloned().unwrap_or_default(), "{}", stop.id);
    }
}

/// Each prediction that is not past, by stop: the feed's own time, or the timetable's moved by the last delay.
/// Nobody boards at a trip's last stop, so it is left out.
fn naive(bytes: &[u8], zip: &Path, now_s: i64) -> BTreeMap<String, Vec<(i64, String)>> {
    let rows = stop_times(zip);
    let mut stops = BTreeMap::<String, Vec<(i64, String)>>::new();
    for update in FeedMessage::decode(bytes)
        .unwrap()
        .entity
        .into_iter()
        .filter_map(|entity| entity.trip_update)
    {
        let trip = update.trip.unwrap();
        // Midnight in Redding, which is seven hours behind UTC in June.
        let midnight: Timestamp =
            format!("{}T00:00:00-07:00", parse_date(trip.start_date.as_bytes()).unwrap())
                .parse()
                .unwrap();
        let mut late = None;
        let calls = &rows[&trip.trip_id];
        for (sequence, (stop, scheduled_s)) in calls.iter().take(calls.len() - 1) {
            let told =
                update.stop_time_update.iter().find(|told| told.stop_sequence == Some(*sequence));
            if told.is_some_and(|told| told.schedule_relationship != 0) {
                continue;
            }
            let scheduled_s = midnight.as_second() + scheduled_s;
            if let Some(time) = told.and_then(|told| told.arrival?.time) {
                late = Some(time - scheduled_s);
            }
            if let Some(time) = late.map(|late| scheduled_s + late).filter(|time| *time >= now_s) {
                stops.entry(stop.clone()).or_default().push((time, trip.trip_id.clone()));
            }
        }
    }
    for arrivals in stops.values_mut() {
        arrivals.sort();
    }
    stops
}

/// Stop and arrival of each trip and sequence, straight from the file.
fn stop_times(zip: &Path) -> BTreeMap<String, BTreeMap<u32, (String, i64)>> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
    let mut trips = BTreeMap::<String, BTreeMap<u32, (String, i64)>>::new();
    for row in csv::Reader::from_reader(zip.by_name("stop_times.txt").unwrap())
        .records()
        .map(Result::unwrap)
    {
        let clock: Vec<i64> = row[3].split(':').filter_map(|part| part.parse().ok()).collect();
        if let [hours, minutes, seconds] = clock[..] {
            let time_s = hours * 3600 + minutes * 60 + seconds;
            trips
                .entry(row[0].into())
                .or_default()
                .insert(row[1].parse().unwrap(), (row[2].into(), time_s));
        }
    }
    trips
}
