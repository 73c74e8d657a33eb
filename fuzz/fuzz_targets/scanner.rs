//! Lines of a scanner: the first byte says where the rest is cut into two readings.

#![no_main]

use std::time::Duration;

use drivers::scanner::{CODE_MAX, Codes, Event};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, rest)) = bytes.split_first() else { return };
    let (first, second) = rest.split_at(usize::from(*cut).min(rest.len()));
    let mut codes = Codes::default();
    for (now, part) in [(Duration::ZERO, first), (Duration::from_millis(1), second)] {
        for event in codes.hear(now, part) {
            if let Event::Code(text) = event {
                // A byte of GB 18030 becomes at most three of UTF-8.
                assert!(!text.is_empty() && text.len() <= 3 * CODE_MAX);
                assert!(!text.chars().any(char::is_control));
            }
        }
    }
});
