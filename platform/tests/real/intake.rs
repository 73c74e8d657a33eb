//! What devices say reaches the disk once, whatever happens on the way.

use serde_json::json;
use sync::{Command, Event, Topic};

use crate::district::{District, HEALTH, has_mosquitto};

#[tokio::test]
async fn an_event_is_acked_once_it_can_be_read_back() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let mut sign = district.device("sign-7").await;
    for seq in 1..=3 {
        sign.say(seq, Event::HEALTH, HEALTH).await;
    }
    sign.acked(3).await;
    let events = district.json("/api/devices/sign-7/events?limit=2").await;
    assert_eq!(events["events"][0]["seq"], 3);
    assert_eq!(events["next"], "1.2");
    let older = district.json("/api/devices/sign-7/events?limit=2&before=1.2").await;
    assert_eq!(older["events"], json!([older["events"][0]]));
    assert_eq!(older["events"][0]["seq"], 1);
}

#[tokio::test]
async fn a_restarted_platform_knows_how_far_it_was() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let mut sign = district.device("sign-7").await;
    sign.say(1, Event::HEALTH, HEALTH).await;
    sign.acked(1).await;
    let district = district.restart().await;
    sign.reconnect().await;
    district.until("/healthz", |health| health["status"] == "ok").await;
    let again = [(1, Event::HEALTH, HEALTH), (2, Event::HEALTH, "{"), (3, Event::HEALTH, HEALTH)];
    sign.deliver(&again).await;
    let events = district.json("/api/devices/sign-7/events").await;
    let seqs: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|event| event["seq"].clone()).collect();
    assert_eq!(seqs, [3, 1], "poison is put aside, and its stream goes on");
    let figures = district.get("/metrics").await.text().await.unwrap();
    assert!(figures.contains("gulou_events_quarantined_total 1"), "{figures}");
}

#[tokio::test]
async fn a_command_given_while_a_sign_is_away_is_heard_when_it_comes_back() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let mut sign = district.device("sign-7").await;
    sign.come_online(1).await;
    district.until("/api/devices/sign-7", |device| device["state"] == "online").await;
    sign.link.disconnect().await;
    let ordered = district.post("/api/devices/sign-7/commands", r#"{"kind":"identify"}"#).await;
    assert_eq!(ordered.status(), 202);
    let ordered: serde_json::Value = ordered.json().await.unwrap();
    sign.reconnect().await;
    sign.come_online(2).await;
    let heard = sign.hear(&Topic::Command(sign.id.clone())).await;
    let heard: Command = serde_json::from_slice(&heard.payload).unwrap();
    assert_eq!(json!(heard.id), ordered["command"]["id"]);
    sign.say(1, Event::COMMAND, &json!({ "id": heard.id, "state": "done" }).to_string()).await;
    sign.acked(1).await;
    let commands = district.json("/api/devices/sign-7/commands").await;
    assert_eq!(commands["commands"][0]["state"], "done");
}
