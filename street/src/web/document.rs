//! The street as one JSON document, for the page and for scripts.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::city::City;
use crate::street::{DeviceView, View};
use crate::supervise::Stage;

/// The street at `now`; `fleet` is what the platform says of its devices, `bench` what lies beside the
/// terminal, `console` where the platform's own page is.
pub(super) fn street(
    city: &City,
    view: &View,
    (fleet, bench): (&Value, &Value),
    console: &str,
    now: Timestamp,
) -> Value {
    let devices: Vec<Value> = view.devices.iter().map(|view| device(city, view, fleet)).collect();
    json!({
        "now": now,
        "platform": { "running": view.platform == Stage::Running && !fleet.is_null(), "url": console },
        "broker": { "running": view.broker },
        "devices": devices,
        "bench": bench,
        "buses": city.at(now).buses,
    })
}

fn device(city: &City, view: &DeviceView, fleet: &Value) -> Value {
    let DeviceView { post, faults, .. } = view;
    let stop = post.stop.map(|id| {
        let name = city.stop_name(id).cloned().unwrap_or_default();
        json!({ "id": id, "zh": name.zh, "en": name.en })
    });
    let (zh, en) = post.place;
    let network = match faults.network {
        condition if condition.cut => "cut",
        condition if !condition.delay.is_zero() => "slow",
        _ => "up",
    };
    let frame = view.glass.as_ref().map(|glass| {
        json!({
            "width": post.width, "height": post.height, "sequence": glass.sequence,
            "sha256": glass.sha256, "brightness": glass.brightness_percent,
        })
    });
    let known =
        fleet["devices"].as_array().into_iter().flatten().find(|known| known["device"] == post.id);
    let shown = known.map(|known| &known["shown"]).filter(|shown| !shown.is_null()).map(|shown| {
        json!({ "rung": shown["rung"], "lines": shown["lines"], "frame_sha256": shown["frame_sha256"] })
    });
    json!({
        "id": post.id, "role": post.role, "panel": post.panel,
        "place": { "zh": zh, "en": en },
        "stop": stop,
        "power": if view.configured && view.process == Stage::Off { "off" } else { "on" },
        "network": network,
        "process": process(view),
        "clock_skew_s": faults.skew_s,
        "disk": if faults.disk_full { "full" } else { "free" },
        "light_lux": faults.lux,
        "frame": frame,
        "shown": shown,
        "unavailable": view.unavailable,
    })
}

/// A program that runs but has drawn nothing is still starting.
fn process(view: &DeviceView) -> &'static str {
    match view.process {
        Stage::Off if !view.configured => "starting",
        Stage::Running if view.glass.is_none() => "starting",
        Stage::Running => "running",
        Stage::Off | Stage::Waiting => "dead",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appliance::{Faults, Glass, POSTS, Unavailable};
    use crate::wire::Condition;

    fn view(process: Stage, configured: bool, lit: bool) -> DeviceView {
        DeviceView {
            post: POSTS[2],
            process,
            configured,
            faults: Faults { network: Condition::default(), skew_s: 0, disk_full: false, lux: 300 },
            unavailable: Unavailable { skew: None, fill: None },
            glass: lit.then(|| Glass::dark(POSTS[2])),
        }
    }

    #[test]
    fn the_words_for_a_device_are_those_of_its_life() {
        let city = City::found(1).unwrap();
        let words = |view: DeviceView| {
            let told = device(&city, &view, &Value::Null);
            (
                told["power"].as_str().unwrap().to_owned(),
                told["process"].as_str().unwrap().to_owned(),
            )
        };
        let pair = |power: &str, process: &str| (power.to_owned(), process.to_owned());
        assert_eq!(words(view(Stage::Off, false, false)), pair("on", "starting"));
        assert_eq!(words(view(Stage::Running, true, false)), pair("on", "starting"));
        assert_eq!(words(view(Stage::Running, true, true)), pair("on", "running"));
        assert_eq!(words(view(Stage::Waiting, true, true)), pair("on", "dead"));
        assert_eq!(words(view(Stage::Off, true, false)), pair("off", "dead"));
    }

    #[test]
    fn what_the_platform_says_is_shown_stands_beside_what_is_on_the_glass() {
        let city = City::found(1).unwrap();
        let fleet = json!({ "devices": [
            { "device": "sign-3", "shown": { "rung": "prediction", "lines": ["1 烟台山公园 3分"], "frame_sha256": "ab" } },
        ] });
        let told = device(&city, &view(Stage::Running, true, true), &fleet);
        assert_eq!(told["shown"]["rung"], "prediction");
        assert_eq!(told["stop"]["zh"], "温泉公园");
        assert_eq!(told["frame"]["width"], 1920);
    }
}
