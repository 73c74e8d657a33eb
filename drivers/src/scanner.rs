//! Scanner of bar and QR codes on a serial line or as a USB serial device (GM65, Honeywell, Newland).
//!
//! A code is a line that ends with CR, LF or a tab. A code without its end is never delivered.

use std::collections::VecDeque;
use std::time::Duration;

use encoding_rs::GB18030;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep_until};

use crate::health::Health;
use crate::line::{Address, Line};

/// Speed that scanners leave the factory with.
const BAUD: u32 = 9600;
/// Longest code, in bytes; a QR code holds 2,953.
pub const CODE_MAX: usize = 2048;
/// Silence after which what came of a code is forgotten.
const GAP: Duration = Duration::from_millis(500);
/// A code held in front of the glass is read many times, and counts once.
const REPEAT: Duration = Duration::from_secs(2);
/// Pause before a lost line is opened again.
const REOPEN_PERIOD: Duration = Duration::from_secs(1);
/// Most bytes taken from the line at once.
const CHUNK: usize = 512;

/// What a scanner tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is there, or no longer is.
    Health(Health),
    /// A code was read.
    Code(String),
    /// A code was read that can't be text, or is too long.
    Unreadable,
}

/// Cuts what comes into codes. Time is a duration since the scanner was first used.
#[derive(Debug, Default)]
pub struct Codes {
    line: Vec<u8>,
    /// The line was longer than a code may be; its end is awaited.
    overlong: bool,
    heard_at: Duration,
    last: Option<(String, Duration)>,
}

/// A scanner; it may come and go.
#[derive(Debug)]
pub struct Scanner {
    address: Address,
    line: Option<Line>,
    codes: Codes,
    health: Health,
    start: Instant,
    reopen_at: Duration,
    told: VecDeque<Event>,
}

impl Codes {
    /// What `bytes` complete.
    pub fn hear(&mut self, now: Duration, bytes: &[u8]) -> Vec<Event> {
        if now.saturating_sub(self.heard_at) > GAP {
            self.forget();
        }
        self.heard_at = now;
        let mut events = Vec::new();
        for byte in bytes {
            if matches!(byte, b'\r' | b'\n' | b'\t') {
                events.extend(self.end(now));
            } else if self.line.len() < CODE_MAX {
                self.line.push(*byte);
            } else {
                self.overlong = true;
            }
        }
        events
    }

    /// Drops an unfinished code.
    pub fn forget(&mut self) {
        self.line.clear();
        self.overlong = false;
    }

    fn end(&mut self, now: Duration) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let overlong = std::mem::take(&mut self.overlong);
        // CR and LF together end one line.
        if line.is_empty() {
            return None;
        }
        let Some(text) = (!overlong).then(|| parse(&line)).flatten() else {
            return Some(Event::Unreadable);
        };
        let again = self
            .last
            .as_ref()
            .is_some_and(|(last, at)| *last == text && now.saturating_sub(*at) < REPEAT);
        self.last = Some((text.clone(), now));
        (!again).then_some(Event::Code(text))
    }
}

/// The one parser of codes: UTF-8, else GB 18030; without control characters.
pub fn parse(line: &[u8]) -> Option<String> {
    let text = match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) => GB18030.decode_without_bom_handling_and_without_replacement(line)?.into_owned(),
    };
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

