//! One item, from what it needs to the paper in her hand.
//!
//! A flow walks the steps of a service: it leaves out the pages whose condition is false, fills in
//! what is known already, looks up what it needs on the way, shows all of it to be checked, and
//! asks the platform once. It knows neither the department nor the screen.

mod draft;
mod slots;
mod view;

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Value, json};
use service::answer::{Answer, Payment};
use service::condition::Environment;
use service::definition::{Form, Kind, Offline, Operation, Output, Service};
use service::step::{Ask, Card, Step};
use service::text::Text;

use self::draft::{Draft, Ground};
use crate::district::District;
use crate::item::Item;
use crate::known::{Answered, Known, is_checked};
use crate::page::{Act, PromptState, ShotId, Waiting};
use crate::words;

/// What is true around a flow, and may change between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// The civil day in the district.
    pub today: Date,
    /// Whether the platform answers.
    pub link: bool,
}

/// Which question to the platform an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// What the shell must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the platform. `last` is the item itself, to be done at most once for its submission.
    Ask { token: Token, operation: String, payload: Value, last: bool },
    /// Keep for the platform until there is a link; it is on disk before the citizen is told.
    Post { token: Token, operation: String, payload: Value },
    /// Take a picture.
    Shoot(Token),
    /// Make and print the outputs of the item.
    Print,
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

