//! The desk a device stands on: its cable on one side, the socket for commands on the other.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::command::{Command, Done};
use crate::line::{Line, Place};
use crate::reader::Reader;
use crate::receipt::Printer;
use crate::scanner::Scanner;

/// Commands that wait; a sender of more waits itself.
const WAITING_MAX: usize = 16;
/// Most bytes taken from the cable at once.
const CHUNK: usize = 4096;
/// A driver that takes nothing for so long loses what it was told.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) enum Device {
    Reader(Reader),
    Scanner(Scanner),
    Receipt(Box<Printer>),
}

#[derive(Debug)]
pub(crate) struct Desk {
    place: Place,
    line: Option<Line>,
    device: Device,
    delay: Duration,
}

type Asked = (String, oneshot::Sender<Value>);

impl Desk {
    pub(crate) fn new(place: Place, device: Device, delay: Duration) -> Self {
        Self { place, line: None, device, delay }
    }

    /// Plugs the device in and serves it until the process ends.
    pub(crate) async fn serve(mut self, control: &Path) -> anyhow::Result<()> {
        self.plug()?;
        let (sender, mut asked) = mpsc::channel(WAITING_MAX);
        let listener = listen(control)?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, sender.clone()));
            }
        });
        let mut bytes = [0; CHUNK];
        loop {
            tokio::select! {
                Some((line, answer)) = asked.recv() => {
                    let _ = answer.send(self.obey(&line).await);
                }
                read = read(&mut self.line, &mut bytes) => match read {
                    Ok(count) => self.hear(&bytes[..count]).await,
                    Err(_) => self.line = None,
                },
            }
        }
    }

    async fn hear(&mut self, bytes: &[u8]) {
        let answer = match &mut self.device {
            Device::Reader(reader) => reader.hear(bytes),
            Device::Receipt(printer) => printer.hear(bytes),
            Device::Scanner(_) => return,
        };
        #[expect(clippy::disallowed_methods, reason = "the device is hardware, and so slow")]
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        self.say(&answer.bytes).await;
        if answer.unplugs {
            self.line = None;
        }
    }

    async fn obey(&mut self, line: &str) -> Value {
        let command = match serde_json::from_str(line) {
            Ok(command) => command,
            Err(error) => return json!({ "ok": false, "error": error.to_string() }),
        };
        let error = match command {
            Command::State => None,
            Command::Unplug => {
                self.line = None;
                None
            }
            Command::Plug => self.plug().err().map(|error| error.to_string()),
            command => {
                let done = match &mut self.device {
                    Device::Reader(reader) => reader.command(command),
                    Device::Scanner(scanner) => scanner.command(command),
                    Device::Receipt(printer) => printer.command(&command),
                };
                match done {
                    Done::Says(bytes) => {
                        self.say(&bytes).await;
                        None
                    }
                    Done::Foreign => Some("this device can't do that".to_owned()),
                }
            }
        };
        let mut state = match &self.device {
            Device::Reader(reader) => reader.state(),
            Device::Scanner(scanner) => scanner.state(),
            Device::Receipt(printer) => printer.state(),
        };
        state["plugged"] = self.line.is_some().into();
        json!({ "ok": error.is_none(), "error": error, "state": state })
    }

    async fn say(&mut self, bytes: &[u8]) {
        if let Some(line) = &mut self.line {
            let _ = timeout(WRITE_TIMEOUT, line.write(bytes)).await;
        }
    }

    fn plug(&mut self) -> io::Result<()> {
        if self.line.is_none() {
            self.line = Some(Line::plug(&self.place)?);
        }
        Ok(())
    }
}

/// Bytes from the cable; for ever none while the plug is pulled.
async fn read(line: &mut Option<Line>, bytes: &mut [u8]) -> io::Result<usize> {
    match line {
        Some(line) => line.read(bytes).await,
        None => std::future::pending().await,
    }
}

/// Opens the socket at `path`, and removes what an earlier peer left there.
pub(crate) fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    let _ = fs::remove_file(path);
    UnixListener::bind(path).with_context(|| format!("cannot listen at {}", path.display()))
}

/// One connection: each line is answered by one line.
pub(crate) async fn converse(stream: UnixStream, sender: mpsc::Sender<Asked>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.ok()? {
        let (answer, answered) = oneshot::channel();
        sender.send((line, answer)).await.ok()?;
        let text = format!("{}\n", answered.await.ok()?);
        write.write_all(text.as_bytes()).await.ok()?;
    }
    Some(())
}
