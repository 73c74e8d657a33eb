//! When to connect, what to send next, and what to make of the answers.
//!
//! A core: it knows numbers of rows, not their content, and neither wire nor disk.
//! [`crate::courier`] performs what it asks for.
//!
//! After every connect, and after every doubt, the device sends its sync vector and waits for the
//! platform's acks: they say where each stream goes on. So a lost ack never makes a row be sent
//! twice in vain, and a platform that is down gets one small message from time to time.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::link::{PIPELINE_MAX, Refusal};
use crate::moment::Mono;
use crate::stream::{Ack, StreamState};

/// Longest wait before the first retry of a connection; it doubles with each failure.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
/// Longest wait between two attempts to connect.
const BACKOFF_MAX: Duration = Duration::from_mins(1);
/// An attempt to connect that says nothing for so long has failed.
const ATTEMPT_MAX: Duration = Duration::from_mins(1);

/// Shortest wait for an answer of the platform.
const ANSWER_MIN: Duration = Duration::from_secs(2);
/// Longest wait for an answer of the platform.
const ANSWER_MAX: Duration = Duration::from_mins(5);
/// A repeated wish for the same rows within this time is an echo of the first one.
const RESEND_PAUSE: Duration = Duration::from_secs(1);
/// A platform that is back is asked within this time, spread over all devices that wait for it.
const ALIVE_SPREAD: Duration = Duration::from_secs(2);
/// How long the broker is left alone after it refused a packet.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// Rows under way at the start; the window doubles with every ack and halves with every doubt.
const WINDOW_MIN: usize = 32;
/// Most rows under way; a platform that commits every 50 ms is fed 20,000 rows/s by it.
const WINDOW_MAX: usize = PIPELINE_MAX;
/// Most bytes under way on one stream, but for a single larger row.
const WINDOW_BYTES: u64 = 1 << 20;

/// What can happen to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The deadline is reached.
    Tick,
    /// The link is up.
    Up,
    /// The link is down.
    Down,
    /// The platform says what it has.
    Acks(Vec<Ack>),
    /// The platform says something else, so it is there.
    Alive,
    /// The broker did not take the packet sent under this token.
    Refused {
        /// As given out by [`Session::sent`].
        token: u64,
        /// Why.
        refusal: Refusal,
    },
    /// Where the streams of the outbox stand; told whenever they may have moved.
    Streams(BTreeMap<String, StreamState>),
}

/// What the courier must do next, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Count a new session, and connect with its will.
    Connect,
    /// Drop the connection: it says nothing.
    Disconnect,
    /// Subscribe and publish the birth.
    Greet,
    /// Send the sync vector.
    Sync,
    /// Free the rows up to and including this number.
    Free {
        /// The stream.
        stream: String,
        /// The highest number the platform has.
        upto: u64,
    },
    /// Put a gap in the place of a row that no broker takes.
    Quarantine {
        /// The stream.
        stream: String,
        /// The row.
        seq: u64,
        /// Why.
        reason: String,
    },
    /// The platform knows another outbox of this device: move to an epoch above this one.
    RaiseEpoch(u64),
    /// Tell people.
    Surface(String),
}

/// Rows to be read and sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The stream.
    pub stream: String,
    /// Rows after this number.
    pub after: u64,
    /// At most so many.
    pub rows: usize,
    /// And so many bytes, but for the first row.
    pub bytes: u64,
}

/// One connection after the other, and what is under way on it.
#[derive(Debug, Clone)]
pub struct Session {
    state: State,
    random: fastrand::Rng,
    failures: u32,
    flows: BTreeMap<String, Flow>,
    /// Rows under way by token.
    tokens: BTreeMap<u64, (String, u64)>,
    next_token: u64,
    rtt: Rtt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Until it tries again.
    Idle { until: Mono },
    /// Since it tries.
    Connecting { since: Mono },
    /// Connected since when, and when to ask the platform again.
    Up { since: Mono, answer_due: Mono },
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Flow {
    epoch: u64,
    last: u64,
    acked: u64,
    /// Highest number sent on this connection.
    sent: u64,
    /// Number, size and time of what is sent and not acked, in order.
    under_way: VecDeque<(u64, u64, Mono)>,
    window: usize,
    /// The platform said on this connection what it has.
    synced: bool,
    /// The broker refused its rows; it is left alone until then.
    paused_until: Option<Mono>,
    /// From which row it was last sent again, and when.
    went_back: Option<(u64, Mono)>,
}

/// Smoothed round trip from a row to its ack (RFC 6298, §2).
#[derive(Debug, Clone, Copy, Default)]
struct Rtt {
    smoothed: Option<Duration>,
    deviation: Duration,
    doublings: u32,
}

impl Session {
    /// Starts at `now`, with a first attempt within `BACKOFF_MIN`.
    pub fn new(seed: u64, now: Mono) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let until = now + jitter(&mut random, BACKOFF_MIN);
        Self {
            state: State::Idle { until },
            random,
            failures: 0,
            flows: BTreeMap::new(),
            tokens: BTreeMap::new(),
            next_token: 1,
            rtt: Rtt::default(),
        }
    }

