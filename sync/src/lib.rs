//! What a device and the platform say to each other, and how it survives an outage.
//!
//! Terms used throughout:
//!
//! - a **device** is one appliance on the street; the **platform** is the district's centre;
//! - a **packet** is what the wire carries: topic, properties, payload;
//! - a **stream** is an ordered sequence of events a device owes the platform;
//! - an **ack** is the platform's own answer after its database commit. The broker's PUBACK is not one.
//!
//! Reading order: time and names, then the messages, then what makes them arrive.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod moment;
pub mod name;
pub mod topic;

pub mod alert;
pub mod board;
pub mod command;
pub mod presence;
pub mod stream;
pub mod telemetry;
pub mod timetable;

pub mod ask;
pub mod audit;
pub mod document;
pub mod handoff;
pub mod seal;

pub mod envelope;
pub mod packet;
pub mod schema;

pub mod file;

pub mod content;
pub mod identity;

pub mod courier;
pub mod cursor;
pub mod ledger;
pub mod link;
pub mod outbox;
pub mod session;

pub use alert::{Affected, Alert, Alerts, Level};
pub use ask::{Answer, Ask};
pub use audit::Audit;
pub use board::{Arrival, Board, Line, Source};
pub use command::{Command, CommandState, CommandStatus};
pub use courier::{Config, Courier, CourierError, Incoming, LinkState};
pub use cursor::{Accept, Cursor};
pub use document::{Document, ShortCode, Stamp};
pub use envelope::{Envelope, EnvelopeError};
pub use link::{Link, LinkError, LinkEvent, LoopbackBroker, MqttConfig, Refusal, TlsFiles};
pub use moment::{Clock, Moment, Mono};
pub use name::{DeviceId, Lang, StopId, Tenant, Text};
pub use outbox::{Draft, Limits, Outbox, OutboxError, Stats};
pub use packet::Packet;
pub use presence::{Presence, PresenceState};
pub use stream::{Ack, Acks, Class, Key, SyncVector};
pub use telemetry::{Event, Gap, Health, Shown};
pub use timetable::{Headway, Timetable, TimetableLine};
pub use topic::{Topic, TopicError};

/// Fields of a message that this version does not know; they are carried along unread.
pub type Unknown = serde_json::Map<String, serde_json::Value>;
