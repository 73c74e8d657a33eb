//! What the platform keeps, on SQLite or PostgreSQL: one SQL text per query, run on both.
//!
//! SQLite runs in WAL mode with `synchronous=FULL`, so a commit is on disk when it returns.
//! Every write transaction starts with `BEGIN IMMEDIATE` there: a deferred one that turns into a
//! writer fails at once with `SQLITE_BUSY_SNAPSHOT`, whatever the busy timeout.
//! Instants are stored as milliseconds since 1970-01-01T00:00:00Z.

pub mod batch;
pub mod fleet;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::{AnyArguments, AnyPoolOptions};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Transaction};

/// Most connections; SQLite has one writer at a time in any case.
const CONNECTIONS_MAX: u32 = 8;
/// How long a writer waits for another one.
const BUSY_MS: u32 = 10_000;
/// Pages of the log before SQLite folds it into the file: at 4 KiB each, once for many batches and not for each.
const CHECKPOINT_PAGES: u32 = 8192;
/// Rows of one statement: each size is prepared once, a batch is cut into these.
const CHUNKS: [usize; 4] = [256, 32, 4, 1];

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("database schema: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The file's folder can't be made.
    #[error("{0}: {1}")]
    Folder(String, std::io::Error),
    /// A row does not read as it was written.
    #[error("database row: {0}")]
    Row(String),
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    /// How a transaction that writes begins.
    begin: &'static str,
}

impl Store {
    /// Opens `sqlite:FILE` (made when absent) or `postgres://…`, and brings its schema up to date.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        sqlx::any::install_default_drivers();
        let file = url.strip_prefix("sqlite:");
        if let Some(folder) = file.and_then(|file| Path::new(file).parent()) {
            std::fs::create_dir_all(folder)
                .map_err(|error| StoreError::Folder(folder.display().to_string(), error))?;
        }
        let url = if file.is_some() && !url.contains('?') {
            format!("{url}?mode=rwc")
        } else {
            url.to_owned()
        };
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            .connect(&url)
            .await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        let begin = if file.is_some() { "BEGIN IMMEDIATE" } else { "BEGIN" };
        Ok(Store { pool, begin })
    }

    /// For modules that keep tables of their own.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Starts a transaction that will write.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.pool.begin_with(self.begin).await?)
    }

    /// Ends all connections; SQLite then folds its log into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Settings of each new connection.
async fn prepare(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    if connection.backend_name() == "SQLite" {
        let pragmas = format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout={BUSY_MS}; \
             PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}"
        );
        sqlx::raw_sql(AssertSqlSafe(pragmas)).execute(connection).await?;
    }
    Ok(())
}

/// A statement with its values.
type Bound<'q> = Query<'q, Any, AnyArguments>;

/// Runs `{head} VALUES (…), (…) {tail}` for all rows, in as few statements as prepared sizes allow.
async fn insert<R>(
    connection: &mut AnyConnection,
    (head, columns, tail): (&str, usize, &str),
    rows: &[R],
    bind: impl for<'q> Fn(Bound<'q>, &R) -> Bound<'q>,
) -> Result<(), sqlx::Error> {
    for chunk in chunks(rows) {
        let places: Vec<String> =
            (0..chunk.len()).map(|row| places(row * columns, columns)).collect();
        let sql = format!("{head} VALUES {} {tail}", places.join(","));
        let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)), &bind);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// `($5,$6,$7)` for three columns after four.
fn places(after: usize, columns: usize) -> String {
    let places: Vec<String> = (1..=columns).map(|column| format!("${}", after + column)).collect();
    format!("({})", places.join(","))
}

/// Cuts rows into chunks whose sizes are in [`CHUNKS`].
fn chunks<R>(mut rows: &[R]) -> impl Iterator<Item = &[R]> {
    std::iter::from_fn(move || {
        let size = CHUNKS.into_iter().find(|&size| size <= rows.len())?;
        let (chunk, rest) = rows.split_at(size);
        rows = rest;
        Some(chunk)
    })
}

/// A number as the database holds it; larger ones stand for "very large".
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Text as PostgreSQL can hold it: without NUL.
fn plain(text: &str) -> String {
    text.replace('\0', "")
}

/// A stored instant, for people.
pub(crate) fn instant(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|error| StoreError::Row(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_sizes_that_are_prepared_once() {
        let rows = [0_u8; 300];
        let sizes: Vec<usize> = chunks(&rows).map(<[u8]>::len).collect();
        assert_eq!(sizes, [256, 32, 4, 4, 4]);
        assert_eq!(places(4, 3), "($5,$6,$7)");
    }
}
