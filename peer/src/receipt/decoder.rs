//! ESC/POS as a printer reads it: what acts at once, and what waits its turn.

use std::collections::VecDeque;

const DLE: u8 = 0x10;
const ESC: u8 = 0x1B;
const FS: u8 = 0x1C;
const GS: u8 = 0x1D;

/// DLE DC4 8: the buffer is cleared.
const CLEAR: [u8; 10] = [DLE, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08];
/// Most bytes that wait; a printer has less, and then takes no more.
const WAITING_MAX: usize = 4 << 20;
/// Blank rows of a line of text and of a cut that feeds.
const LINE_ROWS: usize = 30;

/// What acts at once, even inside of a picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Instant {
    Status(u8),
    Clear,
}

/// What waits its turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Row(Vec<u8>),
    Text(String),
    Cut,
    Fence,
    TellChanges(bool),
}

#[derive(Debug, Default)]
pub(super) struct Decoder {
    waiting: Vec<u8>,
    /// The last bytes that came, for what acts at once.
    recent: VecDeque<u8>,
    /// Steps of one command that makes several.
    steps: VecDeque<Step>,
}

impl Decoder {
    pub(super) fn push(&mut self, byte: u8) -> Option<Instant> {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push(byte);
        }
        if self.recent.len() == CLEAR.len() {
            self.recent.pop_front();
        }
        self.recent.push_back(byte);
        if self.recent.iter().eq(&CLEAR) {
            self.waiting.clear();
            self.steps.clear();
            return Some(Instant::Clear);
        }
        let last = |back: usize| self.recent.iter().rev().nth(back).copied();
        (last(2) == Some(DLE) && last(1) == Some(0x04)).then_some(Instant::Status(byte))
    }

    pub(super) fn next_step(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Some(step);
            }
            let length = self.command()?;
            self.waiting.drain(..length);
        }
    }

    /// Takes apart the command that stands first and says how long it is; none while it is not whole.
    fn command(&mut self) -> Option<usize> {
        let bytes = &self.waiting[..];
        let byte = |at: usize| bytes.get(at).copied();
        Some(match (byte(0)?, byte(1)) {
            (DLE | ESC | FS | GS, None) => return None,
            (DLE, Some(0x04 | 0x05)) => byte(2).map(|_| 3)?,
            // Here a whole one has acted already, and one that is not whole is waited for.
            (DLE, Some(0x14)) => byte(4).map(|_| 5)?,
            (ESC, Some(b'@')) | (FS, Some(b'&' | b'.')) => 2,
            (ESC, Some(b'd' | b'J')) => {
                let rows =
                    usize::from(byte(2)?) * if byte(1) == Some(b'd') { LINE_ROWS } else { 1 };
                self.steps.extend((0..rows).map(|_| Step::Row(vec![])));
                3
            }
            (ESC, Some(b'p')) => byte(4).map(|_| 5)?,
            (ESC, Some(_)) => byte(2).map(|_| 3)?,
            (GS, Some(b'a')) => {
                self.steps.push_back(Step::TellChanges(byte(2)? != 0));
                3
            }
            (GS, Some(b'r')) => {
                byte(2)?;
                self.steps.push_back(Step::Fence);
                3
            }
            (GS, Some(b'V')) => {
                let feeds = byte(2)? >= 0x41;
                let length = if feeds { byte(3).map(|_| 4)? } else { 3 };
                self.steps.push_back(Step::Cut);
                length
            }
            (GS, Some(b'v')) => {
                let number =
                    |at: usize| Some(usize::from(u16::from_le_bytes([byte(at)?, byte(at + 1)?])));
                let (stride, rows) = (number(4)?, number(6)?);
                let data = bytes.get(8..8 + stride * rows)?;
                self.steps.extend(data.chunks(stride.max(1)).map(|row| Step::Row(row.to_vec())));
                8 + stride * rows
            }
            (GS, Some(_)) => byte(2).map(|_| 3)?,
            (first, _) if first < b' ' => 1,
            _ => {
                let end = bytes.iter().position(|byte| *byte == b'\n')?;
                let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
                self.steps.push_back(Step::Text(text));
                self.steps.extend((0..LINE_ROWS).map(|_| Step::Row(vec![])));
                end + 1
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> (Vec<Instant>, Vec<Step>) {
        let (mut decoder, mut instants, mut steps) = (Decoder::default(), vec![], vec![]);
        for piece in pieces {
            instants.extend(piece.iter().filter_map(|byte| decoder.push(*byte)));
            while let Some(step) = decoder.next_step() {
                steps.push(step);
            }
        }
        (instants, steps)
    }

    #[test]
    fn a_picture_comes_in_pieces_and_rows_come_out() {
        let (instants, steps) = decode(&[
            &[0x1B, 0x40, 0x1D, 0x76, 0x30, 0x00, 0x02, 0x00, 0x02],
            &[0x00, 0xAA, 0x01, 0xBB],
            &[0x02, 0x1D, 0x72, 0x01, 0x1D, 0x56, 0x42],
            &[0x00],
        ]);
        assert_eq!(instants, []);
        assert_eq!(
            steps,
            [Step::Row(vec![0xAA, 1]), Step::Row(vec![0xBB, 2]), Step::Fence, Step::Cut]
        );
    }

    #[test]
    fn questions_act_inside_of_a_picture_and_clearing_forgets_it() {
        let picture = [0x1D, 0x76, 0x30, 0x00, 0x03, 0x00, 0x01, 0x00, 0x10, 0x04, 0x01];
        let (instants, steps) = decode(&[&picture]);
        assert_eq!(instants, [Instant::Status(1)]);
        assert_eq!(steps, [Step::Row(vec![0x10, 0x04, 0x01])]);
        let (instants, steps) = decode(&[&picture[..9], &CLEAR, b"Hi\n"]);
        assert_eq!(instants, [Instant::Clear]);
        assert_eq!(steps[0], Step::Text("Hi".to_owned()));
    }
}