    /// Whether the link is up.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// When [`Event::Tick`] is wanted at the latest.
    pub fn next_deadline(&self) -> Mono {
        match self.state {
            State::Idle { until } => until,
            State::Connecting { since } => since + ATTEMPT_MAX,
            State::Up { answer_due, .. } => {
                let paused = self.flows.values().filter_map(|flow| flow.paused_until).min();
                paused.unwrap_or(Mono::NEVER).min(self.answer_due(answer_due))
            }
        }
    }

    /// Takes the next event.
    pub fn handle(&mut self, now: Mono, event: Event) -> Vec<Effect> {
        match event {
            Event::Tick => self.tick(now),
            Event::Up => self.up(now),
            Event::Down => self.down(now),
            Event::Acks(acks) => self.acks(now, acks),
            Event::Alive => self.alive(now),
            Event::Refused { token, refusal } => self.refused(now, token, &refusal),
            Event::Streams(streams) => self.streams(now, &streams),
        }
    }

    /// What to read and send next; `None` while nothing may be sent.
    pub fn wants(&self) -> Option<Want> {
        if !self.is_up() {
            return None;
        }
        self.flows.iter().find_map(|(name, flow)| flow.wants(name))
    }

    /// Notes that a row is about to be sent, and gives it a token.
    pub fn sent(&mut self, now: Mono, stream: &str, seq: u64, bytes: u64) -> u64 {
        let token = self.token();
        if let Some(flow) = self.flows.get_mut(stream) {
            if flow.under_way.is_empty()
                && let State::Up { answer_due, .. } = &mut self.state
            {
                *answer_due = now + self.rtt.timeout();
            }
            flow.sent = seq;
            flow.under_way.push_back((seq, bytes, now));
            self.tokens.insert(token, (stream.to_owned(), seq));
        }
        token
    }

    /// Notes that the broker took the packet of this token. That frees nothing.
    pub fn settled(&mut self, token: u64) {
        self.tokens.remove(&token);
    }

    /// Notes that nothing is left to read of a stream, whatever its numbers said.
    pub fn drained(&mut self, stream: &str) {
        if let Some(flow) = self.flows.get_mut(stream) {
            flow.sent = flow.last;
        }
    }

