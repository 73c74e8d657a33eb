//! The shell of the street: starts what its cores want started, does what the page asks, shows how it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use sync::moment::{Clock, Mono};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::appliance::{Appliance, Fault, Faults, Glass, Post, Unavailable};
use crate::bench::{Bench, Peripheral};
use crate::platform::Platform;
use crate::process::{self, Program, Session};
use crate::supervise::{self, Effect, Stage, Supervision};

/// Most news that wait for the shell; whoever has more waits.
const NEWS_MAX: usize = 64;
/// How often the glasses are looked at: a finger wants to see at once what it did.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How long everyone gets to end by themselves.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// How often the broker is looked for among the platform's processes.
const BROKER_EVERY: Duration = Duration::from_secs(1);
/// Name of the broker's program.
const BROKER: &str = "mosquitto";
/// Pause between attempts to register appliances while the platform starts.
const REGISTER_EVERY: Duration = Duration::from_millis(100);

/// What can happen on the street.
#[derive(Debug)]
pub enum Event {
    /// Somebody asks for something.
    Request(Request),
    /// A process is gone.
    Exited {
        /// Whose.
        unit: Unit,
        /// Which of its processes.
        number: u64,
    },
    /// The platform knows an appliance and gave it what it needs to enrol.
    Registered {
        /// Index of the appliance.
        appliance: usize,
        /// What it needs.
        provision: String,
    },
    /// Time to look around.
    Tick,
}

/// What the page and scripts can ask for.
#[derive(Debug)]
pub struct Request {
    /// What.
    pub wish: Wish,
    /// Gets the answer.
    pub answer: oneshot::Sender<Result<(), Denial>>,
}

/// See [`Request`].
#[derive(Debug, Clone)]
pub enum Wish {
    /// Do something to one appliance.
    Device {
        /// Which.
        id: String,
        /// What.
        fault: Fault,
    },
    /// `kill -9` for the platform and its broker; it is started again.
    KillPlatform,
    /// `kill -9` for the broker; the platform starts it again.
    KillBroker,
}

/// Why a wish was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// There is no such appliance.
    NoSuchDevice,
    /// Not now, or not on this machine; the sentence is for people.
    Impossible(String),
}

/// Whom a process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The platform.
    Platform,
    /// An appliance, by index.
    Appliance(usize),
    /// A device on the terminal's cables.
    Peripheral(Peripheral),
}

/// How the street is.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The platform's process.
    pub platform: Stage,
    /// Whether its broker runs.
    pub broker: bool,
    /// The appliances, from west to east.
    pub devices: Vec<DeviceView>,
}

/// How an appliance is.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceView {
    /// What it is and where it stands.
    pub post: Post,
    /// Its process.
    pub process: Stage,
    /// The platform knows it, so that it can be switched on.
    pub configured: bool,
    /// What has been done to it.
    pub faults: Faults,
    /// What cannot be done to it here.
    pub unavailable: Unavailable,
    /// What stands on its glass; `None` while it is dark.
    pub glass: Option<Glass>,
}

/// Programs and folders the shell works with.
#[derive(Debug)]
pub struct Places {
    /// `gulou-platform`.
    pub platform: PathBuf,
    /// `gulou-sign`.
    pub sign: PathBuf,
    /// `gulou-terminal`.
    pub terminal: PathBuf,
    /// `gulou-peer`.
    pub peer: PathBuf,
    /// Where logs go.
    pub logs: PathBuf,
    /// Address of the street's own feeds.
    pub feeds: String,
}

/// The street.
#[derive(Debug)]
pub struct Street {
    places: Places,
    clock: Clock,
    platform: Platform,
    platform_life: Supervision,
    platform_session: Option<Session>,
    broker: bool,
    broker_seen_at: Mono,
    appliances: Vec<Appliance>,
    bench: Bench,
    peripherals: Vec<(Peripheral, Supervision, Option<Session>)>,
    news: (mpsc::Sender<Event>, mpsc::Receiver<Event>),
    view: watch::Sender<Arc<View>>,
}

