//! The file: schema, transactions, and what to do with a file that can't be read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteLockingMode, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Connection, QueryBuilder, Row as _, Sqlite};

use super::{Draft, Limits, OutboxError, ROW_BYTES, Row, STREAMS_MAX, gap};
use crate::ledger::Entry;
use crate::moment::Moment;
use crate::stream::{Class, Key, StreamState};

/// Marks the file as ours: "GULO".
const APPLICATION_ID: i64 = 0x4755_4c4f;
/// Version of the schema below.
const SCHEMA_VERSION: i64 = 1;

/// Rows of one statement; SQLite takes 32,766 variables, a row needs 10.
const ROWS_PER_STATEMENT: usize = 500;

/// Unreadable files kept for an inspector; the oldest is deleted first.
const SET_ASIDE_MAX: usize = 3;

/// How long another process may hold the file before we say so.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The checks are for `quick_check`: a file that passes it reads without surprise.
/// The range of `wall_ms` is that of [`Timestamp`].
const SCHEMA: &str = "
CREATE TABLE state (epoch INTEGER NOT NULL CHECK (epoch > 0 AND epoch < 1 << 60),
    session INTEGER NOT NULL CHECK (session >= 0 AND session < 1 << 60)) STRICT;
CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    last INTEGER NOT NULL CHECK (last >= acked AND last < 1 << 60),
    acked INTEGER NOT NULL CHECK (acked >= 0)) STRICT;