    /// A token that belongs to no row.
    pub fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token - 1
    }

    fn tick(&mut self, now: Mono) -> Vec<Effect> {
        match self.state {
            State::Idle { until } if now >= until => {
                self.state = State::Connecting { since: now };
                vec![Effect::Connect]
            }
            State::Connecting { since } if now >= since + ATTEMPT_MAX => {
                let mut effects = vec![Effect::Disconnect];
                effects.extend(self.down(now));
                effects
            }
            State::Up { since, answer_due } => {
                for flow in self.flows.values_mut() {
                    flow.paused_until = flow.paused_until.filter(|&until| until > now);
                }
                if now < self.answer_due(answer_due) {
                    return Vec::new();
                }
                self.rtt.doublings += 1;
                self.flows.values_mut().for_each(Flow::doubt);
                self.sync(since, now)
            }
            _ => Vec::new(),
        }
    }

    fn up(&mut self, now: Mono) -> Vec<Effect> {
        let mut effects = vec![Effect::Greet];
        effects.extend(self.sync(now, now));
        effects
    }

    fn down(&mut self, now: Mono) -> Vec<Effect> {
        if let State::Up { since, .. } = self.state
            && now >= since + BACKOFF_MAX
        {
            self.failures = 0;
        }
        let longest = BACKOFF_MIN.saturating_mul(1 << self.failures.min(10)).min(BACKOFF_MAX);
        self.failures += 1;
        self.state = State::Idle { until: now + jitter(&mut self.random, longest) };
        self.tokens.clear();
        self.flows.values_mut().for_each(Flow::doubt);
        Vec::new()
    }

    fn sync(&mut self, since: Mono, now: Mono) -> Vec<Effect> {
        self.state = State::Up { since, answer_due: now + self.rtt.timeout() };
        vec![Effect::Sync]
    }

    /// The platform owes an answer while it was not heard, or while rows are under way.
    fn answer_due(&self, due: Mono) -> Mono {
        let owed = |flow: &Flow| !flow.synced || !flow.under_way.is_empty();
        if self.flows.values().any(owed) { due } else { Mono::NEVER }
    }

    fn acks(&mut self, now: Mono, acks: Vec<Ack>) -> Vec<Effect> {
        let State::Up { since, .. } = self.state else { return Vec::new() };
        let mut effects = Vec::new();
        for ack in acks {
            let Some(flow) = self.flows.get_mut(&ack.stream) else { continue };
            match flow.judge(&ack) {
                Verdict::Stale => continue,
                Verdict::Foreign => return vec![Effect::RaiseEpoch(ack.epoch)],
                Verdict::Good => {}
            }
            if ack.upto > flow.acked {
                if let Some(sent_at) = flow.advance(ack.upto) {
                    self.rtt.measure(now.since(sent_at));
                }
                effects.push(Effect::Free { stream: ack.stream, upto: ack.upto });
            }
            if ack.resend {
                flow.go_back(now);
            }
        }
        // An answer is an answer: what it doesn't mention is unknown to the platform.
        self.flows.values_mut().for_each(|flow| flow.synced = true);
        self.failures = 0;
        self.rtt.doublings = 0;
        self.state = State::Up { since, answer_due: now + self.rtt.timeout() };
        effects
    }

    /// Whoever gave up asking asks again soon.
    fn alive(&mut self, now: Mono) -> Vec<Effect> {
        if let State::Up { answer_due, .. } = &mut self.state
            && self.rtt.doublings > 0
        {
            self.rtt.doublings = 0;
            *answer_due = (*answer_due).min(now + jitter(&mut self.random, ALIVE_SPREAD));
        }
        Vec::new()
    }

    fn refused(&mut self, now: Mono, token: u64, refusal: &Refusal) -> Vec<Effect> {
        let Some((stream, seq)) = self.tokens.remove(&token) else {
            return vec![Effect::Surface(format!("the broker refused: {refusal}"))];
        };
        let Some(flow) = self.flows.get_mut(&stream).filter(|flow| seq > flow.acked) else {
            return Vec::new();
        };
        let was_sent = seq <= flow.sent;
        flow.restart();
        flow.paused_until = Some(now + REFUSED_PAUSE + jitter(&mut self.random, REFUSED_PAUSE));
        if *refusal == Refusal::TooLarge {
            return vec![Effect::Quarantine { stream, seq, reason: refusal.to_string() }];
        }
        // The rest of the same window is refused as well; one word about it is enough.
        if was_sent && *refusal != Refusal::Quota {
            return vec![Effect::Surface(format!(
                "stream {stream}: the broker refused: {refusal}"
            ))];
        }
        Vec::new()
    }

    fn streams(&mut self, now: Mono, streams: &BTreeMap<String, StreamState>) -> Vec<Effect> {
        let mut renumbered = false;
        for (name, state) in streams {
            match self.flows.get_mut(name) {
                Some(flow) if flow.epoch == state.epoch => flow.last = state.last,
                old => {
                    // A stream that is new since the answer needs none: the platform has nothing of it.
                    renumbered |= old.is_some();
                    let fresh = old.is_none() && state.acked == 0 && self.answered();
                    self.flows.insert(name.clone(), Flow::new(*state, fresh));
                }
            }
        }
        self.flows.retain(|name, _| streams.contains_key(name));
        match self.state {
            State::Up { since, .. } if renumbered => {
                self.tokens.clear();
                self.sync(since, now)
            }
            _ => Vec::new(),
        }
    }

    fn answered(&self) -> bool {
        self.is_up() && self.failures == 0 && self.flows.values().all(|flow| flow.synced)
    }

    /// Panics where the state contradicts itself; for tests.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        for (name, flow) in &self.flows {
            assert!(flow.acked <= flow.sent && flow.sent <= flow.last, "{name}: {flow:?}");
            assert!(flow.under_way.len() <= WINDOW_MAX, "{name}");
            let numbers: Vec<u64> = flow.under_way.iter().map(|&(seq, ..)| seq).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{name}: {numbers:?}");
            assert!(numbers.iter().all(|&seq| flow.acked < seq && seq <= flow.sent), "{name}");
            assert!(self.is_up() || flow.under_way.is_empty(), "{name}");
        }
    }
}

