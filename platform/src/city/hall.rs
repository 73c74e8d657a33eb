//! Shell of the city's cores: takes in feeds and questions, publishes boards and alerts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sync::{Alerts, Board, Clock, Tenant, Topic};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::archive::Archive;
use super::{Ask, find};
use crate::alerts::{self, District, MESSAGES_MAX, Reason, Register};
use crate::boards::{self, Boards};
use crate::feeds::cap::{self, CapMessage};
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
/// How long a list of alerts stands after its last alert has ended.
const ALERTS_STAND: Duration = Duration::from_hours(24);

/// What the watchers of feeds bring.
#[derive(Debug)]
pub enum Heard {
    /// A timetable.
    Network(Arc<Network>),
    /// Predictions.
    Trips(Feed),
    /// Positions.
    Vehicles(Feed),
    /// Alerts of the transit operator.
    Alerts(Feed),
    /// A message of an authority.
    Cap(CapMessage),
}

/// Reads a timetable.
pub fn network(bytes: &[u8]) -> Result<Heard, String> {
    let network = gtfs::load(bytes).map_err(|error| error.to_string())?;
    info!("timetable: {}", network.report());
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

/// Reads alerts of the transit operator.
pub fn alerts(bytes: &[u8]) -> Result<Heard, String> {
    gtfs_rt::parse(bytes).map(Heard::Alerts).map_err(|error| error.to_string())
}

/// Reads a message of an authority.
pub fn cap(bytes: &[u8]) -> Result<Heard, String> {
    cap::parse(bytes).map(Heard::Cap).map_err(|error| error.to_string())
}

/// Shell of the city's cores.
#[derive(Debug)]
pub struct Hall {
    /// Whose city it is.
    pub tenant: Tenant,
    /// Code of the district.
    pub area: String,
    /// Messages of authorities on disk.
    pub archive: Archive,
    /// Questions.
    pub asked: mpsc::Receiver<Ask>,
    /// Feeds.
    pub heard: mpsc::Receiver<Heard>,
    /// Told of every new timetable.
    pub network: watch::Sender<Option<Arc<Network>>>,
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

/// What is known.
struct Cores {
    boards: Boards,
    register: Register,
    /// Messages of authorities, to be judged again when another network brings other places.
    messages: VecDeque<CapMessage>,
}

impl Hall {
    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let district = District { code: self.area.clone(), points: vec![] };
        let register = Register::new(district);
        let mut cores = Cores { boards: Boards::new(), register, messages: self.archived() };
        self.judge_again(&mut cores).await;
        loop {
            let deadline = cores.boards.next_deadline().min(cores.register.next_deadline());
            let event = tokio::select! {
                Some(ask) = self.asked.recv() => Event::Ask(ask),
                Some(heard) = self.heard.recv() => Event::Heard(heard),
                () = sleep_until(now() + wait(deadline, self.clock.now().wall)) => Event::Tick,
                () = stop.cancelled() => return,
            };
            match event {
                Event::Ask(ask) => self.answer(&mut cores, ask).await,
                Event::Heard(heard) => self.hear(&mut cores, heard).await,
                Event::Tick => {
                    self.boards(&mut cores.boards, boards::Event::Tick).await;
                    self.alerts(&mut cores.register, alerts::Event::Tick).await;
                }
            }
        }
    }

    async fn hear(&self, cores: &mut Cores, heard: Heard) {
        match heard {
            Heard::Network(network) => {
                let points = network.stops().iter().filter_map(|stop| stop.position).collect();
                cores.register = Register::new(District { code: self.area.clone(), points });
                self.boards(&mut cores.boards, boards::Event::Network(Arc::clone(&network))).await;
                self.judge_again(cores).await;
                self.network.send_replace(Some(network));
            }
            Heard::Trips(feed) => self.boards(&mut cores.boards, boards::Event::Trips(feed)).await,
            Heard::Vehicles(feed) => {
                self.boards(&mut cores.boards, boards::Event::Vehicles(feed)).await;
            }
            Heard::Alerts(feed) => {
                let event = alerts::Event::Feed(feed.made_s, feed.alerts);
                self.alerts(&mut cores.register, event).await;
            }
            Heard::Cap(message) => {
                self.cap(cores, message).await;
            }
        }
    }

    async fn boards(&self, boards: &mut Boards, event: boards::Event) {
        let (begun, wall) = (now(), self.clock.now().wall);
        for boards::Effect::Publish(board) in boards.handle(wall, event) {
            self.publish_board(board, wall).await;
        }
        self.metrics.feed_work.observe((now() - begun).as_secs_f64());
    }

    async fn publish_board(&self, board: Board, now: Timestamp) {
        self.metrics.boards.inc();
        let payload = serde_json::to_vec(&board).expect("a board has string keys only");
        let topic = Topic::Board(board.stop.clone());
        let packet = Outgoing::seal(&self.tenant, &topic, "gulou.board.v1", now, payload);
        let _ = self.outgoing.send(Outgoing::Keep { packet, expires: Some(board.expires) }).await;
        self.press.tell(News::Board(board.stop));
    }

    /// Tells why the message in `event` is shown to nobody, where that is so.
    async fn alerts(&self, register: &mut Register, event: alerts::Event) -> Option<Reason> {
        let now = self.clock.now().wall;
        let mut ignored = None;
        for effect in register.handle(now, event) {
            match effect {
                alerts::Effect::Publish(alerts) => self.publish_alerts(&alerts, now).await,
                alerts::Effect::Ignored(id, reason) => {
                    info!("{} of {} is shown to nobody: {}", id.identifier, id.sender, why(reason));
                    ignored = Some(reason);
                }
            }
        }
        ignored
    }

    async fn publish_alerts(&self, alerts: &Alerts, now: Timestamp) {
        let last = alerts.alerts.iter().map(|alert| alert.expires).max().unwrap_or(now).max(now);
        let expires = last.checked_add(ALERTS_STAND).ok();
        let payload = serde_json::to_vec(alerts).expect("alerts have string keys only");
        let topic = Topic::Alerts(self.area.clone());
        let packet = Outgoing::seal(&self.tenant, &topic, "gulou.alerts.v1", now, payload);
        let _ = self.outgoing.send(Outgoing::Keep { packet, expires }).await;
        self.press.tell(News::Alerts);
    }

    async fn cap(&self, cores: &mut Cores, message: CapMessage) -> Option<Reason> {
        cores.messages.push_back(message.clone());
        if cores.messages.len() > MESSAGES_MAX {
            cores.messages.pop_front();
        }
        self.alerts(&mut cores.register, alerts::Event::Cap(message)).await
    }

    /// Puts every known message before a new register.
    async fn judge_again(&self, cores: &mut Cores) {
        for message in &cores.messages {
            self.alerts(&mut cores.register, alerts::Event::Cap(message.clone())).await;
        }
        self.alerts(&mut cores.register, alerts::Event::Tick).await;
    }

    fn archived(&self) -> VecDeque<CapMessage> {
        let files = self.archive.all().unwrap_or_else(|error| {
            error!("alerts of before are not read: {error}");
            vec![]
        });
        files.iter().filter_map(|xml| cap::parse(xml).ok()).collect()
    }

    /// Whoever asked may have left; then nobody hears the answer.
    async fn answer(&self, cores: &mut Cores, ask: Ask) {
        let now = self.clock.now().wall;
        match ask {
            Ask::Board(stop, answer) => drop(answer.send(cores.boards.board(&stop, now))),
            Ask::Stops(query, answer) => drop(answer.send(find(cores.boards.network(), &query))),
            Ask::Alerts(answer) => drop(answer.send(cores.register.alerts(now))),
            Ask::Cap(xml, answer) => {
                let taken = self.take(cores, &xml).await.map(|()| cores.register.alerts(now));
                drop(answer.send(taken));
            }
        }
    }

    /// Takes a message that an operator handed in; it is on disk before anyone is told that it is taken.
    async fn take(&self, cores: &mut Cores, xml: &[u8]) -> Result<(), String> {
        let message = cap::parse(xml).map_err(|error| error.to_string())?;
        if let Some(reason) = self.cap(cores, message).await {
            return Err(format!("it is shown to nobody: {}", why(reason)));
        }
        self.archive.keep(xml, self.clock.now().wall).map_err(|error| {
            warn!("an alert is in force and not on disk: {error}");
            format!("it is in force, and will be forgotten at the next start: {error}")
        })
    }
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::NotActual => "its status is not Actual",
        Reason::NotPublic => "its scope is not Public",
        Reason::Answer => "it only answers another message",
        Reason::Empty => "it has no info block with a headline or event",
        Reason::Expired => "it has expired",
        Reason::Ended => "a newer message has ended it",
        Reason::Elsewhere => "none of its areas lies in this district",
        Reason::Full => "too many more severe alerts are in force",
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
