//! The files of a feed, in the order in which they refer to each other.

use jiff::tz::TimeZone;
use sync::{Line, StopId};

use super::archive::Archive;
use super::stop_times;
use super::table::Table;
use super::words::{Field, Words};
use super::{GtfsError, Issue};
use crate::network::{Draft, DraftTrip, Frequency, Network, Stop};

const AGENCIES_MAX: usize = 10_000;
const STOPS_MAX: usize = 500_000;
const LINES_MAX: usize = 100_000;
const TRIPS_MAX: usize = 4_000_000;
const SERVICES_MAX: usize = 1_000_000;
const SERVICE_DAYS_MAX: usize = 5_000_000;
const FREQUENCIES_MAX: usize = 500_000;

/// Shortest headway that frequencies.txt may ask for, in seconds.
const HEADWAY_MIN_S: u32 = 10;

/// Reads a whole feed.
pub(super) fn read(archive: &mut Archive<'_>) -> Result<Network, GtfsError> {
    let mut draft = Draft::default();
    let agency_chinese = archive.need("agency.txt", |table| agency(table, &mut draft))?;
    let feed_chinese = archive.read("feed_info.txt", feed_info)?.flatten();
    let chinese = feed_chinese.unwrap_or(agency_chinese);
    let words = archive.read("translations.txt", |table| Words::read(table, chinese))?;
    let words = words.unwrap_or_else(|| Words::plain(chinese));
    archive.need("stops.txt", |table| stops(table, &mut draft, &words))?;
    archive.need("routes.txt", |table| routes(table, &mut draft))?;
    let rhythm = archive.read("calendar.txt", |table| calendar(table, &mut draft))?;
    let days = archive.read("calendar_dates.txt", |table| calendar_dates(table, &mut draft))?;
    if rhythm.is_none() && days.is_none() {
        return Err(GtfsError::MissingFile("calendar.txt and no calendar_dates.txt"));
    }
    archive.need("trips.txt", |table| trips(table, &mut draft, &words))?;
    archive.need("stop_times.txt", |table| stop_times::read(table, &mut draft, &words))?;
    archive.read("frequencies.txt", |table| frequencies(table, &mut draft))?;
    let report = archive.report.clone();
    draft
        .finish(report)
        .ok_or(GtfsError::TooMany { file: "frequencies.txt", limit: FREQUENCIES_MAX })
}

/// Takes the time zone of the first agency; says whether its language is Chinese.
fn agency(table: &mut Table<'_>, draft: &mut Draft) -> Result<bool, GtfsError> {
    let (zone, language) = (table.need("agency_timezone")?, table.column("agency_lang"));
    let mut chinese = false;
    while table.next(AGENCIES_MAX)? {
        if draft.timezone.is_none() {
            let name = table.text(zone)?.into_owned();
            let known = TimeZone::get(&name)
                .map_err(|_| table.bad(zone, format!("{name:?} is no time zone")))?;
            draft.timezone = Some((known, name));
            chinese = is_chinese(table.bytes(language));
        }
    }
    if draft.timezone.is_none() {
        return Err(table.bad(zone, "no agency, so no time zone".into()));
    }
    Ok(chinese)
}

/// Whether the feed's own language is Chinese, where it says so.
fn feed_info(table: &mut Table<'_>) -> Result<Option<bool>, GtfsError> {
    let language = table.column("feed_lang");
    if !table.next(AGENCIES_MAX)? {
        return Ok(None);
    }
    let language = table.bytes(language);
    Ok((!language.is_empty() && language != b"mul").then(|| is_chinese(language)))
}

fn is_chinese(language: &[u8]) -> bool {
    language.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"zh"))
}

fn stops(table: &mut Table<'_>, draft: &mut Draft, words: &Words) -> Result<(), GtfsError> {
    let (id, name) = (table.need("stop_id")?, table.column("stop_name"));
    let (lat, lon) = (table.column("stop_lat"), table.column("stop_lon"));
    while table.next(STOPS_MAX)? {
        let Some(stop) = table.id(id)? else { continue };
        let named = words.text(Field::StopName, &stop, table.name(name)?);
        let position = table.number::<f64>(lat).zip(table.number::<f64>(lon));
        let position = position.filter(|(lat, lon)| lat.abs() <= 90.0 && lon.abs() <= 180.0);
        let name = draft.text(named);
        if !draft.stop(Stop { id: StopId(stop), name, position }) {
            table.count(Issue::Duplicate, id);
        }
    }
    Ok(())
}

