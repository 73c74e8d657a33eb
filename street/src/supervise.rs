//! The life of one supervised process: a core. The street's shell starts and kills what it decides.

use std::time::Duration;

use sync::moment::Mono;

/// First wait before a process that died is started again; doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(16);
/// A process that lived this long has proved itself.
const SETTLED: Duration = Duration::from_secs(30);

/// What can happen to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Its power comes back.
    PowerOn,
    /// Its power goes, without a word of warning.
    PowerOff,
    /// It shall die, and come back as its machine would restart it.
    Kill,
    /// The process with this number is gone.
    Exited {
        /// Number that [`Effect::Start`] gave.
        number: u64,
    },
    /// A deadline has come.
    Tick,
}

/// What the shell must do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Start the process and remember its number.
    Start {
        /// Tells this process from earlier ones.
        number: u64,
    },
    /// `kill -9` the process and all that it started.
    Kill,
}

/// Where a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// No power.
    Off,
    /// It runs.
    Running,
    /// It died and will be started again.
    Waiting,
}

/// One supervised process.
#[derive(Debug)]
pub struct Supervision {
    stage: Stage,
    number: u64,
    since: Mono,
    failures: u32,
}

impl Default for Supervision {
    fn default() -> Self {
        Self { stage: Stage::Off, number: 0, since: Mono(0), failures: 0 }
    }
}

impl Supervision {
    /// Takes `event` at `now`.
    pub fn handle(&mut self, now: Mono, event: Event) -> Vec<Effect> {
        match (self.stage, event) {
            (Stage::Off, Event::PowerOn) => {
                self.failures = 0;
                self.start(now)
            }
            (Stage::Running, Event::PowerOff) => {
                self.stage = Stage::Off;
                vec![Effect::Kill]
            }
            (Stage::Waiting, Event::PowerOff) => {
                self.stage = Stage::Off;
                vec![]
            }
            (Stage::Running, Event::Kill) => vec![Effect::Kill],
            (Stage::Running, Event::Exited { number }) if number == self.number => {
                let settled = now.since(self.since) >= SETTLED;
                self.failures = if settled { 0 } else { self.failures + 1 };
                (self.stage, self.since) = (Stage::Waiting, now);
                // Whatever it had started must not meet its successor.
                vec![Effect::Kill]
            }
            (Stage::Waiting, Event::Tick) if now >= self.next_deadline() => self.start(now),
            _ => vec![],
        }
    }

    /// When `handle` wants a [`Event::Tick`] at the latest.
    pub fn next_deadline(&self) -> Mono {
        match self.stage {
            Stage::Waiting => {
                let doublings = self.failures.saturating_sub(1).min(8);
                self.since + (BACKOFF_MIN * 2_u32.pow(doublings)).min(BACKOFF_MAX)
            }
            Stage::Off | Stage::Running => Mono::NEVER,
        }
    }

    /// Where it stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    fn start(&mut self, now: Mono) -> Vec<Effect> {
        self.number += 1;
        (self.stage, self.since) = (Stage::Running, now);
        vec![Effect::Start { number: self.number }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1000;

    #[test]
    fn a_process_that_dies_is_started_again_and_waits_longer_each_time() {
        let mut life = Supervision::default();
        assert_eq!(life.handle(Mono(0), Event::PowerOn), [Effect::Start { number: 1 }]);
        let mut now = 0;
        for (number, wait_s) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 16)] {
            life.handle(Mono(now), Event::Exited { number });
            assert_eq!(life.next_deadline(), Mono(now + wait_s * SECOND));
            assert_eq!(life.handle(Mono(now), Event::Tick), []);
            now += wait_s * SECOND;
            assert_eq!(life.handle(Mono(now), Event::Tick), [Effect::Start { number: number + 1 }]);
        }
        now += 30 * SECOND;
        life.handle(Mono(now), Event::Exited { number: 7 });
        assert_eq!(life.next_deadline(), Mono(now + SECOND), "it had proved itself");
    }

    #[test]
    fn without_power_it_stays_off_until_the_power_is_back() {
        let mut life = Supervision::default();
        life.handle(Mono(0), Event::PowerOn);
        assert_eq!(life.handle(Mono(1), Event::PowerOff), [Effect::Kill]);
        assert_eq!(life.handle(Mono(2), Event::PowerOn), [Effect::Start { number: 2 }]);
        assert_eq!(
            life.handle(Mono(3), Event::Exited { number: 1 }),
            [],
            "an old death is no news"
        );
        assert_eq!(life.stage(), Stage::Running);
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::PowerOn),
            Just(Event::PowerOff),
            Just(Event::Kill),
            (0..6_u64).prop_map(|number| Event::Exited { number }),
            Just(Event::Tick),
        ]
    }

    proptest! {
        /// The shell's view: at most one process, none without power, no start that was not preceded by an end.
        #[test]
        fn there_is_never_more_than_one_process(events in prop::collection::vec((0..20_000_u64, event()), 1..60)) {
            let mut life = Supervision::default();
            let (mut now, mut alive) = (0, None);
            for (pause, event) in events {
                now += pause;
                if let Event::Exited { number } = event && alive == Some(number) {
                    alive = None;
                }
                for effect in life.handle(Mono(now), event) {
                    match effect {
                        Effect::Start { number } => {
                            prop_assert_eq!(alive, None);
                            alive = Some(number);
                        }
                        Effect::Kill if event == Event::PowerOff => alive = None,
                        Effect::Kill => {}
                    }
                }
                prop_assert_eq!(alive.is_some(), life.stage() == Stage::Running);
                prop_assert_eq!(life.next_deadline() < Mono::NEVER, life.stage() == Stage::Waiting);
            }
        }
    }
}
