use sync::{Affected, StopId, Text};

use super::*;
use crate::feeds::cap;
use crate::feeds::cap::tests::message;

fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}:00+08:00").parse().unwrap()
}

fn gulou() -> Register {
    Register::new(District { code: "350102".into(), points: vec![(26.08, 119.30)] })
}

/// A message of the weather office with the lines of `head` and `info` added.
fn office(identifier: &str, kind: &str, head: &str, info: &str) -> Event {
    Event::Cap(cap::parse(message(identifier, kind, head, info).as_bytes()).unwrap())
}

fn red(identifier: &str) -> Event {
    office(identifier, "Alert", "", RED)
}

const RED: &str = "<severity>Extreme</severity><urgency>Immediate</urgency><certainty>Observed</certainty>\
    <headline>台风红色预警</headline><expires>2026-11-23T18:00:00+08:00</expires>";
const BLUE: &str = "<severity>Minor</severity><headline>台风蓝色预警</headline><expires>2026-11-23T20:00:00+08:00</expires>";
const TO_FIRST: &str = "<references>office@fz.example,m1,2026-11-23T08:00:00+08:00</references>";

/// The list as it would be read out.
fn list(register: &Register, clock: &str) -> Vec<String> {
    let line = |alert: &Alert| format!("{:?} {} ({})", alert.level, alert.headline.zh, alert.id);
    register.alerts(at(clock)).alerts.iter().map(line).collect()
}

fn notice(id: &str, text: &str, line: &str) -> ServiceAlert {
    ServiceAlert {
        id: id.into(),
        headline: Text::new(text, ""),
        description: Text::default(),
        severity: gtfs_rt::Severity::Info,
        periods: vec![],
        affects: vec![Affected { stop: None, line: Some(line.into()) }],
    }
}

fn ignored(effects: &[Effect]) -> Option<Reason> {
    effects.iter().find_map(|effect| {
        if let Effect::Ignored(_, reason) = effect { Some(*reason) } else { None }
    })
}

#[test]
fn the_most_severe_stands_first_whoever_sent_it() {
    let mut register = gulou();
    register.handle(
        at("08:00"),
        Event::Feed(Some(at("08:00").as_second()), vec![notice("n", "绕行", "K1")]),
    );
    register.handle(at("08:01"), office("m2", "Alert", "", BLUE));
    register.handle(at("08:02"), red("m1"));
    assert_eq!(
        list(&register, "08:02"),
        [
            "Emergency 台风红色预警 (office@fz.example/m1)",
            "Notice 台风蓝色预警 (office@fz.example/m2)",
            "Notice 绕行 (transit/n)"
        ]
    );
}

#[test]
fn an_update_takes_the_place_and_keeps_the_name() {
    let mut register = gulou();
    register.handle(at("08:00"), red("m1"));
    register.handle(at("09:00"), office("m2", "Update", TO_FIRST, BLUE));
    assert_eq!(list(&register, "09:00"), ["Notice 台风蓝色预警 (office@fz.example/m1)"]);
    let late = register.handle(at("09:01"), red("m1"));
    assert_eq!(ignored(&late), Some(Reason::Ended), "a late original revives nothing");
    assert_eq!(late.len(), 1);
}

#[test]
fn a_cancellation_ends_even_what_comes_after_it() {
    let mut register = gulou();
    register.handle(at("08:00"), red("m1"));
    let effects = register.handle(at("09:00"), office("m2", "Cancel", TO_FIRST, ""));
    assert!(matches!(&effects[..], [Effect::Publish(list)] if list.alerts.is_empty()));
    let mut other = gulou();
    other.handle(at("08:00"), office("m2", "Cancel", TO_FIRST, ""));
    assert_eq!(ignored(&other.handle(at("08:01"), red("m1"))), Some(Reason::Ended));
}

#[test]
fn an_alert_ends_by_itself_and_says_when() {
    let mut register = gulou();
    register.handle(at("08:00"), red("m1"));
    assert_eq!(register.next_deadline(), at("18:00"));
    let effects = register.handle(at("18:00"), Event::Tick);
    assert!(matches!(&effects[..], [Effect::Publish(list)] if list.alerts.is_empty()));
    assert_eq!(ignored(&register.handle(at("18:01"), red("m3"))), Some(Reason::Expired));
    assert_eq!(register.next_deadline(), Timestamp::MAX);
}

