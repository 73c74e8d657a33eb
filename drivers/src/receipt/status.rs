//! What a receipt printer says of itself.
//!
//! Three kinds of bytes share the way back and are told apart by fixed bits (Epson TM-U220 manual, DLE EOT and GS a):
//! `0xx1xx10` answers DLE EOT, `0xx1xx00` begins the four bytes of an automatic status, `0xx0xxxx` answers GS r.

/// Takes output off flow control (XON, XOFF), which some lines pass on.
const FLOW: [u8; 2] = [0x11, 0x13];

/// A question that is answered at once, whatever the printer is doing: n of DLE EOT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Is it online?
    Printer = 1,
    /// Why is it offline?
    Offline = 2,
    /// Which error is it?
    Error = 3,
    /// How much paper is there?
    Paper = 4,
}

/// One thing that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The answer to DLE EOT; which question it answers, it doesn't say.
    Answer(u8),
    /// The status changed.
    Change([u8; 4]),
    /// Everything before a GS r has been printed.
    Fence,
}

/// How much paper there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    /// The printer doesn't say.
    #[default]
    Unknown,
    /// Enough.
    Enough,
    /// The roll nears its end.
    NearEnd,
    /// None.
    End,
}

/// What is known of a printer; what it doesn't say is `None`, never "fine".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// How much paper there is.
    pub paper: Paper,
    /// The cover is open.
    pub cover_open: Option<bool>,
    /// The cutter is stuck.
    pub cutter: Option<bool>,
    /// The head is too hot, and will cool down.
    pub hot: Option<bool>,
    /// It needs repair.
    pub broken: Option<bool>,
    /// It doesn't print, for whatever reason.
    pub offline: Option<bool>,
}

/// Why there is no paper with words on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The cable or the printer is gone.
    #[error("the printer is unplugged or switched off")]
    Lost,
    /// An error that only repair removes.
    #[error("the printer reports an error that needs repair")]
    Broken,
    /// The cover is open.
    #[error("the cover is open: close it")]
    CoverOpen,
    /// No paper.
    #[error("the paper is used up: put in a roll")]
    PaperEnd,
    /// The cutter is stuck.
    #[error("the cutter is stuck: open the cover and remove the paper")]
    Cutter,
    /// The head is too hot.
    #[error("the head is too hot: it cools down by itself")]
    Hot,
    /// It is offline and doesn't say why.
    #[error("the printer is offline: look at its lamps")]
    Offline,
    /// It takes nothing and says nothing.
    #[error("the printer takes no data and doesn't say why: switch it off and on")]
    Silent,
    /// The picture doesn't fit.
    #[error("the receipt is wider than the paper")]
    TooWide,
}

/// Cuts what comes into things said. It holds at most three bytes.
#[derive(Debug, Default)]
pub struct Demultiplexer {
    change: [u8; 4],
    held: usize,
}

impl Demultiplexer {
    /// What `byte` completes. Bytes that fit no pattern are dropped, and so is half a status before them.
    pub fn push(&mut self, byte: u8) -> Option<Heard> {
        if FLOW.contains(&byte) {
            return None;
        }
        if self.held > 0 && byte & 0x90 == 0 {
            self.change[self.held] = byte;
            self.held += 1;
            if self.held < self.change.len() {
                return None;
            }
            self.held = 0;
            return Some(Heard::Change(self.change));
        }
        self.held = 0;
        match byte & 0x93 {
            0x12 => Some(Heard::Answer(byte)),
            0x10 => {
                self.change[0] = byte;
                self.held = 1;
                None
            }
            _ => (byte & 0x90 == 0).then_some(Heard::Fence),
        }
    }
}

impl Status {
    /// Takes in the answer to a question (TM-U220 manual, table of DLE EOT).
    pub fn answer(&mut self, question: Question, byte: u8) {
        let bit = |bit: u8| byte & (1 << bit) != 0;
        match question {
            Question::Printer => self.offline = Some(bit(3)),
            Question::Offline => self.cover_open = Some(bit(2)),
            Question::Error => {
                self.cutter = Some(bit(3));
                self.broken = Some(bit(5));
                self.hot = Some(bit(6));
            }
            Question::Paper => self.paper = paper(bit(2) || bit(3), bit(5) || bit(6)),
        }
    }

    /// Takes in a change (TM-U220 manual, table of GS a).
    pub fn change(&mut self, [printer, error, sensors, _]: [u8; 4]) {
        let bit = |byte: u8, bit: u8| byte & (1 << bit) != 0;
        self.offline = Some(bit(printer, 3));
        self.cover_open = Some(bit(printer, 5));
        self.cutter = Some(bit(error, 3));
        self.broken = Some(bit(error, 5));
        self.hot = Some(bit(error, 6));
        self.paper = paper(sensors & 0x03 != 0, sensors & 0x0C != 0);
    }

