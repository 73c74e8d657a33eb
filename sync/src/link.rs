//! The wire between a device and a broker, or between the platform and a broker.
//!
//! A link carries packets and says how each fared at the broker. It never reconnects by itself:
//! whoever owns it decides when (see [`crate::session`]). It starts clean every time, because
//! what must survive an outage lies in the outbox and in retained state, not in the broker.

mod loopback;
mod mqtt;

pub use loopback::{Loopback, LoopbackBroker};
pub use mqtt::{Mqtt, MqttConfig, TlsFiles};

use crate::packet::Packet;

/// Most sends whose outcome is open; [`Link::send`] waits for the broker beyond it.
pub const PIPELINE_MAX: usize = 1024;

/// Most events kept for an owner who sends and does not listen; sending is refused beyond it.
pub const UNHEARD_MAX: usize = 65_536;

/// A wire. `Loopback` is a complete broker in memory, with virtual time.
#[derive(Debug)]
pub enum Link {
    /// Any MQTT 5 broker.
    Mqtt(Box<Mqtt>),
    /// A [`LoopbackBroker`].
    Loopback(Loopback),
}

/// What a link has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// Connected; nothing is subscribed yet.
    Up {
        /// The broker remembers an earlier session; never so with a clean start.
        session_present: bool,
    },
    /// Something arrived.
    Packet(Packet),
    /// The broker answered the send or subscription with this token. No proof of durability.
    Settled {
        /// As given to [`Link::send`] or [`Link::subscribe`].
        token: u64,
        /// Set when it was not taken.
        refused: Option<Refusal>,
    },
    /// Not connected, or not any more. Every open token is void.
    Down {
        /// Why, for people.
        reason: String,
    },
}

/// Why a broker did not take a packet (MQTT 5, §3.4.2.1 and §3.9.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 0x97: try later.
    #[error("quota exceeded (0x97)")]
    Quota,
    /// 0x87: the access rules of the broker forbid it.
    #[error("not authorised (0x87)")]
    NotAuthorised,
    /// 0x95: it exceeds the Maximum Packet Size of the broker.
    #[error("packet too large (0x95)")]
    TooLarge,
    /// Any other reason.
    #[error("{0}")]
    Other(String),
}

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not connected.
    #[error("the link is down")]
    Down,
    /// [`UNHEARD_MAX`] events wait to be read.
    #[error("more than {UNHEARD_MAX} events of the link wait to be read")]
    Unheard,
    /// The topic or filter is none.
    #[error("{0:?} is no topic")]
    Topic(String),
}

impl Link {
    /// A wire to an MQTT 5 broker, not connected yet.
    pub fn mqtt(config: MqttConfig) -> Self {
        Link::Mqtt(Box::new(Mqtt::new(config)))
    }

    /// Starts one attempt to connect; its end is [`LinkEvent::Up`] or [`LinkEvent::Down`].
    ///
    /// An earlier connection is dropped. `will` is what the broker says when this one breaks.
    pub fn connect(&mut self, will: Option<Packet>) {
        match self {
            Link::Mqtt(link) => link.connect(will),
            Link::Loopback(link) => link.connect(will),
        }
    }

    /// Says goodbye, so that the broker does not publish the will.
    pub async fn disconnect(&mut self) {
        match self {
            Link::Mqtt(link) => link.disconnect().await,
            Link::Loopback(link) => link.disconnect(),
        }
    }

    /// The next event; waits for ever while there is nothing to wait for. Cancel safe.
    pub async fn next(&mut self) -> LinkEvent {
        match self {
            Link::Mqtt(link) => link.next().await,
            Link::Loopback(link) => link.next().await,
        }
    }

    /// The next event, where there is one already.
    pub fn try_next(&mut self) -> Option<LinkEvent> {
        match self {
            Link::Mqtt(link) => link.try_next(),
            Link::Loopback(link) => link.try_next(),
        }
    }

    /// Publishes at QoS 1; [`LinkEvent::Settled`] tells how it fared.
    ///
    /// Up to [`PIPELINE_MAX`] sends are under way at once; beyond it this waits.
    pub async fn send(&mut self, token: u64, packet: Packet) -> Result<(), LinkError> {
        match self {
            Link::Mqtt(link) => link.send(token, packet).await,
            Link::Loopback(link) => link.send(token, packet),
        }
    }

    /// Subscribes at QoS 1 to all `filters`; refused as a whole when one of them is.
    pub async fn subscribe(&mut self, token: u64, filters: Vec<String>) -> Result<(), LinkError> {
        match self {
            Link::Mqtt(link) => link.subscribe(token, filters).await,
            Link::Loopback(link) => link.subscribe(token, &filters),
        }
    }
}
