//! Whether a service can be done by everybody who starts it.
//!
//! Words, names and devices are checked one by one; the ways through the questions are all
//! walked with answers that make each condition true and false. What is found is said so that an author can mend it.

mod bind;
mod device;
mod instead;
mod limits;
pub(crate) mod samples;
mod scope;
mod template;
mod ways;
mod whole;
mod words;

use std::fmt;

use jiff::civil::Date;

use crate::certificate::Kinds;
use crate::condition::{Condition, Expression};
use crate::definition::{Offline, Service};
use crate::step::{Ask, Step};

pub use whole::{AT_TERMINAL, BESIDE, BOOKED, whole};
pub(crate) use words::is_han;

/// One thing that an author must mend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Code of the service, or `catalogue`.
    pub service: String,
    /// Where in it, such as ``step `purpose` ``.
    pub place: String,
    /// What is wrong, and what to do.
    pub says: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { service, place, says } = self;
        if place.is_empty() {
            write!(f, "{service}: {says}")
        } else {
            write!(f, "{service} {place}: {says}")
        }
    }
}

/// What is being collected about one service.
struct Findings<'a> {
    service: &'a Service,
    problems: Vec<Problem>,
}

impl Findings<'_> {
    fn say(&mut self, place: impl Into<String>, says: impl Into<String>) {
        let service = self.service.code.clone();
        self.problems.push(Problem { service, place: place.into(), says: says.into() });
    }
}

/// The expressions of a service, compiled.
struct Compiled {
    /// `show_if` of each step.
    shown: Vec<Option<Condition>>,
    /// The amount of each step that pays.
    amounts: Vec<Option<Expression>>,
    /// When another operation is asked.
    instead: Option<Condition>,
}

/// All that is wrong with one service.
pub fn service(service: &Service, kinds: &Kinds, today: Date) -> Vec<Problem> {
    let mut findings = Findings { service, problems: Vec::new() };
    words::check(&mut findings);
    scope::check_names(&mut findings, today);
    device::check(&mut findings);
    limits::check(&mut findings, today);
    template::check(&mut findings);
    bind::check(&mut findings, kinds);
    instead::check(&mut findings);
    check_offline(&mut findings);
    if let Some(compiled) = compile(&mut findings) {
        ways::check(&mut findings, &compiled, today);
    }
    findings.problems
}

/// Compiles every expression; none is walked when one is broken or reads what is not there.
fn compile(findings: &mut Findings<'_>) -> Option<Compiled> {
    let mut compiled = Compiled { shown: Vec::new(), amounts: Vec::new(), instead: None };
    let before = findings.problems.len();
    let service = findings.service;
    for (index, step) in service.steps.iter().enumerate() {
        let shown = step.show_if.as_deref().map(Condition::compile).transpose();
        let amount = match &step.ask {
            Ask::Pay { amount_fen } => Some(Expression::compile(amount_fen)).transpose(),
            _ => Ok(None),
        };
        for error in [shown.as_ref().err(), amount.as_ref().err()].into_iter().flatten() {
            findings.say(place(step), format!("{error}: mend the expression"));
        }
        let (shown, amount) = (shown.ok().flatten(), amount.ok().flatten());
        let expressions = shown.iter().map(Condition::expression).chain(amount.iter());
        for expression in expressions {
            for path in expression.reads().paths() {
                if let Err(why) = scope::find(service, index, path) {
                    findings.say(place(step), format!("`{}`: {why}", expression.source()));
                }
            }
            if expression.reads().calls("number") {
                findings.say(place(step), "only the registry gives a `number(..)`: leave it out");
            }
        }
        compiled.shown.push(shown);
        compiled.amounts.push(amount);
    }
    compiled.instead = instead::compile(findings);
    (findings.problems.len() == before).then_some(compiled)
}

/// Without a link nothing can be looked up, and no sentence can wait for an answer.
fn check_offline(findings: &mut Findings<'_>) {
    let service = findings.service;
    if service.offline == Offline::Refuse {
        return;
    }
    for lookup in &service.lookups {
        let place = format!("lookup `{}`", lookup.id);
        findings.say(
            place,
            "cannot run without a link: write offline = \"refuse\", or drop the lookup",
        );
    }
    let prefix = format!("{}.", service.operation.id);
    for output in &service.outputs {
        let body = output.body.iter().flat_map(|text| template::keys(&text.zh));
        for key in body.filter(|key| key.starts_with(&prefix)) {
            findings.say(
                format!("output `{}`", output.title.zh),
                format!("`{{{key}}}` is not known without a link: write offline = \"refuse\", or move it to rows"),
            );
        }
    }
}

fn place(step: &Step) -> String {
    format!("step `{}`", step.id)
}

#[cfg(test)]
mod tests;
