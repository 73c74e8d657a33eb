//! Answers devices in everything but events: open commands, content, certificates.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::ToSpan as _;
use jiff::civil::Date;
use sync::content::timetable_path;
use sync::{Clock, Command, DeviceId, Packet, Tenant, Topic};
use tokio::sync::{mpsc, watch};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::enrolment::Enrolment;
use crate::library::{Library, LibraryError};
use crate::network::Network;
use crate::publish::Outgoing;
use crate::store::fleet::Device;
use crate::store::{Store, StoreError};
use crate::timetable::extract;

/// How far ahead a sign's timetable reaches, from the Monday of this week: five weeks without the platform.
const DAYS: u16 = 35;
/// Requests that wait; beyond it the intake waits.
pub const REQUESTS_MAX: usize = 1024;

/// Between two looks at whether timetables still reach far enough ahead.
const LOOK_EVERY: Duration = Duration::from_hours(6);
/// Devices that are read from the store at a time.
const PAGE: u32 = 500;

/// What a device asks for, or what is to be told to it.
#[derive(Debug)]
pub enum Request {
    /// It connected: what has it missed?
    Sync(DeviceId),
    /// It wants a new certificate: the payload of its request.
    Csr(DeviceId, Bytes),
    /// What it shall have may be something else now.
    Content(DeviceId),
    /// It was given up.
    Removed(DeviceId),
}

/// Shell of the fleet's desk.
#[derive(Debug)]
pub struct Fleet {
    /// Commands and devices.
    pub store: Store,
    /// Signs certificates.
    pub enrolment: Arc<Enrolment>,
    /// Signs and keeps content.
    pub library: Arc<Library>,
    /// The timetable in use.
    pub network: watch::Receiver<Option<Arc<Network>>>,
    /// Whose devices these are.
    pub tenant: Tenant,
    /// What is asked.
    pub requests: mpsc::Receiver<Request>,
    /// Where answers go.
    pub outgoing: mpsc::Sender<Outgoing>,
    /// Clock of the process.
    pub clock: Clock,
}

/// Everything that can happen at the desk.
enum Event {
    Request(Request),
    Timetables,
}

/// Why a device does not get what it shall have.
#[derive(Debug, thiserror::Error)]
enum FleetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Library(#[from] LibraryError),
}

impl Fleet {
    /// Runs until nobody can ask any more, or `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        if let Err(error) = self.published().await {
            error!("{error}");
        }
        let mut look = interval(LOOK_EVERY);
        loop {
            let event = tokio::select! {
                Some(request) = self.requests.recv() => Event::Request(request),
                Ok(()) = self.network.changed() => Event::Timetables,
                _ = look.tick() => Event::Timetables,
                () = stop.cancelled() => return,
            };
            let done = match event {
                Event::Request(Request::Sync(device)) => self.sync(&device).await,
                Event::Request(Request::Content(device)) => self.content_of(&device).await,
                Event::Request(Request::Removed(device)) => self.clear(&device).await,
                Event::Request(Request::Csr(device, csr)) => {
                    self.certify(&device, &csr).await;
                    Ok(())
                }
                Event::Timetables => self.timetables().await,
            };
            if let Err(error) = done {
                error!("{error}");
            }
        }
    }

    async fn sync(&self, device: &DeviceId) -> Result<(), FleetError> {
        let now = self.clock.now().wall;
        for command in self.store.open_commands(device, now).await? {
            let _ = self.outgoing.send(order(&self.tenant, device, &command, now)).await;
        }
        self.content_of(device).await
    }

    /// Puts on the shelf what was published before this start.
    async fn published(&self) -> Result<(), FleetError> {
        for packet in self.library.packets()? {
            self.keep(packet).await;
        }
        Ok(())
    }

    /// Gives every sign the timetable of its stop.
    async fn timetables(&self) -> Result<(), FleetError> {
        let mut after = String::new();
        loop {
            let devices = self.store.devices(&after, PAGE).await?;
            let Some(last) = devices.last() else { return Ok(()) };
            after = last.device.to_string();
            for device in &devices {
                self.content(device).await?;
            }
        }
    }

    async fn content_of(&self, device: &DeviceId) -> Result<(), FleetError> {
        match self.store.device(device).await? {
            Some(device) => self.content(&device).await,
            None => Ok(()),
        }
    }

    /// Signs and publishes what a device shall have; the same content is the same manifest.
    async fn content(&self, device: &Device) -> Result<(), FleetError> {
        let network = self.network.borrow().clone();
        let (Some(network), Some(stop)) = (network, device.stop.clone()) else { return Ok(()) };
        let (library, id, now) =
            (Arc::clone(&self.library), device.device.clone(), self.clock.now().wall);
        // Signing ends in synced writes, and an extract looks at every trip of the stop.
        let signed = tokio::task::spawn_blocking(move || {
            let Some(timetable) = extract(&network, &stop, monday(network.date_at(now)), DAYS)
            else {
                warn!("{id} stands at {stop}, which the timetable does not know");
                return Ok(None);
            };
            let json = serde_json::to_vec(&timetable).expect("a timetable has string keys only");
            library.publish(&id, &[(timetable_path(&stop), json)], now).map(Some)
        });
        match signed.await {
            Ok(Ok(Some(packet))) => self.keep(packet).await,
            Ok(Ok(None)) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(error) => error!("content of {}: {error}", device.device),
        }
        Ok(())
    }

    /// Takes back what stands retained about a device.
    async fn clear(&self, device: &DeviceId) -> Result<(), FleetError> {
        self.library.withdraw(device)?;
        let now = self.clock.now().wall;
        let empty =
            |topic: Topic| Outgoing::seal(&self.tenant, &topic, "gulou.none.v1", now, vec![]);
        self.keep(empty(Topic::Content(device.clone()))).await;
        // Once only: the shelf would say it again on the next link, when the device may be back.
        let presence = Packet { retain: true, ..empty(Topic::Presence(device.clone())) };
        let _ = self.outgoing.send(Outgoing::Answer(presence)).await;
        Ok(())
    }

    async fn keep(&self, packet: Packet) {
        let _ = self.outgoing.send(Outgoing::Keep { packet, expires: None }).await;
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
    Outgoing::Answer(Packet { expiry: left.try_into().ok(), ..packet })
}

/// The Monday of that week: an extract that starts there stays the same for a week.
fn monday(date: Date) -> Date {
    let since = date.weekday().to_monday_zero_offset();
    date.checked_sub(i64::from(since).days()).unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extract_starts_on_the_monday_of_its_week() {
        let day = |day| jiff::civil::date(2026, 11, day);
        assert_eq!([23, 25, 29, 30].map(|one| monday(day(one))), [23, 23, 23, 30].map(day));
    }
}
