//! Executes what came through outboxes, and forgets what nobody needs any more.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{Services, Trouble, submissions};

/// Submissions that are read at a time.
const PAGE: u32 = 64;
/// Between two attempts at what failed.
const RETRY: Duration = Duration::from_secs(10);
/// What was asked and answered is kept this long, for a terminal that never heard the answer.
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
            () = tokio::time::sleep(RETRY), if waits => {}
            _ = forget.tick() => forget_old(&services).await,
            () = stop.cancelled() => return,
        }
    }
}

/// Executes everything that is owed; tells whether something must be tried again.
async fn work(services: &Services) -> Result<bool, Trouble> {
    loop {
        let page = submissions::owed(&services.store, PAGE).await?;
        let mut failed = 0;
        for (device, ask) in &page {
            let now = services.clock.now().wall;
            if let Err(error) = services.owed(device, ask, now).await {
                warn!(%device, id = %ask.id, "submission waits: {error}");
                failed += 1;
            }
        }
        if failed > 0 || page.len() < PAGE as usize {
            return Ok(failed > 0);
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
