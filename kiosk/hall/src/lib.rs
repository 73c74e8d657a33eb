//! A terminal in a hall, without screen and devices: citizens who answer every page, and the
//! demonstration registry, which answers them. Tests only.
//!
//! [`Hall::way`] finds a way through an item by trying; whoever holds a real glass walks it again there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kiosk::devices::State;
use kiosk::district::District;
use kiosk::flow::{self, Outcome};
use kiosk::notice::Notice;
use kiosk::page::{Act, Body, Keyboard, Page, ShotId, Waiting};
use kiosk::sheet::Sheet;
use kiosk::staff::{Audit, Roster};
use kiosk::terminal::{CardEvent, Effect, Event, Terminal};
use kiosk::words;
use serde_json::{Value, json};
use service::answer::IdentityCard;
use service::catalogue::Catalogue;
use service::definition::Device;
use service::functions::Counter;
use service::registry::{self, Question, Registry};
use service::step::{Ask, Step};
use service::text::Language;
use sync::{Moment, Mono};

/// So many citizens try before an item counts as stuck.
const ATTEMPTS_MAX: usize = 1200;
/// More pages than any service has.
const PAGES_MAX: usize = 60;

/// The terminal and who stands around it.
#[derive(Debug)]
pub struct Hall {
    pub terminal: Terminal,
    pub seconds: u64,
    registry: Registry,
    catalogue: Arc<Catalogue>,
    /// Who stands there: a citizen of the registry.
    person: String,
    /// Which of several right answers is given.
    chance: fastrand::Rng,
    codes: Arc<Vec<String>>,
    names: Arc<Vec<String>>,
    pages: Vec<String>,
    way: Way,
    /// Effects that were not answered yet.
    owed: Vec<Effect>,
    pub printed: usize,
    pub wiped: usize,
    pub alarms: usize,
    pub kept: usize,
    /// Of the item that was asked for last.
    pub last_operation: String,
    pub sent_shots: Vec<ShotId>,
    pub asked_slots_of: String,
    pub audits: Vec<Audit>,
    pub sheets: Vec<Sheet>,
    pub volume: Option<u8>,
    pub rechecks: usize,
    /// Nothing comes out of the printers.
    pub paper_is_out: bool,
    /// No page is made for a telephone.
    pub platform_fails: bool,
    numbers: Arc<AtomicU64>,
}

/// What one citizen did from one end of an item to the other, and what the platform said to it.
#[derive(Debug, Clone)]
pub struct Way {
    pub began: Moment,
    pub deeds: Vec<Deed>,
    pub asked: Vec<Asked>,
}

impl From<Moment> for Way {
    fn from(began: Moment) -> Way {
        Way { began, deeds: Vec::new(), asked: Vec::new() }
    }
}

/// So many seconds after a Tuesday morning in November.
pub fn moment(seconds: u64) -> Moment {
    let start: Timestamp = "2026-11-24T01:00:00Z".parse().unwrap();
    let wall = start + jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap());
    Moment { mono: Mono(seconds * 1000), wall, clock_error_ms: Some(100) }
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    Act(Act),
    /// Something was laid down, held before a scanner or taken away.
    Device(Event),
}

/// A question to the platform and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub operation: String,
    pub payload: Value,
    pub outcome: Outcome,
}

