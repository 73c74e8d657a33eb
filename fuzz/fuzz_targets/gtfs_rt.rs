//! Realtime feeds: whatever comes in, what goes on to the boards is bounded and from this century.

#![no_main]

use libfuzzer_sys::fuzz_target;
use platform::feeds::gtfs_rt::{self, DELAY_MAX_S, Prediction, TIME_MAX_S, TIME_MIN_S};
use platform::network::CALLS_MAX;

fuzz_target!(|bytes: &[u8]| {
    let Ok(feed) = gtfs_rt::parse(bytes) else { return };
    let believed = |time: i64| (TIME_MIN_S..TIME_MAX_S).contains(&time);
    assert!(feed.made_s.is_none_or(believed));
    for trip in &feed.trips {
        assert!(trip.stop_times.len() <= CALLS_MAX && trip.measured_s.is_none_or(believed));
        for prediction in trip.stop_times.iter().flat_map(|stop| [stop.arrival, stop.departure]).flatten() {
            match prediction {
                Prediction::At(time) => assert!(believed(time)),
                Prediction::Late(late) => assert!((-DELAY_MAX_S..=DELAY_MAX_S).contains(&late)),
            }
        }
    }
    assert!(feed.vehicles.iter().all(|vehicle| vehicle.measured_s.is_none_or(believed)));
    assert!(feed.alerts.iter().all(|alert| !alert.headline.is_empty()));
});
