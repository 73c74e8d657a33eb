use std::collections::HashMap;

use super::*;

fn simulation(seed: u64) -> Simulation {
    Simulation::new(Arc::new(Network::demonstration().unwrap()), seed)
}

/// 08:00 on a Monday in Fuzhou.
fn morning() -> i64 {
    "2026-11-23T00:00:00Z".parse::<Timestamp>().unwrap().as_second()
}

#[test]
fn the_same_second_always_looks_the_same() {
    let now = unix(morning());
    let snapshot = simulation(7).at(now);
    assert!(snapshot.vehicles.len() > 60, "{}", snapshot.vehicles.len());
    assert_eq!(snapshot, simulation(7).at(now));
    assert_ne!(snapshot, simulation(8).at(now));
    let mut late = simulation(7);
    late.at(unix(morning() + 3 * 86_400));
    assert_eq!(snapshot, late.at(now), "what was asked before does not matter");
}

#[test]
fn buses_never_go_backwards_and_reports_never_get_older() {
    for seed in 0..2 {
        let mut simulation = simulation(seed);
        let mut seen: HashMap<String, Vehicle> = HashMap::new();
        for second in (morning()..morning() + 2700).step_by(11) {
            for vehicle in simulation.at(unix(second)).vehicles {
                assert!(vehicle.observed_at.as_second() <= second);
                if let Some(before) = seen.get(&vehicle.trip) {
                    assert!(vehicle.along_m >= before.along_m, "{before:?} then {vehicle:?}");
                    assert!(vehicle.observed_at >= before.observed_at);
                    assert!(vehicle.call >= before.call);
                }
                seen.insert(vehicle.trip.clone(), vehicle);
            }
        }
        assert!(seen.len() > 100, "{}", seen.len());
    }
}

#[test]
fn no_two_buses_bear_the_same_number() {
    let mut simulation = simulation(1);
    for hours in 0..30 {
        let mut ids: Vec<String> = simulation
            .at(unix(morning() + hours * 3600))
            .vehicles
            .into_iter()
            .map(|v| v.id)
            .collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}

#[test]
fn the_street_is_alive_at_every_hour() {
    let mut simulation = simulation(1);
    for day in [0, 4, 5] {
        for hour in 0..24 {
            let snapshot = simulation.at(unix(morning() + day * 86_400 + hour * 3600));
            assert!(
                snapshot.vehicles.len() > 35,
                "{} buses at {}",
                snapshot.vehicles.len(),
                snapshot.at
            );
        }
    }
}

#[test]
fn predictions_ascend_and_come_true_within_minutes() {
    let mut simulation = simulation(3);
    let snapshot = simulation.at(unix(morning()));
    let (mut errors, mut soon) = (Vec::new(), 0);
    for trip in &snapshot.trips {
        assert!(trip.calls.windows(2).all(|pair| pair[0].departs <= pair[1].arrives), "{trip:?}");
        let run = simulation
            .days
            .values()
            .flatten()
            .find(|run| run.trip == trip.trip && run.day == trip.day);
        for call in &trip.calls {
            let actual = run.unwrap().arrives[call.call];
            if (morning()..morning() + 600).contains(&call.arrives) {
                soon += 1;
                errors.push((call.arrives - actual).abs());
            }
        }
    }
    errors.sort_unstable();
    let (median, worst) = (errors[errors.len() / 2], errors[errors.len() * 95 / 100]);
    assert!(soon > 200, "{soon}");
    assert!((5..90).contains(&median), "useful, and no oracle: median error {median} s");
    assert!(worst < 360, "95 % within {worst} s");
}

#[test]
fn some_buses_fall_silent_for_minutes() {
    let mut simulation = simulation(5);
    let oldest = (0..20).filter_map(|minutes| {
        let now = morning() + minutes * 60;
        let snapshot = simulation.at(unix(now));
        snapshot
            .vehicles
            .into_iter()
            .map(move |vehicle| now - vehicle.observed_at.as_second())
            .max()
    });
    let oldest = oldest.max().unwrap();
    assert!((90..=SILENCE_S + REPORT_EVERY_S).contains(&oldest), "{oldest}");
}

#[test]
fn a_bus_close_behind_another_catches_up() {
    let mut simulation = simulation(2);
    simulation.at(unix(morning()));
    let gaps =
        simulation.days.values().flatten().filter(|run| run.trip.starts_with("1-0-weekday-08"));
    let last: Vec<i64> = gaps.map(|run| run.arrives[run.arrives.len() - 1]).collect();
    let mut spread: Vec<i64> =
        last.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap < 3600).collect();
    spread.sort_unstable();
    assert!(spread[0] >= FOLLOW_S);
    assert!(
        spread[spread.len() - 1] - spread[0] > 60,
        "buses leave evenly and arrive in bunches: {spread:?}"
    );
}
