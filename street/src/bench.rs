//! The bench beside the terminal: its card reader, scanner and printers, each an independent program that
//! speaks the device's own protocol (`gulou-peer`), and what came out of the printers.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::process::{Ending, Program};

/// How often the bench is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest wait for an answer; a page printer takes its time to start again.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);
/// Longest answer of a peer, in bytes.
const ANSWER_MAX: u64 = 64 << 10;
/// Dots of a row of the receipt printer: 72 mm of paper that is 80 mm wide.
pub const RECEIPT_DOTS: i64 = 576;
/// Most papers that the tray shows; the newest ones.
const PAPERS_MAX: usize = 24;
/// What the camera looks at: a street corner, drawn.
const VIEW: &[u8] = include_bytes!("bench/view.jpg");

/// A device on the terminal's cables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peripheral {
    /// Reader of identity cards.
    Reader,
    /// Scanner of bar and QR codes.
    Scanner,
    /// Printer of receipts.
    Receipt,
    /// Printer of pages.
    A4,
}

/// Where everything stands, and how it was when somebody last looked.
#[derive(Debug, Clone)]
pub struct Bench {
    folder: PathBuf,
    printer_port: u16,
    known: watch::Sender<Value>,
}

/// Why a device did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Its program does not answer.
    #[error("{0} is not there")]
    Absent(&'static str),
    /// It refuses.
    #[error("{0}")]
    Refused(String),
}

impl Peripheral {
    /// All of them.
    pub const ALL: [Peripheral; 4] =
        [Peripheral::Reader, Peripheral::Scanner, Peripheral::Receipt, Peripheral::A4];

    /// What `gulou-peer` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Peripheral::Reader => "reader",
            Peripheral::Scanner => "scanner",
            Peripheral::Receipt => "receipt",
            Peripheral::A4 => "a4",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|peripheral| peripheral.name() == name)
    }
}

impl Bench {
    /// A bench with its files in `folder`; its page printer listens on `printer_port`.
    pub fn set_up(folder: PathBuf, printer_port: u16) -> io::Result<Bench> {
        let bench = Bench { folder, printer_port, known: watch::Sender::new(Value::Null) };
        fs::create_dir_all(bench.camera())?;
        fs::write(bench.camera().join("view.jpg"), VIEW)?;
        fs::create_dir_all(bench.receipts())?;
        fs::create_dir_all(bench.pages())?;
        Ok(bench)
    }

