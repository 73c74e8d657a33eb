//! Staff at the terminal: who is let in, what they see, and what is written down.

use jiff::Timestamp;
use kiosk::devices::State;
use kiosk::page::{Act, Body, Page, Waiting};
use kiosk::staff::{Deed, Door, LOCKED, Refusal, Secret};
use kiosk::terminal::{CardEvent, Event};
use service::definition::Device;
use sync::{Moment, Mono};

use hall::{Content, Hall, SECRET, roster};

fn hall() -> Hall {
    Hall::open(&Content::read())
}

fn at(seconds: u64) -> Moment {
    let wall = Timestamp::from_second(1_795_000_000 + i64::try_from(seconds).unwrap()).unwrap();
    Moment { mono: Mono(seconds * 1000), wall, clock_error_ms: Some(100) }
}

fn code(now: Moment) -> String {
    Secret::parse(SECRET).unwrap().shown(u64::try_from(now.wall.as_second()).unwrap())
}

/// Signs on by number, PIN and code.
fn sign_on(hall: &mut Hall, pin: &str) {
    let code = code(hall.now());
    for line in ["G07", pin, code.as_str()] {
        hall.act(Act::Input(line.to_owned()));
        hall.act(Act::Next);
    }
}

fn touch_emblem(hall: &mut Hall) {
    (0..5).for_each(|_| hall.act(Act::Emblem));
}

fn deeds(hall: &Hall) -> Vec<Deed> {
    hall.audits.iter().map(|audit| audit.what).collect()
}

fn labels(page: &Page) -> Vec<String> {
    let Body::List { entries, .. } = &page.body else { panic!("a list: {page:?}") };
    entries.iter().map(|entry| entry.label.clone()).collect()
}

#[test]
fn number_pin_and_code_let_staff_in_and_a_code_counts_once() {
    let mut door = Door::new(roster());
    let now = at(0);
    assert_eq!(door.sign_on(now, "G07", "4711", &code(now)), Ok("G07".to_owned()));
    let again = door.sign_on(now, "G07", "4711", &code(now));
    assert_eq!(again, Err(Refusal::Wrong { tries_left: 4 }));
    assert!(door.sign_on(at(30), "G07", "4711", &code(at(30))).is_ok());
}

#[test]
fn a_wrong_number_pin_or_code_is_refused_alike() {
    let now = at(0);
    let right = code(now);
    for (id, pin, code) in
        [("G08", "4711", right.as_str()), ("G07", "4712", &right), ("G07", "4711", "000000")]
    {
        let mut door = Door::new(roster());
        assert_eq!(door.sign_on(now, id, pin, code), Err(Refusal::Wrong { tries_left: 4 }));
    }
}

#[test]
fn five_wrong_tries_lock_everybody_out_for_five_minutes() {
    let mut door = Door::new(roster());
    for tries_left in (1..5).rev() {
        let refusal = door.sign_on(at(0), "G07", "0000", "000000");
        assert_eq!(refusal, Err(Refusal::Wrong { tries_left }));
    }
    let locked = Err(Refusal::Locked { left: LOCKED });
    assert_eq!(door.sign_on(at(0), "G07", "0000", "000000"), locked);
    let left = std::time::Duration::from_secs(1);
    let right = code(at(299));
    assert_eq!(door.sign_on(at(299), "G07", "4711", &right), Err(Refusal::Locked { left }));
    assert!(door.sign_on(at(300), "G07", "4711", &code(at(300))).is_ok());
}

#[test]
fn five_touches_of_the_emblem_open_the_sign_on_and_one_just_begins() {
    let mut hall = hall();
    hall.act(Act::Emblem);
    assert_eq!(hall.page().body, Body::Attract);
    hall.seconds += 2;
    hall.event(Event::Tick);
    assert!(matches!(hall.page().body, Body::Home { .. }));
    hall.act(Act::Finish);
    touch_emblem(&mut hall);
    assert_eq!(hall.page().title, "工作人员登录");
}

#[test]
fn a_pin_shows_only_its_length_and_is_nowhere_in_the_terminal() {
    let mut hall = hall();
    touch_emblem(&mut hall);
    hall.act(Act::Input("G07".to_owned()));
    hall.act(Act::Next);
    for line in ["8", "●2", "●●5", "●●●9", "●●●"] {
        hall.act(Act::Input(line.to_owned()));
    }
    let Body::Entry(field) = hall.page().body else { panic!("a line") };
    assert_eq!(field.value, "●●●");
    assert!(!format!("{:?} {:?}", hall.terminal, hall.page()).contains("825"));
}

