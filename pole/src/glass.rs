//! The sign's core: what stands on the glass, and until when.
//!
//! It holds the last whole state it was told (board, alerts, timetable), judges how old that is, climbs
//! down the ladder, plans pages and turns them. It never reads a clock, draws a pixel or sends a byte.

pub mod brightness;
pub mod burn_in;
pub mod fallback;
pub mod freshness;
mod ladder;
pub mod paging;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sync::{Alerts, Board, Lang, Moment, Mono, StopId, Timetable};

use crate::font::Ruler;
use crate::message::{Message, Rung};
use crate::page::{Layout, Leaf, Look, Page, Setting};
use crate::panel::Panel;
use brightness::{Dimmer, Glow};
use burn_in::Wear;
use fallback::Fallback;
use freshness::{CLOCKS_DIFFER, Countdown};
use paging::{PAGE_S, Paging, Patience};

/// Boards come every few seconds; flash memory is written no more often than this.
const KEEP_EVERY: Duration = Duration::from_secs(30);
/// Most characters without a glyph that are reported.
const MISSING_MAX: usize = 16;

/// What one sign is.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The stop it stands at.
    pub stop: StopId,
    /// Languages in the order they are shown; at least one.
    pub languages: Vec<Lang>,
    /// The panel it has.
    pub panel: Panel,
    /// Where it stands, until a timetable says so.
    pub zone: TimeZone,
    /// Measures text.
    pub ruler: Ruler,
}

/// What can happen to a sign.
#[derive(Debug, Clone)]
pub enum Event {
    /// The platform's word on this stop: whole retained state.
    Board(Board),
    /// All alerts in force in the area.
    Alerts(Alerts),
    /// The stop's own timetable, from content.
    Timetable(Timetable),
    /// What was kept before the power went.
    Restored(Kept),
    /// Ambient light in lux.
    Light(f64),
    /// Time has passed.
    Tick,
}

/// What the shell must do next, in order.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Put a page on the glass.
    Show(Box<Page>),
    /// Set the brightness of the panel, 0 to 100 %.
    Dim(u8),
    /// Write this down for after the next power cut.
    Keep(Box<Kept>),
}

/// What survives a power cut.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Kept {
    board: Option<Board>,
    alerts: Option<Alerts>,
    #[serde(default)]
    wear: Wear,
}

/// A page of a set, and the rung it was planned for.
#[derive(Debug, Clone, PartialEq)]
struct Sheet {
    rung: Rung,
    leaf: Leaf,
}

/// The core.
#[derive(Debug)]
pub struct Glass {
    stop: StopId,
    languages: Vec<Lang>,
    panel: Panel,
    zone: TimeZone,
    ruler: Ruler,

    board: Option<Board>,
    alerts: Option<Alerts>,
    /// The alerts were heard since this boot, not read from disk.
    alerts_live: bool,
    fallback: Option<Fallback>,
    countdown: Countdown,
    dimmer: Dimmer,
    wear: Wear,

    paging: Paging<Sheet>,
    message: Option<Message>,
    shown: Option<Look>,
    dimmed: Option<u8>,
    kept_at: Option<Mono>,
    keep: bool,
    deadline: Mono,
}

impl Glass {
    /// A dark glass that knows nothing yet.
    pub fn new(setup: Setup) -> Self {
        let Setup { stop, languages, panel, zone, ruler } = setup;
        Self {
            stop,
            languages,
            panel,
            zone,
            ruler,
            board: None,
            alerts: None,
            alerts_live: false,
            fallback: None,
            countdown: Countdown::default(),
            dimmer: Dimmer::default(),
            wear: Wear::default(),
            paging: Paging::default(),
            message: None,
            shown: None,
            dimmed: None,
            kept_at: None,
            keep: false,
            deadline: Mono(0),
        }
    }

