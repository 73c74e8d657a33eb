//! The city around the street: its network and buses as of now, rendered for whoever asks.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::network::{Network, Place};
use crate::simulation::{Simulation, Snapshot, Vehicle};
use crate::{feed, gtfs};

/// How often the feeds change, in seconds.
const SLOT_S: i64 = 5;

/// The city.
#[derive(Debug)]
pub struct City {
    network: Arc<Network>,
    gtfs: Vec<u8>,
    drawing: Drawing,
    simulation: Mutex<(Simulation, Option<Arc<Rendered>>)>,
}

/// Everything published for one slot of time.
#[derive(Debug)]
pub struct Rendered {
    /// Start of the slot.
    pub at: Timestamp,
    /// `TripUpdates` feed.
    pub trip_updates: Vec<u8>,
    /// `VehiclePositions` feed.
    pub vehicle_positions: Vec<u8>,
    /// Buses for the page's map.
    pub buses: Value,
}

/// What the page's map is drawn from, once.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// Lines with their paths.
    pub lines: Value,
    /// Stops.
    pub stops: Value,
}

impl City {
    /// A city whose buses follow from `seed`.
    pub fn found(seed: u64) -> anyhow::Result<Self> {
        let network = Arc::new(Network::demonstration()?);
        let gtfs = gtfs::zip(&network)?;
        let drawing = drawing(&network);
        let simulation = Mutex::new((Simulation::new(network.clone(), seed), None));
        Ok(Self { network, gtfs, drawing, simulation })
    }

    /// The static feed.
    pub fn gtfs(&self) -> &[u8] {
        &self.gtfs
    }

    /// Lines and stops for the page's map.
    pub fn drawing(&self) -> &Drawing {
        &self.drawing
    }

    /// Name of the stop with this GTFS identifier, in Chinese and English.
    pub fn stop_name(&self, stop: &str) -> Option<&sync::Text> {
        let platform = self.network.platform(stop)?;
        Some(&self.network.places[platform.place].name)
    }

    /// What is published at `now`.
    pub fn at(&self, now: Timestamp) -> Arc<Rendered> {
        let second = now.as_second() - now.as_second().rem_euclid(SLOT_S);
        let at = Timestamp::from_second(second).unwrap_or(now);
        let mut guard = self.simulation.lock().unwrap_or_else(PoisonError::into_inner);
        let (simulation, last) = &mut *guard;
        if let Some(rendered) = last.as_ref().filter(|rendered| rendered.at == at) {
            return rendered.clone();
        }
        let snapshot = simulation.at(at);
        let rendered = Arc::new(Rendered {
            at,
            trip_updates: feed::trip_updates(&self.network, &snapshot),
            vehicle_positions: feed::vehicle_positions(&self.network, &snapshot),
            buses: buses(&self.network, &snapshot),
        });
        *last = Some(rendered.clone());
        rendered
    }
}

/// Lines (one path each, the way out) and stops.
fn drawing(network: &Network) -> Drawing {
    let lines = network.patterns.iter().filter(|pattern| pattern.direction == 0).map(|pattern| {
        let line = &network.lines[pattern.line];
        let path: Vec<[f64; 2]> = pattern.path.points().map(|(point, _)| [point.lon, point.lat]).collect();
        let long = &line.long_name;
        json!({ "id": line.id, "name": line.name, "colour": line.colour, "zh": long.zh, "en": long.en, "path": path })
    });
    let stops = network.platforms.iter().map(|platform| {
        let Place { id, name, .. } = &network.places[platform.place];
        let (lat, lon) = (platform.at.lat, platform.at.lon);
        json!({ "id": platform.id, "place": id, "zh": name.zh, "en": name.en, "lat": lat, "lon": lon })
    });
    Drawing { lines: lines.collect(), stops: stops.collect() }
}

fn buses(network: &Network, snapshot: &Snapshot) -> Value {
    let one = |vehicle: &Vehicle| {
        let pattern = &network.patterns[vehicle.pattern];
        let line = &network.lines[pattern.line];
        json!({
            "id": vehicle.id, "line": line.id, "name": line.name, "colour": line.colour,
            "destination": pattern.destination,
            "lat": vehicle.position.lat, "lon": vehicle.position.lon, "bearing": vehicle.bearing.round(),
            "stop": network.platforms[pattern.calls[vehicle.call].platform].id, "at_stop": vehicle.at_stop,
            "age_s": snapshot.at.as_second() - vehicle.observed_at.as_second(),
        })
    };
    snapshot.vehicles.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn within_a_slot_everybody_gets_the_same_feed() {
        let city = City::found(1).unwrap();
        let first = city.at("2026-11-23T00:00:05Z".parse().unwrap());
        assert!(Arc::ptr_eq(&first, &city.at("2026-11-23T00:00:09Z".parse().unwrap())));
        assert!(!Arc::ptr_eq(&first, &city.at("2026-11-23T00:00:10Z".parse().unwrap())));
    }
}
