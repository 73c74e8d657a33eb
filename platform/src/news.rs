//! That something changed, for whoever watches; what it is now, they read where it stands.

use serde::Serialize;
use sync::{DeviceId, StopId};
use tokio::sync::broadcast;

/// News kept for a slow reader; one that falls further behind is told to read everything again.
const NEWS_MAX: usize = 4096;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", content = "id", rename_all = "snake_case")]
pub enum News {
    /// A device said something new about itself.
    Device(DeviceId),
    /// A stop has a new board.
    Board(StopId),
    /// Other alerts are in force.
    Alerts,
    /// A feed was fetched, or could not be.
    Feed(&'static str),
}

/// Where news is told and heard. Telling never waits.
#[derive(Debug, Clone)]
pub struct Press(broadcast::Sender<News>);

impl Default for Press {
    fn default() -> Self {
        Self(broadcast::channel(NEWS_MAX).0)
    }
}

impl Press {
    /// Tells everyone who listens.
    pub fn tell(&self, news: News) {
        // An error only says that nobody listens.
        let _ = self.0.send(news);
    }

    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.0.subscribe()
    }
}
