//! Keys in braces and rows: everything that is written exists where it is written.

use std::collections::BTreeSet;

use super::scope::{self, Thing};
use super::{Findings, place};
use crate::condition::Expression;
use crate::definition::{FieldKind, Output, Service};
use crate::step::{Ask, Step};
use crate::text::Text;

pub(super) fn check(findings: &mut Findings<'_>) {
    let service = findings.service;
    for (index, step) in service.steps.iter().enumerate() {
        let texts = [Some(&step.title), step.help.as_ref(), step.speech.as_ref()];
        for text in texts.into_iter().flatten() {
            check_text(findings, &place(step), text, index);
        }
        check_page(findings, index, step);
    }
    let end = service.steps.len();
    for output in &service.outputs {
        let place = format!("output `{}`", output.title.zh);
        output.body.iter().for_each(|text| check_text(findings, &place, text, end));
        check_text(findings, &place, &output.title, end);
        check_rows(findings, &place, &output.rows, end);
    }
    check_use(findings);
}

/// The keys of a text: `{card.name}` gives `card.name`.
pub(super) fn keys(text: &str) -> Vec<&str> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(key, _)| key).collect()
}

/// Steps whose answers stand in sentences of the papers, and so must always be given.
pub(super) fn spoken(service: &Service) -> BTreeSet<&str> {
    let texts = service.outputs.iter().flat_map(|output| output.body.iter().chain([&output.title]));
    let roots = texts.flat_map(|text| keys(&text.zh)).map(crate::condition::root);
    roots.filter(|id| service.steps.iter().any(|step| step.id == **id)).collect()
}

fn check_text(findings: &mut Findings<'_>, place: &str, text: &Text, index: usize) {
    let (zh, en) = (keys(&text.zh), keys(&text.en));
    if BTreeSet::from_iter(&zh) != BTreeSet::from_iter(&en) {
        findings.say(place, format!("both languages must have the same keys: {zh:?} and {en:?}"));
    }
    for key in zh {
        match scope::find(findings.service, index, key) {
            Err(why) => findings.say(place, format!("`{{{key}}}`: {why}")),
            Ok(thing) if !is_word(thing) => {
                findings
                    .say(place, format!("`{{{key}}}` cannot stand in a sentence: move it to rows"));
            }
            Ok(_) => {}
        }
    }
}

/// Whether it can be written into a sentence.
fn is_word(thing: Thing<'_>) -> bool {
    match thing {
        Thing::Field(field) => field.kind != FieldKind::Table,
        Thing::Lookup => false,
        Thing::Answer(step) => !matches!(
            step.ask,
            Ask::IdCard
                | Ask::Face
                | Ask::Fingerprint
                | Ask::Photo { .. }
                | Ask::Scan { .. }
                | Ask::Signature
                | Ask::Consent { .. }
        ),
        Thing::Today | Thing::Number | Thing::Card(_) | Thing::Part => true,
    }
}

fn check_rows(findings: &mut Findings<'_>, place: &str, rows: &[String], index: usize) {
    for row in rows {
        match scope::find(findings.service, index, row) {
            Err(why) => findings.say(place, format!("row `{row}`: {why}")),
            Ok(Thing::Lookup) => {
                findings.say(place, format!("row `{row}`: say which of its fields"));
            }
            Ok(_) => {}
        }
    }
}

