//! The shell: takes what fingers, devices and the platform do, asks the terminal, and does what it says.

mod pad;

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use jiff::tz::TimeZone;
use kiosk::district::District;
use kiosk::flow::{self, Outcome, Token};
use kiosk::notice::Notice;
use kiosk::page::{Act, Body, ShotId, Waiting};
use kiosk::sheet::Sheet;
use kiosk::staff::Roster;
use kiosk::terminal::{Effect, Event, Terminal};
use kiosk::words;
use screen::fonts::{self, Fonts};
use screen::{Clock as ScreenClock, PadRoute, Screen};
use service::catalogue::Catalogue;
use service::text::Language;
use slint::{ComponentHandle as _, Global as _};
use sync::{Clock, Moment, Mono};
use uuid::Uuid;

use crate::album::Album;
use crate::config::Config;
use crate::devices::{self, Request};
use crate::glass::{self, Glass};
use crate::hands::{Done, Hands};
use crate::mirror::Mirror;
use crate::print::{self, Job};
use crate::speech::{self, Speech};
use crate::ui::{App, Hall};
use crate::wire::{self, Errand, Errands, News, Order};

/// The clock of the top band is looked at so often.
const LOOK: Duration = Duration::from_secs(5);

/// No terminal of this version ran before: a wall clock that says so was never set.
const CLOCK_FLOOR: &str = "2026-01-01T00:00:00Z";

/// What a terminal is put together from.
#[derive(Debug)]
pub struct Parts {
    pub screen: Screen,
    /// Name of the hall.
    pub place: String,
    pub catalogue: Catalogue,
    pub district: District,
    pub zone: TimeZone,
    pub watch: Watch,
    pub devices: devices::Ends,
    /// None where the terminal stands alone.
    pub wire: Option<wire::Ends>,
    /// None where nothing is printed.
    pub print: Option<print::Ends>,
    /// Where the glass is told in words.
    pub mirror: Option<Mirror>,
}

/// Where the terminal's time comes from.
#[derive(Debug, Clone)]
pub enum Watch {
    /// The machine.
    System(Clock),
    /// Whoever holds the other end: tests advance it.
    Manual(Rc<Cell<Moment>>),
}

/// Everything that hangs together at the terminal.
#[derive(Debug)]
pub struct Desk {
    screen: Screen,
    glass: Glass,
    hands: Hands,
    speech: Speech,
    terminal: Terminal,
    district: District,
    watch: Watch,
    zone: TimeZone,
    app: Window,
    wire: Option<wire::Ends>,
    print: Option<print::Ends>,
    mirror: Option<Mirror>,
    devices: devices::Ends,
    awaited: Option<Waiting>,
    /// Of the pages' own words.
    spoken: Language,
    /// Pictures of the citizen who stands there.
    album: Album,
    /// Who brings her pages to her telephone, and audits to the platform.
    errands: Option<Errands>,
    /// Names what this citizen submits: asked again, it is the same submission.
    submission: Uuid,
}

/// The component, which has no `Debug` of its own.
struct Window(App);

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl Watch {
    fn now(&self) -> Moment {
        match self {
            Watch::System(clock) => clock.now(),
            Watch::Manual(moment) => moment.get(),
        }
    }
}

impl Desk {
    /// Opens the glass and the devices that a configuration names.
    pub fn open(config: Config) -> anyhow::Result<Desk> {
        let surface = config.surface()?;
        let screen = Screen::open(surface, config.mounting, config.sources(), ScreenClock::System)?;
        let clock = Clock::new(CLOCK_FLOOR.parse().expect("the floor is a time"));
        let waker = screen.waker();
        let wire = config.wire.map(|it| wire::start(it, clock.clone(), waker.clone()));
        let (wire, registry, errands) = match wire.transpose()? {
            Some((wire, registry, errands)) => (Some(wire), Some(registry), Some(errands)),
            None => (None, None, None),
        };
        let album = Album::default();
        let print = config
            .printers
            .map(|it| print::start(it, registry, clock.clone(), waker.clone()))
            .transpose()?;
        let mut desk = Desk::new(Parts {
            print,
            mirror: config.outline.map(Mirror::new),
            devices: devices::start(config.cables, album.clone(), waker)?,
            wire,
            screen,
            place: config.place,
            catalogue: config.catalogue,
            district: config.district,
            zone: config.zone,
            watch: Watch::System(clock),
        })?;
        (desk.album, desk.errands) = (album, errands);
        Ok(desk.with(config.staff, config.notices))
    }

