//! Reader of Chinese identity cards (SAM-V module: Routon, CVR, Synthesis, ZK and others) on a serial line.
//!
//! | file | what |
//! |---|---|
//! | [`frame`] | questions, and the one parser of answers |
//! | [`record`] | the one parser of what a card says |
//! | [`nation`] | names of ethnic groups |
//! | [`machine`] | what is asked when, and what that tells |
//!
//! A reader reads only while somebody [wants](CardReader::want) a card.
//! A card that was read must be lifted before it is found again.

pub mod frame;
pub mod machine;
pub mod nation;
pub mod record;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use zeroize::Zeroizing;

use crate::health::Health;
use crate::line::{Address, Line};
use machine::{Effect, Input, Machine};
use record::{Record, RecordError};

/// Speed that readers leave the factory with.
const BAUD: u32 = 115_200;
/// Most bytes taken from the line at once.
const CHUNK: usize = 512;
/// A line that takes no ten bytes in this time is broken.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a reader tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It works, or no longer does.
    Health(Health),
    /// A card lies on it and is being read: a second or two.
    Present,
    /// What the card says.
    Read(Record),
    /// The card could not be read.
    Failed(Failure),
    /// The card is gone.
    Lifted,
}

/// Why a card could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was lifted too early, or it is no identity card.
    #[error("reading ended with status {0:#04x}: lay the card down again and leave it")]
    Refused(u8),
    /// The reader fell silent.
    #[error("the reader doesn't answer: check its cable and power")]
    Silent,
    /// The line carries broken frames.
    #[error("every answer is damaged: check baud rate and cable")]
    Damaged,
    /// The reader was pulled out while it read.
    #[error("the reader was unplugged")]
    Unplugged,
    /// The card says what can't be true.
    #[error("{0}")]
    Record(RecordError),
}

/// A card reader; it may come and go.
#[derive(Debug)]
pub struct CardReader {
    address: Address,
    line: Option<Line>,
    machine: Machine,
    start: Instant,
    told: VecDeque<Event>,
}

impl CardReader {
    /// The reader at `address`. It need not be there yet.
    pub fn new(address: Address) -> Self {
        let told = VecDeque::new();
        Self { address, line: None, machine: Machine::default(), start: now(), told }
    }

    /// Says whether somebody waits for a card. A card that was read is watched until it is lifted.
    pub fn want(&mut self, wanted: bool) {
        self.machine.want(self.start.elapsed(), wanted);
    }

    /// Whether it works.
    pub fn health(&self) -> Health {
        self.machine.health()
    }

    /// What happens next. Cancel safe: a question cut short is asked again.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.told.pop_front() {
                return event;
            }
            self.turn().await;
        }
    }

    async fn turn(&mut self) {
        let deadline = sleep_until(self.start + self.machine.next_deadline());
        let mut bytes = Zeroizing::new([0; CHUNK]);
        let input = match &mut self.line {
            None => {
                deadline.await;
                Input::Tick
            }
            Some(line) => tokio::select! {
                read = line.read(&mut bytes[..]) => match read {
                    Ok(count @ 1..) => Input::Bytes(&bytes[..count]),
                    Ok(0) | Err(_) => Input::Lost,
                },
                () = deadline => Input::Tick,
            },
        };
        if matches!(input, Input::Lost) {
            self.line = None;
        }
        let mut effects = self.machine.handle(self.start.elapsed(), input);
        loop {
            let mut asked = None;
            for effect in effects.drain(..) {
                match effect {
                    Effect::Tell(event) => self.told.push_back(event),
                    Effect::Ask(command) => asked = Some(command.frame()),
                    Effect::Open => self.line = Line::open(&self.address, BAUD).await.ok(),
                }
            }
            let lost = match (&mut self.line, asked) {
                (Some(line), Some(frame)) => {
                    !matches!(timeout(WRITE_TIMEOUT, line.write_all(&frame)).await, Ok(Ok(())))
                }
                (None, Some(_)) => true,
                (_, None) => return,
            };
            if !lost {
                return;
            }
            self.line = None;
            effects = self.machine.handle(self.start.elapsed(), Input::Lost);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the reader is hardware and waits in real time")]
fn now() -> Instant {
    Instant::now()
}
