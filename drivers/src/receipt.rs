//! Receipt printer that speaks ESC/POS, on any cable.
//!
//! | file | what |
//! |---|---|
//! | [`bitmap`] | what is printed |
//! | [`status`] | what the printer says of itself: the one parser of its bytes |
//! | [`job`] | one receipt on an open cable |
//!
//! A receipt is a picture, because the fonts of printers lack rare characters.
//! It counts as printed when the printer has confirmed the cut and then said that nothing is wrong.

pub mod bitmap;
pub mod job;
pub mod status;

use crate::health::Health;
use crate::line::{Address, Line};
use bitmap::Bitmap;
use job::Printer;
use status::{Status, Trouble};

/// Speed of a printer on a serial line.
const BAUD: u32 = 115_200;

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receipt hangs out of the printer, cut off.
    Done,
    /// Nothing was printed.
    Refused(Trouble),
    /// Printing ended early.
    Stopped {
        /// Why.
        trouble: Trouble,
        /// Rows that are on paper for certain; none where the printer can't say. Some more may be.
        rows: Option<usize>,
    },
    /// Everything was sent, and the printer says nothing about it.
    Unknown,
}

/// A receipt printer; it may come and go.
#[derive(Debug)]
pub struct ReceiptPrinter {
    address: Address,
    width: usize,
    printer: Option<Printer<Line>>,
    health: Health,
}

impl ReceiptPrinter {
    /// The printer at `address` whose paper is `width` dots wide: 576 for 80 mm, 384 for 58 mm.
    pub fn new(address: Address, width: usize) -> Self {
        Self { address, width, printer: None, health: Health::Unknown }
    }

    /// Dots in a row of its paper.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether it works, as far as the last exchange told.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Asks how it is: two seconds at most.
    pub async fn status(&mut self) -> Result<Status, Trouble> {
        let status = match self.open().await {
            Ok(printer) => printer.ask_all().await,
            Err(trouble) => Err(trouble),
        };
        self.learn(match status {
            Ok(status) if status.is_known() && status.trouble().is_none() => Health::Ok,
            Ok(_) => Health::Degraded,
            Err(_) => Health::Lost,
        });
        status
    }

    /// Prints one receipt and cuts it off. Not cancel safe: half a receipt would hang in the printer.
    pub async fn print(&mut self, bitmap: &Bitmap) -> Outcome {
        if bitmap.width() > self.width {
            return Outcome::Refused(Trouble::TooWide);
        }
        let outcome = match self.open().await {
            Ok(printer) => printer.print(bitmap).await,
            Err(trouble) => Outcome::Refused(trouble),
        };
        self.learn(match outcome {
            Outcome::Done => Health::Ok,
            Outcome::Refused(Trouble::Lost) | Outcome::Stopped { trouble: Trouble::Lost, .. } => {
                Health::Lost
            }
            _ => Health::Degraded,
        });
        outcome
    }

    async fn open(&mut self) -> Result<&mut Printer<Line>, Trouble> {
        let printer = match self.printer.take() {
            Some(printer) => printer,
            None => Printer::new(Line::open(&self.address, BAUD).await.map_err(|_| Trouble::Lost)?),
        };
        Ok(self.printer.insert(printer))
    }

    fn learn(&mut self, health: Health) {
        if health == Health::Lost {
            self.printer = None;
        }
        self.health = health;
    }
}
