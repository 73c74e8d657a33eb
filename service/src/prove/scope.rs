//! What a name stands for at a place in a service.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{Findings, place};
use crate::definition::{Field, FieldKind, Operation, Service};
use crate::step::{Ask, Choice, Step};

/// What stands on an identity card.
pub(super) const CARD: [&str; 10] = [
    "name",
    "sex",
    "nation",
    "birth",
    "address",
    "number",
    "issuer",
    "valid_from",
    "valid_to",
    "age",
];

/// Words that an answer cannot be called by: CEL's own, and what is always known.
const RESERVED: [&str; 26] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "today",
    "certificate",
    "size",
    "has",
    "result",
];

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Thing<'a> {
    Today,
    /// The number of the case.
    Number,
    Card(&'a str),
    Answer(&'a Step),
    /// A part of an address, slot, payment or count.
    Part,
    Lookup,
    Field(&'a Field),
}

/// What `path` is to the step at `index`; one behind the last is where the operation stands.
pub(super) fn find<'a>(
    service: &'a Service,
    index: usize,
    path: &'a str,
) -> Result<Thing<'a>, String> {
    let mut parts = path.split('.');
    let root = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    if let Some(at) = service.steps.iter().position(|step| step.id == root) {
        let step = &service.steps[at];
        if at >= index {
            return Err(format!("`{root}` is asked later: move that step up"));
        }
        return answer(step, &rest);
    }
    let at_end = index >= service.steps.len();
    if let Some(lookup) = service.lookups.iter().find(|lookup| lookup.id == root) {
        if let Some(late) = unanswered(service, lookup, index) {
            return Err(format!(
                "`{root}` sends `{late}`, which is not asked before: move that step up"
            ));
        }
        return field(lookup, &rest);
    }
    match root {
        "today" => Ok(Thing::Today),
        "number" if at_end => Ok(Thing::Number),
        _ if at_end && root == service.operation.id => field(&service.operation, &rest),
        "card" => Err("no card is read before: add a step `card` that asks id-card".to_owned()),
        _ => Err(format!("there is no `{root}`: name an earlier step, card, today or a lookup")),
    }
}

fn answer<'a>(step: &'a Step, rest: &[&'a str]) -> Result<Thing<'a>, String> {
    let id = &step.id;
    let parts: &[&str] = match &step.ask {
        Ask::Stop | Ask::Show { .. } => {
            return Err(format!("`{id}` is a page without an answer: name another step"));
        }
        Ask::IdCard => {
            return match rest {
                [] => Ok(Thing::Answer(step)),
                [field] if CARD.contains(field) => Ok(Thing::Card(field)),
                _ => Err(format!("`{id}.{}` is not on the card: it has {CARD:?}", rest.join("."))),
            };
        }
        Ask::Address => &["street", "community", "detail"],
        Ask::Slot { .. } => &["date", "time"],
        Ask::Pay { .. } => &["amount", "trade"],
        Ask::Photo { .. } | Ask::Scan { .. } | Ask::Signature | Ask::Face | Ask::Fingerprint => {
            &["count"]
        }
        Ask::Choices { .. } => &["[]"],
        _ => &[],
    };
    match rest {
        [] => Ok(Thing::Answer(step)),
        [part] if parts.contains(part) => Ok(Thing::Part),
        _ => Err(format!("`{id}` has no `{}`: it has {parts:?}", rest.join("."))),
    }
}

fn field<'a>(operation: &'a Operation, rest: &[&'a str]) -> Result<Thing<'a>, String> {
    let id = &operation.id;
    let Some((first, deeper)) = rest.split_first() else {
        return Ok(Thing::Lookup);
    };
    let found = operation.returns.iter().find(|field| field.id == *first);
    let found = found.ok_or_else(|| {
        let known: Vec<&str> = operation.returns.iter().map(|field| field.id.as_str()).collect();
        format!("`{id}` returns no `{first}`: it returns {known:?}")
    })?;
    match (found.kind, deeper) {
        (FieldKind::Table, [_, column, ..]) => {
            let columns = found.columns.iter();
            columns.clone().find(|known| known.id == *column).map(Thing::Field).ok_or_else(|| {
                format!("`{id}.{first}` has no column `{column}`: add it, or name another")
            })
        }
        (FieldKind::Words, [..]) | (_, []) | (FieldKind::Table, [_]) => Ok(Thing::Field(found)),
        _ => Err(format!("`{id}.{first}` is one value: leave out `{}`", deeper.join("."))),
    }
}

/// The first thing a lookup sends that is not answered before the step at `index`.
pub(super) fn unanswered<'a>(
    service: &Service,
    lookup: &'a Operation,
    index: usize,
) -> Option<&'a str> {
    let asked = |id: &str| service.steps.iter().take(index).any(|step| step.id == id);
    lookup.sends.iter().map(String::as_str).find(|id| !asked(id))
}

