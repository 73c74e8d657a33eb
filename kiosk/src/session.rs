//! How long a citizen may take, and who is reminded of what, from the first touch to the wipe.
//!
//! Every step has a budget that starts anew with each touch; it is doubled in the access modes and
//! stands still while a machine makes her wait. Source of the ranges: VVSG 2.0 §7.2 (warning 20-45 s
//! before the end), and a clerk's patience.

use std::time::Duration;

use sync::Mono;

/// Quiet for so long, and she is asked whether she is still there.
const QUIET: Duration = Duration::from_mins(1);
/// So long the question stands before the session ends.
const WARNING: Duration = Duration::from_secs(30);
/// No session lasts longer, so that nobody holds the terminal for ever.
const LONGEST: Duration = Duration::from_mins(45);
/// Before the longest session ends she is told.
const LAST_CALL: Duration = Duration::from_mins(5);
/// While she waits for staff to walk over, quiet lasts so long.
const QUIET_FOR_STAFF: Duration = Duration::from_mins(3);
/// Staff may be quiet for five minutes, the question included.
const STAFF_QUIET: Duration = Duration::from_mins(5).saturating_sub(WARNING);
/// No session of staff lasts longer.
const STAFF_LONGEST: Duration = Duration::from_hours(1);

/// The time of one citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    began: Mono,
    touched: Mono,
    /// Set while a printer or a department makes her wait.
    held: bool,
    unhurried: bool,
    /// She was told that her time is nearly over.
    heard: bool,
    whose: Whose,
}

/// Whose time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Citizen,
    /// A citizen who waits for staff.
    Waiting,
    Staff,
}

/// What the time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// All is well; so much of the step's budget is left.
    Quiet { left: Duration, budget: Duration },
    /// "Are you still there?"
    Asking { left: Duration },
    /// The longest session ends soon, however busy she is.
    LastCall { left: Duration },
    /// Over: wipe.
    Over,
}

impl Session {
    /// Somebody is here.
    pub fn begin(now: Mono) -> Session {
        Session {
            began: now,
            touched: now,
            held: false,
            unhurried: false,
            heard: false,
            whose: Whose::Citizen,
        }
    }

    /// Somebody of the staff is here.
    pub fn of_staff(now: Mono) -> Session {
        Session { whose: Whose::Staff, ..Session::begin(now) }
    }

    /// Whether she waits for staff to come.
    pub fn set_waiting(&mut self, waiting: bool) {
        if self.whose != Whose::Staff {
            self.whose = if waiting { Whose::Waiting } else { Whose::Citizen };
        }
    }

    /// She did something.
    pub fn touch(&mut self, now: Mono) {
        self.heard |= matches!(self.patience(now), Patience::LastCall { .. });
        self.touched = now;
    }

    /// Whether she did something after the last call.
    pub fn has_heard(&self) -> bool {
        self.heard
    }

    /// Doubles the budgets, in any of the access modes.
    pub fn set_unhurried(&mut self, unhurried: bool) {
        self.unhurried = unhurried;
    }

    /// While held no budget runs; it starts anew when it is let go.
    pub fn set_held(&mut self, held: bool, now: Mono) {
        if self.held && !held {
            self.touched = now;
        }
        self.held = held;
    }

    /// The ladder: the end, the last call, the question, quiet.
    pub fn patience(&self, now: Mono) -> Patience {
        let age = now.since(self.began);
        let (quiet, warning) = self.budgets();
        let longest = self.longest();
        let idle = if self.held { Duration::ZERO } else { now.since(self.touched) };
        if age >= longest && !self.held || idle >= quiet + warning {
            Patience::Over
        } else if idle >= quiet {
            Patience::Asking { left: (quiet + warning).saturating_sub(idle) }
        } else if age >= longest.saturating_sub(LAST_CALL) {
            Patience::LastCall { left: longest.saturating_sub(age) }
        } else {
            Patience::Quiet { left: quiet.saturating_sub(idle), budget: quiet }
        }
    }

    /// When `patience` says something else, at the latest.
    pub fn next_deadline(&self, now: Mono) -> Mono {
        let (quiet, warning) = self.budgets();
        let idle = [self.touched + quiet, self.touched + quiet + warning];
        let longest = self.longest();
        let age = [self.began + longest.saturating_sub(LAST_CALL), self.began + longest];
        let idle = idle.into_iter().filter(|_| !self.held);
        idle.chain(age).filter(|at| *at > now).min().unwrap_or(Mono::NEVER)
    }

