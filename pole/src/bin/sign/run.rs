//! The loop of the sign: clocks, sockets and the sensor around [`pole::sign::Sign`].

use std::collections::VecDeque;
use std::time::Duration;

use drivers::surface::{Memory, Surface};
use jiff::Timestamp;
use pole::sign::{self, Event, Request, Sign};
use sync::content::{Content, ContentError, Fetched, News, timetable_path};
use sync::courier::LinkState;
use sync::identity::{self, Identity, Renewal};
use sync::link::{Link, LinkEvent, MqttConfig, TlsFiles};
use sync::{Clock, Moment, Mono, Topic};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::{enrolment, light};

/// No sign of this version ran before: a wall clock that says so was never set.
const CLOCK_FLOOR: &str = "2026-01-01T00:00:00Z";
/// Most bytes of content that one manifest may ask for.
const CONTENT_MAX: u64 = 64 << 20;
/// An outbox that can't be opened (a full disk, say) is tried again this often.
const JOIN_RETRY: Duration = Duration::from_secs(30);

/// Everything that can happen to the process.
enum Happening {
    Link(LinkEvent),
    Light(Result<f64, String>),
    Enrolment(Result<Identity, String>),
    Fetched(Fetched),
    Deadline,
    Stop,
}

/// The sign and what it has beside it.
struct Shell {
    config: Config,
    clock: Clock,
    sign: Sign,
    identity: Option<Identity>,
    renewal: Option<Renewal>,
    content: Option<Content>,
    joined: bool,
    join_due: Mono,
    /// What the sign asked for and nobody did yet.
    asked: VecDeque<Request>,
}

/// Runs until a signal or an operator ends it.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let clock = Clock::new(CLOCK_FLOOR.parse::<Timestamp>().expect("the floor is a time"));
    // A full or missing disk must not keep the glass dark; what needs it says so again and again.
    if let Err(error) = std::fs::create_dir_all(&config.state) {
        tracing::warn!("state folder {}: {error}", config.state.display());
    }
    let surface = Surface::Memory(Memory::open(&config.surface, config.panel.size()));
    let sign = Sign::offline(config.sign(), surface, clock.now()).await?;
    let mut light = config.light.clone().map(|(serial, profile)| light::watch(serial, profile));
    let enrolment = (config.state.clone(), config.device.clone(), config.provision.clone());
    let mut enrolment = enrolment::start(enrolment.0, enrolment.1, enrolment.2, clock.clone());
    let mut stop = signal(SignalKind::terminate())?;
    let (joined, join_due) = (false, Mono::NEVER);
    let mut shell = Shell {
        config,
        clock,
        sign,
        identity: None,
        renewal: None,
        content: None,
        joined,
        join_due,
        asked: VecDeque::new(),
    };
    loop {
        let wait = shell.next_deadline().since(shell.clock.now().mono);
        #[expect(
            clippy::disallowed_methods,
            reason = "the shell waits for the deadline of its cores"
        )]
        let deadline = tokio::time::sleep(wait);
        let happening = tokio::select! {
            event = shell.sign.next() => Happening::Link(event),
            Some(reading) = heard(light.as_mut()) => Happening::Light(reading),
            Some(news) = enrolment.recv() => Happening::Enrolment(news),
            fetched = downloaded(shell.content.as_mut()) => Happening::Fetched(fetched),
            () = deadline => Happening::Deadline,
            _ = stop.recv() => Happening::Stop,
            _ = tokio::signal::ctrl_c() => Happening::Stop,
        };
        if matches!(happening, Happening::Stop) || shell.handle(happening).await {
            let now = shell.clock.now();
            shell.sign.close(now).await;
            return Ok(());
        }
    }
}

async fn heard<T>(channel: Option<&mut mpsc::Receiver<T>>) -> Option<T> {
    match channel {
        Some(channel) => channel.recv().await,
        None => std::future::pending().await,
    }
}

async fn downloaded(content: Option<&mut Content>) -> Fetched {
    match content {
        Some(content) => content.next().await,
        None => std::future::pending().await,
    }
}

impl Shell {
    /// Takes what happened; says whether to end.
    async fn handle(&mut self, happening: Happening) -> bool {
        let now = self.believed();
        let event = match happening {
            Happening::Link(event) => Event::Link(event),
            Happening::Light(reading) => Event::Light(reading),
            Happening::Enrolment(Err(reason)) => {
                Event::Trouble("enrolment", format!("enrolment: {reason}"))
            }
            Happening::Enrolment(Ok(identity)) => {
                self.renewal = Some(Renewal::new(&identity));
                self.identity = Some(identity);
                self.join_due = now.mono;
                Event::Trouble("enrolment", String::new())
            }
            Happening::Fetched(fetched) => {
                let news = self.content.as_mut().map(|content| content.handle(now, fetched));
                self.learn(news).await;
                Event::Tick
            }
            Happening::Deadline | Happening::Stop => Event::Tick,
        };
        self.join().await;
        self.tell(event).await;
        self.renew(identity::Event::Tick).await;
        let due = |content: &&mut Content| content.next_deadline() <= now.mono;
        let news = self.content.as_mut().filter(due).map(|content| content.tick(now));
        self.learn(news).await;
        while let Some(request) = self.asked.pop_front() {
            if matches!(request, Request::Restart) {
                return true;
            }
            self.perform(request).await;
        }
        false
    }

