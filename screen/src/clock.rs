//! The monotonic time that animations, timers and scanners go by.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Where time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine.
    System,
    /// Whoever holds the other end: tests advance it.
    Manual(Rc<Cell<Duration>>),
}

impl Clock {
    /// Since some moment at the start of the program.
    #[expect(clippy::disallowed_methods, reason = "this is the one clock of the shell")]
    pub fn now(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match self {
            Clock::System => START.elapsed(),
            Clock::Manual(time) => time.get(),
        }
    }
}
