//! Answers that are tried: enough to make every condition true and false.
//!
//! Choices are tried all; numbers, dates and words at what conditions compare them with.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use crate::answer::Answer;
use crate::check::day;
use crate::condition::Expression;
use crate::definition::{Field, FieldKind, Operation};
use crate::functions::as_month;
use crate::step::{Ask, Choice, Step};

/// Most ways in which one lookup is tried.
const LOOKUPS_MAX: usize = 4000;
/// Longest table that is tried.
const ROWS_MAX: i64 = 12;

/// What conditions read, and the literals they compare it with.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    read: BTreeSet<String>,
    literals: BTreeMap<String, Vec<Json>>,
}

impl Samples {
    pub(super) fn gather<'a>(
        expressions: impl Iterator<Item = &'a Expression>,
        steps: &[Step],
    ) -> Samples {
        let mut samples = Samples::default();
        for expression in expressions {
            samples.read.extend(expression.reads().paths().map(str::to_owned));
            for (path, literal) in expression.reads().compared() {
                let known = samples.literals.entry(path.clone()).or_default();
                if !known.contains(literal) {
                    known.push(literal.clone());
                }
            }
        }
        for step in steps {
            if let Ask::Pick { from, value, .. } = &step.ask {
                samples.share(&step.id, format!("{from}.[].{value}"));
            }
        }
        samples
    }

    /// What is asked of a picked row's answer is asked of its column.
    fn share(&mut self, picked: &str, column: String) {
        if self.read.contains(picked) {
            let literals = self.literals.get(picked).cloned().unwrap_or_default();
            self.literals.entry(column.clone()).or_default().extend(literals);
            self.read.insert(column);
        }
    }

    /// Answers of a step; the first is an ordinary one.
    pub(crate) fn of_step(&self, step: &Step, today: Date) -> Vec<Json> {
        let mut tried = match &step.ask {
            Ask::IdCard => self.cards(&step.id, today),
            Ask::YesNo => vec![json!(true), json!(false)],
            Ask::Consent { .. } => vec![json!(true)],
            Ask::Choice { .. } => {
                step.ask.options(today).iter().map(|option| json!(option.value)).collect()
            }
            Ask::Choices { options, min } => choices(options, usize::from(*min)),
            Ask::Number { min, max, .. } => self.numbers(&step.id, *min, *max),
            Ask::Money { min_fen, max_fen } => {
                self.numbers(&step.id, i64::from(*min_fen), i64::from(*max_fen))
            }
            Ask::Date { from, to } => self.dates(&step.id, from, to, today, false),
            Ask::Month { from, to } => self.dates(&step.id, from, to, today, true),
            _ => self.words(&step.id, dummy(&step.ask, today)),
        };
        if step.optional {
            tried.push(Answer::empty(&step.ask).to_json());
        }
        tried
    }

    /// What a lookup may return; nothing when there are too many ways.
    pub(super) fn of_lookup(&self, lookup: &Operation, today: Date) -> Option<Vec<Json>> {
        let mut tried = vec![serde_json::Map::new()];
        for field in &lookup.returns {
            let path = format!("{}.{}", lookup.id, field.id);
            let is_read =
                self.read.iter().any(|read| *read == path || read.starts_with(&format!("{path}.")));
            let mut values = match field.kind {
                FieldKind::Table => self.tables(&path, field, today),
                _ => self.scalars(&path, field.kind, today),
            };
            if !is_read && field.kind != FieldKind::Table {
                values.truncate(1);
            }
            if tried.len() * values.len() > LOOKUPS_MAX {
                return None;
            }
            tried = tried
                .iter()
                .flat_map(|record| {
                    values.iter().map(|value| {
                        let mut record = record.clone();
                        record.insert(field.id.clone(), value.clone());
                        record
                    })
                })
                .collect();
        }
        Some(tried.into_iter().map(Json::Object).collect())
    }

    /// No row, one row of every sort, and two rows.
    fn tables(&self, path: &str, field: &Field, today: Date) -> Vec<Json> {
        let ordinary: serde_json::Map<String, Json> = field
            .columns
            .iter()
            .map(|column| (column.id.clone(), plain(column.kind, today)))
            .collect();
        let mut rows = vec![ordinary.clone()];
        for column in &field.columns {
            let column_path = format!("{path}.[].{}", column.id);
            if !self.read.contains(&column_path) {
                continue;
            }
            for value in self.scalars(&column_path, column.kind, today) {
                let mut row = ordinary.clone();
                row.insert(column.id.clone(), value);
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        let mut tables = vec![json!([ordinary])];
        tables.push(json!([]));
        tables.extend(rows.iter().skip(1).map(|row| json!([row])));
        tables.extend(rows.iter().map(|row| json!([ordinary, row])));
        let sizes = self.literals.get(path).into_iter().flatten().filter_map(Json::as_i64);
        for size in
            sizes.flat_map(|size| [size, size + 1]).filter(|size| (3..=ROWS_MAX).contains(size))
        {
            tables.push((0..size).map(|_| Json::Object(ordinary.clone())).collect());
        }
        tables
    }

    fn scalars(&self, path: &str, kind: FieldKind, today: Date) -> Vec<Json> {
        match kind {
            FieldKind::Number => self.with_numbers(path, vec![json!(3), json!(1), json!(30)]),
            FieldKind::Money => self.with_numbers(path, vec![json!(12_345), json!(100)]),
            FieldKind::Date => self.days(path, today, false),
            FieldKind::Month => self.days(path, today, true),
            FieldKind::Text | FieldKind::Code => self.words(path, plain(kind, today)),
            FieldKind::Words | FieldKind::Table => vec![plain(kind, today)],
        }
    }

    /// Cards of people around every age that is asked for.
    fn cards(&self, id: &str, today: Date) -> Vec<Json> {
        let age = format!("{id}.age");
        let mut ages = vec![40];
        for age in self.literals.get(&age).into_iter().flatten().filter_map(Json::as_i64) {
            ages.extend([age - 1, age, age + 1]);
        }
        if self.read.contains(&format!("{id}.birth")) {
            ages.extend([6, 17, 18, 59, 60, 65, 80]);
        }
        ages.retain(|age| (0..=120).contains(age));
        let sexes: &[&str] =
            if self.read.contains(&format!("{id}.sex")) { &["女", "男"] } else { &["女"] };
        let mut cards = Vec::new();
        for age in ages {
            let birth = today.checked_sub(age.years()).unwrap_or(today);
            for sex in sexes {
                cards.push(json!({
                    "name": "林秀英", "sex": sex, "nation": "汉", "birth": birth.to_string(),
                    "address": "福州市鼓楼区安泰街道吉庇路18号", "number": "350102194903122129",
                    "issuer": "福州市公安局鼓楼分局", "valid_from": "2019-06-01", "valid_to": "长期",
                    "age": age,
                }));
            }
        }
        for field in ["name", "nation", "address", "number", "issuer", "valid_to"] {
            let path = format!("{id}.{field}");
            let mut values: Vec<Json> = self.literals.get(&path).cloned().unwrap_or_default();
            if field == "valid_to" && self.read.contains(&path) {
                values.extend(self.days(&path, today, false));
            }
            for value in values {
                let changed: Vec<Json> = cards.iter().take(8).cloned().collect();
                cards.extend(changed.into_iter().map(|mut card| {
                    card[field] = value.clone();
                    card
                }));
            }
        }
        cards
    }

    fn words(&self, path: &str, ordinary: Json) -> Vec<Json> {
        let mut tried = vec![ordinary];
        let literals = self.literals.get(path).into_iter().flatten();
        tried.extend(literals.filter(|literal| literal.is_string()).cloned());
        tried
    }

    fn numbers(&self, path: &str, min: i64, max: i64) -> Vec<Json> {
        let mut tried = self.with_numbers(path, vec![json!(min), json!(max)]);
        tried.retain(|value| value.as_i64().is_some_and(|value| (min..=max).contains(&value)));
        tried
    }

    fn with_numbers(&self, path: &str, mut tried: Vec<Json>) -> Vec<Json> {
        for literal in self.literals.get(path).into_iter().flatten() {
            if let Some(whole) = literal.as_i64() {
                tried.extend([json!(whole - 1), json!(whole), json!(whole + 1)]);
            } else if let Some(broken) = literal.as_f64() {
                tried.extend([json!(broken - 0.5), json!(broken), json!(broken + 0.5)]);
            }
        }
        tried
    }

    fn dates(&self, path: &str, from: &str, to: &str, today: Date, months: bool) -> Vec<Json> {
        let cut = |date: Date| if months { as_month(date) } else { date.to_string() };
        let bounds = [day::bound(from, today), day::bound(to, today)];
        let [first, last] = bounds.map(|bound| cut(bound.unwrap_or(today)));
        let mut tried = vec![json!(last), json!(first)];
        tried.extend(self.days(path, today, months));
        tried.retain(|date| date.as_str().is_some_and(|date| (&*first..=&*last).contains(&date)));
        tried
    }

    /// Days around today, around literal dates, and a literal number of days or months away.
    fn days(&self, path: &str, today: Date, months: bool) -> Vec<Json> {
        let mut offsets: Vec<i64> = vec![0, -400, -10, 10, 400];
        let mut tried = Vec::new();
        for literal in self.literals.get(path).into_iter().flatten() {
            if let Some(number) = literal.as_i64() {
                for days in [number, number * 30, number * 365] {
                    offsets.extend([days - 1, days, days + 1, 1 - days, -days, -days - 1]);
                    offsets.extend([days - 40, days + 40, 40 - days, -days - 40]);
                }
            } else if literal.is_string() {
                tried.push(literal.clone());
            }
        }
        let days = offsets.into_iter().filter(|days| days.abs() < 40_000);
        let days = days.filter_map(|days| today.checked_add(days.days()).ok());
        let mut dates: Vec<Json> = days
            .map(|date| if months { json!(as_month(date)) } else { json!(date.to_string()) })
            .collect();
        dates.append(&mut tried);
        dates.dedup();
        dates
    }
}

/// What a lookup returns when nothing that it sends was asked.
pub(crate) fn nothing(lookup: &Operation) -> Json {
    let fields = lookup.returns.iter().map(|field| {
        let empty = match field.kind {
            FieldKind::Number | FieldKind::Money => json!(0),
            FieldKind::Table => json!([]),
            FieldKind::Words => json!({ "zh": "", "en": "" }),
            FieldKind::Text | FieldKind::Code | FieldKind::Date | FieldKind::Month => json!(""),
        };
        (field.id.clone(), empty)
    });
    Json::Object(fields.collect())
}

/// An ordinary value of this kind.
fn plain(kind: FieldKind, today: Date) -> Json {
    match kind {
        FieldKind::Text => json!("吉庇路18号"),
        FieldKind::Code => json!("3501020001"),
        FieldKind::Number => json!(3),
        FieldKind::Money => json!(12_345),
        FieldKind::Date => json!(today.to_string()),
        FieldKind::Month => json!(as_month(today)),
        FieldKind::Words => json!({ "zh": "正常", "en": "in order" }),
        FieldKind::Table => json!([]),
    }
}

/// An ordinary answer to what is not a choice, number, date or card.
pub(crate) fn dummy(ask: &Ask, today: Date) -> Json {
    match ask {
        Ask::Address => {
            json!({ "street": "安泰街道", "community": "吉庇社区", "detail": "吉庇路18号" })
        }
        Ask::Slot { .. } => json!({ "date": today.to_string(), "time": "09:00" }),
        Ask::Pay { .. } => json!({ "amount": 12_345, "trade": "4200001" }),
        Ask::Photo { .. } | Ask::Scan { .. } | Ask::Signature | Ask::Face | Ask::Fingerprint => {
            json!({ "count": 1 })
        }
        Ask::Name => json!("陈国栋"),
        Ask::IdNumber => json!("350102196811022218"),
        Ask::Mobile => json!("13805010002"),
        Ask::Uscc => json!("91110000600037341L"),
        Ask::Code { min, .. } => {
            json!("3501020001".repeat(8).chars().take(usize::from(*min).max(1)).collect::<String>())
        }
        Ask::Place => json!("26.0820,119.2960"),
        Ask::TapCard { .. } => json!("35010000123456"),
        _ => json!("写几句"),
    }
}

/// None, each alone, and all.
fn choices(options: &[Choice], min: usize) -> Vec<Json> {
    let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
    let mut tried = vec![json!(values), json!([])];
    tried.extend(values.iter().map(|value| json!([value])));
    tried.extend(values.iter().enumerate().map(|(at, _)| {
        json!(
            values
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .map(|(_, value)| value)
                .collect::<Vec<_>>()
        )
    }));
    tried.retain(|list| list.as_array().is_some_and(|list| list.len() >= min));
    tried.dedup();
    tried
}