impl Street {
    /// A street with everything in its place and nothing switched on.
    pub fn new(
        places: Places,
        clock: Clock,
        platform: Platform,
        appliances: Vec<Appliance>,
        bench: Bench,
    ) -> Self {
        let platform_life = Supervision::default();
        let view = watch::Sender::new(Arc::new(view(&platform_life, false, &appliances)));
        let news = mpsc::channel(NEWS_MAX);
        Self {
            places,
            clock,
            platform,
            platform_life,
            platform_session: None,
            broker: false,
            broker_seen_at: Mono(0),
            appliances,
            bench,
            peripherals: Peripheral::ALL
                .map(|peripheral| (peripheral, Supervision::default(), None))
                .into(),
            news,
            view,
        }
    }

    /// Where to ask for things.
    pub fn requests(&self) -> mpsc::Sender<Event> {
        self.news.0.clone()
    }

    /// Where to see how it is.
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    /// Runs until `stop`, then ends everything it started.
    pub async fn run(mut self, stop: CancellationToken) {
        self.drive(Unit::Platform, supervise::Event::PowerOn);
        for peripheral in Peripheral::ALL {
            self.drive(Unit::Peripheral(peripheral), supervise::Event::PowerOn);
        }
        self.register();
        loop {
            let event = tokio::select! {
                Some(event) = self.news.1.recv() => event,
                () = pause(LOOK_EVERY) => Event::Tick,
                () = stop.cancelled() => return self.end().await,
            };
            self.handle(event);
            self.show();
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Request(Request { wish, answer }) => {
                let _ = answer.send(self.grant(wish));
            }
            Event::Exited { unit, number } => self.drive(unit, supervise::Event::Exited { number }),
            Event::Registered { appliance, provision } => {
                match self.appliances[appliance].configure(&provision) {
                    Ok(()) => self.drive(Unit::Appliance(appliance), supervise::Event::PowerOn),
                    Err(error) => warn!("{}: {error}", self.appliances[appliance].post.id),
                }
            }
            Event::Tick => {
                self.drive(Unit::Platform, supervise::Event::Tick);
                self.look_for_broker();
                for peripheral in Peripheral::ALL {
                    self.drive(Unit::Peripheral(peripheral), supervise::Event::Tick);
                }
                for index in 0..self.appliances.len() {
                    self.drive(Unit::Appliance(index), supervise::Event::Tick);
                    self.appliances[index].look();
                }
            }
        }
    }

    /// Reading all of `/proc` is not free, so it is done now and then.
    fn look_for_broker(&mut self) {
        let now = self.clock.now().mono;
        if now.since(self.broker_seen_at) >= BROKER_EVERY {
            self.broker_seen_at = now;
            let runs = |session: Session| session.members().iter().any(|(_, name)| name == BROKER);
            self.broker = self.platform_session.is_some_and(runs);
        }
    }

    fn grant(&mut self, wish: Wish) -> Result<(), Denial> {
        match wish {
            Wish::KillPlatform => self.drive(Unit::Platform, supervise::Event::Kill),
            Wish::KillBroker => {
                let killed =
                    self.platform_session.is_some_and(|session| session.kill_named(BROKER));
                return killed
                    .then_some(())
                    .ok_or_else(|| Denial::Impossible("消息代理没有在运行".to_owned()));
            }
            Wish::Device { id, fault } => {
                let index = self.appliances.iter().position(|appliance| appliance.post.id == id);
                let index = index.ok_or(Denial::NoSuchDevice)?;
                let unit = Unit::Appliance(index);
                if !self.appliances[index].configured {
                    return Err(Denial::Impossible("设备正在向平台登记".to_owned()));
                }
                // The program goes first, so that it can't draw on a panel that is already dark.
                match fault {
                    Fault::Power { on: true } => self.drive(unit, supervise::Event::PowerOn),
                    Fault::Power { on: false } => self.drive(unit, supervise::Event::PowerOff),
                    Fault::Kill => self.drive(unit, supervise::Event::Kill),
                    _ => {}
                }
                self.appliances[index].suffer(fault).map_err(Denial::Impossible)?;
            }
        }
        Ok(())
    }

    /// Tells one supervisor and does what it wants.
    fn drive(&mut self, unit: Unit, event: supervise::Event) {
        let now = self.clock.now().mono;
        for effect in self.life(unit).handle(now, event) {
            match effect {
                Effect::Start { number } => self.start(unit, number),
                Effect::Kill => {
                    if let Some(session) = self.session(unit).take() {
                        session.kill();
                    }
                }
            }
        }
    }

