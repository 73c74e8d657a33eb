//! Alerts of a realtime feed.

use super::{Affected, Refusal, StopId, TIME_MAX_S, Text, id, time, wire};
use crate::feeds::is_han;

/// Most selectors of one alert.
const SELECTORS_MAX: usize = 2_048;
/// Most periods and languages of one alert.
const PARTS_MAX: usize = 64;
/// Longest text, in bytes; more is cut.
const TEXT_MAX: usize = 4_096;

/// An alert as a realtime feed has it. Seconds are since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceAlert {
    /// Of the feed.
    pub id: String,
    /// In a few words.
    pub headline: Text,
    /// More of it.
    pub description: Text,
    /// How bad it is.
    pub severity: Severity,
    /// When it holds, each from and until; an open end is `None`. Empty means as long as it is in the feed.
    pub periods: Vec<(Option<i64>, Option<i64>)>,
    /// Whom it concerns; empty means everyone.
    pub affects: Vec<Affected>,
}

/// `SeverityLevel` of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Unknown, or good to know.
    Info,
    /// Worth a warning.
    Warning,
    /// Bad.
    Severe,
}

pub(super) fn service_alert(name: String, alert: wire::Alert) -> Result<ServiceAlert, Refusal> {
    let languages = |text: &Option<wire::TranslatedString>| {
        text.as_ref().map_or(0, |text| text.translation.len())
    };
    let parts = alert
        .active_period
        .len()
        .max(languages(&alert.header_text))
        .max(languages(&alert.description_text));
    if parts > PARTS_MAX || alert.informed_entity.len() > SELECTORS_MAX {
        return Err(Refusal::Parts);
    }
    let headline = text(alert.header_text);
    let (headline, description) = match text(alert.description_text) {
        more if headline.is_empty() => (more, Text::default()),
        more => (headline, more),
    };
    let name = id(name)?;
    if headline.is_empty() || name.is_empty() {
        return Err(Refusal::Id);
    }
    let severity = match alert.severity_level {
        4 => Severity::Severe,
        3 => Severity::Warning,
        _ => Severity::Info,
    };
    let periods = alert.active_period.iter().map(period).collect::<Result<_, _>>()?;
    Ok(ServiceAlert {
        id: name,
        headline,
        description,
        severity,
        periods,
        affects: affects(alert.informed_entity)?,
    })
}

/// Feeds write "for ever" as any far second, so an end beyond 2100 is open.
fn period(range: &wire::TimeRange) -> Result<(Option<i64>, Option<i64>), Refusal> {
    let far = i64::try_from(range.end).map_or(true, |end| end >= TIME_MAX_S);
    Ok((time(range.start)?, if far { None } else { time(range.end)? }))
}

/// An agency or a kind of route is everyone here; a trip stands for its line.
fn affects(selectors: Vec<wire::EntitySelector>) -> Result<Vec<Affected>, Refusal> {
    let mut affects = Vec::with_capacity(selectors.len());
    let (given, mut everyone) = (!selectors.is_empty(), false);
    for selector in selectors {
        let line = match selector.trip {
            Some(trip) if selector.route_id.is_empty() => trip.route_id,
            _ => selector.route_id,
        };
        let (line, stop) = (id(line)?, id(selector.stop_id)?);
        let line = (!line.is_empty()).then_some(line);
        let stop = (!stop.is_empty()).then_some(StopId(stop));
        if line.is_some() || stop.is_some() {
            affects.push(Affected { stop, line });
        } else {
            everyone |= !selector.agency_id.is_empty() || selector.route_type.is_some();
        }
    }
    if everyone {
        affects.clear();
    } else if affects.is_empty() && given {
        // It concerns only what nobody can place; showing it to everyone would be wrong.
        return Err(Refusal::Id);
    }
    Ok(affects)
}

/// Chinese and English out of any languages; one that is neither stands in for English.
fn text(translated: Option<wire::TranslatedString>) -> Text {
    let mut text = Text::default();
    let mut other = String::new();
    for mut translation in translated.map(|text| text.translation).unwrap_or_default() {
        translation.text.truncate(translation.text.floor_char_boundary(TEXT_MAX));
        let language = translation.language.get(..2).map(str::to_ascii_lowercase);
        let slot = match language.as_deref() {
            Some("zh") => &mut text.zh,
            None if translation.text.chars().any(is_han) => &mut text.zh,
            Some("en") | None => &mut text.en,
            Some(_) => &mut other,
        };
        if slot.is_empty() {
            translation.text.trim().clone_into(slot);
        }
    }
    if text.is_empty() {
        text.en = other;
    }
    text
}
