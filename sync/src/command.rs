//! Commands: what an operator asks of a device, and what became of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;

/// One command to one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// Identifier; the same one twice is the same command.
    pub id: String,
    /// What to do: `screenshot`, `identify`, `restart`.
    pub kind: String,
    /// Arguments of that kind.
    #[serde(default)]
    pub args: serde_json::Value,
    /// When it was given.
    #[schemars(with = "String")]
    pub issued_at: Timestamp,
    /// It must not start after this.
    #[schemars(with = "String")]
    pub expires: Timestamp,
    /// It must not run twice (a print, a door): after a crash it ends `unknown`.
    #[serde(default)]
    pub once: bool,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Where a command stands. `Received` is on disk before anyone hears of it, `Running` before it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// Written down on the device.
    Received,
    /// Being carried out.
    Running,
    /// Carried out.
    Done,
    /// Tried, and did not work.
    Failed,
    /// Not understood or not allowed.
    Rejected,
    /// Came too late.
    Expired,
    /// The device lost power while it ran, and it must not run twice.
    Unknown,
}

impl CommandState {
    /// Whether nothing more will happen to it.
    pub fn is_final(self) -> bool {
        !matches!(self, CommandState::Received | CommandState::Running)
    }
}

/// A device's word on a command; travels through the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandStatus {
    /// The command.
    pub id: String,
    /// Where it stands.
    pub state: CommandState,
    /// Result or reason, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