    fn start(&mut self, unit: Unit, number: u64) {
        let name = match unit {
            Unit::Platform => "platform",
            Unit::Appliance(index) => self.appliances[index].post.id,
            Unit::Peripheral(peripheral) => peripheral.name(),
        };
        let log = self.places.logs.join(format!("{name}.log"));
        let program: Program<'_> = match unit {
            Unit::Platform => {
                self.platform.program(&self.places.platform, &log, &self.places.feeds)
            }
            Unit::Appliance(index) => {
                let appliance = &self.appliances[index];
                let terminal = appliance.post.role == "terminal";
                let path = if terminal { &self.places.terminal } else { &self.places.sign };
                appliance.program(path, &log)
            }
            Unit::Peripheral(peripheral) => self.bench.program(peripheral, &self.places.peer, &log),
        };
        let exits = self.news.0.clone();
        let gone = Event::Exited { unit, number };
        match process::start(&program) {
            Ok((session, mut child)) => {
                info!("{name} starts");
                *self.session(unit) = Some(session);
                tokio::spawn(async move {
                    let _ = child.wait().await;
                    let _ = exits.send(gone).await;
                });
            }
            Err(error) => {
                warn!("{name} does not start: {error}");
                tokio::spawn(async move { exits.send(gone).await });
            }
        }
    }

    /// Asks the platform for every appliance's papers, as soon as it answers.
    fn register(&self) {
        let (platform, news) = (self.platform.clone(), self.news.0.clone());
        let posts: Vec<Post> = self.appliances.iter().map(|appliance| appliance.post).collect();
        tokio::spawn(async move {
            for (appliance, post) in posts.into_iter().enumerate() {
                let provision = loop {
                    match platform.register(post).await {
                        Ok(provision) => break provision,
                        Err(error) => tracing::debug!("{}: {error}", post.id),
                    }
                    pause(REGISTER_EVERY).await;
                };
                let _ = news.send(Event::Registered { appliance, provision }).await;
            }
        });
    }

    fn life(&mut self, unit: Unit) -> &mut Supervision {
        match unit {
            Unit::Platform => &mut self.platform_life,
            Unit::Appliance(index) => &mut self.appliances[index].life,
            Unit::Peripheral(peripheral) => &mut self.peripherals[peripheral as usize].1,
        }
    }

    fn session(&mut self, unit: Unit) -> &mut Option<Session> {
        match unit {
            Unit::Platform => &mut self.platform_session,
            Unit::Appliance(index) => &mut self.appliances[index].session,
            Unit::Peripheral(peripheral) => &mut self.peripherals[peripheral as usize].2,
        }
    }

    /// Publishes how it is; whoever looks is only woken by a difference.
    fn show(&self) {
        let view = view(&self.platform_life, self.broker, &self.appliances);
        self.view.send_if_modified(|shown| {
            let changed = **shown != view;
            if changed {
                *shown = Arc::new(view);
            }
            changed
        });
    }

    /// Ends everything: first politely, then with `kill -9`.
    async fn end(mut self) {
        let sessions: Vec<Session> = self
            .appliances
            .iter_mut()
            .filter_map(|appliance| appliance.session.take())
            .chain(self.peripherals.iter_mut().filter_map(|(.., session)| session.take()))
            .chain(self.platform_session.take())
            .collect();
        for session in &sessions {
            session.signal(Signal::SIGTERM);
        }
        let deadline = self.clock.now().mono + END_PATIENCE;
        while sessions.iter().any(|session| !session.members().is_empty())
            && self.clock.now().mono < deadline
        {
            pause(REGISTER_EVERY).await;
        }
        for session in sessions {
            session.kill();
        }
    }
}

fn view(life: &Supervision, broker: bool, appliances: &[Appliance]) -> View {
    View {
        platform: life.stage(),
        broker,
        devices: appliances.iter().map(DeviceView::from).collect(),
    }
}

impl From<&Appliance> for DeviceView {
    fn from(appliance: &Appliance) -> Self {
        DeviceView {
            post: appliance.post,
            process: appliance.life.stage(),
            configured: appliance.configured,
            faults: appliance.faults,
            unavailable: appliance.unavailable(),
            glass: appliance.glass.clone(),
        }
    }
}

async fn pause(duration: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is a shell, and there is nothing better to wait for"
    )]
    tokio::time::sleep(duration).await;
}
