//! Answers of a card reader: the parser always goes on, and what it believes can be true.

#![no_main]

use drivers::identity_card::frame::{self, FRAME_MAX, Parsed};
use drivers::identity_card::record::{Kind, RECORD_LEN, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    loop {
        match frame::parse(rest) {
            Parsed::Reply(reply, used) => {
                assert!(reply.data.len() < FRAME_MAX && used <= rest.len());
                rest = &rest[used..];
            }
            Parsed::Damaged(used) => {
                assert!(used > 0 && used <= rest.len());
                rest = &rest[used..];
            }
            Parsed::More(noise) => {
                assert!(noise <= rest.len());
                break;
            }
        }
    }
    let mut block = [b' ', 0].repeat(RECORD_LEN / 2);
    for (cell, byte) in block.iter_mut().zip(bytes) {
        *cell = *byte;
    }
    if let Ok(record) = Record::parse(&block) {
        assert!(record.name.chars().count() <= 15);
        assert!(record.kind == Kind::Foreigner || record.number.len() == 18);
        let text = [&record.name, &record.address, &record.issuer, &record.latin_name];
        assert!(text.iter().all(|text| !text.chars().any(char::is_control)));
    }
});
