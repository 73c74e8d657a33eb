//! From a timetable file to a retained board, and back again after the broker lost everything.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sync::{Board, Source, Topic};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::district::{District, has_mosquitto};

/// One line that leaves S1 for S2 every ten minutes, day and night.
fn write_timetable(path: &Path) {
    let mut trips = "route_id,service_id,trip_id,trip_headsign\n".to_owned();
    let mut times = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n".to_owned();
    for trip in 0..24 * 6 {
        let (hour, minute) = (trip / 6, trip % 6 * 10);
        writeln!(trips, "K1,daily,t{trip},Railway Station").unwrap();
        for (stop, later) in [("S1", 0), ("S2", 5)] {
            let time = format!("{hour:02}:{:02}:00", minute + later);
            writeln!(times, "t{trip},{time},{time},{stop},{later}").unwrap();
        }
    }
    let files = [
        ("agency.txt", "agency_id,agency_name,agency_url,agency_timezone\na,Bus,http://a,Asia/Shanghai\n".to_owned()),
        ("stops.txt", "stop_id,stop_name,stop_lat,stop_lon\nS1,Drum Tower,26.08,119.29\nS2,Station,26.11,119.32\n".to_owned()),
        ("routes.txt", "route_id,agency_id,route_short_name,route_type\nK1,a,K1,3\n".to_owned()),
        ("calendar.txt", "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n\
            daily,1,1,1,1,1,1,1,20200101,20991231\n".to_owned()),
        ("trips.txt", trips),
        ("stop_times.txt", times),
    ];
    let mut zip = ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, text) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

#[tokio::test]
async fn the_content_of_a_removed_sign_is_taken_back() {
    if !has_mosquitto() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let timetable = folder.path().join("gtfs.zip");
    write_timetable(&timetable);
    let district = District::start(&[&format!("--gtfs={}", timetable.display())]).await;
    let mut sign = district.device("sign-7").await;
    let topic = Topic::Content(sign.id.clone());
    assert!(!sign.hear(&topic).await.payload.is_empty());
    assert_eq!(district.delete("/api/devices/sign-7").await.status(), 204);
    while !sign.hear(&topic).await.payload.is_empty() {}
    assert!(!district.folder.join("library/manifests/sign-7.json").exists());
}

#[tokio::test]
async fn a_sign_hears_its_board_and_hears_it_again_after_the_broker_forgot_everything() {
    if !has_mosquitto() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let timetable = folder.path().join("gtfs.zip");
    write_timetable(&timetable);
    let district = District::start(&[&format!("--gtfs={}", timetable.display())]).await;
    let mut sign = district.device("sign-7").await;
    let topic = Topic::Board("S1".into());
    let heard = sign.hear(&topic).await;
    let board: Board = serde_json::from_slice(&heard.payload).unwrap();
    assert_eq!(board.name.en, "Drum Tower");
    assert!(board.arrivals.iter().all(|arrival| arrival.source == Source::Schedule));
    assert!(board.arrivals.len() >= 5, "an hour of a line that comes every ten minutes");
    assert!(heard.expiry.is_some());

    let mut life = district.platform.broker.clone().unwrap();
    let pid = Pid::from_raw(life.borrow_and_update().pid.unwrap().cast_signed());
    kill(pid, Signal::SIGKILL).unwrap();
    let _ = std::fs::remove_file(district.folder.join("broker/mosquitto.db"));
    let again = life.wait_for(|life| life.restarts == 1 && life.pid.is_some());
    tokio::time::timeout(Duration::from_secs(30), again).await.unwrap().unwrap();
    sign.reconnect().await;
    let again: Board = serde_json::from_slice(&sign.hear(&topic).await.payload).unwrap();
    assert_eq!(again, board);
}

#[tokio::test]
async fn the_api_knows_stops_and_boards_and_a_broken_feed_leaves_them_standing() {
    if !has_mosquitto() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (timetable, trips) = (folder.path().join("gtfs.zip"), folder.path().join("trips.pb"));
    write_timetable(&timetable);
    std::fs::write(&trips, "no protobuf").unwrap();
    let options =
        [format!("--gtfs={}", timetable.display()), format!("--trip-updates={}", trips.display())];
    let district = District::start(&[&options[0], &options[1]]).await;
    let stops =
        district.until("/api/stops?search=drum", |stops| stops["stops"][0]["id"] == "S1").await;
    assert_eq!(stops["stops"][0]["lines"][0], "K1");
    let feeds = district.until("/api/feeds", |feeds| feeds["feeds"][1]["errors"] == 1).await;
    assert!(feeds["feeds"][1]["error"].as_str().unwrap().len() > 5);
    let board = district.json("/api/boards/S1").await;
    assert_eq!(board["arrivals"][0]["line"]["name"], "K1");
    assert_eq!(district.get("/api/boards/S9").await.status(), 404);
}

#[tokio::test]
async fn a_sign_is_given_the_timetable_of_its_stop() {
    if !has_mosquitto() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let timetable = folder.path().join("gtfs.zip");
    write_timetable(&timetable);
    let district = District::start(&[&format!("--gtfs={}", timetable.display())]).await;
    let mut sign = district.device("sign-7").await;
    let manifest = sign.hear(&Topic::Content(sign.id.clone())).await;
    let signed: serde_json::Value = serde_json::from_slice(&manifest.payload).unwrap();
    let manifest = BASE64_STANDARD.decode(signed["payload"].as_str().unwrap()).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["channel"], "sign-7");
    assert!(manifest["items"]["timetable/S1.json"]["size"].as_u64() > Some(1000), "{manifest}");
}
