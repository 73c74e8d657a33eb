//! One receipt on an open cable: status, rows, cut, status again.
//!
//! After each band of rows stands a fence: GS r, which a printer answers only when all before it is done.
//! The fences say how many rows are on paper when it runs out.

use std::io;
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split,
};
use tokio::time::timeout;

use super::Outcome;
use super::bitmap::Bitmap;
use super::status::{Demultiplexer, Heard, Question, Status, Trouble};

/// Rows of one raster command: eight millimetres.
pub const BAND_ROWS: usize = 64;
/// Bands that may be on their way, so that the head doesn't stop between them.
const BANDS_ON_THE_WAY: usize = 3;
/// A question that is not answered by then never will be.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);
/// A fence or a write that takes longer is worth a question.
const STALL: Duration = Duration::from_secs(2);
/// Questions without a reason for the stall before a job is given up.
const STALLS_MAX: usize = 5;
/// Without fences, how long a row takes on the slowest printer: 50 mm/s.
const ROW_TIME: Duration = Duration::from_micros(2500);
/// Without fences, how often the printer is asked while it prints.
const WATCH_PERIOD: Duration = Duration::from_millis(500);
/// Most bytes taken from the cable at once.
const CHUNK: usize = 256;

/// ESC @.
const INIT: &[u8] = &[0x1B, 0x40];
/// GS a: tell of changes of online, error and paper.
const TELL: &[u8] = &[0x1D, 0x61, 0x0E];
/// GS r 1.
const FENCE: &[u8] = &[0x1D, 0x72, 0x01];
/// GS V 66: feed to the cutter and cut; many cutters leave one point.
const CUT: &[u8] = &[0x1D, 0x56, 0x42, 0x00];
/// DLE DC4 8: forget what is left of the last job.
const CLEAR: &[u8] = &[0x10, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08];

/// A printer on an open cable.
#[derive(Debug)]
pub struct Printer<P> {
    input: ReadHalf<P>,
    output: WriteHalf<P>,
    demultiplexer: Demultiplexer,
    status: Status,
    answer: Option<u8>,
    /// Fences that were answered in this job.
    passed: usize,
    /// Something of an earlier job may be left, and must not come out with the next.
    dirty: bool,
}

/// How far a job is.
#[derive(Debug, Default)]
struct Progress {
    fences: bool,
    sent: usize,
}

impl<P: AsyncRead + AsyncWrite> Printer<P> {
    /// A printer on a cable that is already open.
    pub fn new(line: P) -> Self {
        let (input, output) = split(line);
        Self {
            input,
            output,
            demultiplexer: Demultiplexer::default(),
            status: Status::default(),
            answer: None,
            passed: 0,
            dirty: true,
        }
    }

    /// Asks all four questions anew. A printer that answers none is not lost: some can't.
    pub async fn ask_all(&mut self) -> Result<Status, Trouble> {
        self.status = Status::default();
        for question in [Question::Printer, Question::Offline, Question::Error, Question::Paper] {
            self.answer = None;
            self.send(&[0x10, 0x04, question as u8]).await?;
            let answered = timeout(ANSWER_TIMEOUT, async {
                loop {
                    if let Some(byte) = self.answer.take() {
                        return Ok(byte);
                    }
                    self.hear().await?;
                }
            });
            match answered.await {
                Ok(byte) => self.status.answer(question, byte?),
                // One silence is enough: the others would be silent too.
                Err(_) => break,
            }
        }
        Ok(self.status)
    }

    /// Prints one receipt and cuts it off.
    pub async fn print(&mut self, bitmap: &Bitmap) -> Outcome {
        if let Err(trouble) = self.prepare().await {
            return Outcome::Refused(trouble);
        }
        let mut progress = Progress::default();
        let result = self.run(bitmap, &mut progress).await;
        let rows = progress.fences.then(|| (self.passed * BAND_ROWS).min(bitmap.rows()));
        match result {
            Ok(known) => {
                self.dirty = false;
                if known { Outcome::Done } else { Outcome::Unknown }
            }
            Err(trouble) => {
                // Whatever the printer still holds would otherwise come out with the next roll.
                if trouble != Trouble::Lost {
                    self.dirty = self.send(CLEAR).await.is_err();
                }
                Outcome::Stopped { trouble, rows }
            }
        }
    }

    /// No picture is sent to a printer that can't print.
    async fn prepare(&mut self) -> Result<(), Trouble> {
        if self.dirty {
            self.send(CLEAR).await?;
        }
        // The answers come behind whatever an earlier job is still being told.
        self.ask_all().await?;
        self.check()?;
        self.dirty = true;
        self.send(INIT).await?;
        self.send(TELL).await
    }

