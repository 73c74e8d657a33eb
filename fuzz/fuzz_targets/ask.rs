//! Asks and stamps come from machines in the street and from anybody's telephone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::document::ShortCode;
use sync::{Ask, Stamp};

fuzz_target!(|data: &[u8]| {
    if let Ok(ask) = Ask::parse(data) {
        let _ = ask.sealed_bytes();
        let json = serde_json::to_vec(&ask).expect("an ask has string keys only");
        // Written out it may be longer than it came, and then too long.
        if let Ok(again) = Ask::parse(&json) {
            assert_eq!(again, ask);
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(stamp) = text.parse::<Stamp>() {
        assert_eq!(stamp.to_string().parse(), Ok(stamp));
    }
    if let Ok(code) = text.parse::<ShortCode>() {
        assert_eq!(code.to_string().parse(), Ok(code));
    }
});
