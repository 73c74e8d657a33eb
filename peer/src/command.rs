//! What a peer can be told, one JSON object a line.

use serde::Deserialize;

use crate::card::Card;

/// One thing that happens to a device.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Command {
    /// Nothing; the answer says how things are.
    State,
    /// Its plug is pulled.
    Unplug,
    /// Its plug is put in.
    Plug,
    /// A card is laid down.
    Insert {
        /// Columns that are left out are made up.
        #[serde(default)]
        card: Box<Card>,
    },
    /// The card is lifted.
    Remove,
    /// The next answers go wrong.
    Fail {
        how: Fault,
        #[serde(default = "once")]
        times: u32,
    },
    /// A code is held in front of the scanner.
    Scan {
        text: String,
        #[serde(default)]
        end: End,
    },
    /// The paper is used up, now or after so many rows.
    PaperOut {
        #[serde(default)]
        after_rows: usize,
    },
    /// A new roll or a new stack is put in.
    LoadPaper,
    /// Little paper is left.
    NearEnd,
    /// The cartridge holds so many percent.
    Toner {
        level: u8,
    },
    OpenCover,
    CloseCover,
    /// The cutter sticks at its next cut, or a sheet at the next page.
    Jam,
    /// Somebody frees it.
    ClearJam,
}

/// How answers go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// There is no answer.
    Silent,
    /// There is noise before the answer.
    Noise,
    /// One byte of the answer is wrong.
    Damaged,
    /// The answer breaks off in the middle.
    Truncated,
    /// The answer breaks off in the middle, because the plug is pulled.
    Unplugged,
    /// The card is lifted while it is being read.
    Lifted,
}

/// What a scanner sends behind a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    #[default]
    Cr,
    CrLf,
    None,
}

/// What a device does about a command.
#[derive(Debug, PartialEq)]
pub(crate) enum Done {
    /// It says this, unasked.
    Says(Vec<u8>),
    /// It can't: it is another device.
    Foreign,
}

/// What a device does about bytes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// The plug is pulled behind them.
    pub(crate) unplugs: bool,
}

fn once() -> u32 {
    1
}
