//! Photographs in a report, and records of what staff did: both come from machines in the street.

#![no_main]

use libfuzzer_sys::fuzz_target;
use platform::services::photos;
use serde_json::{Value, json};
use sync::Event;
use sync::ask::PHOTOS_MAX;

fuzz_target!(|data: &[u8]| {
    if let Ok(Value::Array(list)) = serde_json::from_slice(data) {
        if let Ok(photos) = photos::parse(&list) {
            assert!(photos.len() == list.len() && photos.len() <= PHOTOS_MAX);
        }
    }
    // The header behind the base64, which random bytes seldom get through.
    let _ = photos::parse(&[json!(base64(data))]);
    if let Some(Ok(event)) = Event::parse(Event::AUDIT, data) {
        let again = Event::parse(Event::AUDIT, &event.to_json()).expect("a known type");
        assert_eq!(again.ok(), Some(event));
    }
});

fn base64(data: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(data)
}
