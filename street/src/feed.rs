//! What the operator knows, as GTFS-Realtime 2.0 protobuf.
//!
//! Only the messages and fields that the street fills are declared; numbers are those of
//! `gtfs-realtime.proto` (gtfs.org, Realtime Reference).

use prost::Message;

use crate::network::Network;
use crate::simulation::{Prediction, Snapshot, Vehicle};

/// The `VehiclePositions` feed of `snapshot`.
pub fn vehicle_positions(network: &Network, snapshot: &Snapshot) -> Vec<u8> {
    let entity = |vehicle: &Vehicle| FeedEntity {
        id: vehicle.id.clone(),
        trip_update: None,
        vehicle: Some(position(network, vehicle)),
    };
    encode(snapshot, snapshot.vehicles.iter().map(entity).collect())
}

/// The `TripUpdates` feed of `snapshot`.
pub fn trip_updates(network: &Network, snapshot: &Snapshot) -> Vec<u8> {
    let entity = |trip: &Prediction| FeedEntity {
        id: format!("{} {}", trip.day, trip.trip),
        trip_update: Some(update(network, trip)),
        vehicle: None,
    };
    encode(snapshot, snapshot.trips.iter().map(entity).collect())
}

fn encode(snapshot: &Snapshot, entity: Vec<FeedEntity>) -> Vec<u8> {
    let header = FeedHeader {
        gtfs_realtime_version: "2.0".to_owned(),
        incrementality: Some(0),
        timestamp: Some(unsigned(snapshot.at.as_second())),
    };
    FeedMessage { header: Some(header), entity }.encode_to_vec()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the format carries coordinates as 32-bit floats"
)]
fn position(network: &Network, vehicle: &Vehicle) -> VehiclePosition {
    let pattern = &network.patterns[vehicle.pattern];
    let platform = pattern.calls[vehicle.call].platform;
    VehiclePosition {
        trip: Some(descriptor(network, &vehicle.trip, vehicle.day, vehicle.pattern)),
        position: Some(Position {
            latitude: vehicle.position.lat as f32,
            longitude: vehicle.position.lon as f32,
            bearing: Some(vehicle.bearing as f32),
            odometer: Some(vehicle.along_m),
        }),
        current_stop_sequence: Some(sequence(vehicle.call)),
        current_status: Some(if vehicle.at_stop { STOPPED_AT } else { IN_TRANSIT_TO }),
        timestamp: Some(unsigned(vehicle.observed_at.as_second())),
        stop_id: Some(network.platforms[platform].id.clone()),
        vehicle: Some(VehicleDescriptor { id: vehicle.id.clone() }),
    }
}

fn update(network: &Network, trip: &Prediction) -> TripUpdate {
    let pattern = &network.patterns[trip.pattern];
    let calls = trip.calls.iter().map(|call| StopTimeUpdate {
        stop_sequence: Some(sequence(call.call)),
        arrival: Some(StopTimeEvent { time: call.arrives }),
        departure: Some(StopTimeEvent { time: call.departs }),
        stop_id: Some(network.platforms[pattern.calls[call.call].platform].id.clone()),
    });
    TripUpdate {
        trip: Some(descriptor(network, &trip.trip, trip.day, trip.pattern)),
        stop_time_update: calls.collect(),
        vehicle: trip.vehicle.clone().map(|id| VehicleDescriptor { id }),
        timestamp: Some(unsigned(trip.made_at.as_second())),
    }
}

fn descriptor(
    network: &Network,
    trip: &str,
    day: jiff::civil::Date,
    pattern: usize,
) -> TripDescriptor {
    let pattern = &network.patterns[pattern];
    TripDescriptor {
        trip_id: trip.to_owned(),
        start_date: day.strftime("%Y%m%d").to_string(),
        route_id: network.lines[pattern.line].id.clone(),
        direction_id: Some(u32::from(pattern.direction)),
    }
}

/// GTFS numbers calls from 1 here.
fn sequence(call: usize) -> u32 {
    u32::try_from(call + 1).expect("a pattern has fewer calls than 32 bits count")
}

fn unsigned(second: i64) -> u64 {
    u64::try_from(second).unwrap_or(0)
}

const STOPPED_AT: i32 = 1;
const IN_TRANSIT_TO: i32 = 2;