    /// The ladder: what must be done first stands first.
    pub fn trouble(&self) -> Option<Trouble> {
        let is = |flag: Option<bool>, trouble| (flag == Some(true)).then_some(trouble);
        is(self.broken, Trouble::Broken)
            .or_else(|| is(self.cover_open, Trouble::CoverOpen))
            .or_else(|| (self.paper == Paper::End).then_some(Trouble::PaperEnd))
            .or_else(|| is(self.cutter, Trouble::Cutter))
            .or_else(|| is(self.hot, Trouble::Hot))
            .or_else(|| is(self.offline, Trouble::Offline))
    }

    /// Whether the printer has said all that makes a job done.
    pub fn is_known(&self) -> bool {
        self.paper != Paper::Unknown
            && self.cover_open.is_some()
            && self.cutter.is_some()
            && self.offline.is_some()
    }
}

fn paper(near_end: bool, end: bool) -> Paper {
    match (end, near_end) {
        (true, _) => Paper::End,
        (false, true) => Paper::NearEnd,
        (false, false) => Paper::Enough,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hear(bytes: &[u8]) -> Vec<Heard> {
        let mut demultiplexer = Demultiplexer::default();
        bytes.iter().filter_map(|byte| demultiplexer.push(*byte)).collect()
    }

    #[test]
    fn three_kinds_of_bytes_are_told_apart() {
        let mixed = [0x12, 0x10, 0x00, 0x0C, 0x00, 0x00, 0x11, 0x16, 0x03];
        assert_eq!(
            hear(&mixed),
            [
                Heard::Answer(0x12),
                Heard::Change([0x10, 0x00, 0x0C, 0x00]),
                Heard::Fence,
                Heard::Answer(0x16),
                Heard::Fence
            ]
        );
        assert_eq!(hear(&[0x10, 0x00, 0x13, 0x00, 0x00]), [Heard::Change([0x10, 0, 0, 0])]);
        assert_eq!(hear(&[0x10, 0x00, 0x12, 0x00]), [Heard::Answer(0x12), Heard::Fence]);
        assert_eq!(hear(&[0xFF, 0x80, 0x91, 0x93]), []);
    }

    #[test]
    fn answers_say_what_is_wrong() {
        let status = |answers: &[(Question, u8)]| {
            let mut status = Status::default();
            for (question, byte) in answers {
                status.answer(*question, *byte);
            }
            status.trouble()
        };
        assert_eq!(status(&[]), None);
        assert_eq!(status(&[(Question::Printer, 0x1A)]), Some(Trouble::Offline));
        let open = [(Question::Printer, 0x1A), (Question::Offline, 0x16), (Question::Paper, 0x72)];
        assert_eq!(status(&open), Some(Trouble::CoverOpen), "the cover explains the rest");
        assert_eq!(status(&[(Question::Error, 0x1A)]), Some(Trouble::Cutter));
        assert_eq!(status(&[(Question::Error, 0x32)]), Some(Trouble::Broken));
        assert_eq!(status(&[(Question::Error, 0x52)]), Some(Trouble::Hot));
        assert_eq!(status(&[(Question::Paper, 0x7E)]), Some(Trouble::PaperEnd));
        assert_eq!(status(&[(Question::Paper, 0x1E)]), None, "near its end it still prints");
    }

    #[test]
    fn what_was_not_said_is_not_known() {
        let mut status = Status::default();
        assert!(!status.is_known());
        status.answer(Question::Printer, 0x12);
        status.answer(Question::Offline, 0x12);
        status.answer(Question::Error, 0x12);
        assert!(!status.is_known(), "paper is missing");
        status.answer(Question::Paper, 0x1E);
        assert!(status.is_known());
        assert_eq!(status.paper, Paper::NearEnd);
        status.change([0x18, 0, 0x0F, 0]);
        assert_eq!((status.paper, status.offline), (Paper::End, Some(true)));
    }

    proptest! {
        #[test]
        fn after_any_noise_a_change_is_heard(noise in proptest::collection::vec(any::<u8>(), 0..50)) {
            let mut demultiplexer = Demultiplexer::default();
            for byte in noise {
                demultiplexer.push(byte);
            }
            demultiplexer.push(0xFF);
            let change = [0x18, 0x00, 0x0C, 0x00];
            let heard: Vec<_> =
                change.into_iter().filter_map(|byte| demultiplexer.push(byte)).collect();
            prop_assert_eq!(heard, [Heard::Change(change)]);
        }
    }
}
