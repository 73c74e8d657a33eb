//! A page printer: Debian's `ippeveprinter`, with somebody beside it who takes its paper away.
//!
//! It switches paper and toner through the printer's own web forms. A jam and an open cover can't be told
//! to it between jobs; they show when the next document comes, which waits until they are gone.
//! `ippeveprinter` wants a message bus for its announcements, so it gets an empty one.

use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use nix::unistd::getppid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command as Process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::command::Command;
use crate::desk::{converse, listen};

/// How long the bus and the printer may take to start.
const START_TRIES: usize = 100;
const START_PAUSE: Duration = Duration::from_millis(100);
/// How often a document that waits looks whether it may go on.
const LOOK_PERIOD: Duration = Duration::from_millis(100);
/// Commands that wait; a sender of more waits itself.
const WAITING_MAX: usize = 16;
/// Sheets in a full tray, and in one that is nearly empty.
const FULL: u32 = 250;
const LOW: u32 = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Port of the printer: ipp://localhost:PORT/ipp/print
    #[arg(long)]
    port: u16,
    /// Folder where documents fall
    #[arg(long)]
    spool: PathBuf,
    /// Socket where commands come in
    #[arg(long)]
    control: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Page {
    /// File that says what is in the way
    #[arg(long)]
    faults: PathBuf,
    document: PathBuf,
}

/// What is in the way of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Faults {
    paper_out: bool,
    jam: bool,
    cover_open: bool,
}

#[derive(Debug)]
struct Printer {
    port: u16,
    spool: PathBuf,
    home: PathBuf,
    faults: Faults,
    sheets: u32,
    toner: u8,
    _bus: Child,
    process: Option<Child>,
}

pub(crate) fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut printer = Printer::start(arguments).await?;
        let listener = listen(&arguments.control)?;
        let (sender, mut asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, sender.clone()));
            }
        });
        let (mut end, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        loop {
            tokio::select! {
                Some((line, answer)) = asked.recv() => {
                    let _ = answer.send(printer.obey(&line).await);
                }
                _ = end.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    })
}

/// One document: waits until nothing is in its way, and says how many pages it had.
pub(crate) fn page(page: &Page) -> anyhow::Result<()> {
    let mut shown = Faults::default();
    let printer = getppid();
    loop {
        // A printer whose plug is pulled takes nobody along.
        ensure!(getppid() == printer, "the printer is gone");
        let now = Faults::load(&page.faults);
        let mut stderr = std::io::stderr().lock();
        for (word, was, is) in [
            ("media-empty-error", shown.paper_out, now.paper_out),
            ("media-jam-error", shown.jam, now.jam),
            ("cover-open-error", shown.cover_open, now.cover_open),
        ] {
            if was != is {
                writeln!(stderr, "STATE: {}{word}", if is { '+' } else { '-' })?;
            }
        }
        shown = now;
        if now == Faults::default() {
            let document = fs::read(&page.document)?;
            writeln!(stderr, "ATTR: job-impressions-completed={}", pages(&document))?;
            return Ok(());
        }
        #[expect(clippy::disallowed_methods, reason = "somebody has to clear the jam first")]
        std::thread::sleep(LOOK_PERIOD);
    }
}

/// Pages of a PDF whose page tree is not compressed; at least one.
fn pages(document: &[u8]) -> usize {
    let text = String::from_utf8_lossy(document);
    let count = |word: &str| text.matches(word).count();
    (count("/Type /Page") + count("/Type/Page"))
        .saturating_sub(count("/Type /Pages") + count("/Type/Pages"))
        .max(1)
}

impl Faults {
    fn load(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

impl Printer {
    async fn start(arguments: &Arguments) -> anyhow::Result<Self> {
        fs::create_dir_all(&arguments.spool)?;
        let spool = arguments.spool.canonicalize()?;
        let home = spool.join("printer");
        fs::create_dir_all(&home)?;
        let bus = start_bus(&home).await?;
        let mut printer = Self {
            port: arguments.port,
            spool,
            home,
            faults: Faults::default(),
            sheets: FULL,
            toner: 75,
            _bus: bus,
            process: None,
        };
        printer.plug().await?;
        Ok(printer)
    }

    async fn plug(&mut self) -> anyhow::Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let hook = self.home.join("page.sh");
        let this = std::env::current_exe()?;
        let script = format!(
            "#!/bin/sh\nexec '{}' a4-page --faults '{}' \"$@\"\n",
            this.display(),
            self.faults_path().display()
        );
        fs::write(&hook, script)?;
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        self.save_faults()?;
        let process = follower("ippeveprinter")
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus_address(&self.home))
            .args(["-n", "localhost", "-r", "off", "-f", "application/pdf", "-k"])
            .args(["-p", &self.port.to_string()])
            .arg("-d")
            .arg(&self.spool)
            .arg("-c")
            .arg(&hook)
            .arg("Gulou page printer")
            .spawn()
            .context("ippeveprinter can't be started: install cups-ipp-utils")?;
        self.process = Some(process);
        for _ in 0..START_TRIES {
            if self.set_media().await.is_ok() {
                return Ok(());
            }
            pause().await;
        }
        bail!("ippeveprinter doesn't answer at port {}", self.port)
    }

