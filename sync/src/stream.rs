//! Ordered streams: what a device owes the platform, and the platform's own answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;

/// Identifies one event for ever: same key twice, one effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Stream of the device, such as `events`.
    pub stream: String,
    /// Changes when the device's outbox was made anew; higher is newer.
    pub epoch: u64,
    /// 1, 2, 3 … without holes within an epoch.
    pub seq: u64,
}

/// What is dropped first when the disk is full.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Never dropped: what a person gave us, alarms, audit.
    Critical,
    /// The oldest is dropped, and a [`Gap`](crate::Gap) says so.
    Normal,
    /// Only the latest of each kind is kept, and a [`Gap`](crate::Gap) says so.
    Lossy,
}

/// "I have everything of this stream up to here in my database."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ack {
    /// Stream of the device.
    pub stream: String,
    /// Epoch the numbers belong to.
    pub epoch: u64,
    /// Everything up to and including this is durable.
    pub upto: u64,
    /// Something after `upto` arrived out of order: send again from `upto + 1`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resend: bool,
}

/// Payload of [`Topic::Ack`](crate::Topic::Ack).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acks {
    /// One per stream that moved.
    pub acks: Vec<Ack>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What a device has and misses; sent on every connect, answered with acks, content and commands.
///
/// It makes both sides right even when the broker forgot everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SyncVector {
    /// State of each stream.
    pub streams: BTreeMap<String, StreamState>,
    /// Version of the active manifest of each content channel.
    #[serde(default)]
    pub content: BTreeMap<String, u64>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// State of one stream on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamState {
    /// Epoch of the outbox.
    pub epoch: u64,
    /// Highest number given out; 0 for none.
    pub last: u64,
    /// Highest number known to be durable on the platform.
    pub acked: u64,
}
