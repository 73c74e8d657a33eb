//! An operator looks at what a citizen reported.

use serde_json::json;
use sync::{Answer, Ask};
use uuid::Uuid;

use crate::hall::{Hall, SEEN};

/// Grey, 8 x 8.
const JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z";

#[tokio::test]
async fn what_is_about_a_person_is_shown_to_who_signed_on() {
    let Some(hall) = Hall::open().await else { return };
    let report = json!({ "category": "路灯", "text": "吉庇路路灯不亮", "mobile": "13805010001",
        "place": { "name": "吉庇路18号", "lat": 26.08 }, "photos": [JPEG, JPEG] });
    let key = hall.identity.seal_key.unwrap();
    let names = ("", "case.report");
    let ask = Ask::new(Uuid::from_u128(1), names, report.as_object().unwrap(), &key).unwrap();
    let Answer::Returned(case) = hall.counter.ask(&ask).await.unwrap() else { panic!("refused") };
    let number = case["number"].as_str().unwrap();

    hall.go(&hall.console("/?list=cases")).await;
    let row = format!("document.querySelector('[data-key={number}]')");
    hall.browser.wait_for(&format!("return {row}")).await.unwrap();
    hall.browser.run(&format!("{row}.click()")).await.unwrap();
    assert!(hall.sees("登录后才能看").await);
    hall.sign_on("not the token").await;
    assert!(hall.sees("口令不对").await);
    let seen = hall.browser.run(SEEN).await.unwrap();
    assert!(!seen.as_str().unwrap().contains("吉庇路"), "{seen}");
    hall.sign_on(&hall.token).await;
    assert!(hall.sees("吉庇路路灯不亮").await && hall.sees("13805010001").await);
    assert!(hall.sees("吉庇路18号").await);
    let painted = "return [...document.querySelectorAll('img.photo')].filter((photo) => photo.naturalWidth === 8).length === 2";
    hall.browser.wait_for(painted).await.unwrap();
    hall.close().await;
}