fn check_page(findings: &mut Findings<'_>, index: usize, step: &Step) {
    let place = place(step);
    let service = findings.service;
    match &step.ask {
        Ask::Show { rows } => {
            if rows.is_empty() {
                findings.say(&place, "shows nothing: name its rows");
            }
            check_rows(findings, &place, rows, index);
        }
        Ask::Pick { from, label, value } => match scope::find(findings.service, index, from) {
            Ok(Thing::Field(field)) if field.kind == FieldKind::Table => {
                let columns = keys(&label.zh).into_iter().chain(keys(&label.en));
                for column in columns.chain([value.as_str()]) {
                    if !field.columns.iter().any(|known| known.id == column) {
                        findings.say(
                            &place,
                            format!("`{from}` has no column `{column}`: add it, or name another"),
                        );
                    }
                }
            }
            Ok(_) => findings.say(&place, format!("`{from}` is not a table of a lookup: name one")),
            Err(why) => findings.say(&place, format!("from `{from}`: {why}")),
        },
        Ask::Slot { of: Some(of), .. } => {
            let (picked, column) = of.split_once('.').unwrap_or((of, ""));
            let step = service.steps.iter().take(index).find(|step| step.id == picked);
            let table = step.and_then(|step| match &step.ask {
                Ask::Pick { from, .. } => scope::find(service, index, from).ok(),
                _ => None,
            });
            let has = matches!(table, Some(Thing::Field(field)) if field.columns.iter().any(|known| known.id == column));
            if !has {
                findings.say(
                    &place,
                    format!("of `{of}`: name an earlier pick and a column of its rows"),
                );
            }
        }
        Ask::Choice { suggest: Some(from), options, .. } => {
            let is_before = service
                .steps
                .iter()
                .take(index)
                .any(|step| step.id == *from && matches!(step.ask, Ask::Text { .. }));
            if !is_before {
                findings
                    .say(&place, format!("suggest `{from}`: name an earlier step of free words"));
            }
            if options.iter().all(|option| option.words.is_empty()) {
                findings.say(&place, "suggests nothing: give its options words");
            }
        }
        _ => {}
    }
}

/// What is asked must go somewhere; what is looked up too.
fn check_use(findings: &mut Findings<'_>) {
    let service = findings.service;
    let used = used(service);
    for step in &service.steps {
        let is_proof = matches!(
            step.ask,
            Ask::IdCard
                | Ask::Face
                | Ask::Fingerprint
                | Ask::Consent { .. }
                | Ask::Stop
                | Ask::Show { .. }
        );
        if !is_proof && !used.contains(step.id.as_str()) {
            findings.say(
                place(step),
                "its answer is used nowhere: send it with the operation, or do not ask",
            );
        }
    }
    for lookup in &service.lookups {
        if !used.contains(lookup.id.as_str()) {
            findings.say(format!("lookup `{}`", lookup.id), "is used nowhere: show it, or drop it");
        }
    }
}

/// First parts of everything that is named anywhere in the service.
fn used(service: &Service) -> BTreeSet<String> {
    let mut paths: Vec<&str> = Vec::new();
    for operation in service.operations() {
        paths.extend(operation.sends.iter().map(String::as_str));
    }
    for Output { body, rows, title, .. } in &service.outputs {
        paths.extend(rows.iter().map(String::as_str));
        paths.extend(body.iter().chain([title]).flat_map(|text| keys(&text.zh)));
    }
    let mut used: BTreeSet<String> = service.steps.iter().flat_map(roots).collect();
    let when = service.instead.iter().filter_map(|it| Expression::compile(&it.when).ok());
    for when in when {
        used.extend(when.reads().roots().into_iter().map(str::to_owned));
    }
    used.extend(paths.into_iter().map(|path| crate::condition::root(path).to_owned()));
    used
}

/// First parts of everything that one step names.
fn roots(step: &Step) -> BTreeSet<String> {
    let texts = [Some(&step.title), step.help.as_ref(), step.speech.as_ref()];
    let mut paths: Vec<&str> =
        texts.into_iter().flatten().flat_map(|text| keys(&text.zh)).collect();
    paths.extend(step.bind.as_ref().map(|bind| bind.from.as_str()));
    let mut sources: Vec<&str> = step.show_if.as_deref().into_iter().collect();
    match &step.ask {
        Ask::Show { rows } => paths.extend(rows.iter().map(String::as_str)),
        Ask::Pick { from, .. }
        | Ask::Slot { of: Some(from), .. }
        | Ask::Choice { suggest: Some(from), .. } => paths.push(from),
        Ask::Pay { amount_fen } => sources.push(amount_fen),
        _ => {}
    }
    let mut roots: BTreeSet<String> =
        paths.into_iter().map(|path| crate::condition::root(path).to_owned()).collect();
    for expression in sources.into_iter().filter_map(|source| Expression::compile(source).ok()) {
        roots.extend(expression.reads().roots().into_iter().map(str::to_owned));
    }
    roots
}