    /// The program that stands for a device.
    pub fn program<'a>(
        &self,
        peripheral: Peripheral,
        path: &'a Path,
        log: &'a Path,
    ) -> Program<'a> {
        let mut arguments: Vec<OsString> = vec![peripheral.name().into()];
        arguments.extend(["--control".into(), self.socket(peripheral).into()]);
        match peripheral {
            Peripheral::A4 => {
                arguments.extend(["--port".into(), self.printer_port.to_string().into()]);
                arguments.extend(["--spool".into(), self.pages().into()]);
            }
            _ => arguments.extend(["--at".into(), self.cable(peripheral).into()]),
        }
        if peripheral == Peripheral::Receipt {
            arguments.extend(["--tray".into(), self.receipts().into()]);
            arguments.extend(["--width".into(), RECEIPT_DOTS.to_string().into()]);
        }
        // The page printer has programs of its own to end.
        let ending = if peripheral == Peripheral::A4 { Ending::Terminate } else { Ending::Kill };
        Program { path, arguments, environment: Vec::new(), log, ending }
    }

    /// The device file of a peripheral that hangs on a serial line.
    pub fn cable(&self, peripheral: Peripheral) -> PathBuf {
        self.folder.join(peripheral.name())
    }

    /// Where the page printer can be reached.
    pub fn page_printer(&self) -> String {
        format!("ipp://localhost:{}/ipp/print", self.printer_port)
    }

    /// The file in which the terminal says what stands on its glass.
    pub fn outline(&self) -> PathBuf {
        self.folder.join("outline.json")
    }

    /// The folder of pictures that serves as camera.
    pub fn camera(&self) -> PathBuf {
        self.folder.join("camera")
    }

    /// How the bench is: each peripheral by name, `null` while its program is not there, and `tray`.
    pub fn known(&self) -> watch::Receiver<Value> {
        self.known.subscribe()
    }

    /// Tells a device what happens to it, such as `{"do":"paper-out"}`.
    pub async fn tell(&self, peripheral: Peripheral, command: &Value) -> Result<(), BenchError> {
        let absent = |_| BenchError::Absent(peripheral.name());
        let answer = timeout(ANSWER_PATIENCE, self.converse(peripheral, command));
        let answer = answer.await.map_err(|_| BenchError::Absent(peripheral.name()))?;
        let mut answer = answer.map_err(absent)?;
        let state = answer["state"].take();
        self.known.send_if_modified(|known| {
            let changed = known[peripheral.name()] != state;
            known[peripheral.name()] = state;
            changed
        });
        match answer["ok"].as_bool() {
            Some(true) => Ok(()),
            _ => Err(BenchError::Refused(answer["error"].as_str().unwrap_or_default().to_owned())),
        }
    }

    /// Looks at the bench now and then, as long as the street runs.
    pub async fn watch(self) {
        let question = json!({ "do": "state" });
        let mut round = tokio::time::interval(LOOK_EVERY);
        round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            round.tick().await;
            let mut seen = Map::new();
            for peripheral in Peripheral::ALL {
                let asked = self.converse(peripheral, &question);
                let answer = timeout(LOOK_EVERY, asked).await.ok().and_then(Result::ok);
                let state = answer.map_or(Value::Null, |mut answer| answer["state"].take());
                seen.insert(peripheral.name().to_owned(), state);
            }
            seen.insert("tray".to_owned(), self.papers().into());
            let seen = Value::Object(seen);
            self.known.send_if_modified(|known| {
                let changed = *known != seen;
                *known = seen;
                changed
            });
        }
    }

    /// The file of a paper that lies in the tray.
    pub fn paper(&self, name: &str) -> Option<PathBuf> {
        let papers = self.papers();
        papers.iter().any(|paper| paper == name).then(|| {
            let folder = if is(name, "png") { self.receipts() } else { self.pages() };
            folder.join(name)
        })
    }

    /// Takes all papers out of the tray.
    pub fn take_papers(&self) -> io::Result<()> {
        for name in self.papers() {
            if let Some(path) = self.paper(&name) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Names of the papers in the tray, the newest first.
    fn papers(&self) -> Vec<String> {
        let lying = |folder: PathBuf, kind: &'static str| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.filter_map(move |entry| {
                let name = entry.file_name().into_string().ok()?;
                let fallen = entry.metadata().and_then(|metadata| metadata.modified()).ok()?;
                is(&name, kind).then_some((fallen, name))
            })
        };
        let mut papers: Vec<_> =
            lying(self.receipts(), "png").chain(lying(self.pages(), "pdf")).collect();
        papers.sort_unstable();
        papers.into_iter().rev().take(PAPERS_MAX).map(|(_, name)| name).collect()
    }

    async fn converse(&self, peripheral: Peripheral, command: &Value) -> io::Result<Value> {
        let (read, mut write) = UnixStream::connect(self.socket(peripheral)).await?.into_split();
        write.write_all(format!("{command}\n").as_bytes()).await?;
        let mut line = String::new();
        BufReader::new(read.take(ANSWER_MAX)).read_line(&mut line).await?;
        Ok(serde_json::from_str(&line)?)
    }

    fn socket(&self, peripheral: Peripheral) -> PathBuf {
        self.folder.join(format!("{}.sock", peripheral.name()))
    }

    fn receipts(&self) -> PathBuf {
        self.folder.join("receipts")
    }

    fn pages(&self) -> PathBuf {
        self.folder.join("pages")
    }
}

fn is(name: &str, kind: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tray_shows_whole_papers_and_gives_nothing_else_away() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::set_up(folder.path().to_owned(), 0).unwrap();
        fs::write(bench.receipts().join("receipt-0001.png"), "receipt").unwrap();
        fs::write(bench.receipts().join("receipt-0002.part"), "half a receipt").unwrap();
        fs::write(bench.pages().join("1-record.pdf"), "page").unwrap();
        assert_eq!(bench.papers().len(), 2);
        assert!(bench.paper("1-record.pdf").is_some_and(|path| path.is_file()));
        assert_eq!(bench.paper("../receipts/receipt-0001.png"), None);
        assert_eq!(bench.paper("receipt-0002.part"), None);
        bench.take_papers().unwrap();
        assert_eq!(bench.papers(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_device_without_a_program_is_said_to_be_absent() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::set_up(folder.path().to_owned(), 0).unwrap();
        let told = bench.tell(Peripheral::Reader, &json!({ "do": "remove" })).await;
        assert_eq!(told.unwrap_err().to_string(), "reader is not there");
    }
}
