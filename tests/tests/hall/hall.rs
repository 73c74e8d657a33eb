//! The hall: programs, cables, and a finger on the glass.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use drivers::input::Record;
use drivers::input::record::{EV_ABS, EV_KEY, EV_SYN};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use serde_json::{Value, json};
use tests::stage::{Platform, binary, pause, spawn, tail};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

/// Signs in rows, each with the code of its first key (`KEY_1`, `KEY_Q`, `KEY_A`, `KEY_Z`, `KEY_SPACE`).
const KEYS: [(u16, &str); 5] =
    [(2, "1234567890"), (16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm"), (57, " ")];
/// `ABS_MT_TRACKING_ID`, `ABS_MT_POSITION_X` and `ABS_MT_POSITION_Y`.
const FINGER: u16 = 0x39;
const X: u16 = 0x35;
const Y: u16 = 0x36;

/// Longer than the terminal waits for a citizen who says nothing.
const PATIENCE: Duration = Duration::from_secs(75);
/// How often the glass is looked at.
const LOOK: Duration = Duration::from_millis(30);

/// A terminal, what hangs on it, and the platform.
pub(crate) struct Hall {
    pub(crate) platform: Platform,
    terminal: Child,
    /// Card reader, scanner, receipt printer, page printer.
    peers: Vec<Child>,
    touch: File,
    keyboard: File,
    folder: tempfile::TempDir,
}

/// Something that stands on the glass.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Part {
    pub(crate) role: String,
    pub(crate) label: String,
    pub(crate) enabled: bool,
    pub(crate) seen: Place,
}

#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(crate) struct Place {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

#[derive(Debug, serde::Deserialize)]
struct Shown {
    frames: u64,
    parts: Vec<Part>,
}

impl Hall {
    /// Opens the hall, and waits until the terminal stands ready for somebody.
    pub(crate) async fn open() -> Hall {
        Hall::open_with("").await
    }

    /// The same, with more in the terminal's configuration.
    pub(crate) async fn open_with(more: &str) -> Hall {
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::start(folder.path(), Vec::new()).await.unwrap();
        let provision = platform.register("terminal-1", "terminal", None).await.unwrap();
        let page_port = free_port();
        let peers = peers(folder.path(), page_port);
        let [touch, keyboard] = ["touch", "keyboard"].map(|name| pipe(&folder.path().join(name)));
        fs::create_dir(folder.path().join("camera")).unwrap();
        fs::write(folder.path().join("camera/1.jpg"), picture()).unwrap();
        fs::write(
            folder.path().join("terminal.toml"),
            configuration(folder.path(), page_port, &provision, more),
        )
        .unwrap();
        let terminal = launch(folder.path());
        let hall = Hall { platform, terminal, peers, touch, keyboard, folder };
        hall.sees("轻触屏幕开始").await;
        hall
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Process of the terminal.
    pub(crate) fn terminal(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.terminal.id().unwrap()).unwrap())
    }

    /// Ends the terminal as a power cut does, and starts it again.
    pub(crate) async fn cut_power(&mut self) {
        self.kill().await;
        self.launch();
        self.sees("轻触屏幕开始").await;
    }

    /// Ends the terminal; nothing of it is tidied up.
    pub(crate) async fn kill(&mut self) {
        nix::sys::signal::kill(self.terminal(), Signal::SIGKILL).unwrap();
        self.terminal.wait().await.unwrap();
        fs::remove_file(self.path("outline")).unwrap();
    }

    /// Starts the terminal.
    pub(crate) fn launch(&mut self) {
        self.terminal = launch(self.folder.path());
    }

    /// Touches what is called so; waits until it is there and does something.
    pub(crate) async fn tap(&mut self, label: &str) {
        let (x, y) = self.place_of(label).await;
        self.touch(x, y).await;
    }

    /// Where a finger goes for what is called so, once it does something.
    pub(crate) async fn place_of(&self, label: &str) -> (f32, f32) {
        let enabled = async || self.find(label).is_some_and(|part| part.enabled);
        self.sees(label).await;
        if let Err(error) = until(&format!("{label} can be touched"), enabled).await {
            panic!("{error}; there stands: {:?}", self.words());
        }
        let Place { x, y, width, height } = self.sees(label).await.seen;
        (x + width / 2.0, y + height / 2.0)
    }

    /// Touches the glass at a place, in dots, and waits until that shows.
    pub(crate) async fn touch(&mut self, x: f32, y: f32) {
        let before = self.shown().map_or(0, |shown| shown.frames);
        self.finger_down(x, y);
        self.finger_up();
        let moved = async || self.shown().is_some_and(|shown| shown.frames > before);
        until("the glass answers the finger", moved).await.unwrap();
    }

    /// Types on the keyboard that staff may plug in: digits, small letters and spaces.
    pub(crate) async fn types(&mut self, words: &str) {
        for letter in words.chars() {
            let before = self.shown().map_or(0, |shown| shown.frames);
            let code = KEYS
                .iter()
                .find(|(_, row)| row.contains(letter))
                .map(|(first, row)| first + u16::try_from(row.find(letter).unwrap()).unwrap());
            for value in [1, 0] {
                let key = Record::new(EV_KEY, code.unwrap(), value).bytes();
                self.keyboard.write_all(&key).unwrap();
                self.keyboard.write_all(&Record::new(EV_SYN, 0, 0).bytes()).unwrap();
            }
            // Touch panel and keyboard are two devices: nothing else says which was first.
            let typed = async || self.shown().is_some_and(|shown| shown.frames > before);
            until("the letter stands on the glass", typed).await.unwrap();
        }
    }

    pub(crate) fn finger_down(&mut self, x: f32, y: f32) {
        #[expect(clippy::cast_possible_truncation, reason = "dots of a panel")]
        let (x, y) = (x as i32, y as i32);
        self.send(&[(EV_ABS, FINGER, 1), (EV_ABS, X, x), (EV_ABS, Y, y), (EV_SYN, 0, 0)]);
    }

    pub(crate) fn finger_up(&mut self) {
        self.send(&[(EV_ABS, FINGER, -1), (EV_SYN, 0, 0)]);
    }

    fn send(&mut self, records: &[(u16, u16, i32)]) {
        for (kind, code, value) in records {
            self.touch.write_all(&Record::new(*kind, *code, *value).bytes()).unwrap();
        }
    }

    /// Waits until something called so can be seen.
    pub(crate) async fn sees(&self, label: &str) -> Part {
        let found = async || self.find(label).is_some();
        if let Err(error) = until(&format!("{label} stands on the glass"), found).await {
            let log = tail(&self.path("terminal.log"));
            panic!("{error}; there stands: {:?}\n{log}", self.words());
        }
        self.find(label).unwrap()
    }

    /// Waits until one of these stands on the glass, and says which.
    pub(crate) async fn sees_one_of(&self, labels: &[&str]) -> String {
        let found = || labels.iter().find(|label| self.find(label).is_some());
        until(&format!("one of {labels:?} stands on the glass"), async || found().is_some())
            .await
            .unwrap_or_else(|error| panic!("{error}; there stands: {:?}", self.words()));
        (*found().unwrap()).to_owned()
    }

    /// Waits until a sentence with these words can be read.
    pub(crate) async fn reads(&self, words: &str) {
        let reads = async || self.words().iter().any(|line| line.contains(words));
        if let Err(error) = until(&format!("{words} can be read"), reads).await {
            panic!("{error}; there stands: {:?}", self.words());
        }
    }

    /// A part with this label, the pressable one first; its label may go on after a line break.
    pub(crate) fn find(&self, label: &str) -> Option<Part> {
        let parts = self.shown()?.parts;
        let seen = |part: &&Part| part.seen.width > 0.0 && part.seen.height > 0.0;
        let mut called: Vec<&Part> =
            parts.iter().filter(seen).filter(|it| it.label == label).collect();
        called.sort_by_key(|part| part.role == "text");
        called.first().map(|part| (*part).clone())
    }

    /// Everything that can be read on the glass.
    pub(crate) fn words(&self) -> Vec<String> {
        let parts = self.shown().map(|shown| shown.parts).unwrap_or_default();
        parts.into_iter().map(|part| part.label).filter(|label| !label.is_empty()).collect()
    }

    fn shown(&self) -> Option<Shown> {
        serde_json::from_slice(&fs::read(self.path("outline")).ok()?).ok()
    }

    /// Tells a device what happens to it; gives back how it is then.
    pub(crate) async fn happens(&self, device: &str, what: Value) -> Value {
        let socket = self.path(&format!("{device}.control"));
        until(&format!("{device} listens"), async || UnixStream::connect(&socket).await.is_ok())
            .await
            .unwrap();
        let mut stream = BufReader::new(UnixStream::connect(&socket).await.unwrap());
        stream.write_all(format!("{what}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["ok"], true, "{what}: {answer}");
        answer["state"].clone()
    }

    /// Files in a folder of the hall, in order, once they are whole.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let all = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let done = |path: &PathBuf| path.extension().is_some_and(|it| it != "part");
        let mut all: Vec<PathBuf> = all.map(|file| file.path()).filter(done).collect();
        all.sort();
        all
    }
}

impl Drop for Hall {
    fn drop(&mut self) {
        // A peer that owns other processes takes them along when it is asked to end.
        for peer in &self.peers {
            if let Some(pid) = peer.id().and_then(|pid| i32::try_from(pid).ok()) {
                let _ = nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        }
    }
}

/// Waits until something is so, and says what is not.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) -> Result<(), String> {
    let waiting = async {
        while !is_so().await {
            pause(LOOK).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, waiting).await;
    ended.map_err(|_| format!("it does not become so that {what}"))
}

/// A pipe that stands for an input device, opened for both ways so that neither side waits.
fn pipe(path: &Path) -> File {
    mkfifo(path, Mode::S_IRWXU).unwrap();
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

fn launch(folder: &Path) -> Child {
    let mut command = Command::new(binary("gulou-terminal").unwrap());
    command.arg(folder.join("terminal.toml"));
    spawn(command, &folder.join("terminal.log")).unwrap()
}

fn peers(folder: &Path, page_port: u16) -> Vec<Child> {
    let path = |name: &str| folder.join(name).display().to_string();
    let cable = |name: &str| vec!["--at".to_owned(), path(name)];
    let mut receipt = cable("receipt");
    receipt.extend(["--tray".to_owned(), path("tray")]);
    let a4 = vec!["--port".to_owned(), page_port.to_string(), "--spool".to_owned(), path("pages")];
    [("reader", cable("reader")), ("scanner", cable("scanner")), ("receipt", receipt), ("a4", a4)]
        .into_iter()
        .map(|(name, words)| {
            let mut command = Command::new(binary("gulou-peer").unwrap());
            command.arg(name).args(words).arg("--control").arg(path(&format!("{name}.control")));
            let log = File::create(folder.join(format!("{name}.log"))).unwrap();
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            // Not killed with us: it is asked to end, so that what it started ends too.
            command.spawn().unwrap()
        })
        .collect()
}

fn configuration(folder: &Path, page_port: u16, provision: &str, more: &str) -> String {
    let path = |name: &str| json!(folder.join(name)).to_string();
    let content = json!(concat!(env!("CARGO_MANIFEST_DIR"), "/../content"));
    format!(
        "place = \"军门社区\"\ncontent = {content}\n\
         [panel]\nmemory = {}\noutline = {}\n\
         [inputs]\ntouch = {}\nkeyboard = {}\n\
         [devices]\nreader = {}\nscanner = {}\ncamera = {}\nreceipt = {}\n\
         printer = \"ipp://localhost:{page_port}/ipp/print\"\n\
         [platform]\ndevice = \"terminal-1\"\nstate = {}\nprovision = \"{provision}\"\n{}",
        path("panel"),
        path("outline"),
        path("touch"),
        path("keyboard"),
        path("reader"),
        path("scanner"),
        path("camera"),
        path("receipt"),
        path("state"),
        more,
    )
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The smallest picture a camera could take.
fn picture() -> Vec<u8> {
    include_bytes!("face.jpg").to_vec()
}
