//! The terminal: who stands in front of it, which page she sees, and when all of her is gone.

mod home;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use service::answer::{Answer, IdentityCard};
use service::catalogue::Catalogue;
use service::condition::ExpressionError;
use service::definition::{Category, Device};
use service::search::Index;
use service::text::{Language, Text};
use sync::{Moment, Mono};

use crate::devices::{Availability, Devices, State};
use crate::district::District;
use crate::flow::{self, Around, Flow, Outcome, Token};
use crate::item::Item;
use crate::leaf::Leaf;
use crate::page::{Act, Body, Mode, Page, PromptState, ShotId, Waiting};
use crate::session::{Patience, Session};
use crate::words;

/// How often a payment is asked after.
const PAYMENT_POLL: std::time::Duration = std::time::Duration::from_secs(2);

/// What can happen to a terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The citizen did something.
    Act(Act),
    /// A card lies on a reader, was read, or was taken away.
    Card(CardEvent),
    /// The scanner read a code.
    Scanned(String),
    /// A finger was read.
    Finger,
    /// The camera or the scanner took a picture, or could not.
    Shot {
        token: Token,
        shot: Option<ShotId>,
    },
    /// The platform answered.
    Answered {
        token: Token,
        outcome: Outcome,
    },
    /// The papers of an item are out, or will not come.
    Printed(Result<(), Text>),
    /// A device said how it is.
    Device(Device, State),
    /// The platform answers, or does not.
    Link(bool),
    Tick,
}

/// What a card reader says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardEvent {
    /// Something lies there and is being read.
    Reading,
    Identity(Box<IdentityCard>),
    /// The number of another card.
    Other(Waiting, String),
    Failed,
    /// The reader is empty again.
    Taken,
}

/// What the shell must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Flow(flow::Effect),
    /// Clear everything of the citizen: memory, spool, pictures, speech, the keyboard's learning.
    Wipe,
    /// Sound the alarm of a card that was left behind.
    Alarm,
}

/// How the pages are shown, until the citizen is gone.
#[expect(clippy::struct_excessive_bools, reason = "four switches that are independent")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    pub language: Language,
    pub large: bool,
    pub high_contrast: bool,
    pub reach: bool,
    pub voice: bool,
}

/// What stands over the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// "Are you still there?", so many seconds.
    StillThere { seconds: u64 },
    /// A card lies on the reader and its owner is going.
    CardLeft,
}

