//! The realtime feed: predictions, positions and alerts (GTFS Realtime reference 2.0).
//!
//! Entities are decoded one at a time, so that a bad one is refused and counted while the others
//! stand, and so that the memory a hostile feed can ask for is bounded by its parts.

use jiff::civil::Date;
use prost::{DecodeError, Message};
use sync::{Affected, StopId, Text};

use super::gtfs::{ID_MAX, parse_date, parse_time_of_day};
use crate::network::CALLS_MAX;

mod alerts;
pub mod wire;

pub use alerts::{ServiceAlert, Severity};

/// Largest feed, in bytes; a city of 60,000 stop times has 2.5 MB.
pub const FEED_MAX: usize = 32 << 20;
/// Largest entity, in bytes.
pub const ENTITY_MAX: usize = 512 << 10;
/// Most entities.
pub const ENTITIES_MAX: usize = 200_000;
/// Most stop times of all trips together.
pub const STOP_TIMES_MAX: usize = 2_000_000;
/// First second that is believed: 2000-01-01.
pub const TIME_MIN_S: i64 = 946_684_800;
/// First second that is not believed any more: 2100-01-01.
pub const TIME_MAX_S: i64 = 4_102_444_800;
/// Longest delay that is believed, early or late.
pub const DELAY_MAX_S: i32 = 24 * 3600;

/// Why a feed was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Larger than [`FEED_MAX`].
    #[error("feed has {0} bytes, at most {FEED_MAX} are read")]
    Size(usize),
    /// More entities or stop times than a city can have.
    #[error("feed has more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Not protobuf, or cut off.
    #[error("not a GTFS-realtime feed, damaged at byte {at}: {problem}")]
    Damaged {
        /// Where.
        at: usize,
        /// What the decoder says.
        problem: String,
    },
    /// Without a header nothing says how old it is.
    #[error("feed has no header")]
    NoHeader,
    /// It lists changes only, which the reference keeps for experiments.
    #[error("feed is differential; only full datasets are read")]
    Differential,
    /// Made before 2000 or after 2100.
    #[error("feed says it was made at second {0} since 1970")]
    Time(u64),
}

/// A feed. Seconds are since 1970.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Feed {
    /// When it was made, where it says so.
    pub made_s: Option<i64>,
    /// Predictions.
    pub trips: Vec<TripUpdate>,
    /// Positions.
    pub vehicles: Vec<Vehicle>,
    /// Alerts.
    pub alerts: Vec<ServiceAlert>,
    /// Entities that were left out.
    pub refused: Refused,
}

/// How many entities were left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused {
    /// Not decodable, larger than [`ENTITY_MAX`], or with text that is not UTF-8.
    pub damaged: u32,
    /// A time before 2000 or after 2100, or a delay beyond a day.
    pub time: u32,
    /// An identifier or date that is missing, too long or malformed.
    pub id: u32,
    /// More parts than any trip or alert has.
    pub parts: u32,
}

impl Refused {
    /// All of them.
    pub fn total(&self) -> u32 {
        self.damaged + self.time + self.id + self.parts
    }

    fn add(&mut self, refusal: Refusal) {
        *match refusal {
            Refusal::Damaged => &mut self.damaged,
            Refusal::Time => &mut self.time,
            Refusal::Id => &mut self.id,
            Refusal::Parts => &mut self.parts,
        } += 1;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Damaged,
    Time,
    Id,
    Parts,
}

/// Which run of which trip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TripRef {
    /// As in the static feed; may be empty for an added trip.
    pub trip: String,
    /// As in the static feed; may be empty.
    pub line: String,
    /// Its service day, where given.
    pub date: Option<Date>,
    /// Its first departure in seconds of that day, where given.
    pub start_s: Option<u32>,
}

/// What a feed says of a trip as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TripState {
    /// It runs as in the timetable, more or less.
    #[default]
    Scheduled,
    /// It runs though the timetable has it not, or at other times: only the times given here count.
    Added,
    /// It does not run.
    Canceled,
}

/// Predictions of one trip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TripUpdate {
    /// Which trip.
    pub trip: TripRef,
    /// Whether it runs.
    pub state: TripState,
    /// Who drives it, where known.
    pub vehicle: Option<String>,
    /// When it was measured, where known.
    pub measured_s: Option<i64>,
    /// Delay of the whole trip, which counts where no stop says better.
    pub delay_s: Option<i32>,
    /// In the feed's order.
    pub stop_times: Vec<StopTime>,
}