    /// Puts a terminal together that waits for somebody.
    pub fn new(parts: Parts) -> anyhow::Result<Desk> {
        Fonts::install(Path::new(fonts::ROOT))?;
        let app = App::new()?;
        Hall::get(&app).set_place(parts.place.into());
        app.show()?;
        let terminal = Terminal::new(&parts.catalogue, parts.district.clone(), parts.zone.clone())?;
        Ok(Desk {
            hands: Hands::on(&app),
            speech: Speech::on(&app),
            devices: parts.devices,
            wire: parts.wire,
            print: parts.print,
            mirror: parts.mirror,
            awaited: None,
            spoken: Language::default(),
            album: Album::default(),
            errands: None,
            submission: Uuid::new_v4(),
            screen: parts.screen,
            glass: Glass::default(),
            terminal,
            district: parts.district,
            watch: parts.watch,
            zone: parts.zone,
            app: Window(app),
        })
    }

    /// With staff who may sign on, and notices on the home page.
    #[must_use]
    pub fn with(mut self, roster: Roster, notices: Vec<Notice>) -> Desk {
        self.terminal = self.terminal.with_staff(roster).with_notices(notices);
        self
    }

    /// Takes turns until the system ends the program.
    pub fn run(mut self) -> anyhow::Result<()> {
        loop {
            let now = self.watch.now();
            let deadline = self.terminal.next_deadline(now);
            let wait =
                if deadline == Mono::NEVER { LOOK } else { deadline.since(now.mono).min(LOOK) };
            self.turn(wait)?;
        }
    }

    /// One turn: shows what stands there, waits so long for anything to happen, and takes it in.
    pub fn turn(&mut self, wait: Duration) -> anyhow::Result<()> {
        self.show();
        self.screen.refresh();
        if let Some(mirror) = &mut self.mirror {
            mirror.follow(&self.screen);
        }
        for event in self.screen.turn(Some(wait))? {
            self.heard(event);
        }
        while let Some(done) = self.hands.take() {
            self.done(done);
        }
        self.hear();
        self.take(Event::Tick);
        Ok(())
    }

    /// The glass, for remote views and tests.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// What is to be spoken.
    pub fn speech(&self) -> &Speech {
        &self.speech
    }

    /// The core, to be looked at.
    pub fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// What the other threads have to say.
    fn hear(&mut self) {
        while let Ok(event) = self.devices.news.try_recv() {
            self.take(event);
        }
        while let Some(Ok(news)) = self.wire.as_ref().map(|wire| wire.news.try_recv()) {
            self.take(match news {
                News::Link(link) => Event::Link(link),
                News::Answered(token, outcome) => Event::Answered { token, outcome },
                News::HandedOff(token, result) => Event::HandedOff { token, result },
            });
        }
        while let Some(Ok(news)) = self.print.as_ref().map(|print| print.news.try_recv()) {
            match news {
                print::News::Event(event) => self.take(event),
                print::News::Copy(token, pdf) => self.copied(token, pdf),
            }
        }
        let awaited = self.terminal.awaits();
        if awaited != self.awaited {
            self.awaited = awaited;
            self.request(Request::Await(awaited));
        }
    }

    fn show(&mut self) {
        let now = self.watch.now();
        let modes = self.terminal.modes();
        self.speak_in(modes.language);
        let page = self.terminal.page(now);
        let overlay = self.terminal.overlay(now);
        let hall = Hall::get(&self.app.0);
        let (date, time) = glass::clock(self.zone.to_datetime(now.wall), modes.language);
        hall.set_date(date.into());
        hall.set_time(time.into());
        hall.set_remaining(self.terminal.time_left(now));
        self.speech.show(&page, modes.language);
        hall.set_voice(modes.voice);
        hall.set_spoken(if modes.voice { self.speech.caption() } else { String::new() }.into());
        self.glass.show(&self.app.0, page, overlay, modes, &self.district, &self.album);
        let typing = self.glass.is_typing();
        self.screen.pad_route().set(if typing { PadRoute::Program } else { PadRoute::Focus });
    }

    fn done(&mut self, done: Done) {
        let now = self.watch.now();
        match done {
            Done::Act(act) => self.take(Event::Act(act)),
            Done::Turn { part, by } => self.turn_date(now, part, by),
            Done::List(by) => self.glass.turn(by),
            Done::Offer(at) => {
                if let Some(offer) = self.terminal.page(now).also.get(at) {
                    self.take(Event::Act(offer.act.clone()));
                }
            }
            Done::Point(x, y) => {
                let (lat, lon) = self.district.at_map(x, y);
                self.take(Event::Act(Act::SetPlace(lat, lon)));
            }
            Done::Language => {
                let language = self.terminal.modes().language.other();
                self.take(Event::Act(Act::Language(language)));
            }
            Done::Key(key) => {
                self.speech.say(speech::key(&key, self.terminal.modes().language));
            }
            Done::Typing(typing) => {
                self.glass.set_typing(typing);
                if typing {
                    let language = self.terminal.modes().language;
                    let layout = Glass::layout(&self.terminal.page(now), language);
                    self.hands.lay_keys(&self.app.0, layout);
                }
            }
        }
    }

