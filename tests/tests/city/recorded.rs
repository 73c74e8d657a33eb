//! The recorded hour of real rail predictions, as the GTFS-RT bytes a feed would have served.
//!
//! The messages are declared here a second time on purpose: the encoder of the test and the
//! decoder under test share nothing but the public specification.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, UInt64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use prost::Message;

/// One predicted call at one stop in one refresh of the feed.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) trip: String,
    pub(crate) route: String,
    pub(crate) made_at_s: Option<u64>,
    pub(crate) sequence: u32,
    pub(crate) stop: String,
    pub(crate) arrives_s: Option<i64>,
    pub(crate) departs_s: Option<i64>,
}

/// The folder of the recording; `None`, with a word about it, where it is absent.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/transit/mbta-rail-2023-05-08");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: the recorded feed is not at {}", folder.display());
    None
}

/// Every `step`-th refresh of the hour: its time and its calls.
pub(crate) fn refreshes(folder: &Path, step: usize) -> BTreeMap<u64, Vec<Call>> {
    const COLUMNS: [&str; 8] = [
        "feed_timestamp",
        "trip_update.trip.trip_id",
        "trip_update.trip.route_id",
        "trip_update.timestamp",
        "trip_update.stop_time_update.stop_sequence",
        "trip_update.stop_time_update.stop_id",
        "trip_update.stop_time_update.arrival.time",
        "trip_update.stop_time_update.departure.time",
    ];
    let path = folder.join("trip_updates_hour12.parquet");
    let times = read(&path, &COLUMNS[..1]);
    let all: BTreeSet<u64> =
        times.iter().flat_map(|batch| numbers(batch, COLUMNS[0])).flatten().collect();
    let wanted: BTreeSet<u64> = all.into_iter().step_by(step).collect();

    let mut refreshes: BTreeMap<u64, Vec<Call>> = BTreeMap::new();
    for batch in read(&path, &COLUMNS) {
        let (feed, made_at) = (numbers(&batch, COLUMNS[0]), numbers(&batch, COLUMNS[3]));
        let (trip, route, stop) =
            (texts(&batch, COLUMNS[1]), texts(&batch, COLUMNS[2]), texts(&batch, COLUMNS[5]));
        let signed =
            |name| column(&batch, name).as_primitive::<Int64Type>().iter().collect::<Vec<_>>();
        let (sequence, arrives, departs) =
            (signed(COLUMNS[4]), signed(COLUMNS[6]), signed(COLUMNS[7]));
        for row in 0..batch.num_rows() {
            let Some(time) = feed[row].filter(|time| wanted.contains(time)) else { continue };
            let (Some(trip), Some(stop)) = (trip[row].clone(), stop[row].clone()) else { continue };
            refreshes.entry(time).or_default().push(Call {
                trip,
                route: route[row].clone().unwrap_or_default(),
                made_at_s: made_at[row],
                sequence: sequence[row].and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
                stop,
                arrives_s: arrives[row],
                departs_s: departs[row],
            });
        }
    }
    refreshes
}

/// The calls of one refresh as the protobuf a feed serves.
pub(crate) fn encode(time: u64, calls: &[Call]) -> Vec<u8> {
    let mut trips: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        trips.entry(&call.trip).or_default().push(call);
    }
    let entity = |(trip, mut calls): (&str, Vec<&Call>)| {
        calls.sort_by_key(|call| call.sequence);
        let event = |time: Option<i64>| time.map(|time| StopTimeEvent { time: Some(time) });
        let stop_time = |call: &&Call| StopTimeUpdate {
            stop_sequence: Some(call.sequence),
            arrival: event(call.arrives_s),
            departure: event(call.departs_s),
            stop_id: Some(call.stop.clone()),
        };
        let update = TripUpdate {
            trip: Some(TripDescriptor {
                trip_id: Some(trip.to_owned()),
                route_id: Some(calls[0].route.clone()),
            }),
            stop_time_update: calls.iter().map(stop_time).collect(),
            timestamp: calls[0].made_at_s,
        };
        FeedEntity { id: trip.to_owned(), trip_update: Some(update) }
    };
    let header = FeedHeader { version: "2.0".to_owned(), timestamp: Some(time) };
    FeedMessage { header: Some(header), entity: trips.into_iter().map(entity).collect() }
        .encode_to_vec()
}

