//! A broker in memory: the same promises as a real one, in virtual time, with a plug to pull.
//!
//! It keeps retained messages until their expiry, matches wildcards, takes over sessions, and
//! publishes wills: at once when a client's process ends, after 30 s when its wire is cut.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Link, LinkError, LinkEvent, Refusal, UNHEARD_MAX};
use crate::moment::Mono;
use crate::packet::{PAYLOAD_MAX, Packet};

/// How long a silent client counts as connected: one and a half keep-alives (MQTT 5, §3.1.2.10).
const SILENCE: Duration = Duration::from_secs(30);

/// A broker in memory. Clones are the same broker.
#[derive(Debug, Clone, Default)]
pub struct LoopbackBroker(Arc<Mutex<Broker>>);

#[derive(Debug, Default)]
struct Broker {
    now: Mono,
    stopped: bool,
    retained: BTreeMap<String, Retained>,
    clients: BTreeMap<String, Client>,
    dropped: u64,
}

#[derive(Debug)]
struct Retained {
    packet: Packet,
    expires: Mono,
}

/// One client, connected or not.
#[derive(Debug, Default)]
struct Client {
    cut: bool,
    refuses: Option<Refusal>,
    connection: Option<Connection>,
    inbox: VecDeque<LinkEvent>,
    bell: Arc<Notify>,
}

/// The broker's end of a connection.
#[derive(Debug)]
struct Connection {
    will: Option<Packet>,
    filters: Vec<String>,
    /// Set while the wire is cut and the broker has not noticed.
    gone_at: Option<Mono>,
}

/// One client's end of a [`LoopbackBroker`].
#[derive(Debug)]
pub struct Loopback {
    broker: LoopbackBroker,
    client: String,
    bell: Arc<Notify>,
}

impl LoopbackBroker {
    /// A broker that knows nothing, at time zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// A link of the client `client`, not connected yet.
    pub fn link(&self, client: &str) -> Link {
        let bell = Arc::clone(&self.lock().clients.entry(client.to_owned()).or_default().bell);
        Link::Loopback(Loopback { broker: self.clone(), client: client.to_owned(), bell })
    }

    /// Moves the broker's clock; messages expire and silent clients are given up.
    pub fn set_now(&self, now: Mono) {
        let mut broker = self.lock();
        broker.now = now;
        broker.retained.retain(|_, retained| now < retained.expires);
        let silent = |(name, client): (&String, &Client)| {
            let gone_at = client.connection.as_ref()?.gone_at?;
            (now.since(gone_at) >= SILENCE).then(|| name.clone())
        };
        let silent: Vec<String> = broker.clients.iter().filter_map(silent).collect();
        for name in silent {
            broker.end(&name);
        }
    }

    /// Cuts the wire of `client`: it goes down and can't come back until [`Self::heal`].
    pub fn cut(&self, client: &str) {
        let mut broker = self.lock();
        let now = broker.now;
        let client = broker.clients.entry(client.to_owned()).or_default();
        client.cut = true;
        if let Some(connection) = &mut client.connection
            && connection.gone_at.is_none()
        {
            connection.gone_at = Some(now);
            client.down("the wire is cut");
        }
    }

    /// Mends the wire of `client`; the client notices when it next connects.
    pub fn heal(&self, client: &str) {
        self.lock().clients.entry(client.to_owned()).or_default().cut = false;
    }

    /// Makes the broker refuse whatever `client` publishes, or take it again.
    pub fn refuse(&self, client: &str, refusal: Option<Refusal>) {
        self.lock().clients.entry(client.to_owned()).or_default().refuses = refusal;
    }

    /// Stops the broker; retained messages are on its disk.
    pub fn stop(&self) {
        let mut broker = self.lock();
        broker.stopped = true;
        for client in broker.clients.values_mut() {
            if client.connection.take().is_some_and(|connection| connection.gone_at.is_none()) {
                client.down("the broker stopped");
            }
        }
    }

