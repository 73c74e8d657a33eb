//! What the wire carries, whichever link carries it.

use std::time::Duration;

use bytes::Bytes;

/// Largest payload either side accepts, in bytes; larger ones are refused and counted.
pub const PAYLOAD_MAX: usize = 256 * 1024;

/// One MQTT 5 publish, QoS 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packet {
    /// Full topic name.
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// User properties, in order.
    pub properties: Vec<(String, String)>,
    /// MIME type of the payload.
    pub content_type: Option<String>,
    /// Keep it for later subscribers; an empty payload clears it.
    pub retain: bool,
    /// The broker drops it after this long.
    pub expiry: Option<Duration>,
}
