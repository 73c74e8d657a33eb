//! One item, from what it needs to the paper in her hand.
//!
//! A flow walks the steps of a service: it leaves out the pages whose condition is false, fills in
//! what is known already, looks up what it needs on the way, shows all of it to be checked, and
//! asks the platform once. It knows neither the department nor the screen.

mod draft;
mod ending;
mod filling;
mod looking;
mod slots;
mod view;

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;
use service::answer::Answer;
use service::condition::Environment;
use service::definition::{Device, Service};
use service::step::{Ask, Card, Step};
use service::text::Text;

use self::draft::{Draft, Ground};
use self::looking::Wanted;
use crate::devices::Devices;
use crate::district::District;
use crate::item::Item;
use crate::known::{Answered, Known};
use crate::page::{Act, PromptState, ShotId, Waiting};
use crate::words;

/// What is true around a flow, and may change between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// The civil day in the district.
    pub today: Date,
    /// What works.
    pub devices: Devices,
}

/// Which question to the platform an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Token(pub u64);

/// What the shell must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the platform. `last` is the item itself, to be done at most once for its submission;
    /// its pictures go with it.
    Ask { token: Token, operation: String, payload: Value, last: bool, shots: Vec<ShotId> },
    /// Keep for the platform until there is a link; it is on disk before the citizen is told.
    Post { token: Token, operation: String, payload: Value, shots: Vec<ShotId> },
    /// Take a picture.
    Shoot(Token),
    /// Make and print the outputs of the item.
    Print,
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Going,
    Done,
    Kept,
    Refused,
    Unanswered,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The operation's fields.
    Returned(Value),
    /// The department says no, and why.
    Refused(Text),
    /// Nobody answered in time.
    Unanswered,
    /// Kept on disk, to be sent later.
    Kept { number: String },
}

/// Where in the item she is.
#[derive(Debug, Clone, PartialEq)]
enum At {
    Intro,
    Step(usize),
    /// Something is looked up; then the step that needs it.
    Looking {
        wanted: Wanted,
        then: usize,
    },
    Check,
    /// The item itself is on its way.
    Doing,
    Done,
    /// Kept for later.
    Kept {
        number: String,
    },
    /// The department said no.
    Refused(Text),
    /// Nobody answered; the same can be tried again.
    Unanswered(Box<At>),
}

/// One item being done.
#[derive(Debug, Clone)]
pub struct Flow {
    item: Arc<Item>,
    district: Arc<District>,
    known: Known,
    at: At,
    draft: Draft,
    error: Option<Text>,
    /// Steps shown so far, for the way back.
    path: Vec<usize>,
    /// After an edit from the checking page the way leads back to it.
    checking: bool,
    waiting: Option<Token>,
    tokens: u64,
}

impl Flow {
    /// Opens an item at the page that says what it needs. Its tokens are greater than `tokens`:
    /// what was asked for one citizen must never be taken for the next one's.
    pub fn open(item: Arc<Item>, district: Arc<District>, tokens: Token) -> Flow {
        Flow {
            item,
            district,
            known: Known::default(),
            at: At::Intro,
            draft: Draft::Nothing,
            error: None,
            path: Vec::new(),
            checking: false,
            waiting: None,
            tokens: tokens.0,
        }
    }

    /// The item.
    pub fn service(&self) -> &Service {
        self.item.service()
    }

    /// What is known so far.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The last token that was given.
    pub fn last_token(&self) -> Token {
        Token(self.tokens)
    }

    /// The device that the page waits for.
    pub fn awaits(&self) -> Option<Waiting> {
        match &self.step()?.ask {
            Ask::TapCard { .. } if matches!(self.draft, Draft::Line(_)) => Some(Waiting::Code),
            Ask::IdCard => Some(Waiting::IdCard),
            Ask::TapCard { card: Card::Social } => Some(Waiting::SocialCard),
            Ask::TapCard { card: Card::Transit } => Some(Waiting::TransitCard),
            Ask::Face => Some(Waiting::Face),
            Ask::Fingerprint => Some(Waiting::Finger),
            Ask::Code { scan: true, .. } => Some(Waiting::Code),
            _ => None,
        }
    }

    /// Whether the citizen waits for a machine, and no budget runs.
    pub fn is_held(&self) -> bool {
        matches!(self.at, At::Looking { .. } | At::Doing)
    }

    /// Whether the department has done it.
    pub fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// The number under which it waits for the network.
    pub fn kept(&self) -> Option<&str> {
        match &self.at {
            At::Kept { number } => Some(number),
            _ => None,
        }
    }

    /// Whether the item came to its end, good or bad.
    pub fn is_over(&self) -> bool {
        matches!(self.at, At::Done | At::Kept { .. } | At::Refused(_))
            || self.step().is_some_and(|step| step.ask == Ask::Stop)
    }

