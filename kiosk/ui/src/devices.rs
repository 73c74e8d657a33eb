//! The devices on the terminal's cables, on a thread of their own: card reader, scanner, camera.

use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;

use anyhow::Context as _;
use drivers::camera::Camera;
use drivers::health::Health;
use drivers::identity_card::record::{Record, Sex, Until};
use drivers::identity_card::{CardReader, Event as CardSaid};
use drivers::line::Address;
use drivers::scanner::{Event as ScannerSaid, Scanner};
use kiosk::devices::State;
use kiosk::flow::Token;
use kiosk::page::{ShotId, Waiting};
use kiosk::terminal::{CardEvent, Event};
use screen::Waker;
use service::answer::IdentityCard;
use service::definition::Device;
use tokio::sync::mpsc;

use crate::album::Album;

/// Requests that wait; a page makes one at a time.
const REQUESTS_MAX: usize = 16;
/// News that wait; the screen takes them at every turn.
const NEWS_MAX: usize = 64;

/// Where the devices are; one that is not named is absent.
#[derive(Debug, Clone, Default)]
pub struct Cables {
    pub reader: Option<Address>,
    pub scanner: Option<Address>,
    pub camera: Option<PathBuf>,
}

/// What the shell wants of the devices.
#[derive(Debug)]
pub enum Request {
    /// What the page waits for.
    Await(Option<Waiting>),
    Shoot(Token),
}

/// Both ends of the thread, for the shell.
#[derive(Debug)]
pub struct Ends {
    pub requests: mpsc::Sender<Request>,
    pub news: std_mpsc::Receiver<Event>,
}

/// Starts the thread. It never ends before the program does.
pub fn start(cables: Cables, album: Album, waker: Waker) -> anyhow::Result<Ends> {
    let (requests, taken) = mpsc::channel(REQUESTS_MAX);
    let (tell, news) = std_mpsc::sync_channel(NEWS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut bench = Bench {
        reader: cables.reader.map(CardReader::new),
        scanner: cables.scanner.map(Scanner::new),
        camera: cables.camera,
        shots: 0,
        album,
        tell,
        waker,
    };
    std::thread::Builder::new()
        .name("devices".to_owned())
        .spawn(move || runtime.block_on(bench.run(taken)))
        .context("start the thread of the devices")?;
    Ok(Ends { requests, news })
}

#[derive(Debug)]
struct Bench {
    reader: Option<CardReader>,
    scanner: Option<Scanner>,
    camera: Option<PathBuf>,
    shots: u32,
    album: Album,
    tell: std_mpsc::SyncSender<Event>,
    waker: Waker,
}

impl Bench {
    async fn run(&mut self, mut requests: mpsc::Receiver<Request>) {
        self.greet();
        loop {
            tokio::select! {
                said = next_card(self.reader.as_mut()) => self.card(said),
                said = next_code(self.scanner.as_mut()) => self.code(said),
                request = requests.recv() => match request {
                    None => return,
                    Some(Request::Await(waiting)) => {
                        if let Some(reader) = &mut self.reader {
                            reader.want(waiting == Some(Waiting::IdCard));
                        }
                    }
                    Some(Request::Shoot(token)) => self.shoot(token).await,
                },
            }
        }
    }

    /// What needs no answer of a device: the camera is looked at when it is used, payment and
    /// signature are the screen's own.
    fn greet(&self) {
        for device in [Device::Pay, Device::Signature] {
            self.say(Event::Device(device, State::Ready));
        }
        if self.camera.is_some() {
            for device in [Device::Camera, Device::Scanner] {
                self.say(Event::Device(device, State::Ready));
            }
        }
    }

    fn card(&self, said: CardSaid) {
        self.say(match said {
            CardSaid::Health(health) => Event::Device(Device::IdCard, state(health)),
            CardSaid::Present => Event::Card(CardEvent::Reading),
            CardSaid::Failed(_) => Event::Card(CardEvent::Failed),
            CardSaid::Lifted => Event::Card(CardEvent::Taken),
            CardSaid::Read(record) => match identity(&record) {
                Some(card) => Event::Card(CardEvent::Identity(Box::new(card))),
                None => Event::Card(CardEvent::Failed),
            },
        });
    }

    fn code(&self, said: ScannerSaid) {
        if let ScannerSaid::Code(code) = said {
            self.say(Event::Scanned(code));
        }
    }

    async fn shoot(&mut self, token: Token) {
        self.shots += 1;
        let shot = ShotId(self.shots);
        let Some(path) = self.camera.clone() else {
            self.say(Event::Shot { token, shot: None });
            return;
        };
        let taken = tokio::task::spawn_blocking(move || {
            Camera::open(path).and_then(|mut camera| camera.still())
        });
        let shot = match taken.await {
            Ok(Ok(jpeg)) => self.album.put(shot, jpeg).then_some(shot),
            Ok(Err(error)) => {
                tracing::warn!("camera: {error}");
                None
            }
            Err(error) => {
                tracing::error!("camera: {error}");
                None
            }
        };
        self.say(Event::Shot { token, shot });
    }

    /// A full queue means a screen that hangs; its watchdog ends it.
    fn say(&self, event: Event) {
        if self.tell.try_send(event).is_err() {
            tracing::error!("the screen does not take what devices say");
        }
        self.waker.nudge();
    }
}

async fn next_card(reader: Option<&mut CardReader>) -> CardSaid {
    match reader {
        Some(reader) => reader.next().await,
        None => std::future::pending().await,
    }
}

async fn next_code(scanner: Option<&mut Scanner>) -> ScannerSaid {
    match scanner {
        Some(scanner) => scanner.next().await,
        None => std::future::pending().await,
    }
}

fn state(health: Health) -> State {
    match health {
        Health::Ok => State::Ready,
        Health::Degraded => State::Fault,
        Health::Unknown | Health::Lost => State::Absent,
    }
}

/// The card as services know it; none where it has no day of birth, as some permits.
fn identity(record: &Record) -> Option<IdentityCard> {
    let sex = match record.sex {
        Some(Sex::Female) => "女",
        Some(Sex::Male) => "男",
        _ => "",
    };
    let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    Some(IdentityCard {
        name: record.name.clone(),
        sex: sex.to_owned(),
        nation: record.nation.clone(),
        birth: record.birth?,
        address: record.address.clone(),
        number: record.number.clone(),
        issuer: record.issuer.clone(),
        valid_from: day(record.from),
        valid_to: match record.until {
            Some(Until::Day(last)) => last.to_string(),
            Some(Until::Forever) => "长期".to_owned(),
            None => String::new(),
        },
    })
}
