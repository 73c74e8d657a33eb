//! Services on both databases: a slot never holds too many, a citizen's facts stay, a department answers once.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use platform::services::Services;
use platform::services::department::{Asked, Departments};
use platform::services::shelf::Shelf;
use platform::services::submissions::{self, Route};
use platform::services::vault::Vault;
use platform::store::Store;
use serde_json::{Value, json};
use sync::{Answer, Ask, Clock, DeviceId};
use uuid::Uuid;

use crate::stores::on_both;

pub(crate) fn services(store: Store, departments: Option<&Path>) -> Arc<Services> {
    offering(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../content"), store, departments)
}

fn offering(content: &Path, store: Store, departments: Option<&Path>) -> Arc<Services> {
    let (shelf, registry) = Shelf::read(content).unwrap();
    let departments = Departments::open(registry, departments).unwrap();
    let figures = (Arc::default(), Clock::new(Timestamp::UNIX_EPOCH));
    let public = "https://127.0.0.1".to_owned();
    Arc::new(Services::new(store, shelf, Vault::new(&[3; 32]), departments, public, figures))
}

fn terminal() -> DeviceId {
    "terminal-1".parse().unwrap()
}

fn sealed(id: u128, (service, operation): (&str, &str), answers: &Value) -> Ask {
    let key = *Vault::new(&[3; 32]).public();
    Ask::new(Uuid::from_u128(id), (service, operation), answers.as_object().unwrap(), &key).unwrap()
}

pub(crate) async fn ask(
    services: &Services,
    id: u128,
    names: (&str, &str),
    answers: Value,
) -> Answer {
    services.ask(&terminal(), &sealed(id, names, &answers)).await.unwrap()
}

pub(crate) fn fields(answer: &Answer) -> &Value {
    match answer {
        Answer::Returned(fields) => fields,
        Answer::Refused(why) => panic!("{}", why.en),
    }
}

fn person(n: u128) -> Value {
    json!({ "name": "测试", "number": format!("{n:018}") })
}

const MAKE: (&str, &str) = ("C003", "booking.make");

/// Free slots as `(date, time, left)`.
async fn free(services: &Services) -> Vec<(Value, Value, Value)> {
    let answers = json!({ "service": "C003", "days": 14 });
    let answer = ask(services, 0, ("C003", "booking.slots"), answers).await;
    let days = fields(&answer)["days"].as_array().unwrap().clone();
    let times = |day: &Value| {
        let date = day["date"].clone();
        let times = day["times"].as_array().unwrap().clone();
        times
            .into_iter()
            .map(move |slot| (date.clone(), slot["time"].clone(), slot["left"].clone()))
    };
    days.iter().flat_map(times).collect()
}

#[tokio::test]
async fn a_thousand_people_at_once_never_oversell_a_slot() {
    on_both(async |store| {
        let services = services(store, None);
        let (date, time, left) = free(&services).await.pop().unwrap();
        assert_eq!(left, 3);
        let attempts = (1..=1000_u128).map(|n| {
            let (services, slot) = (Arc::clone(&services), json!({ "date": date, "time": time }));
            let answers = json!({ "card": person(n), "slot": slot, "mobile": "13805010001" });
            tokio::spawn(async move { ask(&services, n, MAKE, answers).await })
        });
        let attempts: Vec<_> = attempts.collect();
        let mut numbers = Vec::new();
        for attempt in attempts {
            match attempt.await.unwrap() {
                Answer::Returned(fields) => numbers.push(fields["number"].clone()),
                Answer::Refused(why) => assert!(why.zh.contains("已经约满"), "{}", why.zh),
            }
        }
        assert_eq!(numbers.len(), 3);
        let last = free(&services).await.pop().unwrap();
        assert_eq!(last, (date, time, json!(0)));
    })
    .await;
}

#[tokio::test]
async fn a_booking_is_listed_moved_and_given_up() {
    on_both(async |store| {
        let services = services(store, None);
        let slots = free(&services).await;
        let slot = |n: usize| json!({ "date": slots[n].0, "time": slots[n].1 });
        let make = |id| ask(&services, id, MAKE, json!({ "card": person(1), "slot": slot(3) }));
        let made = make(1).await;
        assert_eq!(make(1).await, made, "the same id is the same booking");
        assert!(matches!(make(2).await, Answer::Refused(_)), "nobody needs the same visit twice");
        let number = &fields(&made)["number"];
        let list = async |id| {
            let answer =
                ask(&services, id, ("", "booking.list"), json!({ "card": person(1) })).await;
            fields(&answer)["bookings"].clone()
        };
        assert_eq!(&list(3).await[0]["number"], number);
        let other = json!({ "card": person(2), "number": number });
        let other = ask(&services, 4, ("", "booking.cancel"), other).await;
        assert!(matches!(other, Answer::Refused(_)), "it is somebody else's");
        let moved = json!({ "card": person(1), "number": number, "slot": slot(4) });
        ask(&services, 5, ("", "booking.move"), moved).await;
        assert_eq!(list(6).await[0]["time"], slots[4].1);
        let left: Vec<Value> = free(&services).await.into_iter().map(|slot| slot.2).collect();
        assert_eq!((&left[3], &left[4]), (&json!(3), &json!(2)));
        let gone = json!({ "card": person(1), "number": number });
        fields(&ask(&services, 7, ("", "booking.cancel"), gone).await);
        assert_eq!(list(8).await, json!([]));
        assert_eq!(free(&services).await[4].2, json!(3));
    })
    .await;
}

#[tokio::test]
async fn the_same_submission_many_times_at_once_is_one() {
    on_both(async |store| {
        let services = services(store, None);
        let answers = json!({ "category": "路灯", "text": "不亮" });
        let attempts = (0..50).map(|_| {
            let (services, answers) = (Arc::clone(&services), answers.clone());
            tokio::spawn(async move { ask(&services, 1, ("", "case.report"), answers).await })
        });
        let attempts: Vec<_> = attempts.collect();
        let mut told = Vec::new();
        for attempt in attempts {
            told.push(attempt.await.unwrap());
        }
        told.dedup();
        assert_eq!(told.len(), 1);
    })
    .await;
}

/// A department that remembers what it was asked, and fails the first time.
async fn department(heard: Arc<Mutex<Vec<Asked>>>, fails: Arc<AtomicUsize>) -> String {
    let answer = move |Json(asked): Json<Asked>| async move {
        let refused = asked.ask["account"] == "0000000000";
        heard.lock().unwrap().push(asked);
        if fails.load(Ordering::SeqCst) > 0 {
            fails.fetch_sub(1, Ordering::SeqCst);
            return Err(axum::http::StatusCode::SERVICE_UNAVAILABLE);
        }
        Ok(Json(if refused {
            json!({ "refused": { "zh": "没有这个户号。", "en": "No such account." } })
        } else {
            json!({ "returned": { "holder": "林**", "place": "安泰**", "total": 0, "bills": [] } })
        }))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/ask", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/ask")
}

#[tokio::test]
async fn a_departments_own_server_answers_under_the_submissions_id() {
    rustls::crypto::ring::default_provider().install_default().ok();
    on_both(async |store| {
        let (heard, fails) = (Arc::default(), Arc::new(AtomicUsize::new(1)));
        let url = department(Arc::clone(&heard), fails).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("departments.toml");
        let text =
            format!("[[department]]\noperations = [\"water.\"]\nurl = \"{url}\"\ntimeout_s = 5\n");
        std::fs::write(&path, text).unwrap();
        let services = services(store, Some(&path));
        let names = ("T102", "water.bill.list");
        let first = sealed(1, names, &json!({ "account": "3501020001", "more": "unsent" }));
        let down = services.ask(&terminal(), &first).await.unwrap_err();
        assert!(down.to_string().contains("503"), "{down}");
        let answer = services.ask(&terminal(), &first).await.unwrap();
        assert_eq!(fields(&answer)["holder"], "林**");
        assert_eq!(services.ask(&terminal(), &first).await.unwrap(), answer);
        let refused = ask(&services, 2, names, json!({ "account": "0000000000" })).await;
        assert_eq!(refused, Answer::refused("没有这个户号。", "No such account."));
        let heard = heard.lock().unwrap();
        let ids: Vec<u128> = heard.iter().map(|asked| asked.id.as_u128()).collect();
        assert_eq!(ids, [1, 1, 2], "asked again after the failure, never after an answer");
        assert_eq!(Value::Object(heard[1].ask.clone()), json!({ "account": "3501020001" }));
    })
    .await;
}

#[tokio::test]
async fn what_was_asked_in_vain_and_came_through_the_outbox_then_is_owed_whole() {
    on_both(async |store| {
        let submitted = sealed(1, ("T102", "water.bill.list"), &json!({ "account": "1" }));
        for route in [Route::Online, Route::Outbox] {
            let mut transaction = store.begin().await.unwrap();
            let now = Timestamp::UNIX_EPOCH;
            submissions::take(&mut transaction, &terminal(), &submitted, route, now).await.unwrap();
            transaction.commit().await.unwrap();
        }
        let owed = submissions::owed(&store, 10).await.unwrap();
        assert_eq!(owed, [(terminal(), submitted)]);
    })
    .await;
}

const GRANT: &str = r#"
code = "T001"
name = { zh = "一次性补贴", en = "A grant, once" }
summary = { zh = "申领补贴。", en = "Applies for a grant." }
kind = "form"
category = "relief"
department = { zh = "民政局", en = "Civil Affairs" }
audience = { zh = "居民。", en = "Residents." }
basis = []
fee = "free"
promise = "immediate"
offline = "refuse"
outputs = []
[[steps]]
id = "card"
ask = "id-card"
title = { zh = "请放上身份证", en = "Please lay down your identity card" }
[operation]
name = "relief.grant.apply"
sends = ["card"]
returns = [{ id = "number", name = { zh = "编号", en = "Number" }, kind = "code" }]
"#;

const RELIEF: &str = r#"
[operations."relief.grant.apply"]
refuse = [{ when = "has(me.relief.granted)", why = { zh = "已经领过。", en = "It was granted before." } }]
returns.number = "number('BT')"
sets."relief.granted" = "today"
"#;

#[tokio::test]
async fn what_a_department_learnt_about_a_citizen_outlives_the_platform() {
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content");
    let folder = tempfile::tempdir().unwrap();
    for part in ["services", "registry"] {
        std::fs::create_dir(folder.path().join(part)).unwrap();
    }
    for file in ["bookings.toml", "registry/people.toml", "registry/certificates.toml"] {
        std::fs::copy(content.join(file), folder.path().join(file)).unwrap();
    }
    std::fs::write(folder.path().join("services/T001.toml"), GRANT).unwrap();
    std::fs::write(folder.path().join("registry/relief.toml"), RELIEF).unwrap();
    on_both(async |store| {
        let apply = async |id, number: &str| {
            // Each time a platform that was just started.
            let services = offering(folder.path(), store.clone(), None);
            let card = json!({ "card": { "name": "x", "number": number } });
            ask(&services, id, ("T001", "relief.grant.apply"), card).await
        };
        let first = apply(1, "350102194903122129").await;
        assert!(fields(&first)["number"].as_str().unwrap().starts_with("BT"));
        let again = apply(2, "350102194903122129").await;
        assert_eq!(again, Answer::refused("已经领过。", "It was granted before."));
        let other = apply(3, "350102196811022218").await;
        assert_ne!(fields(&other)["number"], fields(&first)["number"]);
    })
    .await;
}
