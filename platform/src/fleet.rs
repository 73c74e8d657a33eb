//! Answers devices in everything but events: open commands, content, certificates.

use std::sync::Arc;

use bytes::Bytes;
use sync::{Clock, Command, DeviceId, Tenant, Topic};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::enrolment::Enrolment;
use crate::publish::Outgoing;
use crate::store::{Store, StoreError};

/// Requests that wait; beyond it the intake waits.
pub const REQUESTS_MAX: usize = 1024;

/// What a device asks for, or what is to be told to it.
#[derive(Debug)]
pub enum Request {
    /// It connected: what has it missed?
    Sync(DeviceId),
    /// It wants a new certificate: the payload of its request.
    Csr(DeviceId, Bytes),
}

/// Shell of the fleet's desk.
#[derive(Debug)]
pub struct Fleet {
    /// Commands and devices.
    pub store: Store,
    /// Signs certificates.
    pub enrolment: Arc<Enrolment>,
    /// Whose devices these are.
    pub tenant: Tenant,
    /// What is asked.
    pub requests: mpsc::Receiver<Request>,
    /// Where answers go.
    pub outgoing: mpsc::Sender<Outgoing>,
    /// Clock of the process.
    pub clock: Clock,
}

impl Fleet {
    /// Runs until nobody can ask any more, or `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let request = tokio::select! {
                request = self.requests.recv() => request,
                () = stop.cancelled() => return,
            };
            let answered = match request {
                None => return,
                Some(Request::Sync(device)) => self.sync(&device).await,
                Some(Request::Csr(device, csr)) => {
                    self.certify(&device, &csr).await;
                    Ok(())
                }
            };
            if let Err(error) = answered {
                error!("{error}");
            }
        }
    }

    async fn sync(&self, device: &DeviceId) -> Result<(), StoreError> {
        let now = self.clock.now().wall;
        for command in self.store.open_commands(device, now).await? {
            let _ = self.outgoing.send(order(&self.tenant, device, &command, now)).await;
        }
        Ok(())
    }

    async fn certify(&self, device: &DeviceId, csr: &[u8]) {
        let now = self.clock.now().wall;
        let answer = self.enrolment.renew(device, csr, now).await;
        let payload = serde_json::to_vec(&answer).expect("an answer has string keys only");
        let topic = Topic::Certificate(device.clone());
        let packet = Outgoing::seal(&self.tenant, &topic, "gulou.certificate.v1", now, payload);
        let _ = self.outgoing.send(Outgoing::Answer(packet)).await;
    }
}

/// A command on its way.
pub fn order(
    tenant: &Tenant,
    device: &DeviceId,
    command: &Command,
    now: jiff::Timestamp,
) -> Outgoing {
    let payload = serde_json::to_vec(command).expect("a command has string keys only");
    let packet =
        Outgoing::seal(tenant, &Topic::Command(device.clone()), "gulou.order.v1", now, payload);
    let left = command.expires.duration_since(now);
    Outgoing::Answer(sync::Packet { expiry: left.try_into().ok(), ..packet })
}
