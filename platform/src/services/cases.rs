//! What people report, and how far it is: received, assigned, in progress, closed.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use sync::ask::Answer;
use utoipa::ToSchema;

use super::Trouble;
use super::deal::{Deal, here, refused, returned};
use super::photos;
use super::vault::Vault;
use crate::store::{Store, StoreError, instant};

/// Longest description, in bytes: 1,000 Chinese characters.
const WORDS_MAX: usize = 3000;
/// Highest count of photographs that is believed.
const COUNT_MAX: u64 = 20;

/// How far a case is. It only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// It is here.
    Received,
    /// Somebody is responsible.
    Assigned,
    /// Somebody works on it.
    InProgress,
    /// Nothing is left to do.
    Closed,
}

/// A case as everyone at the centre may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Case {
    /// Its number, which the citizen has on paper.
    pub number: String,
    /// What it is about.
    pub category: String,
    /// Photographs that were taken.
    pub photos: u64,
    /// How far it is.
    pub state: CaseState,
    /// The terminal.
    pub device: String,
    /// When it was reported.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// When it last went on.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
}

/// What only those who work on a case may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Where; as the terminal gave it.
    #[schema(value_type = Object)]
    pub place: Value,
    /// What is wrong, in the citizen's words.
    pub text: String,
    /// Where to call back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
}

impl CaseState {
    fn word(self) -> &'static str {
        match self {
            CaseState::Received => "received",
            CaseState::Assigned => "assigned",
            CaseState::InProgress => "in_progress",
            CaseState::Closed => "closed",
        }
    }

    /// Whether a case may go on from here to there.
    pub fn leads_to(self, next: CaseState) -> bool {
        next > self
    }

    fn words(self) -> Value {
        let (zh, en) = match self {
            CaseState::Received => ("已受理", "received"),
            CaseState::Assigned => ("已派单", "assigned"),
            CaseState::InProgress => ("处理中", "in progress"),
            CaseState::Closed => ("已办结", "closed"),
        };
        json!({ "zh": zh, "en": en })
    }
}

impl FromStr for CaseState {
    type Err = StoreError;
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let all = [Self::Received, Self::Assigned, Self::InProgress, Self::Closed];
        let found = all.into_iter().find(|state| state.word() == text);
        found.ok_or_else(|| StoreError::Row(format!("no case is {text:?}")))
    }
}

impl Deal<'_> {
    /// `case.report { photos: [JPEG in base64] | { count }, category, place, text, mobile? }`.
    pub(super) async fn report(&mut self) -> Result<Answer, Trouble> {
        let sealed = match &self.filled.photos {
            Ok(sealed) => sealed,
            Err(fault) => return Ok(fault.answer()),
        };
        let category = self.text("category", 64)?.to_owned();
        let answers = &self.filled.answers;
        let report = Report {
            place: answers.get("place").cloned().unwrap_or_default(),
            text: self.text("text", WORDS_MAX)?.to_owned(),
            mobile: answers.get("mobile").and_then(Value::as_str).map(str::to_owned),
        };
        let photos = match answers.get("photos") {
            Some(Value::Array(_)) => sealed.len() as u64,
            Some(photos) => {
                photos["count"].as_u64().or_else(|| photos.as_u64()).unwrap_or_default()
            }
            None => 0,
        };
        let photos = i64::try_from(photos.min(COUNT_MAX)).unwrap_or_default();
        let number = (self.numbers().await?)("SJ");
        let sql = "INSERT INTO cases \
             (number, submission, device, category, photos, state, sealed, made_ms, changed_ms) \
             VALUES ($1, $2, $3, $4, $5, 'received', $6, $7, $7)";
        let query = sqlx::query(sql).bind(number.as_str()).bind(self.ask.id.to_string());
        let query = query.bind(self.device.as_str()).bind(category).bind(photos);
        let query = query.bind(self.vault.close(&report)?).bind(self.now.as_millisecond());
        query.execute(&mut *self.connection).await?;
        photos::keep(self.connection, &number, sealed).await?;
        Ok(returned(json!({ "number": number })))
    }

    /// `case.state { number }`.
    pub(super) async fn case_state(&mut self) -> Result<Answer, Trouble> {
        let number = self.text("number", 32)?.trim().to_ascii_uppercase();
        let sql = "SELECT state, category, made_ms, changed_ms FROM cases WHERE number = $1";
        let row =
            sqlx::query(sql).bind(number.as_str()).fetch_optional(&mut *self.connection).await?;
        let Some(row) = row else {
            return Ok(refused(
                "没有这个编号，请核对回执。",
                "There is no such number; please compare it with your slip.",
            ));
        };
        let state: CaseState = row.try_get::<String, _>(0)?.parse()?;
        let (made_at, changed_at) = (instant(row.try_get(2)?)?, instant(row.try_get(3)?)?);
        Ok(returned(json!({
            "number": number, "state": state, "words": state.words(),
            "category": row.try_get::<String, _>(1)?,
            "made_at": made_at, "changed_at": changed_at,
            "made_on": here(made_at).date(), "changed_on": here(changed_at).date(),
        })))
    }
}

const CASE: &str = "SELECT number, category, photos, state, device, made_ms, changed_ms FROM cases";

/// Cases that changed last, newest first.
pub async fn list(store: &Store, limit: u32) -> Result<Vec<Case>, StoreError> {
    let sql = sqlx::AssertSqlSafe(format!("{CASE} ORDER BY changed_ms DESC, number LIMIT $1"));
    let rows = sqlx::query(sql).bind(i64::from(limit)).fetch_all(store.pool()).await?;
    rows.iter().map(case).collect()
}

/// One case, and what was reported.
pub async fn one(
    store: &Store,
    vault: &Vault,
    number: &str,
) -> Result<Option<(Case, Report)>, StoreError> {
    let sql = "SELECT number, category, photos, state, device, made_ms, changed_ms, sealed \
         FROM cases WHERE number = $1";
    let row = sqlx::query(sql).bind(number).fetch_optional(store.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    let report = vault.reopen(&row.try_get::<String, _>(7)?);
    let report = report.map_err(|error| StoreError::Row(error.to_string()))?;
    Ok(Some((case(&row)?, report)))
}

/// Lets a case go on; `false` when it stands elsewhere by now.
pub async fn go_on(
    store: &Store,
    number: &str,
    (from, to): (CaseState, CaseState),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE cases SET state = $3, changed_ms = $4 WHERE number = $1 AND state = $2";
    let query = sqlx::query(sql).bind(number).bind(from.word()).bind(to.word());
    let query = query.bind(now.as_millisecond());
    Ok(query.execute(store.pool()).await?.rows_affected() == 1)
}

fn case(row: &AnyRow) -> Result<Case, StoreError> {
    Ok(Case {
        number: row.try_get(0)?,
        category: row.try_get(1)?,
        photos: row.try_get::<i64, _>(2)?.unsigned_abs(),
        state: row.try_get::<String, _>(3)?.parse()?,
        device: row.try_get(4)?,
        made_at: instant(row.try_get(5)?)?,
        changed_at: instant(row.try_get(6)?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_only_goes_forward() {
        use CaseState::{Assigned, Closed, InProgress, Received};
        assert!(Received.leads_to(Assigned) && Assigned.leads_to(InProgress));
        assert!(Received.leads_to(Closed));
        assert!(!Closed.leads_to(Received) && !Assigned.leads_to(Assigned));
        assert_eq!("in_progress".parse::<CaseState>().unwrap(), InProgress);
    }
}
