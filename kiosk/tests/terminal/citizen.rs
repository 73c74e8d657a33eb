//! What a citizen meets: time, a card left behind, a terminal that cannot print, a network that is away.

use kiosk::devices::State;
use kiosk::page::{Act, Body, Entry, Mode, ShotId, Waiting};
use kiosk::terminal::{CardEvent, Event, Overlay};
use service::definition::Device;
use service::text::Language;

use hall::{Content, Hall};

fn hall() -> Hall {
    Hall::open(&Content::read())
}

/// The entry of an item, found by its name.
fn entry(hall: &mut Hall, name: &str) -> Entry {
    hall.act(Act::Wake);
    hall.act(Act::Search(name.to_owned()));
    let Body::List { entries, .. } = hall.page().body else { panic!("a search shows a list") };
    entries.into_iter().find(|entry| entry.label == name).expect("it is found")
}

#[test]
fn who_goes_away_is_asked_and_then_nothing_of_her_is_left() {
    let mut hall = hall();
    hall.act(Act::Open("T003".into()));
    hall.act(Act::Next);
    hall.present(Waiting::IdCard);
    assert!(format!("{:?}", hall.terminal).contains("350102194903122129"));
    hall.seconds += 65;
    hall.event(Event::Tick);
    let overlay = hall.terminal.overlay(hall.now());
    assert_eq!(overlay, Some(Overlay::StillThere { seconds: 25 }));
    hall.seconds += 25;
    hall.event(Event::Tick);
    hall.settle();
    assert_eq!(hall.wiped, 1);
    assert_eq!(hall.page().body, Body::Attract);
    let left = format!("{:?}", hall.terminal);
    assert!(!left.contains("350102194903122129") && !left.contains("林秀英"), "{left}");
}

#[test]
fn a_card_that_is_left_behind_raises_the_alarm_until_it_is_taken() {
    let mut hall = hall();
    hall.act(Act::Wake);
    hall.event(Event::Card(CardEvent::Reading));
    hall.act(Act::Finish);
    hall.settle();
    assert_eq!(hall.alarms, 1);
    assert_eq!(hall.terminal.overlay(hall.now()), Some(Overlay::CardLeft));
    hall.event(Event::Card(CardEvent::Taken));
    assert_eq!(hall.terminal.overlay(hall.now()), None);
}

#[test]
fn without_paper_an_item_says_so_before_the_first_question_and_offers_a_copy() {
    let mut hall = hall();
    hall.event(Event::Device(Device::Printer, State::Empty));
    let entry = entry(&mut hall, "无房证明");
    assert_eq!(entry.hint, "打印机缺纸 · 可以办，纸质件改为电子件");
    assert_eq!(entry.unavailable, None);
}

#[test]
fn without_a_reader_or_a_network_what_needs_them_is_refused_before_the_first_question() {
    let mut hall = hall();
    hall.event(Event::Device(Device::IdCard, State::Fault));
    let without_reader = entry(&mut hall, "无房证明");
    assert_eq!(without_reader.unavailable.as_deref(), Some("身份证读卡器暂时不能用"));
    hall.act(Act::Open("T003".into()));
    assert!(hall.terminal.flow().is_none());
    hall.event(Event::Device(Device::IdCard, State::Ready));
    hall.event(Event::Link(false));
    let without_link = entry(&mut hall, "无房证明");
    let says = "现在连不上政务网络，这一项暂时办不了";
    assert_eq!(without_link.unavailable.as_deref(), Some(says));
}

#[test]
fn what_can_wait_is_accepted_without_a_network_and_says_so() {
    let mut hall = hall();
    hall.event(Event::Link(false));
    // 其他临时外出就医人员备案
    hall.walk_any("T046", Language::Chinese).unwrap();
    let page = hall.page();
    assert_eq!(page.title, "已受理（离线）");
    assert_eq!(hall.kept, 1);
}

#[test]
fn large_letters_give_twice_the_time_and_end_with_the_session() {
    let mut hall = hall();
    hall.act(Act::Wake);
    hall.act(Act::Mode(Mode::Large));
    hall.seconds += 100;
    hall.event(Event::Tick);
    assert_eq!(hall.terminal.overlay(hall.now()), None);
    hall.seconds += 80;
    hall.event(Event::Tick);
    assert!(!hall.terminal.modes().large);
}

#[test]
fn what_was_written_suggests_a_kind_and_the_pictures_go_with_the_report() {
    let mut hall = hall();
    hall.act(Act::Wake);
    hall.act(Act::Open("R001".into()));
    hall.act(Act::Next);
    hall.act(Act::Shoot);
    hall.settle();
    hall.act(Act::Next);
    hall.act(Act::Input("小区门口路灯不亮".into()));
    hall.act(Act::Next);
    let Body::Choice { options, .. } = hall.page().body else { panic!("a kind is asked") };
    let chosen: Vec<_> = options.iter().filter(|option| option.chosen).collect();
    assert_eq!(chosen.len(), 1);
    assert_eq!(
        (chosen[0].label.as_str(), chosen[0].hint.as_str()),
        ("路灯、电线", "按您写的先选这个")
    );
    hall.act(Act::Next);
    hall.act(Act::SetPlace(26.0842, 119.3065));
    hall.act(Act::Next);
    hall.act(Act::Next);
    assert_eq!(hall.page().title, "请核对");
    hall.act(Act::Next);
    hall.settle();
    assert_eq!(hall.sent_shots, [ShotId(1)]);
    assert!(matches!(hall.page().body, Body::Done { code: Some(_), .. }));
}

#[test]
fn reports_and_what_was_booked_stand_under_their_intents() {
    let mut hall = hall();
    hall.act(Act::Wake);
    hall.act(Act::Open("intent:report".into()));
    assert_eq!(hall.entries(), ["随手拍", "随手拍进度"]);
    hall.act(Act::Back);
    hall.act(Act::Open("intent:book".into()));
    assert_eq!(hall.entries()[0], "我的预约");
}

#[test]
fn a_booking_is_moved_to_a_slot_of_its_own_service_or_cancelled() {
    let mut hall = hall();
    for (deed, operation) in [(0, "booking.move"), (1, "booking.cancel")] {
        hall.act(Act::Finish);
        hall.act(Act::Wake);
        hall.act(Act::Open("R003".into()));
        hall.act(Act::Next);
        hall.present(Waiting::IdCard);
        hall.settle();
        hall.act(Act::Choose(0));
        hall.act(Act::Next);
        hall.act(Act::Choose(deed));
        hall.act(Act::Next);
        hall.settle();
        if deed == 0 {
            assert_eq!(hall.asked_slots_of, "C003");
            hall.act(Act::Choose(0));
            hall.act(Act::ChooseSecond(0));
            hall.act(Act::Next);
        }
        hall.act(Act::Next);
        hall.settle();
        assert_eq!(hall.last_operation, operation);
        assert!(matches!(hall.page().body, Body::Done { code: Some(_), .. }));
    }
}
