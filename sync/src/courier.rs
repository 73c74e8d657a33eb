//! What every appliance embeds to talk with the platform: link, session, outbox and ledger as one.
//!
//! It has no clock and no task of its own. A shell drives it:
//!
//! ```no_run
//! # async fn shell(mut courier: sync::Courier, clock: sync::Clock) -> Result<(), sync::CourierError> {
//! loop {
//!     let deadline = courier.next_deadline().since(clock.now().mono);
//!     let incoming = tokio::select! {
//!         event = courier.next() => courier.handle(clock.now(), event).await?,
//!         () = sleep(deadline) => courier.tick(clock.now()).await?,
//!     };
//!     for message in incoming { /* a Board, a Command, … */ }
//! }
//! # }
//! # async fn sleep(_: std::time::Duration) {}
//! ```

mod incoming;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;

use crate::Unknown;
use crate::alert::Alerts;
use crate::board::Board;
use crate::command::{Command, CommandState};
use crate::envelope::Envelope;
use crate::ledger::{Change, Ledger, LedgerError, Receipt};
use crate::link::{Link, LinkError, LinkEvent};
use crate::moment::{Moment, Mono};
use crate::name::{DeviceId, StopId, Tenant};
use crate::outbox::{Draft, Limits, Outbox, OutboxError, Stats};
use crate::packet::Packet;
use crate::presence::{Presence, PresenceState};
use crate::session::{self, Effect, Session};
use crate::stream::{StreamState, SyncVector};
use crate::topic::Topic;
use incoming::Parsed;

/// Most faults that are remembered for people; the oldest goes first.
const FAULTS_MAX: usize = 8;

/// Who the device is, and what it wants to hear.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whose street it stands in.
    pub tenant: Tenant,
    /// Its name.
    pub device: DeviceId,
    /// What it is: `sign`, `terminal`, `speaker`, `guide`, `pole`.
    pub role: String,
    /// Version of its software.
    pub software: String,
    /// The stop it stands at.
    pub stop: Option<StopId>,
    /// Capabilities that the platform may rely on.
    pub capabilities: Vec<String>,
    /// Areas whose alerts it hears.
    pub areas: Vec<String>,
    /// Stops whose boards it hears.
    pub boards: Vec<StopId>,
    /// Where `outbox.db` lives.
    pub folder: PathBuf,
    /// How large the outbox may grow.
    pub limits: Limits,
    /// Random per start: it spreads reconnects, and names the boot.
    pub seed: u64,
}

/// What the shell is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// All that is known about a stop.
    Board(Board),
    /// All alerts in force in an area.
    Alerts(Alerts),
    /// To be carried out: say [`CommandState::Running`] to [`Courier::finish`] before it acts.
    Command(Command),
    /// A content manifest.
    Content(Packet),
    /// The answer to a certificate request.
    Certificate(Packet),
    /// The platform's clock.
    Time(Packet),
    /// The link went up or down.
    Link(LinkState),
    /// Something arrived that nobody can read; the last good state stays.
    Refused {
        /// Where it came from.
        topic: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Whether the broker is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It is.
    Up,
    /// It is not.
    Down,
}

/// Why the courier can't go on with what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// The disk side.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The wire side.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The life of a command.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// One device's connection with the platform.
#[derive(Debug)]
pub struct Courier {
    config: Config,
    link: Link,
    session: Session,
    outbox: Outbox,
    ledger: Ledger,
    boot_id: String,
    /// Number of the session that is up, or being tried.
    number: u64,
    link_state: LinkState,
    /// Version of the active manifest of each content channel.
    content: BTreeMap<String, u64>,
    /// What the shell is told at the next occasion.
    told: Vec<Incoming>,
    refused: u64,
    faults: Vec<String>,
}

impl Courier {
    /// Opens the outbox and takes up the ledger. Nothing is sent before the first [`Self::tick`].
    pub async fn open(config: Config, link: Link, now: Moment) -> Result<Self, CourierError> {
        let boot_id = format!("{:016x}", config.seed);
        let mut outbox = Outbox::open(&config.folder, config.limits, &boot_id, now).await?;
        let entries = outbox.entries().await?;
        let (ledger, change, again) = Ledger::load(entries, &boot_id, now);
        let mut courier = Self {
            session: Session::new(config.seed, now.mono),
            told: again.into_iter().map(Incoming::Command).collect(),
            config,
            link,
            outbox,
            ledger,
            boot_id,
            number: 0,
            link_state: LinkState::Down,
            content: BTreeMap::new(),
            refused: 0,
            faults: Vec::new(),
        };
        courier.write(now, change).await?;
        courier.look(now).await?;
        Ok(courier)
    }

    /// The next event of the link, for [`Self::handle`]. Cancel safe.
    pub async fn next(&mut self) -> LinkEvent {
        self.link.next().await
    }

    /// The next event of the link, where there is one already.
    pub fn try_next(&mut self) -> Option<LinkEvent> {
        self.link.try_next()
    }

