//! Whatever is done in whatever order: nothing panics, and at the end nothing of a citizen is left.

use std::cell::RefCell;

use kiosk::devices::State;
use kiosk::flow::{Outcome, Token};
use kiosk::page::{ALSO_MAX, Act, Body, Mode, ShotId, Waiting};
use kiosk::terminal::{CardEvent, Event};
use kiosk::words;
use proptest::prelude::*;
use serde_json::json;
use service::definition::Device;
use service::text::Language;
use sync::Mono;

use hall::{Content, Hall};

/// What a citizen gave that must be gone: her card's name and number, what she typed and wrote.
const HERS: [&str; 4] = ["林秀英", "350102194903122129", "金丝雀", "CANARY77"];

/// Something that happens.
#[derive(Debug, Clone)]
enum Op {
    Act(Act),
    /// A card, a finger, a face: what the page waits for.
    Present,
    /// The platform and the devices answer all they were asked.
    Settle,
    Event(Event),
    Advance(u64),
}

fn acts() -> impl Strategy<Value = Act> {
    let item = prop::sample::select(vec![
        "T003",
        "T038",
        "T046",
        "C001",
        "R001",
        "R002",
        "R003",
        "T012",
        "T057",
        "T102",
        "intent:book",
        "category:medical",
        "search:",
        "categories:",
        "notices:",
        "notice:water",
        "staff:test",
        "staff:log",
        "staff:end",
        "nonsense",
    ]);
    prop_oneof![
        2 => Just(Act::Wake),
        6 => item.prop_map(|id| Act::Open(id.to_owned())),
        12 => Just(Act::Next),
        3 => Just(Act::Back),
        1 => Just(Act::Finish),
        6 => (0_usize..14).prop_map(Act::Choose),
        3 => (0_usize..6).prop_map(Act::ChooseSecond),
        4 => prop::sample::select(vec!["金丝雀", "CANARY77", "4711", "G07", "13805010001", "100", ""])
            .prop_map(|line| Act::Input(line.to_owned())),
        2 => (2000_i16..2030, 0_i8..14, 0_i8..33).prop_map(|(y, m, d)| Act::SetDate(y, m, d)),
        1 => Just(Act::SetPlace(26.08, 119.3)),
        1 => Just(Act::SetStrokes(vec![vec![(0.5, 0.5); 9]])),
        2 => Just(Act::Shoot),
        1 => Just(Act::Discard(ShotId(1))),
        2 => Just(Act::OtherWay),
        1 => prop::sample::select(vec!["card", "text", "slot"]).prop_map(|it| Act::Edit(it.into())),
        2 => Just(Act::Print),
        2 => Just(Act::HandOff),
        3 => Just(Act::Emblem),
        1 => Just(Act::MoreTime),
        1 => Just(Act::Language(Language::English)),
        1 => Just(Act::Mode(Mode::Large)),
        1 => Just(Act::Search("CANARY77".to_owned())),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let device = prop::sample::select(Device::ALL.to_vec());
    let state = prop::sample::select(vec![State::Ready, State::Empty, State::Absent, State::Low]);
    let token = || (0_u64..20).prop_map(Token);
    prop_oneof![
        (device, state).prop_map(|(device, state)| Event::Device(device, state)),
        any::<bool>().prop_map(Event::Link),
        Just(Event::Card(CardEvent::Reading)),
        Just(Event::Card(CardEvent::Failed)),
        Just(Event::Card(CardEvent::Taken)),
        Just(Event::Card(CardEvent::Other(Waiting::SocialCard, "STAFF-7".to_owned()))),
        Just(Event::Scanned("CANARY77".to_owned())),
        Just(Event::Finger),
        Just(Event::Printed(Ok(()))),
        Just(Event::Printed(Err(words::no_printer()))),
        (token(), any::<bool>()).prop_map(|(token, ok)| Event::HandedOff {
            token,
            result: if ok { Ok("CANARY77".to_owned()) } else { Err(words::code_failed()) },
        }),
        token().prop_map(|token| Event::Answered {
            token,
            outcome: Outcome::Returned(json!({ "number": "CANARY77", "rows": 3 })),
        }),
        token().prop_map(|token| Event::Answered { token, outcome: Outcome::Unanswered }),
        token().prop_map(|token| Event::Answered {
            token,
            outcome: Outcome::Kept { number: "CANARY77".to_owned() },
        }),
        (token(), any::<bool>())
            .prop_map(|(token, ok)| Event::Shot { token, shot: ok.then_some(ShotId(7)) }),
        Just(Event::Tick),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => acts().prop_map(Op::Act),
        2 => Just(Op::Present),
        3 => Just(Op::Settle),
        2 => events().prop_map(Op::Event),
        1 => (0_u64..40).prop_map(Op::Advance),
    ]
}

fn perform(hall: &mut Hall, op: Op) {
    match op {
        Op::Act(act) => hall.act(act),
        Op::Present => {
            if let Some(device) = hall.terminal.awaits() {
                hall.present(device);
            }
        }
        Op::Settle => hall.settle(),
        Op::Event(event) => hall.event(event),
        Op::Advance(seconds) => {
            hall.seconds += seconds;
            hall.event(Event::Tick);
        }
    }
}

/// What is true of every page, whatever led to it.
fn check_invariants(hall: &Hall) {
    let page = hall.page();
    assert!(!page.title.is_empty(), "{page:?}");
    assert!(page.also.len() <= ALSO_MAX, "{page:?}");
    let nobody = page.body == Body::Attract;
    assert!(nobody || page.finish, "no way to end at {page:?}");
    let deadline = hall.terminal.next_deadline(hall.now());
    assert!(nobody || deadline != Mono::NEVER, "{page:?} would stand for ever");
    if nobody {
        let left = format!("{:?}", hall.terminal);
        for hers in HERS {
            assert!(!left.contains(hers), "{hers} is left");
        }
    }
}

/// As a hall is in the morning: nobody there, and everything works.
fn morning(hall: &mut Hall) {
    hall.event(Event::Card(CardEvent::Taken));
    hall.act(Act::Finish);
    hall.settle();
    hall.open_devices();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_done_nothing_panics_and_nothing_of_her_is_left(
        ops in prop::collection::vec(ops(), 1..120),
        walks_away in any::<bool>(),
    ) {
        // One hall for all of them: what is left of one citizen would be found with the next.
        HALL.with_borrow_mut(|hall| {
            morning(hall);
            for op in ops {
                perform(hall, op);
                check_invariants(hall);
            }
            if walks_away {
                // Nobody touches it any more, and what was asked is answered.
                for _ in 0..30 {
                    hall.settle();
                    hall.event(Event::Printed(Ok(())));
                    hall.seconds += 200;
                    hall.event(Event::Tick);
                }
            } else {
                hall.act(Act::Finish);
            }
            assert_eq!(hall.page().body, Body::Attract);
            check_invariants(hall);
        });
    }
}

thread_local! {
    static HALL: RefCell<Hall> = RefCell::new(Hall::open(&Content::read()));
}
