use proptest::prelude::*;

use super::*;
use crate::cursor::{Accept, Cursor};

const EVENTS: &str = "events";

/// A session with an outbox of numbers, a wire that may lose everything, and a platform.
struct World {
    now: Mono,
    session: Session,
    epoch: u64,
    last: u64,
    freed: u64,
    gaps: Vec<u64>,
    /// On their way to the platform: rows, and sync vectors as `None`.
    uplink: VecDeque<Option<(u64, u64)>>,
    /// On their way to the device.
    downlink: VecDeque<Ack>,
    cursor: Cursor,
    applied: Vec<u64>,
    broken: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            now: Mono(0),
            session: Session::new(seed, Mono(0)),
            epoch: 5,
            last: 0,
            freed: 0,
            gaps: Vec::new(),
            uplink: VecDeque::new(),
            downlink: VecDeque::new(),
            cursor: Cursor::default(),
            applied: Vec::new(),
            broken: false,
        }
    }

    fn handle(&mut self, event: Event) {
        for effect in self.session.handle(self.now, event) {
            match effect {
                Effect::Connect if !self.broken => self.handle(Event::Up),
                Effect::Connect => self.handle(Event::Down),
                Effect::Sync => self.uplink.push_back(None),
                Effect::Free { upto, .. } => {
                    assert!(upto <= self.cursor.last, "freed {upto}, {:?} is durable", self.cursor);
                    self.freed = self.freed.max(upto);
                }
                Effect::Quarantine { seq, .. } => self.gaps.push(seq),
                Effect::RaiseEpoch(above) => panic!("raised above {above} for no reason"),
                Effect::Greet | Effect::Disconnect | Effect::Surface(_) => {}
            }
        }
        self.send();
        self.session.check_invariants();
    }

    fn send(&mut self) {
        let state = StreamState { epoch: self.epoch, last: self.last, acked: self.freed };
        if self.last > 0 {
            let streams = BTreeMap::from([(EVENTS.to_owned(), state)]);
            for effect in self.session.handle(self.now, Event::Streams(streams)) {
                assert_eq!(effect, Effect::Sync);
                self.uplink.push_back(None);
            }
        }
        while let Some(want) = self.session.wants() {
            for seq in (want.after + 1..=self.last).take(want.rows) {
                let token = self.session.sent(self.now, EVENTS, seq, 100);
                self.uplink.push_back(Some((seq, token)));
            }
        }
    }

    fn post(&mut self, count: u64) {
        self.last += count;
        self.send();
    }

    /// The platform takes what arrived first.
    fn platform(&mut self) {
        match self.uplink.pop_front() {
            None => {}
            Some(None) => {
                let state = StreamState { epoch: self.epoch, last: self.last, acked: self.freed };
                self.downlink.push_back(self.cursor.answer(EVENTS, state));
            }
            Some(Some((seq, token))) => {
                self.session.settled(token);
                let accept = self.cursor.accept(self.epoch, seq, None);
                if matches!(accept, Accept::Apply | Accept::NewEpoch) {
                    self.applied.push(seq);
                }
                self.downlink.push_back(self.cursor.ack(EVENTS, accept == Accept::Missing));
            }
        }
    }

    fn device(&mut self) {
        if let Some(ack) = self.downlink.pop_front() {
            self.handle(Event::Acks(vec![ack]));
        }
    }

    fn down(&mut self) {
        self.uplink.clear();
        self.downlink.clear();
        self.handle(Event::Down);
    }

    fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        while self.now < end {
            self.now =
                self.session.next_deadline().max(self.now + Duration::from_millis(1)).min(end);
            self.handle(Event::Tick);
        }
    }

    /// Mends everything and waits until the platform has it all.
    fn finish(&mut self) {
        self.broken = false;
        for _ in 0..100_000 {
            if self.freed == self.last {
                break;
            }
            if self.uplink.is_empty() && self.downlink.is_empty() {
                self.advance(Duration::from_secs(1));
            }
            self.platform();
            self.device();
        }
        assert_eq!(self.freed, self.last);
        assert!(self.applied.iter().copied().eq(1..=self.last), "{:?}", self.applied);
    }
}

#[test]
fn it_connects_within_a_second_and_greets_before_it_syncs() {
    let mut session = Session::new(3, Mono(0));
    let due = session.next_deadline();
    assert!(due <= Mono(1000));
    assert_eq!(session.handle(due, Event::Tick), [Effect::Connect]);
    assert_eq!(session.handle(due, Event::Up), [Effect::Greet, Effect::Sync]);
}

#[test]
fn failures_are_followed_by_longer_waits_up_to_a_minute() {
    let mut session = Session::new(3, Mono(0));
    let mut waits = Vec::new();
    for _ in 0..200 {
        let now = session.next_deadline();
        session.handle(now, Event::Tick);
        session.handle(now, Event::Down);
        waits.push(session.next_deadline().since(now));
    }
    assert!(waits[1] <= Duration::from_secs(2) && waits[2] <= Duration::from_secs(4));
    assert!(waits.iter().all(|&wait| wait <= BACKOFF_MAX));
    let late = waits[100..].iter().sum::<Duration>() / 100;
    assert!((20..40).contains(&late.as_secs()), "full jitter averages half a minute: {late:?}");
}

