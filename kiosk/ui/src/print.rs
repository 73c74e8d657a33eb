//! The printers, on a thread of their own: how they are, and the papers of a citizen one after the other.
//!
//! A paper lives in memory only, from the page that ends an item to the printer's last answer.

mod a4;
mod receipt;
mod sheet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use anyhow::Context as _;
use drivers::a4::A4Printer;
use drivers::line::Address;
use drivers::receipt::ReceiptPrinter;
use kiosk::devices::State;
use kiosk::flow::Token;
use kiosk::leaf::Leaf;
use kiosk::terminal::Event;
use kiosk::words;
use paper::code::CodeError;
use paper::{Paper, Sheet};
use screen::Waker;
use service::definition::{Device, Form};
use service::text::Text;
use sync::Clock;
use sync::document::Document;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::notary::Notary;

/// Jobs that wait; a citizen has one.
const JOBS_MAX: usize = 4;
/// News that wait; the screen takes them at every turn.
const NEWS_MAX: usize = 64;
/// Idle printers are asked so often how they are.
const LOOK: Duration = Duration::from_secs(3);

/// Which printers there are.
#[derive(Debug, Clone, Default)]
pub struct Printers {
    /// Such as `ipp://10.0.0.9/ipp/print`.
    pub a4: Option<String>,
    pub receipt: Option<Address>,
    /// Dots in a row of the receipt printer.
    pub width: usize,
    /// `content/templates`.
    pub templates: PathBuf,
    /// Where people verify a paper, as it is printed on it.
    pub verify: String,
}

/// What the printers need of the platform.
#[derive(Debug)]
pub struct Registry {
    /// Signs, once the platform has certified it.
    pub notary: watch::Receiver<Option<Notary>>,
    /// Takes a record of each paper that was signed.
    pub records: mpsc::Sender<Document>,
}

/// What the shell wants of the printers.
#[derive(Debug)]
pub enum Job {
    /// The papers of one citizen, on paper.
    Print(Vec<Leaf>),
    /// The first of them as a file.
    Copy(Token, Vec<Leaf>),
}

/// What the printers have to say.
#[derive(Debug)]
pub enum News {
    Event(Event),
    /// A PDF, or none where it can't be set.
    Copy(Token, Option<Vec<u8>>),
}

/// Both ends of the thread, for the shell.
#[derive(Debug)]
pub struct Ends {
    pub jobs: mpsc::Sender<Job>,
    pub news: std_mpsc::Receiver<News>,
}