    /// Takes an event of the link, and does what follows from it.
    pub async fn handle(
        &mut self,
        now: Moment,
        event: LinkEvent,
    ) -> Result<Vec<Incoming>, CourierError> {
        match event {
            LinkEvent::Up { .. } => {
                self.link_state = LinkState::Up;
                self.told.push(Incoming::Link(LinkState::Up));
                self.step(now, session::Event::Up).await?;
            }
            LinkEvent::Down { reason } => {
                self.fault(format!("link: {reason}"));
                if self.link_state == LinkState::Up {
                    self.link_state = LinkState::Down;
                    self.told.push(Incoming::Link(LinkState::Down));
                }
                self.step(now, session::Event::Down).await?;
            }
            LinkEvent::Settled { token, refused: None } => self.session.settled(token),
            LinkEvent::Settled { token, refused: Some(refusal) } => {
                self.step(now, session::Event::Refused { token, refusal }).await?;
            }
            LinkEvent::Packet(packet) => self.packet(now, packet).await?,
        }
        self.look(now).await?;
        Ok(std::mem::take(&mut self.told))
    }

    /// Does what is due.
    pub async fn tick(&mut self, now: Moment) -> Result<Vec<Incoming>, CourierError> {
        self.step(now, session::Event::Tick).await?;
        self.look(now).await?;
        Ok(std::mem::take(&mut self.told))
    }

    /// When [`Self::tick`] is wanted at the latest.
    pub fn next_deadline(&self) -> Mono {
        if self.told.is_empty() { self.session.next_deadline() } else { Mono(0) }
    }

    /// Writes events down and sends them on their way. Durable on return: all in one commit.
    pub async fn post(&mut self, now: Moment, drafts: Vec<Draft>) -> Result<(), OutboxError> {
        self.outbox.post(now, drafts).await?;
        // What is written is safe; why it can't be sent now is told by the link itself.
        if let Err(error) = self.look(now).await {
            self.fault(error.to_string());
        }
        Ok(())
    }

    /// Takes a command one step further, durably, and says where it stands now.
    ///
    /// A command that is to run but has expired becomes [`CommandState::Expired`]: it must not act.
    pub async fn finish(
        &mut self,
        now: Moment,
        id: &str,
        state: CommandState,
        detail: &str,
    ) -> Result<CommandState, CourierError> {
        let (change, state) = self.ledger.step(now, id, state, detail)?;
        self.write(now, change).await?;
        if let Err(error) = self.look(now).await {
            self.fault(error.to_string());
        }
        Ok(state)
    }

    /// Sends something that is no event of a stream, such as a certificate request.
    ///
    /// It is lost when the link breaks; whoever needs an answer asks again.
    pub async fn send(
        &mut self,
        now: Moment,
        topic: Topic,
        kind: &str,
        payload: impl Into<Bytes>,
    ) -> Result<(), LinkError> {
        let token = self.session.token();
        let envelope = Envelope {
            id: format!("{}-{token}", self.boot_id),
            source: self.config.device.as_str().to_owned(),
            kind: kind.to_owned(),
            time: now.wall,
            origin: None,
        };
        let packet = envelope.seal(topic.format(&self.config.tenant), payload);
        self.link.send(token, packet).await
    }

    /// Notes which manifest of a content channel is active, for the next sync vector.
    pub fn set_content(&mut self, channel: &str, version: u64) {
        self.content.insert(channel.to_owned(), version);
    }

    /// Whether the broker is connected.
    pub fn link_state(&self) -> LinkState {
        self.link_state
    }

    /// How far each stream has come, here and at the platform.
    pub fn streams(&self) -> BTreeMap<String, StreamState> {
        self.outbox.streams()
    }

    /// How full the outbox is.
    pub fn stats(&self) -> Stats {
        self.outbox.stats()
    }

    /// How many packets nobody could read.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// What went wrong lately, for people.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Says goodbye and closes the outbox.
    pub async fn close(mut self, now: Moment) {
        if self.link_state == LinkState::Up {
            let presence = self.presence(now, PresenceState::Offline);
            let token = self.session.token();
            if self.link.send(token, presence).await.is_ok() {
                self.link.disconnect().await;
            }
        }
        self.outbox.close().await;
    }

    async fn packet(&mut self, now: Moment, packet: Packet) -> Result<(), CourierError> {
        let left = packet.expiry;
        match incoming::parse(&self.config, packet) {
            Parsed::Acks(acks) => self.step(now, session::Event::Acks(acks)).await?,
            Parsed::Command(command) => match self.ledger.receive(now, command, left) {
                Receipt::Known => {}
                Receipt::Refused(change) => self.write(now, change).await?,
                Receipt::Accepted(change, command) => {
                    self.write(now, change).await?;
                    self.told.push(Incoming::Command(command));
                }
            },
            Parsed::Told(incoming) => {
                // A retained word may be older than the platform's last end.
                if matches!(&incoming, Incoming::Time(packet) if !packet.retain) {
                    self.step(now, session::Event::Alive).await?;
                }
                self.refused += u64::from(matches!(incoming, Incoming::Refused { .. }));
                self.told.push(incoming);
            }
            Parsed::Nothing => {}
        }
        Ok(())
    }

