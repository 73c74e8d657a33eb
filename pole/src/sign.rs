//! The sign without its clock: core, painter, panel and courier as one, driven by whoever has a clock.
//!
//! The binary feeds it from sockets and sensors, `tests/city` in virtual time. It works from the first moment:
//! without a link it shows what it kept, without a disk it shows what it hears, without a panel it says so.

mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;

use drivers::surface::{Frame, Region, Surface, SurfaceError};
use jiff::tz::TimeZone;
use sync::courier::{self, Incoming, LinkState};
use sync::link::{Link, LinkError, LinkEvent};
use sync::outbox::{Draft, Limits};
use sync::stream::StreamState;
use sync::{
    Command, CommandState, Courier, CourierError, DeviceId, Envelope, Lang, Moment, Mono, Packet,
    StopId, Tenant, Timetable, Topic,
};

use crate::font::{FontError, FontList};
use crate::glass::{Effect, Event as GlassEvent, Glass, Kept, Setup};
use crate::page::Page;
use crate::paint::Painter;
use crate::panel::Panel;
use crate::timekeeper::Timekeeper;
use report::{HEALTH_EVERY, Troubles};

/// What a sign is.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its name.
    pub device: DeviceId,
    /// The stop it stands at.
    pub stop: StopId,
    /// Area whose alerts it shows.
    pub area: String,
    /// Languages in order; at least one.
    pub languages: Vec<Lang>,
    /// Its panel.
    pub panel: Panel,
    /// Time zone, until a timetable says so.
    pub zone: TimeZone,
    /// Folder of its state: outbox, last board.
    pub state: PathBuf,
    /// Folder of fonts.
    pub fonts: PathBuf,
    /// Version of the software.
    pub software: String,
    /// Random per start.
    pub seed: u64,
}

/// What can happen to a sign, besides time.
#[derive(Debug)]
pub enum Event {
    /// The link has news.
    Link(LinkEvent),
    /// Ambient light in lux, or why there is none.
    Light(Result<f64, String>),
    /// The stop's timetable as content holds it; `None` where content has none.
    Timetable(Option<Vec<u8>>),
    /// Something beside the sign is wrong, or (empty) no longer.
    Trouble(&'static str, String),
    /// A deadline was reached.
    Tick,
}

/// What the owner must do: the sign itself knows no certificates and no downloads.
#[derive(Debug)]
pub enum Request {
    /// A content manifest arrived.
    Content(Packet),
    /// A certificate arrived.
    Certificate(Packet),
    /// The link went up or down.
    Link(LinkState),
    /// An operator wants a restart.
    Restart,
}

/// The sign.
#[derive(Debug)]
pub struct Sign {
    config: Config,
    glass: Glass,
    painter: Painter,
    surface: Surface,
    courier: Option<Courier>,
    timekeeper: Timekeeper,
    /// What the panel holds; `None` while nobody knows.
    frame: Option<Frame>,
    /// A page that the panel has not taken yet.
    waiting: Option<Page>,
    /// Brightness that the panel has not taken yet.
    dim: Option<u8>,
    shown: Option<Page>,
    troubles: Troubles,
    health_due: Mono,
    started: Mono,
    frames: u64,
    requests: Vec<Request>,
}

impl Sign {
    /// A sign that has no link yet, showing what it kept before the power went.
    pub async fn offline(config: Config, surface: Surface, now: Moment) -> Result<Self, FontError> {
        let painter = Painter::open(config.panel, &FontList::shipped(), &config.fonts)?;
        let glass = Glass::new(Setup {
            stop: config.stop.clone(),
            languages: config.languages.clone(),
            panel: config.panel,
            zone: config.zone.clone(),
            ruler: painter.ruler(),
        });
        let mut sign = Self {
            config,
            glass,
            painter,
            surface,
            courier: None,
            timekeeper: Timekeeper::default(),
            frame: None,
            waiting: None,
            dim: None,
            shown: None,
            troubles: Troubles::default(),
            health_due: now.mono,
            started: now.mono,
            frames: 0,
            requests: Vec::new(),
        };
        let kept = sign.restore();
        sign.tell(now, GlassEvent::Restored(kept)).await;
        Ok(sign)
    }

    /// A sign with a link from the start.
    pub async fn open(
        config: Config,
        tenant: Tenant,
        link: Link,
        surface: Surface,
        now: Moment,
    ) -> Result<Self, FontError> {
        let mut sign = Self::offline(config, surface, now).await?;
        sign.join(tenant, link, now).await;
        Ok(sign)
    }

    /// Gives the sign its link. Where the outbox can't be opened, the fault says so and `false` is returned:
    /// try again later, the sign goes on showing what it knows.
    pub async fn join(&mut self, tenant: Tenant, link: Link, now: Moment) -> bool {
        let Config { device, stop, area, state, software, seed, .. } = self.config.clone();
        let config = courier::Config {
            tenant,
            device,
            role: "sign".to_owned(),
            software,
            stop: Some(stop.clone()),
            capabilities: vec![self.config.panel.name().to_owned()],
            areas: vec![area],
            boards: vec![stop],
            folder: state,
            limits: Limits::default(),
            seed,
        };
        match Courier::open(config, link, now).await {
            Ok(courier) => {
                self.courier = Some(courier);
                self.troubles.clear("outbox");
                true
            }
            Err(error) => {
                self.troubles.set("outbox", format!("outbox can't be opened: {error}"));
                false
            }
        }
    }