    async fn obey(&mut self, line: &str) -> Value {
        let done = match serde_json::from_str(line) {
            Ok(command) => self.command(&command).await,
            Err(error) => Err(error.into()),
        };
        let error = done.err().map(|error| error.to_string());
        json!({ "ok": error.is_none(), "error": error, "state": {
            "device": "a4",
            "plugged": self.process.is_some(),
            "sheets": self.sheets,
            "toner": self.toner,
            "jam": self.faults.jam,
            "cover": if self.faults.cover_open { "open" } else { "closed" },
        } })
    }

    async fn command(&mut self, command: &Command) -> anyhow::Result<()> {
        match command {
            Command::State => {}
            Command::Unplug => {
                if let Some(mut process) = self.process.take() {
                    process.kill().await?;
                }
            }
            Command::Plug => self.plug().await?,
            Command::PaperOut { .. } => return self.fill(0).await,
            Command::NearEnd => return self.fill(LOW).await,
            Command::LoadPaper => return self.fill(FULL).await,
            Command::Toner { level } => {
                self.toner = (*level).min(100);
                self.visit(&format!("/supplies?supply0=25&supply1={}", self.toner)).await?;
            }
            Command::Jam => self.faults.jam = true,
            Command::ClearJam => self.faults.jam = false,
            Command::OpenCover => self.faults.cover_open = true,
            Command::CloseCover => self.faults.cover_open = false,
            _ => bail!("this device can't do that"),
        }
        self.save_faults()
    }

    async fn fill(&mut self, sheets: u32) -> anyhow::Result<()> {
        self.sheets = sheets;
        self.faults.paper_out = sheets == 0;
        self.save_faults()?;
        self.set_media().await
    }

    /// The by-pass tray is left out; empty, it would count as missing paper.
    async fn set_media(&self) -> anyhow::Result<()> {
        let main = format!("size1=iso_a4_210x297mm&type1=stationery&level1={}", self.sheets);
        self.visit(&format!("/media?{main}&size3=&type3=&level3=-2")).await
    }

    /// Sends one of the printer's web forms.
    async fn visit(&self, path: &str) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await?;
        if !answer.ends_with(b"200 OK") {
            bail!("the printer refuses {path}");
        }
        Ok(())
    }

    fn faults_path(&self) -> PathBuf {
        self.home.join("faults.json")
    }

    fn save_faults(&self) -> anyhow::Result<()> {
        let part = self.home.join("faults.part");
        fs::write(&part, serde_json::to_string(&self.faults)?)?;
        fs::rename(part, self.faults_path())?;
        Ok(())
    }
}

/// A program that ends with this one, however that ends.
fn follower(program: &str) -> Process {
    let mut process = Process::new("setpriv");
    process
        .args(["--pdeathsig", "TERM", program])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    process
}

fn bus_address(home: &Path) -> String {
    format!("unix:path={}", home.join("bus").display())
}

/// A message bus on which nobody is.
async fn start_bus(home: &Path) -> anyhow::Result<Child> {
    let config = home.join("bus.conf");
    let text = format!(
        "<busconfig><type>system</type><listen>{}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
         <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>\
         </busconfig>\n",
        bus_address(home)
    );
    fs::write(&config, text)?;
    let _ = fs::remove_file(home.join("bus"));
    let bus = follower("dbus-daemon")
        .arg("--nofork")
        .arg(format!("--config-file={}", config.display()))
        .spawn()
        .context("dbus-daemon can't be started: install dbus-daemon")?;
    for _ in 0..START_TRIES {
        if home.join("bus").exists() {
            return Ok(bus);
        }
        pause().await;
    }
    bail!("dbus-daemon opens no bus in {}", home.display())
}

#[expect(clippy::disallowed_methods, reason = "another program takes its time to start")]
async fn pause() {
    tokio::time::sleep(START_PAUSE).await;
}
