//! From a changed feed to changed pixels, with the real platform, its broker and a real sign on one machine.
//!
//! The clock starts when the platform has been handed the changed feed, so its poll is not in the figure.
//! `make bench` builds the binaries first; they are those of this bench's own profile.

#[path = "pixels/city.rs"]
mod city;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use city::City;
use drivers::surface::memory;
use tokio::time::timeout;

const CHANGES: usize = 100;
const P95_GOAL_MS: u128 = 250;
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// A change that has not reached the glass by then never will.
const PATIENCE: Duration = Duration::from_mins(1);
/// The bus is so far away, in turn; both are shown in minutes that don't turn over soon.
const AWAY_S: [i64; 2] = [4 * 60 + 45, 9 * 60 + 45];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut city = City::start().await?;
    // Enrolment and the first board are not what is measured.
    city.serve(AWAY_S[0]);
    await_change(&city.panel, None).await.context("the sign shows its first board")?;
    let mut times = Vec::with_capacity(CHANGES);
    for change in 1..=CHANGES {
        let before = picture(&city.panel);
        city.serve(AWAY_S[change % AWAY_S.len()]);
        let at = timeout(PATIENCE, city.served.recv()).await?.context("the platform polls")?;
        await_change(&city.panel, before).await.with_context(|| format!("change {change}"))?;
        times.push(at.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_millis();
    println!(
        "pixels: feed change to sign pixels: p50 {} ms, p95 {} ms, max {} ms; goal p95 {P95_GOAL_MS} ms",
        at(50),
        at(95),
        at(100)
    );
    Ok(())
}

fn picture(panel: &Path) -> Option<Vec<u8>> {
    memory::read(panel).ok().map(|panel| panel.frame.pixels().to_vec())
}

/// Until another picture than `before` stands on the glass.
async fn await_change(panel: &Path, before: Option<Vec<u8>>) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    let changed = async {
        loop {
            look.tick().await;
            let picture = picture(panel);
            if picture.is_some() && picture != before {
                return;
            }
        }
    };
    timeout(PATIENCE, changed).await.context("the picture stays the same")
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}
