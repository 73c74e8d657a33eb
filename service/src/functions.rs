//! What expressions can do beyond CEL: sums, dates as text, and masking what is somebody else's.
//!
//! Dates are `2026-11-23` and months `2026-11`, so that they compare as text.

use std::sync::Arc;

use cel::{Context, ExecutionError, Value};
use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

use crate::condition::Reads;

/// Gives a new number for a prefix.
pub type Counter = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// Longest range of months that is made.
const MONTHS_MAX: usize = 1200;

/// Names that are known here.
pub const NAMES: [&str; 11] = [
    "sum",
    "months",
    "add_days",
    "add_months",
    "days_between",
    "age",
    "round",
    "mask_name",
    "mask_place",
    "mask_number",
    "number",
];

type Answer = Result<Value, ExecutionError>;

/// Adds the functions that an expression calls.
pub(crate) fn add(
    context: &mut Context<'_, '_>,
    reads: &Reads,
    today: Date,
    counter: Option<&Counter>,
) {
    for name in NAMES.into_iter().filter(|name| reads.calls(name)) {
        // None of the names is CEL's own; a test says so.
        let _ = match name {
            "sum" => context.add_function(name, |list: Value| sum(&list)),
            "months" => {
                context.add_function(name, |from: Arc<String>, to: Arc<String>| months(&from, &to))
            }
            "add_days" => context.add_function(name, |date: Arc<String>, n: i64| {
                shift(name, &date, Span::new().try_days(n))
            }),
            "add_months" => context.add_function(name, |date: Arc<String>, n: i64| {
                shift(name, &date, Span::new().try_months(n))
            }),
            "days_between" => {
                context.add_function(name, |from: Arc<String>, to: Arc<String>| -> Answer {
                    let days = days(parse(name, &from)?, parse(name, &to)?);
                    Ok(Value::Int(days))
                })
            }
            "age" => context.add_function(name, move |birth: Arc<String>| -> Answer {
                Ok(Value::Int(age(parse(name, &birth)?, today)))
            }),
            "round" => context.add_function(name, |value: Value| round(&value)),
            "mask_name" => context.add_function(name, |text: Arc<String>| mask_name(&text)),
            "mask_place" => context.add_function(name, |text: Arc<String>| mask_place(&text)),
            "mask_number" => context.add_function(name, |text: Arc<String>| mask_number(&text)),
            _ => {
                let counter = counter.cloned();
                context.add_function(name, move |prefix: Arc<String>| -> Answer {
                    match &counter {
                        Some(counter) => Ok(Value::from(counter(&prefix))),
                        None => Err(error("number", "no numbers are given here")),
                    }
                })
            }
        };
    }
}

/// Whole years between a birth and a day; on 29 February one is born on 1 March in other years.
pub fn age(birth: Date, today: Date) -> i64 {
    let years = i64::from(today.year()) - i64::from(birth.year());
    if (today.month(), today.day()) < (birth.month(), birth.day()) { years - 1 } else { years }
}

/// A name with all but the first sign covered: 林*英 stays 林**.
pub fn mask_name(name: &str) -> String {
    keep(name, 1, 0)
}

/// A place down to the street, its house covered: 安泰街道吉庇路**.
pub fn mask_place(place: &str) -> String {
    let cut = place
        .char_indices()
        .find(|(_, sign)| sign.is_ascii_digit())
        .map_or(place.len() / 2, |(at, _)| at);
    let cut = (0..=cut).rev().find(|at| place.is_char_boundary(*at)).unwrap_or_default();
    format!("{}**", &place[..cut])
}

/// A number with only its first three and last four signs: 138****0001.
pub fn mask_number(number: &str) -> String {
    if number.chars().count() < 8 { keep(number, 1, 1) } else { keep(number, 3, 4) }
}

fn keep(text: &str, head: usize, tail: usize) -> String {
    let count = text.chars().count();
    text.chars()
        .enumerate()
        .map(|(at, sign)| if at < head || at + tail >= count { sign } else { '*' })
        .collect()
}

