//! The receipt printer: dots, and what became of them.

use drivers::receipt::bitmap::Bitmap;
use drivers::receipt::status::{Paper, Trouble};
use drivers::receipt::{Outcome, ReceiptPrinter};
use kiosk::devices::State;
use paper::Dots;
use service::definition::Device;

use super::Failure;

pub(super) async fn state(printer: &mut ReceiptPrinter) -> State {
    match printer.status().await {
        Ok(status) => match status.trouble() {
            Some(trouble) => of(trouble),
            None if status.paper == Paper::NearEnd => State::Low,
            None => State::Ready,
        },
        Err(trouble) => of(trouble),
    }
}

/// Prints. A printer that says nothing about a receipt it took has printed it, as far as anybody knows.
pub(super) async fn print(printer: &mut ReceiptPrinter, dots: &Dots) -> Result<(), Failure> {
    match printer.print(&bitmap(dots)).await {
        Outcome::Done | Outcome::Unknown => Ok(()),
        Outcome::Refused(trouble) | Outcome::Stopped { trouble, .. } => {
            tracing::warn!("receipt printer: {trouble}");
            Err(Failure(Device::Receipt, of(trouble)))
        }
    }
}

fn bitmap(dots: &Dots) -> Bitmap {
    let width = dots.width as usize;
    let mut bitmap = Bitmap::white(width, dots.rows.len());
    for (y, row) in dots.rows.iter().enumerate() {
        for x in 0..width {
            if row.get(x / 8).is_some_and(|byte| byte & (0x80 >> (x % 8)) != 0) {
                bitmap.blacken(x, y);
            }
        }
    }
    bitmap
}

fn of(trouble: Trouble) -> State {
    match trouble {
        Trouble::PaperEnd => State::Empty,
        Trouble::CoverOpen => State::Open,
        Trouble::Cutter => State::Jam,
        Trouble::Lost | Trouble::Silent => State::Absent,
        Trouble::Broken | Trouble::Hot | Trouble::Offline | Trouble::TooWide => State::Fault,
    }
}
