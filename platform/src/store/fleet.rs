//! Devices, what they last said, and what they were told.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use sync::{Command, CommandState, DeviceId, Health, Presence, Shown, StopId};
use utoipa::ToSchema;

use super::{Store, StoreError, instant, plain, signed};

/// One device, with the newest of everything it said.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its name.
    pub device: DeviceId,
    /// What it is: `sign`, `pole` …
    pub role: String,
    /// The stop it stands at.
    pub stop: Option<StopId>,
    /// When it was registered here.
    pub made_at: Timestamp,
    /// Its last birth or will, and when that came.
    pub presence: Option<(Presence, Timestamp)>,
    /// What stands on its glass, and since when by its own clock.
    pub shown: Option<(Shown, Timestamp)>,
    /// How it is, and when that was by its own clock.
    pub health: Option<(Health, Timestamp)>,
}

/// One event as it was received.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Received {
    /// Epoch of the device's outbox.
    pub epoch: u64,
    /// Number in its stream.
    pub seq: u64,
    /// First number it stands for, when it declares a gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap_from: Option<u64>,
    /// CloudEvents `type`.
    pub kind: String,
    /// When it happened, by the device's clock.
    #[schema(value_type = String, format = DateTime)]
    pub happened_at: Timestamp,
    /// Estimated error of that clock in milliseconds; absent when nobody vouches for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_error_ms: Option<u64>,
    /// When the platform had it on disk.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// What the device said.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
}

/// A command and where it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ordered {
    /// The command as it was sent.
    #[schema(value_type = Object)]
    pub command: Command,
    /// `sent`, or the device's own word: `received`, `running`, `done`, `failed`, `rejected`, `expired`, `unknown`.
    pub state: String,
    /// Result or reason, for people.
    pub detail: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
}

/// State of a command that no device has answered yet.
const SENT: &str = "sent";

const DEVICE: &str = "SELECT d.device, d.role, d.stop, d.made_ms, p.payload AS presence, p.seen_ms, \
     s.payload AS shown, s.happened_ms AS shown_ms, h.payload AS health, h.happened_ms AS health_ms \
     FROM devices d LEFT JOIN presence p ON p.device = d.device \
     LEFT JOIN latest s ON s.device = d.device AND s.kind = 'gulou.shown.v1' \
     LEFT JOIN latest h ON h.device = d.device AND h.kind = 'gulou.health.v1' \
     WHERE d.removed_ms IS NULL";

