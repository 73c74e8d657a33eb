//! A terminal on a table: its touch panel and keypad are pipes, its time stands still, and the test
//! plays the devices and the platform.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use drivers::input::record::{EV_ABS, EV_KEY, EV_SYN};
use drivers::input::{Kind, Range, Ranges, Record, Source};
use drivers::surface::{Frame, Memory, Surface, memory};
use embedded_graphics::geometry::Size;
use hall::{Asked, Content};
use jiff::tz::TimeZone;
use kiosk::devices::State;
use kiosk::page::{Body, Page, ShotId};
use kiosk::terminal::{Event, Modes};
use screen::outline::Part;
use screen::{Clock, Mounting, Screen};
use serde_json::Value;
use service::catalogue::Catalogue;
use service::definition::Device;
use sync::Moment;
use terminal::desk::{Desk, Parts, Watch};
use terminal::devices::{self, Request};
use terminal::print;
use terminal::speech::Speech;
use terminal::wire::{self, News, Order};
use tokio::sync::mpsc;

use crate::album::Album;
use crate::hand::Hand;

/// Name of the hall: a name of its own, in any language.
pub(crate) const PLACE: &str = "军门社区便民服务站";

const SIZE: Size = Size::new(1080, 1920);
/// Of the touch panel; finer than the dots.
const RANGE: Range = Range { min: 0, max: 32_767 };
const QUEUE: usize = 64;
/// What a hall has.
const DEVICES: [Device; 10] = [
    Device::IdCard,
    Device::Camera,
    Device::Printer,
    Device::Receipt,
    Device::Scanner,
    Device::Pay,
    Device::Signature,
    Device::SocialCard,
    Device::TransitCard,
    Device::Fingerprint,
];

/// What went otherwise than a walk wanted, and where.
pub(crate) type Walked<T = ()> = Result<T, String>;

