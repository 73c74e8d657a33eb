//! Whether every operation of the catalogue is answered, for every citizen, with what was promised.
//!
//! Each service is done by each citizen several times with other answers, as a citizen would:
//! looking up, picking rows, stopping where it stops.

mod attempt;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

use super::{Person, Registry};
use crate::catalogue::Catalogue;
use crate::condition::{Condition, Environment, Expression};
use crate::definition::{Operation, Service};
use crate::prove::Problem;
use crate::step::Ask;
use attempt::Attempt;

/// How often each citizen does each service.
const TRIALS: usize = 12;

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
}

/// A service with its expressions compiled.
struct Sheet<'a> {
    service: &'a Service,
    /// `show_if` of each step.
    shown: Vec<Option<Condition>>,
    /// The amount of each step that pays.
    amounts: Vec<Option<Expression>>,
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
    for service in catalogue.iter() {
        let operations = service.lookups.iter().chain([&service.operation]);
        asked.extend(operations.clone().map(|operation| operation.name.as_str()));
        let owed: Vec<Problem> =
            operations.filter_map(|operation| contract(service, operation, registry)).collect();
        let (code, name) = (service.code.clone(), service.name.zh.clone());
        let mut record = Record { code, name, citizens: BTreeSet::new() };
        if owed.is_empty() {
            problems.extend(try_out(&Sheet::of(service), registry, &citizens, &mut record));
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

/// Every text with a digit inside a value.
fn gather<'a>(value: &'a Json, texts: &mut Vec<&'a str>) {
    match value {
        Json::String(text) if text.bytes().any(|byte| byte.is_ascii_digit()) => texts.push(text),
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
    record: &mut Record,
) -> Vec<Problem> {
    let service = sheet.service;
    let mut problems: BTreeMap<String, Problem> = BTreeMap::new();
    let mut answered = BTreeSet::new();
    let mut why = BTreeMap::new();
    for citizen in citizens {
        for trial in 0..TRIALS {
            let mut attempt = Attempt::new(sheet, registry, citizen, trial);
            match attempt.run() {
                Ok(true) if attempt.is_record() => {
                    record.citizens.insert(citizen.id.to_owned());
                }
                Ok(_) => {}
                Err(problem) => {
                    problems.entry(problem.place.clone()).or_insert(*problem);
                }
            }
            answered.extend(attempt.answered);
            why.extend(attempt.refused);
        }
    }
    let mut problems: Vec<Problem> = problems.into_values().collect();
    if !problems.is_empty() {
        return problems;
    }
    let operations = service.lookups.iter().chain([&service.operation]);
    for operation in operations.filter(|operation| !answered.contains(operation.id.as_str())) {
        let why = why.get(operation.id.as_str()).map_or("never reached", String::as_str);
        let says = format!("none of the citizens gets an answer ({why}): let one through");
        problems.push(problem(service, operation, says));
    }
    if problems.is_empty() && record.citizens.is_empty() {
        let says = "every table is empty for every citizen: give one of them a row".to_owned();
        problems.push(problem(service, &service.operation, says));
    }
    problems
}

impl Sheet<'_> {
    fn of(service: &Service) -> Sheet<'_> {
        // What does not compile is said by the proof of the service itself.
        let shown = |text: &String| Condition::compile(text).ok();
        let amount = |ask: &Ask| match ask {
            Ask::Pay { amount_fen } => Expression::compile(amount_fen).ok(),
            _ => None,
        };
        let steps = service.steps.iter();
        Sheet {
            service,
            shown: steps.clone().map(|step| step.show_if.as_ref().and_then(shown)).collect(),
            amounts: steps.map(|step| amount(&step.ask)).collect(),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let citizens: Vec<&str> = self.citizens.iter().map(String::as_str).collect();
        write!(f, "{} {:2} {} ({})", self.code, citizens.len(), self.name, citizens.join(" "))
    }
}
