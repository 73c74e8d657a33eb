//! (a) A full-city feed to all boards, against a bare prost decode of the same bytes (goal: at most 3 times).
//!
//! The city is generated: 2,847 trips with 60,074 predicted stop times, as many as Auckland's feed of 2014 had.
//! Every prediction changes from feed to feed, so every board is built and published each time.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Cursor, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use platform::boards::{Boards, Effect, Event};
use platform::feeds::gtfs_rt::wire;
use platform::feeds::{gtfs, gtfs_rt};
use platform::network::Network;
use prost::Message;

const TRIPS: usize = 2_847;
const STOP_TIMES: usize = 60_074;
const LINES: usize = 180;
const STOPS: usize = 3_600;
/// Calls of each trip; the feed predicts those still ahead of the vehicle.
const CALLS: usize = 32;
/// Calls of each line's way, which its trips share in both directions.
const WAY: usize = 64;

fn main() {
    divan::main();
    print_ratio();
}

#[divan::bench]
fn bare_prost_decode(bencher: divan::Bencher<'_, '_>) {
    let city = City::new();
    bencher.bench(|| wire::FeedMessage::decode(city.feeds[0].as_slice()));
}

#[divan::bench]
fn feed_to_all_boards(bencher: divan::Bencher<'_, '_>) {
    let (city, mut boards, mut turn) = (City::new(), City::boards(), 0);
    bencher.bench_local(|| {
        turn += 1;
        city.turn(&mut boards, turn)
    });
}

#[divan::bench]
fn feed_that_changes_nothing(bencher: divan::Bencher<'_, '_>) {
    let (city, mut boards) = (City::new(), City::boards());
    city.turn(&mut boards, 0);
    bencher.bench_local(|| city.turn(&mut boards, 0));
}

struct City {
    /// Two feeds of the same trips with all times different.
    feeds: [Vec<u8>; 2],
}

impl City {
    fn new() -> Self {
        Self { feeds: [feed(0), feed(15)] }
    }

    fn boards() -> Boards {
        let mut boards = Boards::new();
        boards.handle(now(0), Event::Network(Arc::new(network())));
        boards
    }

    /// Takes in a feed and puts every changed board into words; how many boards and arrivals that were.
    fn turn(&self, boards: &mut Boards, turn: usize) -> (usize, usize) {
        let feed = gtfs_rt::parse(&self.feeds[turn % 2]).expect("the generated feed is good");
        let mut published = (0, 0);
        for Effect::Publish(board) in boards.handle(now(0), Event::Trips(feed)) {
            published = (published.0 + 1, published.1 + black_box(&board).arrivals.len());
        }
        published
    }
}

