//! The demonstration network as a GTFS zip, as any agency would publish it.
//!
//! Source of the format: gtfs.org, Schedule Reference, revision of 2024-08.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

use crate::network::{Bound, DWELL_S, Network, Pattern, Platform, Service};

/// Time zone of the service.
pub const TIMEZONE: &str = "Asia/Shanghai";

/// Why the zip could not be written; memory has no other faults.
#[derive(Debug, thiserror::Error)]
pub enum GtfsError {
    /// The archive.
    #[error("GTFS archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// A table.
    #[error("GTFS table: {0}")]
    Table(#[from] csv::Error),
    /// A buffer.
    #[error("GTFS file: {0}")]
    Io(#[from] std::io::Error),
}

/// One table under construction.
type Table = csv::Writer<Vec<u8>>;
/// Writes one table.
type Write = fn(&Network, &mut Table) -> csv::Result<()>;

/// The whole feed as zip bytes. The same network gives the same bytes.
pub fn zip(network: &Network) -> Result<Vec<u8>, GtfsError> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let tables: [(&str, Write); 10] = [
        ("agency.txt", agency),
        ("feed_info.txt", feed_info),
        ("calendar.txt", calendar),
        ("stops.txt", stops),
        ("routes.txt", routes),
        ("trips.txt", trips),
        ("stop_times.txt", stop_times),
        ("shapes.txt", shapes),
        ("translations.txt", translations),
        ("attributions.txt", attributions),
    ];
    for (name, write) in tables {
        let mut table = Table::from_writer(Vec::new());
        write(network, &mut table)?;
        let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(&bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// GTFS `trip_id` of the trip of `pattern` that leaves at `departs_s` of the service day.
pub fn trip_id(network: &Network, pattern: &Pattern, service: Service, departs_s: u32) -> String {
    let line = &network.lines[pattern.line].id;
    let (hour, minute) = (departs_s / 3600, departs_s / 60 % 60);
    format!("{line}-{}-{}-{hour:02}{minute:02}", pattern.direction, service.id())
}

fn agency(_: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record([
        "agency_id",
        "agency_name",
        "agency_url",
        "agency_timezone",
        "agency_lang",
    ])?;
    table.write_record(["gulou", "鼓楼示范公交", "https://example.invalid/gulou", TIMEZONE, "zh"])
}

fn feed_info(_: &Network, table: &mut Table) -> csv::Result<()> {
    let head = ["feed_publisher_name", "feed_publisher_url", "feed_lang", "feed_version"];
    table.write_record(head)?;
    table.write_record(["Gulou", "https://example.invalid/gulou", "zh", env!("CARGO_PKG_VERSION")])
}

fn calendar(_: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record([
        "service_id",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "start_date",
        "end_date",
    ])?;
    for (service, days) in [(Service::Weekday, "1111100"), (Service::Weekend, "0000011")] {
        let days: Vec<String> = days.chars().map(String::from).collect();
        let mut row = vec![service.id()];
        row.extend(days.iter().map(String::as_str));
        row.extend(["20250101", "20391231"]);
        table.write_record(row)?;
    }
    Ok(())
}

fn stops(network: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record([
        "stop_id",
        "stop_name",
        "stop_desc",
        "stop_lat",
        "stop_lon",
        "location_type",
        "parent_station",
    ])?;
    let degrees = |value: f64| format!("{value:.6}");
    for (place, platforms) in network.platforms_by_place() {
        let place = &network.places[place];
        let (lat, lon) = (degrees(place.at.lat), degrees(place.at.lon));
        table.write_record([&place.id, &place.name.zh, "", &lat, &lon, "1", ""])?;
        for platform in platforms {
            let Platform { id, bound, at, .. } = &network.platforms[platform];
            let (lat, lon) = (degrees(at.lat), degrees(at.lon));
            table.write_record([
                id,
                &place.name.zh,
                heading(*bound),
                &lat,
                &lon,
                "0",
                &place.id,
            ])?;
        }
    }
    Ok(())
}

fn heading(bound: Bound) -> &'static str {
    match bound {
        Bound::North => "往北",
        Bound::South => "往南",
        Bound::East => "往东",
        Bound::West => "往西",
    }
}

fn routes(network: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record([
        "route_id",
        "agency_id",
        "route_short_name",
        "route_long_name",
        "route_type",
        "route_color",
        "route_text_color",
    ])?;
    for line in &network.lines {
        table.write_record([
            &line.id,
            "gulou",
            &line.name,
            &line.long_name.zh,
            "3",
            &line.colour,
            "FFFFFF",
        ])?;
    }
    Ok(())
}

fn trips(network: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record([
        "route_id",
        "service_id",
        "trip_id",
        "trip_headsign",
        "direction_id",
        "shape_id",
    ])?;
    each_trip(network, |pattern, service, departs_s| {
        let line = &network.lines[pattern.line].id;
        let (trip, shape) =
            (trip_id(network, pattern, service, departs_s), shape_id(network, pattern));
        let direction = pattern.direction.to_string();
        table.write_record([line, service.id(), &trip, &pattern.destination.zh, &direction, &shape])
    })
}

fn stop_times(network: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record([
        "trip_id",
        "arrival_time",
        "departure_time",
        "stop_id",
        "stop_sequence",
        "shape_dist_traveled",
    ])?;
    each_trip(network, |pattern, service, departs_s| {
        let trip = trip_id(network, pattern, service, departs_s);
        let mut time_s = departs_s;
        for (index, call) in pattern.calls.iter().enumerate() {
            let arrives_s = time_s + call.ride_s;
            time_s = if index == 0 { arrives_s } else { arrives_s + DWELL_S };
            let stop = &network.platforms[call.platform].id;
            let (sequence, along) = ((index + 1).to_string(), format!("{:.0}", call.along_m));
            table.write_record([
                &trip,
                &clock(arrives_s),
                &clock(time_s),
                stop,
                &sequence,
                &along,
            ])?;
        }
        Ok(())
    })
}

fn each_trip(
    network: &Network,
    mut write: impl FnMut(&Pattern, Service, u32) -> csv::Result<()>,
) -> csv::Result<()> {
    for pattern in &network.patterns {
        for service in Service::ALL {
            for departs_s in network.departures(pattern.line, service) {
                write(pattern, service, departs_s)?;
            }
        }
    }
    Ok(())
}

fn shapes(network: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record([
        "shape_id",
        "shape_pt_lat",
        "shape_pt_lon",
        "shape_pt_sequence",
        "shape_dist_traveled",
    ])?;
    for pattern in &network.patterns {
        for (sequence, (point, along_m)) in pattern.path.points().enumerate() {
            let (lat, lon) = (format!("{:.6}", point.lat), format!("{:.6}", point.lon));
            let (sequence, along) = (sequence.to_string(), format!("{along_m:.0}"));
            table.write_record([&shape_id(network, pattern), &lat, &lon, &sequence, &along])?;
        }
    }
    Ok(())
}

fn translations(network: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record([
        "table_name",
        "field_name",
        "language",
        "translation",
        "record_id",
        "field_value",
    ])?;
    for place in &network.places {
        table.write_record(["stops", "stop_name", "en", &place.name.en, "", &place.name.zh])?;
    }
    for line in &network.lines {
        let name = &line.long_name;
        table.write_record(["routes", "route_long_name", "en", &name.en, "", &name.zh])?;
    }
    let mut destinations: Vec<_> =
        network.patterns.iter().map(|pattern| &pattern.destination).collect();
    destinations.sort_by_key(|name| &name.zh);
    destinations.dedup();
    for name in destinations {
        table.write_record(["trips", "trip_headsign", "en", &name.en, "", &name.zh])?;
    }
    Ok(())
}

fn attributions(_: &Network, table: &mut Table) -> csv::Result<()> {
    table.write_record(["attribution_id", "organization_name", "is_producer"])?;
    table.write_record(["1", "Gulou demonstration network, own compilation", "1"])
}

fn shape_id(network: &Network, pattern: &Pattern) -> String {
    format!("{}-{}", network.lines[pattern.line].id, pattern.direction)
}

fn clock(second: u32) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};
    use std::io::Read as _;

    use super::*;

    type Rows = Vec<BTreeMap<String, String>>;

    fn table(name: &str) -> Rows {
        let bytes = zip(&Network::demonstration().unwrap()).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
    }

    fn column(rows: &Rows, name: &str) -> HashSet<String> {
        rows.iter().map(|row| row[name].clone()).collect()
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_identifier_is_unique() {
        let (stops, routes, trips, times) =
            (table("stops.txt"), table("routes.txt"), table("trips.txt"), table("stop_times.txt"));
        assert_eq!(column(&stops, "stop_id").len(), stops.len());
        assert_eq!(column(&trips, "trip_id").len(), trips.len());
        assert!(column(&times, "stop_id").is_subset(&column(&stops, "stop_id")));
        assert_eq!(column(&times, "trip_id"), column(&trips, "trip_id"));
        assert_eq!(column(&trips, "route_id"), column(&routes, "route_id"));
        assert_eq!(column(&trips, "shape_id"), column(&table("shapes.txt"), "shape_id"));
    }

    #[test]
    fn times_of_a_trip_never_go_back() {
        let mut last = (String::new(), String::new());
        for row in table("stop_times.txt") {
            assert!(row["arrival_time"] <= row["departure_time"]);
            if row["trip_id"] == last.0 {
                assert!(last.1 < row["arrival_time"], "{row:?}");
            }
            last = (row["trip_id"].clone(), row["departure_time"].clone());
        }
    }

    #[test]
    fn every_chinese_name_has_an_english_one() {
        let translations = table("translations.txt");
        let translated = column(&translations, "field_value");
        assert!(column(&table("stops.txt"), "stop_name").is_subset(&translated));
        assert!(column(&table("trips.txt"), "trip_headsign").is_subset(&translated));
        assert!(translations.iter().all(|row| !row["translation"].is_empty()));
    }
}