    fn budgets(&self) -> (Duration, Duration) {
        let factor = if self.unhurried { 2 } else { 1 };
        match self.whose {
            Whose::Citizen => (QUIET * factor, WARNING * factor),
            Whose::Waiting => (QUIET_FOR_STAFF, WARNING * factor),
            Whose::Staff => (STAFF_QUIET, WARNING),
        }
    }

    fn longest(&self) -> Duration {
        if self.whose == Whose::Staff { STAFF_LONGEST } else { LONGEST }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1000)
    }

    fn seconds(patience: Patience) -> (&'static str, u64) {
        match patience {
            Patience::Quiet { left, .. } => ("quiet", left.as_secs()),
            Patience::Asking { left } => ("asking", left.as_secs()),
            Patience::LastCall { left } => ("last call", left.as_secs()),
            Patience::Over => ("over", 0),
        }
    }

    #[test]
    fn after_a_minute_of_quiet_she_is_asked_and_half_a_minute_later_all_is_cleared() {
        let session = Session::begin(at(0));
        assert_eq!(seconds(session.patience(at(20))), ("quiet", 40));
        assert_eq!(seconds(session.patience(at(60))), ("asking", 30));
        assert_eq!(seconds(session.patience(at(85))), ("asking", 5));
        assert_eq!(seconds(session.patience(at(90))), ("over", 0));
    }

    #[test]
    fn a_touch_starts_the_budget_anew() {
        let mut session = Session::begin(at(0));
        session.touch(at(70));
        assert_eq!(seconds(session.patience(at(80))), ("quiet", 50));
    }

    #[test]
    fn who_reads_large_letters_or_listens_has_twice_the_time() {
        let mut session = Session::begin(at(0));
        session.set_unhurried(true);
        assert_eq!(seconds(session.patience(at(100))), ("quiet", 20));
        assert_eq!(seconds(session.patience(at(130))), ("asking", 50));
        assert_eq!(seconds(session.patience(at(180))), ("over", 0));
    }

    #[test]
    fn nobody_is_hurried_while_the_printer_works() {
        let mut session = Session::begin(at(0));
        session.set_held(true, at(10));
        assert_eq!(seconds(session.patience(at(300))), ("quiet", 60));
        session.set_held(false, at(300));
        assert_eq!(seconds(session.patience(at(310))), ("quiet", 50));
    }

    #[test]
    fn the_longest_session_ends_after_a_last_call_but_not_in_mid_print() {
        let mut session = Session::begin(at(0));
        session.touch(at(41 * 60));
        assert_eq!(seconds(session.patience(at(41 * 60))), ("last call", 240));
        session.touch(at(45 * 60));
        assert_eq!(seconds(session.patience(at(45 * 60))), ("over", 0));
        session.set_held(true, at(45 * 60));
        assert_eq!(seconds(session.patience(at(45 * 60))), ("last call", 0));
    }

    #[test]
    fn staff_may_be_quiet_for_five_minutes_and_stay_for_an_hour() {
        let mut session = Session::of_staff(at(0));
        assert_eq!(seconds(session.patience(at(269))), ("quiet", 1));
        assert_eq!(seconds(session.patience(at(299))), ("asking", 1));
        assert_eq!(seconds(session.patience(at(300))), ("over", 0));
        session.touch(at(3599));
        assert_eq!(seconds(session.patience(at(3600))), ("over", 0));
    }

    #[test]
    fn who_waits_for_staff_is_not_sent_away_meanwhile() {
        let mut session = Session::begin(at(0));
        session.set_waiting(true);
        assert_eq!(seconds(session.patience(at(170))), ("quiet", 10));
        session.set_waiting(false);
        assert_eq!(seconds(session.patience(at(170))), ("over", 0));
    }

    proptest! {
        #[test]
        fn what_the_time_says_changes_only_at_the_deadline_it_names(
            touches in prop::collection::vec((1_u64..120, any::<bool>(), any::<bool>()), 1..40),
        ) {
            let mut session = Session::begin(at(0));
            let mut now = 0;
            for (pause, unhurried, held) in touches {
                now += pause;
                session.set_unhurried(unhurried);
                session.set_held(held, at(now));
                session.touch(at(now));
                let deadline = session.next_deadline(at(now));
                let before = seconds(session.patience(at(now))).0;
                if deadline != Mono::NEVER {
                    prop_assert!(deadline > at(now));
                    let last = Mono(deadline.0 - 1);
                    prop_assert_eq!(seconds(session.patience(last)).0, before);
                }
            }
        }
    }
}
