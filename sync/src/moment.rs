//! Time as an argument: monotonic time for deadlines, wall time for what people read.

use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::Timestamp;

/// Monotonic milliseconds since an arbitrary start of this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(pub u64);

impl Mono {
    /// A deadline that is never reached.
    pub const NEVER: Mono = Mono(u64::MAX);

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;
    fn add(self, by: Duration) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Mono {
    type Output = Mono;
    fn sub(self, by: Duration) -> Mono {
        Mono(self.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// One reading of a device's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// For deadlines and durations.
    pub mono: Mono,
    /// What the wall clock says, right or wrong.
    pub wall: Timestamp,
    /// Estimated error of `wall` in milliseconds; `None` while nobody vouches for it.
    pub clock_error_ms: Option<u32>,
}

impl Moment {
    /// Wall time, where it may be shown to people.
    pub fn trusted_wall(&self) -> Option<Timestamp> {
        self.clock_error_ms.map(|_| self.wall)
    }
}

/// Where a shell gets its [`Moment`]s from. Cores never see one.
#[derive(Debug, Clone)]
pub struct Clock {
    start: std::time::Instant,
    /// Wall time before which the clock is certainly wrong (the build time of the software).
    floor: Timestamp,
    /// Set by whoever knows: a time service, or the platform's time message.
    error_ms: Option<u32>,
}

/// Error claimed for a wall clock that the kernel reports as synchronised, in milliseconds.
const SYNCHRONISED_ERROR_MS: u32 = 500;

impl Clock {
    /// A clock that is trusted from `floor` on.
    pub fn new(floor: Timestamp) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the shell's clock")]
        let start = std::time::Instant::now();
        Self { start, floor, error_ms: Some(SYNCHRONISED_ERROR_MS) }
    }

    /// Takes over a judgement of the wall clock's error; `None` withdraws trust.
    pub fn set_error_ms(&mut self, error_ms: Option<u32>) {
        self.error_ms = error_ms;
    }

    /// Reads both clocks.
    pub fn now(&self) -> Moment {
        #[expect(clippy::disallowed_methods, reason = "this is the shell's clock")]
        let (mono, wall) = (self.start.elapsed(), Timestamp::now());
        let mono = Mono(u64::try_from(mono.as_millis()).unwrap_or(u64::MAX));
        let clock_error_ms = self.error_ms.filter(|_| wall >= self.floor);
        Moment { mono, wall, clock_error_ms }
    }
}
