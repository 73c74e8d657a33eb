//! What a device owes the platform, on disk until the platform has it.
//!
//! One SQLite file per device. A post is durable when it returns; all its drafts share one commit.
//! Rows are freed only by the platform's cumulative acks. When the file grows too large, what is
//! dropped is decided by [`Class`] and declared as a gap under the last dropped number, so a
//! stream has no undeclared hole. The file also holds the session counter and the command ledger,
//! which must change together with the events that tell of them.

mod gap;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::envelope::{Envelope, Origin};
use crate::ledger::Entry;
use crate::moment::Moment;
use crate::name::{DeviceId, Tenant};
use crate::packet::{PAYLOAD_MAX, Packet};
use crate::stream::{Class, Key, StreamState};
use crate::telemetry::Event;
use crate::topic::Topic;
use store::Store;

/// The stream of events and command statuses.
pub const EVENTS: &str = "events";

/// Most streams one device may have; all of them stand in its sync vector.
pub const STREAMS_MAX: usize = 16;

/// Most drafts of one post; a larger one is refused.
pub const POST_MAX: usize = 4096;

/// Room a row takes beside payload and type, in bytes.
const ROW_BYTES: u64 = 128;

/// Longest name of a stream and longest type, in bytes.
const NAME_MAX: usize = 128;

/// One event to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The stream it belongs to, such as [`EVENTS`].
    pub stream: String,
    /// What becomes of it when the disk is full.
    pub class: Class,
    /// CloudEvents `type`.
    pub kind: String,
    /// JSON, at most [`PAYLOAD_MAX`] bytes.
    pub payload: Vec<u8>,
}

/// How large the outbox may grow, counted in bytes of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Above it, normal and lossy rows are dropped.
    pub soft_bytes: u64,
    /// Above it, even critical drafts are refused.
    pub hard_bytes: u64,
}

/// How full the outbox is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Rows waiting for an ack.
    pub rows: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Events dropped since it was opened; each is part of a declared gap.
    pub dropped: u64,
    /// Why and where an unreadable file was put aside when it was opened.
    pub set_aside: Option<String>,
    /// Why nothing can be written at present.
    pub fault: Option<String>,
}

/// One event as it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its identity.
    pub key: Key,
    /// First number it stands for, when it declares a gap.
    pub gap_from: Option<u64>,
    /// CloudEvents `type`.
    pub kind: String,
    /// Wall clock when it was posted, right or wrong.
    pub wall: Timestamp,
    /// Monotonic milliseconds of its boot.
    pub mono_ms: u64,
    /// Estimated error of `wall`.
    pub clock_error_ms: Option<u32>,
    /// The boot during which it was posted.
    pub boot_id: String,
    /// JSON.
    pub payload: Vec<u8>,
}

/// Why something was not written. Nothing of the post is, then.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The hard limit is reached and all that waits is critical.
    #[error("the outbox is full: {bytes} bytes wait, {limit} are allowed")]
    Full {
        /// What would wait.
        bytes: u64,
        /// The hard limit.
        limit: u64,
    },
    /// The disk is.
    #[error("the disk is full or can't be written: {0}")]
    Disk(String),
    /// A draft exceeds what any outbox takes.
    #[error("draft refused: {0}")]
    Draft(&'static str),
    /// Another process has it open.
    #[error("the outbox is in use by another process")]
    InUse,
    /// The file is not ours, or broken.
    #[error("the outbox file is unreadable: {0}")]
    Unreadable(String),
    /// Anything else the database says.
    #[error("outbox: {0}")]
    Store(sqlx::Error),
}

/// The outbox of one device.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
    limits: Limits,
    boot_id: String,
    /// `None` while there is no disk to open it on.
    store: Option<Store>,
    /// A write failed. SQLite may have rolled back by itself, behind the back of sqlx, whose connection
    /// then takes no more transactions: the file is opened anew before the next write.
    suspect: bool,
    /// The file that turned out to be unreadable after it was opened, and why.
    condemned: Option<(Store, String)>,
    stats: Stats,
    /// Session number of this process, where it could not be written down.
    session: u64,
    /// Acks that could not be written down yet, one per stream.
    unwritten: BTreeMap<String, u64>,
}

