//! Alerts: what riders, visitors and everyone in earshot must know.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;
use crate::name::{StopId, Text};

/// Most alerts one message carries; the least severe are left out first.
pub const ALERTS_MAX: usize = 64;

/// All alerts in force in one area: whole retained state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alerts {
    /// The area's code, such as `350102`.
    pub area: String,
    /// When the platform made this list.
    #[schemars(with = "String")]
    pub made_at: Timestamp,
    /// The alerts, most severe first, at most [`ALERTS_MAX`].
    pub alerts: Vec<Alert>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Identifier of its source; the same alert updated keeps it.
    pub id: String,
    /// How loud it is.
    pub level: Level,
    /// What happens, in a few words: `台风红色预警`.
    pub headline: Text,
    /// More of it, and what to do.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub instruction: Text,
    /// Not before this.
    #[schemars(with = "String")]
    pub starts: Timestamp,
    /// Not after this.
    #[schemars(with = "String")]
    pub expires: Timestamp,
    /// Whom it concerns; empty means everyone in the area.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affects: Vec<Affected>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// How loud an alert is, loudest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Takes over every screen and speaker: danger to life.
    Emergency,
    /// Stands above everyday information.
    Warning,
    /// Good to know.
    Notice,
}

/// One thing an alert is about; both given means that line at that stop.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub struct Affected {
    /// A stop of the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopId>,
    /// A route of the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

impl Alert {
    /// Whether it is in force at `now`.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.starts <= now && now < self.expires
    }

    /// Whether it concerns `stop`, served by `lines` (route identifiers).
    pub fn concerns(&self, stop: &StopId, lines: &[&str]) -> bool {
        let one = |affected: &Affected| {
            affected.stop.as_ref().is_none_or(|named| named == stop)
                && affected.line.as_ref().is_none_or(|named| lines.contains(&named.as_str()))
        };
        self.affects.is_empty() || self.affects.iter().any(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(affects: Vec<Affected>) -> Alert {
        Alert {
            id: "a".into(),
            level: Level::Notice,
            headline: Text::new("绕行", "Detour"),
            instruction: Text::default(),
            starts: "2026-11-23T08:00:00Z".parse().unwrap(),
            expires: "2026-11-23T09:00:00Z".parse().unwrap(),
            affects,
            unknown: Unknown::new(),
        }
    }

    #[test]
    fn an_alert_ends_at_its_expiry() {
        let alert = alert(vec![]);
        assert!(alert.in_force("2026-11-23T08:59:59Z".parse().unwrap()));
        assert!(!alert.in_force("2026-11-23T09:00:00Z".parse().unwrap()));
    }

    #[test]
    fn an_alert_for_one_line_at_one_stop_concerns_no_other() {
        let here = Affected { stop: Some("S1".into()), line: Some("K1".into()) };
        let alert = alert(vec![here]);
        assert!(alert.concerns(&"S1".into(), &["K1", "5"]));
        assert!(!alert.concerns(&"S1".into(), &["5"]));
        assert!(!alert.concerns(&"S2".into(), &["K1"]));
    }
}
