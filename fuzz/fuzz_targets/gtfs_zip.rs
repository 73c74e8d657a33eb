//! Timetables: what is read as a network must hold together, so that nothing later can index beside it.
//!
//! The input is a zip, or the text of stop_times.txt for a city whose other files are good: a fuzzer finds
//! no checksums by chance.

#![no_main]

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use platform::feeds::gtfs;
use platform::network::{Network, StopIx, TripIx};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

const FILES: [(&str, &str); 5] = [
    ("agency.txt", "agency_name,agency_url,agency_timezone\na,b,Asia/Shanghai\n"),
    ("stops.txt", "stop_id,stop_name\nS1,a\nS2,b\nS3,c\n"),
    ("routes.txt", "route_id,route_type\nR,3\n"),
    ("calendar_dates.txt", "service_id,date,exception_type\nD,20261123,1\n"),
    ("trips.txt", "route_id,service_id,trip_id\nR,D,T1\nR,D,T2\n"),
];

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK") {
        let _ = gtfs::load(bytes).map(|network| check(&network));
        return;
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let files = FILES.iter().map(|(name, text)| (*name, text.as_bytes()));
    for (name, content) in files.chain([("stop_times.txt", bytes)]) {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(name, stored).expect("memory takes all");
        zip.write_all(content).expect("memory takes all");
    }
    let zip = zip.finish().expect("memory takes all").into_inner();
    let _ = gtfs::load(&zip).map(|network| check(&network));
});

fn check(network: &Network) {
    let count = |len: usize| u32::try_from(len).expect("bounded");
    for trip in (0..count(network.trips().len())).map(TripIx) {
        let (calls, times) = (network.calls(trip), network.times(trip));
        assert!(calls.len() == times.len() && calls.len() != 1);
        assert!(times.iter().all(|time| time.arrival_s <= time.departure_s), "leaves before it comes");
        assert!(times.windows(2).all(|pair| pair[0].departure_s <= pair[1].arrival_s), "time runs backwards");
        assert!(calls.windows(2).all(|pair| pair[0].sequence < pair[1].sequence), "sequence runs backwards");
        network.text(network.destination(trip, 0));
    }
    for stop in (0..count(network.stops().len())).map(StopIx) {
        let visits = network.visits(stop);
        assert!(visits.is_sorted());
        assert!(visits.iter().all(|visit| network.calls(visit.trip)[usize::from(visit.call)].stop == stop));
    }
}
