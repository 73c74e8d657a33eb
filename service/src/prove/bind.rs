//! Answers that are known already: where they come from, and whether they fit.

use super::scope::{self, Thing};
use super::{Findings, place};
use crate::certificate::Kinds;
use crate::definition::{FieldKind, MaterialSource};
use crate::step::Ask;

/// What an answer is made of, as far as filling it in goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Truth,
    List,
    Number,
    Money,
    Date,
    Month,
    Address,
    /// Cannot be filled in.
    Deed,
}

pub(super) fn check(findings: &mut Findings<'_>, kinds: &Kinds) {
    let service = findings.service;
    for (index, step) in service.steps.iter().enumerate() {
        let Some(bind) = &step.bind else { continue };
        match source(findings, kinds, index, &bind.from) {
            Err(why) => findings.say(place(step), format!("bind from `{}`: {why}", bind.from)),
            Ok(shape) if !fits(shape, shape_of(&step.ask)) => {
                let says = format!(
                    "bind from `{}`: it does not fit into this question; bind another",
                    bind.from
                );
                findings.say(place(step), says);
            }
            Ok(_) => {}
        }
    }
    for material in &service.materials {
        let place = format!("material `{}`", material.name.zh);
        match &material.from {
            MaterialSource::Certificate(kind) if !kinds.kinds.contains_key(kind) => {
                let says = format!(
                    "there is no certificate `{kind}` in registry/certificates.toml: name one"
                );
                findings.say(place, says);
            }
            MaterialSource::Step(id) if !service.steps.iter().any(|step| step.id == *id) => {
                findings.say(
                    place,
                    format!("there is no step `{id}`: name one that scans or photographs"),
                );
            }
            MaterialSource::IdCard if !service.steps.iter().any(|step| step.ask == Ask::IdCard) => {
                findings.say(
                    place,
                    "no step reads the identity card: add one, or write from = \"original\"",
                );
            }
            _ => {}
        }
    }
}

fn source(
    findings: &Findings<'_>,
    kinds: &Kinds,
    index: usize,
    from: &str,
) -> Result<Shape, String> {
    if let Some(rest) = from.strip_prefix("certificate.") {
        let (kind, field) = rest.split_once('.').unwrap_or((rest, ""));
        return if kinds.has(kind, field) {
            Ok(Shape::Text)
        } else {
            Err("there is no such kind and field in registry/certificates.toml: name one"
                .to_owned())
        };
    }
    match scope::find(findings.service, index, from)? {
        Thing::Answer(step) => Ok(shape_of(&step.ask)),
        Thing::Card("birth" | "valid_from" | "valid_to") | Thing::Today => Ok(Shape::Date),
        Thing::Card("age") => Ok(Shape::Number),
        Thing::Card(_) | Thing::Part => Ok(Shape::Text),
        Thing::Field(field) => Ok(match field.kind {
            FieldKind::Text | FieldKind::Code => Shape::Text,
            FieldKind::Number => Shape::Number,
            FieldKind::Money => Shape::Money,
            FieldKind::Date => Shape::Date,
            FieldKind::Month => Shape::Month,
            FieldKind::Words | FieldKind::Table => Shape::Deed,
        }),
        Thing::Lookup | Thing::Number => Err("say which of its fields".to_owned()),
    }
}

fn shape_of(ask: &Ask) -> Shape {
    match ask {
        Ask::YesNo => Shape::Truth,
        Ask::Choices { .. } => Shape::List,
        Ask::Number { .. } => Shape::Number,
        Ask::Money { .. } => Shape::Money,
        Ask::Date { .. } => Shape::Date,
        Ask::Month { .. } => Shape::Month,
        Ask::Address => Shape::Address,
        Ask::Choice { .. }
        | Ask::Pick { .. }
        | Ask::Text { .. }
        | Ask::Name
        | Ask::IdNumber
        | Ask::Mobile
        | Ask::Uscc
        | Ask::Code { .. }
        | Ask::Place
        | Ask::TapCard { .. } => Shape::Text,
        Ask::IdCard
        | Ask::Face
        | Ask::Fingerprint
        | Ask::Consent { .. }
        | Ask::Show { .. }
        | Ask::Stop
        | Ask::Photo { .. }
        | Ask::Scan { .. }
        | Ask::Signature
        | Ask::Slot { .. }
        | Ask::Pay { .. } => Shape::Deed,
    }
}

/// Text is parsed by the question it goes into; dates and numbers are written as text.
fn fits(from: Shape, into: Shape) -> bool {
    match (from, into) {
        (Shape::Deed, _) | (_, Shape::Deed) => false,
        (Shape::Text, into) => !matches!(into, Shape::Truth | Shape::List | Shape::Money),
        (Shape::Date, into) => matches!(into, Shape::Date | Shape::Month | Shape::Text),
        (Shape::Month | Shape::Number, Shape::Text) => true,
        (from, into) => from == into,
    }
}
