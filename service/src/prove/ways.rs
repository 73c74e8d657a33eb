//! Every way through the questions of a service.
//!
//! Step by step, all answers that matter are kept apart and all others are forgotten, so that
//! the ways stay few: two ways that no later condition can tell apart are one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::Value as Json;

use super::samples::{self, Samples};
use super::{Compiled, Findings, instead, place, template};
use crate::answer::Answer;
use crate::condition::{Condition, Environment, root};
use crate::definition::Operation;
use crate::step::{Ask, Step};

/// Most ways that are kept apart at one step.
const WAYS_MAX: usize = 6000;
/// Most problems that are said of one step; the rest have the same cause.
const SAID_MAX: usize = 2;

/// One way so far.
#[derive(Debug, Clone, Default)]
struct Way {
    /// Answers and lookups that a later step reads.
    known: BTreeMap<String, Json>,
    /// Steps that were shown, of those for which it matters.
    shown: BTreeSet<String>,
    /// What was answered, for people.
    story: String,
}

/// The walk through one service.
struct Walk<'a, 'f> {
    findings: &'a mut Findings<'f>,
    compiled: &'a Compiled,
    samples: Samples,
    today: Date,
    /// Last step that reads a variable.
    last_use: BTreeMap<String, usize>,
    /// Steps of which it is remembered whether they were shown.
    remembered: BTreeSet<String>,
    /// Which steps were shown on some way.
    reached: BTreeSet<usize>,
    said: BTreeMap<usize, usize>,
}

pub(super) fn check(findings: &mut Findings<'_>, compiled: &Compiled, today: Date) {
    let service = findings.service;
    let spoken = template::spoken(service);
    let sends = service.lookups.iter().flat_map(|lookup| lookup.sends.iter().cloned());
    let mut walk = Walk {
        samples: Samples::gather(expressions(compiled), &service.steps),
        last_use: last_uses(&service.steps, compiled),
        remembered: spoken.iter().map(|id| (*id).to_owned()).chain(sends).collect(),
        findings,
        compiled,
        today,
        reached: BTreeSet::new(),
        said: BTreeMap::new(),
    };
    let mut ways = vec![Way::default()];
    for (index, step) in service.steps.iter().enumerate() {
        let Some(next) = walk.step(index, step, ways) else { return };
        ways = next;
    }
    for (index, step) in service.steps.iter().enumerate() {
        if !walk.reached.contains(&index) {
            walk.findings.say(place(step), "no answers lead here: loosen its show_if, or drop it");
        }
    }
    if let Some(when) = &compiled.instead {
        let held = ways.iter().filter_map(|way| when.holds(&way.environment(today)).ok());
        instead::check_ways(walk.findings, &held.collect::<Vec<_>>());
    }
    if ways.is_empty() {
        walk.findings.say("operation", "every way ends before it: let one through");
    }
    for id in spoken {
        if let Some(way) = ways.iter().find(|way| !way.shown.contains(id)) {
            let says = format!(
                "a sentence of the paper names `{{{id}}}`, which is empty {}: move it to rows",
                way.told()
            );
            walk.findings.say(format!("step `{id}`"), says);
        }
    }
}

fn expressions(compiled: &Compiled) -> impl Iterator<Item = &crate::condition::Expression> {
    let shown = compiled.shown.iter().flatten().map(Condition::expression);
    let instead = compiled.instead.iter().map(Condition::expression);
    shown.chain(compiled.amounts.iter().flatten()).chain(instead)
}

/// Last step at which each variable is read.
fn last_uses(steps: &[Step], compiled: &Compiled) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        for name in names(step, index, compiled) {
            uses.insert(name, index);
        }
    }
    if let Some(when) = &compiled.instead {
        let read = when.expression().reads().roots().into_iter();
        uses.extend(read.map(|name| (name.to_owned(), steps.len())));
    }
    uses
}

/// Variables that decide something at this step.
fn names(step: &Step, index: usize, compiled: &Compiled) -> BTreeSet<String> {
    let shown = compiled.shown.get(index).into_iter().flatten().map(Condition::expression);
    let amounts = compiled.amounts.get(index).into_iter().flatten();
    let mut names: BTreeSet<String> = shown
        .chain(amounts)
        .flat_map(|expression| expression.reads().roots())
        .map(str::to_owned)
        .collect();
    if let Ask::Pick { from, .. } = &step.ask {
        names.insert(root(from).to_owned());
    }
    names
}

impl Walk<'_, '_> {
    /// Every way one step on; nothing when they are too many.
    fn step(&mut self, index: usize, step: &Step, ways: Vec<Way>) -> Option<Vec<Way>> {
        let mut ways = ways;
        let wanted = names(step, index, self.compiled);
        for lookup in self.findings.service.lookups.iter().filter(|one| wanted.contains(&one.id)) {
            ways = self.look_up(lookup, ways)?;
        }
        let mut next: BTreeMap<String, Way> = BTreeMap::new();
        for way in ways {
            let environment = way.environment(self.today);
            let shown = match self.compiled.shown.get(index).and_then(Option::as_ref) {
                None => true,
                Some(condition) => match condition.holds(&environment) {
                    Ok(shown) => shown,
                    Err(error) => {
                        self.say(index, format!("{error} {}: mend the expression", way.told()));
                        false
                    }
                },
            };
            for way in self.answer(index, step, way, shown, &environment) {
                next.entry(way.key()).or_insert(way);
                if next.len() > WAYS_MAX {
                    self.say(index, format!("more than {WAYS_MAX} ways lead here: let conditions read fewer answers at once"));
                    return None;
                }
            }
        }
        Some(next.into_values().collect())
    }

