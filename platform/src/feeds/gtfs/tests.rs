use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::network::TripIx;
use sync::{Lang, Text};

/// A small city: one line, two trips, four stops.
pub(crate) const CITY: [(&str, &str); 7] = [
    (
        "agency.txt",
        "agency_id,agency_name,agency_url,agency_timezone,agency_lang\nA,公交,http://a.example,Asia/Shanghai,zh\n",
    ),
    (
        "stops.txt",
        "stop_id,stop_name,stop_lat,stop_lon\nS1,火车站,26.11,119.31\nS2,东街口,26.09,119.30\nS3,南门兜,26.08,119.30\nS4,三坊七巷,26.08,119.29\n",
    ),
    (
        "routes.txt",
        "route_id,route_short_name,route_long_name,route_type,route_color\nR1,K1,火车站 - 三坊七巷,3,C8102E\n",
    ),
    (
        "trips.txt",
        "route_id,service_id,trip_id,trip_headsign\nR1,daily,T1,三坊七巷\nR1,daily,T2,三坊七巷\n",
    ),
    (
        "stop_times.txt",
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
         T1,08:00:00,08:00:00,S1,1\nT1,08:05:00,08:06:00,S2,2\nT1,,,S3,3\nT1,08:16:00,08:16:00,S4,4\n\
         T2,24:30:00,24:30:00,S1,1\nT2,24:35:00,24:35:00,S2,2\nT2,24:40:00,24:40:00,S3,3\nT2,24:45:00,24:45:00,S4,4\n",
    ),
    (
        "calendar.txt",
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\ndaily,1,1,1,1,1,1,1,20260101,20261231\n",
    ),
    (
        "translations.txt",
        "table_name,field_name,language,translation,record_id,field_value\nstops,stop_name,en,Railway Station,S1,\ntrips,trip_headsign,en,Three Lanes and Seven Alleys,,三坊七巷\n",
    ),
];

/// Zips `files`, each given as name and content.
pub(crate) fn zip_of<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The city with some files replaced, or left out where the new content is empty.
pub(crate) fn city_with(changes: &[(&str, &str)]) -> Vec<u8> {
    let changed = |name: &str| {
        changes.iter().find(|(changed, _)| *changed == name).map(|(_, content)| *content)
    };
    let files = CITY.iter().map(|(name, content)| (*name, changed(name).unwrap_or(content)));
    let new =
        changes.iter().copied().filter(|(name, _)| CITY.iter().all(|(known, _)| known != name));
    let files = files.chain(new).filter(|(_, content)| !content.is_empty());
    zip_of(files.map(|(name, content)| (name, content.as_bytes())))
}

/// A table as a test reads it: the city's file with one text replaced.
fn edited(name: &str, from: &str, to: &str) -> String {
    let (_, content) = CITY.iter().find(|(known, _)| *known == name).unwrap();
    assert!(content.contains(from), "{from:?} is in {name}");
    content.replace(from, to)
}

fn refusal(zip: &[u8]) -> String {
    load(zip).expect_err("must be refused").to_string()
}

/// Each call of a trip as `stop arrival-departure`.
fn trip(network: &Network, id: &str) -> Vec<String> {
    let trip = network.trip_by_id(id).unwrap();
    let clock = |s: u32| format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    let calls = network.calls(trip).iter().zip(network.times(trip));
    calls
        .map(|(call, time)| {
            format!(
                "{} {}-{}",
                network.stop(call.stop).id,
                clock(time.arrival_s),
                clock(time.departure_s)
            )
        })
        .collect()
}

#[test]
fn a_city_is_read_with_names_in_both_languages_and_times_filled_in() {
    let network = load(&city_with(&[])).unwrap();
    assert_eq!(network.report().to_string(), "nothing odd");
    assert_eq!(
        trip(&network, "T1"),
        [
            "S1 08:00:00-08:00:00",
            "S2 08:05:00-08:06:00",
            "S3 08:11:00-08:11:00",
            "S4 08:16:00-08:16:00"
        ]
    );
    let stop = network.stop(network.stop_by_id("S1").unwrap());
    assert_eq!(network.text(stop.name), &Text::new("火车站", "Railway Station"));
    let trip = network.trip_by_id("T2").unwrap();
    assert_eq!(
        network.text(network.destination(trip, 0)).get(Lang::En),
        "Three Lanes and Seven Alleys"
    );
    assert_eq!(
        network.trip(TripIx(0)).pattern,
        network.trip(trip).pattern,
        "one pattern serves both trips"
    );
    assert_eq!(network.line(network.trip(trip).line).colour.as_deref(), Some("C8102E"));
}

