use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::Unknown;
use crate::moment::Mono;

/// A device with a disk, a ledger in memory, and an account of what acted.
struct Device {
    now: Moment,
    boot: u64,
    disk: BTreeMap<String, Entry>,
    ledger: Ledger,
    /// How often each command began to act.
    acted: BTreeMap<String, u32>,
    told: Vec<String>,
}

impl Device {
    fn new() -> Self {
        let now = Moment { mono: Mono(0), wall: start(), clock_error_ms: Some(10) };
        let (ledger, ..) = Ledger::load(Vec::new(), "0", now);
        Self { now, boot: 0, disk: BTreeMap::new(), ledger, acted: BTreeMap::new(), told: vec![] }
    }

    /// Writes a change, and then takes it over.
    fn write(&mut self, change: Change) {
        for entry in &change.entries {
            if entry.forgotten {
                self.disk.remove(&entry.command.id);
            } else {
                // Through text, as on the real disk.
                let text = serde_json::to_string(entry).unwrap();
                self.disk.insert(entry.command.id.clone(), serde_json::from_str(&text).unwrap());
            }
        }
        for draft in &change.drafts {
            let status: CommandStatus = serde_json::from_slice(&draft.payload).unwrap();
            self.told.push(format!("{} {:?}", status.id, status.state).to_lowercase());
        }
        self.ledger.apply(change);
    }

    fn receive(&mut self, command: Command, left: Option<Duration>) {
        match self.ledger.receive(self.now, command, left) {
            Receipt::Known => {}
            Receipt::Refused(change) | Receipt::Accepted(change, _) => self.write(change),
        }
    }

    /// Takes a step; a crash may come between the decision and the disk.
    fn step(&mut self, id: &str, to: CommandState, crash: bool) -> Option<CommandState> {
        let (change, state) = self.ledger.step(self.now, id, to, "").ok()?;
        if crash {
            self.reboot();
            return None;
        }
        self.write(change);
        if state == CommandState::Running {
            *self.acted.entry(id.to_owned()).or_default() += 1;
        }
        Some(state)
    }

    fn reboot(&mut self) {
        self.boot += 1;
        self.now.mono = Mono(0);
        let entries = self.disk.values().cloned().collect();
        let (ledger, change, _) = Ledger::load(entries, &self.boot.to_string(), self.now);
        self.ledger = ledger;
        self.write(change);
    }

    fn advance(&mut self, by: Duration) {
        self.now.mono = self.now.mono + by;
        self.now.wall += by;
    }

    fn state(&self, id: &str) -> Option<CommandState> {
        self.ledger.entries.get(id).map(|entry| entry.state)
    }

    fn check_invariants(&self) {
        assert_eq!(self.ledger.entries, self.disk, "memory is what is on disk");
        assert!(self.disk.len() <= LEDGER_MAX);
        for (id, entry) in &self.disk {
            let acted = self.acted.get(id).copied().unwrap_or(0);
            assert!(acted <= 1 || !entry.command.once, "{id} acted {acted} times");
            assert!(acted > 0 || entry.state != CommandState::Done, "{id} is done without acting");
        }
    }
}

fn start() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn command(id: &str, once: bool) -> Command {
    Command {
        id: id.into(),
        kind: "print".into(),
        args: serde_json::Value::Null,
        issued_at: start(),
        expires: start() + Duration::from_mins(1),
        once,
        unknown: Unknown::new(),
    }
}

#[test]
fn a_life_of_a_command_is_told_step_by_step() {
    let mut device = Device::new();
    device.receive(command("c", true), None);
    device.step("c", CommandState::Running, false);
    device.step("c", CommandState::Failed, false);
    assert_eq!(device.told, ["c received", "c running", "c failed"]);
    let order = device.ledger.step(device.now, "c", CommandState::Running, "").unwrap_err();
    assert_eq!(order.to_string(), "command \"c\" is Failed and can't become Running");
}

#[test]
fn nothing_is_done_that_did_not_run() {
    let mut device = Device::new();
    device.receive(command("c", false), None);
    assert_eq!(device.step("c", CommandState::Done, false), None);
    assert_eq!(device.step("x", CommandState::Running, false), None);
}

#[test]
fn a_late_command_expires_whatever_clock_there_is() {
    let mut device = Device::new();
    device.advance(Duration::from_secs(61));
    device.receive(command("by the wall clock", false), None);
    assert_eq!(device.state("by the wall clock"), Some(CommandState::Expired));

    device.now.clock_error_ms = None;
    device.receive(command("by the broker", false), Some(Duration::from_secs(5)));
    device.advance(Duration::from_secs(6));
    let state = device.step("by the broker", CommandState::Running, false);
    assert_eq!(state, Some(CommandState::Expired));

    device.receive(command("over a reboot", false), None);
    device.reboot();
    assert_eq!(device.state("over a reboot"), Some(CommandState::Expired));
}

#[test]
fn the_ledger_forgets_what_is_over_and_rejects_when_all_is_open() {
    let mut device = Device::new();
    for n in 0..LEDGER_MAX {
        device.receive(command(&format!("c{n}"), false), None);
    }
    device.receive(command("one too many", false), None);
    assert_eq!(device.told.last().unwrap(), "one too many rejected");
    device.step("c5", CommandState::Rejected, false);
    device.receive(command("now it fits", false), None);
    assert_eq!(device.state("now it fits"), Some(CommandState::Received));
    assert_eq!(device.state("c5"), None);
    device.check_invariants();
}

/// What can happen to a ledger.
#[derive(Debug, Clone)]
enum Op {
    Receive(u8, bool),
    Step(u8, CommandState, bool),
    Reboot,
    Advance(u32),
    SkewClock(Option<i32>),
}

fn op() -> impl Strategy<Value = Op> {
    let state = prop_oneof![
        3 => Just(CommandState::Running),
        2 => Just(CommandState::Done),
        1 => Just(CommandState::Failed),
        1 => Just(CommandState::Rejected),
    ];
    prop_oneof![
        4 => (0_u8..6, any::<bool>()).prop_map(|(id, once)| Op::Receive(id, once)),
        8 => (0_u8..6, state, prop::bool::weighted(0.2)).prop_map(|(id, to, crash)| Op::Step(id, to, crash)),
        1 => Just(Op::Reboot),
        2 => (0_u32..30_000).prop_map(Op::Advance),
        1 => prop::option::of(-100_i32..100).prop_map(Op::SkewClock),
    ]
}

proptest! {
    #[test]
    fn what_must_not_run_twice_never_does(ops in prop::collection::vec(op(), 1..80)) {
        let mut device = Device::new();
        for op in ops {
            let over: Vec<(String, CommandState)> = device.disk.values()
                .filter(|entry| entry.state.is_final())
                .map(|entry| (entry.command.id.clone(), entry.state))
                .collect();
            match op {
                Op::Receive(id, once) => device.receive(command(&id.to_string(), once), None),
                Op::Step(id, to, crash) => drop(device.step(&id.to_string(), to, crash)),
                Op::Reboot => device.reboot(),
                Op::Advance(by_ms) => device.advance(Duration::from_millis(by_ms.into())),
                Op::SkewClock(skew_s) => {
                    device.now.clock_error_ms = skew_s.map(|_| 10);
                    device.now.wall += jiff::SignedDuration::from_secs(skew_s.unwrap_or(0).into());
                }
            }
            device.check_invariants();
            for (id, state) in over {
                prop_assert_eq!(device.state(&id), Some(state), "what is over stays as it is");
            }
        }
    }
}
