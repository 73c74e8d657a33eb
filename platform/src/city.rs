//! What is known of the city, and where to ask: network, boards and alerts.

pub mod archive;
pub mod hall;

use serde::Serialize;
use sync::{Alerts, Board, StopId, Text};
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;

use crate::network::Network;

/// Questions that wait for an answer; beyond it whoever asks waits.
pub const ASKS_MAX: usize = 256;

/// One stop, for people who look for it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StopEntry {
    /// As the feed names it.
    pub id: String,
    /// Its name for people.
    #[schema(value_type = Object)]
    pub name: Text,
    /// Latitude in degrees, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// Names of the lines that call there.
    pub lines: Vec<String>,
}

/// Which stops are wanted.
#[derive(Debug, Clone, Default)]
pub struct StopQuery {
    /// Part of the identifier or of a name; empty for all.
    pub search: String,
    /// Identifiers up to and including this one were seen already.
    pub after: String,
    /// Most stops of the answer.
    pub limit: usize,
}

/// A question to the city, with where to answer.
#[derive(Debug)]
pub enum Ask {
    /// What is known about a stop.
    Board(StopId, oneshot::Sender<Option<Board>>),
    /// Which stops there are.
    Stops(StopQuery, oneshot::Sender<Vec<StopEntry>>),
    /// What is in force.
    Alerts(oneshot::Sender<Alerts>),
    /// Take this CAP message.
    Cap(Vec<u8>, oneshot::Sender<Result<Alerts, String>>),
}

/// Where to ask.
#[derive(Debug, Clone)]
pub struct City(mpsc::Sender<Ask>);

/// The city is gone: the platform is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the platform is ending")]
pub struct Ending;

impl City {
    /// A place to ask, and where the questions arrive.
    pub fn new() -> (City, mpsc::Receiver<Ask>) {
        let (ask, asked) = mpsc::channel(ASKS_MAX);
        (City(ask), asked)
    }

    /// What is known about a stop; `None` when the network has no such stop.
    pub async fn board(&self, stop: StopId) -> Result<Option<Board>, Ending> {
        self.ask(|answer| Ask::Board(stop, answer)).await
    }

    /// Stops by identifier.
    pub async fn stops(&self, query: StopQuery) -> Result<Vec<StopEntry>, Ending> {
        self.ask(|answer| Ask::Stops(query, answer)).await
    }

    /// Alerts in force.
    pub async fn alerts(&self) -> Result<Alerts, Ending> {
        self.ask(Ask::Alerts).await
    }

    /// Takes a CAP message; answers with the alerts then in force, or why it was refused.
    pub async fn cap(&self, xml: Vec<u8>) -> Result<Result<Alerts, String>, Ending> {
        self.ask(|answer| Ask::Cap(xml, answer)).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Ending> {
        let (answer, answered) = oneshot::channel();
        self.0.send(ask(answer)).await.map_err(|_| Ending)?;
        answered.await.map_err(|_| Ending)
    }
}

/// Stops that match, by identifier.
pub fn find(network: &Network, query: &StopQuery) -> Vec<StopEntry> {
    let wanted = query.search.to_lowercase();
    let matches = |id: &StopId, name: &Text| {
        [&id.0, &name.zh, &name.en].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let mut found: Vec<_> = network
        .stops()
        .iter()
        .filter(|stop| stop.id.0 > query.after && matches(&stop.id, network.text(stop.name)))
        .collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.truncate(query.limit);
    let lines = |id: &StopId| {
        let lines =
            network.stop_by_id(&id.0).map(|stop| network.lines_at(stop)).unwrap_or_default();
        lines.into_iter().map(|line| network.line(line).name.clone()).collect()
    };
    let entry = |stop: &&crate::network::Stop| StopEntry {
        id: stop.id.0.clone(),
        name: network.text(stop.name).clone(),
        lat: stop.position.map(|(lat, _)| lat),
        lon: stop.position.map(|(_, lon)| lon),
        lines: lines(&stop.id),
    };
    found.iter().map(entry).collect()
}
