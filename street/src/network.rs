//! The demonstration network: places, lines and how long a bus takes between them.
//!
//! Terms: a **place** is what people call a stop; a **platform** is one kerb of it, where buses of one
//! direction call; a **pattern** is one direction of a line; a **call** is a pattern's visit to a platform.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use sync::name::Text;

use crate::geometry::{Path, Point};

/// The checked-in description, see `content/network/README.md`.
const STOPS: &str = include_str!("../../content/network/stops.toml");
const LINES: [&str; 10] = [
    include_str!("../../content/network/lines/1.toml"),
    include_str!("../../content/network/lines/5.toml"),
    include_str!("../../content/network/lines/22.toml"),
    include_str!("../../content/network/lines/54.toml"),
    include_str!("../../content/network/lines/118.toml"),
    include_str!("../../content/network/lines/301.toml"),
    include_str!("../../content/network/lines/k1.toml"),
    include_str!("../../content/network/lines/k2.toml"),
    include_str!("../../content/network/lines/night-2.toml"),
    include_str!("../../content/network/lines/loop-1.toml"),
];

/// Usual time a bus stands at a stop, in seconds.
pub const DWELL_S: u32 = 20;
/// Speed between stops where a line says nothing else: city traffic with its lights.
const SPEED_KMH: f64 = 20.0;
/// Distance of a kerb from the middle of the road, in metres.
const KERB_M: f64 = 9.0;
/// How well a route must follow the road of a stop it calls at: the cosine of 73 degrees.
const FOLLOWS_MIN: f64 = 0.3;

/// Places, lines and patterns; everything refers to each other by index.
#[derive(Debug)]
pub struct Network {
    /// Stops as people name them.
    pub places: Vec<Place>,
    /// Kerbs at which some pattern calls.
    pub platforms: Vec<Platform>,
    /// Lines as painted on buses.
    pub lines: Vec<Line>,
    /// Directions of lines.
    pub patterns: Vec<Pattern>,
}

/// A stop as people name it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Identifier, such as `dongjiekou`.
    pub id: String,
    /// Name for people.
    pub name: Text,
    /// Middle of the road.
    pub at: Point,
    /// How the road runs.
    pub road: Road,
}

/// How a road runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Road {
    /// North to south.
    Ns,
    /// East to west.
    Ew,
}

/// Which way buses leave a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// Towards the north.
    North,
    /// Towards the south.
    South,
    /// Towards the east.
    East,
    /// Towards the west.
    West,
}

/// One kerb of a place.
#[derive(Debug, Clone)]
pub struct Platform {
    /// GTFS `stop_id`, such as `dongjiekou-n`.
    pub id: String,
    /// Index of its place.
    pub place: usize,
    /// Which way its buses leave.
    pub bound: Bound,
    /// The kerb.
    pub at: Point,
}

/// A line as painted on buses.
#[derive(Debug, Clone)]
pub struct Line {
    /// GTFS `route_id`.
    pub id: String,
    /// Short name, such as `K1`.
    pub name: String,
    /// `RRGGBB`.
    pub colour: String,
    /// Both ends, such as `左海公园—胪雷`.
    pub long_name: Text,
    /// When it leaves its first stop, per kind of day.
    hours: [Vec<Hours>; 2],
}

/// Kinds of days a timetable knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Monday to Friday.
    Weekday,
    /// Saturday and Sunday.
    Weekend,
}

impl Service {
    /// Both kinds.
    pub const ALL: [Service; 2] = [Service::Weekday, Service::Weekend];

    /// GTFS `service_id`.
    pub fn id(self) -> &'static str {
        match self {
            Service::Weekday => "weekday",
            Service::Weekend => "weekend",
        }
    }
}

/// One direction of a line.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Index of its line.
    pub line: usize,
    /// GTFS `direction_id`.
    pub direction: u8,
    /// Where it goes, for people.
    pub destination: Text,
    /// Stops in order, at least two.
    pub calls: Vec<Call>,
    /// The way it takes.
    pub path: Path,
}

/// A visit to a platform.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Index of the platform.
    pub platform: usize,
    /// Distance from the first stop, in metres.
    pub along_m: f64,
    /// Timetabled ride from the call before, in seconds; 0 for the first.
    pub ride_s: u32,
}

/// A departure every so many seconds during some part of the service day.
#[derive(Debug, Clone)]
struct Hours {
    seconds: std::ops::Range<u32>,
    every_s: u32,
}