    /// Tells the sign, and notes what it asks for.
    async fn tell(&mut self, event: Event) {
        let now = self.clock.now();
        self.asked.extend(self.sign.handle(now, event).await);
    }

    fn next_deadline(&self) -> Mono {
        let renewal = self.renewal.as_ref().map_or(Mono::NEVER, Renewal::next_deadline);
        let settled = self.joined && self.content.is_some();
        let join = if settled { Mono::NEVER } else { self.join_due };
        let content = self.content.as_ref().map_or(Mono::NEVER, Content::next_deadline);
        self.sign.next_deadline().min(renewal).min(join).min(content)
    }

    /// Connects, once there is an identity to connect with.
    async fn join(&mut self) {
        let now = self.clock.now();
        let Some(identity) = self.identity.clone().filter(|_| self.join_due <= now.mono) else {
            return;
        };
        self.join_due = now.mono + JOIN_RETRY;
        if self.content.is_none() {
            self.open_content(identity.clone()).await;
        }
        if self.joined {
            return;
        }
        let tls = TlsFiles {
            authority: identity.authority_path(),
            certificate: identity.certificate_path(),
            key: identity.key_path(),
        };
        let url = self.config.link.broker.clone().unwrap_or_else(|| identity.broker.clone());
        let client_id = identity.device.as_str().to_owned();
        let link = Link::mqtt(MqttConfig { url, client_id, tls: Some(tls) });
        self.joined = self.sign.join(identity.tenant, link, now).await;
        self.note_content();
    }

    /// Opens what content the disk holds: the timetable is there before any network.
    async fn open_content(&mut self, mut identity: Identity) {
        if let Some(content) = &self.config.link.content {
            identity.content.clone_from(content);
        }
        let trouble = match Content::open(&self.config.state, &identity, CONTENT_MAX) {
            Ok(content) => {
                self.content = Some(content);
                self.use_content().await;
                String::new()
            }
            Err(error) => format!("content can't be opened: {error}"),
        };
        self.tell(Event::Trouble("content", trouble)).await;
    }

    /// Takes news of content; another manifest in force means another timetable.
    async fn learn(&mut self, news: Option<Result<Option<News>, ContentError>>) {
        let trouble = match news {
            None | Some(Ok(None)) => return,
            Some(Ok(Some(News::Switched { .. }))) => {
                self.use_content().await;
                String::new()
            }
            Some(Ok(Some(News::Trouble(failure)))) => format!("content: {failure}"),
            Some(Err(error)) => format!("content: {error}"),
        };
        self.tell(Event::Trouble("content", trouble)).await;
    }

    async fn use_content(&mut self) {
        self.note_content();
        let now = self.believed();
        let Some(content) = &mut self.content else { return };
        match content.read(now, &timetable_path(&self.config.stop)) {
            Ok(timetable) => self.tell(Event::Timetable(timetable)).await,
            Err(error) => tracing::warn!("content: {error}"),
        }
    }

    /// The next sync vector says which content is in force.
    fn note_content(&mut self) {
        if let Some(manifest) = self.content.as_ref().and_then(Content::active) {
            self.sign.set_content(manifest.channel.as_str(), manifest.version);
        }
    }

    /// The moment, by the clock that the sign believes.
    fn believed(&self) -> Moment {
        self.sign.believed(self.clock.now())
    }

    async fn perform(&mut self, request: Request) {
        match request {
            Request::Link(state) => {
                self.renew(identity::Event::Link { up: state == LinkState::Up }).await;
            }
            Request::Certificate(packet) => {
                let Some(accepted) = self.identity.as_ref().map(|old| old.accept(&packet.payload))
                else {
                    return;
                };
                match accepted {
                    Ok(identity) => {
                        let validity = identity.validity;
                        self.identity = Some(identity);
                        self.renew(identity::Event::Renewed(validity)).await;
                    }
                    Err(error) => tracing::warn!("certificate: {error}"),
                }
            }
            Request::Content(packet) => {
                let now = self.believed();
                let news = self.content.as_mut().map(|content| content.offer(now, &packet.payload));
                self.learn(news).await;
            }
            Request::Restart => {}
        }
    }

    /// Lets the certificate's core judge, and does what it wants.
    async fn renew(&mut self, event: identity::Event) {
        let now = self.believed();
        let (Some(renewal), Some(identity)) = (&mut self.renewal, &self.identity) else { return };
        let topic = Topic::Csr(identity.device.clone());
        for effect in renewal.handle(now, event) {
            let request = match effect {
                identity::Effect::Ask => identity.request().map_err(|error| error.to_string()),
                identity::Effect::Expired => {
                    Err("it has expired: give the device a new provision string".to_owned())
                }
            };
            match request {
                // Lost with the link; the core asks again.
                Ok(request) => {
                    drop(self.sign.send(now, topic.clone(), "gulou.csr.v1", request).await);
                }
                Err(reason) => {
                    let event = Event::Trouble("certificate", format!("certificate: {reason}"));
                    let now = self.clock.now();
                    self.asked.extend(self.sign.handle(now, event).await);
                }
            }
        }
    }
}

impl Config {
    fn sign(&self) -> sign::Config {
        sign::Config {
            device: self.device.clone(),
            stop: self.stop.clone(),
            area: self.area.clone(),
            languages: self.languages.clone(),
            panel: self.panel,
            zone: self.zone.clone(),
            state: self.state.clone(),
            fonts: self.fonts.clone(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            seed: fastrand::u64(..),
        }
    }
}
