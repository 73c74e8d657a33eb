//! What a device shall have: timetables, sounds, forms. One signed manifest, and blobs named by their hash.
//!
//! A **manifest** lists paths, each with the hash and size of its bytes. It is signed by the platform, its version only
//! grows, and it stands retained on [`Topic::Content`](crate::Topic::Content). **Blobs** come over HTTP, from where
//! the last cut left off, and count once their hash is right. When all are there, the device switches from one
//! manifest to the next in one rename; the previous one is kept. Paths are names, not files: on disk there are
//! hashes only.
//!
//! ```no_run
//! # async fn sign(state: &std::path::Path, identity: &sync::identity::Identity, clock: &sync::Clock)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use sync::content::{Content, News, timetable_path};
//! # let payload = b"";
//! let mut content = Content::open(state, identity, 64 << 20)?;
//! content.tick(clock.now())?;              // goes on with what a power cut interrupted
//!
//! // In the shell's loop, each in its own arm:
//! content.offer(clock.now(), payload)?;    // on `Topic::Content`
//! let fetched = content.next().await;      // cancel safe; pends while nothing is under way
//! if let Some(News::Switched { version }) = content.handle(clock.now(), fetched)? {
//!     println!("content {version} is in force: read what you need anew");
//! }
//! content.tick(clock.now())?;              // at `content.next_deadline()`
//!
//! // At any time, with or without a link; `None` where the manifest in force has no such path.
//! let timetable: Option<Vec<u8>> = content.read(clock.now(), &timetable_path(&"S1".into()))?;
//! # Ok(()) }
//! ```
//!
//! Files below `state/content/`: `manifests.json`, `blobs/HASH`, `parts/HASH`. All of it can be deleted; the device
//! then starts from the retained manifest.

mod fetch;
mod manifest;
mod plan;
mod store;

use std::path::Path;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::identity::Identity;
use crate::moment::{Moment, Mono};
use crate::name::{DeviceId, StopId};
use crate::topic::Segment;

pub use fetch::Failure;
use fetch::Fetcher;
pub use manifest::{
    BLOB_MAX, BlobId, ITEMS_MAX, Item, Manifest, ManifestError, Signed, check_path,
};
pub use plan::{Effect, Event, Plan, Want};
pub use store::{ContentError, Store};

/// Path of the timetable extract of a stop.
pub fn timetable_path(stop: &StopId) -> String {
    format!("timetable/{}.json", Segment(&stop.0))
}

/// A download that ended, for [`Content::handle`].
#[derive(Debug)]
pub struct Fetched {
    blob: BlobId,
    result: Result<(), Failure>,
}

/// What an owner may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Another manifest is in force.
    Switched {
        /// Its version.
        version: u64,
    },
    /// A download failed; it is tried again by itself.
    Trouble(Failure),
}

/// Shell: the content of one device, with at most one download under way.
#[derive(Debug)]
pub struct Content {
    store: Store,
    plan: Plan,
    fetcher: Fetcher,
    running: Option<JoinHandle<()>>,
    ended: (mpsc::Sender<Fetched>, mpsc::Receiver<Fetched>),
}

impl Content {
    /// Opens what is on disk below `state`. A manifest of more than `quota` bytes is refused; while one follows
    /// another, up to three of them share the disk.
    pub fn open(state: &Path, identity: &Identity, quota: u64) -> Result<Self, ContentError> {
        let store =
            Store::open(&state.join("content"), &identity.device, &identity.content_key, quota)?;
        let fetcher = Fetcher::new(&identity.content, identity.pin, store.folder());
        Ok(Self::over(store, fetcher, &identity.device))
    }

    fn over(store: Store, fetcher: Fetcher, device: &DeviceId) -> Self {
        let plan = Plan::new(device, store.missing());
        Self { store, plan, fetcher, running: None, ended: mpsc::channel(1) }
    }

    /// Takes a payload of [`Topic::Content`](crate::Topic::Content). A refused manifest changes nothing.
    pub fn offer(&mut self, now: Moment, payload: &[u8]) -> Result<Option<News>, ContentError> {
        if !self.store.offer(payload, now.trusted_wall())? {
            return Ok(None);
        }
        let wanted = Event::Wanted(self.store.missing());
        self.perform(now, wanted)
    }

    /// The next download that ended. Cancel safe; pends for ever while none is under way.
    pub async fn next(&mut self) -> Fetched {
        self.ended.1.recv().await.expect("this struct holds a sender too")
    }

    /// Goes on after a download ended.
    pub fn handle(&mut self, now: Moment, fetched: Fetched) -> Result<Option<News>, ContentError> {
        match fetched.result {
            Ok(()) => self.perform(now, Event::Arrived(fetched.blob)),
            Err(failure) => {
                tracing::warn!(blob = %fetched.blob, %failure, "content: download failed");
                let news = self.perform(now, Event::Failed(fetched.blob, failure.clone()))?;
                Ok(news.or(Some(News::Trouble(failure))))
            }
        }
    }

    /// Tries again what is due; wanted at [`next_deadline`](Self::next_deadline).
    pub fn tick(&mut self, now: Moment) -> Result<Option<News>, ContentError> {
        self.perform(now, Event::Tick)
    }

    /// When [`tick`](Self::tick) is wanted at the latest.
    pub fn next_deadline(&self) -> Mono {
        self.plan.next_deadline()
    }

    /// The manifest in force.
    pub fn active(&self) -> Option<&Manifest> {
        self.store.active()
    }

    /// The bytes of `path` in the manifest in force, verified. Bytes that rotted on disk are an error once, and are
    /// fetched again.
    pub fn read(&mut self, now: Moment, path: &str) -> Result<Option<Vec<u8>>, ContentError> {
        let read = self.store.read(path);
        if let Err(ContentError::Rotten { .. }) = &read {
            self.perform(now, Event::Wanted(self.store.missing()))?;
        }
        read
    }

    /// Goes back to the manifest before this one, whose version stays the highest seen. `None` where there is none.
    pub fn roll_back(&mut self) -> Result<Option<u64>, ContentError> {
        self.store.roll_back()
    }

    fn perform(&mut self, now: Moment, event: Event) -> Result<Option<News>, ContentError> {
        let mut news = None;
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in self.plan.handle(now.mono, event) {
                match effect {
                    Effect::Fetch(want) => self.fetch(now, want),
                    Effect::Stop => self.stop(),
                    Effect::MakeRoom => self.store.make_room()?,
                    Effect::Activate => match self.store.activate() {
                        Ok(version) => {
                            news = version.map(|version| News::Switched { version });
                            events.push(Event::Activated);
                        }
                        // The manifest in force stays so until there is room for the next.
                        Err(error) => {
                            tracing::warn!(%error, "content: can't switch");
                            events.push(Event::Stuck);
                        }
                    },
                }
            }
        }
        Ok(news)
    }

    fn fetch(&mut self, now: Moment, want: Want) {
        let work = self.fetcher.fetch(now, want);
        let ended = self.ended.0.clone();
        self.running = Some(tokio::spawn(async move {
            let result = work.await;
            // Only a dropped owner does not listen.
            let _ = ended.send(Fetched { blob: want.blob, result }).await;
        }));
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