#[test]
fn exercises_private_messages_and_answers_are_shown_to_nobody() {
    let mut register = gulou();
    let with = |from: &str, to: &str| {
        Event::Cap(cap::parse(message("m", "Alert", "", RED).replace(from, to).as_bytes()).unwrap())
    };
    assert_eq!(
        ignored(&register.handle(at("08:00"), with(">Actual<", ">Exercise<"))),
        Some(Reason::NotActual)
    );
    assert_eq!(
        ignored(&register.handle(at("08:00"), with(">Public<", ">Private<"))),
        Some(Reason::NotPublic)
    );
    assert_eq!(
        ignored(&register.handle(at("08:00"), with(">Alert<", ">Ack<"))),
        Some(Reason::Answer)
    );
    assert_eq!(
        ignored(&register.handle(at("08:00"), office("m", "Alert", "", ""))),
        None,
        "the event alone will do"
    );
}

#[test]
fn an_alert_for_another_place_is_not_shown_here() {
    let place = |area: &str| {
        let mut register = gulou();
        let info = format!("{RED}<area><areaDesc>x</areaDesc>{area}</area>");
        ignored(&register.handle(at("08:00"), office("m1", "Alert", "", &info)))
    };
    let code = |code: &str| {
        format!("<geocode><valueName>GB/T 2260</valueName><value>{code}</value></geocode>")
    };
    for here in ["350102", "350100", "350000", "350102001"] {
        assert_eq!(place(&code(here)), None, "{here}");
    }
    for there in ["350103", "350200", "110000", "006109", "000000", "鼓楼"] {
        assert_eq!(place(&code(there)), Some(Reason::Elsewhere), "{there}");
    }
    assert_eq!(place("<polygon>26,119 27,119 27,120 26,120 26,119</polygon>"), None);
    assert_eq!(
        place("<polygon>36,119 37,119 37,120 36,120 36,119</polygon>"),
        Some(Reason::Elsewhere)
    );
    assert_eq!(place("<circle>26.1,119.3 5</circle>"), None);
    assert_eq!(place("<circle>26.1,119.3 0</circle>"), Some(Reason::Elsewhere));
    assert_eq!(place(""), None, "nobody says where");
}

#[test]
fn equal_alerts_are_one_alert_for_all_their_lines() {
    let mut register = gulou();
    let notices =
        vec![notice("a", "绕行", "K1"), notice("b", "绕行", "K2"), notice("c", "停运", "K2")];
    register.handle(at("08:00"), Event::Feed(None, notices));
    assert_eq!(list(&register, "08:00"), ["Notice 绕行 (transit/a)", "Notice 停运 (transit/c)"]);
    let first = &register.alerts(at("08:00")).alerts[0];
    assert!(first.concerns(&StopId("S1".into()), &["K2"]));
}

#[test]
fn a_feed_is_the_whole_truth_until_it_falls_silent() {
    let mut register = gulou();
    let made = |clock| Some(at(clock).as_second());
    register.handle(at("08:10"), Event::Feed(made("08:10"), vec![notice("a", "绕行", "K1")]));
    let again =
        register.handle(at("08:11"), Event::Feed(made("08:11"), vec![notice("a", "绕行", "K1")]));
    assert_eq!(again, [], "nothing changed for anybody");
    register.handle(at("08:12"), Event::Feed(made("08:09"), vec![]));
    assert_eq!(list(&register, "08:12").len(), 1, "an older feed is not news");
    assert_eq!(register.next_deadline(), at("10:00"));
    register.handle(at("08:13"), Event::Feed(made("08:13"), vec![]));
    assert_eq!(list(&register, "08:13"), [""; 0]);
}

#[test]
fn an_alert_is_handed_out_a_day_before_it_starts() {
    let mut register = gulou();
    let mut planned = notice("a", "停运", "K1");
    let day = |day: u32| format!("2026-11-{day}T08:00:00+08:00").parse::<Timestamp>().unwrap();
    planned.periods = vec![
        (Some(day(22).as_second()), Some(at("07:00").as_second())),
        (Some(day(25).as_second()), None),
    ];
    register.handle(at("08:00"), Event::Feed(None, vec![planned]));
    assert_eq!(list(&register, "08:00"), [""; 0]);
    // It has no end, so it is believed only as long as the feed says so.
    assert!(register.next_deadline() < day(24));
}

#[test]
fn the_register_is_bounded_and_gives_up_the_least_severe() {
    let mut register = gulou();
    for number in 0..MESSAGES_MAX {
        let info = BLUE.replace("蓝色", &format!("蓝色{number}"));
        register.handle(at("08:00"), office(&format!("blue{number}"), "Alert", "", &info));
    }
    assert_eq!(
        ignored(&register.handle(at("08:01"), office("more", "Alert", "", BLUE))),
        Some(Reason::Full)
    );
    assert_eq!(ignored(&register.handle(at("08:02"), red("m1"))), None);
    let alerts = register.alerts(at("08:02")).alerts;
    assert_eq!((alerts.len(), alerts[0].level), (ALERTS_MAX, Level::Emergency));
}
