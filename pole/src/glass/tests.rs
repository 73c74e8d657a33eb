//! The sign as riders see it: grids of characters, one line of text a line of light.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use sync::{Alert, Arrival, Level, Line, Source, Text, Unknown};

use super::*;

/// A sign on a street in Fuzhou on 23 November 2026.
struct Sign {
    glass: Glass,
    page: Option<Page>,
    /// Frames drawn since it was made.
    frames: usize,
    trusted: bool,
}

fn wall(time: &str) -> Timestamp {
    format!("2026-11-23T{time}+08:00").parse().unwrap()
}

/// Mid-night of the day is second 0 of this boot, so that both clocks agree in tests.
fn moment(at: Timestamp, trusted: bool) -> Moment {
    let since = wall("00:00:00").duration_until(at) + SignedDuration::from_hours(1);
    let mono = Mono(u64::try_from(since.as_millis()).unwrap());
    Moment { mono, wall: at, clock_error_ms: trusted.then_some(500) }
}

fn sign(panel: Panel, languages: &[Lang]) -> Sign {
    let setup = Setup {
        stop: "S1".into(),
        languages: languages.to_vec(),
        panel,
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        ruler: Ruler::Cells,
    };
    Sign { glass: Glass::new(setup), page: None, frames: 0, trusted: true }
}

/// A two-line sign in Chinese.
fn small() -> Sign {
    sign(Panel::Led128x32, &[Lang::Zh])
}

impl Sign {
    fn hear(&mut self, time: &str, event: Event) -> Vec<Effect> {
        self.hear_at(wall(time), event)
    }

    fn hear_at(&mut self, at: Timestamp, event: Event) -> Vec<Effect> {
        let effects = self.glass.handle(moment(at, self.trusted), event);
        for effect in &effects {
            if let Effect::Show(page) = effect {
                self.page = Some((**page).clone());
                self.frames += 1;
            }
        }
        effects
    }

    /// What stands on the glass at `time`, after every second since `from` was lived through.
    fn at(&mut self, time: &str) -> Vec<String> {
        self.hear(time, Event::Tick);
        self.page.as_ref().unwrap().look.lines()
    }

    fn board(&mut self, time: &str, arrivals: Vec<Arrival>) {
        self.hear(time, Event::Board(board(time, arrivals)));
    }

    fn alert(&mut self, time: &str, level: Level, zh: &str, what: &str) {
        self.hear(time, Event::Alerts(alerts(vec![alert(level, zh, what)])));
    }

