//! Notices of the hall: what everybody should know, for as long as it holds.

use jiff::civil::Date;
use serde::Deserialize;
use service::text::Text;

/// Most notices that are kept; the oldest are left out first.
pub const NOTICES_MAX: usize = 50;

/// As a file of `content/notices` says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Its name in lists: lower case, digits, hyphens.
    pub id: String,
    pub title: Text,
    pub body: Text,
    /// First and last day on which it is shown.
    pub from: Date,
    pub until: Date,
}

/// Why a file is no notice.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error("it ends on {until}, before it begins on {from}: turn them round")]
    Days { from: Date, until: Date },
    #[error("its id is `{0}`: lower case, digits, hyphens")]
    Id(String),
    #[error("a text is empty: write it in both languages")]
    Empty,
}

impl Notice {
    /// The one parser of a notice's file.
    pub fn parse(text: &str) -> Result<Notice, NoticeError> {
        let notice: Notice = toml::from_str(text)?;
        let Notice { id, from, until, .. } = &notice;
        let is_name = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == b'-';
        if id.is_empty() || !id.bytes().all(is_name) {
            return Err(NoticeError::Id(id.clone()));
        }
        if until < from {
            return Err(NoticeError::Days { from: *from, until: *until });
        }
        let texts = [&notice.title, &notice.body];
        if texts.iter().any(|it| it.zh.trim().is_empty() || it.en.trim().is_empty()) {
            return Err(NoticeError::Empty);
        }
        Ok(notice)
    }

    /// Whether it is shown on this day.
    pub fn holds(&self, today: Date) -> bool {
        (self.from..=self.until).contains(&today)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const WATER: &str = r#"
id = "water"
title = { zh = "停水", en = "No water" }
body = { zh = "周六停水。", en = "No water on Saturday." }
from = "2026-11-20"
until = "2026-11-28"
"#;

    #[test]
    fn a_notice_is_shown_from_its_first_day_to_its_last() {
        let notice = Notice::parse(WATER).unwrap();
        let shown = |day| notice.holds(date(2026, 11, day));
        assert_eq!([19, 20, 28, 29].map(shown), [false, true, true, false]);
    }

    #[test]
    fn what_is_wrong_with_a_notice_is_said() {
        let says =
            |from: &str, to: &str| Notice::parse(&WATER.replace(from, to)).unwrap_err().to_string();
        assert_eq!(
            says("2026-11-28", "2026-11-01"),
            "it ends on 2026-11-01, before it begins on 2026-11-20: turn them round"
        );
        assert_eq!(
            says("\"water\"", "\"Water!\""),
            "its id is `Water!`: lower case, digits, hyphens"
        );
        assert_eq!(says("停水\"", " \"").split(':').next(), Some("a text is empty"));
    }
}
