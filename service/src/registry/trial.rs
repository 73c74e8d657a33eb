//! Whether every operation of the catalogue is answered, for every citizen, with what was promised.
//!
//! Each service is done by each citizen several times with other answers, as a citizen would:
//! looking up, picking rows, stopping where it stops.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::{Outcome, Person, Question, Registry, value};
use crate::answer::Answer;
use crate::catalogue::Catalogue;
use crate::check;
use crate::condition::{Condition, Environment};
use crate::definition::{Operation, Service};
use crate::prove::{Problem, samples};
use crate::step::{Ask, Step};

/// How often each citizen does each service.
const TRIALS: usize = 4;
/// Most codes of the registry that a trial chooses from.
const CODES_MAX: usize = 64;

/// All that the registry owes to the catalogue.
pub fn prove(catalogue: &Catalogue, registry: &Registry, today: Date) -> Vec<Problem> {
    let mut problems = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for service in catalogue.iter() {
        for operation in service.lookups.iter().chain([&service.operation]) {
            asked.insert(operation.name.as_str());
            problems.extend(contract(service, operation, registry));
        }
        if problems.iter().all(|problem| problem.service != service.code) {
            problems.extend(try_out(service, registry, today));
        }
    }
    for name in registry.rules.keys().filter(|name| !asked.contains(name.as_str())) {
        let says = format!("`{name}` is answered, but no service asks it: drop it");
        problems.insert(Problem { service: "registry".to_owned(), place: String::new(), says });
    }
    problems.into_iter().collect()
}

/// The rule of an operation gives exactly what the operation returns.
fn contract(service: &Service, operation: &Operation, registry: &Registry) -> Option<Problem> {
    let says = match registry.rules.get(&operation.name) {
        None => "nobody answers it: write its rule in content/registry".to_owned(),
        Some(rule) => {
            let promised: BTreeSet<&str> =
                operation.returns.iter().map(|field| field.id.as_str()).collect();
            let given: BTreeSet<&str> = rule.returns.keys().map(String::as_str).collect();
            if promised == given {
                return None;
            }
            format!("returns {promised:?}, but the registry gives {given:?}: make them the same")
        }
    };
    Some(problem(service, operation, says))
}

fn problem(service: &Service, operation: &Operation, says: String) -> Problem {
    let place = format!("operation `{}`", operation.name);
    Problem { service: service.code.clone(), place, says }
}

fn try_out(service: &Service, registry: &Registry, today: Date) -> Vec<Problem> {
    let mut problems: BTreeMap<String, Problem> = BTreeMap::new();
    let mut answered = BTreeSet::new();
    let mut why = BTreeMap::new();
    for person in registry.people.values() {
        for trial in 0..TRIALS {
            let mut attempt = Attempt {
                service,
                registry,
                person,
                trial,
                today,
                known: Environment::new(today),
                shown: BTreeSet::new(),
                answered: &mut answered,
                refused: &mut why,
            };
            if let Err(problem) = attempt.run() {
                problems.entry(problem.place.clone()).or_insert(*problem);
            }
        }
    }
    let mut problems: Vec<Problem> = problems.into_values().collect();
    let operations = service.lookups.iter().chain([&service.operation]);
    for operation in operations.filter(|operation| !answered.contains(&operation.id)) {
        let place = format!("operation `{}`", operation.name);
        if problems.is_empty() {
            let why = why.get(&operation.id).map_or("never reached", String::as_str);
            let says = format!("none of the citizens gets an answer ({why}): let one through");
            problems.push(Problem { service: service.code.clone(), place, says });
        }
    }
    problems
}

/// One citizen doing one service once.
struct Attempt<'a> {
    service: &'a Service,
    registry: &'a Registry,
    person: &'a Person,
    trial: usize,
    today: Date,
    known: Environment,
    shown: BTreeSet<String>,
    answered: &'a mut BTreeSet<String>,
    refused: &'a mut BTreeMap<String, String>,
}

/// Whether there is a next page.
type Goes = Result<bool, Box<Problem>>;

