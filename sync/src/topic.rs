//! Where a message goes.
//!
//! | topic | direction | retained |
//! |---|---|---|
//! | `gulou/1/{tenant}/device/{device}/up/…` | device to platform | presence only |
//! | `gulou/1/{tenant}/device/{device}/down/…` | platform to device | content only |
//! | `gulou/1/{tenant}/public/…` | platform to everyone | yes, with an expiry |
//!
//! A device may publish below its own `up/` and read its own `down/` and `public/`, nothing else.
//! The version stands first so that two versions can share a broker.

use std::fmt::{self, Write as _};

use crate::name::{DeviceId, StopId, Tenant};

/// First segments of every topic: product and version of this scheme.
pub const ROOT: &str = "gulou/1";

/// Longest topic that is parsed, in bytes; a stop of 128 four-byte characters takes 1,536 encoded.
const TOPIC_MAX: usize = 2048;

/// Every topic there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Birth and will of a device, on one topic so that their order holds.
    Presence(DeviceId),
    /// Events of one stream of a device.
    Stream(DeviceId, String),
    /// What a device has and misses, sent on every connect.
    Sync(DeviceId),
    /// A certificate request for renewal; the authenticated link proves who asks.
    Csr(DeviceId),
    /// The platform's acks to a device.
    Ack(DeviceId),
    /// A command to a device.
    Command(DeviceId),
    /// The content manifest a device shall have.
    Content(DeviceId),
    /// The answer to [`Topic::Csr`].
    Certificate(DeviceId),
    /// What is known about one stop.
    Board(StopId),
    /// Alerts in force in an area (a district's code such as `350102`).
    Alerts(String),
    /// The platform's clock, for devices without another source.
    Time,
}

/// Why a topic was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It is not of this scheme or version.
    #[error("topic is not below {ROOT}/{{tenant}}/")]
    Foreign,
    /// It belongs to another tenant.
    #[error("topic belongs to another tenant")]
    Tenant,
    /// It is of this scheme, but nothing is known by it.
    #[error("topic is unknown")]
    Unknown,
}

impl Topic {
    /// The topic as text.
    pub fn format(&self, tenant: &Tenant) -> String {
        let device = |device: &DeviceId, tail: &str| format!("device/{device}/{tail}");
        let tail = match self {
            Topic::Presence(id) => device(id, "up/presence"),
            Topic::Stream(id, stream) => device(id, &format!("up/stream/{}", Segment(stream))),
            Topic::Sync(id) => device(id, "up/sync"),
            Topic::Csr(id) => device(id, "up/csr"),
            Topic::Ack(id) => device(id, "down/ack"),
            Topic::Command(id) => device(id, "down/command"),
            Topic::Content(id) => device(id, "down/content"),
            Topic::Certificate(id) => device(id, "down/certificate"),
            Topic::Board(stop) => format!("public/board/{}", Segment(&stop.0)),
            Topic::Alerts(area) => format!("public/alerts/{}", Segment(area)),
            Topic::Time => "public/time".to_owned(),
        };
        format!("{ROOT}/{tenant}/{tail}")
    }

    /// The one parser of topics. One topic has one text: other encodings of it are refused.
    pub fn parse(text: &str, tenant: &Tenant) -> Result<Topic, TopicError> {
        if text.len() > TOPIC_MAX {
            return Err(TopicError::Unknown);
        }
        let rest = text.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/'));
        let (owner, rest) =
            rest.and_then(|rest| rest.split_once('/')).ok_or(TopicError::Foreign)?;
        if owner != tenant.as_str() {
            return Err(TopicError::Tenant);
        }
        let parts: Vec<&str> = rest.split('/').collect();
        let id = |text: &str| text.parse::<DeviceId>().map_err(|_| TopicError::Unknown);
        let topic = match parts.as_slice() {
            ["device", device, "up", "presence"] => Topic::Presence(id(device)?),
            ["device", device, "up", "stream", stream] => {
                Topic::Stream(id(device)?, decode(stream)?)
            }
            ["device", device, "up", "sync"] => Topic::Sync(id(device)?),
            ["device", device, "up", "csr"] => Topic::Csr(id(device)?),
            ["device", device, "down", "ack"] => Topic::Ack(id(device)?),
            ["device", device, "down", "command"] => Topic::Command(id(device)?),
            ["device", device, "down", "content"] => Topic::Content(id(device)?),
            ["device", device, "down", "certificate"] => Topic::Certificate(id(device)?),
            ["public", "board", stop] => Topic::Board(StopId(decode(stop)?)),
            ["public", "alerts", area] => Topic::Alerts(decode(area)?),
            ["public", "time"] => Topic::Time,
            _ => return Err(TopicError::Unknown),
        };
        if topic.format(tenant) == text { Ok(topic) } else { Err(TopicError::Unknown) }
    }

