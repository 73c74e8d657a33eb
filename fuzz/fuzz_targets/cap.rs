//! Alerts of authorities: what is read has a sender, a time of this century, and closed outlines.

#![no_main]

use libfuzzer_sys::fuzz_target;
use platform::feeds::cap::{self, PARTS_MAX, TEXT_MAX};

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = cap::parse(bytes) else { return };
    assert!(!message.id.sender.is_empty() && !message.id.identifier.is_empty());
    assert!(message.infos.len() <= PARTS_MAX && message.references.len() <= PARTS_MAX);
    for info in &message.infos {
        assert!(info.headline.len() <= TEXT_MAX && info.description.len() <= TEXT_MAX);
        for polygon in info.areas.iter().flat_map(|area| &area.polygons) {
            assert!(polygon.exterior().is_closed() && polygon.exterior().0.len() >= 4);
        }
    }
});
