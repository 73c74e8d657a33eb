//! Pictures of a camera: what is cut out begins and ends as a JPEG.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((picture, end)) = drivers::camera::parse(bytes) {
        assert!(picture.starts_with(&[0xFF, 0xD8, 0xFF]) && picture.ends_with(&[0xFF, 0xD9]));
        assert!(end <= bytes.len() && bytes[..end].ends_with(picture));
    }
});
