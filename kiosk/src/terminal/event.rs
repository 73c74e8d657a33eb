//! What can happen to a terminal, and what it wants done.

use service::answer::IdentityCard;
use service::definition::Device;
use service::text::{Language, Text};

use crate::devices::State;
use crate::flow::{self, Outcome, Token};
use crate::page::{Act, ShotId, Waiting};
use crate::sheet::Sheet;
use crate::staff::Audit;
use crate::words;

/// What can happen to a terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The citizen did something.
    Act(Act),
    /// A card lies on a reader, was read, or was taken away.
    Card(CardEvent),
    /// The scanner read a code.
    Scanned(String),
    /// A finger was read.
    Finger,
    /// The camera or the scanner took a picture, or could not.
    Shot {
        token: Token,
        shot: Option<ShotId>,
    },
    /// The platform answered.
    Answered {
        token: Token,
        outcome: Outcome,
    },
    /// The papers of an item are out, or will not come.
    Printed(Result<(), Text>),
    /// The page for her telephone lies at this address, or could not be made.
    HandedOff {
        token: Token,
        result: Result<String, Text>,
    },
    /// A device said how it is.
    Device(Device, State),
    /// The platform answers, or does not.
    Link(bool),
    Tick,
}

/// What a card reader says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardEvent {
    /// Something lies there and is being read.
    Reading,
    Identity(Box<IdentityCard>),
    /// The number of another card.
    Other(Waiting, String),
    Failed,
    /// The reader is empty again.
    Taken,
}

/// What the shell must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Flow(flow::Effect),
    /// Clear everything of the citizen: memory, spool, pictures, speech, the keyboard's learning.
    Wipe,
    /// Sound the alarm of a card that was left behind, and say [`Overlay::words`].
    Alarm,
    /// Seal what stands on the sheet for her telephone, to be opened once; with `papers` the
    /// leaves of the item too.
    HandOff {
        token: Token,
        sheet: Sheet,
        papers: bool,
    },
    /// Write down what staff did, and send it.
    Audit(Audit),
    /// Ask every device how it is.
    Recheck,
    /// Sound as loud as this, in percent, and keep it.
    Volume(u8),
}

/// How the pages are shown, until the citizen is gone.
#[expect(clippy::struct_excessive_bools, reason = "four switches that are independent")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    pub language: Language,
    pub large: bool,
    pub high_contrast: bool,
    pub reach: bool,
    pub voice: bool,
}

/// What stands over the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// "Are you still there?", so many seconds.
    StillThere { seconds: u64 },
    /// A card lies on the reader and its owner is going.
    CardLeft,
    /// Her time is over in so many seconds, however busy she is. Any touch takes it away.
    LastCall { seconds: u64 },
}

impl Overlay {
    /// What it says, shown and spoken alike.
    pub fn words(&self) -> Text {
        match self {
            Overlay::StillThere { seconds } => {
                words::overlay(&words::still_there(), &words::seconds_left(*seconds))
            }
            Overlay::LastCall { seconds } => {
                words::overlay(&words::last_call(), &words::seconds_left(*seconds))
            }
            Overlay::CardLeft => words::card_left(),
        }
    }
}
