//! One submission while it is executed, inside its transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, offset};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use service::definition::Operation;
use service::functions::Counter;
use sqlx::AnyConnection;
use sync::DeviceId;
use sync::ask::{Answer, Ask};

use super::Trouble;
use super::department::Departments;
use super::photos::{self, PhotoFault};
use super::shelf::Shelf;
use super::vault::Vault;

/// Longest name and number of a card, in bytes.
const CARD_MAX: usize = 128;

/// What a citizen filled in, opened.
#[derive(Debug)]
pub(crate) struct Filled {
    /// The identity card, where one was read.
    pub(super) card: Option<Card>,
    /// All answers by step, the card among them.
    pub(super) answers: Map<String, Value>,
    /// Photographs of a report, sealed for the database: the transaction has no time for that.
    pub(super) photos: Result<Vec<String>, PhotoFault>,
}

/// What of an identity card goes with an ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    /// As it stands on the card.
    pub name: String,
    /// The identity number.
    pub number: String,
}

/// What a submission needs to take effect.
pub(crate) struct Deal<'a> {
    pub(super) connection: &'a mut AnyConnection,
    pub(super) shelf: &'a Shelf,
    pub(super) vault: &'a Vault,
    pub(super) departments: &'a Departments,
    pub(super) public: &'a str,
    pub(super) device: &'a DeviceId,
    pub(super) ask: &'a Ask,
    pub(super) filled: &'a Filled,
    pub(super) now: Timestamp,
}

impl Filled {
    /// Opens an ask; the one parser of what terminals seal.
    pub(crate) fn open(vault: &Vault, ask: &Ask) -> Result<Filled, Trouble> {
        let malformed = |why: &dyn std::fmt::Display| Trouble::Malformed(format!("sealed: {why}"));
        let sealed = ask.sealed_bytes()?;
        let mut answers: Map<String, Value> =
            vault.read(&sealed).map_err(|error| malformed(&error))?;
        // A card that was not asked for is there with an empty name.
        let given = answers.get("card").filter(|card| card["number"] != json!(""));
        let card = given.map(Card::deserialize).transpose().map_err(|error| malformed(&error))?;
        if let Some(card) = &card {
            let plain = card.number.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !plain || card.number.len() > CARD_MAX || card.name.len() > CARD_MAX {
                return Err(malformed(&"card: no such name or number"));
            }
        }
        let photos = match answers.get_mut("photos") {
            Some(Value::Array(list)) if ask.operation == "case.report" => seal(list, vault),
            _ => Ok(vec![]),
        };
        Ok(Filled { card, answers, photos })
    }

    /// Answers that an operation sends.
    pub(super) fn sent(&self, operation: &Operation) -> Map<String, Value> {
        let sends = operation.sends.iter();
        sends.filter_map(|id| Some((id.clone(), self.answers.get(id)?.clone()))).collect()
    }
}

fn seal(photos: &mut Vec<Value>, vault: &Vault) -> Result<Vec<String>, PhotoFault> {
    let photos = photos::parse(&std::mem::take(photos))?;
    Ok(photos.iter().map(|photo| photo.seal(vault)).collect())
}

