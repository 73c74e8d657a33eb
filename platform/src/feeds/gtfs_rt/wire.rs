//! GTFS-realtime as it stands on the wire: the fields we use, with the tags of gtfs-realtime.proto 2.0.
//!
//! Declared by hand so that no build needs `protoc`. An absent number and its default read the same
//! except where the difference matters, which is where the field is an `Option`.

use prost::Message;

/// Root of a feed.
#[derive(Clone, PartialEq, Message)]
pub struct FeedMessage {
    /// About the whole.
    #[prost(message, optional, tag = "1")]
    pub header: Option<FeedHeader>,
    /// Its contents.
    #[prost(message, repeated, tag = "2")]
    pub entity: Vec<FeedEntity>,
}

/// About the whole feed.
#[derive(Clone, PartialEq, Message)]
pub struct FeedHeader {
    /// `1.0` or `2.0`.
    #[prost(string, tag = "1")]
    pub gtfs_realtime_version: String,
    /// 0 full dataset, 1 differential.
    #[prost(int32, tag = "2")]
    pub incrementality: i32,
    /// Seconds since 1970.
    #[prost(uint64, tag = "3")]
    pub timestamp: u64,
}

/// One trip, vehicle or alert.
#[derive(Clone, PartialEq, Message)]
pub struct FeedEntity {
    /// Unique in the feed.
    #[prost(string, tag = "1")]
    pub id: String,
    /// In differential feeds only.
    #[prost(bool, tag = "2")]
    pub is_deleted: bool,
    /// A trip's predictions.
    #[prost(message, optional, tag = "3")]
    pub trip_update: Option<TripUpdate>,
    /// A vehicle's position.
    #[prost(message, optional, tag = "4")]
    pub vehicle: Option<VehiclePosition>,
    /// An alert.
    #[prost(message, optional, tag = "5")]
    pub alert: Option<Alert>,
}

/// Predictions of one trip.
#[derive(Clone, PartialEq, Message)]
pub struct TripUpdate {
    /// Which trip.
    #[prost(message, optional, tag = "1")]
    pub trip: Option<TripDescriptor>,
    /// In order of `stop_sequence`.
    #[prost(message, repeated, tag = "2")]
    pub stop_time_update: Vec<StopTimeUpdate>,
    /// Who drives it.
    #[prost(message, optional, tag = "3")]
    pub vehicle: Option<VehicleDescriptor>,
    /// When its progress was measured, in seconds since 1970.
    #[prost(uint64, tag = "4")]
    pub timestamp: u64,
    /// Delay of the whole trip in seconds.
    #[prost(int32, optional, tag = "5")]
    pub delay: Option<i32>,
}

/// Arrival or departure.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct StopTimeEvent {
    /// Seconds late.
    #[prost(int32, optional, tag = "1")]
    pub delay: Option<i32>,
    /// Seconds since 1970.
    #[prost(int64, optional, tag = "2")]
    pub time: Option<i64>,
}

/// One stop of a trip.
#[derive(Clone, PartialEq, Message)]
pub struct StopTimeUpdate {
    /// As in the static feed.
    #[prost(uint32, optional, tag = "1")]
    pub stop_sequence: Option<u32>,
    /// Arrival.
    #[prost(message, optional, tag = "2")]
    pub arrival: Option<StopTimeEvent>,
    /// Departure.
    #[prost(message, optional, tag = "3")]
    pub departure: Option<StopTimeEvent>,
    /// As in the static feed.
    #[prost(string, tag = "4")]
    pub stop_id: String,
    /// 0 scheduled, 1 skipped, 2 no data, 3 unscheduled.
    #[prost(int32, tag = "5")]
    pub schedule_relationship: i32,
    /// What differs from the static feed.
    #[prost(message, optional, tag = "6")]
    pub stop_time_properties: Option<StopTimeProperties>,
}

/// What differs from the static feed at one stop of a trip.
#[derive(Clone, PartialEq, Message)]
pub struct StopTimeProperties {
    /// Where the trip calls instead.
    #[prost(string, tag = "1")]
    pub assigned_stop_id: String,
}