#[test]
fn staff_see_what_works_refill_paper_and_set_the_volume() {
    let mut hall = hall();
    hall.event(Event::Device(Device::Printer, State::Empty));
    hall.event(Event::Device(Device::IdCard, State::Fault));
    hall.event(Event::Card(CardEvent::Other(Waiting::TransitCard, "STAFF-7".to_owned())));
    assert_eq!(hall.page().title, "工作人员登录");
    sign_on_by_card(&mut hall);
    assert_eq!(
        labels(&hall.page()),
        ["自检", "纸张", "音量", "运行记录", "换成英文 English", "退出"]
    );
    for title in ["Maintenance", "设备维护"] {
        hall.act(Act::Open("staff:language".to_owned()));
        assert_eq!(hall.page().title, title);
    }
    hall.act(Act::Open("staff:test".to_owned()));
    let Body::Staff(sections) = hall.page().body else { panic!("a self-test") };
    assert!(sections[0].heading.starts_with("149项里现在能办"), "{}", sections[0].heading);
    assert!(sections[0].rows.iter().any(|row| row.name == "打印机" && row.value == "缺纸"));
    let refused = &sections[1].table;
    assert!(
        refused.contains(&vec!["T003 无房证明".to_owned(), "身份证读卡器暂时不能用".to_owned()])
    );
    hall.act(Act::Back);
    hall.act(Act::Open("staff:paper".to_owned()));
    hall.act(Act::Next);
    hall.act(Act::Back);
    hall.act(Act::Open("staff:volume".to_owned()));
    hall.act(Act::Choose(3));
    hall.settle();
    assert_eq!((hall.volume, hall.rechecks), (Some(30), 2));
    hall.act(Act::Finish);
    hall.settle();
    let done = [
        Deed::SignedOn,
        Deed::CheckedDevices,
        Deed::RefilledPaper,
        Deed::SetVolume,
        Deed::SignedOff,
    ];
    assert_eq!(deeds(&hall), done);
    assert!(hall.audits.iter().all(|audit| audit.who.as_deref() == Some("G07")));
    assert_eq!(hall.page().body, Body::Attract);
}

fn sign_on_by_card(hall: &mut Hall) {
    let code = code(hall.now());
    for line in ["4711", code.as_str()] {
        hall.act(Act::Input(line.to_owned()));
        hall.act(Act::Next);
    }
    hall.settle();
}

#[test]
fn staff_who_walk_away_are_signed_off_after_five_minutes() {
    let mut hall = hall();
    touch_emblem(&mut hall);
    sign_on(&mut hall, "4711");
    hall.seconds += 290;
    hall.event(Event::Tick);
    assert_eq!(hall.page().title, "设备维护");
    hall.seconds += 10;
    hall.event(Event::Tick);
    hall.settle();
    assert_eq!(hall.page().body, Body::Attract);
    assert_eq!(deeds(&hall), [Deed::SignedOn, Deed::SignedOff]);
}

/// Up to the page that compares the face.
fn before_the_camera(hall: &mut Hall) {
    hall.act(Act::Open("T038".to_owned()));
    hall.act(Act::Next);
    hall.present(Waiting::IdCard);
    hall.settle();
    assert_eq!(hall.terminal.awaits(), Some(Waiting::Face));
}

#[test]
fn staff_confirm_who_she_is_and_the_item_goes_on() {
    let mut hall = hall();
    before_the_camera(&mut hall);
    hall.act(Act::OtherWay);
    sign_on(&mut hall, "4711");
    assert_eq!(hall.page().title, "请核对：这是林秀英吗？");
    hall.act(Act::Choose(0));
    hall.act(Act::Next);
    hall.settle();
    assert_eq!(hall.page().title, "查谁的医疗费用？");
    let audit = hall.audits.last().unwrap();
    assert_eq!((audit.what, audit.item.as_deref()), (Deed::ConfirmedIdentity, Some("T038")));
    assert!(!format!("{:?}", hall.audits).contains("林秀英"));
}

#[test]
fn who_is_not_the_one_on_the_card_does_not_get_on() {
    let mut hall = hall();
    before_the_camera(&mut hall);
    hall.act(Act::OtherWay);
    sign_on(&mut hall, "4711");
    hall.act(Act::Choose(1));
    hall.act(Act::Next);
    hall.settle();
    assert_eq!(hall.terminal.awaits(), Some(Waiting::Face));
    assert!(hall.page().error.is_some());
    assert_eq!(hall.audits.last().unwrap().what, Deed::DeniedIdentity);
}

#[test]
fn without_a_camera_staff_are_offered_and_not_a_refusal() {
    let mut hall = hall();
    hall.event(Event::Device(Device::Camera, State::Absent));
    before_the_camera(&mut hall);
    assert_eq!(hall.page().main.unwrap().label, "请工作人员核对");
    hall.act(Act::Next);
    assert_eq!(hall.page().title, "工作人员登录");
    hall.act(Act::Back);
    assert_eq!(hall.terminal.awaits(), Some(Waiting::Face));
}

#[test]
fn the_log_names_items_and_nobody() {
    let mut hall = hall();
    before_the_camera(&mut hall);
    hall.act(Act::Finish);
    hall.settle();
    touch_emblem(&mut hall);
    sign_on(&mut hall, "4711");
    hall.act(Act::Open("staff:log".to_owned()));
    let Body::Staff(sections) = hall.page().body else { panic!("a log") };
    let lines: Vec<&str> = sections[0].table.iter().map(|line| line[1].as_str()).collect();
    assert_eq!(lines[..5], ["看记录", "工作人员登录", "办事的人结束了", "打开事项", "有人来办事"]);
    assert!(!format!("{sections:?}").contains("林秀英"));
}
