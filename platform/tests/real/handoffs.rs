//! What a terminal lays down for one telephone.

use jiff::Timestamp;
use sync::Clock;
use sync::ask::{Counter, CounterError};
use sync::handoff::{self, Kind};
use sync::identity::client_config;

use crate::district::{District, has_mosquitto};

fn now() -> sync::Moment {
    Clock::new(Timestamp::UNIX_EPOCH).now()
}

#[tokio::test]
async fn looking_takes_nothing_away_and_fetching_takes_all() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&["--public=http://hall.example/"]).await;
    let identity = district.identity("terminal-1", "terminal").await;
    let counter = Counter::open(&identity, now()).unwrap();
    let (body, key) = handoff::seal(Kind::Pdf, b"%PDF-1.7").unwrap();
    let place = counter.hand_off(body).await.unwrap();
    let address = place.address(&key);
    let path = place.url.strip_prefix("http://hall.example").unwrap();
    assert!(address.starts_with("http://hall.example/e/") && address.len() <= 100, "{address}");
    for _ in 0..2 {
        let page = district.get(path).await;
        assert_eq!(page.status(), 200);
        assert!(page.text().await.unwrap().contains("材料只能打开一次"));
    }
    // Citizens have no token.
    let telephone = reqwest::Client::new();
    let fetched = telephone.post(district.url(path)).send().await.unwrap();
    assert_eq!(
        (fetched.status().as_u16(), &fetched.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    let fetched = fetched.bytes().await.unwrap();
    assert_eq!(handoff::open(&fetched, &key).unwrap(), (Kind::Pdf, b"%PDF-1.7".to_vec()));
    for path in [path, "/e/never"] {
        let gone = telephone.post(district.url(path)).send().await.unwrap();
        assert_eq!(gone.status(), 410);
        assert!(gone.text().await.unwrap().contains("这份材料已经取走"));
    }
}

#[tokio::test]
async fn only_terminals_lay_something_down_and_no_more_than_fits() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let identity = district.identity("terminal-1", "terminal").await;
    let config = client_config(identity.pin, now());
    let nobody = reqwest::Client::builder().tls_backend_preconfigured(config).build().unwrap();
    let url = format!("{}/device/v1/handoff", identity.content);
    assert_eq!(nobody.post(&url).body(vec![0; 64]).send().await.unwrap().status(), 401);
    let counter = Counter::open(&identity, now()).unwrap();
    let (largest, key) = handoff::seal(Kind::Page, &vec![b' '; handoff::CONTENT_MAX]).unwrap();
    let place = counter.hand_off(largest.clone()).await.unwrap();
    let path = &place.url[place.url.find("/e/").unwrap()..];
    let fetched = reqwest::Client::new().post(district.url(path)).send().await.unwrap();
    assert!(handoff::open(&fetched.bytes().await.unwrap(), &key).is_ok());
    for (body, refused) in [(vec![0; handoff::BODY_MAX + 1], 413), (vec![0; 27], 422)] {
        let error = counter.hand_off(body).await.unwrap_err();
        assert!(
            matches!(error, CounterError::NotTaken { status, .. } if status == refused),
            "{error}"
        );
    }
}