    /// The pages' own words follow the language, whoever changed it.
    fn speak_in(&mut self, language: Language) {
        if std::mem::replace(&mut self.spoken, language) == language {
            return;
        }
        let (bundled, other) = match language {
            Language::Chinese => ("", "English"),
            Language::English => ("en", "中文"),
        };
        if let Err(error) = slint::select_bundled_translation(bundled) {
            tracing::error!("the pages do not speak {language:?}: {error}");
        }
        Hall::get(&self.app.0).set_other_language(other.into());
    }

    fn turn_date(&mut self, now: Moment, part: i32, by: i32) {
        let Body::Date(field) = self.terminal.page(now).body else { return };
        let (year, month, day) = field.turned(part, by, self.zone.to_datetime(now.wall).date());
        self.take(Event::Act(Act::SetDate(year, month, day)));
    }

    fn take(&mut self, event: Event) {
        let now = self.watch.now();
        for effect in self.terminal.handle(now, event) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Flow(flow::Effect::Ask { token, operation, payload, last, shots }) => {
                // A lookup is a question of its own; the item itself is asked once, however often.
                let id = if last { self.submission } else { Uuid::new_v4() };
                self.order((token, id), operation, payload, &shots, false);
            }
            Effect::Flow(flow::Effect::Post { token, operation, payload, shots }) => {
                self.order((token, self.submission), operation, payload, &shots, true);
            }
            Effect::Flow(flow::Effect::Shoot(token)) => self.request(Request::Shoot(token)),
            Effect::Flow(flow::Effect::Print) => {
                self.submission = Uuid::new_v4();
                self.print();
            }
            Effect::Wipe => {
                self.submission = Uuid::new_v4();
                self.hands.forget();
                self.album.wipe();
                self.glass.forget(&self.app.0);
                self.speech.forget();
            }
            Effect::HandOff { token, sheet, papers } => self.hand_off(token, sheet, papers),
            Effect::Audit(audit) => {
                if !self.send(Errand::Audit(audit)) {
                    tracing::warn!("what staff did is not sent: there is no platform");
                }
            }
            // Alarm and volume are heard once the terminal has a voice; until then the glass says it.
            // Printers and readers say by themselves how they are.
            Effect::Alarm | Effect::Volume(_) | Effect::Recheck => {}
        }
    }

    fn order(
        &mut self,
        (token, id): (Token, Uuid),
        operation: String,
        payload: serde_json::Value,
        shots: &[ShotId],
        keep: bool,
    ) {
        let service = self.terminal.flow().map(|flow| flow.service().code.clone());
        let serde_json::Value::Object(mut answers) = payload else { return };
        self.album.attach(&mut answers, shots, keep);
        let service = service.unwrap_or_default();
        let order = Order { token, id, service, operation, answers, keep };
        let sent = self.wire.as_ref().is_some_and(|wire| wire.orders.try_send(order).is_ok());
        if !sent {
            self.take(Event::Answered { token, outcome: Outcome::Unanswered });
        }
    }

    /// What stands on the glass goes to her telephone: as a paper where there is one, else as words.
    fn hand_off(&mut self, token: Token, sheet: Sheet, papers: bool) {
        let leaves = self.terminal.leaves(self.watch.now());
        if papers && !leaves.is_empty() && self.print_job(Job::Copy(token, leaves)) {
            return;
        }
        let language = self.terminal.modes().language;
        self.send_to_telephone(token, Errand::HandOff { token, sheet, language });
    }

    /// The copy of a paper is set, or can't be.
    fn copied(&mut self, token: Token, pdf: Option<Vec<u8>>) {
        match pdf {
            Some(pdf) => self.send_to_telephone(token, Errand::Copy { token, pdf }),
            None => self.take(Event::HandedOff { token, result: Err(words::code_failed()) }),
        }
    }

    fn send_to_telephone(&mut self, token: Token, errand: Errand) {
        if !self.send(errand) {
            self.take(Event::HandedOff { token, result: Err(words::code_failed()) });
        }
    }

    /// Whether the printers take it.
    fn print_job(&self, job: Job) -> bool {
        self.print.as_ref().is_some_and(|print| print.jobs.try_send(job).is_ok())
    }

    /// Whether somebody goes.
    fn send(&self, errand: Errand) -> bool {
        self.errands.as_ref().is_some_and(|errands| errands.try_send(errand).is_ok())
    }

    /// Hands the papers of the item to the printers.
    fn print(&mut self) {
        let leaves = self.terminal.leaves(self.watch.now());
        if leaves.is_empty() {
            self.take(Event::Printed(Ok(())));
            return;
        }
        if !self.print_job(Job::Print(leaves)) {
            self.take(Event::Printed(Err(words::no_printer())));
        }
    }

    /// A thread that is too busy to listen hears it with the next page.
    fn request(&self, request: Request) {
        if let Err(error) = self.devices.requests.try_send(request) {
            tracing::error!("the devices do not listen: {error}");
        }
    }
}
