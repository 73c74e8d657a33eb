//! Frames as the Debian fonts draw them: pictures of every rung, and every name of a city on every panel.
//!
//! `UPDATE_GOLDEN=1` writes the pictures anew; look at them before you commit them.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use drivers::surface::Frame;
use embedded_graphics::prelude::*;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use pole::font::{FontError, FontList, list::SYSTEM_FOLDER};
use pole::glass::{Effect, Event, Glass, Setup};
use pole::page::{Layout, Look, Mark, Page, Setting};
use pole::paint::Painter;
use pole::panel::Panel;
use sync::{
    Alert, Alerts, Arrival, Board, Headway, Lang, Level, Line, Moment, Mono, Source, Text,
    Timetable, TimetableLine, Unknown,
};

/// `None`, said aloud, where the fonts are not installed.
fn painter(panel: Panel) -> Option<Painter> {
    match Painter::open(panel, &FontList::shipped(), Path::new(SYSTEM_FOLDER)) {
        Ok(painter) => Some(painter),
        Err(error @ FontError::Missing { .. }) => skipped(&error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

#[expect(clippy::print_stderr, reason = "it is what people look for in the output")]
fn skipped<T>(reason: &str) -> Option<T> {
    eprintln!("SKIPPED: {reason}");
    None
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-23T{time}+08:00").parse().unwrap()
}

fn moment(wall: Timestamp) -> Moment {
    let since = at("00:00:00").duration_until(wall);
    Moment {
        mono: Mono(u64::try_from(since.as_millis()).unwrap()),
        wall,
        clock_error_ms: Some(500),
    }
}

fn bus(line: &str, colour: &str, zh: &str, en: &str, arrives: &str) -> Arrival {
    Arrival {
        line: Line { id: line.into(), name: line.into(), colour: Some(colour.into()) },
        destination: Text::new(zh, en),
        trip: format!("{line}-{arrives}"),
        vehicle: None,
        arrives: at(arrives),
        observed_at: at("08:00:00"),
        source: Source::Vehicle,
        stops_away: Some(2),
        at_stop: false,
        unknown: Unknown::new(),
    }
}

/// A morning at Dongjiekou.
fn board() -> Board {
    Board {
        stop: "S1".into(),
        name: Text::new("东街口", "Dongjiekou"),
        made_at: at("08:00:00"),
        expires: at("08:30:00"),
        arrivals: vec![
            bus("106", "1F5FA8", "福州火车南站", "Fuzhou South Railway Station", "08:00:32"),
            bus("K1", "C2352B", "火车站", "Railway Station", "08:04:10"),
            bus(
                "5",
                "0E6B52",
                "鼓楼第一中心小学",
                "Gulou No. 1 Central Primary School",
                "08:09:00",
            ),
            bus("K1", "C2352B", "火车站", "Railway Station", "08:16:00"),
        ],
        unknown: Unknown::new(),
    }
}

fn alerts(level: Level) -> Alerts {
    let (headline, instruction) = match level {
        Level::Emergency => (
            Text::new("台风红色预警", "Typhoon red alert"),
            Text::new("公交停运，请进入室内。", "No buses. Go indoors at once."),
        ),
        Level::Warning | Level::Notice => (
            Text::new("五四路施工，K1绕行", "K1 diverted: works on Wusi Road"),
            Text::new("请改乘106路。", "Take route 106."),
        ),
    };
    let (starts, expires) = (at("07:00:00"), at("23:00:00"));
    let (id, affects) = ("a".to_owned(), vec![]);
    let alert = Alert {
        id,
        level,
        headline,
        instruction,
        starts,
        expires,
        affects,
        unknown: Unknown::new(),
    };
    Alerts { area: "350102".into(), made_at: starts, alerts: vec![alert], unknown: Unknown::new() }
}

fn timetable() -> Timetable {
    let line =
        |name: &str, colour: &str, text: Text, departures: Vec<u32>, headways: Vec<Headway>| {
            TimetableLine {
                line: Line { id: name.into(), name: name.into(), colour: Some(colour.into()) },
                destination: text,
                departures_s: [("daily".to_owned(), departures)].into(),
                headways: [("daily".to_owned(), headways)].into(),
            }
        };
    let often = Headway { from_s: 21_600, until_s: 82_800, low_s: 480, high_s: 600 };
    Timetable {
        stop: "S1".into(),
        name: Text::new("东街口", "Dongjiekou"),
        timezone: "Asia/Shanghai".into(),
        days: ["2026-11-23", "2026-11-24"]
            .map(|day| (day.parse().unwrap(), vec!["daily".to_owned()]))
            .into(),
        lines: vec![
            line(
                "K1",
                "C2352B",
                Text::new("火车站", "Railway Station"),
                (0..109).map(|n| 22_200 + n * 540).collect(),
                vec![often],
            ),
            line("5", "0E6B52", Text::new("南门兜", "Nanmendou"), vec![25_200, 46_800], vec![]),
        ],
        unknown: Unknown::new(),
    }
}

/// A scene: what the sign was told, and when it is looked at.
fn scenes() -> Vec<(&'static str, Vec<Event>, Timestamp)> {
    let board = || Event::Board(board());
    let day = Event::Light(20_000.0);
    vec![
        ("prediction", vec![day.clone(), board()], at("08:00:10")),
        ("about", vec![day.clone(), board()], at("08:02:06")),
        ("faint", vec![day.clone(), board()], at("08:05:12")),
        (
            "warning",
            vec![day.clone(), Event::Alerts(alerts(Level::Warning)), board()],
            at("08:00:12"),
        ),
        (
            "emergency",
            vec![day.clone(), Event::Alerts(alerts(Level::Emergency)), board()],
            at("08:00:12"),
        ),
        ("headway", vec![day, Event::Timetable(timetable())], at("12:00:12")),
        ("service-ended", vec![Event::Light(3.0), Event::Timetable(timetable())], at("22:58:12")),
        ("no-data", vec![Event::Light(3.0)], at("22:58:12")),
    ]
}

/// The page that stands on a glass that was told `events` a little before `now`.
fn page(painter: &Painter, panel: Panel, events: Vec<Event>, now: Timestamp) -> Page {
    let mut glass = Glass::new(Setup {
        stop: "S1".into(),
        languages: vec![Lang::Zh, Lang::En],
        panel,
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        ruler: painter.ruler(),
    });
    let mut shown = None;
    let told = moment(now - SignedDuration::from_secs(1));
    for (now, event) in
        events.into_iter().map(|event| (told, event)).chain([(moment(now), Event::Tick)])
    {
        for effect in glass.handle(now, event) {
            if let Effect::Show(page) = effect {
                shown = Some(*page);
            }
        }
    }
    shown.expect("something always stands on the glass")
}

fn decode(path: &Path) -> Option<Frame> {
    let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).ok()?))
        .read_info()
        .ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    Frame::from_pixels(Size::new(info.width, info.height), pixels)
}

