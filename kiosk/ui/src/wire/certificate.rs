//! The terminal's certificate: the next one is asked for over the link, long before the old one runs out.

use sync::ask::{Counter, CounterError};
use sync::courier::{Incoming, LinkState};
use sync::identity::{Effect, Event};
use sync::{Moment, Topic};

use super::Line;

impl Line {
    /// Tells the certificate's core what happened, and does what it wants.
    pub(super) async fn renew(&mut self, told: Vec<Incoming>, now: Moment) {
        let mut effects = self.renewal.handle(now, Event::Tick);
        for incoming in told {
            effects.extend(match incoming {
                Incoming::Link(state) => {
                    self.renewal.handle(now, Event::Link { up: state == LinkState::Up })
                }
                Incoming::Certificate(packet) => self.adopt(&packet.payload, now),
                _ => vec![],
            });
        }
        for effect in effects {
            match effect {
                Effect::Ask => self.request(now).await,
                Effect::Expired => tracing::error!(
                    "the certificate has run out: give this terminal a new provision string"
                ),
            }
        }
    }

    /// Takes the next certificate into use: asks from now on, the link when it connects next.
    fn adopt(&mut self, payload: &[u8], now: Moment) -> Vec<Effect> {
        let adopted = self.identity.accept(payload).map_err(CounterError::from);
        match adopted.and_then(|identity| Ok((Counter::open(&identity, now)?, identity))) {
            Ok((counter, identity)) => {
                self.counter.send_replace(counter);
                let validity = identity.validity;
                self.identity = identity;
                self.renewal.handle(now, Event::Renewed(validity))
            }
            Err(error) => {
                tracing::warn!("certificate: {error}");
                vec![]
            }
        }
    }

    async fn request(&mut self, now: Moment) {
        let topic = Topic::Csr(self.identity.device.clone());
        match self.identity.request() {
            // Lost with the link; the core asks again.
            Ok(request) => drop(self.courier.send(now, topic, "gulou.csr.v1", request).await),
            Err(error) => tracing::warn!("certificate: {error}"),
        }
    }
}