    fn rung(&self) -> &'static str {
        self.page.as_ref().unwrap().rung.name()
    }

    fn ink(&self, text: &str) -> crate::page::Ink {
        let marks = &self.page.as_ref().unwrap().look.marks;
        let found = marks.iter().find_map(|mark| match mark {
            crate::page::Mark::Words { text: words, ink, .. } if words == text => Some(*ink),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{text} is not on the glass"))
    }
}

fn board(time: &str, arrivals: Vec<Arrival>) -> Board {
    let made_at = wall(time);
    let expires = made_at + SignedDuration::from_mins(15);
    let name = Text::new("东街口", "Dongjiekou");
    Board { stop: "S1".into(), name, made_at, expires, arrivals, unknown: Unknown::new() }
}

fn bus(line: &str, zh: &str, en: &str, arrives: &str, observed: &str) -> Arrival {
    Arrival {
        line: Line { id: line.into(), name: line.into(), colour: None },
        destination: Text::new(zh, en),
        trip: format!("{line}-{zh}"),
        vehicle: None,
        arrives: wall(arrives),
        observed_at: wall(observed),
        source: Source::Vehicle,
        stops_away: None,
        at_stop: false,
        unknown: Unknown::new(),
    }
}

fn alert(level: Level, zh: &str, what: &str) -> Alert {
    Alert {
        id: zh.into(),
        level,
        headline: Text::new(zh, ""),
        instruction: Text::new(what, ""),
        starts: wall("07:00:00"),
        expires: wall("23:59:00"),
        affects: vec![],
        unknown: Unknown::new(),
    }
}

fn alerts(alerts: Vec<Alert>) -> Alerts {
    Alerts { area: "350102".into(), made_at: wall("07:00:00"), alerts, unknown: Unknown::new() }
}

macro_rules! assert_grid {
    ($grid:expr, [$($line:expr),* $(,)?]) => {
        assert_eq!($grid, Vec::<String>::from([$($line.to_owned()),*]))
    };
}

#[test]
fn minutes_tick_on_the_sign_and_age_until_nobody_vouches_for_them() {
    let mut sign = small();
    sign.board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")]);
    assert_grid!(sign.at("08:00:06"), ["K1 火车站        12分"]);
    assert_grid!(sign.at("08:01:31"), ["K1 火车站      约10分"]);
    assert_grid!(sign.at("08:05:00"), ["K1 火车站       约7分"]);
    assert_eq!(sign.glass.sentence(Lang::Zh), "K1路，开往火车站，大约7分钟后到站。");
    assert_eq!(sign.ink("约7分"), crate::page::Ink::Plain);
    assert_grid!(sign.at("08:05:01"), ["K1 火车站       约7分"]);
    assert_eq!(sign.ink("约7分"), crate::page::Ink::Faint);
    sign.at("08:08:59");
    assert_grid!(sign.at("08:10:01"), ["    暂无到站信息", "       东街口"]);
}

#[test]
fn a_cut_falls_back_to_headway_and_timetable_always_labelled() {
    let mut sign = small();
    sign.hear("08:00:00", Event::Timetable(fallback::tests::timetable()));
    sign.board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")]);
    assert_grid!(sign.at("08:09:00"), ["K1 火车站       约3分"]);
    assert_grid!(sign.at("08:10:01"), ["K1 火车站", "   按时刻表  每8-10分"]);
    assert_eq!(sign.rung(), "headway");
    assert_eq!(sign.glass.sentence(Lang::Zh), "K1路，开往火车站，按时刻表每8到10分钟一班。");
    assert_grid!(sign.at("22:45:00"), ["     末班车已过", "K1 火车站   首班06:10"]);
    assert_eq!(sign.rung(), "service_ended");
}

#[test]
fn after_a_night_the_first_bus_is_announced() {
    let mut sign = small();
    sign.hear("05:30:00", Event::Timetable(fallback::tests::timetable()));
    assert_grid!(sign.at("05:30:06"), ["K1 火车站   首班06:10", "5  南门兜   首班07:00"]);
    assert_eq!(sign.rung(), "first_departure");
}

#[test]
fn no_time_is_shown_before_the_clock_is_trusted() {
    let mut sign = small();
    sign.trusted = false;
    sign.board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")]);
    sign.hear("08:00:00", Event::Timetable(fallback::tests::timetable()));
    assert_grid!(sign.at("08:00:12"), ["      正在校时", "       东街口"]);
    sign.trusted = true;
    assert_grid!(sign.at("08:00:18"), ["K1 火车站        12分"]);
}

#[test]
fn a_clock_behind_the_platform_shows_no_prediction_and_says_so() {
    let mut sign = small();
    sign.hear(
        "07:50:00",
        Event::Board(board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")])),
    );
    assert_grid!(sign.at("07:50:06"), ["    暂无到站信息", "       东街口"]);
    let faults = sign.glass.faults(moment(wall("07:50:06"), true));
    assert_eq!(faults[0], "clock is 594 s behind the platform's: no prediction is shown");
}

#[test]
fn an_emergency_takes_over_at_once_and_leaves_at_once() {
    let mut sign = small();
    let far = |line| bus(line, "火车站", "", "08:30:00", "08:00:00");
    sign.board("08:00:00", vec![far("1"), far("2"), far("3"), far("4")]);
    sign.hear(
        "08:00:01",
        Event::Alerts(alerts(vec![alert(Level::Emergency, "台风红色预警", "请进入室内")])),
    );
    assert_grid!(sign.at("08:00:01"), ["    台风红色预警", "     请进入室内"]);
    assert_eq!(sign.ink("台风红色预警"), crate::page::Ink::OnAlarm);
    assert_eq!(sign.glass.sentence(Lang::Zh), "台风红色预警。请进入室内。");
    sign.hear("08:00:02", Event::Alerts(alerts(vec![])));
    assert_eq!(sign.rung(), "prediction");
}

#[test]
fn an_emergency_heard_from_the_platform_needs_no_clock_but_one_from_disk_does() {
    let mut sign = small();
    sign.trusted = false;
    let mut before = small();
    let effects = before
        .hear("08:00:00", Event::Alerts(alerts(vec![alert(Level::Emergency, "台风红色预警", "")])));
    let kept = effects
        .into_iter()
        .find_map(|effect| if let Effect::Keep(kept) = effect { Some(*kept) } else { None });
    sign.hear("08:00:01", Event::Restored(kept.unwrap()));
    assert_eq!(sign.rung(), "no_data");
    sign.alert("08:00:02", Level::Emergency, "台风红色预警", "");
    assert_eq!(sign.rung(), "emergency");
}

#[test]
fn predictions_take_precedence_over_other_alerts() {
    let mut sign = small();
    sign.alert("08:00:00", Level::Notice, "五四路施工，绕行", "");
    assert_grid!(sign.at("08:00:06"), ["  五四路施工，绕行"]);
    assert_eq!(sign.rung(), "alert");
    sign.board("08:00:06", vec![bus("K1", "火车站", "", "08:12:00", "08:00:06")]);
    assert_grid!(sign.at("08:00:12"), ["K1 火车站        12分"]);
}

#[test]
fn a_warning_gets_a_page_of_its_own_beside_predictions() {
    let mut sign = small();
    sign.board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")]);
    sign.alert("08:00:00", Level::Warning, "五四路施工，绕行", "");
    let pages = [sign.at("08:00:12"), sign.at("08:00:18")];
    assert!(pages.contains(&vec!["  五四路施工，绕行".to_owned()]), "{pages:?}");
}

#[test]
fn a_bus_that_passed_leaves_the_glass_and_does_not_come_back() {
    let mut sign = small();
    let arrivals = vec![
        bus("K1", "火车站", "", "08:01:00", "08:00:00"),
        bus("5", "南门兜", "", "08:09:00", "08:00:00"),
    ];
    sign.board("08:00:00", arrivals);
    assert_grid!(sign.at("08:00:30"), ["K1 火车站    即将到站", "5  南门兜         9分"]);
    sign.at("08:01:00");
    assert_grid!(sign.at("08:01:06"), ["5 南门兜          8分"]);
    sign.board("08:01:10", vec![bus("K1", "火车站", "", "08:04:00", "08:00:00")]);
    assert_eq!(sign.rung(), "no_data");
}

#[test]
fn a_change_waits_until_the_page_set_was_shown_once() {
    let mut sign = small();
    let bus = |line: &str, at: &str| bus(line, "火车站", "", at, "08:00:00");
    sign.board("08:00:00", vec![bus("1", "08:20:00"), bus("2", "08:21:00"), bus("3", "08:22:00")]);
    assert_grid!(sign.at("08:00:01"), ["1 火车站         20分", "2 火车站         21分"]);
    sign.board(
        "08:00:02",
        vec![
            bus("9", "08:15:00"),
            bus("1", "08:20:00"),
            bus("2", "08:21:00"),
            bus("3", "08:22:00"),
        ],
    );
    assert_grid!(sign.at("08:00:06"), ["3 火车站         22分"]);
    assert_grid!(sign.at("08:00:12"), ["9 火车站         15分", "1 火车站         20分"]);
}

#[test]
fn chinese_pages_come_before_english_ones() {
    let mut sign = sign(Panel::Led128x32, &[Lang::Zh, Lang::En]);
    sign.board("08:00:00", vec![bus("K1", "火车站", "Railway Station", "08:12:00", "08:00:00")]);
    assert_grid!(sign.at("08:00:00"), ["K1 火车站        12分"]);
    assert_grid!(sign.at("08:00:06"), ["K1 Rly Stn     12 min"]);
    assert_eq!(sign.page.unwrap().content_id, "board/S1/2026-11-23T00:00:00Z#2/2");
}

#[test]
fn both_lines_are_shortened_alike() {
    let mut sign = sign(Panel::Led128x32, &[Lang::En]);
    let long = bus("K1", "", "Railway Station", "08:12:00", "08:00:00");
    let short = bus("5", "", "Gulou Street", "08:15:00", "08:00:00");
    sign.board("08:00:00", vec![long, short]);
    assert_grid!(sign.at("08:00:06"), ["K1 Rly Stn     12 min", "5  Gulou St    15 min"]);
}

#[test]
fn a_long_name_gets_a_line_of_its_own_and_stops_away_stand_under_it() {
    let mut sign = small();
    let mut school = bus("5", "鼓楼第一中心小学", "", "08:07:00", "08:00:00");
    school.stops_away = Some(2);
    sign.board("08:00:00", vec![school]);
    assert_grid!(sign.at("08:00:06"), ["5 鼓楼第一中心小学", "  3站             7分"]);
}

#[test]
fn a_sixteen_character_name_is_shown_in_parts() {
    let mut sign = small();
    sign.board("08:00:00", vec![bus("5", &"福州".repeat(8), "", "08:09:00", "08:00:00")]);
    let pages = [sign.at("08:00:00"), sign.at("08:00:06")];
    assert_grid!(pages[0], ["5 福州福州福州福州…", "                  9分"]);
    assert_grid!(pages[1], ["5 …福州福州福州福州", "                  9分"]);
    assert_eq!(sign.page.unwrap().content_id, "board/S1/2026-11-23T00:00:00Z#2/2");
}

#[test]
fn the_end_of_a_long_name_stands_beside_the_time() {
    let mut sign = sign(Panel::Led128x32, &[Lang::En]);
    sign.board("08:00:00", vec![bus("54", "", "Software Park Zone G", "08:09:00", "08:00:00")]);
    assert_grid!(sign.at("08:00:06"), ["54 Software Park", "   Zone G       9 min"]);
}

#[test]
fn a_wide_matrix_shows_three_buses_and_the_next_one_of_a_lonely_line() {
    let mut sign = sign(Panel::Led192x64, &[Lang::Zh]);
    let mut later = bus("K1", "火车站", "", "08:25:00", "08:00:00");
    later.trip = "later".into();
    sign.board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00"), later]);
    assert_grid!(sign.at("08:00:06"), ["K1 火车站          12分", "K1 火车站          25分"]);
}

#[test]
fn nothing_is_drawn_again_while_nothing_changes() {
    let mut sign = small();
    sign.board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")]);
    let frames = sign.frames;
    for second in 0..29 {
        let at = wall("08:00:00") + SignedDuration::from_secs(second);
        // The board is published again and again with nothing new for the glass.
        let again = Board {
            made_at: at,
            ..board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")])
        };
        sign.hear_at(at, Event::Board(again));
    }
    assert_eq!(sign.frames, frames);
    sign.hear("08:00:31", Event::Tick);
    assert_eq!(sign.frames, frames + 1, "the minute changed");
}

#[test]
fn a_power_cut_brings_the_last_board_back_at_once() {
    let mut before = small();
    let told = board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")]);
    let effects = before.hear("08:00:00", Event::Board(told));
    let kept = effects
        .into_iter()
        .find_map(|effect| if let Effect::Keep(kept) = effect { Some(*kept) } else { None });
    let json = serde_json::to_string(&kept.unwrap()).unwrap();
    let mut after = small();
    after.hear("08:04:00", Event::Restored(serde_json::from_str(&json).unwrap()));
    assert_grid!(after.at("08:04:00"), ["K1 火车站       约8分"]);
}

#[test]
fn flash_memory_is_spared() {
    let mut sign = small();
    let mut kept = 0;
    for second in 0..300 {
        let at = wall("08:00:00") + SignedDuration::from_secs(second);
        let told = Board { made_at: at, ..board("08:00:00", vec![]) };
        let effects = sign.hear_at(at, Event::Board(told));
        kept += effects.iter().filter(|effect| matches!(effect, Effect::Keep(_))).count();
    }
    assert_eq!(kept, 10);
}

#[test]
fn an_older_board_or_one_of_another_stop_is_ignored() {
    let mut sign = small();
    sign.board("08:00:00", vec![bus("K1", "火车站", "", "08:12:00", "08:00:00")]);
    sign.hear("08:00:01", Event::Board(board("07:59:00", vec![])));
    sign.hear("08:00:01", Event::Board(Board { stop: "S2".into(), ..board("08:00:01", vec![]) }));
    assert_grid!(sign.at("08:00:06"), ["K1 火车站        12分"]);
}

#[test]
fn a_line_nobody_has_seen_adds_its_timetable_but_a_seen_one_does_not() {
    let mut sign = sign(Panel::Led192x64, &[Lang::Zh]);
    let scheduled = |line: &str, at: &str| Arrival {
        source: Source::Schedule,
        trip: at.into(),
        ..bus(line, "南门兜", "", at, "08:00:00")
    };
    let seen = bus("K1", "南门兜", "", "08:12:00", "08:00:00");
    sign.board("08:00:00", vec![scheduled("K1", "08:05:00"), scheduled("5", "08:20:00"), seen]);
    assert_grid!(sign.at("08:00:06"), ["K1 南门兜          12分", "5  南门兜  按时刻表 08:20"]);
}

#[test]
fn missing_glyphs_are_reported_and_never_drawn() {
    let mut sign = sign(Panel::Led128x32, &[Lang::Zh, Lang::En]);
    sign.board("08:00:00", vec![bus("K1", "𬸚洲", "Yuezhou", "08:12:00", "08:00:00")]);
    assert_grid!(sign.at("08:00:12"), ["K1 Yuezhou       12分"]);
    assert!(
        sign.glass.faults(moment(wall("08:00:12"), true)).contains(&"no glyph for: 𬸚".to_owned())
    );
}

/// What can happen to a sign in a bad week.
#[derive(Debug, Clone)]
enum Op {
    Board { age_s: i64, buses: Vec<(u8, i64, i64, bool)> },
    Alerts(Vec<u8>),
    Timetable,
    Light(f64),
    Advance(i64),
    SkewClock(i64),
    Trust(bool),
    Reboot,
}

fn op() -> impl Strategy<Value = Op> {
    let bus = (0_u8..6, -120_i64..2000, 0_i64..700, any::<bool>());
    prop_oneof![
        4 => (-200_i64..200, proptest::collection::vec(bus, 0..8)).prop_map(|(age_s, buses)| Op::Board { age_s, buses }),
        1 => proptest::collection::vec(0_u8..3, 0..3).prop_map(Op::Alerts),
        1 => Just(Op::Timetable),
        1 => (0.0..100_000.0).prop_map(Op::Light),
        8 => (1_i64..90).prop_map(Op::Advance),
        1 => (-7200_i64..7200).prop_map(Op::SkewClock),
        1 => any::<bool>().prop_map(Op::Trust),
        1 => Just(Op::Reboot),
    ]
}

/// A sign, its clock, and what its flash memory holds.
struct Week {
    sign: Sign,
    panel: Panel,
    wall: Timestamp,
    kept: Option<Kept>,
}

impl Week {
    fn hear(&mut self, event: Event) {
        for effect in self.sign.hear_at(self.wall, event) {
            if let Effect::Keep(kept) = effect {
                self.kept = Some(*kept);
            }
        }
    }

    fn perform(&mut self, op: Op) {
        match op {
            Op::Board { age_s, buses } => {
                let made_at = self.wall - SignedDuration::from_secs(age_s);
                let names = [
                    "火车站",
                    "南门兜",
                    "鼓楼第一中心小学",
                    "福州火车站北广场公交枢纽",
                    "𬸚洲",
                    "上",
                ];
                let arrivals = buses.into_iter().map(|(which, left_s, age_s, at_stop)| Arrival {
                    arrives: made_at + SignedDuration::from_secs(left_s),
                    observed_at: made_at - SignedDuration::from_secs(age_s),
                    stops_away: Some(u16::from(which)),
                    at_stop,
                    ..bus(
                        &which.to_string(),
                        names[usize::from(which)],
                        "Somewhere else",
                        "08:00:00",
                        "08:00:00",
                    )
                });
                let expires = made_at + SignedDuration::from_mins(15);
                let told = Board { made_at, expires, ..board("08:00:00", arrivals.collect()) };
                self.hear(Event::Board(told));
            }
            Op::Alerts(levels) => {
                let level =
                    |level| [Level::Emergency, Level::Warning, Level::Notice][usize::from(level)];
                let all = levels
                    .into_iter()
                    .map(|at| alert(level(at), &format!("警{at}"), "请注意，绕行"));
                self.hear(Event::Alerts(alerts(all.collect())));
            }
            Op::Timetable => self.hear(Event::Timetable(fallback::tests::timetable())),
            Op::Light(lux) => self.hear(Event::Light(lux)),
            Op::Advance(seconds) => {
                self.wall += SignedDuration::from_secs(seconds);
                self.hear(Event::Tick);
            }
            Op::SkewClock(seconds) => {
                self.wall = (self.wall + SignedDuration::from_secs(seconds)).max(wall("00:00:00"));
                self.hear(Event::Tick);
            }
            Op::Trust(trusted) => {
                self.sign.trusted = trusted;
                self.hear(Event::Tick);
            }
            Op::Reboot => {
                let trusted = self.sign.trusted;
                self.sign = Sign { trusted, ..sign(self.panel, &[Lang::Zh, Lang::En]) };
                self.hear(Event::Restored(self.kept.clone().unwrap_or_default()));
            }
        }
    }

    fn check_invariants(&self) {
        let page = self.sign.page.as_ref().expect("something always stands on the glass");
        let lines = page.look.lines();
        assert!(!lines.is_empty(), "{:?} shows nothing", page.rung);
        let text = lines.join("\n");
        if !self.sign.trusted {
            assert!(
                !text.contains('分') && !text.contains("min"),
                "a time without a clock: {text}"
            );
        }
        if page.rung == Rung::Timetable || page.rung == Rung::Headway {
            let labelled = ["按时刻表", "Scheduled", "首班", "First", "请注意", "警"];
            assert!(labelled.iter().any(|label| text.contains(label)), "unlabelled: {text}");
        }
        assert!(!text.contains('𬸚'), "a character without glyph: {text}");
        self.check_marks(page);
    }

    /// Everything stands on the panel, and no two words on each other.
    fn check_marks(&self, page: &Page) {
        let size = self.panel.size();
        let words: Vec<_> = page
            .look
            .marks
            .iter()
            .filter_map(|mark| match mark {
                crate::page::Mark::Words { at, face, text, .. } => {
                    Some((*at, Ruler::Cells.width(*face, text), text))
                }
                crate::page::Mark::Fill(..) => None,
            })
            .collect();
        for (at, width, text) in &words {
            let right = u32::try_from(at.x).unwrap_or(u32::MAX).saturating_add(*width);
            assert!(right <= size.width, "{text} ends at {right}");
            for (other, _, next) in
                words.iter().filter(|(other, ..)| other.y == at.y && other.x > at.x)
            {
                assert!(other.x.unsigned_abs() >= right, "{text} runs into {next}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_the_glass_tells_no_lie(ops in proptest::collection::vec(op(), 1..60), wide: bool) {
        let panel = if wide { Panel::Led192x64 } else { Panel::Led128x32 };
        let sign = sign(panel, &[Lang::Zh, Lang::En]);
        let mut week = Week { sign, panel, wall: wall("08:00:00"), kept: None };
        week.hear(Event::Tick);
        for op in ops {
            week.perform(op);
            week.check_invariants();
        }
    }
}
