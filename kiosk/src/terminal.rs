//! The terminal: who stands in front of it, which page she sees, and when all of her is gone.

mod event;
mod hand_off;
mod home;
mod notices;
mod staff;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use service::answer::Answer;
use service::catalogue::Catalogue;
use service::condition::ExpressionError;
use service::definition::Category;
use service::search::Index;
use service::text::Text;
use sync::{Moment, Mono};

use crate::devices::{Availability, Devices};
use crate::diary::{Diary, Happened};
use crate::district::District;
use crate::flow::{self, Around, Flow, Stage, Token};
use crate::item::Item;
use crate::leaf::Leaf;
use crate::notice::{NOTICES_MAX, Notice};
use crate::page::{Act, Body, Mode, Page, PromptState, Waiting};
use crate::session::{Patience, Session};
use crate::staff::{Deed, Door, Roster};
use crate::words;

pub use self::event::{CardEvent, Effect, Event, Modes, Overlay};
use self::hand_off::Handing;
use self::staff::{Emblem, Staff};

/// How often a payment is asked after.
const PAYMENT_POLL: std::time::Duration = std::time::Duration::from_secs(2);

#[derive(Debug, Clone)]
enum View {
    Attract,
    Home,
    Categories,
    Category(Category),
    Intent(home::Intent),
    Search(String),
    Notices,
    Notice(String),
    Doing(Box<Flow>),
}

/// The whole terminal.
#[derive(Debug)]
pub struct Terminal {
    items: BTreeMap<String, Arc<Item>>,
    index: Index,
    district: Arc<District>,
    zone: TimeZone,
    devices: Devices,
    modes: Modes,
    view: View,
    session: Option<Session>,
    /// A card lies on the reader.
    card_lies: bool,
    /// The papers are being printed.
    printing: bool,
    /// What went wrong with them.
    trouble: Option<Text>,
    payment_due: Mono,
    notices: Vec<Notice>,
    door: Door,
    staff: Option<Staff>,
    emblem: Emblem,
    handing: Option<Handing>,
    /// She has what stands here on her telephone.
    copied: bool,
    volume: u8,
    diary: Diary,
    /// The last token that was given, to whomever.
    tokens: Token,
}

/// How loud it is until staff say otherwise, in percent.
pub const VOLUME: u8 = 60;

impl Terminal {
    /// A terminal that waits for somebody; an error names the expression that the checker did not see.
    pub fn new(
        catalogue: &Catalogue,
        district: District,
        zone: TimeZone,
    ) -> Result<Terminal, ExpressionError> {
        let items = catalogue
            .iter()
            .map(|service| Ok((service.code.clone(), Arc::new(Item::compile(service.clone())?))));
        Ok(Terminal {
            items: items.collect::<Result<_, _>>()?,
            index: Index::new(catalogue),
            district: Arc::new(district),
            zone,
            devices: Devices::default(),
            modes: Modes::default(),
            view: View::Attract,
            session: None,
            card_lies: false,
            printing: false,
            trouble: None,
            payment_due: Mono::NEVER,
            notices: Vec::new(),
            door: Door::default(),
            staff: None,
            emblem: Emblem::default(),
            handing: None,
            copied: false,
            volume: VOLUME,
            diary: Diary::default(),
            tokens: Token::default(),
        })
    }

    /// With staff who may sign on.
    #[must_use]
    pub fn with_staff(mut self, roster: Roster) -> Terminal {
        self.devices.staff = !roster.is_empty();
        self.door = Door::new(roster);
        self
    }

    /// With notices; of too many the first are kept.
    #[must_use]
    pub fn with_notices(mut self, notices: Vec<Notice>) -> Terminal {
        self.notices = notices;
        self.notices.truncate(NOTICES_MAX);
        self
    }

    /// As loud as it was before.
    #[must_use]
    pub fn with_volume(mut self, percent: u8) -> Terminal {
        self.volume = percent.min(100);
        self
    }

    /// How pages are shown.
    pub fn modes(&self) -> Modes {
        self.modes
    }

    /// The item that is being done.
    pub fn flow(&self) -> Option<&Flow> {
        match &self.view {
            View::Doing(flow) => Some(flow),
            _ => None,
        }
    }

    /// The papers of the item that has come to its end.
    pub fn leaves(&self, now: Moment) -> Vec<Leaf> {
        let papers = |flow: &Flow| flow.leaves(self.around(now), self.modes.language);
        self.flow().map_or_else(Vec::new, papers)
    }

