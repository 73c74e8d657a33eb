//! What a terminal asks: over TLS with its certificate, and through its outbox.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use serde_json::{Value, json};
use sync::ask::{Counter, CounterError};
use sync::document::{Key, KeyRequest};
use sync::identity::{Identity, client_config};
use sync::{Answer, Ask, Clock, Document, Event, Stamp};
use uuid::Uuid;

use crate::district::{Device, District, has_mosquitto};

/// A terminal that only knows how to ask.
struct Terminal {
    identity: Identity,
    counter: Counter,
}

fn now() -> sync::Moment {
    Clock::new(Timestamp::UNIX_EPOCH).now()
}

impl Terminal {
    async fn enrol(district: &District) -> Terminal {
        let identity = district.identity("terminal-1", "terminal").await;
        let counter = Counter::open(&identity, now()).unwrap();
        Terminal { identity, counter }
    }

    /// After a restart the port for devices may be another one.
    fn at(self, district: &District) -> Terminal {
        let mut identity = self.identity;
        identity.content = format!("https://127.0.0.1:{}", district.platform.device_https);
        let counter = Counter::open(&identity, now()).unwrap();
        Terminal { identity, counter }
    }

    fn sealed(&self, id: u128, (service, operation): (&str, &str), answers: &Value) -> Ask {
        let key = self.identity.seal_key.expect("the platform says it at enrolment");
        let answers = answers.as_object().unwrap();
        Ask::new(Uuid::from_u128(id), (service, operation), answers, &key).unwrap()
    }

    async fn ask(&self, id: u128, names: (&str, &str), answers: Value) -> Answer {
        self.counter.ask(&self.sealed(id, names, &answers)).await.unwrap()
    }

    async fn returned(&self, id: u128, names: (&str, &str), answers: Value) -> Value {
        match self.ask(id, names, answers).await {
            Answer::Returned(value) => value,
            Answer::Refused(why) => panic!("{}", why.en),
        }
    }
}

fn card() -> Value {
    json!({ "name": "张䶮", "number": "350102199009092917" })
}

fn chen() -> Value {
    json!({ "name": "陈国栋", "number": "350102196811022218" })
}

const NO_PROPERTY: (&str, &str) = ("T003", "housing.no-property.certify");

#[tokio::test]
async fn the_same_id_has_one_answer_even_after_a_restart() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let terminal = Terminal::enrol(&district).await;
    assert_eq!(terminal.counter.keys().await.unwrap().seal, terminal.identity.seal_key.unwrap());
    let answers = || json!({ "card": card(), "purpose": "school" });
    let first = terminal.returned(1, NO_PROPERTY, answers()).await;
    assert!(first["number"].as_str().unwrap().starts_with("WF"), "{first}");
    assert_eq!(terminal.returned(1, NO_PROPERTY, answers()).await, first);
    let district = district.restart().await;
    let terminal = terminal.at(&district);
    assert_eq!(terminal.returned(1, NO_PROPERTY, answers()).await, first);
    assert_ne!(terminal.returned(2, NO_PROPERTY, answers()).await, first);
    let refused = terminal.ask(3, NO_PROPERTY, json!({ "card": chen() })).await;
    assert!(matches!(refused, Answer::Refused(why) if why.zh.contains("不动产登记")));
    let database = std::fs::read(district.folder.join("platform.db")).unwrap();
    let log = std::fs::read(district.folder.join("platform.db-wal")).unwrap_or_default();
    let text = String::from_utf8_lossy(&[database, log].concat()).into_owned();
    assert!(!text.contains("350102199009092917") && !text.contains("张䶮"));
    let figures = district.get("/metrics").await.text().await.unwrap();
    assert!(
        figures.contains(r#"gulou_asks_total{service="T003",outcome="refused"} 1"#),
        "{figures}"
    );
}

#[tokio::test]
async fn only_a_certificate_in_force_may_ask() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let terminal = Terminal::enrol(&district).await;
    let ask = terminal.sealed(1, NO_PROPERTY, &json!({ "card": card() }));
    let config = client_config(terminal.identity.pin, now());
    let nobody = reqwest::Client::builder().tls_backend_preconfigured(config).build().unwrap();
    let url = format!("{}/device/v1/ask", terminal.identity.content);
    assert_eq!(nobody.post(&url).json(&ask).send().await.unwrap().status(), 401);
    let keys = nobody.get(url.replace("/ask", "/keys")).send().await.unwrap();
    assert_eq!(keys.status(), 200);
    assert!(matches!(terminal.counter.ask(&ask).await, Ok(Answer::Returned(_))));
    assert_eq!(district.delete("/api/devices/terminal-1").await.status(), 204);
    // Also on the connection that it holds already.
    let refused = terminal.counter.ask(&ask).await.unwrap_err();
    assert!(matches!(refused, CounterError::NotTaken { status: 403, .. }), "{refused}");
}

