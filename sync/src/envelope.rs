//! CloudEvents 1.0 over MQTT 5, binary mode: attributes are user properties, the payload is the data.
//!
//! Source: CloudEvents MQTT protocol binding 1.0.2, §3.1. Attribute names go unchanged.
//! Our extensions: `stream`, `epoch`, `seq`, `gapfrom`, `bootid`, `mono`, `clkerr`.

use bytes::Bytes;
use jiff::Timestamp;

use crate::packet::Packet;
use crate::stream::Key;

/// Most user properties that are read.
const PROPERTIES_MAX: usize = 32;
/// Longest value of an attribute, in bytes.
const VALUE_MAX: usize = 512;

/// The attributes of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Unique for its source.
    pub id: String,
    /// Who made it: `platform` or a device.
    pub source: String,
    /// What it is, such as `gulou.board.v1`.
    pub kind: String,
    /// The maker's wall clock, right or wrong.
    pub time: Timestamp,
    /// Set on events of ordered streams.
    pub origin: Option<Origin>,
}

/// Where in its stream, and when on its device, an event happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Identity of the event.
    pub key: Key,
    /// First number this event stands for, when it declares a gap.
    pub gap_from: Option<u64>,
    /// Boot during which it happened.
    pub boot_id: String,
    /// Monotonic milliseconds of that boot.
    pub mono_ms: u64,
    /// Estimated error of `time` in milliseconds; `None` when nobody vouches for it.
    pub clock_error_ms: Option<u32>,
}

/// Why attributes were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A required attribute is absent.
    #[error("attribute {0} is missing")]
    Missing(&'static str),
    /// An attribute does not read as it must.
    #[error("attribute {0} is malformed")]
    Malformed(&'static str),
    /// More or longer attributes than anyone needs.
    #[error("too many or too long attributes")]
    TooLarge,
}

impl Envelope {
    /// Builds the packet that carries `payload` under these attributes.
    pub fn seal(&self, topic: String, payload: impl Into<Bytes>) -> Packet {
        let mut properties = vec![
            ("specversion".to_owned(), "1.0".to_owned()),
            ("id".to_owned(), self.id.clone()),
            ("source".to_owned(), self.source.clone()),
            ("type".to_owned(), self.kind.clone()),
            ("time".to_owned(), self.time.to_string()),
        ];
        if let Some(origin) = &self.origin {
            let mut put = |name: &str, value: String| properties.push((name.to_owned(), value));
            put("stream", origin.key.stream.clone());
            put("epoch", origin.key.epoch.to_string());
            put("seq", origin.key.seq.to_string());
            put("bootid", origin.boot_id.clone());
            put("mono", origin.mono_ms.to_string());
            if let Some(from) = origin.gap_from {
                put("gapfrom", from.to_string());
            }
            if let Some(error) = origin.clock_error_ms {
                put("clkerr", error.to_string());
            }
        }
        let content_type = Some("application/json".to_owned());
        Packet {
            topic,
            payload: payload.into(),
            properties,
            content_type,
            retain: false,
            expiry: None,
        }
    }

    /// The one parser of attributes. Unknown attributes are ignored.
    pub fn open(packet: &Packet) -> Result<Envelope, EnvelopeError> {
        let properties = &packet.properties;
        if properties.len() > PROPERTIES_MAX
            || properties.iter().any(|(_, value)| value.len() > VALUE_MAX)
        {
            return Err(EnvelopeError::TooLarge);
        }
        let get = |name: &'static str| {
            properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
        };
        let need = |name: &'static str| get(name).ok_or(EnvelopeError::Missing(name));
        if need("specversion")? != "1.0" {
            return Err(EnvelopeError::Malformed("specversion"));
        }
        let time = need("time")?.parse().map_err(|_| EnvelopeError::Malformed("time"))?;
        let origin = match get("stream") {
            None => None,
            Some(stream) => Some(Origin {
                key: Key {
                    stream: stream.to_owned(),
                    epoch: number("epoch", need("epoch")?)?,
                    seq: number("seq", need("seq")?)?,
                },
                gap_from: get("gapfrom").map(|text| number("gapfrom", text)).transpose()?,
                boot_id: need("bootid")?.to_owned(),
                mono_ms: number("mono", need("mono")?)?,
                clock_error_ms: get("clkerr").map(|text| number("clkerr", text)).transpose()?,
            }),
        };
        Ok(Envelope {
            id: need("id")?.to_owned(),
            source: need("source")?.to_owned(),
            kind: need("type")?.to_owned(),
            time,
            origin,
        })
    }
}

fn number<N: std::str::FromStr>(name: &'static str, text: &str) -> Result<N, EnvelopeError> {
    text.parse().map_err(|_| EnvelopeError::Malformed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            id: "1".into(),
            source: "sign-7".into(),
            kind: "gulou.shown.v1".into(),
            time: "2026-11-23T08:00:00Z".parse().unwrap(),
            origin: Some(Origin {
                key: Key { stream: "events".into(), epoch: 3, seq: 17 },
                gap_from: None,
                boot_id: "b".into(),
                mono_ms: 12,
                clock_error_ms: Some(500),
            }),
        }
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let packet = envelope().seal("t".into(), "{}");
        assert_eq!(Envelope::open(&packet), Ok(envelope()));
    }

    #[test]
    fn a_missing_or_malformed_attribute_is_named() {
        let mut packet = envelope().seal("t".into(), "{}");
        packet.properties.retain(|(name, _)| name != "seq");
        assert_eq!(Envelope::open(&packet), Err(EnvelopeError::Missing("seq")));
        packet.properties.push(("seq".into(), "-1".into()));
        assert_eq!(Envelope::open(&packet), Err(EnvelopeError::Malformed("seq")));
    }

    #[test]
    fn attributes_of_newer_versions_are_ignored() {
        let mut packet = envelope().seal("t".into(), "{}");
        packet.properties.push(("traceparent".into(), "00-1".into()));
        assert_eq!(Envelope::open(&packet), Ok(envelope()));
    }

    #[test]
    fn a_flood_of_attributes_is_refused() {
        let mut packet = envelope().seal("t".into(), "{}");
        packet.properties.extend((0..64).map(|n| (format!("x{n}"), String::new())));
        assert_eq!(Envelope::open(&packet), Err(EnvelopeError::TooLarge));
    }
}