    /// The device that the page waits for.
    pub fn awaits(&self) -> Option<Waiting> {
        match (&self.staff, &self.handing) {
            (None, None) => self.flow().and_then(Flow::awaits),
            (Some(Staff::SignOn(_)), _) => Some(Waiting::Code),
            _ => None,
        }
    }

    /// What happened lately, for staff.
    pub fn diary(&self) -> &Diary {
        &self.diary
    }

    /// Takes an event.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Effect> {
        let around = self.around(now);
        let before = self.flow().map(Flow::stage);
        let mut effects = match event {
            Event::Act(act) => self.act(now, act),
            Event::Card(card) => self.card(now, card),
            Event::Scanned(code) if self.staff_card(now, code.trim()) => vec![],
            Event::Scanned(code) => self.with_flow(|flow| flow.scanned(around, &code)),
            Event::Finger if self.awaits() == Some(Waiting::Finger) => {
                self.with_flow(|flow| flow.give(around, Answer::Count(1)))
            }
            Event::Finger => vec![],
            Event::Shot { token, shot } => self.with_flow(|flow| flow.shot(around, token, shot)),
            Event::Answered { token, outcome } => {
                self.with_flow(|flow| flow.answered(around, token, outcome))
            }
            // What comes out late is nothing to who stands there now.
            Event::Printed(_) if !self.printing => vec![],
            Event::Printed(result) => {
                let what = if result.is_ok() { Happened::Printed } else { Happened::NotPrinted };
                self.note(now, what);
                self.printing = false;
                self.trouble = result.err();
                vec![]
            }
            Event::HandedOff { token, result } => {
                self.handed_off(now, token, result);
                vec![]
            }
            Event::Device(device, state) => {
                if self.devices.set(device, state) {
                    self.diary.write(now.wall, Happened::Device(device, state), None);
                }
                vec![]
            }
            Event::Link(link) => {
                if self.devices.link != link {
                    self.diary.write(now.wall, Happened::Link(link), None);
                }
                self.devices.link = link;
                vec![]
            }
            Event::Tick => self.tick(now),
        };
        self.printing |= effects.contains(&Effect::Flow(flow::Effect::Print));
        self.hold(now);
        if self.flow().is_some_and(Flow::is_paying) {
            self.payment_due = self.payment_due.min(now.mono + PAYMENT_POLL);
        } else {
            self.payment_due = Mono::NEVER;
        }
        self.note_stage(now, before);
        if self.session.is_some_and(|session| session.patience(now.mono) == Patience::Over) {
            effects.extend(self.end(now, Happened::TimedOut));
        }
        effects
    }

    /// When `handle` wants a `Tick` at the latest; each second while somebody is being asked.
    pub fn next_deadline(&self, now: Moment) -> Mono {
        let Some(session) = self.session else { return self.emblem.until };
        let second = now.mono + std::time::Duration::from_secs(1);
        let asked = match session.patience(now.mono) {
            Patience::Asking { .. } | Patience::LastCall { .. } => second,
            _ => Mono::NEVER,
        };
        session.next_deadline(now.mono).min(asked).min(self.payment_due)
    }

    /// The page that stands on the glass.
    pub fn page(&self, now: Moment) -> Page {
        if let Some(staff) = &self.staff {
            return self.staff_page(staff);
        }
        if let Some(handing) = &self.handing {
            return self.handing_page(handing);
        }
        let around = self.around(now);
        match &self.view {
            View::Doing(flow) => self.with_offers(now, flow.page(around, self.modes.language)),
            View::Attract => self.attract(),
            View::Home => self.home(around.today),
            View::Notices => self.notice_list(around.today),
            View::Notice(id) => self.notice_page(id),
            View::Categories => self.categories(),
            View::Category(category) => {
                self.list(|item| item.service().category == *category, None)
            }
            View::Intent(intent) => self.list(|item| intent.holds(item.service()), None),
            View::Search(query) => self.found(query),
        }
    }

    /// What stands over the page: a card left behind, then the question whether she is there.
    pub fn overlay(&self, now: Moment) -> Option<Overlay> {
        if self.card_lies && self.session.is_none() {
            return Some(Overlay::CardLeft);
        }
        let session = self.session?;
        match session.patience(now.mono) {
            Patience::Asking { left } => Some(Overlay::StillThere { seconds: left.as_secs() }),
            Patience::LastCall { left } if !session.has_heard() => {
                Some(Overlay::LastCall { seconds: left.as_secs() })
            }
            _ => None,
        }
    }

    /// How much of the step's time is left, 1 to 0, for the quiet line.
    pub fn time_left(&self, now: Moment) -> f32 {
        match self.session.map(|session| session.patience(now.mono)) {
            Some(Patience::Quiet { left, budget }) => left.as_secs_f32() / budget.as_secs_f32(),
            Some(Patience::Asking { .. }) => 0.0,
            _ => 1.0,
        }
    }

    fn act(&mut self, now: Moment, act: Act) -> Vec<Effect> {
        if act == Act::Emblem {
            self.emblem(now);
            return vec![];
        }
        self.touch(now);
        match act {
            Act::Finish => return self.end(now, Happened::Ended),
            Act::Wake => self.view = View::Home,
            Act::MoreTime => {}
            Act::Language(language) => self.modes.language = language,
            Act::Mode(mode) => self.switch(mode),
            act if self.staff.is_some() => return self.staff_act(now, &act),
            act if self.handing.is_some() => return self.handing_act(now, &act),
            Act::HandOff => return self.hand_off(now),
            Act::Next if self.copies_first(now) => return self.hand_off(now),
            Act::Search(query) => self.view = View::Search(query),
            Act::Open(id) => self.open(now, &id),
            act => return self.flow_act(now, act),
        }
        vec![]
    }

    /// Somebody did something, who may be new.
    fn touch(&mut self, now: Moment) {
        self.emblem = Emblem::default();
        let Some(session) = &mut self.session else {
            self.session = Some(Session::begin(now.mono));
            self.diary.write(now.wall, Happened::Began, None);
            return;
        };
        session.touch(now.mono);
    }

    fn flow_act(&mut self, now: Moment, act: Act) -> Vec<Effect> {
        let around = self.around(now);
        let by_staff = self.flow().is_some_and(|flow| match act {
            Act::OtherWay => flow.may_be_confirmed(),
            Act::Next => flow.must_be_confirmed(around),
            _ => false,
        });
        if by_staff && self.devices.staff {
            self.call_staff();
            return vec![];
        }
        let View::Doing(flow) = &mut self.view else {
            if act == Act::Back {
                self.view = match self.view {
                    View::Category(_) => View::Categories,
                    View::Notice(_) => View::Notices,
                    _ => View::Home,
                };
            }
            return vec![];
        };
        let leaves = act == Act::Next && flow.is_over();
        if act == Act::Print {
            self.trouble = None;
        }
        let went_on = if leaves { None } else { flow.act(around, act) };
        self.tokens = self.tokens.max(flow.last_token());
        let Some(effects) = went_on else {
            self.leave();
            return vec![];
        };
        effects.into_iter().map(Effect::Flow).collect()
    }

    /// Out of an item, back home.
    fn leave(&mut self) {
        self.view = View::Home;
        self.trouble = None;
        self.copied = false;
    }

    fn switch(&mut self, mode: Mode) {
        let flag = match mode {
            Mode::Large => &mut self.modes.large,
            Mode::HighContrast => &mut self.modes.high_contrast,
            Mode::Reach => &mut self.modes.reach,
            Mode::Voice => &mut self.modes.voice,
        };
        *flag = !*flag;
        let unhurried = self.modes.large || self.modes.voice || self.modes.reach;
        if let Some(session) = &mut self.session {
            session.set_unhurried(unhurried);
        }
    }

    fn open(&mut self, now: Moment, id: &str) {
        if let Some(item) = self.items.get(id) {
            let availability = self.devices.availability(item.service());
            if !matches!(availability, Availability::No { .. }) {
                let district = Arc::clone(&self.district);
                let flow = Flow::open(Arc::clone(item), district, self.tokens);
                self.leave();
                self.view = View::Doing(Box::new(flow));
                self.note(now, Happened::Opened);
            }
        } else if id == "notices:" {
            self.view = View::Notices;
        } else if let Some(notice) = id.strip_prefix("notice:") {
            if self.notices.iter().any(|known| known.id == notice) {
                self.view = View::Notice(notice.to_owned());
            }
        } else if id == "search:" {
            self.view = View::Search(String::new());
        } else if id == "categories:" {
            self.view = View::Categories;
        } else if let Some(category) = home::category(id) {
            self.view = View::Category(category);
        } else if let Some(intent) = home::Intent::of(id) {
            self.view = View::Intent(intent);
        }
    }

    fn card(&mut self, now: Moment, card: CardEvent) -> Vec<Effect> {
        let around = self.around(now);
        self.card_lies = !matches!(card, CardEvent::Taken);
        match card {
            CardEvent::Reading => self.with_flow(|flow| {
                flow.prompt(PromptState::Reading);
                vec![]
            }),
            CardEvent::Failed => self.with_flow(|flow| {
                flow.prompt(PromptState::Failed);
                vec![]
            }),
            CardEvent::Identity(card) if self.awaits() == Some(Waiting::IdCard) => {
                self.with_flow(|flow| flow.give(around, Answer::Card(Some(card))))
            }
            CardEvent::Other(_, number) if self.staff_card(now, &number) => vec![],
            CardEvent::Other(which, number) if self.awaits() == Some(which) => {
                self.with_flow(|flow| flow.give(around, Answer::Text(number)))
            }
            CardEvent::Identity(_) | CardEvent::Other(..) | CardEvent::Taken => vec![],
        }
    }

    fn tick(&mut self, now: Moment) -> Vec<Effect> {
        if now.mono >= self.emblem.until {
            // One touch of the emblem means to begin, like a touch of anything else.
            self.touch(now);
            self.view = View::Home;
            return vec![];
        }
        if now.mono < self.payment_due {
            return vec![];
        }
        let around = self.around(now);
        self.payment_due = Mono::NEVER;
        self.with_flow(|flow| flow.poll_payment(around))
    }

    /// No budget runs while a machine makes her wait.
    fn hold(&mut self, now: Moment) {
        let making = matches!(self.handing, Some(Handing::Making(_)));
        let held = self.printing || making || self.flow().is_some_and(Flow::is_held);
        if let Some(session) = &mut self.session {
            session.set_held(held, now.mono);
        }
    }

    /// The end of a citizen: nothing of her is left here, and the shell clears what it has.
    fn end(&mut self, now: Moment, why: Happened) -> Vec<Effect> {
        let audit = match self.staff.take() {
            Some(Staff::Inside { who, .. } | Staff::Confirm { who, .. }) => {
                Some(self.audit(now, Some(who), Deed::SignedOff, None))
            }
            _ => None,
        };
        if self.session.is_some() {
            self.diary.write(now.wall, why, None);
        }
        self.leave();
        self.view = View::Attract;
        self.session = None;
        self.modes = Modes::default();
        self.printing = false;
        self.handing = None;
        self.emblem = Emblem::default();
        let alarm = self.card_lies.then_some(Effect::Alarm);
        if alarm.is_some() {
            self.diary.write(now.wall, Happened::CardLeft, None);
        }
        audit.into_iter().chain([Effect::Wipe]).chain(alarm).collect()
    }

    /// Writes down what happened to the item that is being done.
    fn note(&mut self, now: Moment, what: Happened) {
        let item = self.flow().map(|flow| flow.service().code.clone());
        self.diary.write(now.wall, what, item);
    }

    /// Writes down when an item has come to its end.
    fn note_stage(&mut self, now: Moment, before: Option<Stage>) {
        let stage = self.flow().map(Flow::stage);
        if stage == before {
            return;
        }
        match stage {
            Some(Stage::Done) => self.note(now, Happened::Done),
            Some(Stage::Kept) => self.note(now, Happened::Kept),
            Some(Stage::Refused) => self.note(now, Happened::Refused),
            Some(Stage::Unanswered) => self.note(now, Happened::Unanswered),
            Some(Stage::Going) | None => {}
        }
    }

    fn with_flow(&mut self, step: impl FnOnce(&mut Flow) -> Vec<flow::Effect>) -> Vec<Effect> {
        let View::Doing(flow) = &mut self.view else { return vec![] };
        let effects = step(flow).into_iter().map(Effect::Flow).collect();
        self.tokens = self.tokens.max(flow.last_token());
        effects
    }

    fn around(&self, now: Moment) -> Around {
        let today = self.zone.to_datetime(now.wall).date();
        Around { today, devices: self.devices }
    }

    fn attract(&self) -> Page {
        Page {
            title: words::welcome().get(self.modes.language).to_owned(),
            help: words::touch_to_start().get(self.modes.language).to_owned(),
            speech: None,
            body: Body::Attract,
            error: None,
            progress: None,
            back: false,
            main: None,
            finish: false,
            also: vec![],
        }
    }
}