#[test]
fn a_sub_folder_a_byte_order_mark_and_missing_optional_files_are_fine() {
    let files: Vec<(String, Vec<u8>)> = CITY
        .iter()
        .filter(|(name, _)| *name != "translations.txt")
        .map(|(name, content)| {
            (format!("export 2026/{name}"), [b"\xEF\xBB\xBF", content.as_bytes()].concat())
        })
        .chain([("__MACOSX/stops.txt".to_owned(), b"\0".to_vec())])
        .collect();
    let network =
        load(&zip_of(files.iter().map(|(name, content)| (name.as_str(), content.as_slice()))))
            .unwrap();
    assert_eq!(network.stops().len(), 4);
    assert_eq!(network.trips().len(), 2);
}

#[test]
fn a_feed_in_gb18030_is_read_and_counted() {
    let files: Vec<(&str, Vec<u8>)> = CITY
        .iter()
        .map(|(name, text)| (*name, encoding_rs::GB18030.encode(text).0.into_owned()))
        .collect();
    let network =
        load(&zip_of(files.iter().map(|(name, content)| (*name, content.as_slice())))).unwrap();
    assert_eq!(network.text(network.stops()[1].name).zh, "东街口");
    assert_eq!(network.report().count(Issue::Gb18030), 5, "{}", network.report());
    assert_eq!(network.report().count(Issue::Duplicate), 0, "reading again starts from nothing");
}

#[test]
fn a_broken_letter_in_a_utf8_feed_names_its_place() {
    let mut stops = CITY[1].1.as_bytes().to_vec();
    let at = stops.windows(9).position(|window| window == "南门兜".as_bytes()).unwrap();
    stops[at] = 0xFF;
    let files = CITY.iter().map(|(name, content)| {
        if *name == "stops.txt" { (*name, stops.as_slice()) } else { (*name, content.as_bytes()) }
    });
    assert_eq!(refusal(&zip_of(files)), "stops.txt, line 4, column stop_name: text is not UTF-8");
    let utf16: Vec<u8> =
        "\u{feff}stop_id,stop_name\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files = CITY.iter().map(|(name, content)| {
        if *name == "stops.txt" { (*name, utf16.as_slice()) } else { (*name, content.as_bytes()) }
    });
    assert_eq!(refusal(&zip_of(files)), "stops.txt, line 1, column 1: text is not UTF-8");
}

#[test]
fn errors_name_file_line_and_column() {
    let cases = [
        (city_with(&[("stop_times.txt", "")]), "zip has no stop_times.txt"),
        (city_with(&[("calendar.txt", "")]), "zip has no calendar.txt and no calendar_dates.txt"),
        (city_with(&[("stops.txt", "")]), "zip has no stops.txt"),
        (
            city_with(&[("trips.txt", "trip_id,service_id\n")]),
            "trips.txt, line 1: no column route_id",
        ),
        (
            city_with(&[("agency.txt", &edited("agency.txt", "Asia/Shanghai", "Fuzhou"))]),
            "agency.txt, line 2, column agency_timezone: \"Fuzhou\" is no time zone",
        ),
    ];
    for (zip, expected) in cases {
        assert_eq!(refusal(&zip), expected);
    }
    assert!(refusal(b"PK, but no zip").starts_with("not a readable zip: "));
}

#[test]
fn damaged_rows_are_left_out_and_counted_with_their_place() {
    let stops = edited("stops.txt", "S4,三坊七巷", "S2,again,0,0\n,none,0,0\nS4,三坊七巷");
    let times = edited(
        "stop_times.txt",
        "T2,24:30:00,24:30:00,S1,1\n",
        "T2,24:30:00,24:30:00,S1,1\nT9,1:00:00,,S1,1\nT2,24:33:00,,S9,2\n",
    );
    let network = load(&city_with(&[("stops.txt", &stops), ("stop_times.txt", &times)])).unwrap();
    assert_eq!(
        network.report().to_string(),
        "Duplicate 1 times, first in stops.txt, line 5, column stop_id; \
         UnknownReference 2 times, first in stop_times.txt, line 7, column trip_id; \
         BadId 1 times, first in stops.txt, line 6, column stop_id"
    );
    assert_eq!(trip(&network, "T2").len(), 4);
}