fn routes(table: &mut Table<'_>, draft: &mut Draft) -> Result<(), GtfsError> {
    let (id, colour) = (table.need("route_id")?, table.column("route_color"));
    let (short, long) = (table.column("route_short_name"), table.column("route_long_name"));
    while table.next(LINES_MAX)? {
        let Some(line) = table.id(id)? else { continue };
        let short = table.name(short)?;
        let name = if short.is_empty() { table.name(long)? } else { short };
        let text = table.text(colour)?.to_ascii_uppercase();
        let good = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !good && !text.is_empty() {
            table.count(Issue::BadValue, colour);
        }
        if !draft.line(Line { id: line, name, colour: good.then_some(text) }) {
            table.count(Issue::Duplicate, id);
        }
    }
    Ok(())
}

fn calendar(table: &mut Table<'_>, draft: &mut Draft) -> Result<(), GtfsError> {
    const DAYS: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let (id, first, last) =
        (table.need("service_id")?, table.need("start_date")?, table.need("end_date")?);
    let days = DAYS.map(|day| table.column(day));
    while table.next(SERVICES_MAX)? {
        let Some(service) = table.id(id)? else { continue };
        if draft.knows_service(&service) {
            table.count(Issue::Duplicate, id);
            continue;
        }
        let (Some(first), Some(last)) = (table.date(first), table.date(last)) else { continue };
        let runs = |day: usize| u8::from(table.bytes(days[day]) == b"1") << day;
        let weekdays = (0..7).map(runs).fold(0, |all, one| all | one);
        let (_, service) = draft.service(&service);
        (service.span, service.weekdays) = (Some((first, last)), weekdays);
    }
    Ok(())
}

fn calendar_dates(table: &mut Table<'_>, draft: &mut Draft) -> Result<(), GtfsError> {
    let (id, date, kind) =
        (table.need("service_id")?, table.need("date")?, table.need("exception_type")?);
    while table.next(SERVICE_DAYS_MAX)? {
        let Some(service) = table.id(id)? else { continue };
        let Some(day) = table.date(date) else { continue };
        let (_, service) = draft.service(&service);
        match table.bytes(kind) {
            b"1" => service.added.push(day),
            b"2" => service.removed.push(day),
            _ => table.count(Issue::BadValue, kind),
        }
    }
    Ok(())
}

fn trips(table: &mut Table<'_>, draft: &mut Draft, words: &Words) -> Result<(), GtfsError> {
    let (id, route, service) =
        (table.need("trip_id")?, table.need("route_id")?, table.need("service_id")?);
    let headsign = table.column("trip_headsign");
    while table.next(TRIPS_MAX)? {
        let Some(trip) = table.id(id)? else { continue };
        let Some(line) = draft.line_by_id(&table.text(route)?) else {
            table.count(Issue::UnknownReference, route);
            continue;
        };
        // A trip of an unknown service never runs by the timetable, but vehicles may still report on it.
        let name = table.text(service)?.into_owned();
        if !draft.knows_service(&name) {
            table.count(Issue::UnknownReference, service);
        }
        let (days, _) = draft.service(&name);
        let shown = table.name(headsign)?;
        let headsign =
            (!shown.is_empty()).then(|| draft.text(words.text(Field::TripHeadsign, &trip, shown)));
        if !draft.trip(&DraftTrip { id: &trip, line, service: days, headsign }) {
            table.count(Issue::Duplicate, id);
        }
    }
    Ok(())
}

fn frequencies(table: &mut Table<'_>, draft: &mut Draft) -> Result<(), GtfsError> {
    let (id, headway) = (table.need("trip_id")?, table.need("headway_secs")?);
    let (from, until) = (table.need("start_time")?, table.need("end_time")?);
    let exact = table.column("exact_times");
    while table.next(FREQUENCIES_MAX)? {
        let Some(trip) = draft.trip_by_id(&table.text(id)?) else {
            table.count(Issue::UnknownReference, id);
            continue;
        };
        let times = table.time(from).zip(table.time(until)).zip(table.number::<u32>(headway));
        let Some(((from_s, until_s), headway_s)) = times else { continue };
        if headway_s < HEADWAY_MIN_S || until_s <= from_s {
            table.count(Issue::BadValue, headway);
            continue;
        }
        let exact = table.bytes(exact) == b"1";
        draft.frequency(Frequency { trip, from_s, until_s, headway_s, exact });
    }
    Ok(())
}
