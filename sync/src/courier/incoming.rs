//! The one parser of what a device hears.

use serde::de::DeserializeOwned;

use super::{Config, Incoming};
use crate::command::Command;
use crate::packet::{PAYLOAD_MAX, Packet};
use crate::stream::{Ack, Acks};
use crate::topic::Topic;

/// What a packet turned out to be.
#[derive(Debug)]
pub(super) enum Parsed {
    /// For the session.
    Acks(Vec<Ack>),
    /// For the ledger.
    Command(Command),
    /// For the shell.
    Told(Incoming),
    /// A retained message was cleared; what it said ends by its own expiry.
    Nothing,
}

/// Reads a packet. Past it nothing can be malformed, too large or nested without end:
/// `serde_json` refuses more than 128 levels.
pub(super) fn parse(config: &Config, packet: Packet) -> Parsed {
    let topic = packet.topic.clone();
    read(config, packet).unwrap_or_else(|reason| Parsed::Told(Incoming::Refused { topic, reason }))
}

fn read(config: &Config, packet: Packet) -> Result<Parsed, String> {
    if packet.payload.len() > PAYLOAD_MAX {
        return Err(format!("{} bytes, {PAYLOAD_MAX} are allowed", packet.payload.len()));
    }
    let topic = Topic::parse(&packet.topic, &config.tenant).map_err(|error| error.to_string())?;
    if packet.payload.is_empty() {
        return Ok(Parsed::Nothing);
    }
    let ours =
        |device| if device == config.device { Ok(()) } else { Err("it is for another device") };
    Ok(match topic {
        Topic::Ack(device) => {
            ours(device)?;
            Parsed::Acks(json::<Acks>(&packet)?.acks)
        }
        Topic::Command(device) => {
            ours(device)?;
            Parsed::Command(json(&packet)?)
        }
        Topic::Content(device) => {
            ours(device)?;
            Parsed::Told(Incoming::Content(packet))
        }
        Topic::Certificate(device) => {
            ours(device)?;
            Parsed::Told(Incoming::Certificate(packet))
        }
        Topic::Board(_) => Parsed::Told(Incoming::Board(json(&packet)?)),
        Topic::Alerts(_) => Parsed::Told(Incoming::Alerts(json(&packet)?)),
        Topic::Time => Parsed::Told(Incoming::Time(packet)),
        Topic::Presence(_) | Topic::Stream(..) | Topic::Sync(_) | Topic::Csr(_) => {
            return Err("it is meant for the platform".to_owned());
        }
    })
}

fn json<T: DeserializeOwned>(packet: &Packet) -> Result<T, String> {
    serde_json::from_slice(&packet.payload).map_err(|error| error.to_string())
}