/// What is asked of the platform on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// One of the service's own lookups.
    Lookup(usize),
    /// Her electronic certificates.
    Certificates,
    /// Days and times that are free.
    Slots { days: u8 },
    /// A code to pay with.
    Payment { amount_fen: i64 },
    /// Whether it was paid.
    Paid,
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
    /// Opens an item at the page that says what it needs.
    pub fn open(item: Arc<Item>, district: Arc<District>) -> Flow {
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
            tokens: 0,
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

    /// The device that the page waits for.
    pub fn awaits(&self) -> Option<Waiting> {
        match &self.step()?.ask {
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
            Act::Shoot => vec![Effect::Shoot(self.token())],
            Act::Print if self.at == At::Done => vec![Effect::Print],
            act => self.change(around, &act),
        })
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
                Ok(Some(answer)) => self.answer(index, Answered { answer, source: None }),
                Ok(None) => self.skip(index),
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
            if !self.item.is_asked(index, &environment) {
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

    fn ground(&self, around: Around, index: usize) -> Ground<'_> {
        let step = &self.item.service().steps[index];
        Ground { step, known: &self.known, district: &self.district, today: around.today }
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

    /// Whether the answer is known and not to be changed, or known already on the way back to the check.
    fn is_filled_in(&mut self, environment: &Environment, index: usize) -> bool {
        let step = &self.item.service().steps[index];
        let before = self.known.answer(&step.id);
        if self.checking && before.is_some() {
            return true;
        }
        let Some(bind) = &step.bind else { return false };
        let editable = bind.editable;
        if before.is_some_and(|known| known.source.is_none()) {
            return false;
        }
        let value = environment.pointer(&bind.from);
        let answer = value.and_then(|value| self.bound(&step.ask, value));
        let Some(answer) = answer.filter(|answer| !answer.is_empty(&step.ask)) else {
            return false;
        };
        let source = Some(words::source(&bind.from));
        self.answer(index, Answered { answer, source });
        !editable
    }

    /// What is known, as an answer to this question; an address on a card is one line.
    fn bound(&self, ask: &Ask, value: &Value) -> Option<Answer> {
        if let (Ask::Address, Some(line)) = (ask, value.as_str()) {
            let (street, community, detail) = self.district.parse(line);
            return self.district.address(street, community, &detail);
        }
        Answer::from_json(ask, value).ok()
    }

    fn answer(&mut self, index: usize, answered: Answered) {
        let id = self.service().steps[index].id.clone();
        if self.known.set(&id, answered) {
            self.forget_lookups_of(&id);
        }
    }

    fn skip(&mut self, index: usize) {
        let id = self.service().steps[index].id.clone();
        if self.known.unset(&id) {
            self.forget_lookups_of(&id);
        }
    }

    /// What was looked up with another answer is no longer true.
    fn forget_lookups_of(&mut self, step: &str) {
        let item = Arc::clone(&self.item);
        let lookups = item.service().lookups.iter();
        for lookup in lookups.filter(|it| it.sends.iter().any(|it| it == step)) {
            self.known.unset_returned(&lookup.id);
        }
        self.known.unset_returned("payment");
        if step == "card" {
            self.known.unset_returned("certificate");
        }
    }

    /// A lookup without which it can't be said whether a step is asked. One of which nothing it
    /// sends was shown does not run: its fields are empty.
    fn unknown_lookup(&self, index: usize) -> Option<Wanted> {
        let lookups = &self.service().lookups;
        let is_missing = |lookup: &&usize| {
            let Operation { id, sends, .. } = &lookups[**lookup];
            let sent = sends.is_empty() || sends.iter().any(|it| self.known.answer(it).is_some());
            sent && self.known.returned(id).is_none()
        };
        let missing = self.item.lookups_before(index).iter().find(is_missing);
        missing.map(|lookup| Wanted::Lookup(*lookup))
    }

    /// What a step that is asked needs to know before its page can stand.
    fn unknown_ground(&self, index: usize, environment: &Environment) -> Option<Wanted> {
        let step = &self.service().steps[index];
        let unknown = |name: &str| self.known.returned(name).is_none();
        let bound = step.bind.as_ref().is_some_and(|bind| bind.from.starts_with("certificate."));
        match &step.ask {
            _ if bound && unknown("certificate") && self.known.answer("card").is_some() => {
                Some(Wanted::Certificates)
            }
            Ask::Slot { days } if unknown("slots") => Some(Wanted::Slots { days: *days }),
            Ask::Pay { .. } if unknown("payment") => {
                let amount_fen = self.item.amount_fen(index, environment).unwrap_or(0);
                Some(Wanted::Payment { amount_fen })
            }
            _ => None,
        }
    }

    /// Under what name the answer is kept.
    fn name(&self, wanted: Wanted) -> String {
        match wanted {
            Wanted::Lookup(lookup) => self.service().lookups[lookup].id.clone(),
            Wanted::Certificates => "certificate".to_owned(),
            Wanted::Slots { .. } => "slots".to_owned(),
            Wanted::Payment { .. } | Wanted::Paid => "payment".to_owned(),
        }
    }

    fn look(&mut self, around: Around, wanted: Wanted, then: usize) -> Vec<Effect> {
        self.at = At::Looking { wanted, then };
        vec![self.ask(around, wanted)]
    }

    fn ask(&mut self, around: Around, wanted: Wanted) -> Effect {
        let code = &self.service().code;
        let (operation, payload) = match wanted {
            Wanted::Lookup(lookup) => {
                let operation = &self.service().lookups[lookup];
                let payload = self.known.payload(operation, around.today);
                (operation.name.as_str(), payload)
            }
            Wanted::Certificates => {
                let card = self.known.answer("card").map(|card| card.answer.to_json());
                ("certificate.read", json!({ "card": card, "service": code }))
            }
            Wanted::Slots { days } => ("booking.slots", json!({ "service": code, "days": days })),
            Wanted::Payment { amount_fen } => {
                ("payment.begin", json!({ "service": code, "amount": amount_fen }))
            }
            Wanted::Paid => {
                let payment = self.known.returned("payment").and_then(|it| it.get("trade"));
                ("payment.state", json!({ "trade": payment }))
            }
        };
        let operation = operation.to_owned();
        Effect::Ask { token: self.token(), operation, payload, last: false }
    }

    /// Whether the page waits for a payment, and the platform should be asked about it now and then.
    pub fn is_paying(&self) -> bool {
        self.waiting.is_none() && self.step().is_some_and(|it| matches!(it.ask, Ask::Pay { .. }))
    }

    /// Asks whether it was paid.
    pub fn poll_payment(&mut self, around: Around) -> Vec<Effect> {
        if self.is_paying() { vec![self.ask(around, Wanted::Paid)] } else { vec![] }
    }

    fn paid(&mut self, around: Around, index: usize, state: &Value) -> Vec<Effect> {
        if state.get("paid") != Some(&json!(true)) {
            return vec![];
        }
        let payment = self.known.returned("payment");
        let field = |name: &str| payment.and_then(|payment| payment.get(name));
        let amount = field("amount").and_then(Value::as_i64).unwrap_or(0);
        let trade = field("trade").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.known.set(
            &self.item.service().steps[index].id,
            Answered { answer: Answer::Payment(Payment { amount, trade }), source: None },
        );
        self.advance(around, index + 1)
    }

    fn submit(&mut self, around: Around) -> Vec<Effect> {
        self.at = At::Doing;
        let service = self.item.service();
        let operation = service.operation.name.clone();
        let payload = self.known.payload(&service.operation, around.today);
        let offline = service.offline;
        let token = self.token();
        vec![if around.link || offline == Offline::Refuse {
            Effect::Ask { token, operation, payload, last: true }
        } else {
            Effect::Post { token, operation, payload }
        }]
    }

    fn again(&mut self, around: Around, at: &At) -> Vec<Effect> {
        match at {
            At::Looking { wanted, then } => self.look(around, *wanted, *then),
            _ => self.submit(around),
        }
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

    /// What is only looked at needs no check; what is sent, paid or printed does.
    fn is_worth_checking(&self) -> bool {
        let given = self.service().steps.iter().filter(|step| {
            step.ask != Ask::IdCard
                && is_checked(&step.ask)
                && self.known.answer(&step.id).is_some()
        });
        match self.service().kind {
            Kind::Query | Kind::Payment => false,
            Kind::Print => given.count() > 1,
            Kind::Certificate | Kind::Form | Kind::Booking => given.count() > 0,
        }
    }

    /// Whether anything is to be printed.
    pub fn prints(&self) -> impl Iterator<Item = &Output> {
        let paper = |form| matches!(form, Form::A4 | Form::Receipt);
        self.service().outputs.iter().filter(move |output| paper(output.form))
    }
}
