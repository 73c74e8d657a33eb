//! Shell of the city's cores: takes in feeds and questions, publishes boards and alerts.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sync::{Alerts, Board, Clock, Tenant, Topic, Unknown};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Ask, find};
use crate::boards::{self, Boards, Effect};
use crate::feeds::gtfs;
use crate::feeds::gtfs_rt::{self, Feed};
use crate::metrics::Metrics;
use crate::network::Network;
use crate::news::{News, Press};
use crate::publish::Outgoing;

/// Feeds that were read and wait for the cores.
pub const HEARD_MAX: usize = 4;
/// Shortest and longest wait for a deadline of the cores.
const WAIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_mins(10));

/// What the watchers of feeds bring.
#[derive(Debug)]
pub enum Heard {
    /// A timetable.
    Network(Arc<Network>),
    /// Predictions.
    Trips(Feed),
    /// Positions.
    Vehicles(Feed),
}

/// Reads a timetable.
pub fn network(bytes: &[u8]) -> Result<Heard, String> {
    let network = gtfs::load(bytes).map_err(|error| error.to_string())?;
    tracing::info!("timetable: {}", network.report());
    Ok(Heard::Network(Arc::new(network)))
}

/// Reads predictions.
pub fn trips(bytes: &[u8]) -> Result<Heard, String> {
    gtfs_rt::parse(bytes).map(Heard::Trips).map_err(|error| error.to_string())
}

/// Reads positions.
pub fn vehicles(bytes: &[u8]) -> Result<Heard, String> {
    gtfs_rt::parse(bytes).map(Heard::Vehicles).map_err(|error| error.to_string())
}

/// Shell of the city's cores.
#[derive(Debug)]
pub struct Hall {
    /// Whose city it is.
    pub tenant: Tenant,
    /// Code of the district.
    pub area: String,
    /// Questions.
    pub asked: mpsc::Receiver<Ask>,
    /// Feeds.
    pub heard: mpsc::Receiver<Heard>,
    /// Where boards and alerts go.
    pub outgoing: mpsc::Sender<Outgoing>,
    /// Told what is new.
    pub press: Press,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Clock of the process.
    pub clock: Clock,
}

/// Everything that can happen to the city.
enum Event {
    Ask(Ask),
    Heard(Heard),
    Tick,
}

impl Hall {
    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut boards = Boards::new();
        loop {
            let deadline = boards.next_deadline();
            let event = tokio::select! {
                Some(ask) = self.asked.recv() => Event::Ask(ask),
                Some(heard) = self.heard.recv() => Event::Heard(heard),
                () = sleep_until(now() + wait(deadline, self.clock.now().wall)) => Event::Tick,
                () = stop.cancelled() => return,
            };
            match event {
                Event::Ask(ask) => self.answer(&boards, ask),
                Event::Heard(Heard::Network(network)) => {
                    self.boards(&mut boards, boards::Event::Network(network)).await;
                }
                Event::Heard(Heard::Trips(feed)) => {
                    self.boards(&mut boards, boards::Event::Trips(feed)).await;
                }
                Event::Heard(Heard::Vehicles(feed)) => {
                    self.boards(&mut boards, boards::Event::Vehicles(feed)).await;
                }
                Event::Tick => self.boards(&mut boards, boards::Event::Tick).await,
            }
        }
    }

    async fn boards(&self, boards: &mut Boards, event: boards::Event) {
        let (begun, wall) = (now(), self.clock.now().wall);
        let effects = boards.handle(wall, event);
        self.metrics.feed_work.observe((now() - begun).as_secs_f64());
        for Effect::Publish(board) in effects {
            self.publish(board, wall).await;
        }
    }

    async fn publish(&self, board: Board, now: Timestamp) {
        self.metrics.boards.inc();
        let payload = serde_json::to_vec(&board).expect("a board has string keys only");
        let topic = Topic::Board(board.stop.clone());
        let packet = Outgoing::seal(&self.tenant, &topic, "gulou.board.v1", now, payload);
        let _ = self.outgoing.send(Outgoing::Keep { packet, expires: Some(board.expires) }).await;
        self.press.tell(News::Board(board.stop));
    }

    /// Whoever asked may have left; then nobody hears the answer.
    fn answer(&self, boards: &Boards, ask: Ask) {
        let now = self.clock.now().wall;
        match ask {
            Ask::Board(stop, answer) => drop(answer.send(boards.board(&stop, now))),
            Ask::Stops(query, answer) => drop(answer.send(find(boards.network(), &query))),
            Ask::Alerts(answer) => {
                let (area, made_at) = (self.area.clone(), self.clock.now().wall);
                let alerts = Alerts { area, made_at, alerts: vec![], unknown: Unknown::new() };
                drop(answer.send(alerts));
            }
            Ask::Cap(_, answer) => drop(answer.send(Err("alerts are not read yet".to_owned()))),
        }
    }
}

fn wait(deadline: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(deadline.duration_since(now)).unwrap_or(WAIT.0).clamp(WAIT.0, WAIT.1)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the hall is a shell and waits for its cores' deadlines"
)]
fn now() -> Instant {
    Instant::now()
}
