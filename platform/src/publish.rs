//! What goes out: answers once, and a shelf of everything that stands retained on the broker.
//!
//! The shelf is whole, so a broker may forget everything: on every new link all of it goes out again,
//! as fast as the broker settles it and with what is left of each expiry.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use sync::{Packet, Tenant, Topic};

/// Most packets whose fate at the broker is open; it paces a full republication.
const WINDOW: usize = 256;
/// Most answers that wait; beyond it whoever answers waits.
const ANSWERS_MAX: usize = 4096;

/// Something to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// Said once; worth nothing when the link is down.
    Answer(Packet),
    /// Stands retained on its topic until `expires`, in place of what stood there.
    Keep {
        /// The message; `retain` and `expiry` are set here.
        packet: Packet,
        /// After this nobody may read it; `None` stands for good.
        expires: Option<Timestamp>,
    },
}

impl Outgoing {
    /// A packet of the platform on `topic`.
    pub fn seal(
        tenant: &Tenant,
        topic: &Topic,
        kind: &str,
        now: Timestamp,
        payload: Vec<u8>,
    ) -> Packet {
        let envelope = sync::Envelope {
            id: uuid::Uuid::now_v7().to_string(),
            source: "platform".to_owned(),
            kind: kind.to_owned(),
            time: now,
            origin: None,
        };
        envelope.seal(topic.format(tenant), payload)
    }
}

/// Core of publishing; its owner sends what [`Shelf::next`] gives and tells how it fared.
#[derive(Debug, Default)]
pub struct Shelf {
    up: bool,
    kept: HashMap<String, Kept>,
    /// Topics of `kept` that must go out, each once, oldest first.
    waiting: VecDeque<String>,
    answers: VecDeque<Packet>,
    /// Topics of sends that are not settled yet, by token.
    open: BTreeMap<u64, String>,
    token: u64,
}

#[derive(Debug)]
struct Kept {
    packet: Packet,
    expires: Option<Timestamp>,
    waiting: bool,
}

