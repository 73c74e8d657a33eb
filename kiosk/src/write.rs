//! How values are written for people: money in yuan, dates in words, choices by their names.

use jiff::civil::Date;
use serde_json::Value;
use service::answer::Answer;
use service::definition::{Field, FieldKind};
use service::step::{Ask, Step};
use service::text::Language;

/// A returned value of this field.
pub fn value(field: &Field, value: &Value, language: Language) -> String {
    match field.kind {
        FieldKind::Money => value.as_i64().map_or_else(String::new, money),
        FieldKind::Date => date(value.as_str().unwrap_or_default(), language),
        FieldKind::Month => month(value.as_str().unwrap_or_default(), language),
        _ => plain(value, language),
    }
}

/// Whatever it is, in its plainest form.
pub fn plain(value: &Value, language: Language) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => self::truth(*truth, language).to_owned(),
        Value::String(words) => words.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) => {
            let all: Vec<String> = values.iter().map(|value| plain(value, language)).collect();
            all.join(separator(language))
        }
        Value::Object(fields) => {
            let key = if language == Language::Chinese { "zh" } else { "en" };
            fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        }
    }
}

/// An answer of this step.
pub fn answer(step: &Step, answer: &Answer, language: Language) -> String {
    match (&step.ask, answer) {
        (Ask::Choice { years: Some(_), .. }, Answer::Text(year)) if year.parse::<i16>().is_ok() => {
            self::year(year, language)
        }
        (Ask::Choice { options, .. } | Ask::Choices { options, .. }, _) => {
            let named = |value: &str| {
                let option = options.iter().find(|option| option.value == value)?;
                Some(if language == Language::Chinese { &option.zh } else { &option.en }.as_str())
            };
            match answer {
                Answer::Text(value) => named(value).unwrap_or_default().to_owned(),
                Answer::List(values) => {
                    let all: Vec<&str> = values.iter().filter_map(|value| named(value)).collect();
                    all.join(separator(language))
                }
                _ => String::new(),
            }
        }
        (Ask::Number { unit, .. }, Answer::Number(number)) => {
            let space = if language == Language::Chinese { "" } else { " " };
            format!("{number}{space}{}", unit.get(language))
        }
        (Ask::Money { .. }, Answer::Number(fen)) => money(*fen),
        (Ask::Month { .. }, Answer::Text(at)) => month(at, language),
        (_, Answer::Text(words)) => words.clone(),
        (_, Answer::Date(at)) => at.map_or_else(String::new, |at| day(at, language)),
        (_, Answer::Truth(truth)) => self::truth(*truth, language).to_owned(),
        (_, Answer::Number(number)) => number.to_string(),
        (_, Answer::List(values)) => values.join(separator(language)),
        (_, Answer::Address(at)) => format!("{}{}{}", at.street, at.community, at.detail),
        (_, Answer::Slot(slot)) => format!("{} {}", date(&slot.date, language), slot.time),
        (_, Answer::Payment(payment)) => money(payment.amount),
        (_, Answer::Card(card)) => card.as_ref().map_or_else(String::new, |card| card.name.clone()),
        (_, Answer::Count(count)) => match language {
            Language::Chinese => format!("{count}张"),
            Language::English => count.to_string(),
        },
        (_, Answer::Nothing) => String::new(),
    }
}

/// `2280` fen as `¥22.80`.
pub fn money(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let yuan = (fen.unsigned_abs() / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in yuan.chars().enumerate() {
        if index > 0 && (yuan.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}¥{grouped}.{:02}", fen.unsigned_abs() % 100)
}

/// `2026-11-23` as `2026年11月23日` or `23 November 2026`; anything else unchanged, such as 长期.
pub fn date(at: &str, language: Language) -> String {
    at.parse().map_or_else(|_| at.to_owned(), |at| day(at, language))
}

fn day(day: Date, language: Language) -> String {
    match language {
        Language::Chinese => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        Language::English => format!("{} {} {}", day.day(), month_name(day.month()), day.year()),
    }
}

/// `2026-11-25` as `11月25日 周三` or `Wed 25 November`.
pub fn weekday(at: &str, language: Language) -> String {
    const ZH: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
    const EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let Ok(day) = at.parse::<Date>() else { return at.to_owned() };
    let index = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
    match language {
        Language::Chinese => format!("{}月{}日 周{}", day.month(), day.day(), ZH[index]),
        Language::English => format!("{} {} {}", EN[index], day.day(), month_name(day.month())),
    }
}

/// `2026-11` as `2026年11月` or `November 2026`.
pub fn month(at: &str, language: Language) -> String {
    let Ok(day) = format!("{at}-01").parse::<Date>() else { return at.to_owned() };
    match language {
        Language::Chinese => format!("{}年{}月", day.year(), day.month()),
        Language::English => format!("{} {}", month_name(day.month()), day.year()),
    }
}

/// A calendar year.
fn year(year: &str, language: Language) -> String {
    match language {
        Language::Chinese => format!("{year}年"),
        Language::English => year.to_owned(),
    }
}

/// Yes or no.
pub fn truth(truth: bool, language: Language) -> &'static str {
    match (language, truth) {
        (Language::Chinese, true) => "是",
        (Language::Chinese, false) => "否",
        (Language::English, true) => "Yes",
        (Language::English, false) => "No",
    }
}

/// What stands between the parts of a list.
pub fn separator(language: Language) -> &'static str {
    if language == Language::Chinese { "、" } else { ", " }
}

fn month_name(month: i8) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    usize::try_from(month - 1).ok().and_then(|index| NAMES.get(index)).copied().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_in_yuan_with_groups_of_three() {
        let grid = [(0, "¥0.00"), (5, "¥0.05"), (2280, "¥22.80"), (123_456_789, "¥1,234,567.89")];
        for (fen, written) in grid {
            assert_eq!(money(fen), written);
        }
        assert_eq!(money(-150), "-¥1.50");
    }

    #[test]
    fn dates_are_written_as_people_say_them_and_words_stay() {
        assert_eq!(date("2026-11-03", Language::Chinese), "2026年11月3日");
        assert_eq!(date("2026-11-03", Language::English), "3 November 2026");
        assert_eq!(month("2026-01", Language::English), "January 2026");
        assert_eq!(date("长期", Language::Chinese), "长期");
    }
}