/// What an ack says about our outbox.
enum Verdict {
    Good,
    /// Of an epoch that is over.
    Stale,
    /// The platform knows rows that we never wrote, or lost rows that we have freed.
    Foreign,
}

impl Flow {
    fn new(state: StreamState, synced: bool) -> Self {
        Self {
            epoch: state.epoch,
            last: state.last,
            acked: state.acked,
            sent: state.acked,
            under_way: VecDeque::new(),
            window: WINDOW_MIN,
            synced,
            paused_until: None,
            went_back: None,
        }
    }

    fn wants(&self, name: &str) -> Option<Want> {
        let bytes: u64 = self.under_way.iter().map(|&(_, bytes, _)| bytes).sum();
        let rows = self.window.saturating_sub(self.under_way.len());
        let open = self.synced && self.paused_until.is_none() && self.sent < self.last;
        let room = rows > 0 && (bytes < WINDOW_BYTES || self.under_way.is_empty());
        (open && room).then(|| Want {
            stream: name.to_owned(),
            after: self.sent,
            rows,
            bytes: WINDOW_BYTES.saturating_sub(bytes),
        })
    }

    fn judge(&self, ack: &Ack) -> Verdict {
        let lost = ack.upto < self.acked && (!self.synced || ack.resend);
        if ack.epoch < self.epoch {
            Verdict::Stale
        } else if ack.epoch > self.epoch || ack.upto > self.last || lost {
            Verdict::Foreign
        } else {
            Verdict::Good
        }
    }

    /// Moves on to `upto`; says when the last row that it frees was sent, if on this connection.
    fn advance(&mut self, upto: u64) -> Option<Mono> {
        self.acked = upto;
        self.sent = self.sent.max(upto);
        let mut sent_at = None;
        while let Some(&(seq, _, at)) = self.under_way.front()
            && seq <= upto
        {
            sent_at = Some(at);
            self.under_way.pop_front();
        }
        self.window = (self.window * 2).min(WINDOW_MAX);
        sent_at
    }

    fn go_back(&mut self, now: Mono) {
        if self.went_back.is_some_and(|(from, at)| from == self.acked && now < at + RESEND_PAUSE) {
            return;
        }
        self.went_back = Some((self.acked, now));
        self.restart();
    }

    /// Everything after the last ack is to be sent again.
    fn restart(&mut self) {
        self.sent = self.acked;
        self.under_way.clear();
        self.window = (self.window / 2).max(WINDOW_MIN);
    }

    /// Nothing is certain until the platform says where it stands.
    fn doubt(&mut self) {
        self.restart();
        self.synced = false;
    }
}

impl Rtt {
    fn measure(&mut self, sample: Duration) {
        let Some(smoothed) = self.smoothed else {
            (self.smoothed, self.deviation) = (Some(sample), sample / 2);
            return;
        };
        self.deviation = (self.deviation * 3 + smoothed.abs_diff(sample)) / 4;
        self.smoothed = Some((smoothed * 7 + sample) / 8);
    }

    fn timeout(self) -> Duration {
        let base = self.smoothed.unwrap_or(ANSWER_MIN) + self.deviation * 4;
        let doubled = base.max(ANSWER_MIN).saturating_mul(1 << self.doublings.min(10));
        doubled.min(ANSWER_MAX)
    }
}

/// Full jitter: anything up to `longest`, so that a district does not return in one second.
fn jitter(random: &mut fastrand::Rng, longest: Duration) -> Duration {
    let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random.u64(0..=longest_ms))
}
