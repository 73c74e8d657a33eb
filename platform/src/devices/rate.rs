//! How fast a device may ask: a bucket that fills again.

use std::collections::HashMap;
use std::time::Duration;

use sync::{DeviceId, Mono};

/// Asks at once, and asks a minute after that. A citizen needs a few a minute.
const BURST: u64 = 60;
const PER_MINUTE: u64 = 120;
/// Buckets that are kept; beyond it the full ones go, which are as good as new.
const BUCKETS_MAX: usize = 10_000;

/// One bucket per device; filled in thousandths of an ask.
#[derive(Debug, Default)]
pub struct Rates {
    buckets: HashMap<DeviceId, (u64, Mono)>,
}

impl Rates {
    /// Whether a device may ask now; if so, it has.
    pub fn may_ask(&mut self, device: &DeviceId, now: Mono) -> bool {
        if self.buckets.len() >= BUCKETS_MAX {
            self.buckets.retain(|_, (filled, at)| level(*filled, now.since(*at)) < BURST * 1000);
        }
        let (filled, at) = self.buckets.entry(device.clone()).or_insert((BURST * 1000, now));
        let there = level(*filled, now.since(*at));
        let may = there >= 1000;
        (*filled, *at) = (if may { there - 1000 } else { there }, now);
        may
    }
}

fn level(filled: u64, after: Duration) -> u64 {
    let more = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).saturating_mul(PER_MINUTE) / 60;
    filled.saturating_add(more).min(BURST * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_fast_waits_and_nobody_else_does() {
        let (fast, other) = ("terminal-1".parse().unwrap(), "terminal-2".parse().unwrap());
        let mut rates = Rates::default();
        let now = Mono(1000);
        assert!((0..BURST).all(|_| rates.may_ask(&fast, now)));
        assert!(!rates.may_ask(&fast, now));
        assert!(rates.may_ask(&other, now));
        assert!(!rates.may_ask(&fast, now + Duration::from_millis(400)));
        assert!(rates.may_ask(&fast, now + Duration::from_millis(600)));
    }
}