impl Scanner {
    /// The scanner at `address`. It need not be there yet.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            line: None,
            codes: Codes::default(),
            health: Health::Unknown,
            start: now(),
            reopen_at: Duration::ZERO,
            told: VecDeque::new(),
        }
    }

    /// Whether it is there. A scanner says nothing by itself, so an open line is all that is known.
    pub fn health(&self) -> Health {
        self.health
    }

    /// What happens next. Cancel safe.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.told.pop_front() {
                return event;
            }
            self.turn().await;
        }
    }

    async fn turn(&mut self) {
        let Some(line) = &mut self.line else {
            sleep_until(self.start + self.reopen_at).await;
            self.line = Line::open(&self.address, BAUD).await.ok();
            self.reopen_at = self.start.elapsed() + REOPEN_PERIOD;
            let health = if self.line.is_some() { Health::Ok } else { Health::Lost };
            return self.become_health(health);
        };
        let mut bytes = [0; CHUNK];
        if let Ok(count @ 1..) = line.read(&mut bytes).await {
            self.told.extend(self.codes.hear(self.start.elapsed(), &bytes[..count]));
        } else {
            self.line = None;
            self.codes.forget();
            self.reopen_at = self.start.elapsed() + REOPEN_PERIOD;
            self.become_health(Health::Lost);
        }
    }

    fn become_health(&mut self, health: Health) {
        if std::mem::replace(&mut self.health, health) != health {
            self.told.push_back(Event::Health(health));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the scanner is hardware and waits in real time")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> Event {
        Event::Code(text.to_owned())
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn any_line_end_ends_a_code() {
        for end in ["\r", "\n", "\r\n", "\t"] {
            let mut codes = Codes::default();
            assert_eq!(codes.hear(at(0), format!("A1{end}").as_bytes()), [code("A1")]);
            assert_eq!(codes.hear(at(9), format!("B2{end}").as_bytes()), [code("B2")]);
        }
    }

    #[test]
    fn chinese_comes_in_either_encoding() {
        assert_eq!(parse("鼓楼区".as_bytes()), Some("鼓楼区".to_owned()));
        assert_eq!(parse(b"\xB9\xC4\xC2\xA5\xC7\xF8"), Some("鼓楼区".to_owned()));
        assert_eq!(parse(b"\xFF\xFF"), None);
        assert_eq!(parse(b"A\x1BB"), None);
    }

    #[test]
    fn a_code_held_in_front_of_the_glass_counts_once() {
        let mut codes = Codes::default();
        assert_eq!(codes.hear(at(0), b"A1\r"), [code("A1")]);
        assert_eq!(codes.hear(at(1900), b"A1\r"), []);
        assert_eq!(codes.hear(at(3800), b"A1\r"), [], "it never left the glass");
        assert_eq!(codes.hear(at(5900), b"A1\r"), [code("A1")]);
    }

    #[test]
    fn half_a_code_is_never_delivered() {
        let mut codes = Codes::default();
        assert_eq!(codes.hear(at(0), b"3501"), []);
        assert_eq!(codes.hear(at(100), b"02\r"), [code("350102")]);
        assert_eq!(codes.hear(at(200), b"half"), []);
        assert_eq!(codes.hear(at(5000), b"whole\r"), [code("whole")]);
    }

    #[test]
    fn an_overlong_code_is_unreadable_and_the_next_is_read() {
        let mut codes = Codes::default();
        let mut long = vec![b'x'; CODE_MAX + 1];
        assert_eq!(codes.hear(at(0), &long), []);
        assert_eq!(codes.hear(at(1), b"\rA1\r"), [Event::Unreadable, code("A1")]);
        long.truncate(CODE_MAX);
        long.push(b'\n');
        assert!(matches!(&codes.hear(at(2), &long)[..], [Event::Code(_)]));
    }

    proptest! {
        #[test]
        fn whatever_comes_stays_bounded(pieces in proptest::collection::vec(
            (0u64..1000, proptest::collection::vec(any::<u8>(), 0..600)), 0..30,
        )) {
            let (mut codes, mut now) = (Codes::default(), Duration::ZERO);
            for (pause, bytes) in pieces {
                now += at(pause);
                for event in codes.hear(now, &bytes) {
                    if let Event::Code(text) = event {
                        prop_assert!(!text.is_empty() && !text.chars().any(char::is_control));
                    }
                }
                prop_assert!(codes.line.len() <= CODE_MAX);
            }
        }
    }
}
