//! One stop's extract of the timetable, for the sign that stands there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use sync::{Headway, StopId, Timetable, TimetableLine, Unknown};

use crate::network::{LineIx, Network, ServiceIx, StopIx, TextIx};

/// Most days of one extract.
pub const DAYS_MAX: u16 = 92;

/// Where the day is cut into periods of one rhythm, as hours and minutes; the last ends the service day.
const PERIODS: [(u32, u32); 7] = [(0, 0), (6, 30), (9, 0), (16, 30), (19, 0), (22, 0), (36, 0)];
/// Fewer gaps than this are no rhythm.
const GAPS_MIN: usize = 3;
/// Longer gaps than this are no rhythm either: riders want to know the minute.
const HEADWAY_MAX_S: u32 = 30 * 60;
/// The usual gap lies between these quantiles, in percent: one odd departure must not spoil "every 5 to 7".
const QUANTILES: (usize, usize) = (20, 80);

type Departures = BTreeMap<(LineIx, TextIx), BTreeMap<ServiceIx, Vec<u32>>>;
type Headways = BTreeMap<(LineIx, TextIx), BTreeMap<ServiceIx, Vec<Headway>>>;

/// The timetable of `stop` on `days` days from `from` on; `None` when the network has no such stop.
pub fn extract(network: &Network, stop: &StopId, from: Date, days: u16) -> Option<Timetable> {
    let here = network.stop_by_id(&stop.0)?;
    let dates: Vec<Date> = (0..days.min(DAYS_MAX))
        .map_while(|day| from.checked_add(i32::from(day).days()).ok())
        .collect();
    let (departures, frequent) = (departures(network, here), frequent(network, here));
    let calling: BTreeSet<ServiceIx> = departures
        .values()
        .flat_map(BTreeMap::keys)
        .chain(frequent.values().flat_map(BTreeMap::keys))
        .copied()
        .collect();
    let runs = |service: &ServiceIx, date: Date| network.services()[service.at()].runs_on(date);
    let name = |service: &ServiceIx| network.services()[service.at()].id.to_string();
    let on = |date: Date| calling.iter().filter(|service| runs(service, date)).map(name).collect();
    let running: BTreeSet<ServiceIx> = calling
        .iter()
        .filter(|service| dates.iter().any(|date| runs(service, *date)))
        .copied()
        .collect();
    let keys: BTreeSet<(LineIx, TextIx)> =
        departures.keys().chain(frequent.keys()).copied().collect();
    let line = |(line, destination): (LineIx, TextIx)| {
        let mut shown = TimetableLine {
            line: network.line(line).clone(),
            destination: network.text(destination).clone(),
            departures_s: BTreeMap::new(),
            headways: BTreeMap::new(),
        };
        for service in &running {
            let times =
                departures.get(&(line, destination)).and_then(|services| services.get(service));
            let given =
                frequent.get(&(line, destination)).and_then(|services| services.get(service));
            let mut headways = times.map(|times| headways(times)).unwrap_or_default();
            headways.extend(given.into_iter().flatten());
            headways.sort_by_key(|headway| headway.from_s);
            if let Some(times) = times {
                shown.departures_s.insert(name(service), times.clone());
            }
            if !headways.is_empty() {
                shown.headways.insert(name(service), headways);
            }
        }
        (!shown.departures_s.is_empty() || !shown.headways.is_empty()).then_some(shown)
    };
    Some(Timetable {
        stop: stop.clone(),
        name: network.text(network.stop(here).name).clone(),
        timezone: network.timezone_name().to_owned(),
        days: dates.iter().map(|date| (*date, on(*date))).collect(),
        lines: keys.into_iter().filter_map(line).collect(),
        unknown: Unknown::new(),
    })
}

/// Departures from `stop`, ascending, by line, destination and service.
fn departures(network: &Network, stop: StopIx) -> Departures {
    let mut departures = Departures::new();
    for visit in network.visits(stop) {
        let (trip, call) = (network.trip(visit.trip), usize::from(visit.call));
        if network.calls(visit.trip)[call].boarding {
            let time = network.times(visit.trip)[call];
            let departure_s = visit.arrival_s + (time.departure_s - time.arrival_s);
            let key = (trip.line, network.destination(visit.trip, call));
            departures.entry(key).or_default().entry(trip.service).or_default().push(departure_s);
        }
    }
    for times in departures.values_mut().flat_map(BTreeMap::values_mut) {
        times.sort_unstable();
        times.dedup();
    }
    departures
}

/// What frequencies.txt says of `stop` without exact times.
fn frequent(network: &Network, stop: StopIx) -> Headways {
    let mut headways = Headways::new();
    for frequency in network.frequencies().iter().filter(|frequency| !frequency.exact) {
        let (trip, times) = (network.trip(frequency.trip), network.times(frequency.trip));
        let calls = network.calls(frequency.trip);
        let here = calls.iter().position(|call| call.stop == stop);
        let Some(call) = here.filter(|call| calls[*call].boarding) else {
            continue;
        };
        let ride_s = times[call].departure_s - times[0].departure_s.min(times[call].departure_s);
        let headway = Headway {
            from_s: frequency.from_s + ride_s,
            until_s: frequency.until_s + ride_s,
            low_s: frequency.headway_s,
            high_s: frequency.headway_s,
        };
        let key = (trip.line, network.destination(frequency.trip, call));
        headways.entry(key).or_default().entry(trip.service).or_default().push(headway);
    }
    headways
}

