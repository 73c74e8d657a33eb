//! Whether every operation of the catalogue is answered, for every citizen, with what was promised.
//!
//! Each service is done by each citizen several times with other answers, as a citizen would:
//! looking up, picking rows, stopping where it stops.

mod attempt;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter;
use std::mem::take;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

use super::{Change, Person, Registry, Rule};
use crate::catalogue::Catalogue;
use crate::condition::{Condition, Environment, Expression};
use crate::definition::{Category, Operation, Service};
use crate::prove::Problem;
use crate::step::Ask;
use attempt::Attempt;

/// How often each citizen does each service.
const TRIALS: usize = 16;
/// Longest code that is asked for, in bytes.
const CODE_MAX: usize = 40;
/// Most rows of a list that are tried.
const ROWS_MAX: usize = 6;

/// What was tried, and what came of it.
#[derive(Debug)]
pub struct Proof {
    /// All that the registry owes to the catalogue.
    pub problems: Vec<Problem>,
    /// One for each service, by code.
    pub records: Vec<Record>,
}

/// Who leaves a service with something.
#[derive(Debug)]
pub struct Record {
    pub code: String,
    /// Name of the service in Chinese.
    pub name: String,
    /// Short names of the citizens who were not refused, and got more than an empty table.
    pub citizens: BTreeSet<String>,
    /// Whether they must have done another service of the category before.
    pub is_after_another: bool,
}

/// A service with its expressions compiled.
struct Sheet<'a> {
    service: &'a Service,
    /// `show_if` of each step.
    shown: Vec<Option<Condition>>,
    /// The amount of each step that pays.
    amounts: Vec<Option<Expression>>,
    /// When another operation is asked.
    instead: Option<Condition>,
    /// Rows of the lists that its rules read; who knows one of them answers with it.
    rows: Vec<&'a Map<String, Json>>,
}

/// What a citizen did, and what is known afterwards.
#[derive(Default)]
struct Deeds {
    /// By citizen and category, each from the first time that a service was done.
    changes: BTreeMap<(String, Category), Vec<Vec<Change>>>,
}

/// A citizen with all that does not change from trial to trial.
struct Citizen<'a> {
    id: &'a str,
    person: &'a Person,
    /// What a rule sees before and after the card was read.
    stranger: Environment,
    known: Environment,
    /// Texts with a digit that the registry knows, her own first.
    codes: Vec<&'a str>,
}

/// Does every service of the catalogue as every citizen.
pub fn prove(catalogue: &Catalogue, registry: &Registry, today: Date) -> Proof {
    let mut problems = BTreeSet::new();
    let mut records = Vec::new();
    let mut asked = BTreeSet::new();
    let citizens = citizens(registry, today);
    let mut deeds = Deeds::default();
    for service in catalogue.iter() {
        let operations = service.operations();
        asked.extend(operations.clone().map(|operation| operation.name.as_str()));
        let owed: Vec<Problem> =
            operations.filter_map(|operation| contract(service, operation, registry)).collect();
        let (code, name) = (service.code.clone(), service.name.zh.clone());
        let mut record = Record { code, name, citizens: BTreeSet::new(), is_after_another: false };
        if owed.is_empty() {
            let sheet = Sheet::of(service, registry);
            problems.extend(try_out(&sheet, registry, &citizens, &mut deeds, &mut record));
        }
        problems.extend(owed);
        records.push(record);
    }
    for name in registry.rules.keys().filter(|name| !asked.contains(name.as_str())) {
        let says = format!("`{name}` is answered, but no service asks it: drop it");
        problems.insert(Problem { service: "registry".to_owned(), place: String::new(), says });
    }
    Proof { problems: problems.into_iter().collect(), records }
}

fn citizens(registry: &Registry, today: Date) -> Vec<Citizen<'_>> {
    let now = today.at(8, 15, 0, 0);
    let environment = |number: Option<&str>| {
        let mut environment = registry.environment(number, now);
        environment.count_with(Arc::new(|prefix| format!("{prefix}202611230001")));
        environment
    };
    let mut everybodys = Vec::new();
    gather(registry.all.json(), &mut everybodys);
    let mut citizens = Vec::new();
    for (id, person) in registry.people() {
        let mut codes = Vec::new();
        person.known.values().flat_map(Map::values).for_each(|value| gather(value, &mut codes));
        codes.extend(&everybodys);
        let known = environment(Some(person.text("number")));
        citizens.push(Citizen { id, person, stranger: environment(None), known, codes });
    }
    citizens
}