    /// Starts the broker again.
    pub fn start(&self) {
        self.lock().stopped = false;
    }

    /// Stops the broker, wipes its disk and starts it again.
    pub fn forget_everything(&self) {
        self.stop();
        let mut broker = self.lock();
        broker.retained.clear();
        broker.stopped = false;
    }

    /// What a subscriber to `topic` would hear at once.
    pub fn retained(&self, topic: &str) -> Option<Packet> {
        let broker = self.lock();
        broker.retained.get(topic).map(|retained| retained.left(broker.now))
    }

    /// How many deliveries were dropped because a client did not read.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Broker> {
        // Nothing panics half-way through a change, so a poisoned broker is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    fn publish(&mut self, packet: &Packet) {
        if packet.retain {
            if packet.payload.is_empty() {
                self.retained.remove(&packet.topic);
            } else {
                let expires = packet.expiry.map_or(Mono::NEVER, |expiry| self.now + expiry);
                self.retained
                    .insert(packet.topic.clone(), Retained { packet: packet.clone(), expires });
            }
        }
        for client in self.clients.values_mut() {
            let Some(connection) =
                client.connection.as_ref().filter(|connection| connection.gone_at.is_none())
            else {
                continue;
            };
            if connection.filters.iter().any(|filter| matches(filter, &packet.topic)) {
                self.dropped += client.deliver(Packet { retain: false, ..packet.clone() });
            }
        }
    }

    /// Ends the connection of a client as one that broke.
    fn end(&mut self, client: &str) {
        let connection = self.clients.get_mut(client).and_then(|client| client.connection.take());
        if let Some(will) = connection.and_then(|connection| connection.will) {
            self.publish(&will);
        }
    }
}

impl Retained {
    fn left(&self, now: Mono) -> Packet {
        let expiry = self.packet.expiry.map(|_| self.expires.since(now));
        Packet { retain: true, expiry, ..self.packet.clone() }
    }
}

impl Client {
    fn hear(&mut self, event: LinkEvent) {
        self.inbox.push_back(event);
        self.bell.notify_one();
    }

    /// Like a real broker, drops what does not fit; says how many that were.
    fn deliver(&mut self, packet: Packet) -> u64 {
        if self.inbox.len() >= UNHEARD_MAX {
            return 1;
        }
        self.hear(LinkEvent::Packet(packet));
        0
    }

    fn down(&mut self, reason: &str) {
        self.hear(LinkEvent::Down { reason: reason.to_owned() });
    }
}

impl Loopback {
    pub(super) fn connect(&self, will: Option<Packet>) {
        let mut broker = self.broker.lock();
        let stopped = broker.stopped;
        let client = broker.client(&self.client);
        client.inbox.clear();
        if stopped || client.cut {
            return client.down("no broker answers");
        }
        broker.end(&self.client);
        let client = broker.client(&self.client);
        client.connection = Some(Connection { will, filters: Vec::new(), gone_at: None });
        client.hear(LinkEvent::Up { session_present: false });
    }

    pub(super) fn disconnect(&self) {
        let mut broker = self.broker.lock();
        let client = broker.client(&self.client);
        if client.connection.take().is_some() {
            client.down("disconnected");
        }
    }

    pub(super) async fn next(&self) -> LinkEvent {
        loop {
            if let Some(event) = self.try_next() {
                return event;
            }
            self.bell.notified().await;
        }
    }

    pub(super) fn try_next(&self) -> Option<LinkEvent> {
        self.broker.lock().client(&self.client).inbox.pop_front()
    }