/// The rhythm of each period that has one. A gap belongs to the period in which it ends.
fn headways(departures_s: &[u32]) -> Vec<Headway> {
    let (Some(first_s), Some(last_s)) = (departures_s.first(), departures_s.last()) else {
        return Vec::new();
    };
    let second = |(hour, minute): (u32, u32)| hour * 3600 + minute * 60;
    let rhythm = |period: &[(u32, u32)]| {
        let (from_s, until_s) = (second(period[0]), second(period[1]));
        let ends_here = |gap: &&[u32]| (from_s..until_s).contains(&gap[1]);
        let mut gaps: Vec<u32> =
            departures_s.windows(2).filter(ends_here).map(|gap| gap[1] - gap[0]).collect();
        gaps.sort_unstable();
        if gaps.len() < GAPS_MIN {
            return None;
        }
        let quantile = |percent: usize| gaps[(gaps.len() - 1) * percent / 100];
        let (low_s, high_s) =
            (quantile(QUANTILES.0) / 60 * 60, quantile(QUANTILES.1).div_ceil(60) * 60);
        let (from_s, until_s) = (from_s.max(*first_s), until_s.min(*last_s));
        (high_s <= HEADWAY_MAX_S).then_some(Headway {
            from_s,
            until_s,
            low_s: low_s.max(60),
            high_s,
        })
    };
    PERIODS.windows(2).filter_map(rhythm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::gtfs;
    use crate::feeds::gtfs::tests::city_with;

    fn clock(time_s: u32) -> String {
        format!("{:02}:{:02}", time_s / 3600, time_s / 60 % 60)
    }

    /// The timetable as it would be printed.
    fn print(timetable: &Timetable) -> Vec<String> {
        let mut lines = vec![format!("{} {}", timetable.stop, timetable.name.zh)];
        for shown in &timetable.lines {
            lines.push(format!("{} → {}", shown.line.name, shown.destination.zh));
            for (service, times) in &shown.departures_s {
                lines.push(format!(
                    "  {service}: {}",
                    times.iter().map(|time| clock(*time)).collect::<Vec<_>>().join(" ")
                ));
            }
            for (service, headways) in &shown.headways {
                let each = headways.iter().map(|headway| {
                    let (from, until) = (clock(headway.from_s), clock(headway.until_s));
                    format!(
                        "{from}-{until} every {}-{} min",
                        headway.low_s / 60,
                        headway.high_s / 60
                    )
                });
                lines.push(format!("  {service}: {}", each.collect::<Vec<_>>().join(", ")));
            }
        }
        lines
    }

    #[test]
    fn a_stop_gets_its_own_departures_and_the_days_they_hold() {
        let network = gtfs::load(&city_with(&[])).unwrap();
        let timetable = extract(&network, &"S2".into(), "2026-12-30".parse().unwrap(), 4).unwrap();
        assert_eq!(print(&timetable), ["S2 东街口", "K1 → 三坊七巷", "  daily: 08:06 24:35"]);
        let days: Vec<String> = timetable
            .days
            .iter()
            .map(|(day, services)| format!("{day} {}", services.join(" ")))
            .collect();
        assert_eq!(days, ["2026-12-30 daily", "2026-12-31 daily", "2027-01-01 ", "2027-01-02 "]);
        assert!(extract(&network, &"S9".into(), "2026-12-30".parse().unwrap(), 4).is_none());
    }

    #[test]
    fn nothing_departs_where_the_trip_ends() {
        let network = gtfs::load(&city_with(&[])).unwrap();
        let timetable = extract(&network, &"S4".into(), "2026-11-23".parse().unwrap(), 1).unwrap();
        assert_eq!(print(&timetable), ["S4 三坊七巷"]);
    }

    #[test]
    fn one_odd_departure_does_not_spoil_the_rhythm() {
        let minutes = [420, 426, 433, 439, 445, 446, 452, 458, 600, 700, 960, 966, 990, 1140];
        let times: Vec<u32> = minutes.iter().map(|minute| minute * 60).collect();
        let shown: Vec<String> = headways(&times)
            .iter()
            .map(|headway| {
                format!(
                    "{}-{} {}-{}",
                    clock(headway.from_s),
                    clock(headway.until_s),
                    headway.low_s / 60,
                    headway.high_s / 60
                )
            })
            .collect();
        assert_eq!(shown, ["07:00-09:00 6-6"], "the rest of the day has none");
    }

    #[test]
    fn a_loose_frequency_is_a_headway_from_the_stop_on() {
        let frequencies = "trip_id,start_time,end_time,headway_secs\nT1,06:00:00,09:00:00,420\n";
        let network = gtfs::load(&city_with(&[("frequencies.txt", frequencies)])).unwrap();
        let timetable = extract(&network, &"S3".into(), "2026-11-23".parse().unwrap(), 1).unwrap();
        assert_eq!(
            print(&timetable),
            ["S3 南门兜", "K1 → 三坊七巷", "  daily: 24:40", "  daily: 06:11-09:11 every 7-7 min"]
        );
    }
}