/// What G07's one-time codes are made from.
pub const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// One of the staff, with the PIN 4711.
pub fn roster() -> Roster {
    let cheap = Params::new(8, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let pin = argon2.hash_password_with_salt(b"4711", b"salt of a test").unwrap().to_string();
    let clerk = json!([{ "id": "G07", "card": "STAFF-7", "pin": pin, "totp": SECRET }]);
    serde_json::from_value(clerk).unwrap()
}

/// The notices of the content.
pub fn shipped_notices() -> Vec<Notice> {
    let read = |(name, text): &(String, String)| {
        Notice::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    toml_files("notices").iter().map(read).collect()
}

fn notices() -> Vec<Notice> {
    let water = "id = 'water'\nfrom = '2026-11-20'\nuntil = '2026-11-28'\n\
        title = { zh = '周六停水', en = 'No water on Saturday' }\n\
        body = { zh = '周六8点到12点停水。', en = 'From 8 to 12.' }";
    let over = water.replace("water", "over").replace("2026-11-2", "2026-10-2");
    [water, &over].map(|text| Notice::parse(text).unwrap()).to_vec()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../content"))
}

/// Name and text of every file of a folder of the content.
fn toml_files(name: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder().join(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "toml") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    files
}

fn catalogue() -> Catalogue {
    let files = toml_files("services");
    let texts = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let (catalogue, errors) = Catalogue::read(texts);
    assert_eq!(errors, []);
    catalogue
}

fn district() -> District {
    toml::from_str(&std::fs::read_to_string(folder().join("district.toml")).unwrap()).unwrap()
}

fn registry() -> Registry {
    let files = toml_files("registry");
    let texts = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    Registry::read(texts).unwrap()
}

/// The content, read once for all halls of a test.
#[derive(Debug)]
pub struct Content {
    pub catalogue: Arc<Catalogue>,
    pub district: District,
    /// Every code that stands in the registry: what a citizen has in her papers.
    codes: Arc<Vec<String>>,
    /// Every name that stands there.
    names: Arc<Vec<String>>,
}

impl Content {
    pub fn read() -> Content {
        let (mut codes, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (_, text) in toml_files("registry") {
            let code = |it: &&str| it.len() >= 4 && it.bytes().all(|it| it.is_ascii_alphanumeric());
            codes.extend(text.split('"').filter(code).map(str::to_owned));
            let named = text.split("name = \"").skip(1).filter_map(|rest| rest.split('"').next());
            names.extend(named.filter(|it| it.chars().count() < 5).map(str::to_owned));
        }
        Content {
            catalogue: Arc::new(catalogue()),
            district: district(),
            codes: Arc::new(codes.into_iter().collect()),
            names: Arc::new(names.into_iter().collect()),
        }
    }

    pub fn codes(&self) -> Vec<String> {
        self.catalogue.iter().map(|service| service.code.clone()).collect()
    }
}

impl Hall {
    pub fn open(content: &Content) -> Hall {
        let district = content.district.clone();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let mut hall = Hall {
            terminal: Terminal::new(&content.catalogue, district, zone)
                .unwrap()
                .with_staff(roster())
                .with_notices(notices()),
            seconds: 0,
            registry: registry(),
            catalogue: Arc::clone(&content.catalogue),
            person: "lin-xiuying".to_owned(),
            chance: fastrand::Rng::with_seed(1),
            codes: Arc::clone(&content.codes),
            names: Arc::clone(&content.names),
            pages: Vec::new(),
            way: Way::from(moment(0)),
            owed: Vec::new(),
            printed: 0,
            wiped: 0,
            alarms: 0,
            kept: 0,
            last_operation: String::new(),
            sent_shots: Vec::new(),
            asked_slots_of: String::new(),
            audits: Vec::new(),
            sheets: Vec::new(),
            volume: None,
            rechecks: 0,
            paper_is_out: false,
            platform_fails: false,
            numbers: Arc::default(),
        };
        hall.open_devices();
        hall
    }

    /// Everything works.
    pub fn open_devices(&mut self) {
        self.event(Event::Link(true));
        for device in Device::ALL {
            self.event(Event::Device(device, State::Ready));
        }
    }

    pub fn now(&self) -> Moment {
        moment(self.seconds)
    }

    pub fn event(&mut self, event: Event) {
        let now = self.now();
        self.owed.extend(self.terminal.handle(now, event));
    }

    pub fn act(&mut self, act: Act) {
        let can_go_on = self.page().main.is_some_and(|main| main.enabled);
        if act != Act::Next || can_go_on {
            self.way.deeds.push(Deed::Act(act.clone()));
        }
        self.event(Event::Act(act));
    }

    /// What a device says because of the citizen.
    fn device(&mut self, event: Event) {
        self.way.deeds.push(Deed::Device(event.clone()));
        self.event(event);
    }

    pub fn page(&self) -> Page {
        self.terminal.page(self.now())
    }

    /// The answer to the first question that was asked and not answered: another citizen's.
    pub fn first_question(&mut self) -> Event {
        let mut owed = std::mem::take(&mut self.owed).into_iter();
        let asked = owed.find_map(|effect| match effect {
            Effect::Flow(flow::Effect::Ask { token, operation, payload, .. }) => {
                Some((token, operation, payload))
            }
            _ => None,
        });
        let (token, operation, payload) = asked.unwrap();
        Event::Answered { token, outcome: self.platform(&operation, &payload) }
    }

    /// An item that wants this card.
    pub fn item_that_taps(&self, device: Device) -> String {
        let taps = |code: &&String| self.catalogue.get(code).unwrap().needs.contains(&device);
        let codes: Vec<String> = self.catalogue.iter().map(|it| it.code.clone()).collect();
        codes.iter().find(taps).unwrap().clone()
    }

    /// Answers pages until one waits for this.
    pub fn until(&mut self, device: Waiting) {
        for _ in 0..PAGES_MAX {
            self.settle();
            if self.terminal.awaits() == Some(device) {
                return;
            }
            let page = self.page();
            self.answer(page.body.clone(), &page);
        }
        panic!("nothing waits for {device:?}");
    }

    /// What the list on the glass offers.
    pub fn entries(&self) -> Vec<String> {
        let Body::List { entries, .. } = self.page().body else { panic!("a list stands there") };
        entries.into_iter().map(|entry| entry.label).collect()
    }

    pub fn transcript(&self) -> String {
        self.pages.join("\n")
    }

    /// A way through an item, from its name in a list to its end.
    pub fn way(&mut self, code: &str, language: Language) -> Result<Way, String> {
        // Some items need another one before: a benefit needs a registration.
        if self.walk_any(code, language).is_err() {
            let before: Vec<String> = self.catalogue.iter().map(|it| it.code.clone()).collect();
            for other in before.iter().filter(|other| *other != code) {
                let _ = self.walk_any(other, language);
            }
            self.walk_any(code, language)?;
        }
        Ok(self.way.clone())
    }

    /// Lets one citizen after the other try an item, who answer differently each time, until one
    /// comes to its end.
    pub fn walk_any(&mut self, code: &str, language: Language) -> Result<(), String> {
        let people: Vec<String> = self.registry.people().map(|(id, _)| id.to_owned()).collect();
        let mut last = String::new();
        for attempt in 0..ATTEMPTS_MAX {
            self.act(Act::Finish);
            self.act(Act::Wake);
            self.act(Act::Language(language));
            self.pages.clear();
            self.person.clone_from(&people[attempt % people.len()]);
            self.way = Way::from(self.now());
            match self.walk(code) {
                Ok(()) => return Ok(()),
                Err(why) => last = format!("{} {why}\n{}", self.person, self.transcript()),
            }
        }
        Err(last)
    }

    /// Opens an item and answers until it is done.
    fn walk(&mut self, code: &str) -> Result<(), String> {
        self.act(Act::Open(code.to_owned()));
        for _ in 0..PAGES_MAX {
            self.seconds += 2;
            self.settle();
            let page = self.page();
            self.pages.push(format!("  {} | {:?}", page.title, page.error));
            match &page.body {
                Body::Done { .. } => return Ok(()),
                Body::Stop { .. } => return Err(format!("ends at {}: {}", page.title, page.help)),
                body => self.answer(body.clone(), &page),
            }
        }
        Err("never ends".to_owned())
    }

    /// Answers a page with the first thing that is right.
    fn answer(&mut self, body: Body, page: &Page) {
        match body {
            Body::Device(prompt) => self.present(prompt.device),
            Body::Choice { options, .. } => {
                let chosen = self.chance.usize(0..options.len().max(1));
                self.act(Act::Choose(chosen));
            }
            Body::Consent { agreed: false, .. } => self.act(Act::Choose(0)),
            Body::Entry(field) => {
                let line = self.line(field.keyboard, &page.title);
                self.act(Act::Input(line));
            }
            Body::Date(field) => {
                let day = if field.day.is_some() { self.chance.i8(1..=28) } else { 0 };
                let year =
                    self.chance.i16(field.first_year..=field.last_year.max(field.first_year));
                let month = self.chance.i8(1..=12);
                self.act(Act::SetDate(year, month, day));
            }
            Body::Address(field) if field.detail.is_empty() => {
                self.act(Act::Choose(1));
                self.act(Act::ChooseSecond(0));
                self.act(Act::Input("达明路88号".into()));
            }
            Body::Place { .. } => self.act(Act::SetPlace(26.0842, 119.3065)),
            Body::Shots { taken, .. } if taken.is_empty() => {
                self.act(Act::Shoot);
                self.settle();
            }
            Body::Signature { .. } => {
                self.act(Act::SetStrokes(vec![(0..20_u8).map(|i| (f32::from(i), 0.5)).collect()]));
            }
            Body::Slots { .. } => {
                self.act(Act::Choose(0));
                self.act(Act::ChooseSecond(0));
            }
            Body::Pay { .. } => self.event(Event::Tick),
            _ => {}
        }
        self.act(Act::Next);
    }

    /// Lays down what a page asks for.
    pub fn present(&mut self, device: Waiting) {
        match device {
            Waiting::IdCard => {
                let card = Box::new(self.card());
                self.device(Event::Card(CardEvent::Identity(card)));
            }
            Waiting::SocialCard | Waiting::TransitCard => {
                let card = self.other_card(device);
                self.device(Event::Card(CardEvent::Other(device, card)));
            }
            Waiting::Finger => self.device(Event::Finger),
            Waiting::Code => {
                let code = self.code(10, 10, true);
                self.device(Event::Scanned(code));
            }
            // The main action of the page takes the picture.
            Waiting::Face => {}
        }
        self.device(Event::Card(CardEvent::Taken));
    }

    /// Answers what the terminal asked of the platform and of its devices.
    pub fn settle(&mut self) {
        while !self.owed.is_empty() {
            for effect in std::mem::take(&mut self.owed) {
                self.perform(effect);
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Flow(flow::Effect::Ask { token, operation, payload, last, shots }) => {
                if operation == "booking.slots" {
                    payload["service"].as_str().unwrap().clone_into(&mut self.asked_slots_of);
                }
                if last {
                    self.last_operation.clone_from(&operation);
                    self.sent_shots = shots;
                }
                let outcome = self.platform(&operation, &payload);
                self.way.asked.push(Asked { operation, payload, outcome: outcome.clone() });
                self.event(Event::Answered { token, outcome });
            }
            Effect::Flow(flow::Effect::Post { token, operation, payload, .. }) => {
                self.kept += 1;
                let outcome = Outcome::Kept { number: "L-0001".into() };
                self.way.asked.push(Asked { operation, payload, outcome: outcome.clone() });
                self.event(Event::Answered { token, outcome });
            }
            Effect::Flow(flow::Effect::Shoot(token)) => {
                self.event(Event::Shot { token, shot: Some(ShotId(1)) });
            }
            Effect::Flow(flow::Effect::Print) => {
                let result = if self.paper_is_out {
                    Err(words::device_out(Device::Receipt, State::Empty))
                } else {
                    self.printed += 1;
                    Ok(())
                };
                self.event(Event::Printed(result));
            }
            Effect::HandOff { token, sheet, .. } => {
                self.sheets.push(sheet);
                let result = if self.platform_fails {
                    Err(words::code_failed())
                } else {
                    Ok("https://gulou.test/e/1#k".to_owned())
                };
                self.event(Event::HandedOff { token, result });
            }
            Effect::Audit(audit) => self.audits.push(audit),
            Effect::Recheck => self.rechecks += 1,
            Effect::Volume(volume) => self.volume = Some(volume),
            Effect::Wipe => self.wiped += 1,
            Effect::Alarm => self.alarms += 1,
        }
    }

    fn platform(&mut self, operation: &str, payload: &Value) -> Outcome {
        Outcome::Returned(match operation {
            "booking.slots" => json!({ "days": [{ "date": "2026-11-25", "times": [
                { "time": "09:00", "left": 2 }, { "time": "09:30", "left": 0 } ] }] }),
            "payment.begin" => {
                json!({ "code": "https://pay/1", "trade": "P1", "amount": payload["amount"] })
            }
            "payment.state" => json!({ "paid": true }),
            "certificate.read" => json!({}),
            "booking.make" => json!({ "number": "B-0001", "when": "11月25日 09:00",
                "place": { "zh": "社区", "en": "community" } }),
            name => return self.department(name, payload),
        })
    }

    /// What the demonstration registry says.
    fn department(&mut self, operation: &str, payload: &Value) -> Outcome {
        let numbers = Arc::clone(&self.numbers);
        let counter: Counter = Arc::new(move |prefix| {
            format!("{prefix}{:06}", numbers.fetch_add(1, Ordering::SeqCst))
        });
        let question = Question {
            operation,
            number: payload["card"]["number"].as_str(),
            ask: payload.clone(),
            now: "2026-11-24T09:00:00".parse().unwrap(),
            counter,
        };
        match self.registry.answer(&question).unwrap() {
            registry::Outcome::Refused(why) => Outcome::Refused(why),
            registry::Outcome::Done { returns, changes } => {
                if let Some(number) = payload["card"]["number"].as_str() {
                    self.registry.apply(number, changes);
                }
                Outcome::Returned(Value::Object(returns))
            }
        }
    }

    fn card(&self) -> IdentityCard {
        let (_, person) = self.registry.people().find(|(id, _)| *id == self.person).unwrap();
        let field = |name: &str| json!(person.text(name));
        let names = [
            "name",
            "sex",
            "nation",
            "birth",
            "address",
            "number",
            "issuer",
            "valid_from",
            "valid_to",
        ];
        let card = names.map(|name| (name.to_owned(), field(name)));
        serde_json::from_value(Value::Object(card.into_iter().collect())).unwrap()
    }

    /// The card of this kind that the citizen has in her purse.
    fn other_card(&mut self, device: Waiting) -> String {
        if device == Waiting::SocialCard {
            let (_, person) = self.registry.people().find(|(id, _)| *id == self.person).unwrap();
            let card = person.certificates.get("social-security-card");
            let number = card.and_then(|card| card["number"].as_str());
            return number.unwrap_or("D35000000").to_owned();
        }
        let cards = self.codes.iter().filter(|it| it.starts_with("35010000"));
        self.chance.choice(cards.collect::<Vec<_>>()).cloned().unwrap_or_default()
    }

    /// A line that this question accepts, often that of a citizen.
    fn line(&mut self, keyboard: Keyboard, title: &str) -> String {
        let people: Vec<String> =
            self.registry.people().map(|(_, person)| person.text("number").to_owned()).collect();
        let number = self.chance.choice(people).unwrap();
        let name = self.chance.choice(self.names.iter()).unwrap().clone();
        let same = |step: &&Step| step.title.zh == title || step.title.en == title;
        let service = self.terminal.flow().unwrap().service();
        let ask = service.steps.iter().find(same).map(|step| step.ask.clone());
        match ask {
            Some(Ask::IdNumber) => number,
            Some(Ask::Mobile) => "13805010001".into(),
            Some(Ask::Uscc) => self.code(18, 18, false),
            Some(Ask::Code { min, max, digits, .. }) => self.code(min, max, digits),
            Some(Ask::Number { min, max, .. }) => {
                self.chance.choice([min, max, min.midpoint(max), min.max(1)]).unwrap().to_string()
            }
            Some(Ask::Money { min_fen, max_fen }) => {
                self.chance.u32(min_fen.div_ceil(100)..=max_fen / 100).to_string()
            }
            Some(Ask::Text { .. }) if keyboard == Keyboard::Full => {
                self.chance.choice(["福州", "中心", "王", "鼓楼"]).unwrap().into()
            }
            _ => name,
        }
    }

    /// A code of this length that stands in the registry.
    fn code(&mut self, min: u8, max: u8, digits: bool) -> String {
        let fits = |it: &&String| {
            (usize::from(min)..=usize::from(max)).contains(&it.len())
                && it
                    .bytes()
                    .all(|sign| sign.is_ascii_digit() || !digits && sign.is_ascii_uppercase())
        };
        let code = self.chance.choice(self.codes.iter().filter(fits).collect::<Vec<_>>());
        code.cloned().unwrap_or_else(|| "1".repeat(usize::from(min)))
    }
}
