//! Any sequence of misfortunes: what no rider may ever see, and what must be right at the end.

use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::outages::assert_complete;
use crate::world::World;

const SIGNS: [&str; 2] = ["sign-1", "sign-2"];
/// How long the city needs after the last misfortune: the longest back-off of a sign, and a poll.
const RECOVERY: Duration = Duration::from_secs(90);
/// Cases of one run; each is minutes to hours of a city.
const CASES: u32 = 16;

#[derive(Debug, Clone)]
enum Op {
    Advance(u64),
    Cut(usize),
    Heal(usize),
    PowerOff(usize),
    PowerOn(usize),
    Skew(usize, i64),
    ForgetBroker,
    RestartPlatform,
    StopPlatform,
}

fn op() -> impl Strategy<Value = Op> {
    let sign = 0..SIGNS.len();
    prop_oneof![
        4 => (1..400_u64).prop_map(Op::Advance),
        2 => sign.clone().prop_map(Op::Cut),
        2 => sign.clone().prop_map(Op::Heal),
        1 => sign.clone().prop_map(Op::PowerOff),
        1 => sign.clone().prop_map(Op::PowerOn),
        1 => (sign, -90_000..90_000_i64).prop_map(|(sign, skew_s)| Op::Skew(sign, skew_s)),
        1 => Just(Op::ForgetBroker),
        1 => Just(Op::RestartPlatform),
        1 => Just(Op::StopPlatform),
    ]
}

#[test]
fn after_any_misfortunes_every_sign_is_right_and_no_event_is_missing() {
    if World::new().is_none() {
        return;
    }
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        max_shrink_iters: 32,
        failure_persistence: None,
        ..Config::default()
    });
    let ops = prop::collection::vec(op(), 1..14);
    let outcome = runner.run(&ops, |ops| {
        live_through(&ops);
        Ok(())
    });
    outcome.unwrap();
}

fn live_through(ops: &[Op]) {
    let mut city = World::new().unwrap();
    for name in SIGNS {
        city.put_up(name, "S2");
    }
    for op in ops {
        // There is always a bus to promise, so that a wrong promise can be seen.
        city.expect("K1-0800", "S2", Duration::from_mins(9));
        apply(&mut city, op);
        check_invariants(&city);
    }
    recover(&mut city);
    city.expect("K1-0800", "S2", Duration::from_mins(9));
    city.advance(RECOVERY);
    for name in SIGNS {
        assert_eq!(city.glass(name), ["K1 福州火车站       8分"], "{name} after {ops:?}");
        assert_complete(&city, name);
    }
}

fn apply(city: &mut World, op: &Op) {
    match *op {
        Op::Advance(seconds) => {
            for _ in 0..seconds / 20 {
                city.advance(Duration::from_secs(20));
                check_invariants(city);
            }
        }
        Op::Cut(sign) => city.cut(SIGNS[sign]),
        Op::Heal(sign) => city.heal(SIGNS[sign]),
        Op::PowerOff(sign) => city.power_off(SIGNS[sign]),
        Op::PowerOn(sign) if !city.has_power(SIGNS[sign]) => city.power_on(SIGNS[sign]),
        Op::PowerOn(_) => {}
        Op::Skew(sign, skew_s) => city.skew_clock(SIGNS[sign], SignedDuration::from_secs(skew_s)),
        Op::ForgetBroker => city.forget_broker(),
        Op::StopPlatform => city.stop_platform(),
        Op::RestartPlatform => {
            city.stop_platform();
            city.start_platform();
        }
    }
}

/// A promise on the glass rests on a board that is young enough to vouch for it.
fn check_invariants(city: &World) {
    for name in SIGNS.into_iter().filter(|name| city.has_power(name)) {
        let Some(page) = city.sign(name).page() else { continue };
        let Some(made_at) = page.board_made_at else { continue };
        let promise = city.glass(name).iter().any(|line| line.ends_with('分'));
        let age = city.wall().duration_since(made_at);
        let clock_differs = city.skew(name) != SignedDuration::ZERO;
        assert!(
            !promise || clock_differs || age.as_secs() <= 601,
            "{name} promises {:?} by a board {age} old",
            city.glass(name)
        );
    }
}

fn recover(city: &mut World) {
    if !city.platform_runs() {
        city.start_platform();
    }
    for name in SIGNS {
        city.heal(name);
        city.skew_clock(name, SignedDuration::ZERO);
        if !city.has_power(name) {
            city.power_on(name);
        }
    }
}
