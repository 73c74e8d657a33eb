//! How each feed fared: what console and health show.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Place;

/// How one feed fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Entry {
    /// Its name, such as `trip_updates`.
    pub feed: &'static str,
    /// File or address, without what could be a key.
    pub place: String,
    /// When it was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub looked_at: Option<Timestamp>,
    /// When a look last went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub good_at: Option<Timestamp>,
    /// When it last brought something new.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub new_at: Option<Timestamp>,
    /// Why the last look failed; absent when it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Looks that failed since the platform started.
    pub errors: u64,
}

/// All feeds, by name.
#[derive(Debug, Default)]
pub struct Journal(Mutex<BTreeMap<&'static str, Entry>>);

impl Journal {
    /// Opens the page of a feed.
    pub fn open(&self, feed: &'static str, place: &Place) {
        let place = match place {
            Place::File(path) => path.display().to_string(),
            Place::Url(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        };
        let (looked_at, good_at, new_at) = (None, None, None);
        let entry = Entry { feed, place, looked_at, good_at, new_at, error: None, errors: 0 };
        self.lock().insert(feed, entry);
    }

    /// Writes down a look: whether it brought something new, or why it failed. Tells whether that is worth showing.
    pub fn note(&self, feed: &str, outcome: Result<bool, String>, now: Timestamp) -> bool {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(feed) else { return false };
        entry.looked_at = Some(now);
        match outcome {
            Ok(new) => {
                entry.good_at = Some(now);
                if new {
                    entry.new_at = Some(now);
                }
                entry.error.take().is_some() || new
            }
            Err(error) => {
                entry.errors += 1;
                entry.error = Some(error);
                true
            }
        }
    }

    /// All feeds, by name.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Entry>> {
        // Every change is one assignment after the other; a poisoned journal is still readable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
