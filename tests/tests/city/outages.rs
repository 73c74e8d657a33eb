//! What a rider sees when things break, and what the database holds afterwards.

use std::time::Duration;

use jiff::SignedDuration;
use sync::Lang;

use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A city in which one bus is seven minutes from 鼓楼, where a new sign has just been put up.
fn city() -> Option<World> {
    let mut city = World::new()?;
    city.expect("K1-0800", "S2", 7 * MINUTE);
    city.put_up("sign-1", "S2");
    city.advance(10 * SECOND);
    Some(city)
}

#[test]
fn a_sign_that_knows_nothing_of_the_city_is_right_after_one_subscribe() {
    let Some(city) = city() else { return };
    assert_eq!(city.glass("sign-1"), ["K1 福州火车站       7分"]);
    assert_eq!(city.sign("sign-1").sentence(Lang::Zh), "K1路，开往福州火车站，7分钟后到站。");
}

#[test]
fn a_cut_sign_keeps_counting_says_how_old_it_is_and_ends_with_the_timetable() {
    let Some(mut city) = city() else { return };
    city.expect("K1-0810", "S2", 14 * MINUTE);
    city.give_timetable("sign-1");
    city.advance(5 * SECOND);
    city.cut("sign-1");
    let mut seen = Vec::new();
    for _ in 0..6 {
        city.advance(2 * MINUTE);
        seen.push(city.glass("sign-1").join(" | "));
    }
    assert_eq!(
        seen,
        [
            "K1 福州火车站     约5分 | K1 福州火车站    约12分",
            "K1 福州火车站     约3分 | K1 福州火车站    约10分",
            "K1 福州火车站     约8分",
            "K1 福州火车站     约6分",
            "K1 福州火车站 |    按时刻表    每10分钟",
            "K1 福州火车站 |    按时刻表    每10分钟",
        ]
    );
    city.heal("sign-1");
    city.advance(MINUTE);
    assert_eq!(
        city.glass("sign-1"),
        ["K1 福州火车站       1分"],
        "right again one subscribe after the link returns"
    );
}

#[test]
fn power_that_returns_without_a_network_brings_back_what_is_still_true() {
    let Some(mut city) = city() else { return };
    city.power_off("sign-1");
    city.cut("sign-1");
    city.advance(2 * MINUTE);
    city.power_on("sign-1");
    assert_eq!(city.glass("sign-1"), ["K1 福州火车站     约5分"]);
    city.heal("sign-1");
    city.advance(MINUTE);
    assert_eq!(city.glass("sign-1"), ["K1 福州火车站       4分"]);
}

#[test]
fn a_skewed_clock_changes_no_minute() {
    let Some(mut city) = city() else { return };
    city.advance(MINUTE);
    for skew_h in [-1, 1, 30 * 24] {
        city.skew_clock("sign-1", SignedDuration::from_hours(skew_h));
        city.advance(2 * SECOND);
        assert_eq!(city.glass("sign-1"), ["K1 福州火车站       6分"], "{skew_h} h off");
    }
}

#[test]
fn a_sign_that_wakes_in_1970_without_a_network_shows_no_time_at_all() {
    let Some(mut city) = city() else { return };
    city.give_timetable("sign-1");
    city.power_off("sign-1");
    city.lose_clock("sign-1");
    city.cut("sign-1");
    city.power_on("sign-1");
    city.advance(MINUTE);
    assert!(
        !city.glass("sign-1").concat().contains(|c: char| c.is_ascii_digit() && c != '1'),
        "{:?}",
        city.glass("sign-1")
    );
    city.heal("sign-1");
    city.advance(MINUTE);
    assert_eq!(city.glass("sign-1"), ["K1 福州火车站       5分"], "the platform's clock serves");
}

#[test]
fn a_platform_that_restarts_goes_on_where_its_database_ends() {
    let Some(mut city) = city() else { return };
    city.stop_platform();
    city.advance(3 * MINUTE);
    assert_eq!(city.glass("sign-1"), ["K1 福州火车站     约4分"]);
    city.start_platform();
    city.advance(MINUTE);
    assert_eq!(city.glass("sign-1"), ["K1 福州火车站       3分"]);
    assert_complete(&city, "sign-1");
}

#[test]
fn a_broker_that_lost_everything_has_every_board_again_within_seconds() {
    let Some(mut city) = city() else { return };
    city.forget_broker();
    city.advance(10 * SECOND);
    city.put_up("sign-2", "S2");
    city.advance(5 * SECOND);
    assert_eq!(city.glass("sign-2"), ["K1 福州火车站       7分"]);
    city.advance(2 * MINUTE);
    assert_complete(&city, "sign-1");
}

#[test]
fn a_feed_that_is_served_but_stands_still_grows_old_on_the_glass() {
    let Some(mut city) = city() else { return };
    city.freeze_feed();
    city.advance(3 * MINUTE);
    assert_eq!(city.glass("sign-1"), ["K1 福州火车站     约4分"]);
}

/// Every number from 1 on is there exactly once, as an event or within a declared gap.
pub(crate) fn assert_complete(city: &World, sign: &str) {
    let (events, last) = (city.events(sign), city.last_numbers(sign));
    for (stream, last) in last {
        let mut next = 1;
        for (_, _, from, upto) in events.iter().filter(|(of, ..)| *of == stream) {
            assert_eq!(*from, next, "{stream} of {sign} has a hole or a repetition");
            next = upto + 1;
        }
        assert_eq!(next - 1, last, "{stream} of {sign} is not complete");
        assert!(last > 0);
    }
}
