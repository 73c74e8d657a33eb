//! Looks at feeds again and again: files that somebody replaces, and addresses.
//!
//! A look that fails is counted and shown, and changes nothing: the last good state stays until its own
//! expiry. Failing feeds are asked less and less often.

pub mod fetch;
pub mod journal;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sync::Clock;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Place;
use crate::metrics::Metrics;
use crate::news::{News, Press};
use fetch::{Fetcher, bounded};
use journal::Journal;

/// Longest wait after failures.
const BACKOFF_MAX: Duration = Duration::from_mins(1);
/// Largest CAP file, in bytes.
const CAP_MAX: u64 = 256 * 1024;
/// Most CAP files of one folder that are looked at.
const CAP_FILES_MAX: usize = 1000;

/// One feed to look at.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Its name in metrics and console.
    pub name: &'static str,
    /// Where it is.
    pub place: Place,
    /// Between two looks.
    pub every: Duration,
    /// Largest size, in bytes.
    pub bytes_max: u64,
}

/// What every watcher needs.
#[derive(Debug)]
pub struct Watcher<T> {
    /// Where what was read goes.
    pub heard: mpsc::Sender<T>,
    /// Where each look is written down.
    pub journal: Arc<Journal>,
    /// Told that a feed was looked at.
    pub press: Press,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Clock of the process.
    pub clock: Clock,
}

impl<T: Send + 'static> Watcher<T> {
    /// Looks at one feed until `stop`; `read` turns its bytes into something, off the event loop.
    pub async fn feed(
        self: Arc<Self>,
        feed: Feed,
        read: impl Fn(Bytes) -> Result<T, String> + Clone + Send + 'static,
        stop: CancellationToken,
    ) {
        let mut fetcher = Fetcher::new(feed.place.clone(), feed.bytes_max);
        let mut wait = Duration::ZERO;
        while timeout(wait, stop.cancelled()).await.is_err() {
            let outcome = match fetcher.fetch().await {
                Ok(None) => Ok(false),
                Ok(Some(bytes)) => self.read(bytes, read.clone()).await.map(|()| true),
                Err(error) => Err(error.to_string()),
            };
            if outcome.is_ok() {
                wait = feed.every;
            } else {
                fetcher.forget();
                wait = (wait.max(feed.every) * 2).min(BACKOFF_MAX.max(feed.every));
            }
            self.note(feed.name, outcome);
        }
    }

    /// Looks at a folder of CAP files until `stop`; each new or changed file is read once.
    pub async fn folder(
        self: Arc<Self>,
        name: &'static str,
        folder: PathBuf,
        every: Duration,
        read: impl Fn(Bytes) -> Result<T, String> + Clone + Send + 'static,
        stop: CancellationToken,
    ) {
        let mut seen: Vec<(PathBuf, SystemTime)> = Vec::new();
        let mut wait = Duration::ZERO;
        while timeout(wait, stop.cancelled()).await.is_err() {
            wait = every;
            let files = match list(&folder) {
                Ok(files) => files,
                Err(error) => {
                    self.note(name, Err(format!("{}: {error}", folder.display())));
                    continue;
                }
            };
            for file in files.iter().filter(|file| !seen.contains(file)) {
                let outcome = match bounded(&file.0, CAP_MAX) {
                    Ok(bytes) => self.read(bytes, read.clone()).await.map(|()| true),
                    Err(error) => Err(error.to_string()),
                };
                self.note(name, outcome.map_err(|error| format!("{}: {error}", file.0.display())));
            }
            seen = files;
        }
    }

    async fn read(
        &self,
        bytes: Bytes,
        read: impl Fn(Bytes) -> Result<T, String> + Send + 'static,
    ) -> Result<(), String> {
        let read = tokio::task::spawn_blocking(move || read(bytes)).await;
        let value = read.map_err(|error| format!("its parser gave up: {error}"))??;
        // An error only says that the platform is ending.
        let _ = self.heard.send(value).await;
        Ok(())
    }

    fn note(&self, name: &'static str, outcome: Result<bool, String>) {
        match &outcome {
            Ok(true) => drop(self.metrics.feed_fetches.get_or_create(&[("feed", name)]).inc()),
            Ok(false) => {}
            Err(error) => {
                warn!("{name}: {error}");
                self.metrics.feed_errors.get_or_create(&[("feed", name)]).inc();
            }
        }
        if self.journal.note(name, outcome, self.clock.now().wall) {
            self.press.tell(News::Feed(name));
        }
    }
}

/// CAP files and when each was last changed, by name.
fn list(folder: &std::path::Path) -> std::io::Result<Vec<(PathBuf, SystemTime)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)?.take(CAP_FILES_MAX) {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            files.push((path.clone(), path.metadata()?.modified()?));
        }
    }
    files.sort();
    Ok(files)
}