#[test]
fn every_rung_and_tier_looks_as_it_was_approved() {
    #[expect(clippy::disallowed_methods, reason = "a switch of this test")]
    let update = std::env::var("UPDATE_GOLDEN").is_ok();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for panel in Panel::ALL {
        let Some(mut painter) = painter(panel) else { return };
        for (name, events, now) in scenes() {
            let page = page(&painter, panel, events, now);
            let mut frame = Frame::new(panel.size());
            painter.paint(&page.look, &mut frame);
            let path = folder.join(format!("{name}.{panel}.png"));
            if update {
                std::fs::write(&path, frame.png()).unwrap();
            }
            let golden = decode(&path).unwrap_or_else(|| panic!("{} is missing", path.display()));
            let lines = page.look.lines().join("\n");
            assert!(golden == frame, "{name} on {panel} differs; it says\n{lines}");
        }
    }
}

#[test]
fn an_old_prediction_is_darker_and_not_only_of_another_hue() {
    for panel in Panel::ALL {
        let Some(mut painter) = painter(panel) else { return };
        let mut contrast = |now| {
            let page =
                page(&painter, panel, vec![Event::Light(20_000.0), Event::Board(board())], at(now));
            let when = page.look.marks.iter().rev().find_map(|mark| match mark {
                Mark::Words { text, ink, at, face }
                    if text.contains('分') || text.contains("min") =>
                {
                    Some((text.clone(), *ink, *at, *face))
                }
                _ => None,
            });
            let (text, ink, at, face) = when.expect("a time stands on the glass");
            let alone = Look { marks: vec![Mark::Words { at, face, text, ink }], ..page.look };
            let mut frame = Frame::new(panel.size());
            painter.paint(&alone, &mut frame);
            let ground = luminance(frame.pixel(Point::zero()));
            frame
                .pixels()
                .chunks_exact(3)
                .map(|rgb| (weigh(rgb) - ground).abs())
                .fold(0.0, f64::max)
        };
        let (plain, faint) = (contrast("08:00:10"), contrast("08:05:12"));
        assert!(faint < 0.7 * plain, "{panel}: {faint} against {plain}");
    }
}

fn luminance(colour: embedded_graphics::pixelcolor::Rgb888) -> f64 {
    weigh(&[colour.r(), colour.g(), colour.b()])
}

