//! One row per ask: the same id has one effect and one answer, by whichever way it comes.

use jiff::Timestamp;
use sqlx::{AnyConnection, Row as _};
use sync::ask::Ask;
use sync::{DeviceId, Unknown};

use crate::store::{Store, StoreError};

/// How an ask came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A citizen waits; nobody executes it when she has gone.
    Online,
    /// She was told that it will be done, so it is owed.
    Outbox,
}

/// Where a submission stands, once nobody else can change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It has not taken effect yet.
    Taken,
    /// It has, and this is the sealed answer; empty when it is no longer kept.
    Answered(String),
    /// The id belongs to another device or another operation.
    Foreign,
}

impl Route {
    fn word(self) -> &'static str {
        match self {
            Route::Online => "online",
            Route::Outbox => "outbox",
        }
    }
}

/// Writes an ask down, unless it is there. One from an outbox is owed from then on, so what it says is kept
/// until it is done; what was asked online is executed now or not at all.
pub async fn take(
    connection: &mut AnyConnection,
    device: &DeviceId,
    ask: &Ask,
    route: Route,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO submissions (id, device, service, operation, route, state, tries, sealed, taken_ms) \
         VALUES ($1, $2, $3, $4, $5, 'taken', 0, $6, $7) ON CONFLICT (id) DO NOTHING";
    let query = sqlx::query(sql).bind(ask.id.to_string()).bind(device.as_str());
    let query = query.bind(ask.service.as_str()).bind(ask.operation.as_str());
    let sealed = if route == Route::Outbox { ask.sealed.as_str() } else { "" };
    let query = query.bind(route.word()).bind(sealed).bind(now.as_millisecond());
    query.execute(&mut *connection).await?;
    if route == Route::Outbox {
        let sql = "UPDATE submissions SET route = 'outbox', sealed = $4 \
             WHERE id = $1 AND device = $2 AND state = 'taken' AND operation = $3";
        let query = sqlx::query(sql).bind(ask.id.to_string()).bind(device.as_str());
        let query = query.bind(ask.operation.as_str()).bind(ask.sealed.as_str());
        query.execute(connection).await?;
    }
    Ok(())
}

/// Keeps everyone else away from a submission until the transaction ends; tells where it stands.
pub async fn lock(
    connection: &mut AnyConnection,
    device: &DeviceId,
    ask: &Ask,
) -> Result<Standing, sqlx::Error> {
    let id = ask.id.to_string();
    let sql = "UPDATE submissions SET tries = tries + 1 WHERE id = $1";
    sqlx::query(sql).bind(id.as_str()).execute(&mut *connection).await?;
    let sql = "SELECT device, service, operation, state, answer FROM submissions WHERE id = $1";
    let row = sqlx::query(sql).bind(id).fetch_one(connection).await?;
    let text = |column: usize| row.try_get::<String, _>(column);
    let same = text(0)? == device.as_str() && text(1)? == ask.service && text(2)? == ask.operation;
    if !same {
        return Ok(Standing::Foreign);
    }
    Ok(match text(3)?.as_str() {
        "answered" => Standing::Answered(row.try_get::<Option<String>, _>(4)?.unwrap_or_default()),
        _ => Standing::Taken,
    })
}

/// Writes the answer down; what was asked is not needed any more.
pub async fn answered(
    connection: &mut AnyConnection,
    ask: &Ask,
    answer: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE submissions SET state = 'answered', sealed = '', answer = $2, answered_ms = $3 \
         WHERE id = $1";
    let query = sqlx::query(sql).bind(ask.id.to_string()).bind(answer);
    query.bind(now.as_millisecond()).execute(connection).await.map(|_| ())
}

/// Submissions that outboxes brought and nobody executed yet; those that failed often come last.
pub async fn owed(store: &Store, limit: u32) -> Result<Vec<(DeviceId, Ask)>, StoreError> {
    let sql = "SELECT id, device, service, operation, sealed FROM submissions \
         WHERE state = 'taken' AND route = 'outbox' ORDER BY tries, taken_ms LIMIT $1";
    let rows = sqlx::query(sql).bind(i64::from(limit)).fetch_all(store.pool()).await?;
    let read = |row: &sqlx::any::AnyRow| {
        let text = |column: usize| row.try_get::<String, _>(column);
        let odd = |error: &dyn std::fmt::Display| StoreError::Row(error.to_string());
        let ask = Ask {
            id: text(0)?.parse().map_err(|error: uuid::Error| odd(&error))?,
            service: text(2)?,
            operation: text(3)?,
            sealed: text(4)?,
            unknown: Unknown::new(),
        };
        let device = text(1)?.parse().map_err(|error: sync::name::NameError| odd(&error))?;
        Ok((device, ask))
    };
    rows.iter().map(read).collect()
}

/// Empties what was answered before `end`; that it was done stays known.
pub async fn forget(store: &Store, end: Timestamp) -> Result<u64, StoreError> {
    let sql = "UPDATE submissions SET answer = '' \
         WHERE state = 'answered' AND answered_ms < $1 AND answer <> ''";
    let gone = sqlx::query(sql).bind(end.as_millisecond()).execute(store.pool()).await?;
    let sql =
        "DELETE FROM submissions WHERE state = 'taken' AND route = 'online' AND taken_ms < $1";
    let never = sqlx::query(sql).bind(end.as_millisecond()).execute(store.pool()).await?;
    Ok(gone.rows_affected() + never.rows_affected())
}
