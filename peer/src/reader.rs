//! A reader of identity cards: the security module's side of SAM-V.

use serde_json::{Value, json};

use crate::card::{Card, Kind};
use crate::command::{Answer, Command, Done, Fault};

const START: [u8; 5] = [0xAA, 0xAA, 0xAA, 0x96, 0x69];

const OK: u8 = 0x90;
const CARD_FOUND: u8 = 0x9F;
const NO_CARD: u8 = 0x80;
const NOT_SELECTED: u8 = 0x81;
const NOT_READ: u8 = 0x41;
const NO_SUCH_ITEM: u8 = 0x91;
const NO_SUCH_COMMAND: u8 = 0x24;

/// How far the card that lies there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Fresh,
    Found,
    Selected,
    /// It must be lifted before it is found again.
    Read,
}

#[derive(Debug, Default)]
pub(crate) struct Reader {
    card: Option<Box<Card>>,
    stage: Stage,
    fault: Option<(Fault, u32)>,
    /// Bytes of a question that is not whole yet.
    question: Vec<u8>,
    readings: u64,
}

impl Reader {
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Answer {
        let mut answer = Answer::default();
        for byte in bytes {
            self.question.push(*byte);
            let expected = START.get(self.question.len() - 1);
            if expected.is_some_and(|expected| expected != byte) {
                self.question.clear();
            }
            let [.., high, low] = self.question[..self.question.len().min(7)] else { continue };
            let whole = 7 + usize::from(high) * 256 + usize::from(low);
            if self.question.len() < 9 || self.question.len() < whole {
                continue;
            }
            let question = std::mem::take(&mut self.question);
            let sum = question[5..].iter().fold(0, |sum, byte| sum ^ byte);
            if sum == 0 {
                self.reply(question[7], question[8], &mut answer);
            }
        }
        answer
    }

    fn reply(&mut self, command: u8, parameter: u8, answer: &mut Answer) {
        let reading = (command, parameter) == (0x30, 0x01);
        let fault = if reading { self.next_fault() } else { None };
        if fault == Some(Fault::Lifted) {
            self.card = None;
        }
        let (status, data) = self.work(command, parameter);
        let mut frame = frame(status, &data);
        match fault {
            None | Some(Fault::Lifted) => {}
            Some(Fault::Silent) => frame.clear(),
            Some(Fault::Noise) => {
                frame.splice(..0, [0x00, 0xAA, 0xAA, 0xFF, 0xAA, 0xAA, 0xAA, 0x96]);
            }
            Some(Fault::Damaged) => {
                let middle = frame.len() / 2;
                frame[middle] ^= 0x20;
            }
            Some(Fault::Truncated) => frame.truncate(frame.len() / 2),
            Some(Fault::Unplugged) => {
                frame.truncate(frame.len() / 2);
                answer.unplugs = true;
            }
        }
        answer.bytes.extend(frame);
    }

    fn work(&mut self, command: u8, parameter: u8) -> (u8, Vec<u8>) {
        match (command, parameter, &self.card, self.stage) {
            (0x11, 0xFF, ..) => (OK, vec![]),
            (0x20, 0x01, Some(_), Stage::Fresh | Stage::Found | Stage::Selected) => {
                self.stage = Stage::Found;
                (CARD_FOUND, vec![0; 4])
            }
            (0x20, 0x01, ..) => (NO_CARD, vec![]),
            (0x20, 0x02, Some(card), Stage::Found) if card.kind != Kind::Bank => {
                self.stage = Stage::Selected;
                (OK, vec![0; 8])
            }
            (0x20, 0x02, ..) => (NOT_SELECTED, vec![]),
            (0x30, 0x01, Some(card), Stage::Selected | Stage::Read) => {
                let data = card.reading();
                self.stage = Stage::Read;
                self.readings += 1;
                (OK, data)
            }
            (0x30, 0x03, Some(_), Stage::Read) => (NO_SUCH_ITEM, vec![]),
            (0x30, ..) => (NOT_READ, vec![]),
            _ => (NO_SUCH_COMMAND, vec![]),
        }
    }

    fn next_fault(&mut self) -> Option<Fault> {
        let (fault, times) = self.fault?;
        self.fault = (times > 1).then_some((fault, times - 1));
        Some(fault)
    }

    pub(crate) fn command(&mut self, command: Command) -> Done {
        match command {
            Command::Insert { card } => {
                (self.card, self.stage) = (Some(card), Stage::Fresh);
            }
            Command::Remove => self.card = None,
            Command::Fail { how, times } => self.fault = (times > 0).then_some((how, times)),
            _ => return Done::Foreign,
        }
        Done::Says(vec![])
    }

    pub(crate) fn state(&self) -> Value {
        json!({
            "device": "reader",
            "card": self.card.as_ref().map(|card| &card.name),
            "stage": format!("{:?}", self.stage).to_lowercase(),
            "readings": self.readings,
        })
    }
}

fn frame(status: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 4).unwrap_or(u16::MAX);
    let mut bytes = START.to_vec();
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0, status]);
    bytes.extend(data);
    bytes.push(bytes[START.len()..].iter().fold(0, |sum, byte| sum ^ byte));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(reader: &mut Reader, tail: [u8; 5]) -> Vec<u8> {
        reader.hear(&[&START[..], &tail].concat()).bytes
    }

    /// Frames of a dump of a real reader.
    #[test]
    fn it_answers_like_the_dump() {
        const FIND: [u8; 5] = [0x00, 0x03, 0x20, 0x01, 0x22];
        let mut reader = Reader::default();
        assert_eq!(ask(&mut reader, [0x00, 0x03, 0x11, 0xFF, 0xED])[5..], [0, 4, 0, 0, 0x90, 0x94]);
        assert_eq!(ask(&mut reader, FIND)[5..], [0, 4, 0, 0, 0x80, 0x84]);
        reader.command(Command::Insert { card: Box::default() });
        assert_eq!(ask(&mut reader, FIND)[5..], [0, 8, 0, 0, 0x9F, 0, 0, 0, 0, 0x97]);
        assert_eq!(ask(&mut reader, [0x00, 0x03, 0x20, 0x02, 0x21])[5..10], [0, 12, 0, 0, 0x90]);
        let reading = ask(&mut reader, [0x00, 0x03, 0x30, 0x01, 0x32]);
        assert_eq!((reading.len(), &reading[5..10]), (1295, &[5, 8, 0, 0, 0x90][..]));
        assert_eq!(ask(&mut reader, FIND)[9], NO_CARD, "it must be lifted first");
        assert!(ask(&mut reader, [0x00, 0x03, 0x30, 0x01, 0x33]).is_empty(), "wrong checksum");
    }
}