CREATE TABLE event (stream INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq <> 0), class INTEGER NOT NULL CHECK (class IN (0, 1, 2)),
    gap_from INTEGER CHECK (gap_from > 0), bytes INTEGER NOT NULL CHECK (bytes BETWEEN 0 AND 1 << 30),
    kind TEXT NOT NULL,
    wall_ms INTEGER NOT NULL CHECK (wall_ms BETWEEN -377705023201000 AND 253402207200999),
    mono_ms INTEGER NOT NULL CHECK (mono_ms >= 0),
    clock_error_ms INTEGER CHECK (clock_error_ms BETWEEN 0 AND 4294967295),
    boot_id TEXT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (stream, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE command (id TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;
";

/// What contradicts the rest of the file.
const CONTRADICTIONS: &str = "
SELECT (SELECT COUNT(*) FROM state) <> 1 OR EXISTS (
    SELECT 1 FROM event LEFT JOIN stream ON stream.id = event.stream
    WHERE stream.id IS NULL OR event.seq > stream.last OR event.seq <= stream.acked
)";

/// The open file, and what of it is kept in memory.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: SqliteConnection,
    epoch: u64,
    session: u64,
    streams: BTreeMap<String, Stream>,
    rows: u64,
    bytes: u64,
    dropped: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stream {
    id: i64,
    last: u64,
    acked: u64,
}

/// Opens the file in `folder`; says where an unreadable one was put, if there was one.
///
/// A file that is `condemned` opened well and turned out to be unreadable later.
pub(super) async fn open(
    folder: &Path,
    now: Moment,
    condemned: Option<String>,
) -> Result<(Store, Option<String>), OutboxError> {
    let disk = |error: std::io::Error| OutboxError::Disk(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(disk)?;
    let path = folder.join("outbox.db");
    let opened = match condemned {
        Some(reason) => Err(OutboxError::Unreadable(reason)),
        None => Store::open(&path, now).await,
    };
    match opened {
        Err(OutboxError::Unreadable(reason)) => {
            let aside = set_aside(&path).map_err(disk)?;
            let report = format!("{reason}; kept as {}", aside.display());
            tracing::error!("outbox file {} is unreadable: {report}", path.display());
            Ok((Store::open(&path, now).await?, Some(report)))
        }
        result => Ok((result?, None)),
    }
}

/// Renames the file and its companions to the next free number.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let with = |path: &Path, end: &str| PathBuf::from(format!("{}{end}", path.display()));
    let number = |n: usize| path.with_file_name(format!("outbox.unreadable-{n}.db"));
    let free = (1..usize::MAX).find(|&n| !number(n).exists()).unwrap_or(usize::MAX);
    for end in ["-wal", "-shm", "-journal", ""] {
        if with(path, end).exists() {
            std::fs::rename(with(path, end), with(&number(free), end))?;
        }
    }
    if let Some(old) = free.checked_sub(SET_ASIDE_MAX) {
        for end in ["-wal", "-shm", "-journal", ""] {
            // An emptied file keeps the number taken, so that numbers only grow.
            let old = with(&number(old), end);
            if old.is_file() {
                std::fs::write(old, [])?;
            }
        }
    }
    Ok(number(free))
}

impl Store {
    async fn open(path: &Path, now: Moment) -> Result<Self, OutboxError> {
        if path.is_dir() {
            return Err(OutboxError::Unreadable("it is a folder".into()));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let connection = SqliteConnection::connect_with(&options).await.map_err(explain)?;
        let mut store = Self {
            connection,
            epoch: 0,
            session: 0,
            streams: BTreeMap::new(),
            rows: 0,
            bytes: 0,
            dropped: 0,
        };
        match store.load(now).await {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await;
                // A missing table or column: written by someone else.
                Err(match error {
                    OutboxError::Store(error) => OutboxError::Unreadable(error.to_string()),
                    other => other,
                })
            }
        }
    }

    async fn load(&mut self, now: Moment) -> Result<(), OutboxError> {
        prepare(&mut self.connection, now).await?;
        self.reload().await?;
        self.entries().await?;
        Ok(())
    }

    /// Reads from the file what is kept in memory.
    async fn reload(&mut self) -> Result<(), OutboxError> {
        let state = sqlx::query("SELECT epoch, session FROM state");
        let state = state.fetch_one(&mut self.connection).await.map_err(explain)?;
        let totals = sqlx::query("SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM event");
        let totals = totals.fetch_one(&mut self.connection).await.map_err(explain)?;
        let streams = sqlx::query("SELECT name, id, last, acked FROM stream");
        let streams = streams.fetch_all(&mut self.connection).await.map_err(explain)?;
        self.epoch = number(&state, 0).map_err(explain)?;
        self.session = number(&state, 1).map_err(explain)?;
        self.rows = number(&totals, 0).map_err(explain)?;
        self.bytes = number(&totals, 1).map_err(explain)?;
        let stream = |row: &SqliteRow| {
            let (last, acked) = (number(row, 2)?, number(row, 3)?);
            Ok((row.try_get(0)?, Stream { id: row.try_get(1)?, last, acked }))
        };
        self.streams = streams.iter().map(stream).collect::<Result<_, _>>().map_err(explain)?;
        Ok(())
    }

    pub(super) async fn record(
        &mut self,
        now: Moment,
        boot_id: &str,
        limits: Limits,
        drafts: Vec<Draft>,
        entries: Vec<Entry>,
    ) -> Result<(), OutboxError> {
        let critical = drafts.iter().any(|draft| draft.class == Class::Critical);
        let begun = self.connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(explain)?;
        let mut streams = self.streams.clone();
        let (rows, bytes) = (drafts.len() as u64, drafts.iter().map(Draft::bytes).sum::<u64>());
        insert(&mut transaction, &mut streams, now, boot_id, drafts).await?;
        write_entries(&mut transaction, entries).await?;
        let (mut rows, mut bytes) = (self.rows + rows, self.bytes + bytes);
        let mut dropped = 0;
        if bytes > limits.soft_bytes {
            let room = gap::make_room(&mut transaction, bytes, limits.soft_bytes).await?;
            rows -= room.rows;
            bytes = bytes.saturating_add_signed(-room.bytes);
            dropped = room.dropped;
            if critical && bytes > limits.hard_bytes {
                transaction.rollback().await.map_err(explain)?;
                return Err(OutboxError::Full { bytes, limit: limits.hard_bytes });
            }
        }
        transaction.commit().await.map_err(explain)?;
        (self.streams, self.rows, self.bytes) = (streams, rows, bytes);
        self.dropped += dropped;
        Ok(())
    }

    pub(super) async fn ack(&mut self, upto: &BTreeMap<String, u64>) -> Result<(), OutboxError> {
        let mut streams = self.streams.clone();
        let (mut rows, mut bytes) = (0, 0);
        let begun = self.connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(explain)?;
        for (name, &upto) in upto {
            let Some(stream) = streams.get_mut(name) else { continue };
            let upto = upto.min(stream.last);
            if upto <= stream.acked {
                continue;
            }
            stream.acked = upto;
            let totals = sqlx::query(
                "SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM event WHERE stream = ? AND seq <= ?",
            );
            let totals = totals.bind(stream.id).bind(signed(upto));
            let totals = totals.fetch_one(&mut *transaction).await.map_err(explain)?;
            rows += number(&totals, 0).map_err(explain)?;
            bytes += number(&totals, 1).map_err(explain)?;
            for statement in [
                "DELETE FROM event WHERE stream = ? AND seq <= ?",
                "UPDATE stream SET acked = ?2 WHERE id = ?1",
            ] {
                let query = sqlx::query(statement).bind(stream.id).bind(signed(upto));
                query.execute(&mut *transaction).await.map_err(explain)?;
            }
        }
        transaction.commit().await.map_err(explain)?;
        self.streams = streams;
        self.rows -= rows;
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(())
    }

    pub(super) async fn read(
        &mut self,
        name: &str,
        after: u64,
        rows: usize,
        bytes: u64,
    ) -> Result<Vec<Row>, OutboxError> {
        let Some(stream) = self.streams.get(name) else { return Ok(Vec::new()) };
        let query = sqlx::query(
            "SELECT seq, gap_from, kind, wall_ms, mono_ms, clock_error_ms, boot_id, payload
             FROM event WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?",
        );
        let query = query.bind(stream.id).bind(signed(after)).bind(signed(rows as u64));
        let mut found = query.fetch(&mut self.connection);
        let (mut list, mut room) = (Vec::new(), bytes);
        while let Some(row) = found.try_next().await.map_err(explain)? {
            let row = row_of(name, self.epoch, &row).map_err(explain)?;
            if row.bytes() > room && !list.is_empty() {
                break;
            }
            room = room.saturating_sub(row.bytes());
            list.push(row);
        }
        Ok(list)
    }

    pub(super) async fn quarantine(
        &mut self,
        name: &str,
        seq: u64,
        reason: &str,
    ) -> Result<(), OutboxError> {
        let Some(&Stream { id, .. }) = self.streams.get(name) else { return Ok(()) };
        let begun = self.connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(explain)?;
        let room = gap::quarantine(&mut transaction, id, seq, reason).await?;
        transaction.commit().await.map_err(explain)?;
        self.rows -= room.rows;
        self.bytes = self.bytes.saturating_add_signed(-room.bytes);
        self.dropped += room.dropped;
        Ok(())
    }

    pub(super) async fn next_session(&mut self) -> Result<u64, OutboxError> {
        let query = sqlx::query("UPDATE state SET session = session + 1 RETURNING session");
        let row = query.fetch_one(&mut self.connection).await.map_err(explain)?;
        self.session = number(&row, 0).map_err(explain)?;
        Ok(self.session)
    }

    pub(super) async fn raise_epoch(&mut self, above: u64) -> Result<(), OutboxError> {
        let epoch = self.epoch.max(above) + 1;
        let begun = self.connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(explain)?;
        let set = sqlx::query("UPDATE state SET epoch = ?").bind(signed(epoch));
        set.execute(&mut *transaction).await.map_err(explain)?;
        sqlx::raw_sql(RENUMBER).execute(&mut *transaction).await.map_err(explain)?;
        let resize = "UPDATE event SET bytes = ? + length(kind) + length(payload)
                      WHERE gap_from IS NOT NULL";
        let resize = sqlx::query(resize).bind(signed(ROW_BYTES));
        resize.execute(&mut *transaction).await.map_err(explain)?;
        transaction.commit().await.map_err(explain)?;
        self.reload().await
    }

    pub(super) async fn entries(&mut self) -> Result<Vec<Entry>, OutboxError> {
        let query = sqlx::query_scalar("SELECT entry FROM command");
        let entries: Vec<String> = query.fetch_all(&mut self.connection).await.map_err(explain)?;
        let read = |text: &String| serde_json::from_str(text);
        let entries: Result<_, _> = entries.iter().map(read).collect();
        entries.map_err(|error| OutboxError::Unreadable(format!("command ledger: {error}")))
    }

    pub(super) fn streams(&self) -> BTreeMap<String, StreamState> {
        let state = |stream: &Stream| StreamState {
            epoch: self.epoch,
            last: stream.last,
            acked: stream.acked,
        };
        self.streams.iter().map(|(name, stream)| (name.clone(), state(stream))).collect()
    }

    /// Rows, bytes, and events dropped since it was opened.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        (self.rows, self.bytes, self.dropped)
    }

    pub(super) fn session(&self) -> u64 {
        self.session
    }

    /// Closing deletes the write-ahead log by its name, so it comes before any renaming.
    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!("outbox file closed with {error}");
        }
    }
}

