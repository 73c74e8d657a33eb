//! Days and months, between bounds that may move with today.

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

use super::words;
use crate::functions::as_month;
use crate::text::Text;

/// A bound: `today`, `today-30d`, `today+6m`, `today+2y` or `2020-01-01`; a month may stand for its first day.
pub fn bound(text: &str, today: Date) -> Option<Date> {
    let Some(rest) = text.strip_prefix("today") else {
        return text.parse().ok().or_else(|| format!("{text}-01").parse().ok());
    };
    if rest.is_empty() {
        return Some(today);
    }
    let unit = rest.chars().last()?;
    let number: i64 = rest.strip_suffix(unit)?.parse().ok()?;
    let is_signed = rest.starts_with(['+', '-']);
    let span = match unit {
        'd' => Span::new().try_days(number),
        'm' => Span::new().try_months(number),
        'y' => Span::new().try_years(number),
        _ => return None,
    };
    today.checked_add(span.ok().filter(|_| is_signed)?).ok()
}

/// A day such as `2026-11-23`, not before one bound and not after another.
pub fn date(text: &str, from: &str, to: &str, today: Date) -> Result<Date, Text> {
    let date: Date = text.trim().parse().map_err(|_| {
        words("没有这一天，请重新选择。", "There is no such day; please choose again.")
    })?;
    let first = bound(from, today).unwrap_or(Date::MIN);
    let last = bound(to, today).unwrap_or(Date::MAX);
    if date < first {
        return Err(words(
            format!("日期不能早于{}。", said(first)),
            format!("The day must not be before {first}."),
        ));
    }
    if date > last {
        return Err(words(
            format!("日期不能晚于{}。", said(last)),
            format!("The day must not be after {last}."),
        ));
    }
    Ok(date)
}

/// A month such as `2026-11`, in the same bounds.
pub fn month(text: &str, from: &str, to: &str, today: Date) -> Result<String, Text> {
    let none =
        || words("没有这个月份，请重新选择。", "There is no such month; please choose again.");
    let text = text.trim();
    let first: Date = format!("{text}-01").parse().map_err(|_| none())?;
    let last = first.checked_add(1.month()).and_then(|next| next.checked_sub(1.day()));
    let last = last.map_err(|_| none())?;
    if bound(from, today).is_some_and(|from| last < from) {
        return Err(words(
            "月份太早，请重新选择。",
            "The month is too early; please choose again.",
        ));
    }
    if bound(to, today).is_some_and(|to| first > to) {
        return Err(words("月份太晚，请重新选择。", "The month is too late; please choose again."));
    }
    Ok(as_month(first))
}

fn said(date: Date) -> String {
    format!("{}年{}月{}日", date.year(), date.month(), date.day())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as day;

    use super::*;

    const TODAY: Date = day(2026, 11, 23);

    #[test]
    fn bounds_move_with_today() {
        for (text, expected) in [
            ("today", Some(TODAY)),
            ("today-30d", Some(day(2026, 10, 24))),
            ("today+2y", Some(day(2028, 11, 23))),
            ("today-6m", Some(day(2026, 5, 23))),
            ("2020-01-01", Some(day(2020, 1, 1))),
            ("2020-01", Some(day(2020, 1, 1))),
            ("today30d", None),
            ("today+2w", None),
            ("soon", None),
        ] {
            assert_eq!(bound(text, TODAY), expected, "{text}");
        }
    }

    #[test]
    fn a_day_outside_names_the_bound() {
        let says = date("2026-11-22", "today", "today+2y", TODAY).unwrap_err();
        assert_eq!(says.zh, "日期不能早于2026年11月23日。");
        let says = date("2029-01-01", "today", "today+2y", TODAY).unwrap_err();
        assert_eq!(says.en, "The day must not be after 2028-11-23.");
        assert!(date("2026-11-23", "today", "today", TODAY).is_ok());
    }

    #[test]
    fn a_day_that_does_not_exist_is_said() {
        assert_eq!(
            date("2026-02-30", "today", "today", TODAY).unwrap_err().zh,
            "没有这一天，请重新选择。"
        );
    }

    #[test]
    fn a_month_counts_when_one_of_its_days_does() {
        assert_eq!(month("2026-11", "today", "today", TODAY), Ok("2026-11".to_owned()));
        assert!(month("2026-10", "today", "today", TODAY).is_err());
        assert!(month("2026-13", "today", "today", TODAY).is_err());
    }
}