/// Every text inside a value that may be a code.
fn gather<'a>(value: &'a Json, texts: &mut Vec<&'a str>) {
    match value {
        Json::String(text) => {
            let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
            if has_digit && text.len() <= CODE_MAX && !texts.contains(&text.as_str()) {
                texts.push(text);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Json::Object(fields) => fields.values().for_each(|field| gather(field, texts)),
        _ => {}
    }
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

fn try_out(
    sheet: &Sheet<'_>,
    registry: &Registry,
    citizens: &[Citizen<'_>],
    deeds: &mut Deeds,
    record: &mut Record,
) -> Vec<Problem> {
    let service = sheet.service;
    let mut tried = Tried::default();
    for citizen in citizens {
        tried.all(sheet, registry, citizen, record, Some(&mut *deeds));
    }
    if record.citizens.is_empty() && tried.problems.is_empty() {
        for citizen in citizens {
            let done = deeds.changes.get(&(citizen.id.to_owned(), service.category));
            for changes in done.into_iter().flatten() {
                tried.all(sheet, registry, &citizen.after(changes), record, None);
            }
        }
        record.is_after_another = !record.citizens.is_empty();
    }
    let mut problems: Vec<Problem> = tried.problems.into_values().collect();
    if !problems.is_empty() {
        return problems;
    }
    let operations = service.operations();
    for operation in operations.filter(|operation| !tried.answered.contains(&*operation.id)) {
        let why = tried.refused.get(&*operation.id).map_or("never reached", String::as_str);
        let says = format!("none of the citizens gets an answer ({why}): let one through");
        problems.push(problem(service, operation, says));
    }
    if problems.is_empty() && record.citizens.is_empty() {
        let says = "every table is empty for every citizen: give one of them a row".to_owned();
        problems.push(problem(service, &service.operation, says));
    }
    problems
}

/// What came of the attempts at one service.
#[derive(Default)]
struct Tried<'a> {
    /// By place, the first of each.
    problems: BTreeMap<String, Problem>,
    answered: BTreeSet<&'a str>,
    refused: BTreeMap<&'a str, String>,
}

impl<'a> Tried<'a> {
    /// Lets a citizen try until every turn was taken.
    fn all(
        &mut self,
        sheet: &Sheet<'a>,
        registry: &Registry,
        citizen: &Citizen<'_>,
        record: &mut Record,
        mut deeds: Option<&mut Deeds>,
    ) {
        let rows = sheet.rows.iter().map(|row| Some(*row));
        for (trial, row) in iter::repeat_n(None, TRIALS).chain(rows).enumerate() {
            let mut attempt = Attempt::new(sheet, registry, citizen, trial, row);
            match attempt.run() {
                Ok(true) if attempt.is_record() => {
                    let is_first = record.citizens.insert(citizen.id.to_owned());
                    if let (true, Some(deeds)) = (is_first, deeds.as_deref_mut()) {
                        let key = (citizen.id.to_owned(), sheet.service.category);
                        deeds.changes.entry(key).or_default().push(take(&mut attempt.changes));
                    }
                }
                Ok(_) => {}
                Err(problem) => {
                    self.problems.entry(problem.place.clone()).or_insert(*problem);
                }
            }
            self.answered.extend(attempt.answered);
            self.refused.extend(attempt.refused);
        }
    }
}

impl<'a> Citizen<'a> {
    /// The same citizen after a service that changed something.
    fn after(&self, changes: &[Change]) -> Citizen<'a> {
        let mut known = self.known.clone();
        let mut me = known.get("me").cloned().unwrap_or_default();
        for Change { category, field, value } in changes {
            me[category][field] = value.clone();
        }
        known.set("me", me);
        let (id, person) = (self.id, self.person);
        Citizen { id, person, stranger: self.stranger.clone(), known, codes: self.codes.clone() }
    }
}

impl<'a> Sheet<'a> {
    fn of(service: &'a Service, registry: &'a Registry) -> Sheet<'a> {
        // What does not compile is said by the proof of the service itself.
        let shown = |text: &String| Condition::compile(text).ok();
        let amount = |ask: &Ask| match ask {
            Ask::Pay { amount_fen } => Expression::compile(amount_fen).ok(),
            _ => None,
        };
        let steps = service.steps.iter();
        let operations = service.operations();
        let rules = operations.filter_map(|operation| registry.rules.get(&operation.name));
        let lists: BTreeSet<&str> = rules.flat_map(Rule::lists).collect();
        let rows = lists.into_iter().filter_map(|list| registry.all.json().get(list)?.as_array());
        Sheet {
            service,
            shown: steps.clone().map(|step| step.show_if.as_ref().and_then(shown)).collect(),
            amounts: steps.map(|step| amount(&step.ask)).collect(),
            instead: service.instead.as_ref().and_then(|instead| shown(&instead.when)),
            rows: rows
                .flat_map(|rows| rows.iter().take(ROWS_MAX))
                .filter_map(Json::as_object)
                .collect(),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let citizens: Vec<&str> = self.citizens.iter().map(String::as_str).collect();
        let after = if self.is_after_another { "after another service: " } else { "" };
        let Record { code, name, .. } = self;
        write!(f, "{code} {:2} {name} ({after}{})", citizens.len(), citizens.join(" "))
    }
}