#[tokio::test]
async fn mistakes_of_a_terminal_are_told_apart() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let terminal = Terminal::enrol(&district).await;
    let status = async |ask: &Ask| match terminal.counter.ask(ask).await {
        Err(CounterError::NotTaken { status, .. }) => status,
        other => panic!("{other:?}"),
    };
    let good = terminal.sealed(1, NO_PROPERTY, &json!({ "card": card() }));
    assert_eq!(status(&Ask { operation: "water.bill.pay".into(), ..good.clone() }).await, 422);
    assert_eq!(status(&Ask { operation: "b c".into(), ..good.clone() }).await, 400);
    assert_eq!(status(&Ask { sealed: "AAAA".into(), ..good.clone() }).await, 422);
    terminal.counter.ask(&good).await.unwrap();
    let other =
        terminal.sealed(1, ("", "case.report"), &json!({ "category": "路灯", "text": "不亮" }));
    assert_eq!(status(&other).await, 409);
    let fast = terminal.sealed(9, ("", "case.state"), &json!({ "number": "SJ1" }));
    let mut last = 0;
    for _ in 0..100 {
        if let Err(CounterError::NotTaken { status, .. }) = terminal.counter.ask(&fast).await {
            last = status;
        }
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn what_came_through_the_outbox_is_done_once() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let terminal = Terminal::enrol(&district).await;
    let mut link =
        Device::connect(terminal.identity.device.clone(), &terminal.identity, district.mqtt_port())
            .await;
    let report = json!({ "category": "路灯", "text": "吉庇路路灯不亮", "place": "吉庇路18号",
        "photos": { "count": 2 }, "mobile": "13805010001" });
    let ask = terminal.sealed(7, ("", "case.report"), &report);
    let event = serde_json::to_string(&ask).unwrap();
    let unread = Ask { id: Uuid::from_u128(8), sealed: "AAAA".into(), ..ask.clone() };
    let unread = serde_json::to_string(&unread).unwrap();
    let kind = Event::SUBMISSION;
    // The second event is the same submission, said again by an outbox that was made anew.
    link.deliver(&[(1, kind, &event), (2, kind, &event), (3, kind, "{}"), (4, kind, &unread)])
        .await;
    let cases = district.until("/api/cases", |cases| cases["cases"] != json!([])).await;
    assert_eq!(cases["cases"].as_array().unwrap().len(), 1);
    let district = district.restart().await;
    let terminal = terminal.at(&district);
    let number = cases["cases"][0]["number"].as_str().unwrap();
    let again = terminal.counter.ask(&ask).await.unwrap();
    assert_eq!(again, Answer::Returned(json!({ "number": number })));
    assert_eq!(district.json("/api/cases").await["cases"].as_array().unwrap().len(), 1);

    assert_eq!(district.get(&format!("/api/cases/{number}")).await.status(), 401);
    let path = format!("/api/cases/{number}/state");
    assert_eq!(district.post(&path, r#"{"state":"assigned"}"#).await.status(), 200);
    assert_eq!(district.post(&path, r#"{"state":"received"}"#).await.status(), 409);
    let state = terminal.returned(9, ("", "case.state"), json!({ "number": number })).await;
    assert_eq!(state["words"]["zh"], "已派单");
    let staff = reqwest::Client::new().get(district.url(&format!("/api/cases/{number}")));
    let detail: Value =
        staff.bearer_auth(district.token()).send().await.unwrap().json().await.unwrap();
    assert_eq!(detail["report"]["text"], "吉庇路路灯不亮");
    assert_eq!(detail["photos"], 2);
}

#[tokio::test]
async fn reading_certificates_is_written_down() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let terminal = Terminal::enrol(&district).await;
    let answers = json!({ "card": chen(), "service": "T003" });
    let given = terminal.returned(1, ("T003", "certificate.read"), answers.clone()).await;
    terminal.returned(1, ("T003", "certificate.read"), answers).await;
    assert_eq!(district.get("/api/consents").await.status(), 401);
    let staff = reqwest::Client::new().get(district.url("/api/consents"));
    let log: Value =
        staff.bearer_auth(district.token()).send().await.unwrap().json().await.unwrap();
    let log = log["consents"].as_array().unwrap();
    assert_eq!(log.len(), 1, "the same id is one reading");
    assert_eq!((&log[0]["name"], &log[0]["service"]), (&json!("陈国栋"), &json!("T003")));
    let kinds: Vec<Value> = given.as_object().unwrap().keys().map(|kind| json!(kind)).collect();
    assert_eq!(log[0]["kinds"], json!(kinds));
}

#[tokio::test]
async fn a_bill_is_paid_once_and_used_once() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let terminal = Terminal::enrol(&district).await;
    let begun = json!({ "service": "T102", "amount": 4275 });
    let begun = terminal.returned(1, ("T102", "payment.begin"), begun).await;
    let trade = begun["trade"].as_str().unwrap();
    assert!(begun["code"].as_str().unwrap().ends_with(&format!("/pay/{trade}")));
    let payment = json!({ "amount": 4275, "trade": trade });
    let answers = || json!({ "account": "3501020001", "payment": payment });
    let early = terminal.ask(2, ("T102", "water.bill.pay"), answers()).await;
    assert!(matches!(early, Answer::Refused(_)), "nothing was paid yet");
    let page = district.get(&format!("/pay/{trade}")).await.text().await.unwrap();
    assert!(page.contains("¥ 42.75") && page.contains("确认付款"), "{page}");
    let browser = reqwest::Client::new();
    let paid = browser.post(district.url(&format!("/pay/{trade}"))).send().await;
    assert!(paid.unwrap().text().await.unwrap().contains("已付款"));
    let state = terminal.returned(3, ("T102", "payment.state"), json!({ "trade": trade })).await;
    assert_eq!(state["paid"], true);
    let done = terminal.returned(4, ("T102", "water.bill.pay"), answers()).await;
    assert_eq!((&done["paid"], &done["left"]), (&json!(4275), &json!(0)));
    let twice = terminal.ask(5, ("T102", "water.bill.pay"), answers()).await;
    assert!(matches!(twice, Answer::Refused(_)), "the same payment pays one bill");
}

#[tokio::test]
async fn a_printed_paper_is_verified_with_and_without_its_record() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let terminal = Terminal::enrol(&district).await;
    let key = SigningKey::from_bytes(&[5; 32]);
    let request = KeyRequest { key: Key::from(&key) };
    let certified = terminal.counter.certify(&request).await.unwrap();
    let document = Document::new(b"content", "无房证明", now().wall).unwrap();
    let stamp = Stamp::new(document.clone(), &key, certified);
    let keys = terminal.counter.keys().await.unwrap();
    assert_eq!(stamp.verify(&keys.documents), Ok(()));
    let published: Value = district.json("/api/keys").await;
    assert_eq!(published, serde_json::to_value(&keys).unwrap());
    let file = district.folder.join("keys.json");
    std::fs::write(&file, published.to_string()).unwrap();
    let alone = |what: String| platform::verify::Args {
        what,
        keys: Some(file.clone()),
        platform: "http://127.0.0.1:1/".parse().unwrap(),
    };
    platform::verify::run(&alone(stamp.to_string())).await.unwrap();
    let mut forged = stamp.clone();
    forged.document.title = "有房证明".to_owned();
    platform::verify::run(&alone(forged.to_string())).await.unwrap_err();
    let code = document.code();
    assert_eq!(district.get(&format!("/api/documents/{code}")).await.status(), 404);
    let page = district.get(&format!("/verify?code={stamp}")).await.text().await.unwrap();
    assert!(page.contains("签名有效"), "{page}");

    let mut link =
        Device::connect(terminal.identity.device.clone(), &terminal.identity, district.mqtt_port())
            .await;
    let event = serde_json::to_string(&document).unwrap();
    link.deliver(&[(1, Event::DOCUMENT, &event)]).await;
    let record = district.json(&format!("/api/documents/{code}")).await;
    assert_eq!((&record["title"], &record["device"]), (&json!("无房证明"), &json!("terminal-1")));
    let page = district.get(&format!("/verify?code={code}")).await.text().await.unwrap();
    assert!(page.contains("由我们的终端打印") && page.contains("terminal-1"), "{page}");
    let args = platform::verify::Args {
        what: code.to_string(),
        keys: None,
        platform: district.url("/").parse().unwrap(),
    };
    platform::verify::run(&args).await.unwrap();
}