impl Shelf {
    /// Takes something to publish. A newer message on a topic replaces one that still waits.
    pub fn put(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Answer(packet) if self.up => self.answers.push_back(packet),
            Outgoing::Answer(_) => {}
            Outgoing::Keep { packet, expires } => {
                let topic = packet.topic.clone();
                let waiting = self.kept.get(&topic).is_some_and(|kept| kept.waiting);
                if self.up && !waiting {
                    self.waiting.push_back(topic.clone());
                }
                self.kept.insert(topic, Kept { packet, expires, waiting: self.up });
            }
        }
    }

    /// Whether more answers may be put.
    pub fn has_room(&self) -> bool {
        self.answers.len() < ANSWERS_MAX
    }

    /// A new link: nobody knows what its broker remembers, so everything goes out again.
    pub fn link_up(&mut self) {
        self.link_down();
        self.up = true;
        self.waiting.extend(self.kept.keys().cloned());
        self.kept.values_mut().for_each(|kept| kept.waiting = true);
    }

    /// No link: answers are void, devices will ask again.
    pub fn link_down(&mut self) {
        self.up = false;
        self.waiting.clear();
        self.answers.clear();
        self.open.clear();
        self.kept.values_mut().for_each(|kept| kept.waiting = false);
    }

    /// The broker took a packet or refused it; gives the topic.
    pub fn settled(&mut self, token: u64) -> Option<String> {
        self.open.remove(&token)
    }

    /// The next packet to send, answers first, while the window is open.
    pub fn next(&mut self, now: Timestamp) -> Option<(u64, Packet)> {
        if !self.up || self.open.len() >= WINDOW {
            return None;
        }
        let packet = self.answers.pop_front().or_else(|| self.next_kept(now))?;
        self.token += 1;
        self.open.insert(self.token, packet.topic.clone());
        Some((self.token, packet))
    }

    fn next_kept(&mut self, now: Timestamp) -> Option<Packet> {
        while let Some(topic) = self.waiting.pop_front() {
            let Some(kept) = self.kept.get_mut(&topic) else { continue };
            kept.waiting = false;
            let left = kept.expires.map(|expires| Duration::try_from(expires.duration_since(now)));
            match left {
                // MQTT counts whole seconds, and zero would say "never".
                Some(Ok(left)) if left.as_secs() >= 1 => {
                    return Some(Packet {
                        retain: true,
                        expiry: Some(left),
                        ..kept.packet.clone()
                    });
                }
                None => return Some(Packet { retain: true, expiry: None, ..kept.packet.clone() }),
                Some(_) => {
                    self.kept.remove(&topic);
                }
            }
        }
        None
    }

    /// How many messages stand, how many of them wait, and how many sends are open.
    pub fn figures(&self) -> (usize, usize, usize) {
        (self.kept.len(), self.waiting.len(), self.open.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn keep(topic: &str, payload: &'static str, expires: i64) -> Outgoing {
        let packet = Packet { topic: topic.into(), payload: payload.into(), ..Packet::default() };
        Outgoing::Keep { packet, expires: Some(at(expires)) }
    }

    fn sent(shelf: &mut Shelf, now: Timestamp) -> Vec<String> {
        let packets = std::iter::from_fn(|| shelf.next(now));
        packets
            .map(|(_, packet)| {
                format!("{} {}", packet.topic, String::from_utf8_lossy(&packet.payload))
            })
            .collect()
    }

    #[test]
    fn a_new_link_gets_everything_again_with_what_is_left_of_its_expiry() {
        let mut shelf = Shelf::default();
        shelf.put(keep("s1", "a", 600));
        assert_eq!(sent(&mut shelf, at(0)), Vec::<String>::new(), "no link yet");
        shelf.link_up();
        assert_eq!(sent(&mut shelf, at(0)), ["s1 a"]);
        shelf.link_down();
        shelf.link_up();
        let (_, again) = shelf.next(at(590)).unwrap();
        assert_eq!(again.expiry, Some(Duration::from_secs(10)));
        assert!(again.retain);
    }

    #[test]
    fn what_has_expired_is_not_said_again() {
        let mut shelf = Shelf::default();
        shelf.put(keep("s1", "a", 600));
        shelf.link_up();
        assert_eq!(sent(&mut shelf, at(600)), Vec::<String>::new());
        assert_eq!(shelf.figures(), (0, 0, 0));
    }

    #[test]
    fn a_newer_board_replaces_the_one_that_waits_and_answers_go_first() {
        let mut shelf = Shelf::default();
        shelf.link_up();
        shelf.put(keep("s1", "old", 600));
        shelf.put(keep("s1", "new", 600));
        shelf.put(Outgoing::Answer(Packet { topic: "ack".into(), ..Packet::default() }));
        assert_eq!(sent(&mut shelf, at(0)), ["ack ", "s1 new"]);
    }

    #[derive(Debug, Clone)]
    enum Op {
        Keep(u8),
        Answer,
        Up,
        Down,
        Next,
        Settle,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..4_u8).prop_map(Op::Keep),
            Just(Op::Answer),
            Just(Op::Up),
            Just(Op::Down),
            Just(Op::Next),
            Just(Op::Settle),
        ]
    }

    proptest! {
        /// Whatever happens, a broker that forgot everything holds every newest message at the end.
        #[test]
        fn after_any_history_a_new_broker_ends_up_with_every_newest_message(ops in prop::collection::vec(op(), 0..80)) {
            let (mut shelf, mut newest) = (Shelf::default(), BTreeMap::new());
            let mut open = Vec::new();
            for (step, op) in ops.into_iter().enumerate() {
                match op {
                    Op::Keep(stop) => {
                        let payload = step.to_string();
                        newest.insert(stop.to_string(), payload.clone());
                        let packet = Packet { topic: stop.to_string(), payload: payload.into(), ..Packet::default() };
                        shelf.put(Outgoing::Keep { packet, expires: None });
                    }
                    Op::Answer => shelf.put(Outgoing::Answer(Packet::default())),
                    Op::Up => shelf.link_up(),
                    Op::Down => shelf.link_down(),
                    Op::Next => open.extend(shelf.next(at(0)).map(|(token, _)| token)),
                    Op::Settle => open.pop().into_iter().for_each(|token| drop(shelf.settled(token))),
                }
                let (kept, waiting, open) = shelf.figures();
                prop_assert!(waiting <= kept && open <= WINDOW);
            }
            shelf.link_up();
            let mut broker = BTreeMap::new();
            while let Some((token, packet)) = shelf.next(at(0)) {
                broker.insert(packet.topic, String::from_utf8_lossy(&packet.payload).into_owned());
                shelf.settled(token);
            }
            prop_assert_eq!(broker, newest);
        }
    }
}
