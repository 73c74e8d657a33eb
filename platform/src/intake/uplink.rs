//! The one parser of what devices say: packets become facts, or a counted refusal.

use bytes::Bytes;
use jiff::Timestamp;
use sync::packet::PAYLOAD_MAX;
use sync::{DeviceId, Envelope, Key, Packet, Presence, SyncVector, Tenant, Topic};

/// Longest name of a stream, in bytes.
const STREAM_MAX: usize = 64;

/// What a device said.
#[derive(Debug, Clone, PartialEq)]
pub enum Uplink {
    /// An event of one of its streams.
    Reported(Reported),
    /// Its birth or will.
    Presence(DeviceId, Presence),
    /// What it has and misses.
    Sync(DeviceId, SyncVector),
    /// A certificate request, in PEM.
    Csr(DeviceId, Bytes),
}

/// One event of an ordered stream; its payload is not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Whose topic it came on: the broker vouches for it.
    pub device: DeviceId,
    /// Where it stands in its stream.
    pub key: Key,
    /// First number it stands for, when it declares a gap.
    pub gap_from: Option<u64>,
    /// CloudEvents `type`.
    pub kind: String,
    /// Boot during which it happened.
    pub boot_id: String,
    /// Monotonic milliseconds of that boot.
    pub mono_ms: u64,
    /// Wall clock of the device, right or wrong.
    pub time: Timestamp,
    /// Estimated error of `time` in milliseconds; `None` when nobody vouches for it.
    pub clock_error_ms: Option<u32>,
    /// JSON, or what claims to be.
    pub payload: Bytes,
}

/// Why a packet has no effect. Each is counted under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// Not a topic of this tenant's devices.
    Topic,
    /// Larger than anyone may send.
    TooLarge,
    /// Attributes are absent, malformed or too many.
    Envelope,
    /// Attributes and topic name different streams, or one that nobody would use.
    Stream,
    /// Presence or sync vector that does not read as one.
    Payload,
}

impl Refused {
    /// Its name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Refused::Topic => "foreign_topic",
            Refused::TooLarge => "too_large",
            Refused::Envelope => "malformed_envelope",
            Refused::Stream => "wrong_stream",
            Refused::Payload => "malformed_payload",
        }
    }
}

/// Reads one packet; `None` for a cleared retained message, which says nothing.
pub fn parse(packet: &Packet, tenant: &Tenant) -> Result<Option<Uplink>, Refused> {
    let topic = Topic::parse(&packet.topic, tenant).map_err(|_| Refused::Topic)?;
    if packet.payload.len() > PAYLOAD_MAX {
        return Err(Refused::TooLarge);
    }
    let payload = &packet.payload;
    Ok(Some(match topic {
        Topic::Stream(device, stream) => Uplink::Reported(reported(device, &stream, packet)?),
        Topic::Presence(_) if payload.is_empty() => return Ok(None),
        Topic::Presence(device) => Uplink::Presence(device, json(payload)?),
        Topic::Sync(device) => Uplink::Sync(device, json(payload)?),
        Topic::Csr(device) => Uplink::Csr(device, payload.clone()),
        _ => return Err(Refused::Topic),
    }))
}

fn json<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(payload).map_err(|_| Refused::Payload)
}

fn reported(device: DeviceId, stream: &str, packet: &Packet) -> Result<Reported, Refused> {
    let envelope = Envelope::open(packet).map_err(|_| Refused::Envelope)?;
    let origin = envelope.origin.ok_or(Refused::Envelope)?;
    if origin.key.stream != stream || stream.len() > STREAM_MAX {
        return Err(Refused::Stream);
    }
    // The database holds signed numbers, and PostgreSQL no NUL in text.
    let storable =
        [origin.key.epoch, origin.key.seq].iter().all(|&number| i64::try_from(number).is_ok());
    let clean = [stream, &envelope.kind, &origin.boot_id].iter().all(|text| !text.contains('\0'));
    if !storable || !clean {
        return Err(Refused::Envelope);
    }
    Ok(Reported {
        device,
        key: origin.key,
        gap_from: origin.gap_from,
        kind: envelope.kind,
        boot_id: origin.boot_id,
        mono_ms: origin.mono_ms,
        time: envelope.time,
        clock_error_ms: origin.clock_error_ms,
        payload: packet.payload.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync::envelope::Origin;

    fn packet(topic: &str, stream: &str, seq: u64) -> Packet {
        let key = Key { stream: stream.into(), epoch: 1, seq };
        let origin =
            Origin { key, gap_from: None, boot_id: "b".into(), mono_ms: 5, clock_error_ms: None };
        let envelope = Envelope {
            id: "1".into(),
            source: "sign-7".into(),
            kind: "gulou.health.v1".into(),
            time: "2026-11-23T08:00:00Z".parse().unwrap(),
            origin: Some(origin),
        };
        envelope.seal(topic.into(), "{}")
    }

    fn read(packet: &Packet) -> Result<Option<Uplink>, Refused> {
        parse(packet, &"gulou".parse().unwrap())
    }

    const EVENTS: &str = "gulou/1/gulou/device/sign-7/up/stream/events";

    #[test]
    fn an_event_is_read_with_the_device_of_its_topic() {
        let Ok(Some(Uplink::Reported(reported))) = read(&packet(EVENTS, "events", 3)) else {
            panic!()
        };
        assert_eq!((reported.device.as_str(), reported.key.seq), ("sign-7", 3));
    }

    #[test]
    fn each_kind_of_garbage_has_its_own_count() {
        let topic =
            |topic: &str| Packet { topic: topic.into(), payload: "{}".into(), ..Packet::default() };
        let large = Packet { payload: vec![0; PAYLOAD_MAX + 1].into(), ..topic(EVENTS) };
        let deep = "[".repeat(100_000);
        let sync = Packet { payload: deep.into(), ..topic("gulou/1/gulou/device/sign-7/up/sync") };
        let garbage = [
            (topic("gulou/1/taijiang/device/sign-7/up/sync"), Refused::Topic),
            (topic("gulou/1/gulou/device/sign-7/down/ack"), Refused::Topic),
            (topic(EVENTS), Refused::Envelope),
            (packet(EVENTS, "events", u64::MAX), Refused::Envelope),
            (packet(EVENTS, "other", 1), Refused::Stream),
            (large, Refused::TooLarge),
            (sync, Refused::Payload),
        ];
        for (packet, refused) in garbage {
            assert_eq!(read(&packet), Err(refused), "{}", packet.topic);
        }
    }

    #[test]
    fn a_cleared_presence_says_nothing() {
        let topic = "gulou/1/gulou/device/sign-7/up/presence".to_owned();
        assert_eq!(read(&Packet { topic, ..Packet::default() }), Ok(None));
    }
}
