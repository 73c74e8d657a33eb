//! What is known in a flow: answers, the card, what was looked up; and how each of it is written.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};
use service::answer::Answer;
use service::condition::Environment;
use service::definition::{Field, FieldKind, Operation, Service};
use service::step::{Ask, Step};
use service::text::{Language, Text};

use crate::item::rows;
use crate::page::{Row, Section, ShotId};
use crate::words;
use crate::write;

/// An answer and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub answer: Answer,
    /// Set when the citizen did not give it herself.
    pub source: Option<Text>,
}

/// Everything a flow knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    answers: BTreeMap<String, Answered>,
    returned: BTreeMap<String, Value>,
    /// Pictures by the step that took them.
    shots: BTreeMap<String, Vec<ShotId>>,
}

impl Known {
    /// An answer, if it was given.
    pub fn answer(&self, step: &str) -> Option<&Answered> {
        self.answers.get(step)
    }

    /// Gives an answer; whether it differs from the one before.
    pub fn set(&mut self, step: &str, answered: Answered) -> bool {
        let news = self.answer(step).is_none_or(|before| before.answer != answered.answer);
        self.answers.insert(step.to_owned(), answered);
        news
    }

    /// Forgets an answer that is no longer asked for.
    pub fn unset(&mut self, step: &str) -> bool {
        self.answers.remove(step).is_some()
    }

    /// What an operation returned, by its id.
    pub fn returned(&self, operation: &str) -> Option<&Value> {
        self.returned.get(operation)
    }

    /// Keeps what an operation returned.
    pub fn set_returned(&mut self, operation: &str, value: Value) {
        self.returned.insert(operation.to_owned(), value);
    }

    /// Forgets what an operation returned: an answer it was asked with has changed.
    pub fn unset_returned(&mut self, operation: &str) {
        self.returned.remove(operation);
    }

    /// The pictures that a step took.
    pub fn shots(&self, step: &str) -> &[ShotId] {
        self.shots.get(step).map(Vec::as_slice).unwrap_or_default()
    }

    /// Keeps the pictures of a step.
    pub fn set_shots(&mut self, step: &str, shots: Vec<ShotId>) {
        self.shots.insert(step.to_owned(), shots);
    }

    /// A column of the row that was picked: `booking.service`.
    pub fn picked(&self, service: &Service, path: &str) -> Option<&Value> {
        let (id, column) = path.split_once('.')?;
        let step = service.steps.iter().find(|step| step.id == id)?;
        let Ask::Pick { from, value, .. } = &step.ask else { return None };
        let (lookup, table) = from.split_once('.')?;
        let answer = self.answer(id)?.answer.to_json();
        let mut rows = rows(self.returned(lookup), table).iter();
        rows.find(|row| row.get(value) == Some(&answer))?.get(column)
    }

    /// What conditions see: every step, empty where nothing was answered, and every lookup.
    pub fn environment(&self, service: &Service, today: Date) -> Environment {
        let mut all = Environment::new(today);
        for step in &service.steps {
            let value = match self.answers.get(&step.id) {
                Some(answered) => json_of(&answered.answer, today),
                None => Answer::empty(&step.ask).to_json(),
            };
            all.set(step.id.clone(), value);
        }
        for operation in service.lookups.iter().chain([&service.operation]) {
            let value = self.returned.get(&operation.id).cloned();
            all.set(operation.id.clone(), value.unwrap_or_else(|| nothing(operation)));
        }
        if let Some(certificates) = self.returned.get("certificate") {
            all.set("certificate", certificates.clone());
        }
        all
    }

    /// What an operation is sent: the answers it names, and only those that were asked.
    pub fn payload(&self, operation: &Operation, today: Date) -> Value {
        let sent = operation.sends.iter().filter_map(|name| {
            let answered = self.answers.get(name)?;
            Some((name.clone(), json_of(&answered.answer, today)))
        });
        Value::Object(sent.collect())
    }

