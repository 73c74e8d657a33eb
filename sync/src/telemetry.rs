//! What devices report: the payloads of ordered streams.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Unknown;
use crate::ask::{Ask, AskError};
use crate::audit::{Audit, AuditError};
use crate::command::CommandStatus;
use crate::document::{Document, DocumentError};
use crate::stream::Class;

/// Everything a device reports on a stream. The CloudEvents `type` names the variant.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// What stood on the glass.
    Shown(Shown),
    /// How the device is.
    Health(Health),
    /// What was dropped.
    Gap(Gap),
    /// What became of a command.
    Command(CommandStatus),
    /// What a citizen submitted.
    Submission(Ask),
    /// A paper that was printed.
    Document(Document),
    /// What staff did.
    Audit(Audit),
}

impl Event {
    /// The CloudEvents `type` of [`Event::Shown`].
    pub const SHOWN: &str = "gulou.shown.v1";
    /// The CloudEvents `type` of [`Event::Health`].
    pub const HEALTH: &str = "gulou.health.v1";
    /// The CloudEvents `type` of [`Event::Gap`].
    pub const GAP: &str = "gulou.gap.v1";
    /// The CloudEvents `type` of [`Event::Command`].
    pub const COMMAND: &str = "gulou.command.v1";
    /// The CloudEvents `type` of [`Event::Submission`].
    pub const SUBMISSION: &str = "gulou.submission.v1";
    /// The CloudEvents `type` of [`Event::Document`].
    pub const DOCUMENT: &str = "gulou.document.v1";
    /// The CloudEvents `type` of [`Event::Audit`].
    pub const AUDIT: &str = "gulou.audit.v1";

    /// The CloudEvents `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Shown(_) => Self::SHOWN,
            Event::Health(_) => Self::HEALTH,
            Event::Gap(_) => Self::GAP,
            Event::Command(_) => Self::COMMAND,
            Event::Submission(_) => Self::SUBMISSION,
            Event::Document(_) => Self::DOCUMENT,
            Event::Audit(_) => Self::AUDIT,
        }
    }

    /// The JSON payload.
    pub fn to_json(&self) -> Vec<u8> {
        let json = match self {
            Event::Shown(shown) => serde_json::to_vec(shown),
            Event::Health(health) => serde_json::to_vec(health),
            Event::Gap(gap) => serde_json::to_vec(gap),
            Event::Command(status) => serde_json::to_vec(status),
            Event::Submission(ask) => serde_json::to_vec(ask),
            Event::Document(document) => serde_json::to_vec(document),
            Event::Audit(audit) => serde_json::to_vec(audit),
        };
        json.expect("telemetry has string keys only and always serialises")
    }

    /// The one parser of stream payloads; `None` for a type of a newer version.
    pub fn parse(kind: &str, payload: &[u8]) -> Option<Result<Event, EventError>> {
        Some(match kind {
            Self::SHOWN => read(payload).map(Event::Shown),
            Self::HEALTH => read(payload).map(Event::Health),
            Self::GAP => read(payload).map(Event::Gap),
            Self::COMMAND => read(payload).map(Event::Command),
            Self::SUBMISSION => Ask::parse(payload).map(Event::Submission).map_err(EventError::Ask),
            Self::DOCUMENT => document(payload).map(Event::Document),
            Self::AUDIT => audit(payload).map(Event::Audit),
            _ => return None,
        })
    }
}

/// Why a payload is no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It does not read as its type says.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A submission that can't be meant.
    #[error(transparent)]
    Ask(AskError),
    /// A record that can't stand on paper.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A record of staff that says more than it may.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, EventError> {
    Ok(serde_json::from_slice(payload)?)
}

fn document(payload: &[u8]) -> Result<Document, EventError> {
    let document: Document = read(payload)?;
    document.check()?;
    Ok(document)
}

fn audit(payload: &[u8]) -> Result<Audit, EventError> {
    let audit: Audit = read(payload)?;
    audit.check()?;
    Ok(audit)
}

/// Proof of display: a page that stood on the glass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// SHA-256 of the frame's pixels as the surface holds them, hexadecimal.
    pub frame_sha256: String,
    /// Identifies what was shown, whatever the pixels.
    pub content_id: String,
    /// The rung of the ladder it came from, such as `prediction`.
    pub rung: String,
    /// The words on it, line by line.
    pub lines: Vec<String>,
    /// When the board behind it was made, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub board_made_at: Option<Timestamp>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// How a device is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Seconds since its software started.
    pub uptime_s: u64,
    /// Ambient light in lux, where a sensor says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub light_lux: Option<f64>,
    /// Brightness of the glass, 0 to 100 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brightness_percent: Option<u8>,
    /// Rows waiting in the outbox.
    pub outbox_rows: u64,
    /// What is wrong, in plain words; empty when nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A recorded, ordered loss: everything from `from` to `upto` of this stream was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// First dropped number.
    pub from: u64,
    /// Last dropped number; the gap itself travels under it.
    pub upto: u64,
    /// How many events were dropped.
    pub count: u64,
    /// Their class.
    pub class: Class,
    /// Why, for people.
    pub reason: String,
}