/// Why a description was refused.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Not the TOML it should be.
    #[error("network description: {0}")]
    Toml(#[from] Box<toml::de::Error>),
    /// A route names something that is not there.
    #[error("line {line}: no stop or bend is called {name:?}")]
    Unknown {
        /// The line.
        line: String,
        /// What it names.
        name: String,
    },
    /// A route crosses the road of a stop instead of following it, so the kerb is a guess.
    #[error("line {line}: the route does not follow the road at {stop:?}")]
    Crosses {
        /// The line.
        line: String,
        /// The stop.
        stop: String,
    },
    /// A time of day is not `HH:MM`.
    #[error("line {line}: {text:?} is no time of day")]
    Time {
        /// The line.
        line: String,
        /// What stands there.
        text: String,
    },
    /// Fewer than two stops.
    #[error("line {line}: a route needs two stops")]
    Short {
        /// The line.
        line: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStops {
    stops: Vec<RawStop>,
    bends: HashMap<String, [f64; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStop {
    id: String,
    zh: String,
    en: String,
    lat: f64,
    lon: f64,
    road: Road,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    id: String,
    name: String,
    colour: String,
    #[serde(rename = "loop", default)]
    is_loop: bool,
    destination: Option<RawText>,
    speed_kmh: Option<f64>,
    route: Vec<String>,
    weekday: Vec<RawHours>,
    weekend: Vec<RawHours>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawText {
    zh: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHours {
    from: String,
    until: String,
    minutes: u32,
}

impl Network {
    /// The demonstration network that ships with the street.
    pub fn demonstration() -> Result<Self, NetworkError> {
        let raw: RawStops = toml::from_str(STOPS).map_err(Box::new)?;
        let places = raw.stops.into_iter().map(|stop| Place {
            id: stop.id,
            name: Text::new(stop.zh, stop.en),
            at: Point { lat: stop.lat, lon: stop.lon },
            road: stop.road,
        });
        let mut network = Network {
            places: places.collect(),
            platforms: Vec::new(),
            lines: Vec::new(),
            patterns: Vec::new(),
        };
        for text in LINES {
            let line: RawLine = toml::from_str(text).map_err(Box::new)?;
            network.add_line(&line, &raw.bends)?;
        }
        Ok(network)
    }

    /// Departures of `line` from its first stop, as seconds of the service day.
    pub fn departures(&self, line: usize, service: Service) -> Vec<u32> {
        let hours = &self.lines[line].hours[service as usize];
        let mut all: Vec<u32> = hours
            .iter()
            .flat_map(|h| h.seconds.clone().step_by(usize::try_from(h.every_s).unwrap_or(1)))
            .collect();
        all.dedup();
        all
    }

    /// Platform with this GTFS `stop_id`.
    pub fn platform(&self, id: &str) -> Option<&Platform> {
        self.platforms.iter().find(|platform| platform.id == id)
    }

    /// Name of a platform for people.
    pub fn name(&self, platform: usize) -> &Text {
        &self.places[self.platforms[platform].place].name
    }

    fn add_line(
        &mut self,
        raw: &RawLine,
        bends: &HashMap<String, [f64; 2]>,
    ) -> Result<(), NetworkError> {
        let mut nodes = Vec::new();
        for name in &raw.route {
            nodes.push(self.node(&raw.id, name, bends)?);
        }
        let ends: Vec<usize> = nodes.iter().filter_map(|(place, _)| *place).collect();
        let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else {
            return Err(NetworkError::Short { line: raw.id.clone() });
        };
        let (from, to) = (self.places[first].name.clone(), self.places[last].name.clone());
        let named = raw.destination.as_ref().map(|text| Text::new(&*text.zh, &*text.en));
        let both = Text::new(format!("{}—{}", from.zh, to.zh), format!("{} – {}", from.en, to.en));
        let line = self.lines.len();
        self.lines.push(Line {
            id: raw.id.clone(),
            name: raw.name.clone(),
            colour: raw.colour.clone(),
            long_name: named.clone().unwrap_or(both),
            hours: [hours(raw, &raw.weekday)?, hours(raw, &raw.weekend)?],
        });
        let speed = raw.speed_kmh.unwrap_or(SPEED_KMH) / 3.6;
        self.add_pattern(line, 0, &nodes, named.unwrap_or(to), speed)?;
        if !raw.is_loop {
            nodes.reverse();
            self.add_pattern(line, 1, &nodes, from, speed)?;
        }
        Ok(())
    }

    fn node(
        &self,
        line: &str,
        name: &str,
        bends: &HashMap<String, [f64; 2]>,
    ) -> Result<(Option<usize>, Point), NetworkError> {
        let found = if let Some(bend) = name.strip_prefix('@') {
            bends.get(bend).map(|&[lat, lon]| (None, Point { lat, lon }))
        } else {
            let place = self.places.iter().position(|place| place.id == name);
            place.map(|place| (Some(place), self.places[place].at))
        };
        found.ok_or_else(|| NetworkError::Unknown { line: line.to_owned(), name: name.to_owned() })
    }

    fn add_pattern(
        &mut self,
        line: usize,
        direction: u8,
        nodes: &[(Option<usize>, Point)],
        destination: Text,
        speed_m_s: f64,
    ) -> Result<(), NetworkError> {
        let path = Path::new(nodes.iter().map(|(_, point)| *point).collect());
        let mut calls: Vec<Call> = Vec::new();
        for (index, (place, at)) in nodes.iter().enumerate() {
            let Some(place) = *place else { continue };
            let before = nodes[index.saturating_sub(1)].1;
            let after = nodes[(index + 1).min(nodes.len() - 1)].1;
            let bound = bound(self.places[place].road, before, *at, after).ok_or_else(|| {
                let (line, stop) = (self.lines[line].id.clone(), self.places[place].id.clone());
                NetworkError::Crosses { line, stop }
            })?;
            let along_m = path.along_m(index);
            let ride_s =
                calls.last().map_or(0, |last| seconds((along_m - last.along_m) / speed_m_s));
            calls.push(Call { platform: self.platform_at(place, bound), along_m, ride_s });
        }
        self.patterns.push(Pattern { line, direction, destination, calls, path });
        Ok(())
    }

    fn platform_at(&mut self, place: usize, bound: Bound) -> usize {
        let same = |platform: &Platform| platform.place == place && platform.bound == bound;
        if let Some(index) = self.platforms.iter().position(same) {
            return index;
        }
        // Traffic keeps to the right, so a northbound bus calls at the eastern kerb.
        let (letter, east, north) = match bound {
            Bound::North => ('n', KERB_M, 0.0),
            Bound::South => ('s', -KERB_M, 0.0),
            Bound::East => ('e', 0.0, -KERB_M),
            Bound::West => ('w', 0.0, KERB_M),
        };
        let Place { id, at, .. } = &self.places[place];
        let platform =
            Platform { id: format!("{id}-{letter}"), place, bound, at: at.moved_m(east, north) };
        self.platforms.push(platform);
        self.platforms.len() - 1
    }

    /// Names of platforms by place, for whoever lists stops.
    pub fn platforms_by_place(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut all: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, platform) in self.platforms.iter().enumerate() {
            all.entry(platform.place).or_default().push(index);
        }
        all
    }
}

/// Which kerb a bus calls at that comes from `before` and goes on to `after`.
fn bound(road: Road, before: Point, at: Point, after: Point) -> Option<Bound> {
    let unit = |(east, north): (f64, f64)| {
        let length = east.hypot(north);
        if length > 0.0 { (east / length, north / length) } else { (0.0, 0.0) }
    };
    let (arriving, leaving) = (unit(before.offset_m(at)), unit(at.offset_m(after)));
    let (east, north) = unit((arriving.0 + leaving.0, arriving.1 + leaving.1));
    match road {
        Road::Ns if north >= FOLLOWS_MIN => Some(Bound::North),
        Road::Ns if north <= -FOLLOWS_MIN => Some(Bound::South),
        Road::Ew if east >= FOLLOWS_MIN => Some(Bound::East),
        Road::Ew if east <= -FOLLOWS_MIN => Some(Bound::West),
        _ => None,
    }
}

fn hours(line: &RawLine, raw: &[RawHours]) -> Result<Vec<Hours>, NetworkError> {
    let second = |text: &str| {
        let parsed = text.split_once(':').and_then(|(hour, minute)| {
            Some(hour.parse::<u32>().ok()? * 3600 + minute.parse::<u32>().ok()? * 60)
        });
        parsed.ok_or_else(|| NetworkError::Time { line: line.id.clone(), text: text.to_owned() })
    };
    let one = |hours: &RawHours| {
        let every_s = hours.minutes.max(1) * 60;
        Ok(Hours { seconds: second(&hours.from)?..second(&hours.until)?, every_s })
    };
    raw.iter().map(one).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rides take minutes")]
fn seconds(duration_s: f64) -> u32 {
    duration_s.max(0.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_large_enough_to_be_a_city() {
        let network = Network::demonstration().unwrap();
        assert!(network.lines.len() >= 8);
        assert!(network.places.len() >= 60);
        let unused: Vec<&str> = network
            .places
            .iter()
            .enumerate()
            .filter(|(index, _)| network.platforms.iter().all(|platform| platform.place != *index))
            .map(|(_, place)| place.id.as_str())
            .collect();
        assert_eq!(unused, Vec::<&str>::new(), "places at which no bus calls");
    }

    #[test]
    fn buses_of_opposite_directions_call_at_opposite_kerbs() {
        let network = Network::demonstration().unwrap();
        let north = network.platform("dongjiekou-n").unwrap();
        let south = network.platform("dongjiekou-s").unwrap();
        assert!(north.at.lon > south.at.lon, "the northbound kerb lies in the east");
        assert_eq!(network.places[north.place].name.zh, "东街口");
    }

    #[test]
    fn a_loop_has_one_direction_and_ends_where_it_begins() {
        let network = Network::demonstration().unwrap();
        let line = network.lines.iter().position(|line| line.id == "loop-1").unwrap();
        let patterns: Vec<&Pattern> = network.patterns.iter().filter(|p| p.line == line).collect();
        assert_eq!(patterns.len(), 1);
        let calls = &patterns[0].calls;
        assert_eq!(calls[0].platform, calls[calls.len() - 1].platform);
    }

    #[test]
    fn the_night_line_leaves_at_night_only() {
        let network = Network::demonstration().unwrap();
        let line = network.lines.iter().position(|line| line.id == "night-2").unwrap();
        let departures = network.departures(line, Service::Weekday);
        assert_eq!(departures[0], (22 * 60 + 30) * 60);
        assert_eq!(departures.len(), 21);
    }
}
