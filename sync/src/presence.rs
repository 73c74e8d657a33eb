//! Whether a device is there: birth and will share one topic, so their order holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;
use crate::name::StopId;

/// Retained on [`Topic::Presence`](crate::Topic::Presence), as birth and as will.
///
/// The platform accepts it only with a `session` at least as high as the last one seen:
/// a late will of an old session says nothing about the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// There or not.
    pub state: PresenceState,
    /// Counts connections; persisted, never reused.
    pub session: u64,
    /// Random per boot.
    pub boot_id: String,
    /// What it is: `sign`, `terminal`, `speaker`, `guide`, `pole`.
    pub role: String,
    /// Version of its software.
    pub software: String,
    /// The stop a sign stands at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopId>,
    /// Capabilities that the platform may rely on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Whether a device is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// Connected.
    Online,
    /// Gone, by its own word or by the broker's.
    Offline,
}
