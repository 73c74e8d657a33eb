//! The HTTP interface is as `platform/openapi.json` says.

use serde_json::Value;

use crate::district::{District, has_mosquitto};

fn description() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn every_described_path_answers_with_a_described_status() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    district.device("sign-7").await;
    for (path, operations) in description()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if path == "/api/events" {
                continue; // it never ends; its own test reads it
            }
            let path = path.replace("{device}", "sign-7").replace("{stop}", "nowhere");
            let answer = match method.as_str() {
                "get" => district.get(&path).await,
                "delete" => district.delete(&path).await,
                _ => district.post(&path, "}").await,
            };
            let status = answer.status().as_u16();
            let described = operation["responses"].as_object().unwrap();
            assert!(
                described.contains_key(&status.to_string()),
                "{method} {path} answers {status}"
            );
            if status >= 400 && path != "/healthz" {
                let kind = &answer.headers()["content-type"];
                assert_eq!(kind, "application/problem+json", "{method} {path}");
                let problem: Value = answer.json().await.unwrap();
                assert_eq!(problem["status"], status);
                assert!(!problem["detail"].as_str().unwrap().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_written_without_the_operators_token() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let http = reqwest::Client::new();
    for path in ["/api/devices", "/api/devices/sign-7/commands", "/api/alerts", "/nowhere"] {
        for request in
            [http.post(district.url(path)), http.post(district.url(path)).bearer_auth("0")]
        {
            let answer = request.body("{}").send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path}");
            assert!(answer.text().await.unwrap().contains("operator.token"));
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_as_a_problem() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let answer = district.post("/api/devices", "x".repeat(300_000)).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_watcher_is_told_what_changed() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let mut news = district.get("/api/events").await;
    district.device("sign-7").await;
    let mut text = String::new();
    while !text.contains("\n\n") {
        text += &String::from_utf8_lossy(&news.chunk().await.unwrap().unwrap());
    }
    assert_eq!(text, "event: device\ndata: {\"id\":\"sign-7\",\"what\":\"device\"}\n\n");
}
