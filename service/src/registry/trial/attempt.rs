//! One citizen doing one service once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::{Citizen, Sheet, problem};
use crate::answer::Answer;
use crate::check;
use crate::condition::Environment;
use crate::definition::{FieldKind, Operation};
use crate::functions;
use crate::prove::{Problem, samples};
use crate::registry::{Change, Outcome, Registry, value};
use crate::step::{Ask, Step};

pub(super) struct Attempt<'s, 'a> {
    sheet: &'a Sheet<'s>,
    registry: &'a Registry,
    citizen: &'a Citizen<'a>,
    trial: usize,
    /// What she has before her: an invoice, a bill, a licence.
    row: Option<&'s Map<String, Json>>,
    today: Date,
    /// Answers and lookups so far.
    known: Environment,
    shown: BTreeSet<&'s str>,
    /// Operations that were answered, by id.
    pub(super) answered: BTreeSet<&'s str>,
    /// Why others were not.
    pub(super) refused: BTreeMap<&'s str, String>,
    /// What is known about her at the end.
    pub(super) changes: Vec<Change>,
}

/// Trials in which every step takes the same of its answers.
const ALIKE: usize = 4;
/// Most codes of the registry that a trial chooses from.
const CODES_MAX: usize = 64;

/// Whether there is a next page.
type Goes = Result<bool, Box<Problem>>;

impl<'s, 'a> Attempt<'s, 'a> {
    pub(super) fn new(
        sheet: &'a Sheet<'s>,
        registry: &'a Registry,
        citizen: &'a Citizen<'a>,
        trial: usize,
        row: Option<&'s Map<String, Json>>,
    ) -> Attempt<'s, 'a> {
        let today = citizen.known.today();
        Attempt {
            sheet,
            registry,
            citizen,
            trial,
            row,
            today,
            known: Environment::new(today),
            shown: BTreeSet::new(),
            answered: BTreeSet::new(),
            refused: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    /// Does it; false where she is stopped or refused.
    pub(super) fn run(&mut self) -> Goes {
        let service = self.sheet.service;
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
            if !self.step(index, step) {
                return Ok(false);
            }
        }
        let instead = self
            .sheet
            .instead
            .as_ref()
            .is_some_and(|when| when.holds(&self.known).unwrap_or_default());
        match &service.instead {
            Some(other) if instead => self.perform(&other.operation),
            _ => self.perform(&service.operation),
        }
    }

    /// Whether what came back is more than empty tables.
    pub(super) fn is_record(&self) -> bool {
        let operation = &self.sheet.service.operation;
        let mut tables =
            operation.returns.iter().filter(|field| field.kind == FieldKind::Table).peekable();
        let has_row = |id: &str| {
            let rows = self.known.pointer(&format!("{}.{id}", operation.id));
            rows.and_then(Json::as_array).is_some_and(|rows| !rows.is_empty())
        };
        tables.peek().is_none() || tables.any(|table| has_row(&table.id))
    }

    /// One of so many: the first trials take the same everywhere, later ones mix them.
    fn turn(&self, index: usize, of: usize) -> usize {
        let mixed = (self.trial * (7919 * index + 104_729)) >> 6;
        (if self.trial < ALIKE { self.trial } else { mixed }) % of.max(1)
    }

    /// Answers one question; false where the way ends.
    fn step(&mut self, index: usize, step: &'s Step) -> bool {
        let shown = match self.sheet.shown.get(index).and_then(Option::as_ref) {
            Some(condition) => condition.holds(&self.known).unwrap_or_default(),
            None => true,
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
                let Some(row) = rows.get(self.turn(index, rows.len())) else { return false };
                row.get(value).cloned().unwrap_or_default()
            }
            _ => {
                let known = self.bound(step).or_else(|| self.read_off(step));
                known.unwrap_or_else(|| self.made_up(index, step))
            }
        };
        self.known.set(step.id.clone(), answer);
        self.shown.insert(&step.id);
        true
    }