    pub(super) fn send(&self, token: u64, packet: Packet) -> Result<(), LinkError> {
        let mut broker = self.broker.lock();
        let client = broker.open_client(&self.client)?;
        if packet.topic.is_empty() || packet.topic.contains(['+', '#', '\0']) {
            return Err(LinkError::Topic(packet.topic));
        }
        let too_large = (packet.payload.len() > PAYLOAD_MAX).then_some(Refusal::TooLarge);
        let refused = client.refuses.clone().or(too_large);
        client.hear(LinkEvent::Settled { token, refused: refused.clone() });
        if refused.is_none() {
            broker.publish(&packet);
        }
        Ok(())
    }

    pub(super) fn subscribe(&self, token: u64, filters: &[String]) -> Result<(), LinkError> {
        let mut broker = self.broker.lock();
        let now = broker.now;
        let client = broker.open_client(&self.client)?;
        client.hear(LinkEvent::Settled { token, refused: None });
        let connection = client.connection.as_mut().expect("an open client has a connection");
        connection.filters.extend(filters.iter().cloned());
        let wanted = |topic: &str| filters.iter().any(|filter| matches(filter, topic));
        let retained = broker.retained.iter().filter(|(topic, _)| wanted(topic));
        let retained: Vec<Packet> = retained.map(|(_, retained)| retained.left(now)).collect();
        for packet in retained {
            let dropped = broker.client(&self.client).deliver(packet);
            broker.dropped += dropped;
        }
        Ok(())
    }
}

impl Broker {
    fn client(&mut self, name: &str) -> &mut Client {
        self.clients.get_mut(name).expect("a link's client is entered when the link is made")
    }

    /// The client, when its wire is whole and it reads what it is told.
    fn open_client(&mut self, name: &str) -> Result<&mut Client, LinkError> {
        let client = self.client(name);
        let open =
            client.connection.as_ref().is_some_and(|connection| connection.gone_at.is_none());
        if !open {
            return Err(LinkError::Down);
        }
        if client.inbox.len() >= UNHEARD_MAX { Err(LinkError::Unheard) } else { Ok(client) }
    }
}

impl Drop for Loopback {
    /// A process that ends closes its socket, which a whole wire tells the broker at once.
    fn drop(&mut self) {
        let mut broker = self.broker.lock();
        let client = broker.client(&self.client);
        client.inbox.clear();
        if client.connection.as_ref().is_some_and(|connection| connection.gone_at.is_none()) {
            broker.end(&self.client);
        }
    }
}

