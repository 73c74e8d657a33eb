//! What a reader is asked when, and what its answers tell: find, select, read, watch until lifted.
//!
//! Any error leads back to find. Time is a duration since the reader was first used.

use std::time::Duration;

use zeroize::{Zeroize as _, Zeroizing};

use super::frame::{self, Command, FRAME_MAX, Parsed, status};
use super::record::{RECORD_LEN, Record};
use super::{Event, Failure};
use crate::health::Health;

/// Pause between two looks for a card.
const LOOK_PERIOD: Duration = Duration::from_millis(400);
/// Pause between two questions after the module's health.
const STATUS_PERIOD: Duration = Duration::from_secs(3);
/// Pause before a lost line is opened again.
const REOPEN_PERIOD: Duration = Duration::from_secs(1);
/// A short answer that has not come by then never will.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(800);
/// Silence after which a damaged answer is over.
const GAP: Duration = Duration::from_millis(100);
/// Text and photo take up to one and a half seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// Unanswered or damaged questions in a row before a reader counts as unwell.
const TRIES: u32 = 3;
/// Lengths of text and photo, before both.
const LENGTHS_LEN: usize = 4;

/// What can happen.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The line brought these bytes.
    Bytes(&'a [u8]),
    /// The line is gone.
    Lost,
    /// A deadline has come.
    Tick,
}

/// What must be done next, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open the line.
    Open,
    /// Ask the reader.
    Ask(Command),
    /// Tell whoever waits.
    Tell(Event),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no line.
    Closed,
    /// The next question is asked at the deadline.
    Resting(Command),
    /// The answer comes before the deadline, or not at all.
    Waiting(Command),
    /// An answer was damaged. What is left of it may look like frames, so all is dropped until silence.
    Draining(Command),
}

/// The state of one reader.
#[derive(Debug)]
pub struct Machine {
    phase: Phase,
    deadline: Duration,
    health: Health,
    wanted: bool,
    /// A card was read, or failed to be, and has not been lifted since.
    lying: bool,
    /// A card that can't be selected was complained about once.
    complained: bool,
    failures: u32,
    /// What came and is no whole frame yet. It may hold personal data.
    heard: Zeroizing<Vec<u8>>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            phase: Phase::Closed,
            deadline: Duration::ZERO,
            health: Health::Unknown,
            wanted: false,
            lying: false,
            complained: false,
            failures: 0,
            heard: Zeroizing::new(Vec::with_capacity(FRAME_MAX)),
        }
    }
}

impl Machine {
    /// Whether the reader works.
    pub fn health(&self) -> Health {
        self.health
    }

    /// When `handle` wants a tick at the latest.
    pub fn next_deadline(&self) -> Duration {
        self.deadline
    }

    /// Says whether somebody waits for a card.
    pub fn want(&mut self, now: Duration, wanted: bool) {
        if wanted && !self.wanted && matches!(self.phase, Phase::Resting(_)) {
            self.phase = Phase::Resting(if self.lying { Command::Probe } else { Command::Find });
            self.deadline = now;
        }
        self.wanted = wanted;
    }