#[test]
fn an_attempt_that_says_nothing_is_given_up() {
    let mut session = Session::new(3, Mono(0));
    session.handle(Mono(1000), Event::Tick);
    assert_eq!(session.next_deadline(), Mono(61_000));
    assert_eq!(session.handle(Mono(61_000), Event::Tick), [Effect::Disconnect]);
    assert!(!session.is_up());
}

#[test]
fn nothing_is_sent_before_the_platform_said_where_it_stands() {
    let mut world = World::new(1);
    world.post(10);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.uplink, [None]);
    world.cursor = Cursor { epoch: 5, last: 7 };
    world.platform();
    world.device();
    let sent: Vec<u64> = world.uplink.iter().flatten().map(|&(seq, _)| seq).collect();
    assert_eq!(sent, [8, 9, 10], "what the platform has is not sent again");
}

#[test]
fn a_silent_platform_is_asked_again_ever_more_rarely() {
    let mut world = World::new(1);
    world.post(1);
    world.advance(Duration::from_hours(1));
    let asked = world.uplink.len();
    assert!((15..30).contains(&asked), "{asked} times in an hour");
}

#[test]
fn a_platform_that_is_back_is_asked_within_two_seconds_and_once() {
    let mut world = World::new(1);
    world.post(1);
    world.advance(Duration::from_mins(30));
    world.uplink.clear();
    for _ in 0..3 {
        world.handle(Event::Alive);
    }
    world.advance(Duration::from_secs(2));
    assert_eq!(world.uplink, [None]);
    world.finish();
    world.handle(Event::Alive);
    world.advance(Duration::from_hours(1));
    assert!(world.uplink.is_empty(), "nobody asks who waits for nothing");
}

#[test]
fn the_window_opens_with_every_ack() {
    let mut world = World::new(1);
    world.advance(Duration::from_secs(1));
    world.post(5000);
    assert_eq!(world.uplink.len(), WINDOW_MIN + 1);
    for _ in 0..=WINDOW_MIN {
        world.platform();
    }
    while !world.downlink.is_empty() {
        world.device();
    }
    assert_eq!(world.uplink.len(), WINDOW_MAX);
}

#[test]
fn a_hole_is_filled_without_waiting() {
    let mut world = World::new(1);
    world.advance(Duration::from_secs(1));
    world.post(1);
    world.platform();
    world.device();
    world.post(3);
    world.uplink.clear();
    world.post(1);
    world.platform();
    world.device();
    let sent: Vec<u64> = world.uplink.iter().flatten().map(|&(seq, _)| seq).collect();
    let next = world.cursor.last + 1;
    assert_eq!(sent, (next..=5).collect::<Vec<u64>>());
}

#[test]
fn a_row_that_no_broker_takes_is_quarantined_alone() {
    let mut world = World::new(1);
    world.advance(Duration::from_secs(1));
    world.post(3);
    let token = world.uplink.iter().flatten().find(|row| row.0 == 2).unwrap().1;
    world.handle(Event::Refused { token, refusal: Refusal::TooLarge });
    assert_eq!(world.gaps, [2]);
}

#[test]
fn a_platform_with_a_newer_epoch_makes_the_device_move_above_it() {
    let mut world = World::new(1);
    world.post(3);
    world.advance(Duration::from_secs(1));
    let ack = Ack { stream: EVENTS.into(), epoch: 9, upto: 2, resend: false };
    assert_eq!(world.session.handle(world.now, Event::Acks(vec![ack])), [Effect::RaiseEpoch(9)]);
}

/// What can happen to a session.
#[derive(Debug, Clone)]
enum Op {
    Post(u64),
    Platform(u8),
    Device(u8),
    LoseUplink,
    LoseDownlink,
    Cut,
    Heal,
    /// The process of the device starts again with what is on its disk.
    Reboot,
    RefuseNext,
    Advance(u32),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1_u64..80).prop_map(Op::Post),
        8 => any::<u8>().prop_map(Op::Platform),
        8 => any::<u8>().prop_map(Op::Device),
        2 => Just(Op::LoseUplink),
        2 => Just(Op::LoseDownlink),
        1 => Just(Op::Cut),
        2 => Just(Op::Heal),
        1 => Just(Op::Reboot),
        1 => Just(Op::RefuseNext),
        4 => (1_u32..100_000).prop_map(Op::Advance),
    ]
}

proptest! {
    #[test]
    fn whatever_the_wire_does_every_event_is_applied_once(
        seed: u64,
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut world = World::new(seed);
        for op in ops {
            match op {
                Op::Post(count) => world.post(count),
                Op::Platform(count) => (0..count).for_each(|_| world.platform()),
                Op::Device(count) => (0..count).for_each(|_| world.device()),
                Op::LoseUplink => drop(world.uplink.pop_front()),
                Op::LoseDownlink => drop(world.downlink.pop_front()),
                Op::Cut => {
                    world.broken = true;
                    world.down();
                }
                Op::Heal => world.broken = false,
                Op::Reboot => {
                    world.uplink.clear();
                    world.downlink.clear();
                    world.session = Session::new(seed ^ 1, world.now);
                    world.send();
                }
                Op::RefuseNext => {
                    if let Some(Some((_, token))) = world.uplink.pop_front() {
                        world.handle(Event::Refused { token, refusal: Refusal::Quota });
                    }
                }
                Op::Advance(by_ms) => world.advance(Duration::from_millis(by_ms.into())),
            }
            world.session.check_invariants();
        }
        world.finish();
    }
}