    /// What is known already, where it has the form of an answer.
    fn bound(&self, step: &Step) -> Option<Json> {
        let from = &step.bind.as_ref()?.from;
        let value = match from.strip_prefix("certificate.") {
            Some(rest) => {
                let (kind, field) = rest.split_once('.')?;
                self.citizen.person.certificates.get(kind)?.get(field)?.clone()
            }
            None => self.known.pointer(from)?.clone(),
        };
        let is_known = value.as_str() != Some("");
        let is_answer = Answer::from_json(&step.ask, &value).is_ok();
        (is_known && is_answer).then_some(value)
    }

    /// A field of the row that is named as the step, or as a part of its name.
    fn read_off(&self, step: &Step) -> Option<Json> {
        let row = self.row?;
        let names = [step.id.as_str()].into_iter().chain(step.id.split('_'));
        let mut values = names.filter_map(|name| row.get(name));
        values.find(|value| Answer::from_json(&step.ask, value).is_ok()).cloned()
    }

    fn made_up(&self, index: usize, step: &Step) -> Json {
        let person = self.citizen.person;
        match &step.ask {
            Ask::IdCard if step.id == "card" => {
                let mut card = person.card.clone();
                let birth = person.text("birth").parse().unwrap_or(self.today);
                card.insert("age".to_owned(), json!(functions::age(birth, self.today)));
                Json::Object(card)
            }
            Ask::YesNo => json!(self.turn(index, 2) == 0),
            Ask::Mobile => json!(person.text("mobile")),
            Ask::Code { min, max, digits, .. } => {
                let codes = self.codes(*min, *max, *digits);
                match codes.get(self.turn(index, codes.len())) {
                    Some(code) => json!(code),
                    None => samples::dummy(&step.ask, self.today),
                }
            }
            Ask::Pay { .. } => {
                let amount = self.sheet.amounts.get(index).and_then(Option::as_ref);
                let amount = amount.and_then(|amount| amount.evaluate(&self.known).ok());
                json!({ "amount": amount.unwrap_or(json!(100)), "trade": "4200001" })
            }
            _ => {
                let tried = samples::Samples::default().of_step(step, self.today);
                tried.get(self.turn(index, tried.len())).cloned().unwrap_or_default()
            }
        }
    }

    /// Codes of this form that the registry knows: the citizen's own first.
    fn codes(&self, min: u8, max: u8, digits: bool) -> Vec<String> {
        let codes = self.citizen.codes.iter();
        let codes = codes.filter_map(|text| check::code::check(text, min, max, digits).ok());
        codes.take(CODES_MAX).collect()
    }

    /// Asks the department; false where it refuses.
    fn perform(&mut self, operation: &'s Operation) -> Goes {
        let service = self.sheet.service;
        let is_lookup = operation.id != service.operation.id;
        let is_asked = |id: &String| self.shown.contains(id.as_str());
        if is_lookup && !operation.sends.is_empty() && !operation.sends.iter().any(is_asked) {
            self.known.set(operation.id.clone(), samples::nothing(operation));
            return Ok(true);
        }
        let sends = operation.sends.iter().filter(|id| is_asked(id));
        let ask: Map<String, Json> =
            sends.filter_map(|id| Some((id.clone(), self.known.get(id)?.clone()))).collect();
        let ask = Json::Object(ask);
        let say = |says: String| Box::new(problem(service, operation, says));
        let name = self.citizen.person.text("name");
        let Some(rule) = self.registry.rules.get(&operation.name) else { return Ok(false) };
        let citizen = self.citizen;
        let has_card = self.shown.contains("card");
        let mut environment =
            if has_card { citizen.known.clone() } else { citizen.stranger.clone() };
        environment.set("ask", ask.clone());
        match rule.decide(&environment) {
            Err(error) => Err(say(format!("{error} for {name} with {ask}: mend the rule"))),
            Ok(Outcome::Refused(why)) => {
                self.refused.insert(&operation.id, why.zh);
                Ok(false)
            }
            Ok(Outcome::Done { returns, changes }) => {
                let mut fields = operation.returns.iter();
                let wrong = fields.find_map(|field| value::mistake(field, returns.get(&field.id)?));
                if let Some(wrong) = wrong {
                    return Err(say(format!("{wrong}, for {name}: mend the rule")));
                }
                self.answered.insert(&operation.id);
                self.changes.extend(changes);
                self.known.set(operation.id.clone(), Json::Object(returns));
                Ok(true)
            }
        }
    }
}