/// Numbers every stream from 1; through negative numbers, because the key must stay unique.
const RENUMBER: &str = "
UPDATE event SET seq = -fresh.n
FROM (SELECT stream, seq, ROW_NUMBER() OVER (PARTITION BY stream ORDER BY seq) AS n FROM event) AS fresh
WHERE fresh.stream = event.stream AND fresh.seq = event.seq;
UPDATE event SET seq = -seq;
UPDATE event SET gap_from = seq,
    payload = CAST(json_set(CAST(payload AS TEXT), '$.from', seq, '$.upto', seq) AS BLOB)
WHERE gap_from IS NOT NULL;
UPDATE stream SET acked = 0, last = (SELECT COUNT(*) FROM event WHERE event.stream = stream.id);
";

/// Checks that the file is ours and whole, or makes it so when it is empty.
async fn prepare(connection: &mut SqliteConnection, now: Moment) -> Result<(), OutboxError> {
    let unreadable = |reason: String| Err(OutboxError::Unreadable(reason));
    let ask = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema");
    let tables: i64 = ask.fetch_one(&mut *connection).await.map_err(explain)?;
    if tables == 0 {
        let epoch = now.wall.as_millisecond().max(1);
        let text = format!(
            "BEGIN IMMEDIATE; {SCHEMA} INSERT INTO state VALUES ({epoch}, 0);
             PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT"
        );
        let made = sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut *connection).await;
        return made.map(|_| ()).map_err(explain);
    }
    let ask = sqlx::query_scalar("PRAGMA application_id");
    let application: i64 = ask.fetch_one(&mut *connection).await.map_err(explain)?;
    if application != APPLICATION_ID {
        return unreadable("it belongs to another program".into());
    }
    let ask = sqlx::query_scalar("PRAGMA user_version");
    let version: i64 = ask.fetch_one(&mut *connection).await.map_err(explain)?;
    if version != SCHEMA_VERSION {
        return unreadable(format!("its version is {version}, not {SCHEMA_VERSION}"));
    }
    let ask = sqlx::query_scalar("PRAGMA quick_check(1)");
    let verdict: String = ask.fetch_one(&mut *connection).await.map_err(explain)?;
    if verdict != "ok" {
        return unreadable(verdict);
    }
    let ask = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
    let ask = sqlx::query_scalar(ask).fetch_all(&mut *connection);
    let tables: Vec<String> = ask.await.map_err(explain)?;
    if squeeze(&tables.concat()) != squeeze(SCHEMA) {
        return unreadable("its tables are not ours".into());
    }
    let ask = sqlx::query_scalar(CONTRADICTIONS);
    let contradicts: bool = ask.fetch_one(connection).await.map_err(explain)?;
    if contradicts { unreadable("it contradicts itself".into()) } else { Ok(()) }
}

