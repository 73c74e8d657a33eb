//! The loop of the sign: clocks, sockets and the sensor around [`pole::sign::Sign`].

use std::time::Duration;

use anyhow::Context as _;
use drivers::surface::{Memory, Surface};
use jiff::Timestamp;
use pole::sign::{self, Event, Request, Sign};
use sync::courier::LinkState;
use sync::identity::{self, Identity, Renewal};
use sync::link::{Link, LinkEvent, MqttConfig, TlsFiles};
use sync::{Clock, Mono, Topic};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::{enrolment, light};

/// No sign of this version ran before: a wall clock that says so was never set.
const CLOCK_FLOOR: &str = "2026-01-01T00:00:00Z";
/// An outbox that can't be opened (a full disk, say) is tried again this often.
const JOIN_RETRY: Duration = Duration::from_secs(30);

/// Everything that can happen to the process.
enum Happening {
    Link(LinkEvent),
    Light(Result<f64, String>),
    Enrolment(Result<Identity, String>),
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
    joined: bool,
    join_due: Mono,
}

/// Runs until a signal or an operator ends it.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let clock = Clock::new(CLOCK_FLOOR.parse::<Timestamp>().expect("the floor is a time"));
    std::fs::create_dir_all(&config.state).with_context(|| config.state.display().to_string())?;
    let surface = Surface::Memory(Memory::open(&config.surface, config.panel.size()));
    let sign = Sign::offline(config.sign(), surface, clock.now()).await?;
    let mut light = config.light.clone().map(|(serial, profile)| light::watch(serial, profile));
    let enrolment = (config.state.clone(), config.device.clone(), config.provision.clone());
    let mut enrolment = enrolment::start(enrolment.0, enrolment.1, enrolment.2, clock.clone());
    let mut stop = signal(SignalKind::terminate())?;
    let (joined, join_due) = (false, Mono::NEVER);
    let mut shell = Shell { config, clock, sign, identity: None, renewal: None, joined, join_due };
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
            () = deadline => Happening::Deadline,
            _ = stop.recv() => Happening::Stop,
            _ = tokio::signal::ctrl_c() => Happening::Stop,
        };
        if matches!(happening, Happening::Stop) || shell.handle(happening).await? {
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

impl Shell {
    /// Takes what happened; says whether to end.
    async fn handle(&mut self, happening: Happening) -> anyhow::Result<bool> {
        let now = self.clock.now();
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
            Happening::Deadline | Happening::Stop => Event::Tick,
        };
        self.join().await;
        let requests = self.sign.handle(now, event).await;
        self.renew(identity::Event::Tick).await;
        let mut end = false;
        for request in requests {
            end |= matches!(request, Request::Restart);
            self.perform(request).await;
        }
        Ok(end)
    }

    fn next_deadline(&self) -> Mono {
        let renewal = self.renewal.as_ref().map_or(Mono::NEVER, Renewal::next_deadline);
        let join = if self.joined { Mono::NEVER } else { self.join_due };
        self.sign.next_deadline().min(renewal).min(join)
    }

    /// Connects, once there is an identity to connect with.
    async fn join(&mut self) {
        let now = self.clock.now();
        let Some(identity) =
            self.identity.as_ref().filter(|_| !self.joined && self.join_due <= now.mono)
        else {
            return;
        };
        let tls = TlsFiles {
            authority: identity.authority_path(),
            certificate: identity.certificate_path(),
            key: identity.key_path(),
        };
        let url = self.config.link.broker.clone().unwrap_or_else(|| identity.broker.clone());
        let client_id = identity.device.as_str().to_owned();
        let link = Link::mqtt(MqttConfig { url, client_id, tls: Some(tls) });
        self.joined = self.sign.join(identity.tenant.clone(), link, now).await;
        self.join_due = now.mono + JOIN_RETRY;
    }

    async fn perform(&mut self, request: Request) {
        match request {
            Request::Link(state) => {
                self.renew(identity::Event::Link { up: state == LinkState::Up }).await
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
            Request::Content(_) | Request::Restart => {}
        }
    }

    /// Lets the certificate's core judge, and does what it wants.
    async fn renew(&mut self, event: identity::Event) {
        let now = self.clock.now();
        let (Some(renewal), Some(identity)) = (&mut self.renewal, &self.identity) else { return };
        for effect in renewal.handle(now, event) {
            match effect {
                identity::Effect::Ask => match identity.request() {
                    Ok(request) => {
                        let topic = Topic::Csr(identity.device.clone());
                        // Lost with the link; the core asks again.
                        let _ = self.sign.send(now, topic, "gulou.csr.v1", request).await;
                    }
                    Err(error) => tracing::warn!("certificate request: {error}"),
                },
                identity::Effect::Expired => {
                    let reason = "certificate has expired: give the device a new provision string"
                        .to_owned();
                    self.sign.handle(now, Event::Trouble("certificate", reason)).await;
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