impl Default for Limits {
    /// 64 MiB, and half as much again for what must not be lost.
    fn default() -> Self {
        Self { soft_bytes: 64 << 20, hard_bytes: 96 << 20 }
    }
}

impl Draft {
    /// A report on the stream [`EVENTS`].
    pub fn event(class: Class, event: &Event) -> Self {
        let kind = event.kind().to_owned();
        Self { stream: EVENTS.to_owned(), class, kind, payload: event.to_json() }
    }

    fn bytes(&self) -> u64 {
        ROW_BYTES + (self.kind.len() + self.payload.len()) as u64
    }

    fn check(&self) -> Result<(), OutboxError> {
        if self.payload.len() > PAYLOAD_MAX {
            return Err(OutboxError::Draft("payload is larger than PAYLOAD_MAX"));
        }
        let named = |name: &str| (1..=NAME_MAX).contains(&name.len());
        if !named(&self.stream) || !named(&self.kind) {
            return Err(OutboxError::Draft("stream and type are 1 to 128 bytes"));
        }
        Ok(())
    }
}

impl Row {
    /// The packet that carries it.
    pub fn packet(self, tenant: &Tenant, device: &DeviceId) -> Packet {
        let Key { stream, epoch, seq } = &self.key;
        let topic = Topic::Stream(device.clone(), stream.clone()).format(tenant);
        let envelope = Envelope {
            id: format!("{epoch}-{stream}-{seq}"),
            source: device.as_str().to_owned(),
            kind: self.kind,
            time: self.wall,
            origin: Some(Origin {
                key: self.key,
                gap_from: self.gap_from,
                boot_id: self.boot_id,
                mono_ms: self.mono_ms,
                clock_error_ms: self.clock_error_ms,
            }),
        };
        envelope.seal(topic, self.payload)
    }

    /// Room it takes in a send window.
    pub fn bytes(&self) -> u64 {
        ROW_BYTES + (self.kind.len() + self.payload.len()) as u64
    }
}

impl Outbox {
    /// Opens or makes the outbox in `folder`.
    ///
    /// A file that is broken or not ours is renamed, and a new one takes its place: see
    /// [`Stats::set_aside`]. Without room on the disk it opens all the same: see [`Stats::fault`].
    pub async fn open(
        folder: &Path,
        limits: Limits,
        boot_id: &str,
        now: Moment,
    ) -> Result<Self, OutboxError> {
        let mut outbox = Self {
            folder: folder.to_owned(),
            limits,
            boot_id: boot_id.to_owned(),
            store: None,
            suspect: false,
            condemned: None,
            stats: Stats::default(),
            session: 0,
            unwritten: BTreeMap::new(),
        };
        match outbox.reopen(now).await {
            Ok(()) | Err(OutboxError::Disk(_)) => Ok(outbox),
            Err(error) => Err(error),
        }
    }

    /// Writes `drafts` down under the next numbers of their streams. Durable on return.
    pub async fn post(&mut self, now: Moment, drafts: Vec<Draft>) -> Result<(), OutboxError> {
        self.record(now, drafts, Vec::new()).await
    }

    /// Like [`Self::post`], with what the ledger has to remember in the same transaction.
    pub(crate) async fn record(
        &mut self,
        now: Moment,
        drafts: Vec<Draft>,
        entries: Vec<Entry>,
    ) -> Result<(), OutboxError> {
        if drafts.is_empty() && entries.is_empty() {
            return Ok(());
        }
        if drafts.len() > POST_MAX {
            return Err(OutboxError::Draft("more than POST_MAX drafts in one post"));
        }
        drafts.iter().try_for_each(Draft::check)?;
        if std::mem::take(&mut self.suspect)
            && let Some(store) = self.store.take()
        {
            store.close().await;
        }
        self.reopen(now).await?;
        let store = self.store.as_mut().expect("reopen succeeded");
        let result = store.record(now, &self.boot_id, self.limits, drafts, entries).await;
        self.note(result)
    }