impl Deal<'_> {
    /// Wall time in Fuzhou.
    pub(super) fn here(&self) -> DateTime {
        here(self.now)
    }

    /// The card that the operation can't do without.
    pub(super) fn card(&self) -> Result<&Card, Trouble> {
        let missing = || Trouble::Malformed(format!("{} needs the card", self.ask.operation));
        self.filled.card.as_ref().ok_or_else(missing)
    }

    /// An answer of at most so many bytes that the operation can't do without.
    pub(super) fn text(&self, field: &str, bytes_max: usize) -> Result<&str, Trouble> {
        let text = self.filled.answers.get(field).and_then(Value::as_str);
        let good = |text: &&str| (1..=bytes_max).contains(&text.len()) && !text.contains('\0');
        let says = || format!("{} needs `{field}` of 1 to {bytes_max} bytes", self.ask.operation);
        text.filter(good).ok_or_else(|| Trouble::Malformed(says()))
    }

    /// Code of the service that is meant: the answer `service`, or the one that the ask is for.
    pub(super) fn service(&self) -> &str {
        let given = self.filled.answers.get("service").and_then(Value::as_str);
        given.unwrap_or(&self.ask.service)
    }

    /// Nobody else changes what is about this person until the transaction ends.
    pub(super) async fn hold(&mut self, person: &str) -> Result<(), Trouble> {
        let sql = "INSERT INTO citizens (person, sealed, changed_ms) VALUES ($1, '', $2) \
             ON CONFLICT (person) DO UPDATE SET changed_ms = excluded.changed_ms";
        let query = sqlx::query(sql).bind(person).bind(self.now.as_millisecond());
        query.execute(&mut *self.connection).await?;
        Ok(())
    }

    /// Numbers for this submission, of which none was given before: prefix, date, a serial number.
    pub(super) async fn numbers(&mut self) -> Result<Counter, Trouble> {
        let sql = "UPDATE counters SET last = last + 1 WHERE name = 'number'";
        sqlx::query(sql).execute(&mut *self.connection).await?;
        let sql = "SELECT last FROM counters WHERE name = 'number'";
        let serial: i64 = sqlx::query_scalar(sql).fetch_one(&mut *self.connection).await?;
        let day = self.here().strftime("%Y%m%d").to_string();
        let given = AtomicU32::new(0);
        Ok(Arc::new(move |prefix| {
            // One submission seldom needs a second number; it gets the same one with a mark behind.
            let more = match given.fetch_add(1, Ordering::Relaxed) {
                0 => String::new(),
                n => format!("-{}", n + 1),
            };
            format!("{prefix}{day}{serial:06}{more}")
        }))
    }
}

/// Wall time in Fuzhou: eight hours ahead, all year.
pub(super) fn here(now: Timestamp) -> DateTime {
    TimeZone::fixed(offset(8)).to_datetime(now)
}

/// An answer with these fields.
pub(super) fn returned(fields: Value) -> Answer {
    Answer::Returned(fields)
}

/// A refusal in both languages.
pub(super) fn refused(zh: &str, en: &str) -> Answer {
    Answer::refused(zh, en)
}

#[cfg(test)]
mod tests {
    use sync::Unknown;
    use uuid::Uuid;

    use super::*;

    fn open(answers: &Value) -> Result<Filled, Trouble> {
        let vault = Vault::new(&[1; 32]);
        let answers = answers.as_object().unwrap();
        let ask = Ask::new(Uuid::nil(), ("T003", "x"), answers, vault.public()).unwrap();
        Filled::open(&vault, &ask)
    }

    #[test]
    fn a_card_is_read_where_there_is_one() {
        let filled = open(&json!({ "card": { "name": "林秀英", "number": "3501", "age": 77 } }));
        assert_eq!(filled.unwrap().card.unwrap().name, "林秀英");
        assert!(open(&json!({ "card": { "name": "", "number": "" } })).unwrap().card.is_none());
        assert!(open(&json!({})).unwrap().card.is_none());
        assert!(open(&json!({ "card": { "name": "x", "number": "' OR 1" } })).is_err());
        assert!(open(&json!({ "card": 7 })).is_err());
    }

    #[test]
    fn a_box_for_somebody_else_is_the_terminals_mistake() {
        let vault = Vault::new(&[1; 32]);
        let sealed = "AAAA".to_owned();
        let ask = Ask {
            id: Uuid::nil(),
            service: String::new(),
            operation: String::new(),
            sealed,
            unknown: Unknown::new(),
        };
        assert!(matches!(Filled::open(&vault, &ask), Err(Trouble::Malformed(_))));
    }

    #[test]
    fn the_day_begins_at_midnight_in_fuzhou() {
        assert_eq!(
            here("2026-11-22T16:00:00Z".parse().unwrap()).to_string(),
            "2026-11-23T00:00:00"
        );
    }
}
