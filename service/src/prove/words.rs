//! Every text in both languages, short enough for its place.

use super::{Findings, place};
use crate::definition::{Fee, Field, Operation};
use crate::step::{Ask, Choice};
use crate::text::Text;

/// Longest question, in characters.
const TITLE_MAX: usize = 20;
/// Longest explanation under a question, in characters.
const HELP_MAX: usize = 60;

pub(super) fn check(findings: &mut Findings<'_>) {
    let service = findings.service;
    for (place, text) in [
        ("name", &service.name),
        ("summary", &service.summary),
        ("department", &service.department),
        ("audience", &service.audience),
    ] {
        check_text(findings, place, text);
    }
    service.basis.iter().for_each(|basis| check_text(findings, "basis", &basis.name));
    for material in &service.materials {
        check_text(findings, "materials", &material.name);
        material.only.iter().for_each(|only| check_text(findings, "materials", only));
    }
    match &service.fee {
        Fee::Fixed { note: Some(text), .. } | Fee::Owed(text) => check_text(findings, "fee", text),
        Fee::Free | Fee::Fixed { .. } => {}
    }
    for operation in service.operations() {
        check_operation(findings, operation);
    }
    for output in &service.outputs {
        let place = format!("output `{}`", output.title.zh);
        check_text(findings, &place, &output.title);
        output.body.iter().for_each(|text| check_text(findings, &place, text));
    }
    if service.basis.is_empty() {
        findings.say("basis", "name the law or notice that the item rests on");
    }
    check_steps(findings);
}

fn check_steps(findings: &mut Findings<'_>) {
    for step in &findings.service.steps {
        let place = place(step);
        check_text(findings, &place, &step.title);
        check_length(findings, &place, "title", &step.title, TITLE_MAX);
        if let Some(help) = &step.help {
            check_text(findings, &place, help);
            check_length(findings, &place, "help", help, HELP_MAX);
        }
        step.speech.iter().for_each(|speech| check_text(findings, &place, speech));
        match &step.ask {
            Ask::Stop if step.help.is_none() => {
                findings.say(
                    &place,
                    "a page that ends the way needs help: why, and where to go instead",
                );
            }
            Ask::Consent { statement } => check_text(findings, &place, statement),
            Ask::Number { unit, .. } => check_label(findings, &place, &unit.zh, &unit.en),
            Ask::Choice { options, .. } | Ask::Choices { options, .. } => {
                check_options(findings, &place, options);
            }
            _ => {}
        }
    }
}

fn check_options(findings: &mut Findings<'_>, place: &str, options: &[Choice]) {
    for option in options {
        check_label(findings, place, &option.zh, &option.en);
        option.hint.iter().for_each(|hint| check_text(findings, place, hint));
    }
}

fn check_operation(findings: &mut Findings<'_>, operation: &Operation) {
    let place = format!("operation `{}`", operation.name);
    let fields =
        operation.returns.iter().flat_map(|field| [field].into_iter().chain(&field.columns));
    fields.for_each(|field: &Field| check_label(findings, &place, &field.name.zh, &field.name.en));
}

fn check_text(findings: &mut Findings<'_>, place: &str, text: &Text) {
    let zh = without_keys(&text.zh);
    if text.zh.trim().is_empty() || text.en.trim().is_empty() {
        findings.say(place, "a text is empty: write it in both languages");
    } else if !zh.chars().any(is_han) && zh.chars().any(char::is_alphabetic) {
        findings.say(place, format!("`{}` has no Chinese character: write zh in Chinese", text.zh));
    } else if let Some(sign) = unquoted(&text.en).chars().find(|sign| is_han(*sign)) {
        findings.say(place, format!("`{}` has `{sign}` in it: write en in English, with “…” around what stands on a paper", text.en));
    }
}

/// Names that are the same in both languages, such as a class of licence, are words too.
fn check_label(findings: &mut Findings<'_>, place: &str, zh: &str, en: &str) {
    if zh != en || zh.trim().is_empty() || zh.chars().any(is_han) {
        check_text(findings, place, &Text { zh: zh.to_owned(), en: en.to_owned() });
    }
}

fn check_length(findings: &mut Findings<'_>, place: &str, part: &str, text: &Text, most: usize) {
    let count = text.zh.chars().count();
    if count > most {
        findings.say(place, format!("{part} has {count} characters: shorten it to {most}"));
    }
}

/// Keys in braces are no words.
fn without_keys(text: &str) -> String {
    outside(text, '{', '}')
}

/// What a reader finds on a Chinese paper or types in Chinese is quoted as it is.
fn unquoted(text: &str) -> String {
    outside(text, '“', '”')
}

fn outside(text: &str, open: char, close: char) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|sign| {
            match *sign {
                sign if sign == open => depth += 1,
                sign if sign == close => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

/// Chinese characters: the unified ideographs with their extensions.
pub(crate) fn is_han(sign: char) -> bool {
    matches!(sign, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' | '〇')
}
