//! What is dropped when the outbox is too large, and how that is declared.
//!
//! A dropped range becomes one row under its last number. Neighbouring gaps melt into one.

use futures_util::TryStreamExt;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::OutboxError;
use super::store::{class_number, explain, gap_bytes, number, signed};
use crate::stream::Class;
use crate::telemetry::{Event, Gap};

/// Once something must go, this share of the limit is freed, so that it is not needed at every post.
const HEADROOM_PARTS: u64 = 10;

/// What became free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Room {
    /// Rows fewer, gaps counted.
    pub(super) rows: u64,
    /// Bytes fewer; negative where gaps take more than the small rows they stand for.
    pub(super) bytes: i64,
    /// Events that are gone.
    pub(super) dropped: u64,
}

/// A row that may go.
#[derive(Debug, Clone, Copy)]
struct Victim {
    stream: i64,
    seq: u64,
    bytes: u64,
}

/// Lossy rows that are not the latest of their kind, oldest first.
const OUTDATED: &str = "
SELECT stream, seq, bytes FROM event WHERE class = 2 AND gap_from IS NULL AND (stream, seq) NOT IN (
    SELECT stream, MAX(seq) FROM event WHERE class = 2 AND gap_from IS NULL GROUP BY stream, kind
) ORDER BY wall_ms, stream, seq";

/// Normal rows, oldest first.
const NORMAL: &str = "
SELECT stream, seq, bytes FROM event WHERE class = 1 AND gap_from IS NULL
ORDER BY wall_ms, stream, seq";

/// Drops what may be dropped until `bytes` is some way below `limit`.
pub(super) async fn make_room(
    connection: &mut SqliteConnection,
    bytes: u64,
    limit: u64,
) -> Result<Room, OutboxError> {
    let mut room = Room::default();
    let goal = signed(bytes.saturating_sub(limit - limit / HEADROOM_PARTS));
    for (statement, class) in [(OUTDATED, Class::Lossy), (NORMAL, Class::Normal)] {
        let mut victims = Vec::new();
        let mut found = 0;
        {
            let mut rows = sqlx::query(statement).fetch(&mut *connection);
            while room.bytes + found < goal
                && let Some(row) = rows.try_next().await.map_err(explain)?
            {
                let victim = Victim {
                    stream: row.try_get(0).map_err(explain)?,
                    seq: number(&row, 1).map_err(explain)?,
                    bytes: number(&row, 2).map_err(explain)?,
                };
                found += signed(victim.bytes);
                victims.push(victim);
            }
        }
        victims.sort_unstable_by_key(|victim| (victim.stream, victim.seq));
        let following = |a: &Victim, b: &Victim| a.stream == b.stream && a.seq + 1 == b.seq;
        for run in victims.chunk_by(following) {
            room.add(declare(connection, run, class, "the outbox was full").await?);
        }
    }
    Ok(room)
}

/// Puts a gap in the place of one row, whatever its class.
pub(super) async fn quarantine(
    connection: &mut SqliteConnection,
    stream: i64,
    seq: u64,
    reason: &str,
) -> Result<Room, OutboxError> {
    let query = "SELECT bytes, class FROM event WHERE stream = ? AND seq = ? AND gap_from IS NULL";
    let query = sqlx::query(query).bind(stream).bind(signed(seq));
    let Some(row) = query.fetch_optional(&mut *connection).await.map_err(explain)? else {
        return Ok(Room::default());
    };
    let class = match row.try_get(1).map_err(explain)? {
        0_i64 => Class::Critical,
        1 => Class::Normal,
        _ => Class::Lossy,
    };
    let victim = Victim { stream, seq, bytes: number(&row, 0).map_err(explain)? };
    declare(connection, &[victim], class, reason).await
}

/// Replaces neighbouring rows by one gap, together with the gaps they touch.
async fn declare(
    connection: &mut SqliteConnection,
    run: &[Victim],
    class: Class,
    reason: &str,
) -> Result<Room, OutboxError> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(Room::default()) };
    let stream = first.stream;
    let dropped = run.len() as u64;
    let mut gap =
        Gap { from: first.seq, upto: last.seq, count: dropped, class, reason: reason.to_owned() };
    let freed = run.iter().map(|victim| signed(victim.bytes)).sum();
    let mut room = Room { rows: dropped, bytes: freed, dropped };
    let touching = sqlx::query(
        "SELECT payload, bytes FROM event
         WHERE stream = ?1 AND gap_from IS NOT NULL AND (seq = ?2 - 1 OR gap_from = ?3 + 1)",
    );
    let touching = touching.bind(stream).bind(signed(gap.from)).bind(signed(gap.upto));
    for row in touching.fetch_all(&mut *connection).await.map_err(explain)? {
        let payload: Vec<u8> = row.try_get(0).map_err(explain)?;
        let other: Gap = serde_json::from_slice(&payload)
            .map_err(|error| OutboxError::Unreadable(format!("a gap: {error}")))?;
        gap.from = gap.from.min(other.from);
        gap.upto = gap.upto.max(other.upto);
        gap.count += other.count;
        gap.class = gap.class.min(other.class);
        room.rows += 1;
        room.bytes += signed(number(&row, 1).map_err(explain)?);
    }
    let (from, upto) = (signed(gap.from), signed(gap.upto));
    let payload = Event::Gap(gap).to_json();
    let bytes = gap_bytes(&payload);
    let delete = sqlx::query("DELETE FROM event WHERE stream = ? AND seq BETWEEN ? AND ? - 1");
    let delete = delete.bind(stream).bind(from).bind(upto);
    delete.execute(&mut *connection).await.map_err(explain)?;
    let update = sqlx::query(
        "UPDATE event SET class = ?, gap_from = ?, kind = ?, payload = ?, bytes = ?
         WHERE stream = ? AND seq = ?",
    );
    let update = update.bind(class_number(Class::Critical)).bind(from).bind(Event::GAP);
    let update = update.bind(payload).bind(signed(bytes)).bind(stream).bind(upto);
    update.execute(&mut *connection).await.map_err(explain)?;
    room.rows -= 1;
    room.bytes -= signed(bytes);
    Ok(room)
}

impl Room {
    fn add(&mut self, other: Room) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.dropped += other.dropped;
    }
}
