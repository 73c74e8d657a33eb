//! `gulou-sign render`: one frame from files, for people who wonder what a sign would show.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use drivers::surface::Frame;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pole::font::{FontList, list};
use pole::glass::{Effect, Event, Glass, Setup, paging::PAGE_S};
use pole::page::Page;
use pole::paint::Painter;
use pole::panel::Panel;
use serde::de::DeserializeOwned;
use sync::{Lang, Moment, Mono, StopId};

/// Largest picture of one pixel, in pixels.
const SCALE_MAX: u32 = 16;

/// What to render.
#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The panel: led-128x32, led-192x64 or lcd-1920x360
    #[arg(long, default_value = "led-192x64")]
    panel: Panel,
    /// A board as JSON, as `GET /api/boards/{stop}` gives it
    #[arg(long)]
    board: Option<PathBuf>,
    /// Alerts as JSON
    #[arg(long)]
    alerts: Option<PathBuf>,
    /// A timetable as JSON
    #[arg(long)]
    timetable: Option<PathBuf>,
    /// The stop; by default that of the board or timetable
    #[arg(long)]
    stop: Option<String>,
    /// The moment, RFC 3339
    #[arg(long)]
    at: Timestamp,
    /// Which page of the set, from 1
    #[arg(long, default_value_t = 1)]
    page: u32,
    /// Languages, in order
    #[arg(long, value_delimiter = ',', default_value = "zh,en", value_parser = crate::config::lang)]
    languages: Vec<Lang>,
    /// Ambient light in lux
    #[arg(long)]
    lux: Option<f64>,
    /// Nobody vouches for the clock
    #[arg(long)]
    untrusted_clock: bool,
    /// Folder of fonts
    #[arg(long, default_value = list::SYSTEM_FOLDER)]
    fonts: PathBuf,
    /// Where the picture goes
    #[arg(long)]
    png: Option<PathBuf>,
    /// Pixels of the picture for each pixel of the panel
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(SCALE_MAX)))]
    scale: u32,
}

/// Renders one frame, and prints its words and sentences.
#[expect(clippy::print_stdout, reason = "it is what the command is for")]
pub(crate) fn run(render: &Render) -> anyhow::Result<()> {
    let mut painter = Painter::open(render.panel, &FontList::shipped(), &render.fonts)?;
    let mut glass = Glass::new(Setup {
        stop: render.stop()?,
        languages: render.languages.clone(),
        panel: render.panel,
        zone: TimeZone::get("Asia/Shanghai").context("the time zone database is built in")?,
        ruler: painter.ruler(),
    });
    let page = render.page(&mut glass)?;
    println!("{} ({})", page.content_id, page.rung.name());
    for line in page.look.lines() {
        println!("| {line}");
    }
    for lang in &render.languages {
        println!("{}", glass.sentence(*lang));
    }
    for fault in glass.faults(render.moment(0)) {
        println!("fault: {fault}");
    }
    if let Some(path) = &render.png {
        let mut frame = Frame::new(render.panel.size());
        painter.paint(&page.look, &mut frame);
        let picture = enlarged(&frame, render.scale);
        std::fs::write(path, picture.png()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

impl Render {
    /// Tells the glass all at once and turns to the wanted page.
    fn page(&self, glass: &mut Glass) -> anyhow::Result<Page> {
        let mut events = Vec::new();
        events.extend(self.lux.map(Event::Light));
        events.extend(read(self.timetable.as_ref())?.map(Event::Timetable));
        events.extend(read(self.alerts.as_ref())?.map(Event::Alerts));
        events.extend(read(self.board.as_ref())?.map(Event::Board));
        events.push(Event::Tick);
        // What was shown after the first event stays until its set is complete: hear all of it first.
        let past = self.moment(-3600);
        let mut last = None;
        for event in events {
            last = shown(glass.handle(past, event)).or(last);
        }
        for step in 0..PAGE_S * 64 {
            let page = shown(glass.handle(self.moment(step - PAGE_S * 32), Event::Tick));
            last = page.or(last);
            let number = format!("#{}/", self.page);
            let wanted = last.as_ref().is_some_and(|page| page.content_id.contains(&number));
            if step >= PAGE_S * 32 && wanted {
                break;
            }
        }
        last.context("the glass shows something")
    }

    fn stop(&self) -> anyhow::Result<StopId> {
        if let Some(stop) = &self.stop {
            return Ok(StopId(stop.clone()));
        }
        let board = read::<sync::Board>(self.board.as_ref())?.map(|board| board.stop);
        let timetable =
            read::<sync::Timetable>(self.timetable.as_ref())?.map(|timetable| timetable.stop);
        board.or(timetable).context("give --stop, --board or --timetable")
    }

    /// The moment this many seconds after the wanted one.
    fn moment(&self, offset_s: i64) -> Moment {
        let since = u64::try_from(offset_s + 7200).unwrap_or(0);
        let clock_error_ms = (!self.untrusted_clock).then_some(0);
        Moment {
            mono: Mono(since * 1000),
            wall: self.at + jiff::SignedDuration::from_secs(offset_s),
            clock_error_ms,
        }
    }
}

fn shown(effects: Vec<Effect>) -> Option<Page> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Show(page) => Some(*page),
        Effect::Dim(_) | Effect::Keep(_) => None,
    })
}

fn read<T: DeserializeOwned>(path: Option<&PathBuf>) -> anyhow::Result<Option<T>> {
    let Some(path) = path else { return Ok(None) };
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(Some(serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?))
}

/// Each pixel as a square of `scale`, with a dark seam between diodes where there is room for one.
fn enlarged(frame: &Frame, scale: u32) -> Frame {
    let size = frame.size();
    let mut picture = Frame::new(Size::new(size.width * scale, size.height * scale));
    let seam = u32::from(scale >= 4);
    for point in frame.bounding_box().points() {
        let corner = Point::new(point.x * scale.cast_signed(), point.y * scale.cast_signed());
        let square = Rectangle::new(corner, Size::new_equal(scale - seam));
        picture.fill_solid(&square, frame.pixel(point)).unwrap_or_else(|never| match never {});
    }
    picture
}
