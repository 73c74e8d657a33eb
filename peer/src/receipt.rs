//! A receipt printer: paper, cover, cutter, and what falls into the tray.

mod decoder;
mod tray;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::command::{Answer, Command, Done, Fault};
use decoder::{Decoder, Instant, Step};
use tray::Tray;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cutter {
    Free,
    /// It sticks at the next cut.
    WillJam,
    Stuck,
}

#[derive(Debug)]
pub(crate) struct Printer {
    decoder: Decoder,
    /// What was decoded and waits, because the printer is offline.
    steps: VecDeque<Step>,
    tray: Tray,
    /// Rows until the paper ends; none while there is plenty.
    paper_left: Option<usize>,
    near_end: bool,
    cover_open: bool,
    cutter: Cutter,
    /// What was told of last; none while changes are kept quiet.
    told: Option<[u8; 4]>,
    silent: bool,
}

impl Printer {
    pub(crate) fn new(tray: PathBuf, width: usize) -> io::Result<Self> {
        Ok(Self {
            decoder: Decoder::default(),
            steps: VecDeque::new(),
            tray: Tray::new(tray, width)?,
            paper_left: None,
            near_end: false,
            cover_open: false,
            cutter: Cutter::Free,
            told: None,
            silent: false,
        })
    }

    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Answer {
        let mut said = Vec::new();
        for byte in bytes {
            match self.decoder.push(*byte) {
                Some(Instant::Status(n)) => said.extend(self.status(n)),
                Some(Instant::Clear) => self.steps.clear(),
                None => {}
            }
        }
        while let Some(step) = self.decoder.next_step() {
            self.steps.push_back(step);
        }
        self.work(&mut said);
        Answer { bytes: if self.silent { vec![] } else { said }, unplugs: false }
    }

    pub(crate) fn command(&mut self, command: &Command) -> Done {
        match command {
            Command::PaperOut { after_rows } => self.paper_left = Some(*after_rows),
            Command::LoadPaper => (self.paper_left, self.near_end) = (None, false),
            Command::NearEnd => self.near_end = true,
            Command::OpenCover => self.cover_open = true,
            Command::CloseCover => self.cover_open = false,
            Command::Jam => self.cutter = Cutter::WillJam,
            Command::ClearJam => self.cutter = Cutter::Free,
            Command::Fail { how: Fault::Silent, times } => self.silent = *times > 0,
            _ => return Done::Foreign,
        }
        let mut said = Vec::new();
        self.work(&mut said);
        Done::Says(if self.silent { vec![] } else { said })
    }

    pub(crate) fn state(&self) -> Value {
        json!({
            "device": "receipt",
            "paper": if self.paper_end() { "end" } else if self.near_end { "near-end" } else { "enough" },
            "cover": if self.cover_open { "open" } else { "closed" },
            "cutter": match self.cutter {
                Cutter::Free => "ok",
                Cutter::WillJam => "will-jam",
                Cutter::Stuck => "stuck",
            },
            "receipts": self.tray.receipts(),
            "rows": self.tray.rows(),
            "waiting": self.steps.len(),
        })
    }

    /// Does what was sent for as long as nothing is in the way, and tells of changes.
    fn work(&mut self, said: &mut Vec<u8>) {
        self.tell(said);
        while !self.offline() {
            let Some(step) = self.steps.pop_front() else { break };
            match step {
                Step::Row(row) => {
                    self.tray.print(&row);
                    self.paper_left = self.paper_left.map(|left| left.saturating_sub(1));
                }
                Step::Text(line) => self.tray.write(&line),
                Step::Cut if self.cutter == Cutter::WillJam => self.cutter = Cutter::Stuck,
                Step::Cut => self.tray.cut(),
                // No status is all zeros, so the first is told at once.
                Step::TellChanges(on) => self.told = on.then_some([0; 4]),
                // Bits 0 and 1: near its end. Past its end nothing is answered.
                Step::Fence => said.push(if self.near_end { 0x03 } else { 0x00 }),
            }
            self.tell(said);
        }
    }

    fn tell(&mut self, said: &mut Vec<u8>) {
        let near = if self.near_end || self.paper_end() { 0x03 } else { 0 };
        let end = if self.paper_end() { 0x0C } else { 0 };
        let now = [
            0x10 | flag(self.offline(), 3) | flag(self.cover_open, 5),
            flag(self.stuck(), 3),
            near | end,
            0,
        ];
        if self.told.is_some_and(|told| told != now) {
            self.told = Some(now);
            said.extend(now);
        }
    }

    /// The answer to DLE EOT n.
    fn status(&self, n: u8) -> Option<u8> {
        let bits = match n {
            1 => flag(self.offline(), 3),
            2 => flag(self.cover_open, 2) | flag(self.paper_end(), 5) | flag(self.stuck(), 6),
            3 => flag(self.stuck(), 3),
            4 => {
                let near = if self.near_end || self.paper_end() { 0x0C } else { 0 };
                near | if self.paper_end() { 0x60 } else { 0 }
            }
            _ => return None,
        };
        Some(0x12 | bits)
    }

    fn paper_end(&self) -> bool {
        self.paper_left == Some(0)
    }

    fn stuck(&self) -> bool {
        self.cutter == Cutter::Stuck
    }

    fn offline(&self) -> bool {
        self.paper_end() || self.cover_open || self.stuck()
    }
}

fn flag(set: bool, bit: u8) -> u8 {
    u8::from(set) << bit
}