    /// The next event of the link; pends for ever without one. Cancel safe.
    pub async fn next(&mut self) -> LinkEvent {
        match &mut self.courier {
            Some(courier) => courier.next().await,
            None => std::future::pending().await,
        }
    }

    /// The next event of the link, where there is one already.
    pub fn try_next(&mut self) -> Option<LinkEvent> {
        self.courier.as_mut()?.try_next()
    }

    /// Takes what happened, does what follows, and says what only the owner can do.
    pub async fn handle(&mut self, now: Moment, event: Event) -> Vec<Request> {
        match event {
            Event::Link(event) => self.hear(now, Some(event)).await,
            Event::Light(Ok(lux)) => {
                self.troubles.clear("light");
                self.tell(now, GlassEvent::Light(lux)).await;
            }
            Event::Light(Err(reason)) => {
                self.troubles.set("light", format!("light sensor: {reason}"));
            }
            Event::Timetable(json) => self.timetable(now, json).await,
            Event::Trouble(what, reason) if reason.is_empty() => self.troubles.clear(what),
            Event::Trouble(what, reason) => self.troubles.set(what, reason),
            Event::Tick => {}
        }
        self.tick(now).await;
        std::mem::take(&mut self.requests)
    }

    /// The moment as the sign believes it: by the platform's clock where its own is wrong.
    pub fn believed(&self, now: Moment) -> Moment {
        self.timekeeper.judge(now)
    }

    /// When `handle` wants an [`Event::Tick`] at the latest.
    pub fn next_deadline(&self) -> Mono {
        let courier = self.courier.as_ref().map_or(Mono::NEVER, Courier::next_deadline);
        self.glass.next_deadline().min(courier).min(self.health_due)
    }

    /// Sends something that is no event of a stream, such as a certificate request.
    pub async fn send(
        &mut self,
        now: Moment,
        topic: Topic,
        kind: &str,
        payload: Vec<u8>,
    ) -> Result<(), LinkError> {
        match &mut self.courier {
            Some(courier) => courier.send(now, topic, kind, payload).await,
            None => Err(LinkError::Down),
        }
    }

    /// Notes which manifest of a content channel is active.
    pub fn set_content(&mut self, channel: &str, version: u64) {
        if let Some(courier) = &mut self.courier {
            courier.set_content(channel, version);
        }
    }

    /// What stands on the glass, where the panel has taken it.
    pub fn page(&self) -> Option<&Page> {
        self.shown.as_ref()
    }

    /// What the panel holds.
    pub fn frame(&self) -> Option<&Frame> {
        self.frame.as_ref()
    }

    /// What stands on the glass, as one text to be spoken.
    pub fn sentence(&self, lang: Lang) -> String {
        self.glass.sentence(lang)
    }

    /// How far each stream has come, here and at the platform.
    pub fn streams(&self) -> BTreeMap<String, StreamState> {
        self.courier.as_ref().map(Courier::streams).unwrap_or_default()
    }

    /// Frames painted since the start.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Says goodbye to the platform. The glass stays as it is.
    pub async fn close(self, now: Moment) {
        if let Some(courier) = self.courier {
            courier.close(self.timekeeper.judge(now)).await;
        }
    }

    /// Everything that is due.
    async fn tick(&mut self, now: Moment) {
        if self.courier.as_ref().is_some_and(|courier| courier.next_deadline() <= now.mono) {
            self.hear(now, None).await;
        }
        if self.glass.next_deadline() <= now.mono {
            self.tell(now, GlassEvent::Tick).await;
        }
        if self.health_due <= now.mono {
            self.health_due = now.mono + HEALTH_EVERY;
            self.report_health(now).await;
        }
    }

    /// Lets the courier take an event of the link, or do what is due.
    async fn hear(&mut self, now: Moment, event: Option<LinkEvent>) {
        let Some(courier) = &mut self.courier else { return };
        let judged = self.timekeeper.judge(now);
        let heard = match event {
            Some(event) => courier.handle(judged, event).await,
            None => courier.tick(judged).await,
        };
        match heard {
            Ok(incoming) => {
                self.troubles.clear("courier");
                for message in incoming {
                    self.take(now, message).await;
                }
            }
            Err(error) => self.troubles.set("courier", error.to_string()),
        }
    }

