//! A code scanner that types, "keyboard wedge": characters of a US keyboard, then Enter.
//!
//! What it types is one code and never goes into a field. A code must come without pauses, so the
//! rest of a code whose end was lost does not stick to the front of the next one.

use std::time::Duration;

use super::keys::{Shift, character, pressed};
use super::record::Record;

/// Longest code, more than a version 40 QR code of digits; a longer one is dropped whole.
pub const CODE_MAX: usize = 8192;

/// Longest pause inside a code. The slowest scanners at 9600 baud type a character in 20 ms.
pub const PAUSE_MAX: Duration = Duration::from_millis(500);

const ENTER: u16 = 28;
const KEYPAD_ENTER: u16 = 96;
const TAB: u16 = 15;

/// Collects one code.
#[derive(Debug, Clone, Default)]
pub struct Scanner {
    code: String,
    overlong: bool,
    shift: Shift,
    last: Duration,
}

impl Scanner {
    /// Takes one record, heard at `now`; gives the code that it ends.
    pub fn handle(&mut self, now: Duration, record: Record) -> Option<String> {
        let down = pressed(record)?;
        self.shift.follow(record.code, down);
        if !down {
            return None;
        }
        if now.saturating_sub(self.last) > PAUSE_MAX {
            self.clear();
        }
        self.last = now;
        if matches!(record.code, ENTER | KEYPAD_ENTER | TAB) {
            let whole = !self.overlong && !self.code.is_empty();
            let code = std::mem::take(&mut self.code);
            self.clear();
            return whole.then_some(code);
        }
        if let Some(character) = character(record.code, self.shift.held()) {
            self.overlong |= self.code.len() >= CODE_MAX;
            if !self.overlong {
                self.code.push(character);
            }
        }
        None
    }

    fn clear(&mut self) {
        self.code.clear();
        self.overlong = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::EV_KEY;
    use super::*;

    /// Types `keys` 10 ms apart, from `start_ms` on.
    fn scan(scanner: &mut Scanner, start_ms: u64, keys: &[u16]) -> Option<String> {
        let mut code = None;
        for (at, key) in (start_ms..).step_by(10).zip(keys) {
            let now = Duration::from_millis(at);
            code = code.or(scanner.handle(now, Record::new(EV_KEY, *key, 1)));
            assert_eq!(scanner.handle(now, Record::new(EV_KEY, *key, 0)), None);
        }
        code
    }

    #[test]
    fn a_code_ends_with_enter() {
        let mut scanner = Scanner::default();
        assert_eq!(scan(&mut scanner, 0, &[4, 6, 2, 28]), Some("351".into()));
        assert_eq!(scan(&mut scanner, 100, &[28]), None, "no code, no event");
    }

    #[test]
    fn half_a_code_does_not_stick_to_the_next() {
        let mut scanner = Scanner::default();
        assert_eq!(scan(&mut scanner, 0, &[4, 6]), None);
        assert_eq!(scan(&mut scanner, 2000, &[2, 28]), Some("1".into()));
    }

    #[test]
    fn an_overlong_code_is_dropped_whole() {
        let mut scanner = Scanner::default();
        let keys: Vec<u16> = std::iter::repeat_n(2, CODE_MAX + 1).chain([28]).collect();
        assert_eq!(scan(&mut scanner, 0, &keys), None);
        assert_eq!(scan(&mut scanner, 90_000, &[2, 28]), Some("1".into()));
    }
}