    /// The ways that lead on from one step.
    fn answer(
        &mut self,
        index: usize,
        step: &Step,
        way: Way,
        shown: bool,
        environment: &Environment,
    ) -> Vec<Way> {
        let mut way = way;
        if !shown {
            let empty = Answer::empty(&step.ask).to_json();
            return vec![self.go(index, step, way, empty)];
        }
        self.reached.insert(index);
        if self.remembered.contains(&step.id) {
            way.shown.insert(step.id.clone());
        }
        let mut tried = match &step.ask {
            Ask::Stop => return Vec::new(),
            Ask::Show { .. } => return vec![self.go(index, step, way, Json::Null)],
            Ask::Pick { from, value, .. } => {
                let rows = environment.pointer(from).and_then(Json::as_array);
                let values = rows.into_iter().flatten().filter_map(|row| row.get(value)).cloned();
                let mut values: Vec<Json> = values.collect();
                values.dedup();
                if values.is_empty() {
                    self.say(
                        index,
                        format!(
                            "the list can be empty {}: stop before, with words for it",
                            way.told()
                        ),
                    );
                }
                if step.optional {
                    values.push(Json::from(""));
                }
                values
            }
            Ask::Pay { .. } => {
                self.check_amount(index, &way, environment);
                self.samples.of_step(step, self.today)
            }
            _ => self.samples.of_step(step, self.today),
        };
        if step.optional {
            let given = tried.split_last().map(|(_, given)| given.to_vec()).unwrap_or_default();
            let mut ways = self.branch(index, step, &way, given);
            way.shown.remove(&step.id);
            let empty = tried.split_off(tried.len().saturating_sub(1));
            ways.extend(self.branch(index, step, &way, empty));
            return ways;
        }
        self.branch(index, step, &way, tried)
    }

    /// One way for each answer that a later step can tell apart.
    fn branch(&self, index: usize, step: &Step, way: &Way, mut tried: Vec<Json>) -> Vec<Way> {
        let matters = self.last_use.get(&step.id).is_some_and(|last| *last > index);
        if !matters {
            tried.truncate(1);
        }
        let told = |answer: &Json| match &step.ask {
            Ask::IdCard => format!(
                "{} aged {} ({})",
                step.id,
                answer["age"],
                answer["sex"].as_str().unwrap_or("")
            ),
            _ => format!("{} = {answer}", step.id),
        };
        tried
            .into_iter()
            .map(|answer| {
                let mut way = way.clone();
                if matters {
                    way.tell(&told(&answer));
                }
                self.go(index, step, way, answer)
            })
            .collect()
    }

    /// Keeps the answer while somebody reads it, and forgets what nobody reads any more.
    fn go(&self, index: usize, step: &Step, mut way: Way, answer: Json) -> Way {
        way.known.insert(step.id.clone(), answer);
        let is_live = |name: &String| self.last_use.get(name).is_some_and(|last| *last > index);
        way.known.retain(|name, _| is_live(name));
        way
    }

    /// Every answer of a lookup that has not run on these ways.
    fn look_up(&mut self, lookup: &Operation, ways: Vec<Way>) -> Option<Vec<Way>> {
        let Some(tried) = self.samples.of_lookup(lookup, self.today) else {
            let place = format!("lookup `{}`", lookup.id);
            self.findings.say(place, "conditions read too much of it: let them read fewer fields");
            return None;
        };
        let mut next: BTreeMap<String, Way> = BTreeMap::new();
        for way in ways {
            if way.known.contains_key(&lookup.id) {
                next.insert(way.key(), way);
                continue;
            }
            let asked =
                lookup.sends.is_empty() || lookup.sends.iter().any(|id| way.shown.contains(id));
            let none = [samples::nothing(lookup)];
            for value in if asked { tried.as_slice() } else { none.as_slice() } {
                let mut way = way.clone();
                way.tell(&format!("{} = {}", lookup.id, short(value)));
                way.known.insert(lookup.id.clone(), value.clone());
                next.entry(way.key()).or_insert(way);
            }
            if next.len() > WAYS_MAX * 4 {
                let place = format!("lookup `{}`", lookup.id);
                self.findings.say(
                    place,
                    "too many ways lead to it: let conditions read fewer answers at once",
                );
                return None;
            }
        }
        Some(next.into_values().collect())
    }

    fn check_amount(&mut self, index: usize, way: &Way, environment: &Environment) {
        let Some(Some(amount)) = self.compiled.amounts.get(index) else { return };
        match amount.evaluate(environment) {
            Ok(value) if value.is_i64() => {}
            Ok(value) => self.say(
                index,
                format!(
                    "the amount is {value} {}: it must be whole fen, use round(..)",
                    way.told()
                ),
            ),
            Err(error) => self.say(index, format!("{error} {}: mend the amount", way.told())),
        }
    }

    fn say(&mut self, index: usize, says: String) {
        let said = self.said.entry(index).or_default();
        *said += 1;
        if *said <= SAID_MAX {
            let at = self.findings.service.steps.get(index).map(place).unwrap_or_default();
            self.findings.say(at, says);
        }
    }
}

impl Way {
    fn environment(&self, today: Date) -> Environment {
        let mut environment = Environment::new(today);
        self.known.iter().for_each(|(name, value)| environment.set(name.clone(), value.clone()));
        environment
    }

    /// What tells this way from others.
    fn key(&self) -> String {
        format!("{:?}{}", self.shown, Json::from_iter(self.known.clone()))
    }

    fn tell(&mut self, part: &str) {
        if !self.story.is_empty() {
            self.story.push_str(", ");
        }
        self.story.push_str(part);
    }

    fn told(&self) -> String {
        if self.story.is_empty() { "always".to_owned() } else { format!("when {}", self.story) }
    }
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
