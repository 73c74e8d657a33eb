//! Bus transcripts: `>` is what the reader is asked, `<` what it answers, `!` what is told.

use proptest::prelude::*;

use super::super::record::tests::lin;
use super::*;

const MS: Duration = Duration::from_millis(1);

fn reply(code: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 4).unwrap();
    let mut body = length.to_be_bytes().to_vec();
    body.extend([0, 0, code]);
    body.extend(data);
    let sum = body.iter().fold(0, |sum, byte| sum ^ byte);
    [&[0xAA, 0xAA, 0xAA, 0x96, 0x69][..], &body, &[sum]].concat()
}

fn card() -> Vec<u8> {
    let mut data = vec![0x01, 0x00, 0x04, 0x00];
    data.extend(lin());
    data.extend([0xA5; 1024]);
    reply(0x90, &data)
}

fn found() -> Vec<u8> {
    reply(0x9F, &[0; 4])
}

fn selected() -> Vec<u8> {
    reply(0x90, &[0; 8])
}

/// A reader whose machine waits for its first answer, with somebody waiting for a card.
struct Bench {
    machine: Machine,
    now: Duration,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { machine: Machine::default(), now: Duration::ZERO };
        bench.machine.want(Duration::ZERO, true);
        assert_eq!(bench.tick(), "open > Status");
        assert_eq!(bench.hear(&reply(0x90, &[])), "! Health(Ok)");
        bench
    }

    /// Up to the moment when the text is being read.
    fn reading() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.tick(), "> Find");
        assert_eq!(bench.hear(&found()), "> Select");
        assert_eq!(bench.hear(&selected()), "! Present > Read");
        bench
    }

    fn tick(&mut self) -> String {
        self.now = self.machine.next_deadline();
        show(&self.machine.handle(self.now, Input::Tick))
    }

    fn hear(&mut self, bytes: &[u8]) -> String {
        self.now += MS;
        show(&self.machine.handle(self.now, Input::Bytes(bytes)))
    }
}

fn show(effects: &[Effect]) -> String {
    let words: Vec<_> = effects
        .iter()
        .map(|effect| match effect {
            Effect::Open => "open".to_owned(),
            Effect::Ask(command) => format!("> {command:?}"),
            Effect::Tell(Event::Read(record)) => format!("! Read({})", record.name),
            Effect::Tell(event) => format!("! {event:?}"),
        })
        .collect();
    words.join(" ")
}

#[test]
fn a_card_is_found_selected_read_and_lifted() {
    let mut bench = Bench::new();
    assert_eq!(bench.tick(), "> Find");
    assert_eq!(bench.hear(&reply(0x80, &[])), "");
    assert_eq!(bench.tick(), "> Find");
    assert_eq!(bench.hear(&found()), "> Select");
    assert_eq!(bench.hear(&selected()), "! Present > Read");
    assert_eq!(bench.hear(&card()), "! Read(林一鸣)");
    assert_eq!(bench.tick(), "> Probe");
    assert_eq!(bench.hear(&reply(0x91, &[])), "");
    assert_eq!(bench.tick(), "> Probe");
    assert_eq!(bench.hear(&reply(0x41, &[])), "! Lifted");
    assert_eq!(bench.tick(), "> Find");
}

#[test]
fn an_answer_in_single_bytes_with_garbage_before_it_is_read() {
    let mut bench = Bench::reading();
    let told: Vec<_> = [&[0x00, 0xAA, 0xAA, 0x96][..], &card()]
        .concat()
        .iter()
        .map(|byte| bench.hear(&[*byte]))
        .filter(|told| !told.is_empty())
        .collect();
    assert_eq!(told, ["! Read(林一鸣)"]);
    assert!(bench.machine.heard.is_empty());
}

#[test]
fn a_card_lifted_early_fails_and_the_next_try_works() {
    let mut bench = Bench::reading();
    assert_eq!(bench.hear(&reply(0x41, &[])), "! Failed(Refused(65))");
    assert_eq!(bench.tick(), "> Probe");
    assert_eq!(bench.hear(&reply(0x80, &[])), "! Lifted");
    assert_eq!(bench.tick(), "> Find");
    assert_eq!(bench.hear(&found()), "> Select");
}

#[test]
fn a_bank_card_is_complained_about_once() {
    let mut bench = Bench::new();
    bench.tick();
    bench.hear(&found());
    assert_eq!(bench.hear(&reply(0x81, &[])), "! Failed(Refused(129))");
    bench.tick();
    bench.hear(&found());
    assert_eq!(bench.hear(&reply(0x81, &[])), "");
}

#[test]
fn a_damaged_answer_is_asked_for_again_twice() {
    let mut damaged = card();
    damaged[700] ^= 1;
    let mut bench = Bench::reading();
    assert_eq!((bench.hear(&damaged), bench.tick()), (String::new(), "> Read".to_owned()));
    assert_eq!(bench.hear(&card()), "! Read(林一鸣)");

    let mut bench = Bench::reading();
    bench.hear(&damaged);
    assert_eq!(bench.tick(), "> Read");
    bench.hear(&damaged);
    assert_eq!(bench.tick(), "> Read");
    bench.hear(&damaged);
    assert_eq!(bench.tick(), "! Health(Degraded) ! Failed(Damaged)");
}

#[test]
fn what_is_left_of_a_damaged_answer_is_not_taken_for_frames() {
    let mut damaged = card();
    damaged[30] ^= 1;
    let last = damaged.len() - 200;
    damaged[last..last + 15].copy_from_slice(&found());
    let mut bench = Bench::reading();
    assert_eq!(bench.hear(&damaged), "");
    assert_eq!(bench.hear(&card()[700..]), "", "the line is not silent yet");
    assert_eq!(bench.tick(), "> Read");
}