/// What is predicted for one stop of a trip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StopTime {
    /// `stop_sequence`, where given.
    pub sequence: Option<u32>,
    /// The stop; may be empty where the sequence is given.
    pub stop: String,
    /// Arrival.
    pub arrival: Option<Prediction>,
    /// Departure.
    pub departure: Option<Prediction>,
    /// Whether the trip calls there.
    pub state: StopState,
    /// Another stop at which it calls instead, such as another platform.
    pub instead: Option<Box<str>>,
}

/// A predicted time, absolute or against the timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prediction {
    /// Seconds since 1970.
    At(i64),
    /// Seconds late; negative is early.
    Late(i32),
}

/// What a feed says of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StopState {
    /// The trip calls there.
    #[default]
    Scheduled,
    /// The trip does not call there.
    Skipped,
    /// Nothing is known, here and further on: the timetable stands.
    NoData,
}

/// Where a vehicle is on its trip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vehicle {
    /// As the operator calls it, where given.
    pub id: Option<String>,
    /// Its trip, where it is on one.
    pub trip: Option<TripRef>,
    /// When it was measured, where known.
    pub measured_s: Option<i64>,
    /// `stop_sequence` of the stop that `stands` speaks of.
    pub sequence: Option<u32>,
    /// The stop that `stands` speaks of; may be empty.
    pub stop: String,
    /// Stands at that stop; otherwise it is on its way there.
    pub stands: bool,
}

/// The one parser of GTFS-realtime bytes.
pub fn parse(bytes: &[u8]) -> Result<Feed, FeedError> {
    /// Keys of `header` and `entity`: field number and wire type 2.
    const HEADER: usize = 1 << 3 | 2;
    const ENTITY: usize = 2 << 3 | 2;
    if bytes.len() > FEED_MAX {
        return Err(FeedError::Size(bytes.len()));
    }
    let mut feed = Feed::default();
    let (mut header, mut entities, mut stop_times) = (None, 0, 0);
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let damaged =
            |problem: &DecodeError| FeedError::Damaged { at, problem: problem.to_string() };
        let key = prost::decode_length_delimiter(&mut rest).map_err(|error| damaged(&error))?;
        let part = part(key, &mut rest)
            .ok_or_else(|| FeedError::Damaged { at, problem: "cut off".into() })?;
        match key {
            HEADER => {
                header = Some(wire::FeedHeader::decode(part).map_err(|error| damaged(&error))?);
            }
            ENTITY => {
                entities += 1;
                if entities > ENTITIES_MAX {
                    return Err(FeedError::TooMany { what: "entities", limit: ENTITIES_MAX });
                }
                match entity(part, &mut feed) {
                    Ok(more) => stop_times += more,
                    Err(refusal) => feed.refused.add(refusal),
                }
                if stop_times > STOP_TIMES_MAX {
                    return Err(FeedError::TooMany { what: "stop times", limit: STOP_TIMES_MAX });
                }
            }
            _ => {}
        }
    }
    let header = header.ok_or(FeedError::NoHeader)?;
    if header.incrementality == 1 {
        return Err(FeedError::Differential);
    }
    feed.made_s = time(header.timestamp).map_err(|_| FeedError::Time(header.timestamp))?;
    Ok(feed)
}

/// Takes the field of `key` off `rest`; its content for wire type 2, nothing for the others.
fn part<'a>(key: usize, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let skip = match key & 7 {
        0 => rest.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1,
        1 => 8,
        2 => {
            let length = prost::decode_length_delimiter(&mut *rest).ok()?;
            let (part, after) = rest.split_at_checked(length)?;
            *rest = after;
            return Some(part);
        }
        5 => 4,
        _ => return None,
    };
    *rest = rest.get(skip..)?;
    Some(&[])
}

/// Adds one entity to `feed` and says how many stop times it has.
fn entity(bytes: &[u8], feed: &mut Feed) -> Result<usize, Refusal> {
    if bytes.len() > ENTITY_MAX {
        return Err(Refusal::Damaged);
    }
    let entity = wire::FeedEntity::decode(bytes).map_err(|_| Refusal::Damaged)?;
    if entity.is_deleted {
        return Ok(0);
    }
    let mut stop_times = 0;
    if let Some(update) = entity.trip_update {
        let update = trip_update(update)?;
        stop_times = update.stop_times.len();
        feed.trips.push(update);
    }
    if let Some(position) = entity.vehicle {
        feed.vehicles.push(vehicle(position)?);
    }
    if let Some(alert) = entity.alert {
        feed.alerts.push(alerts::service_alert(entity.id, alert)?);
    }
    Ok(stop_times)
}