impl Store {
    /// Registers a device, or changes what is registered. One that was removed starts as if never seen.
    pub async fn register(
        &self,
        device: &DeviceId,
        role: &str,
        stop: Option<&StopId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO devices (device, role, stop, made_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (device) DO UPDATE SET role = excluded.role, stop = excluded.stop, removed_ms = NULL";
        let forget = "DELETE FROM presence WHERE device IN \
             (SELECT device FROM devices WHERE device = $1 AND removed_ms IS NOT NULL)";
        let mut transaction = self.begin().await?;
        sqlx::query(forget).bind(device.as_str()).execute(&mut *transaction).await?;
        let query = sqlx::query(sql).bind(device.as_str()).bind(plain(role));
        query
            .bind(stop.map(|stop| plain(&stop.0)))
            .bind(now.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Takes a device out of service; what it reported stays.
    pub async fn remove(&self, device: &DeviceId, now: Timestamp) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE devices SET removed_ms = $2 WHERE device = $1");
        query.bind(device.as_str()).bind(now.as_millisecond()).execute(self.pool()).await?;
        Ok(())
    }

    /// Devices whose names follow `after`, in order.
    pub async fn devices(&self, after: &str, limit: u32) -> Result<Vec<Device>, StoreError> {
        let sql = AssertSqlSafe(format!("{DEVICE} AND d.device > $1 ORDER BY d.device LIMIT $2"));
        let rows = sqlx::query(sql)
            .bind(plain(after))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(device).collect()
    }

    /// One device.
    pub async fn device(&self, id: &DeviceId) -> Result<Option<Device>, StoreError> {
        let sql = AssertSqlSafe(format!("{DEVICE} AND d.device = $1"));
        let row = sqlx::query(sql).bind(id.as_str()).fetch_optional(self.pool()).await?;
        row.as_ref().map(device).transpose()
    }

    /// Events of one stream, newest first, all of them before `before` (epoch and number).
    pub async fn events(
        &self,
        device: &DeviceId,
        stream: &str,
        before: (u64, u64),
        limit: u32,
    ) -> Result<Vec<Received>, StoreError> {
        let sql = "SELECT epoch, seq, gap_from, kind, happened_ms, clock_error_ms, received_ms, payload \
             FROM events WHERE device = $1 AND stream = $2 AND (epoch, seq) < ($3, $4) \
             ORDER BY epoch DESC, seq DESC LIMIT $5";
        let query = sqlx::query(sql).bind(device.as_str()).bind(plain(stream));
        let query = query.bind(signed(before.0)).bind(signed(before.1)).bind(i64::from(limit));
        query.fetch_all(self.pool()).await?.iter().map(received).collect()
    }

    /// Writes a command down before it is sent; `false` when one of this name exists.
    pub async fn order(&self, device: &DeviceId, command: &Command) -> Result<bool, StoreError> {
        let sql = "INSERT INTO commands (id, device, body, issued_ms, expires_ms, state, detail, changed_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, '', $4) ON CONFLICT (id) DO NOTHING";
        let issued = command.issued_at.as_millisecond();
        let query =
            sqlx::query(sql).bind(plain(&command.id)).bind(device.as_str()).bind(json(command));
        let query = query.bind(issued).bind(command.expires.as_millisecond()).bind(SENT);
        Ok(query.execute(self.pool()).await?.rows_affected() == 1)
    }

    /// Commands that a device may still have to hear of.
    pub async fn open_commands(
        &self,
        device: &DeviceId,
        now: Timestamp,
    ) -> Result<Vec<Command>, StoreError> {
        let sql = "SELECT body FROM commands WHERE device = $1 AND state = $2 AND expires_ms > $3 ORDER BY issued_ms";
        let query = sqlx::query(sql).bind(device.as_str()).bind(SENT).bind(now.as_millisecond());
        query
            .fetch_all(self.pool())
            .await?
            .iter()
            .map(|row| parse(&row.try_get::<String, _>(0)?))
            .collect()
    }

    /// The last commands to a device, newest first.
    pub async fn commands(
        &self,
        device: &DeviceId,
        limit: u32,
    ) -> Result<Vec<Ordered>, StoreError> {
        let sql = "SELECT body, state, detail, changed_ms FROM commands WHERE device = $1 \
             ORDER BY issued_ms DESC, id LIMIT $2";
        let rows = sqlx::query(sql)
            .bind(device.as_str())
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        let ordered = |row: &AnyRow| {
            Ok(Ordered {
                command: parse(&row.try_get::<String, _>(0)?)?,
                state: row.try_get(1)?,
                detail: row.try_get(2)?,
                changed_at: instant(row.try_get(3)?)?,
            })
        };
        rows.iter().map(ordered).collect()
    }

    /// A value kept under a name.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT value FROM settings WHERE name = $1").bind(name);
        Ok(query.fetch_optional(self.pool()).await?)
    }

    /// Keeps a value under a name.
    pub async fn set(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(name).bind(plain(value)).execute(self.pool()).await?;
        Ok(())
    }
}

/// A command's state as it stands in the database and in the API.
pub(super) fn word(state: CommandState) -> &'static str {
    match state {
        CommandState::Received => "received",
        CommandState::Running => "running",
        CommandState::Done => "done",
        CommandState::Failed => "failed",
        CommandState::Rejected => "rejected",
        CommandState::Expired => "expired",
        CommandState::Unknown => "unknown",
    }
}

fn device(row: &AnyRow) -> Result<Device, StoreError> {
    let name: String = row.try_get("device")?;
    Ok(Device {
        device: name
            .parse()
            .map_err(|error: sync::name::NameError| StoreError::Row(error.to_string()))?,
        role: row.try_get("role")?,
        stop: row.try_get::<Option<String>, _>("stop")?.map(StopId),
        made_at: instant(row.try_get("made_ms")?)?,
        presence: dated(row, "presence", "seen_ms")?,
        shown: dated(row, "shown", "shown_ms")?,
        health: dated(row, "health", "health_ms")?,
    })
}

/// A JSON column and its instant, where the joined row exists.
fn dated<T: serde::de::DeserializeOwned>(
    row: &AnyRow,
    column: &str,
    ms: &str,
) -> Result<Option<(T, Timestamp)>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    let ms: Option<i64> = row.try_get(ms)?;
    text.zip(ms).map(|(text, ms)| Ok((parse(&text)?, instant(ms)?))).transpose()
}

fn received(row: &AnyRow) -> Result<Received, StoreError> {
    let number = |column: &str| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
    let optional = |column: &str| {
        row.try_get::<Option<i64>, _>(column).map(|value| value.map(i64::unsigned_abs))
    };
    Ok(Received {
        epoch: number("epoch")?,
        seq: number("seq")?,
        gap_from: optional("gap_from")?,
        kind: row.try_get("kind")?,
        happened_at: instant(row.try_get("happened_ms")?)?,
        clock_error_ms: optional("clock_error_ms")?,
        received_at: instant(row.try_get("received_ms")?)?,
        payload: parse(&row.try_get::<String, _>("payload")?)?,
    })
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Row(error.to_string()))
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("messages have string keys only and always serialise")
}
