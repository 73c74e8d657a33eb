//! Fonts come from packages and disks; whatever parses must be drawn without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pole::font::pcf::Pcf;

fuzz_target!(|file: &[u8]| {
    if let Ok(font) = Pcf::parse(file) {
        for glyph in font.characters().filter_map(|character| font.glyph(character)) {
            assert!(glyph.dots().count() <= 128 * 128, "a glyph larger than its bounds");
        }
    }
});