    /// What she did. `None` when the way back leads out of the item.
    pub fn act(&mut self, around: Around, act: Act) -> Option<Vec<Effect>> {
        self.error = None;
        Some(match act {
            // The main action of a page that looks is to take the picture.
            Act::Next if self.awaits() == Some(Waiting::Face) => {
                vec![Effect::Shoot(self.token())]
            }
            Act::Next => self.next(around),
            Act::Back => return self.back(around),
            Act::Edit(id) => {
                self.edit(around, &id);
                vec![]
            }
            Act::Shoot if self.takes_pictures() => vec![Effect::Shoot(self.token())],
            Act::Print if matches!(self.at, At::Done | At::Kept { .. }) => vec![Effect::Print],
            Act::OtherWay => {
                if let Draft::Prompt(_) = self.draft
                    && self.step().is_some_and(|step| matches!(step.ask, Ask::TapCard { .. }))
                {
                    self.draft = Draft::Line(String::new());
                }
                vec![]
            }
            act => self.change(around, &act),
        })
    }

    /// Whether a picture belongs to the page. Elsewhere its token would take the place of the one
    /// that an answer is waited for with.
    fn takes_pictures(&self) -> bool {
        let pictures = |ask: &Ask| matches!(ask, Ask::Photo { .. } | Ask::Scan { .. } | Ask::Face);
        self.step().is_some_and(|step| pictures(&step.ask))
    }

    /// Whether the page asks who she is in a way that staff may answer.
    pub fn may_be_confirmed(&self) -> bool {
        self.step().is_some_and(|step| matches!(step.ask, Ask::Face | Ask::Fingerprint))
    }

    /// Whether nothing but staff can answer the page.
    pub fn must_be_confirmed(&self, around: Around) -> bool {
        let works = |device| around.devices.works(device);
        match self.step().map(|step| &step.ask) {
            Some(Ask::Face) => !works(Device::Camera),
            Some(Ask::Fingerprint) => !works(Device::Fingerprint),
            _ => false,
        }
    }

    /// Staff looked at her and at her card.
    pub fn confirmed(&mut self, around: Around, is_she: bool) -> Vec<Effect> {
        if is_she {
            return self.give(around, Answer::Count(1));
        }
        self.error = Some(words::not_confirmed());
        vec![]
    }

    /// Whether the page is one that she may want on her telephone: what it needs, what she
    /// answered, what came of it.
    pub fn may_be_taken_along(&self) -> bool {
        matches!(self.at, At::Intro | At::Check | At::Done)
    }

    /// How far the item is.
    pub fn stage(&self) -> Stage {
        match &self.at {
            At::Done => Stage::Done,
            At::Kept { .. } => Stage::Kept,
            At::Refused(_) => Stage::Refused,
            At::Unanswered(_) => Stage::Unanswered,
            _ => Stage::Going,
        }
    }

    /// A device gave the answer of the page.
    pub fn give(&mut self, around: Around, answer: Answer) -> Vec<Effect> {
        let At::Step(index) = self.at else { return vec![] };
        self.answer(index, Answered { answer, source: None });
        self.advance(around, index + 1)
    }

    /// A device is at it, or failed; the page says so.
    pub fn prompt(&mut self, state: PromptState) {
        if let Draft::Prompt(now) = &mut self.draft {
            *now = state;
        }
    }

    /// A code was scanned: it fills the line, as if it had been typed.
    pub fn scanned(&mut self, around: Around, code: &str) -> Vec<Effect> {
        if self.awaits() != Some(Waiting::Code) {
            return vec![];
        }
        self.draft = Draft::Line(code.trim().to_owned());
        self.next(around)
    }

    /// A picture was taken.
    pub fn shot(&mut self, around: Around, token: Token, shot: Option<ShotId>) -> Vec<Effect> {
        if self.waiting != Some(token) {
            return vec![];
        }
        match (shot, self.step().map(|step| step.ask.clone())) {
            (Some(_), Some(Ask::Face)) => return self.give(around, Answer::Count(1)),
            (Some(shot), Some(ask)) => self.draft.add_shot(&ask, shot),
            _ => self.error = Some(words::camera_failed()),
        }
        vec![]
    }

    /// The platform's answer; one to an older question changes nothing.
    pub fn answered(&mut self, around: Around, token: Token, outcome: Outcome) -> Vec<Effect> {
        if self.waiting != Some(token) {
            return vec![];
        }
        self.waiting = None;
        match (self.at.clone(), outcome) {
            (At::Looking { wanted, then }, Outcome::Returned(value)) => {
                self.known.set_returned(&self.name(wanted), value);
                self.advance(around, then)
            }
            (At::Step(index), Outcome::Returned(value)) => self.paid(around, index, &value),
            (At::Step(_), _) => vec![],
            (At::Doing, Outcome::Returned(value)) => {
                let id = self.service().operation.id.clone();
                self.known.set_returned(&id, value);
                self.at = At::Done;
                vec![Effect::Print]
            }
            (At::Doing, Outcome::Kept { number }) => {
                self.at = At::Kept { number };
                vec![Effect::Print]
            }
            (_, Outcome::Refused(why)) => {
                self.at = At::Refused(why);
                vec![]
            }
            (at, Outcome::Unanswered) => {
                self.at = At::Unanswered(Box::new(at));
                vec![]
            }
            _ => vec![],
        }
    }