    /// The one entry.
    pub fn handle(&mut self, now: Duration, input: Input<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Bytes(bytes) => self.hear(now, bytes, &mut effects),
            Input::Lost => self.lose(now, &mut effects),
            Input::Tick if now >= self.deadline => self.tick(now, &mut effects),
            Input::Tick => {}
        }
        effects
    }

    fn tick(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Closed => {
                effects.push(Effect::Open);
                self.ask(now, Command::Status, effects);
            }
            Phase::Resting(command) => self.ask(now, command, effects),
            Phase::Waiting(command) => self.give_up(now, command, Failure::Silent, effects),
            Phase::Draining(command) if self.failures + 1 < TRIES => {
                self.fail(effects);
                self.ask(now, command, effects);
            }
            Phase::Draining(command) => self.give_up(now, command, Failure::Damaged, effects),
        }
    }

    fn give_up(
        &mut self,
        now: Duration,
        command: Command,
        failure: Failure,
        effects: &mut Vec<Effect>,
    ) {
        self.fail(effects);
        if matches!(command, Command::Select | Command::Read) {
            effects.push(Effect::Tell(Event::Failed(failure)));
        }
        self.rest(now);
    }

    fn lose(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if let Phase::Waiting(asked) | Phase::Draining(asked) = self.phase
            && matches!(asked, Command::Select | Command::Read)
        {
            effects.push(Effect::Tell(Event::Failed(Failure::Unplugged)));
        }
        self.heard.zeroize();
        self.phase = Phase::Closed;
        self.deadline = now + REOPEN_PERIOD;
        self.lying = false;
        self.failures = 0;
        self.become_health(Health::Lost, effects);
    }

    fn hear(&mut self, now: Duration, bytes: &[u8], effects: &mut Vec<Effect>) {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            if matches!(self.phase, Phase::Draining(_)) {
                self.deadline = now + GAP;
                return;
            }
            // The buffer never grows, so no copy of a card stays behind in freed memory.
            let (taken, rest) = bytes.split_at(bytes.len().min(FRAME_MAX - self.heard.len()));
            self.heard.extend_from_slice(taken);
            bytes = rest;
            let heard = std::mem::replace(&mut self.heard, Zeroizing::new(Vec::new()));
            let used = self.take(now, &heard, effects);
            self.heard = heard;
            let left = self.heard.len() - used;
            self.heard.copy_within(used.., 0);
            self.heard[left..].zeroize();
            self.heard.truncate(left);
        }
    }

    /// Answers every frame in `heard` and says how many bytes are done with.
    fn take(&mut self, now: Duration, heard: &[u8], effects: &mut Vec<Effect>) -> usize {
        let mut used = 0;
        loop {
            match frame::parse(&heard[used..]) {
                Parsed::Reply(reply, length) => {
                    used += length;
                    self.answer(now, reply.status, reply.data, effects);
                }
                Parsed::Damaged(length) => {
                    used += length;
                    if let Phase::Waiting(command) = self.phase {
                        self.phase = Phase::Draining(command);
                        self.deadline = now + GAP;
                        return heard.len();
                    }
                }
                Parsed::More(noise) => return used + noise,
            }
        }
    }

    fn answer(&mut self, now: Duration, code: u8, data: &[u8], effects: &mut Vec<Effect>) {
        // What nobody asked for came too late.
        let Phase::Waiting(command) = self.phase else { return };
        if command == Command::Status && code != status::OK {
            self.become_health(Health::Degraded, effects);
            self.rest(now);
            return;
        }
        self.failures = 0;
        self.become_health(Health::Ok, effects);
        match (command, code) {
            (Command::Find, status::FOUND) => {
                if std::mem::take(&mut self.lying) {
                    effects.push(Effect::Tell(Event::Lifted));
                }
                return self.ask(now, Command::Select, effects);
            }
            (Command::Find, _) => self.complained = false,
            // Whoever wanted a card has gone: it is not read, and what was read is not told.
            (Command::Select, _) if !self.wanted => {}
            (Command::Read, _) if !self.wanted => self.lying = true,
            (Command::Select, status::OK) => {
                self.complained = false;
                effects.push(Effect::Tell(Event::Present));
                return self.ask(now, Command::Read, effects);
            }
            (Command::Select, _) => {
                if !std::mem::replace(&mut self.complained, true) {
                    effects.push(Effect::Tell(Event::Failed(Failure::Refused(code))));
                }
            }
            (Command::Read, _) => {
                self.lying = true;
                effects.push(Effect::Tell(read(code, data)));
            }
            (Command::Status, _) | (Command::Probe, status::OK | status::NO_ITEM) => {}
            // This reader can't say; that the next card is found will.
            (Command::Probe, status::BAD_COMMAND | status::UNKNOWN_COMMAND) => {
                self.phase = Phase::Resting(Command::Find);
                self.deadline = now + LOOK_PERIOD;
                return;
            }
            (Command::Probe, _) => {
                self.lying = false;
                effects.push(Effect::Tell(Event::Lifted));
            }
        }
        self.rest(now);
    }

    fn ask(&mut self, now: Duration, command: Command, effects: &mut Vec<Effect>) {
        let patience = if command == Command::Read { READ_TIMEOUT } else { ANSWER_TIMEOUT };
        self.phase = Phase::Waiting(command);
        self.deadline = now + patience;
        effects.push(Effect::Ask(command));
    }

    fn rest(&mut self, now: Duration) {
        self.heard.zeroize();
        let (next, pause) = match (self.lying, self.wanted) {
            (true, _) => (Command::Probe, LOOK_PERIOD),
            (false, true) => (Command::Find, LOOK_PERIOD),
            (false, false) => (Command::Status, STATUS_PERIOD),
        };
        self.phase = Phase::Resting(next);
        self.deadline = now + pause;
    }

    fn fail(&mut self, effects: &mut Vec<Effect>) {
        self.failures += 1;
        if self.failures >= TRIES {
            self.become_health(Health::Degraded, effects);
        }
    }

    fn become_health(&mut self, health: Health, effects: &mut Vec<Effect>) {
        if std::mem::replace(&mut self.health, health) != health {
            effects.push(Effect::Tell(Event::Health(health)));
        }
    }
}

/// What the answer to "read" tells. The photo behind the text is left alone.
fn read(code: u8, data: &[u8]) -> Event {
    if code != status::OK {
        return Event::Failed(Failure::Refused(code));
    }
    let lengths = data.first_chunk::<LENGTHS_LEN>();
    let text_len = lengths.map_or(0, |head| usize::from(u16::from_be_bytes([head[0], head[1]])));
    let text = data.get(LENGTHS_LEN..LENGTHS_LEN + RECORD_LEN.min(text_len)).unwrap_or_default();
    match Record::parse(text) {
        Ok(record) => Event::Read(record),
        Err(error) => Event::Failed(Failure::Record(error)),
    }
}

#[cfg(test)]
mod tests;
