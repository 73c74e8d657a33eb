//! Hand-offs: nothing opens that was not sealed, and what was sealed opens as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::handoff::{self, Key, Kind};

fuzz_target!(|data: &[u8]| {
    let key: Key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc".parse().expect("32 bytes of 7");
    assert!(handoff::open(data, &key).is_err(), "nobody forges a tag");
    for kind in [Kind::Page, Kind::Pdf] {
        let Ok((body, key)) = handoff::seal(kind, data) else { continue };
        assert_eq!(handoff::open(&body, &key), Ok((kind, data.to_vec())));
    }
    if let Ok(key) = std::str::from_utf8(data).unwrap_or_default().parse::<Key>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
});
