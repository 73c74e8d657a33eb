//! What a citizen takes along, when there is paper and when there is none.

use kiosk::devices::State;
use kiosk::page::{Act, Body, Waiting};
use kiosk::terminal::{Event, Overlay};
use kiosk::words;
use service::definition::Device;
use service::text::Language;

use hall::{Content, Hall, shipped_notices};

fn hall() -> Hall {
    Hall::open(&Content::read())
}

fn offers(hall: &Hall) -> Vec<String> {
    hall.page().also.into_iter().map(|offer| offer.label).collect()
}

#[test]
fn what_an_item_needs_can_be_taken_along() {
    let mut hall = hall();
    hall.act(Act::Open("C001".into()));
    assert_eq!(offers(&hall), ["带到手机上看"]);
    hall.act(Act::HandOff);
    hall.settle();
    assert_eq!(hall.page().body, Body::Code { code: "https://gulou.test/e/1#k".into() });
    let lines = hall.sheets[0].lines();
    assert!(lines.iter().any(|line| line.starts_with("本人身份证和户口簿")), "{lines:?}");
    hall.act(Act::Next);
    assert!(matches!(hall.page().body, Body::Intro { .. }));
}

#[test]
fn a_page_that_could_not_be_made_is_tried_again() {
    let mut hall = hall();
    hall.platform_fails = true;
    hall.act(Act::Open("C001".into()));
    hall.act(Act::HandOff);
    hall.settle();
    assert_eq!(hall.page().title, "取件码没有生成，请再试一次或找工作人员");
    hall.platform_fails = false;
    hall.act(Act::Next);
    hall.settle();
    assert!(matches!(hall.page().body, Body::Code { .. }));
}

#[test]
fn what_is_printed_late_is_nothing_to_the_next_citizen() {
    let mut hall = hall();
    hall.act(Act::Open("C001".into()));
    hall.event(Event::Printed(Err(words::no_printer())));
    assert_eq!(hall.page().error, None);
}

#[test]
fn without_a_link_nothing_is_promised_to_the_telephone() {
    let mut hall = hall();
    hall.act(Act::Open("C001".into()));
    hall.event(Event::Link(false));
    assert_eq!(offers(&hall), [""; 0]);
    hall.act(Act::HandOff);
    hall.settle();
    assert!(hall.sheets.is_empty());
}

#[test]
fn when_the_paper_is_out_the_copy_is_offered_first_and_printing_again_beside_it() {
    let mut hall = hall();
    hall.event(Event::Device(Device::Receipt, State::Empty));
    hall.paper_is_out = true;
    hall.walk_any("C005", Language::Chinese).unwrap();
    let page = hall.page();
    assert_eq!(page.main.unwrap().label, "用手机收电子件");
    assert_eq!(page.error.as_deref(), Some("凭条打印机缺纸"));
    assert_eq!(offers(&hall), ["装好纸后再打印"]);
    hall.act(Act::Next);
    hall.settle();
    assert!(matches!(hall.page().body, Body::Code { .. }));
    hall.act(Act::Next);
    assert_eq!(hall.page().main.unwrap().label, "办其他事");
    hall.paper_is_out = false;
    let printed = hall.printed;
    hall.act(Act::Print);
    hall.settle();
    assert_eq!((hall.printed, hall.page().error), (printed + 1, None));
}

#[test]
fn a_page_made_for_one_citizen_is_never_shown_to_the_next() {
    let mut hall = hall();
    hall.act(Act::Open("C001".into()));
    hall.act(Act::HandOff);
    hall.act(Act::Finish);
    hall.act(Act::Open("C001".into()));
    hall.settle();
    assert!(matches!(hall.page().body, Body::Intro { .. }));
}

#[test]
fn what_was_looked_up_for_one_citizen_is_never_shown_to_the_next() {
    let mut hall = hall();
    for _ in 0..2 {
        hall.act(Act::Open("R003".into()));
        hall.act(Act::Next);
        hall.present(Waiting::IdCard);
        hall.act(Act::Finish);
    }
    hall.act(Act::Open("R003".into()));
    hall.act(Act::Next);
    hall.present(Waiting::IdCard);
    let late = hall.first_question();
    hall.event(late);
    assert!(matches!(hall.page().body, Body::Working { .. }));
}

#[test]
fn a_touch_while_something_is_looked_up_does_not_lose_the_answer() {
    let mut hall = hall();
    hall.act(Act::Open("R003".into()));
    hall.act(Act::Next);
    hall.present(Waiting::IdCard);
    hall.act(Act::Shoot);
    hall.settle();
    assert_eq!(hall.page().title, "哪一个预约？");
}

#[test]
fn a_card_that_cannot_be_read_is_typed_instead() {
    let mut hall = hall();
    let code = hall.item_that_taps(Device::TransitCard);
    hall.act(Act::Wake);
    hall.act(Act::Open(code.clone()));
    hall.act(Act::Next);
    hall.until(Waiting::TransitCard);
    hall.act(Act::OtherWay);
    hall.act(Act::Input("123".into()));
    hall.act(Act::Next);
    assert!(hall.page().error.is_some());
    hall.event(Event::Scanned("3501000012345678".into()));
    hall.settle();
    assert_ne!(hall.terminal.awaits(), Some(Waiting::Code));
    hall.act(Act::Finish);
    hall.event(Event::Device(Device::TransitCard, State::Absent));
    hall.act(Act::Open(code));
    assert!(hall.terminal.flow().is_some());
}

#[test]
fn notices_that_hold_are_one_quiet_line_away() {
    let mut hall = hall();
    hall.act(Act::Wake);
    let Body::Home { notice: Some(line), .. } = hall.page().body else { panic!("a line") };
    assert_eq!((line.label.as_str(), line.hint.as_str()), ("公告", "周六停水"));
    hall.act(Act::Open(line.id));
    assert_eq!(hall.entries(), ["周六停水"]);
    hall.act(Act::Open("notice:water".into()));
    let page = hall.page();
    assert_eq!((page.title.as_str(), page.help.as_str()), ("周六停水", "周六8点到12点停水。"));
    hall.act(Act::Back);
    assert_eq!(hall.page().title, "公告");
}

#[test]
fn the_last_call_is_said_once_and_goes_with_a_touch() {
    let mut hall = hall();
    hall.act(Act::Wake);
    while hall.seconds < 40 * 60 - 30 {
        hall.seconds += 30;
        hall.act(Act::MoreTime);
    }
    hall.seconds = 40 * 60 + 10;
    hall.event(Event::Tick);
    let overlay = hall.terminal.overlay(hall.now()).unwrap();
    assert_eq!(overlay, Overlay::LastCall { seconds: 290 });
    assert_eq!(overlay.words().zh, "办理时间快到了。290秒后清除您填的内容");
    hall.act(Act::MoreTime);
    assert_eq!(hall.terminal.overlay(hall.now()), None);
    assert_eq!(Overlay::CardLeft.words(), words::card_left());
}

#[test]
fn every_notice_that_ships_can_be_read() {
    let notices = shipped_notices();
    assert_eq!(notices.len(), 8);
    let new_year = notices.iter().find(|notice| notice.id == "new-year-2027").unwrap();
    assert!(new_year.holds("2026-12-31".parse().unwrap()));
}
