//! Executes what came through outboxes, and forgets what nobody needs any more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{Services, Trouble, submissions};

/// Submissions that are read at a time.
const PAGE: u32 = 64;
/// Submissions that are executed at a time, so that a silent department holds up few others.
const AT_A_TIME: usize = 8;
/// Between two attempts at what failed.
const RETRY: Duration = Duration::from_secs(10);
/// What was answered is kept this long, for a terminal that never heard the answer.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// Between two looks at what is older.
const FORGET_EVERY: Duration = Duration::from_hours(6);

/// Runs until `stop`.
pub async fn run(services: Arc<Services>, stop: CancellationToken) {
    let owed = Arc::clone(&services.owed);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    loop {
        let waits = match work(&services).await {
            Ok(waits) => waits,
            Err(error) => {
                error!("submissions: {error}");
                true
            }
        };
        tokio::select! {
            () = owed.notified() => {}
            _ = timeout(RETRY, std::future::pending::<()>()), if waits => {}
            _ = forget.tick() => forget_old(&services).await,
            () = stop.cancelled() => return,
        }
    }
}

/// Executes everything that is owed; tells whether something must be tried again.
async fn work(services: &Services) -> Result<bool, Trouble> {
    loop {
        let page = submissions::owed(&services.store, PAGE).await?;
        let full = page.len() == PAGE as usize;
        let works = page.into_iter().map(async |(device, ask)| {
            let done = services.owed(&device, &ask, services.clock.now().wall).await;
            if let Err(error) = &done {
                warn!(%device, id = %ask.id, "submission waits: {error}");
            }
            done.is_ok()
        });
        let mut works = stream::iter(works).buffer_unordered(AT_A_TIME);
        let mut failed = false;
        while let Some(done) = works.next().await {
            failed |= !done;
        }
        if failed || !full {
            return Ok(failed);
        }
    }
}

async fn forget_old(services: &Services) {
    let now = services.clock.now().wall;
    let Ok(end) = now.checked_sub(KEPT) else { return };
    if let Err(error) = submissions::forget(&services.store, end).await {
        warn!("old submissions: {error}");
    }
}
