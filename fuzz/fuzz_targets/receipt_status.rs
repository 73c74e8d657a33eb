//! What a receipt printer says: after any noise a whole status is understood.

#![no_main]

use drivers::receipt::status::{Demultiplexer, Heard, Question, Status};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut demultiplexer, mut status) = (Demultiplexer::default(), Status::default());
    for byte in bytes {
        match demultiplexer.push(*byte) {
            Some(Heard::Answer(answer)) => {
                assert_eq!(answer & 0x93, 0x12);
                status.answer(Question::Paper, answer);
            }
            Some(Heard::Change(change)) => status.change(change),
            Some(Heard::Fence) | None => {}
        }
        let _ = status.trouble();
    }
    demultiplexer.push(0xFF);
    let change = [0x18, 0x00, 0x0C, 0x00];
    let heard = change.map(|byte| demultiplexer.push(byte));
    assert_eq!(heard, [None, None, None, Some(Heard::Change(change))]);
});