#[test]
fn a_truncated_answer_ends_at_its_deadline() {
    let mut bench = Bench::reading();
    assert_eq!(bench.hear(&card()[..1000]), "");
    assert_eq!(bench.tick(), "! Failed(Silent)");
    assert_eq!(bench.tick(), "> Find");
    assert_eq!(bench.hear(&card()[1000..]), "", "the rest comes too late and is noise");
}

#[test]
fn unplugged_in_mid_read_it_says_so_and_comes_back() {
    let mut bench = Bench::reading();
    bench.hear(&card()[..1000]);
    let told = show(&bench.machine.handle(bench.now, Input::Lost));
    assert_eq!(told, "! Failed(Unplugged) ! Health(Lost)");
    assert!(bench.machine.heard.is_empty(), "nothing of the card stays");
    assert_eq!(bench.tick(), "open > Status");
    assert_eq!(show(&bench.machine.handle(bench.now, Input::Lost)), "");
    assert_eq!(bench.tick(), "open > Status");
    assert_eq!(bench.hear(&reply(0x90, &[])), "! Health(Ok)");
}

#[test]
fn silence_degrades_after_three_questions_and_an_answer_heals() {
    let mut bench = Bench::new();
    let told: Vec<_> = (0..6).map(|_| bench.tick()).collect();
    assert_eq!(told, ["> Find", "", "> Find", "", "> Find", "! Health(Degraded)"]);
    bench.tick();
    assert_eq!(bench.hear(&reply(0x80, &[])), "! Health(Ok)");
}

#[test]
fn nobody_waiting_no_card_is_looked_for() {
    let mut bench = Bench::new();
    bench.machine.want(bench.now, false);
    bench.tick();
    bench.hear(&reply(0x80, &[]));
    assert_eq!(bench.tick(), "> Status");
    assert_eq!(bench.hear(&reply(0x66, &[])), "! Health(Degraded)");
    assert_eq!(bench.tick(), "> Status");
    assert_eq!(bench.hear(&reply(0x90, &[])), "! Health(Ok)");
    bench.machine.want(bench.now, true);
    assert_eq!(bench.machine.next_deadline(), bench.now, "somebody came: look at once");
    assert_eq!(bench.tick(), "> Find");
}

#[test]
fn who_has_gone_is_told_nothing_of_a_card() {
    let mut bench = Bench::reading();
    bench.machine.want(bench.now, false);
    assert_eq!(bench.hear(&card()), "");
    assert_eq!(bench.tick(), "> Probe");
    assert_eq!(bench.hear(&reply(0x80, &[])), "! Lifted");
    bench.machine.want(bench.now, true);
    bench.tick();
    assert_eq!(bench.hear(&found()), "> Select");
    bench.machine.want(bench.now, false);
    assert_eq!(bench.hear(&selected()), "");
    assert_eq!(bench.tick(), "> Status");
}

#[test]
fn a_reader_that_cannot_probe_tells_of_lifting_when_the_next_card_comes() {
    let mut bench = Bench::reading();
    bench.hear(&card());
    bench.tick();
    assert_eq!(bench.hear(&reply(0x24, &[])), "");
    assert_eq!(bench.tick(), "> Find");
    assert_eq!(bench.hear(&found()), "! Lifted > Select");
}

#[derive(Debug, Clone)]
enum Op {
    Answer(u8),
    Card,
    Noise(Vec<u8>),
    Lost,
    Deadline,
    Want(bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        prop_oneof![Just(0x90), Just(0x9F), Just(0x80), Just(0x41), any::<u8>()]
            .prop_map(Op::Answer),
        Just(Op::Card),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Op::Noise),
        Just(Op::Lost),
        Just(Op::Deadline),
        any::<bool>().prop_map(Op::Want),
    ]
}

proptest! {
    /// Whatever happens: no card is told of unless one was asked for and is wanted, and there is always a next deadline.
    #[test]
    fn the_order_holds(ops in proptest::collection::vec(op(), 0..60)) {
        let mut bench = Bench { machine: Machine::default(), now: Duration::ZERO };
        let (mut asked, mut wanted) = (None, false);
        for op in ops {
            bench.now += MS;
            let effects = match op {
                Op::Answer(code) => {
                    bench.machine.handle(bench.now, Input::Bytes(&reply(code, &[])))
                }
                Op::Card => bench.machine.handle(bench.now, Input::Bytes(&card())),
                Op::Noise(bytes) => bench.machine.handle(bench.now, Input::Bytes(&bytes)),
                Op::Lost => bench.machine.handle(bench.now, Input::Lost),
                Op::Deadline => {
                    bench.now = bench.machine.next_deadline().max(bench.now);
                    bench.machine.handle(bench.now, Input::Tick)
                }
                Op::Want(now_wanted) => {
                    wanted = now_wanted;
                    bench.machine.want(bench.now, wanted);
                    Vec::new()
                }
            };
            for effect in &effects {
                match effect {
                    Effect::Tell(Event::Read(_)) => {
                        prop_assert!(wanted && asked == Some(Command::Read));
                    }
                    Effect::Tell(Event::Present) => prop_assert_eq!(asked, Some(Command::Select)),
                    Effect::Ask(command) => asked = Some(*command),
                    _ => {}
                }
            }
            prop_assert!(bench.machine.heard.len() <= FRAME_MAX);
            prop_assert!(bench.machine.next_deadline() <= bench.now + READ_TIMEOUT);
        }
    }
}
