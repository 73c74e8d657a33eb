//! What is known about one stop: the value behind every sign, page and sentence.
//!
//! A board is whole retained state. It carries absolute times only; whoever shows it counts down.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;
use crate::name::{StopId, Text};

/// Most arrivals one board carries; later ones are left out first.
pub const ARRIVALS_MAX: usize = 24;

/// All that is known about one stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Board {
    /// The stop, as the feed names it.
    pub stop: StopId,
    /// Its name for people.
    pub name: Text,
    /// When the platform made this board.
    #[schemars(with = "String")]
    pub made_at: Timestamp,
    /// After this nobody may show anything from it.
    #[schemars(with = "String")]
    pub expires: Timestamp,
    /// Coming vehicles, soonest first, at most [`ARRIVALS_MAX`].
    pub arrivals: Vec<Arrival>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One vehicle on its way to one stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Arrival {
    /// The line as painted on the vehicle.
    pub line: Line,
    /// Where it goes.
    pub destination: Text,
    /// Trip of the feed.
    pub trip: String,
    /// Vehicle of the feed, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<String>,
    /// When it arrives.
    #[schemars(with = "String")]
    pub arrives: Timestamp,
    /// When the vehicle itself was last seen, or its prediction made: the age that counts.
    #[schemars(with = "String")]
    pub observed_at: Timestamp,
    /// What `arrives` rests on.
    pub source: Source,
    /// How many stops the vehicle still has before this one; 0 means this one is next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops_away: Option<u16>,
    /// The vehicle stands at this stop now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_stop: bool,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A line as riders know it.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Line {
    /// Route of the feed.
    pub id: String,
    /// Its short name, such as `K1`.
    pub name: String,
    /// Its colour as `RRGGBB`, where the feed has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
}

/// What an arrival time rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A prediction for a vehicle that reports its position.
    Vehicle,
    /// A prediction of the feed without a vehicle behind it.
    Prediction,
    /// The timetable only.
    Schedule,
}