fn trip_update(update: wire::TripUpdate) -> Result<TripUpdate, Refusal> {
    let trip = update.trip.ok_or(Refusal::Id)?;
    let state = match trip.schedule_relationship {
        3 | 7 => TripState::Canceled,
        1 | 5 | 6 | 8 => TripState::Added,
        _ => TripState::Scheduled,
    };
    if update.stop_time_update.len() > CALLS_MAX {
        return Err(Refusal::Parts);
    }
    let trip = trip_ref(trip)?;
    if trip.trip.is_empty() && state != TripState::Added {
        return Err(Refusal::Id);
    }
    Ok(TripUpdate {
        trip,
        state,
        vehicle: update.vehicle.map(vehicle_id).transpose()?.flatten(),
        measured_s: time(update.timestamp)?,
        delay_s: update.delay.map(delay).transpose()?,
        stop_times: update.stop_time_update.into_iter().map(stop_time).collect::<Result<_, _>>()?,
    })
}

fn stop_time(update: wire::StopTimeUpdate) -> Result<StopTime, Refusal> {
    let state = match update.schedule_relationship {
        1 => StopState::Skipped,
        2 => StopState::NoData,
        _ => StopState::Scheduled,
    };
    let stop = id(update.stop_id)?;
    if stop.is_empty() && update.stop_sequence.is_none() {
        return Err(Refusal::Id);
    }
    let arrival = prediction(update.arrival)?;
    let instead = match update.stop_time_properties {
        Some(other) => Some(id(other.assigned_stop_id)?)
            .filter(|stop| !stop.is_empty())
            .map(String::into_boxed_str),
        None => None,
    };
    Ok(StopTime {
        sequence: update.stop_sequence,
        stop,
        arrival,
        departure: prediction(update.departure)?,
        state,
        instead,
    })
}

/// An absolute time beats a delay ("`StopTimeEvent`" in the reference).
fn prediction(event: Option<wire::StopTimeEvent>) -> Result<Option<Prediction>, Refusal> {
    let Some(event) = event else { return Ok(None) };
    match (event.time.filter(|time| *time != 0), event.delay) {
        (Some(time), _) if (TIME_MIN_S..TIME_MAX_S).contains(&time) => {
            Ok(Some(Prediction::At(time)))
        }
        (Some(_), _) => Err(Refusal::Time),
        (None, Some(late)) => Ok(Some(Prediction::Late(delay(late)?))),
        (None, None) => Ok(None),
    }
}

fn vehicle(position: wire::VehiclePosition) -> Result<Vehicle, Refusal> {
    const STOPPED_AT: i32 = 1;
    Ok(Vehicle {
        id: position.vehicle.map(vehicle_id).transpose()?.flatten(),
        trip: position.trip.map(trip_ref).transpose()?.filter(|trip| !trip.trip.is_empty()),
        measured_s: time(position.timestamp)?,
        sequence: position.current_stop_sequence,
        stop: id(position.stop_id)?,
        stands: position.current_status == Some(STOPPED_AT),
    })
}

fn trip_ref(trip: wire::TripDescriptor) -> Result<TripRef, Refusal> {
    let date = match trip.start_date.as_str() {
        "" => None,
        text => Some(parse_date(text.as_bytes()).ok_or(Refusal::Id)?),
    };
    let start_s = match trip.start_time.as_str() {
        "" => None,
        text => Some(parse_time_of_day(text).ok_or(Refusal::Id)?),
    };
    Ok(TripRef { trip: id(trip.trip_id)?, line: id(trip.route_id)?, date, start_s })
}

/// Its identifier, or else what riders see on it.
fn vehicle_id(vehicle: wire::VehicleDescriptor) -> Result<Option<String>, Refusal> {
    let name = id(if vehicle.id.is_empty() { vehicle.label } else { vehicle.id })?;
    Ok((!name.is_empty()).then_some(name))
}

fn id(text: String) -> Result<String, Refusal> {
    if text.len() > ID_MAX { Err(Refusal::Id) } else { Ok(text) }
}

/// Seconds since 1970; 0 means not given.
fn time(seconds: u64) -> Result<Option<i64>, Refusal> {
    match i64::try_from(seconds) {
        Ok(0) => Ok(None),
        Ok(time) if (TIME_MIN_S..TIME_MAX_S).contains(&time) => Ok(Some(time)),
        _ => Err(Refusal::Time),
    }
}

fn delay(seconds: i32) -> Result<i32, Refusal> {
    if (-DELAY_MAX_S..=DELAY_MAX_S).contains(&seconds) { Ok(seconds) } else { Err(Refusal::Time) }
}

#[cfg(test)]
mod tests;