/// Which trip.
#[derive(Clone, PartialEq, Message)]
pub struct TripDescriptor {
    /// As in the static feed.
    #[prost(string, tag = "1")]
    pub trip_id: String,
    /// `HH:MM:SS` of its first departure.
    #[prost(string, tag = "2")]
    pub start_time: String,
    /// `YYYYMMDD`.
    #[prost(string, tag = "3")]
    pub start_date: String,
    /// 0 scheduled, 1 added, 2 unscheduled, 3 canceled, 5 replacement, 6 duplicated, 7 deleted, 8 new.
    #[prost(int32, tag = "4")]
    pub schedule_relationship: i32,
    /// As in the static feed.
    #[prost(string, tag = "5")]
    pub route_id: String,
}

/// Which vehicle.
#[derive(Clone, PartialEq, Message)]
pub struct VehicleDescriptor {
    /// Of the operator's system.
    #[prost(string, tag = "1")]
    pub id: String,
    /// What riders see on it.
    #[prost(string, tag = "2")]
    pub label: String,
}

/// Where a vehicle is.
#[derive(Clone, PartialEq, Message)]
pub struct VehiclePosition {
    /// Which trip it runs.
    #[prost(message, optional, tag = "1")]
    pub trip: Option<TripDescriptor>,
    /// Coordinates.
    #[prost(message, optional, tag = "2")]
    pub position: Option<Position>,
    /// The stop that `current_status` speaks of.
    #[prost(uint32, optional, tag = "3")]
    pub current_stop_sequence: Option<u32>,
    /// 0 incoming at, 1 stopped at, 2 in transit to; absent means 2.
    #[prost(int32, optional, tag = "4")]
    pub current_status: Option<i32>,
    /// When it was measured, in seconds since 1970.
    #[prost(uint64, tag = "5")]
    pub timestamp: u64,
    /// The stop that `current_status` speaks of.
    #[prost(string, tag = "7")]
    pub stop_id: String,
    /// Which vehicle.
    #[prost(message, optional, tag = "8")]
    pub vehicle: Option<VehicleDescriptor>,
}

/// Coordinates (WGS 84).
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Position {
    /// Degrees north.
    #[prost(float, tag = "1")]
    pub latitude: f32,
    /// Degrees east.
    #[prost(float, tag = "2")]
    pub longitude: f32,
}

/// An alert.
#[derive(Clone, PartialEq, Message)]
pub struct Alert {
    /// When it holds; none means as long as it is in the feed.
    #[prost(message, repeated, tag = "1")]
    pub active_period: Vec<TimeRange>,
    /// Whom it concerns.
    #[prost(message, repeated, tag = "5")]
    pub informed_entity: Vec<EntitySelector>,
    /// Headline.
    #[prost(message, optional, tag = "10")]
    pub header_text: Option<TranslatedString>,
    /// More of it.
    #[prost(message, optional, tag = "11")]
    pub description_text: Option<TranslatedString>,
    /// 1 unknown, 2 info, 3 warning, 4 severe.
    #[prost(int32, tag = "14")]
    pub severity_level: i32,
}

/// From and until, in seconds since 1970; 0 is open.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct TimeRange {
    /// From.
    #[prost(uint64, tag = "1")]
    pub start: u64,
    /// Until.
    #[prost(uint64, tag = "2")]
    pub end: u64,
}

/// Whom an alert concerns: all that is given must match.
#[derive(Clone, PartialEq, Message)]
pub struct EntitySelector {
    /// All of an agency.
    #[prost(string, tag = "1")]
    pub agency_id: String,
    /// A route.
    #[prost(string, tag = "2")]
    pub route_id: String,
    /// All routes of a kind.
    #[prost(int32, optional, tag = "3")]
    pub route_type: Option<i32>,
    /// A trip.
    #[prost(message, optional, tag = "4")]
    pub trip: Option<TripDescriptor>,
    /// A stop.
    #[prost(string, tag = "5")]
    pub stop_id: String,
}

/// A text in some languages.
#[derive(Clone, PartialEq, Message)]
pub struct TranslatedString {
    /// One for each language.
    #[prost(message, repeated, tag = "1")]
    pub translation: Vec<Translation>,
}

/// A text in one language.
#[derive(Clone, PartialEq, Message)]
pub struct Translation {
    /// The text.
    #[prost(string, tag = "1")]
    pub text: String,
    /// BCP 47 code; empty when unknown.
    #[prost(string, tag = "2")]
    pub language: String,
}