#[derive(Debug, Clone)]
enum View {
    Attract,
    Home,
    Categories,
    Category(Category),
    Intent(home::Intent),
    Search(String),
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
}

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
        })
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
        self.flow().and_then(Flow::awaits)
    }

    /// Takes an event.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Effect> {
        let around = self.around(now);
        let mut effects = match event {
            Event::Act(act) => self.act(now, act),
            Event::Card(card) => self.card(now, card),
            Event::Scanned(code) => self.with_flow(|flow| flow.scanned(around, &code)),
            Event::Finger if self.awaits() == Some(Waiting::Finger) => {
                self.with_flow(|flow| flow.give(around, Answer::Count(1)))
            }
            Event::Finger => vec![],
            Event::Shot { token, shot } => self.with_flow(|flow| flow.shot(around, token, shot)),
            Event::Answered { token, outcome } => {
                self.with_flow(|flow| flow.answered(around, token, outcome))
            }
            Event::Printed(result) => {
                self.printing = false;
                self.trouble = result.err();
                vec![]
            }
            Event::Device(device, state) => {
                self.devices.set(device, state);
                vec![]
            }
            Event::Link(link) => {
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
        if self.session.is_some_and(|session| session.patience(now.mono) == Patience::Over) {
            effects.extend(self.end());
        }
        effects
    }

    /// When `handle` wants a `Tick` at the latest; each second while somebody is being asked.
    pub fn next_deadline(&self, now: Moment) -> Mono {
        let Some(session) = self.session else { return Mono::NEVER };
        let second = now.mono + std::time::Duration::from_secs(1);
        let asked = match session.patience(now.mono) {
            Patience::Asking { .. } => second,
            _ => Mono::NEVER,
        };
        session.next_deadline(now.mono).min(asked).min(self.payment_due)
    }

    /// The page that stands on the glass.
    pub fn page(&self, now: Moment) -> Page {
        let language = self.modes.language;
        match &self.view {
            View::Doing(flow) => {
                let mut page = flow.page(self.around(now), language);
                if let Some(trouble) = &self.trouble {
                    page.error = Some(trouble.get(language).to_owned());
                }
                page
            }
            View::Attract => self.attract(),
            View::Home => self.home(),
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
        match self.session?.patience(now.mono) {
            Patience::Asking { left } => Some(Overlay::StillThere { seconds: left.as_secs() }),
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
        match &mut self.session {
            Some(session) => session.touch(now.mono),
            None => self.session = Some(Session::begin(now.mono)),
        }
        match act {
            Act::Finish => return self.end(),
            Act::Wake => self.view = View::Home,
            Act::MoreTime => {}
            Act::Language(language) => self.modes.language = language,
            Act::Mode(mode) => self.switch(mode),
            Act::Search(query) => self.view = View::Search(query),
            Act::Open(id) => self.open(&id),
            act => return self.flow_act(now, act),
        }
        vec![]
    }

    fn flow_act(&mut self, now: Moment, act: Act) -> Vec<Effect> {
        let around = self.around(now);
        let View::Doing(flow) = &mut self.view else {
            if act == Act::Back {
                self.view = match self.view {
                    View::Category(_) => View::Categories,
                    _ => View::Home,
                };
            }
            return vec![];
        };
        if act == Act::Next && flow.is_over() {
            self.view = View::Home;
            self.trouble = None;
            return vec![];
        }
        if let Some(effects) = flow.act(around, act) {
            return effects.into_iter().map(Effect::Flow).collect();
        }
        self.view = View::Home;
        self.trouble = None;
        vec![]
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

    fn open(&mut self, id: &str) {
        if let Some(item) = self.items.get(id) {
            let availability = self.devices.availability(item.service());
            if !matches!(availability, Availability::No { .. }) {
                let flow = Flow::open(Arc::clone(item), Arc::clone(&self.district));
                self.view = View::Doing(Box::new(flow));
                self.trouble = None;
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
            CardEvent::Other(which, number) if self.awaits() == Some(which) => {
                self.with_flow(|flow| flow.give(around, Answer::Text(number)))
            }
            CardEvent::Identity(_) | CardEvent::Other(..) | CardEvent::Taken => vec![],
        }
    }

    fn tick(&mut self, now: Moment) -> Vec<Effect> {
        if now.mono < self.payment_due {
            return vec![];
        }
        let around = self.around(now);
        self.payment_due = Mono::NEVER;
        self.with_flow(|flow| flow.poll_payment(around))
    }

    /// No budget runs while a machine makes her wait.
    fn hold(&mut self, now: Moment) {
        let held = self.printing || self.flow().is_some_and(Flow::is_held);
        if let Some(session) = &mut self.session {
            session.set_held(held, now.mono);
        }
    }

    /// The end of a citizen: nothing of her is left here, and the shell clears what it has.
    fn end(&mut self) -> Vec<Effect> {
        self.view = View::Attract;
        self.session = None;
        self.modes = Modes::default();
        self.trouble = None;
        self.printing = false;
        let alarm = self.card_lies.then_some(Effect::Alarm);
        [Effect::Wipe].into_iter().chain(alarm).collect()
    }

    fn with_flow(&mut self, step: impl FnOnce(&mut Flow) -> Vec<flow::Effect>) -> Vec<Effect> {
        let View::Doing(flow) = &mut self.view else { return vec![] };
        step(flow).into_iter().map(Effect::Flow).collect()
    }

    fn around(&self, now: Moment) -> Around {
        let today = self.zone.to_datetime(now.wall).date();
        Around { today, link: self.devices.link }
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
        }
    }
}
