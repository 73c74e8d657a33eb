//! What staff did at a device: who, what, and about which item. Device and time stand in the envelope.
//!
//! Every part is a short plain name, so nothing about a citizen, and no name of a person, fits in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;

/// The stream of audit records; its events are [`Class::Critical`](crate::stream::Class::Critical).
pub const STREAM: &str = "audit";
/// Longest name, in bytes.
const NAME_MAX: usize = 64;

/// One thing that was done in staff mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Number of a badge, such as `staff-3`; `unknown` for who was not let in.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    pub who: String,
    /// What was done, such as `mode.entered`, `pin.refused` or `volume.set`.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    pub what: String,
    /// Code of the item it was about, such as `T003`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    pub item: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A part is no plain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is 1 to 64 letters, digits, '.', '-' and '_'")]
pub struct AuditError(pub &'static str);

impl Audit {
    /// A record, where its parts are plain names.
    pub fn new(who: &str, what: &str, item: Option<&str>) -> Result<Audit, AuditError> {
        let (who, what, item) = (who.to_owned(), what.to_owned(), item.map(str::to_owned));
        let audit = Audit { who, what, item, unknown: Unknown::new() };
        audit.check()?;
        Ok(audit)
    }

    /// Whether all parts are plain names.
    pub fn check(&self) -> Result<(), AuditError> {
        let item = self.item.as_deref().unwrap_or("none");
        let parts = [("who", self.who.as_str()), ("what", &self.what), ("item", item)];
        match parts.into_iter().find(|(_, text)| !is_plain(text)) {
            Some((part, _)) => Err(AuditError(part)),
            None => Ok(()),
        }
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Event;

    #[test]
    fn a_record_reads_as_it_was_written() {
        let audit = Audit::new("staff-3", "item.reprinted", Some("T003")).unwrap();
        let event = Event::Audit(audit);
        let read = Event::parse(event.kind(), &event.to_json()).unwrap().unwrap();
        assert_eq!(read, event);
    }

    #[test]
    fn no_name_and_no_sentence_fits_in() {
        for (who, what, item, odd) in [
            ("林秀英", "mode.entered", None, "who"),
            ("", "mode.entered", None, "who"),
            ("staff-3", "helped lin xiuying", None, "what"),
            ("staff-3", "item.reprinted", Some(""), "item"),
        ] {
            assert_eq!(Audit::new(who, what, item), Err(AuditError(odd)));
        }
        let said = br#"{"who":"staff-3","what":"helped a citizen"}"#;
        assert!(Event::parse(Event::AUDIT, said).unwrap().is_err());
    }
}
