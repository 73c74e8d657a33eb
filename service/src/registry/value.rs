//! Values of the registry: TOML as JSON, and whether a value is of its declared kind.

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

use crate::definition::{Field, FieldKind};

/// A TOML table as a JSON object.
pub(super) fn record(table: toml::Table) -> Map<String, Json> {
    table.into_iter().map(|(key, value)| (key, json(value))).collect()
}

/// A TOML value as JSON; dates are text.
pub(super) fn json(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => Json::from(text),
        toml::Value::Integer(number) => Json::from(number),
        toml::Value::Float(number) => Json::from(number),
        toml::Value::Boolean(truth) => Json::from(truth),
        toml::Value::Datetime(date) => Json::from(date.to_string()),
        toml::Value::Array(items) => Json::Array(items.into_iter().map(json).collect()),
        toml::Value::Table(table) => Json::Object(record(table)),
    }
}

/// What is wrong with a value of this kind; an empty text stands for what is not known.
pub(super) fn mistake(field: &Field, value: &Json) -> Option<String> {
    let text = value.as_str();
    let is_right = match field.kind {
        FieldKind::Text | FieldKind::Code => text.is_some(),
        FieldKind::Number => value.is_number(),
        FieldKind::Money => value.is_i64(),
        FieldKind::Date => text.is_some_and(|text| {
            text.is_empty() || text == "长期" || (text.len() == 10 && text.parse::<Date>().is_ok())
        }),
        FieldKind::Month => text.is_some_and(|text| {
            text.is_empty() || (text.len() == 7 && format!("{text}-01").parse::<Date>().is_ok())
        }),
        FieldKind::Words => {
            let part = |language: &str| value.get(language).is_some_and(Json::is_string);
            part("zh") && part("en")
        }
        FieldKind::Table => return table_mistake(field, value),
    };
    (!is_right).then(|| format!("`{}` is {value}: it must be {:?}", field.id, field.kind))
}

fn table_mistake(table: &Field, value: &Json) -> Option<String> {
    let Some(rows) = value.as_array() else {
        return Some(format!("`{}` is {value}: it must be a list of rows", table.id));
    };
    rows.iter().find_map(|row| {
        table.columns.iter().find_map(|column| match row.get(&column.id) {
            Some(value) => mistake(column, value),
            None => Some(format!("a row of `{}` has no `{}`: {row}", table.id, column.id)),
        })
    })
}