    /// Takes what happened and says what to do.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Effect> {
        match event {
            Event::Board(board) => self.take_board(now, board),
            Event::Alerts(alerts) => self.take_alerts(alerts, true),
            Event::Timetable(timetable) => self.take_timetable(timetable),
            Event::Restored(kept) => {
                self.wear = kept.wear;
                kept.board.into_iter().for_each(|board| self.take_board(now, board));
                kept.alerts.into_iter().for_each(|alerts| self.take_alerts(alerts, false));
                self.keep = false;
            }
            Event::Light(lux) => self.dimmer.light(now.mono, lux),
            Event::Tick => {}
        }
        self.refresh(now)
    }

    /// When `handle` wants a [`Event::Tick`] at the latest.
    pub fn next_deadline(&self) -> Mono {
        self.deadline
    }

    /// What stands on the glass, as one text to be spoken.
    pub fn sentence(&self, lang: Lang) -> String {
        self.message.as_ref().map(|message| message.sentence(lang)).unwrap_or_default()
    }

    /// Brightness of the panel, 0 to 100 %.
    pub fn brightness_percent(&self) -> Option<u8> {
        self.dimmed
    }

    /// Ambient light in lux, while a sensor says so.
    pub fn light_lux(&self, now: Mono) -> Option<f64> {
        self.dimmer.lux(now)
    }

    /// What is wrong, in plain words.
    pub fn faults(&self, now: Moment) -> Vec<String> {
        let mut faults = Vec::new();
        if now.clock_error_ms.is_none() {
            faults.push("clock is not trusted: no times are shown".to_owned());
        }
        let ahead = self.board.as_ref().map(|board| now.wall.duration_until(board.made_at));
        if let Some(ahead) = ahead.filter(|ahead| *ahead > CLOCKS_DIFFER) {
            faults.push(format!(
                "clock is {} s behind the platform's: no prediction is shown",
                ahead.as_secs()
            ));
        }
        if self.fallback.is_none() {
            faults.push("no timetable: nothing to fall back to".to_owned());
        }
        let missing = self.missing();
        if !missing.is_empty() {
            faults.push(format!("no glyph for: {missing}"));
        }
        faults
    }

    fn take_board(&mut self, now: Moment, board: Board) {
        let newer = |old: &Board| old.made_at <= board.made_at || old.expires <= now.wall;
        if board.stop != self.stop || !self.board.as_ref().is_none_or(newer) {
            return;
        }
        self.board = Some(board);
        self.keep = true;
    }

    fn take_alerts(&mut self, alerts: Alerts, live: bool) {
        // An alert must not wait for its turn to be written.
        self.kept_at = None;
        self.alerts = Some(alerts);
        self.alerts_live = live;
        self.keep = true;
    }

    fn take_timetable(&mut self, timetable: Timetable) {
        if timetable.stop != self.stop {
            return;
        }
        if let Some(fallback) = Fallback::new(timetable) {
            self.zone = fallback.zone().clone();
            self.fallback = Some(fallback);
        }
    }

    /// The characters of all that this sign was told and may have to show, but cannot draw.
    fn missing(&self) -> String {
        let board = self.board.iter().flat_map(|board| {
            board.arrivals.iter().map(|arrival| &arrival.destination).chain([&board.name])
        });
        let alerts = self.alerts.iter().flat_map(|alerts| &alerts.alerts);
        let alerts = alerts.flat_map(|alert| [&alert.headline, &alert.instruction]);
        let timetable = self.fallback.iter().map(Fallback::timetable).flat_map(|timetable| {
            timetable.lines.iter().map(|line| &line.destination).chain([&timetable.name])
        });
        let face = Layout::of(self.panel).face();
        let texts = board.chain(alerts).chain(timetable);
        let words = texts.flat_map(|text| self.languages.iter().map(|lang| text.get(*lang)));
        let missing: BTreeSet<char> =
            words.flat_map(|words| self.ruler.coverage(face, words)).collect();
        missing.into_iter().take(MISSING_MAX).collect()
    }

    fn refresh(&mut self, now: Moment) -> Vec<Effect> {
        let local = now.trusted_wall().map(|wall| self.zone.to_datetime(wall));
        let glow = self.dimmer.glow(now, local.map(jiff::civil::DateTime::time));
        self.wear.count(now.mono, self.dimmed.unwrap_or(glow.percent));

        let message = self.choose(now.trusted_wall());
        let page = self.turn(now, &message, glow);
        self.message = Some(message);

        let mut effects = Vec::new();
        if self.dimmed != Some(glow.percent) {
            self.dimmed = Some(glow.percent);
            effects.push(Effect::Dim(glow.percent));
        }
        if self.shown.as_ref() != Some(&page.look) {
            self.shown = Some(page.look.clone());
            effects.push(Effect::Show(Box::new(page)));
        }
        if self.keep && self.kept_at.is_none_or(|kept_at| now.mono.since(kept_at) >= KEEP_EVERY) {
            self.keep = false;
            self.kept_at = Some(now.mono);
            let (board, alerts, wear) =
                (self.board.clone(), self.alerts.clone(), self.wear.clone());
            effects.push(Effect::Keep(Box::new(Kept { board, alerts, wear })));
        }
        // Minutes tick and pages turn on the wall's second, on every sign at once.
        let into_second = u64::try_from(now.wall.as_millisecond().rem_euclid(1000)).unwrap_or(0);
        self.deadline = now.mono + Duration::from_millis(1000 - into_second);
        effects
    }

    /// Turns the page where it is time, and draws it.
    fn turn(&mut self, now: Moment, message: &Message, glow: Glow) -> Page {
        let local = now.trusted_wall().map(|wall| self.zone.to_datetime(wall));
        let setting = Setting { ruler: &self.ruler, languages: &self.languages, local };
        let leaves = Layout::of(self.panel).plan(message, setting).into_iter();
        let plan = leaves.map(|leaf| Sheet { rung: message.rung, leaf }).collect();
        let seconds = now.trusted_wall().map_or_else(
            || i64::try_from(now.mono.0 / 1000).unwrap_or(i64::MAX),
            jiff::Timestamp::as_second,
        );
        let turn = seconds.div_euclid(PAGE_S);
        let before = self.message.as_ref().map(|message| message.rung);
        let emergency = message.rung == Rung::Emergency || before == Some(Rung::Emergency);
        // Whoever had nothing to say does not finish saying it.
        let urgent = emergency || before == Some(Rung::NoData);
        let dead = self.paging.set().iter().any(|sheet| !sheet.leaf.lives(message));
        let patience = if urgent || dead { Patience::Urgent } else { Patience::Polite };
        if self.paging.offer(turn, plan, patience) {
            self.wear.settle(now.mono);
        }
        let pages = self.paging.set().len();
        let (place, sheet) = self.paging.page(turn).expect("every plan has a page");
        // A set that is still being shown to its end may be of another rung than the news.
        let current = sheet.rung == message.rung;
        let source = if current { message.source.as_str() } else { sheet.rung.name() };
        let look = Look {
            panel: self.panel,
            night: glow.night,
            shift: self.wear.shift(),
            marks: sheet.leaf.draw(message, setting),
        };
        Page {
            look,
            rung: sheet.rung,
            content_id: format!("{source}#{}/{pages}", place + 1),
            board_made_at: message.board_made_at.filter(|_| current),
        }
    }
}

#[cfg(test)]
mod tests;
