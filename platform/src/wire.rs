//! The platform's own link to the broker: packets in to the intake, the shelf's packets out.
//!
//! Back-pressure goes all the way: while the intake is full nothing is read from the link, the broker
//! queues up to its bound and then drops, and devices send again what was never acked.

use std::sync::Arc;
use std::time::Duration;

use sync::link::{Link, LinkEvent, Refusal};
use sync::{Clock, Packet, Tenant, Topic};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::metrics::Metrics;
use crate::publish::{Outgoing, Shelf};

/// Packets between link and intake.
pub const INTAKE_MAX: usize = 8192;
/// Messages between whoever publishes and the link.
pub const OUTGOING_MAX: usize = 1024;
/// First and longest wait before the next attempt to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often devices hear the time.
const TIME_EVERY: Duration = Duration::from_secs(30);
/// A time message that is older says nothing.
const TIME_EXPIRY: Duration = Duration::from_secs(5);
/// Token of the subscription; the shelf counts from 1.
const SUBSCRIPTION: u64 = 0;

/// A packet and when it came.
#[derive(Debug)]
pub struct Arrived {
    /// What came.
    pub packet: Packet,
    /// When it came off the link.
    pub at: Instant,
}

/// Whether the link is up, and since when.
pub type LinkLife = Option<jiff::Timestamp>;

/// Shell of the link.
#[derive(Debug)]
pub struct Wire {
    /// Not connected yet.
    pub link: Link,
    /// Whose devices are heard.
    pub tenant: Tenant,
    /// Where packets go.
    pub intake: mpsc::Sender<Arrived>,
    /// What to publish.
    pub outgoing: mpsc::Receiver<Outgoing>,
    /// Told of every change of the link.
    pub life: watch::Sender<LinkLife>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Clock of the process.
    pub clock: Clock,
}

/// Everything that can happen to the wire.
enum Event {
    Link(LinkEvent),
    Publish(Outgoing),
    Connect,
    Time,
}

impl Wire {
    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut shelf = Shelf::default();
        let mut backoff = BACKOFF.0;
        let mut connect_at = Some(now());
        let mut time = interval(TIME_EVERY);
        time.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.send(&mut shelf).await;
            let event = tokio::select! {
                event = hear(&mut self.link, &self.intake) => Event::Link(event),
                Some(outgoing) = self.outgoing.recv(), if shelf.has_room() => Event::Publish(outgoing),
                () = sleep_until(connect_at.unwrap_or_else(now)), if connect_at.is_some() => Event::Connect,
                _ = time.tick() => Event::Time,
                () = stop.cancelled() => break,
            };
            match event {
                Event::Publish(outgoing) => self.publish(outgoing, &mut shelf),
                Event::Time => shelf.put(self.time()),
                Event::Connect => {
                    connect_at = None;
                    self.link.connect(None);
                }
                Event::Link(LinkEvent::Up { .. }) => {
                    backoff = BACKOFF.0;
                    self.up(&mut shelf).await;
                    shelf.put(self.time());
                }
                Event::Link(LinkEvent::Down { reason }) => {
                    self.down(&mut shelf, &reason);
                    connect_at = Some(now() + jittered(backoff));
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
                Event::Link(LinkEvent::Settled { token, refused }) => {
                    self.settled(&mut shelf, token, refused);
                }
                Event::Link(LinkEvent::Packet(packet)) => pass(&self.intake, packet).await,
            }
        }
        self.link.disconnect().await;
    }

    /// Sends what the shelf gives; it stops by itself when the window is full.
    async fn send(&mut self, shelf: &mut Shelf) {
        while let Some((token, packet)) = shelf.next(self.clock.now().wall) {
            match self.link.send(token, packet).await {
                Ok(()) => drop(self.metrics.published.inc()),
                Err(error) => {
                    let topic = shelf.settled(token);
                    self.metrics.publish_refused.inc();
                    warn!("{} is not published: {error}", topic.unwrap_or_default());
                    return;
                }
            }
        }
        let (kept, waiting, _) = shelf.figures();
        self.metrics.kept.set(i64::try_from(kept).unwrap_or(i64::MAX));
        self.metrics.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// Takes all that is there at once, so that one turn of the loop serves many.
    fn publish(&mut self, first: Outgoing, shelf: &mut Shelf) {
        shelf.put(first);
        while shelf.has_room() {
            let Ok(next) = self.outgoing.try_recv() else { break };
            shelf.put(next);
        }
    }

    async fn up(&mut self, shelf: &mut Shelf) {
        info!("link to the broker is up");
        shelf.link_up();
        let filter = Topic::uplink_filter(&self.tenant);
        if let Err(error) = self.link.subscribe(SUBSCRIPTION, vec![filter]).await {
            warn!("subscription: {error}");
        }
    }

    /// Devices are heard from the moment the broker grants the subscription, and not before.
    fn settled(&self, shelf: &mut Shelf, token: u64, refused: Option<Refusal>) {
        let topic = shelf.settled(token);
        match refused {
            Some(refused) => {
                self.metrics.publish_refused.inc();
                let what = topic.as_deref().unwrap_or("the subscription");
                warn!("broker refused {what}: {refused}");
            }
            None if token == SUBSCRIPTION => {
                self.metrics.link_up.set(1);
                self.life.send_replace(Some(self.clock.now().wall));
            }
            None => {}
        }
    }

    fn down(&self, shelf: &mut Shelf, reason: &str) {
        if self.life.send_replace(None).is_some() {
            warn!("link to the broker is down: {reason}");
            self.metrics.link_lost.inc();
        }
        self.metrics.link_up.set(0);
        shelf.link_down();
    }

    fn time(&self) -> Outgoing {
        let now = self.clock.now().wall;
        let packet =
            Outgoing::seal(&self.tenant, &Topic::Time, "gulou.time.v1", now, b"{}".to_vec());
        Outgoing::Answer(Packet { expiry: Some(TIME_EXPIRY), ..packet })
    }
}

/// The next event of the link, once the intake has room for it. Cancel safe.
async fn hear(link: &mut Link, intake: &mpsc::Sender<Arrived>) -> LinkEvent {
    // The permit is given back at once; the wire is the only sender, so the room stays.
    let _ = intake.reserve().await;
    link.next().await
}

/// There is room: [`hear`] only reads from the link when the intake has some.
async fn pass(intake: &mpsc::Sender<Arrived>, packet: Packet) {
    if intake.send(Arrived { packet, at: now() }).await.is_err() {
        warn!("the intake has ended; a packet is dropped");
    }
}

fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[expect(clippy::disallowed_methods, reason = "the wire is a shell and owns its clock")]
fn now() -> Instant {
    Instant::now()
}