    fn next(&mut self, around: Around) -> Vec<Effect> {
        match self.at.clone() {
            At::Intro => self.advance(around, 0),
            At::Step(index) => self.leave(around, index),
            At::Check => self.submit(around),
            At::Unanswered(at) => self.again(around, &at),
            At::Looking { .. } | At::Doing | At::Done | At::Kept { .. } | At::Refused(_) => vec![],
        }
    }

    /// Takes the answer of a page, or says beside the field what is wrong with it.
    fn leave(&mut self, around: Around, index: usize) -> Vec<Effect> {
        match &self.item.service().steps[index].ask {
            Ask::Stop | Ask::Pay { .. } => return vec![],
            Ask::Show { .. } => {}
            _ => match self.draft.finish(self.ground(around, index)) {
                Ok(answer) => {
                    if let Draft::Shots(shots) = &self.draft {
                        let id = &self.item.service().steps[index].id;
                        self.known.set_shots(id, shots.clone());
                    }
                    match answer {
                        Some(answer) => self.answer(index, Answered { answer, source: None }),
                        None => self.skip(index),
                    }
                }
                Err(error) => {
                    self.error = Some(error);
                    return vec![];
                }
            },
        }
        self.advance(around, index + 1)
    }

    /// The first page from here on that has something to ask; then the checking page.
    fn advance(&mut self, around: Around, from: usize) -> Vec<Effect> {
        let count = self.service().steps.len();
        for index in from..count {
            if let Some(wanted) = self.unknown_lookup(index) {
                return self.look(around, wanted, index);
            }
            let environment = self.environment(around);
            if !self.item.is_asked(index, &environment) || self.is_out_of_reach(around, index) {
                self.skip(index);
                continue;
            }
            if let Some(wanted) = self.unknown_ground(index, &environment) {
                return self.look(around, wanted, index);
            }
            if self.is_filled_in(&environment, index) {
                continue;
            }
            self.enter(around, index);
            return vec![];
        }
        if let Some(wanted) = self.unknown_lookup(count) {
            return self.look(around, wanted, count);
        }
        self.checking = false;
        if self.is_worth_checking() {
            self.at = At::Check;
            return vec![];
        }
        self.submit(around)
    }

    /// A page of photographs that may stay empty is left out where there is no camera.
    fn is_out_of_reach(&self, around: Around, index: usize) -> bool {
        let step = &self.service().steps[index];
        let is_photo = matches!(step.ask, Ask::Photo { .. });
        step.optional && is_photo && !around.devices.works(Device::Camera)
    }

    fn ground(&self, around: Around, index: usize) -> Ground<'_> {
        let step = &self.item.service().steps[index];
        Ground { step, known: &self.known, district: &self.district, around }
    }

    fn environment(&self, around: Around) -> Environment {
        self.known.environment(self.service(), around.today)
    }

    fn enter(&mut self, around: Around, index: usize) {
        self.at = At::Step(index);
        if self.path.last() != Some(&index) {
            self.path.push(index);
        }
        self.draft = Draft::begin(self.ground(around, index));
    }

    fn back(&mut self, around: Around) -> Option<Vec<Effect>> {
        self.waiting = None;
        if self.at != At::Check || self.path.is_empty() {
            self.path.pop();
        }
        match (&self.at, self.path.last().copied()) {
            (At::Intro | At::Done | At::Kept { .. } | At::Refused(_), _) => None,
            (_, None) => {
                self.at = At::Intro;
                Some(vec![])
            }
            (_, Some(index)) => {
                self.enter(around, index);
                Some(vec![])
            }
        }
    }

    fn edit(&mut self, around: Around, id: &str) {
        let index = self.service().steps.iter().position(|step| step.id == id);
        if let (At::Check, Some(index)) = (&self.at, index) {
            self.checking = true;
            self.enter(around, index);
        }
    }

    fn change(&mut self, around: Around, act: &Act) -> Vec<Effect> {
        let At::Step(index) = self.at else { return vec![] };
        let mut draft = std::mem::replace(&mut self.draft, Draft::Nothing);
        draft.change(self.ground(around, index), act);
        self.draft = draft;
        vec![]
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        let token = Token(self.tokens);
        self.waiting = Some(token);
        token
    }

    fn step(&self) -> Option<&Step> {
        match self.at {
            At::Step(index) => self.item.service().steps.get(index),
            _ => None,
        }
    }
}
