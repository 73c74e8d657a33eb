//! Photographs of what people report, from the terminal to whoever works on the case.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use platform::services::photos;
use platform::services::vault::Vault;
use serde_json::{Value, json};
use sync::ask::{Counter, KEPT_PHOTOS_MAX, PHOTO_MAX, PHOTOS_MAX};
use sync::{Answer, Ask, Clock, Event};
use uuid::Uuid;

use crate::district::{Device, District, has_mosquitto};
use crate::quota::{ask, fields, services};
use crate::stores::on_both;

const REPORT: (&str, &str) = ("", "case.report");

/// A grey JPEG of 8 x 8, made so many bytes long; its end is where a decoder stops reading.
fn jpeg(bytes: usize) -> Vec<u8> {
    let frame = [0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF, 0xD9];
    let mut photo = [&[0xFF, 0xD8][..], &frame, &scan].concat();
    photo.resize(bytes, 0);
    photo
}

fn report(photos: &[Vec<u8>]) -> Value {
    let photos: Vec<String> = photos.iter().map(|it| BASE64_STANDARD.encode(it)).collect();
    json!({ "category": "路灯", "text": "吉庇路路灯不亮", "place": "吉庇路18号", "photos": photos })
}

#[tokio::test]
async fn photographs_lie_sealed_with_their_case_and_go_with_it() {
    on_both(async |store| {
        let (services, vault) = (services(store.clone(), None), Vault::new(&[3; 32]));
        let (one, two) = (jpeg(100), jpeg(200));
        let answer = ask(&services, 1, REPORT, report(&[one.clone(), two.clone()])).await;
        let number = fields(&answer)["number"].as_str().unwrap();
        assert_eq!(photos::count(&store, number).await.unwrap(), 2);
        for (position, photo) in [(1, Some(one)), (2, Some(two)), (3, None)] {
            assert_eq!(photos::one(&store, &vault, (number, position)).await.unwrap(), photo);
        }
        let refused = ask(&services, 2, REPORT, report(&[jpeg(100), b"GIF89a".to_vec()])).await;
        assert!(matches!(refused, Answer::Refused(why) if why.zh == "照片打不开，请重新拍一张。"));
        let left = "SELECT COUNT(*) FROM submissions WHERE sealed <> ''";
        let left: i64 = sqlx::query_scalar(left).fetch_one(store.pool()).await.unwrap();
        assert_eq!(left, 0, "what was asked is not kept a second time");
        let gone = sqlx::query("DELETE FROM cases").execute(store.pool()).await.unwrap();
        assert_eq!((gone.rows_affected(), photos::count(&store, number).await.unwrap()), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn the_largest_photographs_arrive_and_only_the_operator_sees_them() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let identity = district.identity("terminal-1", "terminal").await;
    let counter = Counter::open(&identity, Clock::new(Timestamp::UNIX_EPOCH).now()).unwrap();
    let sealed = |id: u128, photos: &[Vec<u8>]| {
        let answers = report(photos);
        let key = identity.seal_key.unwrap();
        Ask::new(Uuid::from_u128(id), REPORT, answers.as_object().unwrap(), &key).unwrap()
    };
    let large = vec![jpeg(PHOTO_MAX); PHOTOS_MAX];
    let answer = counter.ask(&sealed(1, &large)).await.unwrap();
    let number = fields(&answer)["number"].as_str().unwrap().to_owned();
    let staff = async |path: &str| {
        let request = reqwest::Client::new().get(district.url(path));
        request.bearer_auth(district.token()).send().await.unwrap()
    };
    let detail: Value = staff(&format!("/api/cases/{number}")).await.json().await.unwrap();
    let pictures = detail["pictures"].as_array().unwrap();
    assert_eq!((pictures.len(), &detail["photos"]), (3, &json!(3)));
    let path = pictures[2].as_str().unwrap();
    assert_eq!(district.get(path).await.status(), 401);
    let shown = staff(path).await;
    assert_eq!(shown.headers()["content-type"], "image/jpeg");
    assert_eq!(shown.bytes().await.unwrap(), large[2]);
    assert_eq!(staff(&format!("/api/cases/{number}/photos/4")).await.status(), 404);

    let port = district.mqtt_port();
    let mut link = Device::connect(identity.device.clone(), &identity, port).await;
    let small = vec![jpeg(KEPT_PHOTOS_MAX / PHOTOS_MAX); PHOTOS_MAX];
    let event = serde_json::to_string(&sealed(2, &small)).unwrap();
    link.deliver(&[(1, Event::SUBMISSION, &event)]).await;
    let both = |cases: &Value| cases["cases"].as_array().is_some_and(|cases| cases.len() == 2);
    let cases = district.until("/api/cases", both).await;
    let photos = cases["cases"].as_array().unwrap().iter().map(|case| &case["photos"]);
    assert!(photos.into_iter().all(|photos| photos == 3));
}