    async fn take(&mut self, now: Moment, message: Incoming) {
        match message {
            Incoming::Board(board) => self.tell(now, GlassEvent::Board(board)).await,
            Incoming::Alerts(alerts) if alerts.area == self.config.area => {
                self.tell(now, GlassEvent::Alerts(alerts)).await;
            }
            Incoming::Alerts(_) => {}
            Incoming::Command(command) => self.obey(now, command).await,
            Incoming::Content(packet) => self.requests.push(Request::Content(packet)),
            Incoming::Certificate(packet) => self.requests.push(Request::Certificate(packet)),
            Incoming::Time(packet) => {
                if let Ok(envelope) = Envelope::open(&packet) {
                    self.timekeeper.hear(now.mono, envelope.time, packet.retain);
                }
                self.tell(now, GlassEvent::Tick).await;
            }
            Incoming::Link(state) => self.requests.push(Request::Link(state)),
            Incoming::Refused { topic, reason } => {
                self.troubles.set("refused", format!("message on {topic} refused: {reason}"));
            }
        }
    }

    async fn timetable(&mut self, now: Moment, json: Option<Vec<u8>>) {
        let Some(json) = json else { return };
        match serde_json::from_slice::<Timetable>(&json) {
            Ok(timetable) => {
                self.troubles.clear("timetable");
                self.tell(now, GlassEvent::Timetable(timetable)).await;
            }
            Err(error) => {
                self.troubles.set("timetable", format!("timetable does not read: {error}"));
            }
        }
    }

    /// Commands a sign knows: `screenshot` answers with what stands on the glass, `restart` ends the program.
    async fn obey(&mut self, now: Moment, command: Command) {
        let judged = self.timekeeper.judge(now);
        let Some(courier) = &mut self.courier else { return };
        let known = matches!(command.kind.as_str(), "screenshot" | "restart");
        if !known {
            let reason = format!("a sign does not know {:?}", command.kind);
            let refused =
                courier.finish(judged, &command.id, CommandState::Rejected, &reason).await;
            return self.troubles.note("command", refused.map(drop));
        }
        let may_run = courier.finish(judged, &command.id, CommandState::Running, "").await;
        let running = matches!(may_run, Ok(CommandState::Running));
        self.troubles.note("command", may_run.map(drop));
        if running {
            let detail = if command.kind == "screenshot" {
                self.describe()
            } else {
                "restarting".to_owned()
            };
            let Some(courier) = &mut self.courier else { return };
            let done = courier.finish(judged, &command.id, CommandState::Done, &detail).await;
            self.troubles.note("command", done.map(drop));
            if command.kind == "restart" {
                self.requests.push(Request::Restart);
            }
        }
    }

    /// Tells the core, and does what it wants.
    async fn tell(&mut self, now: Moment, event: GlassEvent) {
        let judged = self.timekeeper.judge(now);
        let mut drafts = Vec::new();
        for effect in self.glass.handle(judged, event) {
            match effect {
                Effect::Show(page) => self.waiting = Some(*page),
                Effect::Dim(percent) => self.dim = Some(percent),
                Effect::Keep(kept) => self.keep(&kept),
            }
        }
        if self.dim.is_some() || self.waiting.is_some() {
            let presented = self.present();
            match presented {
                Ok(proof) => {
                    self.troubles.clear("panel");
                    drafts.extend(proof);
                }
                Err(error) => self.troubles.set("panel", error.to_string()),
            }
        }
        self.post(judged, drafts).await;
    }

    /// Brings brightness and page to the panel; what it does not take waits for the next second.
    fn present(&mut self) -> Result<Option<Draft>, SurfaceError> {
        if let Some(percent) = self.dim {
            self.surface.set_brightness(percent)?;
            self.dim = None;
        }
        let Some(page) = self.waiting.take() else { return Ok(None) };
        let mut frame = Frame::new(self.config.panel.size());
        self.painter.paint(&page.look, &mut frame);
        self.frames += 1;
        let damage =
            self.frame.as_ref().map_or(Region::all(&frame), |before| frame.damage_since(before));
        if let Err(error) = self.surface.present(&frame, &damage) {
            self.frame = None;
            self.waiting = Some(page);
            return Err(error);
        }
        let proof = report::proof(&page, &frame);
        self.frame = Some(frame);
        self.shown = Some(page);
        Ok(Some(proof))
    }

    fn kept_path(&self) -> PathBuf {
        self.config.state.join("glass.json")
    }

    fn keep(&mut self, kept: &Kept) {
        let json = serde_json::to_vec(kept).expect("a board has string keys only");
        let written = sync::file::replace(&self.kept_path(), &json, sync::file::SECRET);
        self.troubles
            .note("state", written.map_err(|error| format!("last board can't be kept: {error}")));
    }

    /// What was kept; a file that does not read is as good as none.
    fn restore(&mut self) -> Kept {
        let path = self.kept_path();
        let read = sync::file::read_if_there(&path).map_err(|error| error.to_string());
        let kept = read.and_then(|bytes| match bytes {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
            None => Ok(Kept::default()),
        });
        kept.unwrap_or_else(|error| {
            self.troubles.set("state", format!("{}: {error}", path.display()));
            Kept::default()
        })
    }

    async fn post(&mut self, judged: Moment, drafts: Vec<Draft>) {
        let Some(courier) = &mut self.courier else { return };
        if !drafts.is_empty() {
            let posted = courier.post(judged, drafts).await;
            self.troubles.note("post", posted.map_err(CourierError::from));
        }
    }
}

#[cfg(test)]
mod tests;