#[derive(Clone, PartialEq, Message)]
struct FeedMessage {
    #[prost(message, optional, tag = "1")]
    header: Option<FeedHeader>,
    #[prost(message, repeated, tag = "2")]
    entity: Vec<FeedEntity>,
}

#[derive(Clone, PartialEq, Message)]
struct FeedHeader {
    #[prost(string, tag = "1")]
    gtfs_realtime_version: String,
    #[prost(int32, optional, tag = "2")]
    incrementality: Option<i32>,
    #[prost(uint64, optional, tag = "3")]
    timestamp: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct FeedEntity {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(message, optional, tag = "3")]
    trip_update: Option<TripUpdate>,
    #[prost(message, optional, tag = "4")]
    vehicle: Option<VehiclePosition>,
}

#[derive(Clone, PartialEq, Message)]
struct TripUpdate {
    #[prost(message, optional, tag = "1")]
    trip: Option<TripDescriptor>,
    #[prost(message, repeated, tag = "2")]
    stop_time_update: Vec<StopTimeUpdate>,
    #[prost(message, optional, tag = "3")]
    vehicle: Option<VehicleDescriptor>,
    #[prost(uint64, optional, tag = "4")]
    timestamp: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct StopTimeUpdate {
    #[prost(uint32, optional, tag = "1")]
    stop_sequence: Option<u32>,
    #[prost(message, optional, tag = "2")]
    arrival: Option<StopTimeEvent>,
    #[prost(message, optional, tag = "3")]
    departure: Option<StopTimeEvent>,
    #[prost(string, optional, tag = "4")]
    stop_id: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct StopTimeEvent {
    #[prost(int64, tag = "2")]
    time: i64,
}

#[derive(Clone, PartialEq, Message)]
struct TripDescriptor {
    #[prost(string, tag = "1")]
    trip_id: String,
    #[prost(string, tag = "3")]
    start_date: String,
    #[prost(string, tag = "5")]
    route_id: String,
    #[prost(uint32, optional, tag = "6")]
    direction_id: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct VehicleDescriptor {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct VehiclePosition {
    #[prost(message, optional, tag = "1")]
    trip: Option<TripDescriptor>,
    #[prost(message, optional, tag = "2")]
    position: Option<Position>,
    #[prost(uint32, optional, tag = "3")]
    current_stop_sequence: Option<u32>,
    #[prost(int32, optional, tag = "4")]
    current_status: Option<i32>,
    #[prost(uint64, optional, tag = "5")]
    timestamp: Option<u64>,
    #[prost(string, optional, tag = "7")]
    stop_id: Option<String>,
    #[prost(message, optional, tag = "8")]
    vehicle: Option<VehicleDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct Position {
    #[prost(float, tag = "1")]
    latitude: f32,
    #[prost(float, tag = "2")]
    longitude: f32,
    #[prost(float, optional, tag = "3")]
    bearing: Option<f32>,
    #[prost(double, optional, tag = "4")]
    odometer: Option<f64>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::simulation::Simulation;

    #[test]
    fn both_feeds_decode_and_agree_on_trips_and_buses() {
        let network = Arc::new(Network::demonstration().unwrap());
        let now = "2026-11-23T00:30:00Z".parse().unwrap();
        let snapshot = Simulation::new(network.clone(), 1).at(now);
        let positions = FeedMessage::decode(&*vehicle_positions(&network, &snapshot)).unwrap();
        let updates = FeedMessage::decode(&*trip_updates(&network, &snapshot)).unwrap();
        assert_eq!(positions.header.unwrap().timestamp, Some(1_795_393_800));
        assert_eq!(positions.entity.len(), snapshot.vehicles.len());
        let trips: Vec<TripUpdate> =
            updates.entity.into_iter().filter_map(|e| e.trip_update).collect();
        for vehicle in positions.entity.into_iter().filter_map(|entity| entity.vehicle) {
            let trip = trips.iter().find(|update| update.trip == vehicle.trip).unwrap();
            assert_eq!(trip.vehicle, vehicle.vehicle);
            assert_eq!(trip.stop_time_update[0].stop_sequence, vehicle.current_stop_sequence);
        }
        assert!(
            trips.iter().any(|trip| trip.vehicle.is_none()),
            "trips that have yet to leave are predicted too"
        );
    }
}
