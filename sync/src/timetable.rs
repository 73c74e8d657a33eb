//! One stop's extract of the timetable: what a sign falls back to, always labelled as such.
//!
//! It travels as content (`timetable/{stop}.json`), so it is on the device before it is needed.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;
use crate::board::Line;
use crate::name::{StopId, Text};

/// The timetable of one stop.
///
/// Times of day are seconds since noon minus 12 h of the service day in `timezone`
/// (GTFS reference, "Time"); they may exceed 86,400 for trips after midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timetable {
    /// The stop.
    pub stop: StopId,
    /// Its name for people.
    pub name: Text,
    /// IANA name of the time zone that service days live in.
    pub timezone: String,
    /// Which services run on which day, for the days this extract covers.
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub days: BTreeMap<Date, Vec<String>>,
    /// Each line and destination at this stop.
    pub lines: Vec<TimetableLine>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One line towards one destination at one stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimetableLine {
    /// The line.
    pub line: Line,
    /// Where it goes.
    pub destination: Text,
    /// Departures of each service as seconds of the service day, ascending.
    pub departures_s: BTreeMap<String, Vec<u32>>,
    /// Headways of each service by time of day.
    pub headways: BTreeMap<String, Vec<Headway>>,
}

/// "Every `low_s` to `high_s`" between two times of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Headway {
    /// From this second of the service day.
    pub from_s: u32,
    /// Until this second of the service day.
    pub until_s: u32,
    /// Shortest usual gap between two departures, in seconds.
    pub low_s: u32,
    /// Longest usual gap between two departures, in seconds.
    pub high_s: u32,
}
