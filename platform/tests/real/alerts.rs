//! A warning of an authority reaches the signs, and outlives the platform.

use sync::{Alerts, Topic};

use crate::district::{District, has_mosquitto};

const TYPHOON: &str = r#"<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>typhoon-1</identifier><sender>weather@fujian</sender>
  <sent>2026-01-01T08:00:00+08:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info><language>zh-CN</language><category>Met</category><event>台风</event>
    <urgency>Immediate</urgency><severity>Extreme</severity><certainty>Observed</certainty>
    <expires>2099-01-01T00:00:00+08:00</expires><headline>台风红色预警</headline>
    <area><areaDesc>鼓楼区</areaDesc><geocode><valueName>district</valueName><value>350102</value></geocode></area>
  </info></alert>"#;

#[tokio::test]
async fn a_warning_is_heard_by_signs_and_still_stands_after_a_restart() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let mut sign = district.device("sign-7").await;
    let answer = district.post("/api/alerts", TYPHOON).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    loop {
        let packet = sign.hear(&Topic::Alerts("350102".into())).await;
        let alerts: Alerts = serde_json::from_slice(&packet.payload).unwrap();
        if let [alert] = alerts.alerts.as_slice() {
            assert_eq!(alert.headline.zh, "台风红色预警");
            break;
        }
    }
    let district = district.restart().await;
    let alerts = district.json("/api/alerts").await;
    assert_eq!(alerts["alerts"][0]["headline"]["zh"], "台风红色预警");
}

#[tokio::test]
async fn what_is_no_warning_for_the_public_is_refused_with_the_reason() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let exercise = TYPHOON.replace("Actual", "Exercise");
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaa\">]><alert>&a;</alert>";
    for (body, reason) in [(exercise.as_str(), "status is not Actual"), (bomb, "CAP")] {
        let answer = district.post("/api/alerts", body.to_owned()).await;
        assert_eq!(answer.status(), 422);
        let text = answer.text().await.unwrap();
        assert!(text.contains(reason), "{text}");
    }
    assert_eq!(district.json("/api/alerts").await["alerts"], serde_json::json!([]));
}