/// Prints the ratio of medians, measured turn and turn about so that a busy machine disturbs both alike.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn print_ratio() {
    const ROUNDS: usize = 60;
    let (city, mut boards) = (City::new(), City::boards());
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    let mut published = (0, 0);
    for turn in 0..ROUNDS {
        let start = Instant::now();
        drop(black_box(wire::FeedMessage::decode(city.feeds[turn % 2].as_slice())));
        bare.push(start.elapsed());
        let start = Instant::now();
        published = city.turn(&mut boards, turn);
        ours.push(start.elapsed());
    }
    let (bare, ours) = (median(bare), median(ours));
    println!(
        "{} bytes, {} boards with {} arrivals published",
        city.feeds[0].len(),
        published.0,
        published.1
    );
    println!(
        "bare prost decode {bare:.2?}, feed to all boards {ours:.2?}: ratio {:.2}",
        ours.as_secs_f64() / bare.as_secs_f64()
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn now(second: i64) -> Timestamp {
    // 08:00 in the city on 23 November 2026.
    Timestamp::from_second(1_795_392_000 + second).expect("a year of this century")
}

/// Stop of a line's way; lines cross each other.
fn stop(line: usize, call: usize) -> usize {
    (line * 37 + call * (1 + line % 7)) % STOPS
}

/// Line, first call on the way, and how many calls are behind the vehicle, of a trip.
fn trip(number: usize) -> (usize, usize, usize) {
    let ahead = STOP_TIMES / TRIPS + usize::from(number < STOP_TIMES % TRIPS);
    (number % LINES, number / LINES % (WAY - CALLS), CALLS - ahead)
}

/// How long a vehicle needs for some calls.
fn seconds(calls: usize) -> i64 {
    90 * i64::try_from(calls).expect("a few dozen calls")
}

fn network() -> Network {
    let mut stops = String::from("stop_id,stop_name,stop_lat,stop_lon\n");
    for stop in 0..STOPS {
        writeln!(stops, "{},鼓楼区第{stop}站,26.1,119.3", 10_000 + stop)
            .expect("a string takes all");
    }
    let mut routes = String::from("route_id,route_short_name,route_type,route_color\n");
    for line in 0..LINES {
        writeln!(routes, "line-{line},{line}路,3,C8102E").expect("a string takes all");
    }
    let mut trips = String::from("route_id,service_id,trip_id,trip_headsign\n");
    let mut times = String::from("trip_id,arrival_time,departure_time,stop_id,stop_sequence\n");
    for number in 0..TRIPS {
        let (line, from, behind) = trip(number);
        writeln!(trips, "line-{line},daily,20261123-{number:06},往第{line}终点站")
            .expect("a string takes all");
        for call in 0..CALLS {
            let time_s = 8 * 3600 + 60 + seconds(call) - seconds(behind);
            let clock = format!("{:02}:{:02}:{:02}", time_s / 3600, time_s / 60 % 60, time_s % 60);
            let stop = 10_000 + stop(line, from + call);
            writeln!(times, "20261123-{number:06},{clock},{clock},{stop},{}", call + 1)
                .expect("a string takes all");
        }
    }
    let files = [
        (
            "agency.txt",
            "agency_name,agency_url,agency_timezone\n公交,http://a.example,Asia/Shanghai\n"
                .to_owned(),
        ),
        ("calendar_dates.txt", "service_id,date,exception_type\ndaily,20261123,1\n".to_owned()),
        ("stops.txt", stops),
        ("routes.txt", routes),
        ("trips.txt", trips),
        ("stop_times.txt", times),
    ];
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("memory takes all");
        zip.write_all(content.as_bytes()).expect("memory takes all");
    }
    let zip = zip.finish().expect("memory takes all").into_inner();
    gtfs::load(&zip).expect("the generated city is good")
}

/// All trips, each `late_s` late.
fn feed(late_s: i32) -> Vec<u8> {
    let entity = (0..TRIPS).map(|number| {
        let (line, from, behind) = trip(number);
        let stop_time_update = (behind..CALLS).map(|call| {
            let time = now(60).as_second() + seconds(call - behind) + i64::from(late_s);
            let event = wire::StopTimeEvent { delay: Some(late_s), time: Some(time) };
            wire::StopTimeUpdate {
                stop_sequence: u32::try_from(call + 1).ok(),
                arrival: Some(event),
                departure: Some(event),
                stop_id: (10_000 + stop(line, from + call)).to_string(),
                schedule_relationship: 0,
                stop_time_properties: None,
            }
        });
        let trip = wire::TripDescriptor {
            trip_id: format!("20261123-{number:06}"),
            start_date: "20261123".into(),
            route_id: format!("line-{line}"),
            ..wire::TripDescriptor::default()
        };
        let update = wire::TripUpdate {
            trip: Some(trip),
            stop_time_update: stop_time_update.collect(),
            vehicle: Some(wire::VehicleDescriptor {
                id: format!("bus-{number}"),
                ..Default::default()
            }),
            timestamp: now(-10).as_second().unsigned_abs(),
            delay: None,
        };
        wire::FeedEntity { id: number.to_string(), trip_update: Some(update), ..Default::default() }
    });
    let header = wire::FeedHeader {
        gtfs_realtime_version: "2.0".into(),
        incrementality: 0,
        timestamp: now(-5).as_second().unsigned_abs(),
    };
    wire::FeedMessage { header: Some(header), entity: entity.collect() }.encode_to_vec()
}
