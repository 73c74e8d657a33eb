//! Transcripts: a printer played by hand, one line an exchange.

use tokio::io::{DuplexStream, duplex};

use super::*;

const WELL: [u8; 4] = [0x12, 0x12, 0x12, 0x12];

/// Plays the printer's side of a job.
struct Play {
    far: DuplexStream,
}

impl Play {
    async fn expect(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.far.read_exact(&mut got).await.unwrap();
        assert_eq!(got, bytes);
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.far.write_all(bytes).await.unwrap();
    }

    async fn questions(&mut self, answers: [u8; 4]) {
        for (n, answer) in (1..).zip(answers) {
            self.expect(&[0x10, 0x04, n]).await;
            self.say(&[answer]).await;
        }
    }

    async fn prepare(&mut self) {
        self.expect(CLEAR).await;
        self.questions(WELL).await;
        self.expect(INIT).await;
        self.expect(TELL).await;
        self.say(&[0x10, 0, 0, 0]).await;
        self.expect(FENCE).await;
        self.say(&[0x00]).await;
    }

    async fn band(&mut self, bitmap: &Bitmap, index: usize) {
        self.expect(&band(bitmap, index * BAND_ROWS)).await;
        self.expect(FENCE).await;
    }
}

/// A job of `rows` rows against what `player` does.
async fn job<F: Future<Output = ()>>(
    rows: usize,
    player: impl FnOnce(Play, Bitmap) -> F,
) -> Outcome {
    let (line, far) = duplex(1 << 16);
    let bitmap = picture(rows);
    let played = player(Play { far }, bitmap.clone());
    let mut printer = Printer::new(line);
    let (outcome, ()) = tokio::join!(printer.print(&bitmap), played);
    outcome
}

fn picture(rows: usize) -> Bitmap {
    let mut bitmap = Bitmap::white(16, rows);
    (0..rows).for_each(|y| bitmap.blacken(y % 16, y));
    bitmap
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_done_after_the_last_status() {
    let outcome = job(100, async |mut printer: Play, bitmap| {
        printer.prepare().await;
        printer.band(&bitmap, 0).await;
        printer.band(&bitmap, 1).await;
        printer.say(&[0, 0]).await;
        printer.expect(CUT).await;
        printer.expect(FENCE).await;
        printer.say(&[0]).await;
        printer.questions(WELL).await;
    });
    assert_eq!(outcome.await, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn no_picture_is_sent_to_a_printer_without_paper() {
    let outcome = job(10, async |mut printer: Play, _| {
        printer.expect(CLEAR).await;
        printer.questions([0x1A, 0x32, 0x12, 0x7E]).await;
        let more = timeout(Duration::from_mins(1), printer.far.read_u8()).await;
        assert!(more.is_err(), "{more:?}");
    });
    assert_eq!(outcome.await, Outcome::Refused(Trouble::PaperEnd));
}

#[tokio::test(start_paused = true)]
async fn paper_that_ends_in_mid_job_is_told_with_the_rows() {
    let outcome = job(500, async |mut printer: Play, bitmap| {
        printer.prepare().await;
        for index in 0..4 {
            printer.band(&bitmap, index).await;
        }
        printer.say(&[0, 0]).await;
        printer.say(&[0x18, 0x00, 0x0F, 0x00]).await;
        let mut rest = vec![0; 1 << 12];
        while !rest.ends_with(CLEAR) {
            rest.clear();
            printer.far.read_buf(&mut rest).await.unwrap();
        }
    });
    let stopped = Outcome::Stopped { trouble: Trouble::PaperEnd, rows: Some(128) };
    assert_eq!(outcome.await, stopped);
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_says_nothing_is_never_called_done() {
    let outcome = job(10, async |mut printer: Play, _| {
        let mut taken = Vec::new();
        while !taken.ends_with(&[0x10, 0x04, 0x01]) || !contains(&taken, CUT) {
            if printer.far.read_buf(&mut taken).await.unwrap() == 0 {
                break;
            }
        }
        std::mem::forget(printer);
    });
    assert_eq!(outcome.await, Outcome::Unknown);
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(start_paused = true)]
async fn a_stuck_cutter_and_a_pulled_cable_are_told_apart() {
    let outcome = job(10, async |mut printer: Play, bitmap| {
        printer.prepare().await;
        printer.band(&bitmap, 0).await;
        printer.expect(CUT).await;
        printer.expect(FENCE).await;
        printer.say(&[0x00, 0x18, 0x08, 0x00, 0x00]).await;
        printer.expect(CLEAR).await;
    });
    assert_eq!(outcome.await, Outcome::Stopped { trouble: Trouble::Cutter, rows: Some(10) });
    let outcome = job(10, async |mut printer: Play, bitmap| {
        printer.prepare().await;
        printer.band(&bitmap, 0).await;
    });
    assert_eq!(outcome.await, Outcome::Stopped { trouble: Trouble::Lost, rows: Some(0) });
}

#[test]
fn no_picture_commands_the_printer() {
    let mut rows = vec![0x10, 0x04, 0x01, 0x10, 0x14, 0x10, 0x10, 0x05, 0x10];
    defuse(&mut rows);
    assert_eq!(rows, [0x18, 0x04, 0x01, 0x18, 0x14, 0x10, 0x18, 0x05, 0x10]);
}