/// SQLite keeps the text of a table's definition, but for what separates two of them.
fn squeeze(sql: &str) -> String {
    sql.chars().filter(|&letter| !letter.is_whitespace() && letter != ';').collect()
}

async fn insert(
    connection: &mut SqliteConnection,
    streams: &mut BTreeMap<String, Stream>,
    now: Moment,
    boot_id: &str,
    drafts: Vec<Draft>,
) -> Result<(), OutboxError> {
    let mut moved = BTreeMap::new();
    let mut numbered = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if !streams.contains_key(&draft.stream) {
            let id = add_stream(connection, streams.len(), &draft.stream).await?;
            streams.insert(draft.stream.clone(), Stream { id, last: 0, acked: 0 });
        }
        let stream = streams.get_mut(&draft.stream).expect("it was just added");
        stream.last += 1;
        moved.insert(stream.id, stream.last);
        numbered.push((stream.id, stream.last, draft));
    }
    let mut numbered = numbered.into_iter().peekable();
    while numbered.peek().is_some() {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO event (stream, seq, class, bytes, kind, wall_ms, mono_ms, clock_error_ms,
             boot_id, payload) ",
        );
        let chunk = numbered.by_ref().take(ROWS_PER_STATEMENT);
        query.push_values(chunk, |mut row, (stream, seq, draft)| {
            row.push_bind(stream).push_bind(signed(seq)).push_bind(class_number(draft.class));
            row.push_bind(signed(draft.bytes())).push_bind(draft.kind);
            row.push_bind(now.wall.as_millisecond()).push_bind(signed(now.mono.0));
            row.push_bind(now.clock_error_ms).push_bind(boot_id).push_bind(draft.payload);
        });
        query.build().execute(&mut *connection).await.map_err(explain)?;
    }
    for (id, last) in moved {
        let query =
            sqlx::query("UPDATE stream SET last = ? WHERE id = ?").bind(signed(last)).bind(id);
        query.execute(&mut *connection).await.map_err(explain)?;
    }
    Ok(())
}