fn sum(list: &Value) -> Answer {
    let Value::List(items) = list else {
        return Err(error("sum", "wants a list"));
    };
    let (mut whole, mut broken, mut is_broken) = (0_i64, 0.0, false);
    for item in items.iter() {
        match item {
            Value::Int(number) => {
                whole = whole.checked_add(*number).ok_or_else(|| error("sum", "is too large"))?;
            }
            Value::Float(number) => {
                broken += number;
                is_broken = true;
            }
            _ => return Err(error("sum", "wants numbers")),
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a sum with decimals is one already")]
    Ok(if is_broken { Value::Float(broken + whole as f64) } else { Value::Int(whole) })
}

fn round(value: &Value) -> Answer {
    match value {
        Value::Int(number) => Ok(Value::Int(*number)),
        #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
        Value::Float(number) => Ok(Value::Int(number.round() as i64)),
        _ => Err(error("round", "wants a number")),
    }
}

/// Every month from one to another, both included; empty when they stand the other way round.
fn months(from: &str, to: &str) -> Answer {
    let (mut month, last) = (first_of(from)?, first_of(to)?);
    let mut list = Vec::new();
    while month <= last && list.len() < MONTHS_MAX {
        list.push(Value::from(as_month(month)));
        month = month.checked_add(1.month()).map_err(|why| error("months", why))?;
    }
    Ok(Value::List(Arc::new(list)))
}

/// A date or month moved by a span; a month stays a month.
fn shift(name: &str, text: &str, span: Result<Span, jiff::Error>) -> Answer {
    let span = span.map_err(|why| error(name, why))?;
    let is_month = text.len() == 7;
    let start = if is_month { first_of(text)? } else { parse(name, text)? };
    let moved = start.checked_add(span).map_err(|why| error(name, why))?;
    Ok(Value::from(if is_month { as_month(moved) } else { moved.to_string() }))
}

/// Days from one date to another.
pub(crate) fn days(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

/// A date as its month.
pub(crate) fn as_month(date: Date) -> String {
    format!("{:04}-{:02}", date.year(), date.month())
}

fn first_of(text: &str) -> Result<Date, ExecutionError> {
    let month = text.get(..7).unwrap_or(text);
    parse("months", &format!("{month}-01"))
}

fn parse(name: &str, text: &str) -> Result<Date, ExecutionError> {
    let day = text.get(..10).unwrap_or(text);
    day.parse().map_err(|_| error(name, format!("`{text}` is not a date")))
}

fn error(name: &str, why: impl ToString) -> ExecutionError {
    ExecutionError::function_error(name, why)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::condition::{Environment, Expression};

    fn value(source: &str) -> Json {
        let mut environment = Environment::new(date(2026, 11, 23));
        environment.count_with(Arc::new(|prefix| format!("{prefix}202611230001")));
        Expression::compile(source).unwrap().evaluate(&environment).unwrap()
    }

    #[test]
    fn each_function_by_example() {
        for (source, expected) in [
            ("sum([2280, 1995])", json!(4275)),
            ("sum([])", json!(0)),
            ("sum([1.5, 2])", json!(3.5)),
            ("months('2025-11', '2026-02')", json!(["2025-11", "2025-12", "2026-01", "2026-02"])),
            ("months('2026-02', '2026-01')", json!([])),
            ("add_days('2026-02-27', 2)", json!("2026-03-01")),
            ("add_days(today, -23)", json!("2026-10-31")),
            ("add_months('2026-01-31', 1)", json!("2026-02-28")),
            ("add_months('2026-12', 1)", json!("2027-01")),
            ("days_between('2026-02-28', '2026-03-01')", json!(1)),
            ("age('1949-03-12')", json!(77)),
            ("age('2000-11-24')", json!(25)),
            ("round(2.5)", json!(3)),
            ("mask_name('林秀英')", json!("林**")),
            ("mask_place('安泰街道吉庇路18号2座301')", json!("安泰街道吉庇路**")),
            ("mask_number('13805010001')", json!("138****0001")),
            ("number('WF')", json!("WF202611230001")),
        ] {
            assert_eq!(value(source), expected, "{source}");
        }
    }

    #[test]
    fn no_function_hides_one_of_cel() {
        for name in NAMES {
            let mut context = Context::default();
            assert!(
                context.add_function(name, |text: Arc<String>| text.to_string()).is_ok(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_date_that_does_not_exist_is_an_error() {
        let expression = Expression::compile("add_days('2026-02-30', 1)").unwrap();
        assert!(expression.evaluate(&Environment::new(date(2026, 11, 23))).is_err());
    }

    #[test]
    fn a_birth_on_a_leap_day_is_kept_in_march() {
        assert_eq!(age(date(2008, 2, 29), date(2026, 2, 28)), 17);
        assert_eq!(age(date(2008, 2, 29), date(2026, 3, 1)), 18);
    }
}
