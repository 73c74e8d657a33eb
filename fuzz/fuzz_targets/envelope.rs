//! Packets arrive with any attributes and any payload; what opens must seal to what it means.
//!
//! Input: lines `name=value` up to an empty line, then the payload.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::{Acks, Alerts, Board, Command, Envelope, Event, Packet, Presence, SyncVector};

fuzz_target!(|data: &[u8]| {
    let (head, payload) = split(data);
    let properties = head
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let packet = Packet { properties, payload: payload.to_vec().into(), ..Packet::default() };
    if let Ok(envelope) = Envelope::open(&packet) {
        let sealed = envelope.seal(String::new(), packet.payload.clone());
        assert_eq!(Envelope::open(&sealed).as_ref(), Ok(&envelope));
        if let Some(Ok(event)) = Event::parse(&envelope.kind, payload) {
            let again = Event::parse(event.kind(), &event.to_json());
            assert_eq!(again.map(Result::unwrap), Some(event), "an event did not survive");
        }
    }
    survives::<Acks>(payload);
    survives::<Alerts>(payload);
    survives::<Board>(payload);
    survives::<Command>(payload);
    survives::<Presence>(payload);
    survives::<SyncVector>(payload);
});

fn split(data: &[u8]) -> (&str, &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, payload) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 2..]));
    (std::str::from_utf8(head).unwrap_or_default(), payload)
}

/// Whatever parses is written and parsed to the same value, unknown fields included.
fn survives<T>(payload: &[u8])
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    if let Ok(value) = serde_json::from_slice::<T>(payload) {
        let json = serde_json::to_vec(&value).expect("a message has string keys only");
        assert_eq!(serde_json::from_slice::<T>(&json).expect("our own JSON parses"), value);
    }
}