async fn add_stream(
    connection: &mut SqliteConnection,
    count: usize,
    name: &str,
) -> Result<i64, OutboxError> {
    if count >= STREAMS_MAX {
        return Err(OutboxError::Draft("more than STREAMS_MAX streams"));
    }
    let query = "INSERT INTO stream (name, last, acked) VALUES (?, 0, 0) RETURNING id";
    let query = sqlx::query_scalar(query).bind(name);
    query.fetch_one(connection).await.map_err(explain)
}

/// Writes entries down, and forgets those that are marked as over.
async fn write_entries(
    connection: &mut SqliteConnection,
    entries: Vec<Entry>,
) -> Result<(), OutboxError> {
    for entry in entries {
        let query = if entry.forgotten {
            sqlx::query("DELETE FROM command WHERE id = ?").bind(entry.command.id)
        } else {
            let text = serde_json::to_string(&entry).expect("an entry has string keys only");
            let query = "INSERT OR REPLACE INTO command (id, entry) VALUES (?, ?)";
            sqlx::query(query).bind(entry.command.id).bind(text)
        };
        query.execute(&mut *connection).await.map_err(explain)?;
    }
    Ok(())
}

fn row_of(stream: &str, epoch: u64, row: &SqliteRow) -> Result<Row, sqlx::Error> {
    let wall_ms: i64 = row.try_get(3)?;
    Ok(Row {
        key: Key { stream: stream.to_owned(), epoch, seq: number(row, 0)? },
        gap_from: row.try_get::<Option<i64>, _>(1)?.map(i64::unsigned_abs),
        kind: row.try_get(2)?,
        wall: Timestamp::from_millisecond(wall_ms)
            .map_err(|error| sqlx::Error::Decode(error.into()))?,
        mono_ms: number(row, 4)?,
        clock_error_ms: row.try_get(5)?,
        boot_id: row.try_get(6)?,
        payload: row.try_get(7)?,
    })
}

pub(super) fn class_number(class: Class) -> i64 {
    match class {
        Class::Critical => 0,
        Class::Normal => 1,
        Class::Lossy => 2,
    }
}

/// SQLite has signed integers only; nothing of ours reaches the upper half.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn number(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Room a gap takes.
pub(super) fn gap_bytes(payload: &[u8]) -> u64 {
    ROW_BYTES + (crate::Event::GAP.len() + payload.len()) as u64
}

/// Sorts what SQLite says by what can be done about it (<https://sqlite.org/rescode.html>).
pub(super) fn explain(error: sqlx::Error) -> OutboxError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let code = code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
    match code {
        // SQLITE_BUSY, SQLITE_LOCKED
        Some(5 | 6) => OutboxError::InUse,
        // SQLITE_PERM, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
        Some(3 | 8 | 10 | 13 | 14) => OutboxError::Disk(error.to_string()),
        // SQLITE_CORRUPT, SQLITE_NOTADB
        Some(11 | 26) => OutboxError::Unreadable(error.to_string()),
        None if matches!(error, sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => {
            OutboxError::Unreadable(error.to_string())
        }
        _ => OutboxError::Store(error),
    }
}