/// A static feed with what the recording knows: routes, trips, stops, and the calls it ever predicted.
///
/// The recording has no timetable, so the service runs on no day of it.
pub(crate) fn static_feed(folder: &Path, refreshes: &BTreeMap<u64, Vec<Call>>) -> Vec<u8> {
    let mut patterns: BTreeMap<&str, BTreeMap<u32, &str>> = BTreeMap::new();
    let mut routes: BTreeMap<&str, &str> = BTreeMap::new();
    for call in refreshes.values().flatten() {
        patterns.entry(&call.trip).or_default().insert(call.sequence, &call.stop);
        routes.insert(&call.trip, &call.route);
    }
    let names = |file: &str, id: &str, name: &str| -> BTreeMap<String, String> {
        let batches = read(&folder.join(file), &[id, name]);
        let pairs =
            batches.iter().flat_map(|batch| texts(batch, id).into_iter().zip(texts(batch, name)));
        pairs.filter_map(|(id, name)| Some((id?, name.unwrap_or_default()))).collect()
    };
    let stop_names = names("stops.parquet", "stop_id", "stop_name");
    let headsigns = names("trips.parquet", "trip_id", "trip_headsign");

    let mut stops = "stop_id,stop_name,stop_lat,stop_lon\n".to_owned();
    let stop_ids: BTreeSet<&str> =
        patterns.values().flat_map(|calls| calls.values().copied()).collect();
    for id in stop_ids {
        let name = stop_names.get(id).map_or(id, String::as_str);
        writeln!(stops, "{id},\"{name}\",42.3,-71.0").unwrap();
    }
    let mut trips = "route_id,service_id,trip_id,trip_headsign\n".to_owned();
    let mut stop_times = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n".to_owned();
    for (trip, calls) in &patterns {
        let headsign = headsigns.get(*trip).map_or("", String::as_str);
        writeln!(trips, "{},daily,{trip},\"{headsign}\"", routes[trip]).unwrap();
        for (sequence, stop) in calls {
            writeln!(stop_times, "{trip},08:00:00,08:00:00,{stop},{sequence}").unwrap();
        }
    }
    let mut lines = "route_id,route_short_name,route_type\n".to_owned();
    for route in routes.values().collect::<BTreeSet<_>>() {
        writeln!(lines, "{route},{route},1").unwrap();
    }
    let files = [
        ("agency.txt", "agency_name,agency_url,agency_timezone\nMBTA,https://example.org,America/New_York\n".to_owned()),
        ("calendar.txt", "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\ndaily,1,1,1,1,1,1,1,20220101,20220101\n".to_owned()),
        ("routes.txt", lines),
        ("stops.txt", stops),
        ("trips.txt", trips),
        ("stop_times.txt", stop_times),
    ];
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn read(path: &Path, columns: &[&str]) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let roots = columns.iter().map(|name| schema.index_of(name).unwrap());
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    builder
        .with_projection(mask)
        .with_batch_size(65_536)
        .build()
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).unwrap()
}

fn numbers(batch: &RecordBatch, name: &str) -> Vec<Option<u64>> {
    column(batch, name).as_primitive::<UInt64Type>().iter().collect()
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    column(batch, name).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

// Field numbers: gtfs-realtime.proto 2.0, only what the recording holds.

#[derive(Clone, PartialEq, Message)]
struct FeedMessage {
    #[prost(message, optional, tag = "1")]
    header: Option<FeedHeader>,
    #[prost(message, repeated, tag = "2")]
    entity: Vec<FeedEntity>,
}

#[derive(Clone, PartialEq, Message)]
struct FeedHeader {
    #[prost(string, required, tag = "1")]
    version: String,
    #[prost(uint64, optional, tag = "3")]
    timestamp: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct FeedEntity {
    #[prost(string, required, tag = "1")]
    id: String,
    #[prost(message, optional, tag = "3")]
    trip_update: Option<TripUpdate>,
}

#[derive(Clone, PartialEq, Message)]
struct TripUpdate {
    #[prost(message, optional, tag = "1")]
    trip: Option<TripDescriptor>,
    #[prost(message, repeated, tag = "2")]
    stop_time_update: Vec<StopTimeUpdate>,
    #[prost(uint64, optional, tag = "4")]
    timestamp: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct TripDescriptor {
    #[prost(string, optional, tag = "1")]
    trip_id: Option<String>,
    #[prost(string, optional, tag = "5")]
    route_id: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct StopTimeUpdate {
    #[prost(uint32, optional, tag = "1")]
    stop_sequence: Option<u32>,
    #[prost(message, optional, tag = "2")]
    arrival: Option<StopTimeEvent>,
    #[prost(message, optional, tag = "3")]
    departure: Option<StopTimeEvent>,
    #[prost(string, optional, tag = "4")]
    stop_id: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct StopTimeEvent {
    #[prost(int64, optional, tag = "2")]
    time: Option<i64>,
}
