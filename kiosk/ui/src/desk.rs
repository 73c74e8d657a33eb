//! The shell: takes what fingers, devices and the platform do, asks the terminal, and does what it says.

use std::path::Path;
use std::time::Duration;

use kiosk::district::District;
use kiosk::page::{Act, Body};
use kiosk::terminal::{Effect, Event, Terminal};
use screen::fonts::{self, Fonts};
use screen::{Clock as ScreenClock, Screen};
use service::text::Language;
use slint::{ComponentHandle as _, Global as _};
use sync::{Clock, Moment, Mono};

use crate::config::Config;
use crate::glass::{self, Glass};
use crate::hands::{self, Done, Hands};
use crate::ui::{App, Hall};

/// The clock of the top band is looked at so often.
const LOOK: Duration = Duration::from_secs(5);

/// Everything that hangs together at the terminal.
#[derive(Debug)]
pub(crate) struct Desk {
    screen: Screen,
    glass: Glass,
    hands: Hands,
    terminal: Terminal,
    district: District,
    clock: Clock,
    zone: jiff::tz::TimeZone,
    app: Window,
}

/// The component, which has no `Debug` of its own.
struct Window(App);

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl Desk {
    /// Opens the glass and the devices.
    pub(crate) fn open(config: Config) -> anyhow::Result<Desk> {
        let surface = config.surface()?;
        let screen = Screen::open(surface, config.mounting, config.sources(), ScreenClock::System)?;
        Fonts::install(Path::new(fonts::ROOT))?;
        let app = App::new()?;
        Hall::get(&app).set_place(config.place.into());
        app.show()?;
        let hands = Hands::on(&app);
        let terminal =
            Terminal::new(&config.catalogue, config.district.clone(), config.zone.clone())?;
        Ok(Desk {
            screen,
            glass: Glass::default(),
            hands,
            terminal,
            district: config.district,
            clock: Clock::new(jiff::Timestamp::UNIX_EPOCH),
            zone: config.zone,
            app: Window(app),
        })
    }

    /// Takes turns until the system ends the program.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        loop {
            self.show();
            let now = self.clock.now();
            let deadline = self.terminal.next_deadline(now);
            let wait =
                if deadline == Mono::NEVER { LOOK } else { deadline.since(now.mono).min(LOOK) };
            for event in self.screen.turn(Some(wait))? {
                if let screen::Event::Code(code) = event {
                    self.take(Event::Scanned(code));
                }
            }
            while let Some(done) = self.hands.take() {
                self.done(done);
            }
            self.take(Event::Tick);
        }
    }

    fn show(&mut self) {
        let now = self.clock.now();
        let modes = self.terminal.modes();
        let page = self.terminal.page(now);
        let overlay = self.terminal.overlay(now);
        let hall = Hall::get(&self.app.0);
        let (date, time) = glass::clock(self.zone.to_datetime(now.wall), modes.language);
        hall.set_date(date.into());
        hall.set_time(time.into());
        hall.set_remaining(self.terminal.time_left(now));
        self.glass.show(&self.app.0, page, overlay, modes, &self.district);
    }

    fn done(&mut self, done: Done) {
        let now = self.clock.now();
        match done {
            Done::Act(act) => self.take(Event::Act(act)),
            Done::Turn { part, by } => self.turn_date(now, part, by),
            Done::List(by) => self.glass.turn(by),
            Done::Point(x, y) => {
                let (lat, lon) = self.district.at_map(x, y);
                self.take(Event::Act(Act::SetPlace(lat, lon)));
            }
            Done::Language => self.change_language(),
            Done::Typing(typing) => {
                self.glass.set_typing(typing);
                if typing {
                    self.hands.lay_keys(&self.app.0, Glass::layout(&self.terminal.page(now)));
                }
            }
        }
    }

    fn change_language(&mut self) {
        let language = hands::other(self.terminal.modes().language);
        self.take(Event::Act(Act::Language(language)));
        self.speak_in(language);
    }

    /// The pages' own words change with the language.
    fn speak_in(&self, language: Language) {
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
        let now = self.clock.now();
        for effect in self.terminal.handle(now, event) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Wipe => {
                self.hands.forget();
                self.speak_in(Language::Chinese);
            }
            Effect::Alarm | Effect::Flow(_) => {}
        }
    }
}
