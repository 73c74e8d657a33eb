//! Bench (c): one 192 x 64 frame, goal at most 300 µs; and how often a quiet sign paints, goal never.

use std::path::Path;

use divan::{Bencher, black_box};
use drivers::surface::Frame;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use pole::font::{FontList, list::SYSTEM_FOLDER};
use pole::glass::{Effect, Event, Glass, Setup};
use pole::page::Page;
use pole::paint::Painter;
use pole::panel::Panel;
use sync::{Arrival, Board, Lang, Line, Moment, Mono, Source, Text, Unknown};

/// Seconds a sign is watched while nothing changes.
const QUIET_S: u64 = 29;

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() {
    match Painter::open(Panel::Led192x64, &FontList::shipped(), Path::new(SYSTEM_FOLDER)) {
        Ok(painter) => {
            println!(
                "(c) frames painted in {QUIET_S} s in which nothing changes: {} (goal 0)",
                redraws(&painter)
            );
            println!("(c) one 192x64 frame, goal 300 µs:");
            divan::main();
        }
        Err(error) => println!("SKIPPED: {error}"),
    }
}

fn start() -> Timestamp {
    "2026-11-23T08:00:00+08:00".parse().expect("a time")
}

fn moment(second: u64) -> Moment {
    let passed = SignedDuration::from_secs(i64::try_from(second).expect("a few minutes"));
    Moment { mono: Mono(second * 1000), wall: start() + passed, clock_error_ms: Some(0) }
}

/// A full board: eight lines, three of them with long names.
fn board(second: u64) -> Board {
    let names = [
        "火车站",
        "南门兜",
        "鼓楼第一中心小学",
        "福州火车南站",
        "东街口",
        "福建师范大学附属中学",
        "茶亭",
        "三叉街",
    ];
    let arrival = |(nth, name): (i64, &&str)| Arrival {
        line: Line { id: nth.to_string(), name: format!("K{nth}"), colour: None },
        destination: Text::new(*name, "Railway Station"),
        trip: nth.to_string(),
        vehicle: None,
        arrives: start() + SignedDuration::from_secs(300 + 60 * nth),
        observed_at: moment(second).wall,
        source: Source::Vehicle,
        stops_away: Some(3),
        at_stop: false,
        unknown: Unknown::new(),
    };
    Board {
        stop: "S1".into(),
        name: Text::new("东街口", "Dongjiekou"),
        made_at: moment(second).wall,
        expires: moment(second + 900).wall,
        arrivals: (0..).zip(&names).map(arrival).collect(),
        unknown: Unknown::new(),
    }
}

fn glass(painter: &Painter) -> Glass {
    Glass::new(Setup {
        stop: "S1".into(),
        languages: vec![Lang::Zh],
        panel: Panel::Led192x64,
        zone: TimeZone::UTC,
        ruler: painter.ruler(),
    })
}

fn shown(effects: Vec<Effect>) -> Option<Page> {
    effects
        .into_iter()
        .find_map(|effect| if let Effect::Show(page) = effect { Some(*page) } else { None })
}

/// A board with three lines fills one page; it is published anew every second and says the same.
fn redraws(painter: &Painter) -> usize {
    let mut glass = glass(painter);
    let quiet = |second| {
        let mut board = board(second);
        board.arrivals.truncate(3);
        Event::Board(board)
    };
    shown(glass.handle(moment(0), quiet(0)));
    (1..QUIET_S)
        .filter(|second| shown(glass.handle(moment(*second), quiet(*second))).is_some())
        .count()
}

fn painter() -> Painter {
    Painter::open(Panel::Led192x64, &FontList::shipped(), Path::new(SYSTEM_FOLDER))
        .expect("main opened it")
}

/// From a page to pixels.
#[divan::bench]
fn paint(bencher: Bencher<'_, '_>) {
    let mut painter = painter();
    let page =
        shown(glass(&painter).handle(moment(0), Event::Board(board(0)))).expect("a first page");
    let mut frame = Frame::new(Panel::Led192x64.size());
    bencher.bench_local(|| painter.paint(black_box(&page.look), &mut frame));
}

/// From a new board to pixels: judging, planning, drawing.
#[divan::bench]
fn decide_and_paint(bencher: Bencher<'_, '_>) {
    let mut painter = painter();
    let mut frame = Frame::new(Panel::Led192x64.size());
    let ruler = self::painter();
    bencher.with_inputs(|| (glass(&ruler), board(0))).bench_local_values(|(mut glass, board)| {
        let page = shown(glass.handle(moment(0), Event::Board(board))).expect("a first page");
        painter.paint(&page.look, &mut frame);
    });
}

/// The second in which nothing changes.
#[divan::bench]
fn quiet_second(bencher: Bencher<'_, '_>) {
    let painter = painter();
    let mut glass = glass(&painter);
    glass.handle(moment(0), Event::Board(board(0)));
    bencher.bench_local(|| glass.handle(black_box(moment(0)), Event::Tick));
}