/// Starts the thread. It never ends before the program does.
pub fn start(
    printers: Printers,
    registry: Option<Registry>,
    clock: Clock,
    waker: Waker,
) -> anyhow::Result<Ends> {
    let (jobs, taken) = mpsc::channel(JOBS_MAX);
    let (tell, news) = std_mpsc::sync_channel(NEWS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let a4 = printers.a4.as_deref().map(A4Printer::new).transpose()?;
    let receipt =
        printers.receipt.clone().map(|address| ReceiptPrinter::new(address, printers.width));
    let shop = Shop {
        said: BTreeMap::new(),
        a4,
        receipt,
        verify: printers.verify,
        paper: None,
        registry,
        clock,
        tell,
        waker,
    };
    std::thread::Builder::new()
        .name("print".to_owned())
        .spawn(move || runtime.block_on(shop.run(taken, &printers.templates)))
        .context("start the thread of the printers")?;
    Ok(Ends { jobs, news })
}

#[derive(Debug)]
struct Shop {
    a4: Option<A4Printer>,
    receipt: Option<ReceiptPrinter>,
    verify: String,
    /// Templates and fonts; none where they can't be read.
    paper: Option<Paper>,
    registry: Option<Registry>,
    /// How the printers were, the last time anybody was told.
    said: BTreeMap<Device, State>,
    clock: Clock,
    tell: std_mpsc::SyncSender<News>,
    waker: Waker,
}

/// Why a paper did not come out: the device, and how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure(Device, State);

impl Shop {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>, templates: &Path) {
        match Paper::load(templates, Path::new("/usr/share/fonts")) {
            Ok(paper) => self.paper = Some(paper),
            Err(error) => tracing::error!("nothing can be printed: {error}"),
        }
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = look.tick() => self.look().await,
                job = jobs.recv() => {
                    let Some(job) = job else { return };
                    self.take(job).await;
                    self.look().await;
                }
            }
        }
    }

    async fn take(&mut self, job: Job) {
        match job {
            Job::Print(leaves) => {
                let printed = self.print(leaves).await;
                self.say(Event::Printed(printed));
            }
            Job::Copy(token, leaves) => {
                let first = leaves.iter().position(|leaf| leaf.form == Form::A4).unwrap_or(0);
                let pdf = match leaves.into_iter().nth(first) {
                    Some(leaf) => self.copy(leaf).await,
                    None => None,
                };
                self.tell(News::Copy(token, pdf));
            }
        }
    }

    /// The same paper as a file, signed like it.
    async fn copy(&self, leaf: Leaf) -> Option<Vec<u8>> {
        let sheet =
            self.sheet(leaf).inspect_err(|error| tracing::error!("a copy: {error}")).ok()?;
        let pdf = self.paper.as_ref()?.pdf(&sheet);
        let pdf = pdf.inspect_err(|error| tracing::error!("a copy: {error}")).ok()?;
        self.record(&sheet).await;
        Some(pdf)
    }

    /// A leaf as a sheet, with its code where it has one.
    fn sheet(&self, leaf: Leaf) -> Result<Sheet, CodeError> {
        let verified = leaf.verified;
        let sheet = sheet::of(leaf, self.clock.now().wall);
        let notary = self.registry.as_ref().and_then(|it| it.notary.borrow().clone());
        match notary.filter(|_| verified) {
            Some(notary) => notary.sign(sheet, &self.verify),
            None => Ok(sheet),
        }
    }

    /// Asks every printer how it is.
    async fn look(&mut self) {
        let ready = self.paper.is_some();
        if let Some(printer) = &mut self.a4 {
            let state = if ready { a4::state(printer).await } else { State::Fault };
            self.learn(Device::Printer, state);
        }
        if let Some(printer) = &mut self.receipt {
            let state = if ready { receipt::state(printer).await } else { State::Fault };
            self.learn(Device::Receipt, state);
        }
    }

    /// Says it once: nobody is woken by a printer that is as it was.
    fn learn(&mut self, device: Device, state: State) {
        if self.said.insert(device, state) != Some(state) {
            self.say(Event::Device(device, state));
        }
    }

    /// Prints all of them, or says what stood in the way.
    async fn print(&mut self, leaves: Vec<Leaf>) -> Result<(), Text> {
        for leaf in leaves {
            let form = leaf.form;
            if let Err(Failure(device, state)) = self.leaf(leaf).await {
                tracing::warn!("{form:?} is not printed: {state:?}");
                return Err(words::device_out(device, state));
            }
        }
        Ok(())
    }

    async fn leaf(&mut self, leaf: Leaf) -> Result<(), Failure> {
        let device = if leaf.form == Form::A4 { Device::Printer } else { Device::Receipt };
        let fault = |error: &dyn std::error::Error| {
            tracing::error!("a paper can't be set: {error}");
            Failure(device, State::Fault)
        };
        let sheet = self.sheet(leaf).map_err(|error| fault(&error))?;
        let paper = self.paper.as_ref().ok_or(Failure(device, State::Fault))?;
        match (device, &mut self.a4, &mut self.receipt) {
            (Device::Printer, Some(printer), _) => {
                let pdf = paper.pdf(&sheet).map_err(|error| fault(&error))?;
                a4::print(printer, pdf).await?;
            }
            (Device::Receipt, _, Some(printer)) => {
                let width = u32::try_from(printer.width()).unwrap_or(paper::ROLL_80_DOTS);
                let dots = paper.slip(&sheet, width).map_err(|error| fault(&error))?;
                receipt::print(printer, &dots).await?;
            }
            _ => return Err(Failure(device, State::Absent)),
        }
        self.record(&sheet).await;
        Ok(())
    }

    /// Lets the platform know the hash of what was signed, so that the short code finds it.
    async fn record(&self, sheet: &Sheet) {
        let Some(registry) = self.registry.as_ref().filter(|_| sheet.code.is_some()) else {
            return;
        };
        match Document::new(&sheet.content(), &sheet.title, sheet.issued_at) {
            Ok(document) => {
                if registry.records.send(document).await.is_err() {
                    tracing::error!("the line to the platform has ended");
                }
            }
            Err(error) => tracing::error!("a record of a paper: {error}"),
        }
    }

    fn say(&self, event: Event) {
        self.tell(News::Event(event));
    }

    /// A full queue means a screen that hangs; its watchdog ends it.
    fn tell(&self, news: News) {
        if self.tell.try_send(news).is_err() {
            tracing::error!("the screen does not take what printers say");
        }
        self.waker.nudge();
    }
}