    /// Filter under which the platform hears every device.
    pub fn uplink_filter(tenant: &Tenant) -> String {
        format!("{ROOT}/{tenant}/device/+/up/#")
    }

    /// Filter under which a device hears what is meant for it alone.
    pub fn downlink_filter(tenant: &Tenant, device: &DeviceId) -> String {
        format!("{ROOT}/{tenant}/device/{device}/down/#")
    }
}

/// A segment with everything percent-encoded that MQTT or a reader could mistake (RFC 3986 §2.1).
pub(crate) struct Segment<'a>(pub(crate) &'a str);

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':') {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

fn decode(segment: &str) -> Result<String, TopicError> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || {
                rest.next()
                    .and_then(|byte| char::from(byte).to_digit(16))
                    .ok_or(TopicError::Unknown)
            };
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).map_err(|_| TopicError::Unknown)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty()).ok_or(TopicError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gulou() -> Tenant {
        "gulou".parse().unwrap()
    }

    #[test]
    fn topics_read_as_documented() {
        let sign: DeviceId = "sign-7".parse().unwrap();
        let topics = [
            (Topic::Presence(sign.clone()), "gulou/1/gulou/device/sign-7/up/presence"),
            (
                Topic::Stream(sign.clone(), "events".into()),
                "gulou/1/gulou/device/sign-7/up/stream/events",
            ),
            (Topic::Ack(sign), "gulou/1/gulou/device/sign-7/down/ack"),
            (Topic::Board("place A/#1".into()), "gulou/1/gulou/public/board/place%20A%2F%231"),
            (Topic::Alerts("350102".into()), "gulou/1/gulou/public/alerts/350102"),
        ];
        for (topic, text) in topics {
            assert_eq!(topic.format(&gulou()), text);
            assert_eq!(Topic::parse(text, &gulou()), Ok(topic));
        }
    }

    #[test]
    fn another_tenants_topic_is_refused() {
        assert_eq!(Topic::parse("gulou/1/taijiang/public/time", &gulou()), Err(TopicError::Tenant));
        assert_eq!(Topic::parse("gulou/2/gulou/public/time", &gulou()), Err(TopicError::Foreign));
        assert_eq!(
            Topic::parse("gulou/1/gulou/device/A/up/presence", &gulou()),
            Err(TopicError::Unknown)
        );
    }

    #[test]
    fn one_topic_has_one_text() {
        for other in
            ["public/board/place%20a%2f1", "public/board/a b", "public/board/%41", "public/board/%"]
        {
            let text = format!("{ROOT}/gulou/{other}");
            assert_eq!(Topic::parse(&text, &gulou()), Err(TopicError::Unknown), "{other}");
        }
        let longest = Topic::Board(StopId("𠮷".repeat(128)));
        assert_eq!(Topic::parse(&longest.format(&gulou()), &gulou()), Ok(longest));
    }

    proptest! {
        #[test]
        fn any_stop_name_survives_and_adds_no_segment(stop in "\\PC{1,40}") {
            let topic = Topic::Board(StopId(stop));
            let text = topic.format(&gulou());
            prop_assert_eq!(text.matches('/').count(), 5);
            prop_assert!(!text.contains(['+', '#']));
            prop_assert_eq!(Topic::parse(&text, &gulou()), Ok(topic));
        }
    }
}