#[test]
fn a_loop_keeps_both_calls_and_time_never_runs_backwards() {
    let times = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
                 T1,08:20:00,08:20:00,S1,90\nT1,08:00:00,08:00:00,S1,5\nT1,07:55:00,07:50:00,S2,7\nT2,,,S1,1\nT2,09:00:00,,S2,2\n";
    let network = load(&city_with(&[("stop_times.txt", times)])).unwrap();
    assert_eq!(
        trip(&network, "T1"),
        ["S1 08:00:00-08:00:00", "S2 08:00:00-08:00:00", "S1 08:20:00-08:20:00"]
    );
    assert_eq!(network.visits(network.stop_by_id("S1").unwrap()).len(), 2);
    assert_eq!(trip(&network, "T2"), [""; 0], "a trip without its first time is left out");
    assert_eq!(network.report().count(Issue::Backwards), 1);
    assert_eq!(network.report().count(Issue::Unusable), 1);
}

#[test]
fn an_exact_frequency_stands_in_the_timetable_and_a_loose_one_does_not() {
    let exact = "trip_id,start_time,end_time,headway_secs,exact_times\nT1,10:00:00,10:30:00,600,1\nT2,06:00:00,07:00:00,300,0\nT2,06:00:00,07:00:00,1,1\n";
    let network = load(&city_with(&[("frequencies.txt", exact)])).unwrap();
    let visits = network.visits(network.stop_by_id("S2").unwrap());
    let times: Vec<u32> = visits.iter().map(|visit| visit.arrival_s).collect();
    assert_eq!(times, [36_300, 36_900, 37_500], "10:05, 10:15, 10:25");
    assert_eq!(network.frequencies().len(), 2);
    assert_eq!(network.report().count(Issue::BadValue), 1, "nobody drives every second");
}

#[test]
fn a_zip_bomb_is_refused_where_it_passes_the_limit_and_not_where_it_ends() {
    let bomb = "x".repeat(64 << 20);
    let zip = city_with(&[("stops.txt", &format!("stop_id,stop_name\nS1,{bomb}\n"))]);
    assert_eq!(
        refusal(&zip),
        format!("stops.txt, line 2: row is longer than {ROW_MAX} bytes; is a quote left open?")
    );
    let rows = format!("S1,{}\n", "a".repeat(1020)).repeat(64 << 10);
    let zip = city_with(&[("stops.txt", &format!("stop_id,stop_name\n{rows}"))]);
    assert!(zip.len() < 1 << 20);
    let refusal = refusal(&zip);
    assert!(
        refusal.starts_with("stops.txt, line ") && refusal.ends_with(": a zip bomb"),
        "{refusal}"
    );
}

#[test]
fn a_lying_header_helps_nobody() {
    // The entry claims to unpack to 1 byte, in the local and in the central header.
    let rows = "S1,a\n".repeat(4 << 20);
    let mut zip = city_with(&[("stops.txt", &format!("stop_id,stop_name\n{rows}"))]);
    let size = u32::try_from(rows.len() + 18).unwrap().to_le_bytes();
    let places: Vec<usize> = (0..zip.len() - 4).filter(|at| zip[*at..*at + 4] == size).collect();
    assert!(!places.is_empty());
    for at in places {
        zip[at..at + 4].copy_from_slice(&1u32.to_le_bytes());
    }
    assert!(load(&zip).is_err());
}

#[test]
fn too_many_entries_and_two_gigabytes_are_refused_before_they_cost_memory() {
    let names: Vec<String> = (0..=ENTRIES_MAX).map(|n| format!("{n}.txt")).collect();
    let zip = zip_of(names.iter().map(|name| (name.as_str(), b"".as_slice())));
    assert_eq!(refusal(&zip), "zip has more than 512 entries");
    let sparse = tempfile::NamedTempFile::new().unwrap();
    sparse.as_file().set_len(2 << 30).unwrap();
    let error = load_path(sparse.path()).expect_err("2 GB must be refused").to_string();
    assert_eq!(error, "zip has 2147483648 bytes, at most 536870912 are read");
}

#[test]
fn the_recorded_city_is_read_whole() {
    let path =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/transit/raba/raba.zip"));
    if !path.exists() {
        eprintln!("skipped: {} is absent", path.display());
        return;
    }
    let network = load_path(path).unwrap();
    let sizes =
        (network.lines().len(), network.stops().len(), network.trips().len(), network.stop_times());
    assert_eq!(sizes, (13, 375, 282, 7_346), "{}", network.report());
    assert_eq!(network.report().to_string(), "nothing odd");
}