    /// Fills `{card.name}`, `{purpose}`, `{result.field}` and `{today}` into a sentence.
    pub fn fill(
        &self,
        service: &Service,
        sentence: &str,
        today: Date,
        language: Language,
    ) -> String {
        let mut out = String::with_capacity(sentence.len());
        let mut rest = sentence;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((path, after)) = after.split_once('}') else { break };
            out.push_str(&self.written(service, path, today, language).unwrap_or_default());
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// One path, as people read it; `None` where nothing is known.
    pub fn written(
        &self,
        service: &Service,
        path: &str,
        today: Date,
        language: Language,
    ) -> Option<String> {
        if path == "today" {
            return Some(write::date(&today.to_string(), language));
        }
        let (head, tail) = path.split_once('.').unwrap_or((path, ""));
        if let Some(step) = service.steps.iter().find(|step| step.id == head) {
            let answer = &self.answers.get(head)?.answer;
            return if tail.is_empty() {
                Some(write::answer(step, answer, language))
            } else {
                let value = json_of(answer, today);
                Some(write::plain(value.get(tail)?, language))
            };
        }
        let field = operation(service, head)?.returns.iter().find(|field| field.id == tail)?;
        let value = self.returned.get(head)?.get(tail)?;
        Some(write::value(field, value, language))
    }

    /// The paths of an output or of a page that shows, as rows and tables.
    pub fn sections(
        &self,
        service: &Service,
        paths: &[String],
        today: Date,
        language: Language,
    ) -> Vec<Section> {
        let mut sections = vec![Section::default()];
        for path in paths {
            if let Some((field, value)) = self.table(service, path) {
                sections.push(table(field, value, language));
            } else if let Some(value) = self.written(service, path, today, language) {
                let row =
                    Row { name: name(service, path, language), value, source: None, edit: None };
                if let Some(last) = sections.last_mut() {
                    last.rows.push(row);
                }
            }
        }
        sections.retain(|section| !section.rows.is_empty() || !section.columns.is_empty());
        sections
    }

    /// The table a path names, if it names one.
    pub fn table<'a>(
        &'a self,
        service: &'a Service,
        path: &str,
    ) -> Option<(&'a Field, &'a [Value])> {
        let (head, tail) = path.split_once('.')?;
        let field = operation(service, head)?.returns.iter().find(|field| field.id == tail)?;
        let rows = self.returned.get(head)?.get(tail)?.as_array()?;
        (field.kind == FieldKind::Table).then_some((field, rows.as_slice()))
    }
}

/// An answer as conditions and departments read it; a card with its age.
fn json_of(answer: &Answer, today: Date) -> Value {
    match answer {
        Answer::Card(Some(card)) => card.with_age(today),
        answer => answer.to_json(),
    }
}

/// A row of a table in the words of a label: `{plate} · {owed}`.
pub fn fill_row(field: Option<&Field>, label: &str, row: &Value, language: Language) -> String {
    let columns = field.map(|field| field.columns.as_slice()).unwrap_or_default();
    let mut out = label.to_owned();
    for column in columns {
        let braces = format!("{{{}}}", column.id);
        if let (true, Some(value)) = (out.contains(&braces), row.get(&column.id)) {
            out = out.replace(&braces, &write::value(column, value, language));
        }
    }
    out
}

/// A table of returned rows.
pub fn table(field: &Field, rows: &[Value], language: Language) -> Section {
    let columns = field.columns.iter().map(|column| column.name.get(language).to_owned());
    let cell = |row: &Value, column: &Field| match row.get(&column.id) {
        Some(value) => write::value(column, value, language),
        None => String::new(),
    };
    let table = rows
        .iter()
        .map(|row| field.columns.iter().map(|column| cell(row, column)).collect())
        .collect();
    let heading = field.name.get(language).to_owned();
    Section { heading, columns: columns.collect(), table, ..Section::default() }
}

fn operation<'a>(service: &'a Service, id: &str) -> Option<&'a Operation> {
    service.lookups.iter().chain([&service.operation]).find(|operation| operation.id == id)
}

/// What people call a path.
fn name(service: &Service, path: &str, language: Language) -> String {
    let (head, tail) = path.split_once('.').unwrap_or((path, ""));
    if head == "card" {
        return words::card_field(tail).get(language).to_owned();
    }
    if let Some(step) = service.steps.iter().find(|step| step.id == head) {
        return label(step, language);
    }
    let field = operation(service, head)
        .and_then(|operation| operation.returns.iter().find(|field| field.id == tail));
    field.map_or_else(String::new, |field| field.name.get(language).to_owned())
}

/// A step's question as the name of a row: without its question mark.
pub fn label(step: &Step, language: Language) -> String {
    let title = step.title.get(language);
    title.trim_end_matches(['？', '?', '。', '.']).to_owned()
}

/// What conditions see of an operation that was not asked yet.
fn nothing(operation: &Operation) -> Value {
    let value = |field: &Field| match field.kind {
        FieldKind::Text | FieldKind::Code | FieldKind::Date | FieldKind::Month => json!(""),
        FieldKind::Number | FieldKind::Money => json!(0),
        FieldKind::Words => json!({ "zh": "", "en": "" }),
        FieldKind::Table => json!([]),
    };
    let fields = operation.returns.iter().map(|field| (field.id.clone(), value(field)));
    Value::Object(fields.collect())
}

/// Whether an answer may be seen and changed on the page that checks them.
pub fn is_checked(ask: &Ask) -> bool {
    !matches!(ask, Ask::Face | Ask::Fingerprint | Ask::Show { .. } | Ask::Stop | Ask::Pay { .. })
}