/// Whether ids are unique and well formed, and whether everything that is sent exists.
pub(super) fn check_names(findings: &mut Findings<'_>, today: Date) {
    let service = findings.service;
    check_code(findings);
    let mut taken = BTreeSet::new();
    let steps = service.steps.iter().map(|step| (place(step), step.id.as_str()));
    let operations = service.lookups.iter().chain([&service.operation]);
    let operations =
        operations.map(|each| (format!("operation `{}`", each.name), each.id.as_str()));
    for (place, id) in steps.chain(operations) {
        if !is_name(id) {
            findings
                .say(&place, format!("`{id}` cannot be an id: lower case, digits, underscores"));
        }
        if RESERVED.contains(&id) && id != service.operation.id {
            findings.say(&place, format!("`{id}` means something else already: rename it"));
        }
        if !taken.insert(id) {
            findings.say(&place, format!("the id `{id}` stands twice: rename one"));
        }
    }
    for operation in service.operations() {
        check_operation(findings, operation);
    }
    for step in &service.steps {
        if matches!(step.ask, Ask::Choice { .. } | Ask::Choices { .. }) {
            check_options(findings, &place(step), &step.ask.options(today));
        }
        let is_first_card = step.ask == Ask::IdCard
            && service.steps.iter().find(|other| other.ask == Ask::IdCard) == Some(step);
        if is_first_card && step.id != "card" {
            findings.say(place(step), "the citizen's own identity card must be called `card`");
        }
        if step.ask != Ask::IdCard && step.id == "card" {
            findings
                .say(place(step), "only the citizen's identity card is called `card`: rename it");
        }
    }
}

fn check_code(findings: &mut Findings<'_>) {
    let code = &findings.service.code;
    let digits = code.strip_prefix(['T', 'C', 'R']).unwrap_or_default();
    if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        findings.say("code", "must be T001 to T104, C001 to C042, or R001 and on");
    }
}

fn check_operation(findings: &mut Findings<'_>, operation: &Operation) {
    let service = findings.service;
    let place = format!("operation `{}`", operation.name);
    let parts: Vec<&str> = operation.name.split('.').collect();
    let is_part = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !(2..=4).contains(&parts.len()) || !parts.iter().all(is_part) {
        findings
            .say(&place, "its name must read department.thing.verb, in lower case with hyphens");
    }
    for sent in &operation.sends {
        match service.steps.iter().find(|step| step.id == *sent) {
            None => findings
                .say(&place, format!("sends `{sent}`, which no step asks: add it or drop it")),
            Some(step) if matches!(step.ask, Ask::Stop | Ask::Show { .. }) => {
                findings.say(&place, format!("sends `{sent}`, a page without an answer: drop it"));
            }
            Some(_) => {}
        }
    }
    check_fields(findings, &place, &operation.returns);
    for field in &operation.returns {
        if (field.kind == FieldKind::Table) == field.columns.is_empty() {
            findings.say(
                &place,
                format!("`{}`: columns belong to a table, and a table has some", field.id),
            );
        }
        check_fields(findings, &place, &field.columns);
    }
}

fn check_fields(findings: &mut Findings<'_>, place: &str, fields: &[Field]) {
    let mut taken = BTreeSet::new();
    for field in fields {
        if !is_name(&field.id) {
            findings.say(
                place,
                format!("`{}` cannot be an id: lower case, digits, underscores", field.id),
            );
        }
        if !taken.insert(&field.id) {
            findings.say(place, format!("`{}` stands twice: rename one", field.id));
        }
    }
}

fn check_options(findings: &mut Findings<'_>, place: &str, options: &[Choice]) {
    let mut taken = BTreeSet::new();
    if options.len() < 2 {
        findings.say(place, "a choice needs two options at least: add one, or drop the question");
    }
    for option in options {
        if option.value.is_empty() || !taken.insert(&option.value) {
            findings.say(
                place,
                format!("the value `{}` must be there once only: rename one", option.value),
            );
        }
    }
}

fn is_name(id: &str) -> bool {
    id.starts_with(|sign: char| sign.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
