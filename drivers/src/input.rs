//! Touch panels, keypads, keyboards and scanners that type, as the Linux input subsystem tells of them.
//!
//! Every device speaks the same 24-byte [`record`]s. What they mean depends on the [`Kind`] of device,
//! which the configuration names: a scanner that types is a keyboard to the kernel, and must not be
//! one to a citizen's form. [`Source`] carries the records, from a device or from any file that
//! carries the same bytes; the decoders are plain state.

pub mod keys;
pub mod record;
pub mod scanner;
pub mod source;
pub mod touch;

pub use keys::{Key, Pad, Press};
pub use record::Record;
pub use source::{Source, SourceError};
pub use touch::{Contact, Position, Range, Ranges};

use std::time::Duration;

/// What a device is to the person in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A touch panel. `ranges` serve a source that cannot be asked for its own.
    Touch {
        /// What the panel counts from and to.
        ranges: Ranges,
    },
    /// The keypad with tactile keys: only its eleven keys are let through.
    Keypad,
    /// A keyboard that may type into fields; it also has the keys of the keypad.
    Keyboard,
    /// A code scanner that types what it reads and ends with Enter.
    Scanner,
}

/// What a device said.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// A finger.
    Touch(Contact),
    /// A key that is let through.
    Key(Press),
    /// A whole code was scanned.
    Code(String),
}

/// From records to what a device of one kind said.
#[derive(Debug, Clone)]
pub enum Decoder {
    /// Of a touch panel.
    Touch(touch::Touch),
    /// Of a keypad or a keyboard.
    Keys(keys::Keys),
    /// Of a scanner.
    Scanner(scanner::Scanner),
}

impl Decoder {
    /// For a device of `kind`.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Touch { ranges } => Decoder::Touch(touch::Touch::new(ranges)),
            Kind::Keypad => Decoder::Keys(keys::Keys::new(keys::Allowed::Keypad)),
            Kind::Keyboard => Decoder::Keys(keys::Keys::new(keys::Allowed::Text)),
            Kind::Scanner => Decoder::Scanner(scanner::Scanner::default()),
        }
    }

    /// Takes one record, heard at `now` of a monotonic clock.
    pub fn handle(&mut self, now: Duration, record: Record) -> Vec<Said> {
        match self {
            Decoder::Touch(touch) => touch.handle(record).into_iter().map(Said::Touch).collect(),
            Decoder::Keys(keys) => keys.handle(record).map(Said::Key).into_iter().collect(),
            Decoder::Scanner(scanner) => {
                scanner.handle(now, record).map(Said::Code).into_iter().collect()
            }
        }
    }

    /// The device went away: whatever is held is let go.
    pub fn release(&mut self) -> Vec<Said> {
        match self {
            Decoder::Touch(touch) => touch.release().map(Said::Touch).into_iter().collect(),
            Decoder::Keys(keys) => {
                keys.release();
                Vec::new()
            }
            Decoder::Scanner(scanner) => {
                *scanner = scanner::Scanner::default();
                Vec::new()
            }
        }
    }
}