/// Luma of a pixel (ITU-R BT.709).
fn weigh(rgb: &[u8]) -> f64 {
    0.2126 * f64::from(rgb[0]) + 0.7152 * f64::from(rgb[1]) + 0.0722 * f64::from(rgb[2])
}

/// Chinese and English names of Fuzhou, rare characters and overlong ones; shared data, not part of this tree.
const NAMES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/chinese-names/names.csv");

fn names() -> Option<Vec<Text>> {
    let Ok(csv) = std::fs::read_to_string(NAMES) else {
        return skipped(&format!("{NAMES} is absent"));
    };
    let field = |text: &str| text.trim_matches('"').to_owned();
    let name = |line: &str| {
        // English names hold commas, Chinese names and kinds don't.
        let (zh, rest) = line.split_once(',').unwrap();
        let (en, _kind) = rest.rsplit_once(',').unwrap();
        Text::new(field(zh), field(en))
    };
    Some(csv.lines().skip(1).map(name).collect())
}

#[test]
fn every_name_of_the_city_fits_every_panel_or_is_paged_without_losing_a_letter() {
    let Some(names) = names() else { return };
    assert_eq!(names.len(), 172);
    for panel in Panel::ALL {
        let Some(painter) = painter(panel) else { return };
        let ruler = painter.ruler();
        for name in &names {
            let mut arrival = bus("106", "1F5FA8", "", "", "08:09:00");
            arrival.destination = name.clone();
            for lang in [Lang::Zh, Lang::En] {
                check_name(&ruler, panel, &arrival, lang);
            }
        }
    }
}

/// What stands beside the name.
const BESIDE: [&str; 6] = ["106", "9分", "9 min", "3站", "3 stops", "3 stops away"];

/// All pages of one bus, in one language: inside the panel, nothing over anything, and the name complete.
fn check_name(ruler: &pole::font::Ruler, panel: Panel, arrival: &Arrival, lang: Lang) {
    let mut message =
        pole::message::Message::of(pole::message::Rung::Prediction, Text::default(), String::new());
    message = message.with_rows(vec![pole::message::Row {
        key: "k".into(),
        line: arrival.line.clone(),
        destination: arrival.destination.clone(),
        when: pole::when::When {
            kind: pole::when::Kind::Minutes(9),
            certainty: pole::when::Certainty::Plain,
        },
        stops_away: Some(2),
    }]);
    let setting = Setting { ruler, languages: &[lang], local: None };
    let layout = Layout::of(panel);
    let name = ruler.readable(layout.face(), &arrival.destination, lang);
    let mut said = String::new();
    for leaf in layout.plan(&message, setting) {
        let marks = leaf.draw(&message, setting);
        let words: Vec<(Point, u32, &str)> = marks
            .iter()
            .filter_map(|mark| match mark {
                Mark::Words { at, face, text, .. } => {
                    Some((*at, ruler.width(*face, text), text.as_str()))
                }
                Mark::Fill(..) => None,
            })
            .collect();
        for (at, width, text) in &words {
            let right = at.x.unsigned_abs() + width;
            assert!(
                at.x >= 0 && right <= panel.size().width,
                "{name} on {panel}: {text} ends at {right}"
            );
            for (other, _, next) in
                words.iter().filter(|(other, ..)| other.y == at.y && other.x > at.x)
            {
                assert!(
                    other.x.unsigned_abs() >= right,
                    "{name} on {panel}: {text} runs into {next}"
                );
            }
        }
        let name_only = words.iter().map(|(.., text)| *text).filter(|text| !BESIDE.contains(text));
        said.extend(name_only.map(|text| text.replace('…', "")));
    }
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let forms: Vec<String> =
        (0..pole::page::fit::LEVELS).map(|level| pole::page::fit::form(&name, level)).collect();
    let complete =
        forms.iter().any(|form| letters(&said).contains(&letters(form).replace('…', "")));
    assert!(complete, "{name} on {panel} became {said}");
}

#[test]
fn no_letter_leaves_the_panel_wherever_the_page_stands() {
    for panel in [Panel::Led128x32, Panel::Led192x64] {
        let Some(mut painter) = painter(panel) else { return };
        // A band bleeds to the edge, so it has more pixels at some places than at others.
        for (name, events, now) in scenes().into_iter().filter(|(name, ..)| *name != "emergency") {
            let look = page(&painter, panel, events, now).look;
            let mut lit = |shift| {
                let mut frame = Frame::new(panel.size());
                painter.paint(&Look { shift, ..look.clone() }, &mut frame);
                frame.pixels().iter().filter(|value| **value > 0).count()
            };
            let here = lit((0, 0));
            for shift in (0..9).map(|place| (place % 3, place / 3)) {
                assert_eq!(lit(shift), here, "{name} on {panel}, moved by {shift:?}");
            }
        }
    }
}