    /// Frees everything that the platform has, by stream. What can't be written now is later.
    pub async fn ack(&mut self, upto: &BTreeMap<String, u64>) -> Result<(), OutboxError> {
        let mut all = std::mem::take(&mut self.unwritten);
        for (stream, &seq) in upto {
            let known = all.entry(stream.clone()).or_default();
            *known = seq.max(*known);
        }
        let Some(store) = self.store.as_mut().filter(|_| !self.suspect) else {
            self.unwritten = all;
            return Ok(());
        };
        match store.ack(&all).await {
            Err(OutboxError::Disk(reason)) => {
                self.unwritten = all;
                self.note(Err(OutboxError::Disk(reason)))
            }
            result => self.note(result),
        }
    }

    /// The next rows of `stream` after `after`: at most `rows`, and `bytes` but for the first one.
    pub async fn read(
        &mut self,
        stream: &str,
        after: u64,
        rows: usize,
        bytes: u64,
    ) -> Result<Vec<Row>, OutboxError> {
        let Some(store) = &mut self.store else { return Ok(Vec::new()) };
        match store.read(stream, after, rows, bytes).await {
            // That a read succeeds says nothing about the next write.
            Ok(rows) => Ok(rows),
            error => self.note(error),
        }
    }

    /// Takes one row out of the way that nobody will ever accept; a gap stands in its place.
    pub async fn quarantine(
        &mut self,
        stream: &str,
        seq: u64,
        reason: &str,
    ) -> Result<(), OutboxError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let result = store.quarantine(stream, seq, reason).await;
        self.note(result)
    }

    /// The number of the next session: higher than any before, as long as there is a disk.
    pub async fn next_session(&mut self) -> u64 {
        if let Some(store) = &mut self.store {
            match store.next_session().await {
                Ok(session) => self.session = session.max(self.session + 1),
                // The platform takes an equal number too, so a reboot in this state does no harm.
                Err(error) => {
                    self.stats.fault = Some(error.to_string());
                    self.session = store.session().max(self.session) + 1;
                }
            }
        } else {
            self.session += 1;
        }
        self.session
    }

    /// Moves to an epoch above `above`: the platform knows a newer outbox of this device.
    ///
    /// What waits is numbered anew from 1.
    pub async fn raise_epoch(&mut self, above: u64) -> Result<(), OutboxError> {
        self.unwritten.clear();
        let Some(store) = &mut self.store else { return Ok(()) };
        let result = store.raise_epoch(above).await;
        self.note(result)
    }

    /// Where every stream stands.
    pub fn streams(&self) -> BTreeMap<String, StreamState> {
        self.store.as_ref().map(Store::streams).unwrap_or_default()
    }

    /// Every command the ledger remembers.
    pub(crate) async fn entries(&mut self) -> Result<Vec<Entry>, OutboxError> {
        match &mut self.store {
            Some(store) => store.entries().await,
            None => Ok(Vec::new()),
        }
    }

    /// How full it is.
    pub fn stats(&self) -> Stats {
        let (rows, bytes, dropped) = self.store.as_ref().map_or((0, 0, 0), Store::counts);
        Stats { rows, bytes, dropped, ..self.stats.clone() }
    }

    /// Closes the file; dropping the outbox does so too, a moment later.
    pub async fn close(self) {
        if let Some(store) = self.store {
            store.close().await;
        }
    }

    /// Opens the file where it is not open yet.
    async fn reopen(&mut self, now: Moment) -> Result<(), OutboxError> {
        if self.store.is_some() {
            return Ok(());
        }
        let mut reason = None;
        if let Some((store, why)) = self.condemned.take() {
            store.close().await;
            reason = Some(why);
        }
        let opened = store::open(&self.folder, now, reason).await;
        let opened = opened.map(|(store, set_aside)| {
            self.store = Some(store);
            self.stats.set_aside = set_aside.or(self.stats.set_aside.take());
        });
        self.note(opened)
    }

    /// Remembers whether the disk takes what it is given, and gives up a file that can't be read.
    fn note<T>(&mut self, result: Result<T, OutboxError>) -> Result<T, OutboxError> {
        if let Err(OutboxError::Unreadable(reason)) = &result {
            self.condemned = self.store.take().map(|store| (store, reason.clone()));
        }
        if let Err(OutboxError::Disk(_) | OutboxError::Store(_)) = &result {
            self.suspect = true;
        }
        self.stats.fault = match &result {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        result
    }
}