pub(crate) struct Stand {
    desk: Desk,
    finger: File,
    keypad: File,
    watch: Rc<Cell<Moment>>,
    requests: mpsc::Receiver<Request>,
    news: SyncSender<Event>,
    orders: mpsc::Receiver<Order>,
    answers: SyncSender<News>,
    papers: mpsc::Receiver<print::Job>,
    out: SyncSender<print::News>,
    /// What the platform will be asked, and what it says.
    pub(crate) expected: VecDeque<Asked>,
    pub(crate) hand: Hand,
    /// Everything that was spoken.
    pub(crate) transcript: Vec<String>,
    pub(crate) album: Album,
    /// Whether each page is looked at with the rules of access, and what was found.
    pub(crate) looks_closely: bool,
    pub(crate) faults: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Stand {
    pub(crate) fn new(content: &Content) -> Stand {
        let folder = tempfile::tempdir().unwrap();
        let touch = Kind::Touch { ranges: Ranges { x: RANGE, y: RANGE } };
        let (finger, touch) = pipe(&folder.path().join("touch"), touch);
        let (keypad, keys) = pipe(&folder.path().join("keypad"), Kind::Keypad);
        let panel = folder.path().join("panel");
        // Nobody looks at the panel; pictures are taken before it.
        let _ = File::create(format!("{}{}", panel.display(), memory::UNPLUGGED)).unwrap();
        let surface = Surface::Memory(Memory::open(panel, SIZE));
        let clock = Clock::Manual(Rc::new(Cell::new(Duration::ZERO)));
        let screen = Screen::open(surface, Mounting::default(), vec![touch, keys], clock).unwrap();
        let (request, requests) = mpsc::channel(QUEUE);
        let (news, devices_news) = std::sync::mpsc::sync_channel(QUEUE);
        let (order, orders) = mpsc::channel(QUEUE);
        let (answers, wire_news) = std::sync::mpsc::sync_channel(QUEUE);
        let (jobs, papers) = mpsc::channel(QUEUE);
        let (out, printed) = std::sync::mpsc::sync_channel(QUEUE);
        let watch = Rc::new(Cell::new(hall::moment(0)));
        let desk = Desk::new(Parts {
            screen,
            place: PLACE.into(),
            catalogue: Catalogue::clone(&content.catalogue),
            district: content.district.clone(),
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
            watch: Watch::Manual(Rc::clone(&watch)),
            devices: devices::Ends { requests: request, news: devices_news },
            wire: Some(wire::Ends { orders: order, news: wire_news }),
            print: Some(print::Ends { jobs, news: printed }),
            mirror: None,
        });
        let mut stand = Stand {
            desk: desk.unwrap(),
            finger,
            keypad,
            watch,
            requests,
            news,
            orders,
            answers,
            papers,
            out,
            expected: VecDeque::new(),
            hand: Hand::Finger,
            transcript: Vec::new(),
            album: Album::open(),
            looks_closely: false,
            faults: Vec::new(),
            _folder: folder,
        };
        stand.answers.send(News::Link(true)).unwrap();
        for device in DEVICES {
            stand.device(Event::Device(device, State::Ready)).unwrap();
        }
        stand
    }

    /// Lets the time be this.
    pub(crate) fn set_time(&self, now: Moment) {
        self.watch.set(now);
    }

    /// Lets time go by.
    pub(crate) fn wait(&mut self, time: Duration) -> Walked {
        let now = self.watch.get();
        let wall = now.wall + jiff::SignedDuration::try_from(time).unwrap();
        self.watch.set(Moment { mono: now.mono + time, wall, ..now });
        self.settle()
    }

    /// The page that the terminal means to show.
    pub(crate) fn page(&self) -> Page {
        self.desk.terminal().page(self.watch.get())
    }

    /// The picture on the glass.
    pub(crate) fn picture(&self) -> &Frame {
        self.desk.screen().picture()
    }

    pub(crate) fn speech(&self) -> &Speech {
        self.desk.speech()
    }

    /// What can be seen, part by part.
    pub(crate) fn parts(&self) -> Vec<Part> {
        self.all_parts().into_iter().filter(|part| !part.seen.is_empty()).collect()
    }

    /// What stands on the pages, also where it can't be seen.
    pub(crate) fn all_parts(&self) -> Vec<Part> {
        self.desk.screen().outline()
    }

    pub(crate) fn modes(&self) -> Modes {
        self.desk.terminal().modes()
    }

    /// What a device says.
    pub(crate) fn device(&mut self, event: Event) -> Walked {
        self.news.send(event).unwrap();
        self.settle()
    }

    /// Taps a point of the glass, in dots.
    pub(crate) fn tap_at(&mut self, at: (f32, f32)) -> Walked {
        self.drag(&[at])
    }

    /// Draws a line on the glass.
    pub(crate) fn drag(&mut self, points: &[(f32, f32)]) -> Walked {
        for (index, (x, y)) in points.iter().enumerate() {
            let (x, y) = (raw(*x, SIZE.width), raw(*y, SIZE.height));
            let place = [(EV_ABS, 0x35, x), (EV_ABS, 0x36, y), (EV_SYN, 0, 0)];
            let down = (index == 0).then_some((EV_ABS, 0x39, 1));
            send(&mut self.finger, &down.into_iter().chain(place).collect::<Vec<_>>());
            self.turn()?;
        }
        send(&mut self.finger, &[(EV_ABS, 0x39, -1), (EV_SYN, 0, 0)]);
        self.settle()
    }

    /// Presses a key of the keypad, by its evdev code.
    pub(crate) fn key(&mut self, code: u16) -> Walked {
        send(
            &mut self.keypad,
            &[(EV_KEY, code, 1), (EV_SYN, 0, 0), (EV_KEY, code, 0), (EV_SYN, 0, 0)],
        );
        self.settle()
    }

    /// Takes turns until nobody owes anybody an answer.
    pub(crate) fn settle(&mut self) -> Walked {
        self.turn()?;
        while self.answer()? {
            self.turn()?;
        }
        self.turn()
    }

    fn turn(&mut self) -> Walked {
        self.desk.turn(Duration::ZERO).map_err(|error| format!("{error:#}"))
    }

    /// Answers for the devices and the platform; whether there was anything to answer.
    fn answer(&mut self) -> Walked<bool> {
        let mut answered = false;
        while let Ok(request) = self.requests.try_recv() {
            if let Request::Shoot(token) = request {
                answered = true;
                self.news.send(Event::Shot { token, shot: Some(ShotId(1)) }).unwrap();
            }
        }
        while let Ok(order) = self.orders.try_recv() {
            answered = true;
            let outcome = self.platform(&order)?;
            self.answers.send(News::Answered(order.token, outcome)).unwrap();
        }
        while self.papers.try_recv().is_ok() {
            answered = true;
            self.out.send(print::News::Event(Event::Printed(Ok(())))).unwrap();
        }
        Ok(answered)
    }

    /// What was typed and touched has to reach the platform as it was meant.
    fn platform(&mut self, order: &Order) -> Walked<kiosk::flow::Outcome> {
        let Some(asked) = self.expected.pop_front() else {
            return Err(format!("nobody expects {}", order.operation));
        };
        let sent = Value::Object(order.answers.clone());
        let (sent, meant) = (without_points(sent), without_points(asked.payload));
        if order.operation != asked.operation || sent != meant {
            let Order { operation, .. } = order;
            return Err(format!("{operation} {sent}\nis not {} {meant}", asked.operation));
        }
        Ok(asked.outcome)
    }

    /// Whether the page waits for a payment.
    pub(crate) fn is_paying(&self) -> bool {
        matches!(self.page().body, Body::Pay { .. })
    }
}

/// A finger does not find the same dot of the map twice.
fn without_points(mut payload: Value) -> Value {
    if let Value::Object(fields) = &mut payload {
        let is_point = |value: &Value| {
            value.get("lat").is_some() || value.as_str().is_some_and(|text| text.contains("附近 ("))
        };
        for value in fields.values_mut().filter(|value| is_point(value)) {
            *value = Value::Null;
        }
    }
    payload
}

fn pipe(path: &Path, kind: Kind) -> (File, Source) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let device = OpenOptions::new().read(true).write(true).open(path).unwrap();
    (device, Source::new(path, kind))
}

fn send(device: &mut File, records: &[(u16, u16, i32)]) {
    let bytes =
        records.iter().flat_map(|(kind, code, value)| Record::new(*kind, *code, *value).bytes());
    device.write_all(&bytes.collect::<Vec<u8>>()).unwrap();
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a few thousand dots"
)]
fn raw(dots: f32, side: u32) -> i32 {
    (dots / (side - 1) as f32 * RANGE.max as f32).round() as i32
}