/// Whether `filter` covers `topic` (MQTT 5, §4.7).
fn matches(filter: &str, topic: &str) -> bool {
    let mut topic = topic.split('/');
    for level in filter.split('/') {
        match (level, topic.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (level, Some(name)) if level == name => {}
            _ => return false,
        }
    }
    topic.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "gulou/1/gulou/public/board/S1";

    fn packet(topic: &str, payload: &'static str) -> Packet {
        Packet { topic: topic.into(), payload: payload.into(), ..Packet::default() }
    }

    fn retained(topic: &str, payload: &'static str) -> Packet {
        Packet { retain: true, ..packet(topic, payload) }
    }

    async fn up(broker: &LoopbackBroker, client: &str, filters: &[&str]) -> Link {
        let mut link = broker.link(client);
        link.connect(Some(retained("presence", "gone")));
        assert_eq!(link.next().await, LinkEvent::Up { session_present: false });
        link.subscribe(0, filters.iter().map(|&filter| filter.to_owned()).collect()).await.unwrap();
        assert_eq!(link.next().await, LinkEvent::Settled { token: 0, refused: None });
        link
    }

    /// The payloads that wait on a link.
    fn heard(link: &mut Link) -> Vec<String> {
        let mut payloads = Vec::new();
        while let Some(event) = link.try_next() {
            if let LinkEvent::Packet(packet) = event {
                payloads.push(String::from_utf8(packet.payload.to_vec()).unwrap());
            }
        }
        payloads
    }

    #[test]
    fn filters_match_as_the_standard_says() {
        for (filter, topic, matched) in [
            ("a/+/c", "a/b/c", true),
            ("a/+", "a/b/c", false),
            ("a/#", "a/b/c", true),
            ("a/#", "a", true),
            ("#", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/b/c", "a/b", false),
            ("a/+", "a", false),
        ] {
            assert_eq!(matches(filter, topic), matched, "{filter} {topic}");
        }
    }

    #[tokio::test]
    async fn a_late_subscriber_hears_what_was_retained_until_it_expires() {
        let broker = LoopbackBroker::new();
        let mut platform = up(&broker, "platform", &[]).await;
        let board = Packet { expiry: Some(Duration::from_mins(1)), ..retained(TOPIC, "board") };
        platform.send(1, board).await.unwrap();
        broker.set_now(Mono(20_000));

        let mut sign = up(&broker, "sign-7", &["gulou/1/gulou/public/#"]).await;
        let Some(LinkEvent::Packet(packet)) = sign.try_next() else { panic!("nothing retained") };
        assert!(packet.retain);
        assert_eq!(packet.expiry, Some(Duration::from_secs(40)));

        broker.set_now(Mono(60_000));
        assert_eq!(heard(&mut up(&broker, "sign-8", &["#"]).await), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_cut_wire_is_noticed_late_and_the_will_speaks() {
        let broker = LoopbackBroker::new();
        let mut platform = up(&broker, "platform", &["presence"]).await;
        let mut sign = up(&broker, "sign-7", &[]).await;
        broker.cut("sign-7");
        assert!(matches!(sign.next().await, LinkEvent::Down { .. }));
        assert_eq!(sign.send(1, packet(TOPIC, "x")).await, Err(LinkError::Down));
        assert_eq!(heard(&mut platform), Vec::<String>::new());

        broker.set_now(Mono(30_000));
        assert_eq!(heard(&mut platform), ["gone"]);
    }

    #[tokio::test]
    async fn whoever_reconnects_first_is_declared_gone_first() {
        let broker = LoopbackBroker::new();
        let mut platform = up(&broker, "platform", &["presence"]).await;
        let mut sign = up(&broker, "sign-7", &[]).await;
        broker.cut("sign-7");
        broker.heal("sign-7");
        sign.connect(None);
        assert_eq!(sign.next().await, LinkEvent::Up { session_present: false });
        assert_eq!(heard(&mut platform), ["gone"]);
    }

    #[tokio::test]
    async fn a_goodbye_is_no_death_but_a_dropped_process_is() {
        let broker = LoopbackBroker::new();
        let mut platform = up(&broker, "platform", &["presence"]).await;
        up(&broker, "sign-7", &[]).await.disconnect().await;
        assert_eq!(heard(&mut platform), Vec::<String>::new());
        drop(up(&broker, "sign-7", &[]).await);
        assert_eq!(heard(&mut platform), ["gone"]);
    }

    #[tokio::test]
    async fn a_broker_that_forgets_everything_takes_everyone_down() {
        let broker = LoopbackBroker::new();
        let mut sign = up(&broker, "sign-7", &["#"]).await;
        sign.send(1, retained(TOPIC, "board")).await.unwrap();
        broker.forget_everything();
        assert_eq!(broker.retained(TOPIC), None);
        assert_eq!(heard(&mut sign), ["board"]);
        sign.connect(None);
        assert_eq!(sign.next().await, LinkEvent::Up { session_present: false });
        assert_eq!(heard(&mut sign), Vec::<String>::new(), "its subscriptions are forgotten too");
    }

    #[tokio::test]
    async fn a_refused_packet_reaches_nobody() {
        let broker = LoopbackBroker::new();
        let mut sign = up(&broker, "sign-7", &["#"]).await;
        broker.refuse("sign-7", Some(Refusal::Quota));
        sign.send(9, packet(TOPIC, "x")).await.unwrap();
        assert_eq!(
            sign.next().await,
            LinkEvent::Settled { token: 9, refused: Some(Refusal::Quota) }
        );
        assert_eq!(sign.try_next(), None);
    }
}
