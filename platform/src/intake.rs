//! Makes durable what devices say, and only then answers.
//!
//! Packets are gathered for a moment and written in one transaction. While one batch is on its way to
//! the disk the next one gathers, so the busier it gets the larger the batches are.
//! A database that fails stops everything here; nothing is acked, and devices keep what they have.

pub mod judge;
pub mod uplink;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sync::{Ack, Acks, Clock, DeviceId, Tenant, Topic, Unknown};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::fleet::Request;
use crate::metrics::Metrics;
use crate::news::{News, Press};
use crate::publish::Outgoing;
use crate::store::Store;
use crate::store::batch::{Absorbed, Batch};
use crate::wire::Arrived;
use uplink::Uplink;

/// Most packets of one transaction.
const BATCH_MAX: usize = 2048;
/// How long the first packet of a batch waits for company; far below the 50 ms an ack may take.
const GATHER: Duration = Duration::from_millis(5);
/// Between two attempts to write a batch.
const RETRY: Duration = Duration::from_millis(500);

/// Shell of the intake.
#[derive(Debug)]
pub struct Intake {
    /// Where events go.
    pub store: Store,
    /// Whose devices are heard.
    pub tenant: Tenant,
    /// What arrives.
    pub packets: mpsc::Receiver<Arrived>,
    /// Where answers go.
    pub outgoing: mpsc::Sender<Outgoing>,
    /// Who answers what is not about events.
    pub fleet: mpsc::Sender<Request>,
    /// Told what is new.
    pub press: Press,
    /// Told when submissions are owed.
    pub owed: Arc<Notify>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Clock of the process.
    pub clock: Clock,
}

impl Intake {
    /// Runs until the wire ends or `stop`; what was taken is finished first.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut arrived = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                count = self.packets.recv_many(&mut arrived, BATCH_MAX) => if count == 0 { return },
                () = stop.cancelled() => return,
            }
            self.gather(&mut arrived).await;
            let (batch, requests) = self.read(&arrived);
            let Some(absorbed) = self.absorb(&batch, &stop).await else { return };
            self.count(&absorbed, &arrived);
            for device in absorbed.news {
                self.press.tell(News::Device(device));
            }
            if absorbed.submissions > 0 {
                self.owed.notify_one();
            }
            self.answer(absorbed.acks).await;
            for request in requests {
                let _ = self.fleet.send(request).await;
            }
            arrived.clear();
        }
    }

    /// Waits a moment for more.
    async fn gather(&mut self, arrived: &mut Vec<Arrived>) {
        let end = now() + GATHER;
        while arrived.len() < BATCH_MAX {
            let room = BATCH_MAX - arrived.len();
            match timeout_at(end, self.packets.recv_many(arrived, room)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    fn read(&self, arrived: &[Arrived]) -> (Batch, Vec<Request>) {
        let (mut batch, mut requests) = (Batch::default(), Vec::new());
        for Arrived { packet, .. } in arrived {
            match uplink::parse(packet, &self.tenant) {
                Ok(Some(Uplink::Reported(reported))) => batch.reported.push(reported),
                Ok(Some(Uplink::Presence(device, presence))) => {
                    batch.presences.push((device, presence));
                }
                Ok(Some(Uplink::Sync(device, vector))) => {
                    requests.push(Request::Sync(device.clone()));
                    batch.syncs.push((device, vector));
                }
                Ok(Some(Uplink::Csr(device, csr))) => requests.push(Request::Csr(device, csr)),
                Ok(None) => {}
                Err(refused) => {
                    self.metrics.refused.get_or_create(&[("reason", refused.name())]).inc();
                    debug!("{} refused: {}", packet.topic, refused.name());
                }
            }
        }
        (batch, requests)
    }

    /// Writes a batch, however long it takes; `None` when the platform stops meanwhile.
    async fn absorb(&self, batch: &Batch, stop: &CancellationToken) -> Option<Absorbed> {
        loop {
            match self.store.absorb(batch, self.clock.now().wall).await {
                Ok(absorbed) => return Some(absorbed),
                Err(error) => {
                    self.metrics.store_errors.inc();
                    error!("{error}; trying again, nothing is acked meanwhile");
                }
            }
            if tokio::time::timeout(RETRY, stop.cancelled()).await.is_ok() {
                return None;
            }
        }
    }

    fn count(&self, absorbed: &Absorbed, arrived: &[Arrived]) {
        let metrics = &self.metrics;
        metrics.events.inc_by(absorbed.applied);
        metrics.quarantined.inc_by(absorbed.poison);
        metrics.duplicates.inc_by(absorbed.duplicates);
        metrics.early.inc_by(absorbed.early);
        metrics.forgotten.inc_by(absorbed.forgotten);
        if absorbed.forgotten > 0 {
            warn!(
                "devices hold acks for {} events that this database never saw: was it set back?",
                absorbed.forgotten
            );
        }
        metrics
            .last_commit
            .set(u64::try_from(self.clock.now().wall.as_second()).unwrap_or_default());
        let now = now();
        for Arrived { at, .. } in arrived {
            metrics.answered.observe((now - *at).as_secs_f64());
        }
    }

    async fn answer(&self, acks: BTreeMap<DeviceId, BTreeMap<String, Ack>>) {
        let now = self.clock.now().wall;
        for (device, acks) in acks {
            let acks = Acks { acks: acks.into_values().collect(), unknown: Unknown::new() };
            let payload = serde_json::to_vec(&acks).expect("acks have string keys only");
            let packet =
                Outgoing::seal(&self.tenant, &Topic::Ack(device), "gulou.acks.v1", now, payload);
            let _ = self.outgoing.send(Outgoing::Answer(packet)).await;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the intake is a shell and measures how long answers take"
)]
fn now() -> Instant {
    Instant::now()
}
