//! The whole system in virtual time: a platform, a broker and signs, and everything that happens to them.
//!
//! Nothing waits and nothing runs in the background. [`World::advance`] goes from deadline to deadline,
//! and after each of them every message is delivered until nobody has anything to say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use drivers::surface::{Surface, memory::Memory};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use platform::feeds::gtfs;
use pole::font::FontList;
use pole::paint::Painter;
use pole::panel::Panel;
use pole::sign::{self, Sign};
use sqlx::Row as _;
use sync::link::LoopbackBroker;
use sync::{Lang, Moment, Mono, Tenant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::centre::Centre;
use crate::recorded::{self, Call};

/// Monday, 8 o'clock in Fuzhou.
pub(crate) const START: Timestamp = Timestamp::constant(1_795_392_000, 0);

/// Where Debian installs fonts.
const FONTS: &str = "/usr/share/fonts";

/// What every sign of this city has.
const PANEL: Panel = Panel::Led192x64;

/// A wall clock before this is not believed.
const FLOOR: Timestamp = Timestamp::constant(1_790_000_000, 0);

pub(crate) struct World {
    runtime: Runtime,
    folder: TempDir,
    broker: LoopbackBroker,
    now: Mono,
    centre: Option<Centre>,
    signs: BTreeMap<&'static str, Post>,
    predictions: Vec<(&'static str, &'static str, Timestamp)>,
    feed: Vec<u8>,
    feed_stands_still: bool,
}

/// A sign on its post, with or without power.
struct Post {
    stop: &'static str,
    boots: u64,
    booted: Mono,
    wall: Wall,
    sign: Option<Sign>,
}

/// What is wrong with a wall clock.
#[derive(Debug, Clone, Copy)]
enum Wall {
    Off(SignedDuration),
    Since1970,
}

impl World {
    /// A platform with a timetable, and nobody on the street yet.
    /// `None`, with a word about it, where the fonts that signs need are not installed.
    pub(crate) fn new() -> Option<World> {
        if let Err(missing) = Painter::open(PANEL, &FontList::shipped(), Path::new(FONTS)) {
            eprintln!("skipped: {missing}");
            return None;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut world = World {
            runtime,
            folder: TempDir::new().unwrap(),
            broker: LoopbackBroker::new(),
            now: Mono(0),
            centre: None,
            signs: BTreeMap::new(),
            predictions: Vec::new(),
            feed: recorded::encode(u64::try_from(START.as_second()).unwrap(), &[]),
            feed_stands_still: false,
        };
        world.start_platform();
        Some(world)
    }

    pub(crate) fn wall(&self) -> Timestamp {
        START + SignedDuration::from_millis(i64::try_from(self.now.0).unwrap())
    }

    /// Puts a sign up at a stop; it knows its stop and nothing else.
    pub(crate) fn put_up(&mut self, name: &'static str, stop: &'static str) {
        let post = Post {
            stop,
            boots: 0,
            booted: self.now,
            wall: Wall::Off(SignedDuration::ZERO),
            sign: None,
        };
        self.signs.insert(name, post);
        self.power_on(name);
    }

    /// The vehicle of `trip` is expected at `stop` so long from now.
    pub(crate) fn expect(&mut self, trip: &'static str, stop: &'static str, after: Duration) {
        let arrives = self.wall() + after;
        self.predictions.retain(|(known, at, _)| (*known, *at) != (trip, stop));
        self.predictions.push((trip, stop, arrives));
    }

    /// The feed goes on being served, but nobody updates it.
    pub(crate) fn freeze_feed(&mut self) {
        self.feed_stands_still = true;
    }

    pub(crate) fn cut(&self, name: &str) {
        self.broker.cut(name);
    }

    pub(crate) fn heal(&self, name: &str) {
        self.broker.heal(name);
    }

    pub(crate) fn power_off(&mut self, name: &str) {
        self.signs.get_mut(name).unwrap().sign = None;
        self.broker.cut(name);
        self.broker.heal(name);
    }

    pub(crate) fn power_on(&mut self, name: &'static str) {
        let (now, link) = (self.now, self.broker.link(name));
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let post = self.signs.get_mut(name).unwrap();
        post.boots += 1;
        post.booted = now;
        let config = sign::Config {
            device: name.parse().unwrap(),
            stop: post.stop.into(),
            area: "350102".to_owned(),
            languages: vec![Lang::Zh],
            panel: PANEL,
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
            state: folder.clone(),
            fonts: FONTS.into(),
            software: "test".to_owned(),
            seed: post.boots,
        };
        let surface = Surface::Memory(Memory::open(folder.join("glass.frame"), PANEL.size()));
        let moment = post.moment(now);
        let sign = Sign::open(config, tenant(), link, surface, moment);
        post.sign = Some(self.runtime.block_on(sign).unwrap());
        self.settle();
    }

    /// Moves the wall clock of a sign; its monotonic clock is not touched.
    pub(crate) fn skew_clock(&mut self, name: &str, by: SignedDuration) {
        self.signs.get_mut(name).unwrap().wall = Wall::Off(by);
    }

    /// The battery of the sign's clock is empty.
    pub(crate) fn lose_clock(&mut self, name: &str) {
        self.signs.get_mut(name).unwrap().wall = Wall::Since1970;
    }

    pub(crate) fn stop_platform(&mut self) {
        if let Some(centre) = self.centre.take() {
            self.runtime.block_on(centre.store().close());
        }
        self.broker.cut("platform");
        self.broker.heal("platform");
    }

    pub(crate) fn start_platform(&mut self) {
        let (folder, link) = (self.folder.path().to_owned(), self.broker.link("platform"));
        let moment = Moment { mono: self.now, wall: self.wall(), clock_error_ms: Some(1) };
        let zip = timetable();
        let centre = Centre::open(&folder, tenant(), link, moment, &zip);
        self.centre = Some(self.runtime.block_on(centre));
        self.settle();
    }

    /// The broker dies and comes back with an empty disk.
    pub(crate) fn forget_broker(&mut self) {
        self.broker.forget_everything();
        self.settle();
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        self.settle();
        while self.now < end {
            let next = self.next_deadline().max(self.now + Duration::from_millis(1));
            self.now = next.min(end);
            self.broker.set_now(self.now);
            self.tick();
            self.settle();
        }
    }

    /// What stands on the glass of a sign, line by line.
    pub(crate) fn glass(&self, name: &str) -> Vec<String> {
        self.sign(name).page().map(|page| page.look.lines()).unwrap_or_default()
    }

    pub(crate) fn has_power(&self, name: &str) -> bool {
        self.signs[name].sign.is_some()
    }

    pub(crate) fn platform_runs(&self) -> bool {
        self.centre.is_some()
    }

    /// How far the wall clock of a sign is off.
    pub(crate) fn skew(&self, name: &str) -> SignedDuration {
        match self.signs[name].wall {
            Wall::Off(by) => by,
            Wall::Since1970 => SignedDuration::MIN,
        }
    }

    pub(crate) fn sign(&self, name: &str) -> &Sign {
        self.signs[name].sign.as_ref().unwrap()
    }

    /// The last number that a sign has given out on each of its streams.
    pub(crate) fn last_numbers(&self, name: &str) -> BTreeMap<String, i64> {
        let streams = self.sign(name).streams();
        streams
            .into_iter()
            .map(|(stream, state)| (stream, i64::try_from(state.last).unwrap()))
            .collect()
    }

    /// Gives a sign its stop's timetable, as content would.
    pub(crate) fn give_timetable(&mut self, name: &str) {
        let network = gtfs::load(&timetable()).unwrap();
        let today = TimeZone::get("Asia/Shanghai").unwrap().to_datetime(self.wall()).date();
        let post = self.signs.get_mut(name).unwrap();
        let extract = platform::timetable::extract(&network, &post.stop.into(), today, 7).unwrap();
        let event = sign::Event::Timetable(Some(serde_json::to_vec(&extract).unwrap()));
        let moment = post.moment(self.now);
        self.runtime.block_on(post.sign.as_mut().unwrap().handle(moment, event));
    }

    /// Events of a device in the platform's database: stream, epoch, first and last number each stands for.
    pub(crate) fn events(&self, name: &str) -> Vec<(String, i64, i64, i64)> {
        let sql = "SELECT stream, epoch, gap_from, seq FROM events WHERE device = $1 ORDER BY stream, epoch, seq";
        let pool = self.centre.as_ref().unwrap().store().pool();
        let rows = self.runtime.block_on(sqlx::query(sql).bind(name).fetch_all(pool)).unwrap();
        let event = |row: &sqlx::any::AnyRow| {
            let seq: i64 = row.get(3);
            let from: Option<i64> = row.get(2);
            (row.get(0), row.get(1), from.unwrap_or(seq), seq)
        };
        rows.iter().map(event).collect()
    }

    fn next_deadline(&self) -> Mono {
        let signs = self.signs.values().filter_map(|post| {
            let deadline = post.sign.as_ref()?.next_deadline();
            Some(if deadline == Mono::NEVER {
                deadline
            } else {
                Mono(deadline.0.saturating_add(post.booted.0))
            })
        });
        let centre = self.centre.as_ref().map(Centre::next_deadline);
        signs.chain(centre).min().unwrap_or(Mono::NEVER)
    }

    fn tick(&mut self) {
        self.serve();
        let (now, wall) = (self.now, self.wall());
        if let Some(centre) = &mut self.centre {
            centre.tick(Moment { mono: now, wall, clock_error_ms: Some(1) }, &self.feed);
        }
        for post in self.signs.values_mut() {
            let moment = post.moment(now);
            if let Some(sign) = &mut post.sign
                && sign.next_deadline() <= moment.mono
            {
                self.runtime.block_on(sign.handle(moment, sign::Event::Tick));
            }
        }
    }

    /// Delivers until nobody has anything to say.
    fn settle(&mut self) {
        loop {
            let (now, wall) = (self.now, self.wall());
            let mut busy = false;
            if let Some(centre) = &mut self.centre {
                let moment = Moment { mono: now, wall, clock_error_ms: Some(1) };
                busy |= self.runtime.block_on(centre.turn(moment));
            }
            for post in self.signs.values_mut() {
                let moment = post.moment(now);
                let Some(sign) = &mut post.sign else { continue };
                while let Some(event) = sign.try_next() {
                    busy = true;
                    self.runtime.block_on(sign.handle(moment, sign::Event::Link(event)));
                }
            }
            if !busy {
                return;
            }
        }
    }

    /// What the feed serves now.
    fn serve(&mut self) {
        if self.feed_stands_still {
            return;
        }
        let now = u64::try_from(self.wall().as_second()).unwrap();
        let call = |(trip, stop, arrives): &(&str, &str, Timestamp)| Call {
            trip: (*trip).to_owned(),
            route: "K1".to_owned(),
            made_at_s: Some(now),
            sequence: STOPS
                .iter()
                .position(|(id, _)| id == stop)
                .map_or(0, |at| u32::try_from(at).unwrap() + 1),
            stop: (*stop).to_owned(),
            arrives_s: Some(arrives.as_second()),
            departs_s: None,
        };
        let calls: Vec<Call> = self.predictions.iter().map(call).collect();
        self.feed = recorded::encode(now, &calls);
    }
}

impl Post {
    fn moment(&self, now: Mono) -> Moment {
        let mono = Mono(now.0 - self.booted.0);
        let uptime = SignedDuration::from_millis(i64::try_from(mono.0).unwrap());
        let right = START + SignedDuration::from_millis(i64::try_from(now.0).unwrap());
        let wall = match self.wall {
            Wall::Off(by) => right + by,
            Wall::Since1970 => Timestamp::UNIX_EPOCH + uptime,
        };
        Moment { mono, wall, clock_error_ms: (wall >= FLOOR).then_some(500) }
    }
}

fn tenant() -> Tenant {
    "gulou".parse().unwrap()
}

/// The line of this city.
const STOPS: [(&str, &str); 4] =
    [("S1", "东街口"), ("S2", "鼓楼"), ("S3", "屏山"), ("S4", "福州火车站")];

/// Line K1, every ten minutes from 6 to 22, five minutes between stops.
fn timetable() -> Vec<u8> {
    let clock = |minutes: u32| format!("{:02}:{:02}:00", minutes / 60, minutes % 60);
    let mut stops = "stop_id,stop_name,stop_lat,stop_lon\n".to_owned();
    for (id, name) in STOPS {
        writeln!(stops, "{id},{name},26.09,119.29").unwrap();
    }
    let mut trips = "route_id,service_id,trip_id,trip_headsign\n".to_owned();
    let mut stop_times = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n".to_owned();
    for start in (6 * 60..22 * 60).step_by(10) {
        let trip = format!("K1-{:02}{:02}", start / 60, start % 60);
        writeln!(trips, "K1,daily,{trip},福州火车站").unwrap();
        for (at, (stop, _)) in (0_u32..).zip(STOPS) {
            let time = clock(start + 5 * at);
            writeln!(stop_times, "{trip},{time},{time},{stop},{}", at + 1).unwrap();
        }
    }
    let files = [
        ("agency.txt", "agency_name,agency_url,agency_timezone\n福州公交,https://example.org,Asia/Shanghai\n".to_owned()),
        ("calendar.txt", "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\ndaily,1,1,1,1,1,1,1,20260101,20271231\n".to_owned()),
        ("routes.txt", "route_id,route_short_name,route_type\nK1,K1,3\n".to_owned()),
        ("stops.txt", stops),
        ("trips.txt", trips),
        ("stop_times.txt", stop_times),
    ];
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