    /// Writes a change of the ledger down, and only then takes it over.
    async fn write(&mut self, now: Moment, change: Change) -> Result<(), OutboxError> {
        let written = self.outbox.record(now, change.drafts.clone(), change.entries.clone());
        written.await?;
        self.ledger.apply(change);
        Ok(())
    }

    /// Tells the session where the streams stand, and sends what it wants.
    async fn look(&mut self, now: Moment) -> Result<(), CourierError> {
        let streams = self.outbox.streams();
        self.step(now, session::Event::Streams(streams)).await?;
        while let Some(want) = self.session.wants() {
            let rows = self.outbox.read(&want.stream, want.after, want.rows, want.bytes).await?;
            if rows.is_empty() {
                self.session.drained(&want.stream);
            }
            for row in rows {
                let token = self.session.sent(now.mono, &want.stream, row.key.seq, row.bytes());
                let packet = row.packet(&self.config.tenant, &self.config.device);
                match self.link.send(token, packet).await {
                    Ok(()) => {}
                    // Its event is under way; everything is sent again after the next connect.
                    Err(LinkError::Down) => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    async fn step(&mut self, now: Moment, event: session::Event) -> Result<(), CourierError> {
        let mut free = BTreeMap::new();
        for effect in self.session.handle(now.mono, event) {
            match effect {
                Effect::Connect => {
                    self.number = self.outbox.next_session().await;
                    let will = self.presence(now, PresenceState::Offline);
                    self.link.connect(Some(will));
                }
                Effect::Disconnect => self.link.disconnect().await,
                Effect::Greet => self.greet(now).await?,
                Effect::Sync => self.sync(now).await?,
                Effect::Free { stream, upto } => {
                    free.insert(stream, upto);
                }
                Effect::Quarantine { stream, seq, reason } => {
                    self.fault(format!("row {seq} of {stream} is left out: {reason}"));
                    self.outbox.quarantine(&stream, seq, &reason).await?;
                }
                Effect::RaiseEpoch(above) => {
                    self.fault("the platform knows another outbox of this device".to_owned());
                    self.outbox.raise_epoch(above).await?;
                }
                Effect::Surface(fault) => self.fault(fault),
            }
        }
        if !free.is_empty() {
            match self.outbox.ack(&free).await {
                // The rows stay a while longer; the session knows that they are acked.
                Err(OutboxError::Disk(reason)) => self.fault(reason),
                result => result?,
            }
        }
        Ok(())
    }

    async fn greet(&mut self, now: Moment) -> Result<(), CourierError> {
        let Config { tenant, device, areas, boards, .. } = &self.config;
        let mut filters = vec![Topic::downlink_filter(tenant, device), Topic::Time.format(tenant)];
        filters.extend(boards.iter().map(|stop| Topic::Board(stop.clone()).format(tenant)));
        filters.extend(areas.iter().map(|area| Topic::Alerts(area.clone()).format(tenant)));
        let birth = self.presence(now, PresenceState::Online);
        let (first, second) = (self.session.token(), self.session.token());
        lenient(self.link.subscribe(first, filters).await)?;
        lenient(self.link.send(second, birth).await)?;
        Ok(())
    }

    async fn sync(&mut self, now: Moment) -> Result<(), CourierError> {
        let vector = SyncVector {
            streams: self.outbox.streams(),
            content: self.content.clone(),
            unknown: Unknown::new(),
        };
        let payload = serde_json::to_vec(&vector).expect("a sync vector has string keys only");
        let topic = Topic::Sync(self.config.device.clone());
        lenient(self.send(now, topic, "gulou.sync.v1", payload).await)?;
        Ok(())
    }

    fn presence(&self, now: Moment, state: PresenceState) -> Packet {
        let Config { tenant, device, role, software, stop, capabilities, .. } = &self.config;
        let presence = Presence {
            state,
            session: self.number,
            boot_id: self.boot_id.clone(),
            role: role.clone(),
            software: software.clone(),
            stop: stop.clone(),
            capabilities: capabilities.clone(),
            unknown: Unknown::new(),
        };
        let envelope = Envelope {
            id: format!("presence-{}-{state:?}", self.number),
            source: device.as_str().to_owned(),
            kind: "gulou.presence.v1".to_owned(),
            time: now.wall,
            origin: None,
        };
        let payload = serde_json::to_vec(&presence).expect("a presence has string keys only");
        let topic = Topic::Presence(device.clone()).format(tenant);
        Packet { retain: true, ..envelope.seal(topic, payload) }
    }

    fn fault(&mut self, fault: String) {
        tracing::warn!(device = %self.config.device, "{fault}");
        if self.faults.last() == Some(&fault) {
            return;
        }
        if self.faults.len() >= FAULTS_MAX {
            self.faults.remove(0);
        }
        self.faults.push(fault);
    }
}

/// A link that broke says so itself; until then nothing else is wrong.
fn lenient(result: Result<(), LinkError>) -> Result<(), LinkError> {
    match result {
        Err(LinkError::Down) => Ok(()),
        result => result,
    }
}