    /// Whether the printer has confirmed everything.
    async fn run(&mut self, bitmap: &Bitmap, progress: &mut Progress) -> Result<bool, Trouble> {
        self.passed = 0;
        progress.fences = self.has_fences().await?;
        self.passed = 0;
        for from in (0..bitmap.rows()).step_by(BAND_ROWS) {
            self.send(&band(bitmap, from)).await?;
            self.fence(progress, BANDS_ON_THE_WAY).await?;
        }
        self.send(CUT).await?;
        self.fence(progress, 0).await?;
        if !progress.fences {
            self.watch(bitmap.rows()).await?;
        }
        let status = self.ask_all().await?;
        self.check()?;
        Ok(status.is_known())
    }

    /// Whether a fence is answered while the printer has nothing else to do.
    async fn has_fences(&mut self) -> Result<bool, Trouble> {
        self.send(FENCE).await?;
        let passed = timeout(ANSWER_TIMEOUT, async {
            while self.passed == 0 {
                self.hear().await?;
            }
            Ok(())
        });
        match passed.await {
            Ok(result) => result.map(|()| true),
            Err(_) => self.check().map(|()| false),
        }
    }

    /// Puts a fence and waits until at most `left` have not been passed.
    async fn fence(&mut self, progress: &mut Progress, left: usize) -> Result<(), Trouble> {
        if !progress.fences {
            return self.check();
        }
        self.send(FENCE).await?;
        progress.sent += 1;
        let mut stalls = 0;
        while progress.sent > self.passed + left {
            if let Ok(heard) = timeout(STALL, self.hear()).await {
                heard?;
            } else {
                stalls += 1;
                self.ask_all().await?;
            }
            self.check()?;
            if stalls >= STALLS_MAX {
                return Err(Trouble::Silent);
            }
        }
        self.check()
    }

    /// Without fences a job is watched for as long as the slowest printer takes.
    async fn watch(&mut self, rows: usize) -> Result<(), Trouble> {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let mut left = ROW_TIME.saturating_mul(rows) + STALL;
        while !left.is_zero() {
            if let Ok(heard) = timeout(WATCH_PERIOD, self.hear()).await {
                heard?;
            }
            self.ask_all().await?;
            self.check()?;
            left = left.saturating_sub(WATCH_PERIOD);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Trouble> {
        self.status.trouble().map_or(Ok(()), Err)
    }

    /// Sends all of `bytes` and listens meanwhile, because a printer that is stuck takes nothing.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut heard = [0; CHUNK];
            let step = async {
                tokio::select! {
                    written = self.output.write(rest) => (written, 0),
                    // The end of the line reads as nothing, and nothing was written either.
                    read = self.input.read(&mut heard) => (Ok(0), read.unwrap_or(0)),
                }
            };
            match timeout(STALL, step).await {
                Err(_) => return Err(self.status.trouble().unwrap_or(Trouble::Silent)),
                Ok((Ok(written), read)) if written + read > 0 => {
                    rest = &rest[written..];
                    self.take(&heard[..read]);
                }
                Ok(_) => return Err(Trouble::Lost),
            }
        }
        self.output.flush().await.map_err(lost)
    }

    /// Waits until something was said. Cancel safe.
    async fn hear(&mut self) -> Result<(), Trouble> {
        let mut heard = [0; CHUNK];
        match self.input.read(&mut heard).await.map_err(lost)? {
            0 => Err(Trouble::Lost),
            read => {
                self.take(&heard[..read]);
                Ok(())
            }
        }
    }

    fn take(&mut self, heard: &[u8]) {
        for byte in heard {
            match self.demultiplexer.push(*byte) {
                Some(Heard::Answer(byte)) => self.answer = Some(byte),
                Some(Heard::Change(change)) => self.status.change(change),
                Some(Heard::Fence) => self.passed += 1,
                None => {}
            }
        }
    }
}

fn lost(_: io::Error) -> Trouble {
    Trouble::Lost
}

/// GS v 0 with the rows from `from` on.
fn band(bitmap: &Bitmap, from: usize) -> Vec<u8> {
    let rows = bitmap.band(from, BAND_ROWS);
    let [x_low, x_high] = low_high(bitmap.stride());
    let [y_low, y_high] = low_high(rows.len() / bitmap.stride());
    let mut bytes = vec![0x1D, 0x76, 0x30, 0x00, x_low, x_high, y_low, y_high];
    bytes.extend(rows);
    defuse(&mut bytes[8..]);
    bytes
}

fn low_high(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes()
}

/// Printers obey DLE commands even inside of pictures: they open drawers and switch off.
/// One more dot, which nobody sees, breaks each of them.
fn defuse(rows: &mut [u8]) {
    for at in 1..rows.len() {
        if rows[at - 1] == 0x10 && matches!(rows[at], 0x04 | 0x05 | 0x14) {
            rows[at - 1] = 0x18;
        }
    }
}

#[cfg(test)]
mod tests;
