//! Bytes from elsewhere and the one parser of each format: past it, nothing can be malformed.

pub mod cap;
pub mod gtfs;
pub mod gtfs_rt;

/// Whether a letter is a Chinese character (CJK Unified Ideographs and extension A).
fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}