impl Attempt<'_> {
    fn run(&mut self) -> Goes {
        let service = self.service;
        for (index, step) in service.steps.iter().enumerate() {
            for lookup in &service.lookups {
                let is_ready =
                    |id: &String| service.steps.iter().take(index).any(|step| step.id == *id);
                let is_due =
                    self.known.get(&lookup.id).is_none() && lookup.sends.iter().all(is_ready);
                if is_due && !self.perform(lookup)? {
                    return Ok(false);
                }
            }
            if !self.step(step) {
                return Ok(false);
            }
        }
        self.perform(&service.operation)
    }

    /// Answers one question; false where the way ends.
    fn step(&mut self, step: &Step) -> bool {
        let condition = step.show_if.as_deref().map(Condition::compile);
        let shown = match condition {
            Some(Ok(condition)) => condition.holds(&self.known).unwrap_or_default(),
            _ => true,
        };
        if !shown {
            self.known.set(step.id.clone(), Answer::empty(&step.ask).to_json());
            return true;
        }
        let answer = match &step.ask {
            Ask::Stop => return false,
            Ask::Show { .. } => return true,
            Ask::Pick { from, value, .. } => {
                let rows = self.known.pointer(from).and_then(Json::as_array);
                let rows = rows.map(Vec::as_slice).unwrap_or_default();
                if rows.is_empty() {
                    return false;
                }
                rows[self.trial % rows.len()].get(value).cloned().unwrap_or_default()
            }
            _ => self.bound(step).unwrap_or_else(|| self.made_up(step)),
        };
        self.known.set(step.id.clone(), answer);
        self.shown.insert(step.id.clone());
        true
    }

    /// What is known already, where it has the form of an answer.
    fn bound(&self, step: &Step) -> Option<Json> {
        let from = &step.bind.as_ref()?.from;
        let value = match from.strip_prefix("certificate.") {
            Some(rest) => {
                let (kind, field) = rest.split_once('.')?;
                self.person.certificates.get(kind)?.get(field)?.clone()
            }
            None => self.known.pointer(from)?.clone(),
        };
        let is_known = value.as_str() != Some("");
        let is_answer = Answer::from_json(&step.ask, &value).is_ok();
        (is_known && is_answer).then_some(value)
    }

    fn made_up(&self, step: &Step) -> Json {
        match &step.ask {
            Ask::IdCard if step.id == "card" => {
                let mut card = self.person.card.clone();
                let birth = self.person.text("birth").parse().unwrap_or(self.today);
                card.insert("age".to_owned(), json!(crate::functions::age(birth, self.today)));
                Json::Object(card)
            }
            Ask::YesNo => json!(self.trial.is_multiple_of(2)),
            Ask::Mobile => json!(self.person.text("mobile")),
            Ask::Code { min, max, digits, .. } => {
                let codes = self.codes(*min, *max, *digits);
                match codes.get(self.trial % codes.len().max(1)) {
                    Some(code) => json!(code),
                    None => samples::dummy(&step.ask, self.today),
                }
            }
            Ask::Pay { amount_fen } => {
                let amount = crate::condition::Expression::compile(amount_fen)
                    .and_then(|amount| amount.evaluate(&self.known));
                json!({ "amount": amount.unwrap_or(json!(100)), "trade": "4200001" })
            }
            _ => {
                let tried = samples::Samples::default().of_step(step, self.today);
                tried.get(self.trial % tried.len().max(1)).cloned().unwrap_or_default()
            }
        }
    }

    /// Codes of this form that the registry knows: the citizen's own first.
    fn codes(&self, min: u8, max: u8, digits: bool) -> Vec<String> {
        let mut texts = Vec::new();
        self.person
            .known
            .values()
            .flat_map(Map::values)
            .for_each(|value| gather(value, &mut texts));
        self.registry.all.values().for_each(|value| gather(value, &mut texts));
        let codes = texts.into_iter().filter(|text| text.bytes().any(|byte| byte.is_ascii_digit()));
        let codes = codes.filter_map(|text| check::code::check(text, min, max, digits).ok());
        codes.take(CODES_MAX).collect()
    }

    /// Asks the department; false where it refuses.
    fn perform(&mut self, operation: &Operation) -> Goes {
        let is_lookup = operation.id != self.service.operation.id;
        let is_asked = |id: &String| self.shown.contains(id);
        if is_lookup && !operation.sends.is_empty() && !operation.sends.iter().any(is_asked) {
            self.known.set(operation.id.clone(), samples::nothing(operation));
            return Ok(true);
        }
        let sends = operation.sends.iter();
        let ask: Map<String, Json> = sends
            .filter(|id| self.shown.contains(*id))
            .filter_map(|id| Some((id.clone(), self.known.get(id)?.clone())))
            .collect();
        let has_card = self.shown.contains("card");
        let question = Question {
            operation: &operation.name,
            number: has_card.then(|| self.person.text("number")),
            ask: Json::Object(ask),
            now: self.today.at(8, 15, 0, 0),
            counter: Arc::new(|prefix| format!("{prefix}202611230001")),
        };
        let say = |says: String| Box::new(problem(self.service, operation, says));
        let name = self.person.text("name");
        match self.registry.answer(&question) {
            Err(error) => {
                Err(say(format!("{error} for {name} with {}: mend the rule", question.ask)))
            }
            Ok(Outcome::Refused(why)) => {
                self.refused.insert(operation.id.clone(), why.zh);
                Ok(false)
            }
            Ok(Outcome::Done { returns, .. }) => {
                let mut fields = operation.returns.iter();
                let wrong = fields.find_map(|field| value::mistake(field, returns.get(&field.id)?));
                if let Some(wrong) = wrong {
                    return Err(say(format!("{wrong}, for {name}: mend the rule")));
                }
                self.answered.insert(operation.id.clone());
                self.known.set(operation.id.clone(), Json::Object(returns));
                Ok(true)
            }
        }
    }
}

/// Every text inside a value.
fn gather<'a>(value: &'a Json, texts: &mut Vec<&'a str>) {
    match value {
        Json::String(text) => texts.push(text),
        Json::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Json::Object(fields) => fields.values().for_each(|field| gather(field, texts)),
        _ => {}
    }
}
