//! The platform in virtual time: its cores, its store and a link, without its sockets and clocks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use platform::boards::{Boards, Effect, Event};
use platform::feeds::{gtfs, gtfs_rt};
use platform::intake::uplink::{self, Uplink};
use platform::publish::{Outgoing, Shelf};
use platform::store::Store;
use platform::store::batch::Batch;
use sync::link::{Link, LinkEvent};
use sync::{Acks, Moment, Mono, Packet, Tenant, Topic, Unknown};

/// How often it looks at its feed.
const POLL_EVERY: Duration = Duration::from_secs(5);
/// How often it says the time.
const TIME_EVERY: Duration = Duration::from_secs(30);
/// Between two attempts to reach the broker.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Centre {
    link: Link,
    store: Store,
    tenant: Tenant,
    shelf: Shelf,
    boards: Boards,
    connect_at: Option<Mono>,
    poll_at: Mono,
    time_at: Mono,
}

impl Centre {
    /// Starts it with what its database holds.
    pub(crate) async fn open(
        folder: &Path,
        tenant: Tenant,
        link: Link,
        now: Moment,
        zip: &[u8],
    ) -> Centre {
        let store =
            Store::open(&format!("sqlite:{}", folder.join("platform.db").display())).await.unwrap();
        let mut centre = Centre {
            link,
            store,
            tenant,
            shelf: Shelf::default(),
            boards: Boards::new(),
            connect_at: Some(now.mono),
            poll_at: now.mono,
            time_at: now.mono,
        };
        centre.tell(now, Event::Network(Arc::new(gtfs::load(zip).unwrap())));
        centre
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn next_deadline(&self) -> Mono {
        self.connect_at.unwrap_or(Mono::NEVER).min(self.poll_at).min(self.time_at)
    }

    /// Does what is due; `feed` is what its feed serves at this moment.
    pub(crate) fn tick(&mut self, now: Moment, feed: &[u8]) {
        if self.connect_at.is_some_and(|at| at <= now.mono) {
            self.connect_at = None;
            self.link.connect(None);
        }
        if self.poll_at <= now.mono {
            self.poll_at = now.mono + POLL_EVERY;
            self.tell(now, Event::Trips(gtfs_rt::parse(feed).unwrap()));
        }
        if self.time_at <= now.mono {
            self.time_at = now.mono + TIME_EVERY;
            self.answer(now.wall, &Topic::Time, "gulou.time.v1", b"{}".to_vec());
        }
    }

    /// Handles everything that is there; `false` when there was nothing.
    pub(crate) async fn turn(&mut self, now: Moment) -> bool {
        let mut batch = Vec::new();
        let mut busy = false;
        while let Some(event) = self.link.try_next() {
            busy = true;
            match event {
                LinkEvent::Up { .. } => {
                    self.shelf.link_up();
                    let filter = Topic::uplink_filter(&self.tenant);
                    self.link.subscribe(0, vec![filter]).await.unwrap();
                }
                LinkEvent::Down { .. } => {
                    self.shelf.link_down();
                    self.connect_at = Some(now.mono + RETRY);
                }
                LinkEvent::Settled { token, .. } => drop(self.shelf.settled(token)),
                LinkEvent::Packet(packet) => batch.push(packet),
            }
        }
        if !batch.is_empty() {
            self.absorb(now, &batch).await;
        }
        while let Some((token, packet)) = self.shelf.next(now.wall) {
            busy = true;
            if self.link.send(token, packet).await.is_err() {
                break;
            }
        }
        busy
    }

    fn tell(&mut self, now: Moment, event: Event) {
        for Effect::Publish(board) in self.boards.handle(now.wall, event) {
            let topic = Topic::Board(board.stop.clone());
            let payload = serde_json::to_vec(&board).unwrap();
            let packet = Outgoing::seal(&self.tenant, &topic, "gulou.board.v1", now.wall, payload);
            self.shelf.put(Outgoing::Keep { packet, expires: Some(board.expires) });
        }
    }

    async fn absorb(&mut self, now: Moment, packets: &[Packet]) {
        let mut batch = Batch::default();
        for packet in packets {
            match uplink::parse(packet, &self.tenant) {
                Ok(Some(Uplink::Reported(reported))) => batch.reported.push(reported),
                Ok(Some(Uplink::Presence(device, presence))) => {
                    batch.presences.push((device, presence));
                }
                Ok(Some(Uplink::Sync(device, vector))) => batch.syncs.push((device, vector)),
                Ok(_) => {}
                Err(refused) => panic!("a device of ours sent nonsense: {refused:?}"),
            }
        }
        let absorbed = self.store.absorb(&batch, now.wall).await.unwrap();
        for (device, acks) in absorbed.acks {
            let acks = Acks { acks: acks.into_values().collect(), unknown: Unknown::new() };
            let payload = serde_json::to_vec(&acks).unwrap();
            self.answer(now.wall, &Topic::Ack(device), "gulou.acks.v1", payload);
        }
    }

    fn answer(&mut self, now: Timestamp, topic: &Topic, kind: &str, payload: Vec<u8>) {
        let packet = Outgoing::seal(&self.tenant, topic, kind, now, payload);
        self.shelf.put(Outgoing::Answer(packet));
    }
}
