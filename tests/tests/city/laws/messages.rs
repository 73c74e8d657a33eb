//! Every message: its checked-in schema, its type and its golden vectors say the same.
//!
//! `tests/golden/{type}.json` holds `good` and `bad` payloads. A good one fits the schema and goes
//! through the type unchanged, unknown fields included; a bad one is refused by both.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::source;

type ThroughType = fn(&Value) -> Result<Value, serde_json::Error>;

fn through<Message: DeserializeOwned + Serialize>(
    payload: &Value,
) -> Result<Value, serde_json::Error> {
    serde_json::to_value(Message::deserialize(payload)?)
}

const MESSAGES: [(&str, ThroughType); 26] = [
    ("gulou.acks.v1", through::<sync::Acks>),
    ("gulou.alerts.v1", through::<sync::Alerts>),
    ("gulou.answer.v1", through::<sync::Answer>),
    ("gulou.audit.v1", through::<sync::Audit>),
    ("gulou.board.v1", through::<sync::Board>),
    ("gulou.certificate.v1", through::<sync::identity::CertificateAnswer>),
    ("gulou.certified.v1", through::<sync::document::Certified>),
    ("gulou.command.v1", through::<sync::CommandStatus>),
    ("gulou.content.v1", through::<sync::content::Signed>),
    ("gulou.csr.v1", through::<sync::identity::CertificateRequest>),
    ("gulou.document-key.v1", through::<sync::document::KeyRequest>),
    ("gulou.document.v1", through::<sync::Document>),
    ("gulou.enrol.v1", through::<sync::identity::EnrolRequest>),
    ("gulou.enrolled.v1", through::<sync::identity::EnrolAnswer>),
    ("gulou.gap.v1", through::<sync::Gap>),
    ("gulou.handoff.v1", through::<sync::handoff::Place>),
    ("gulou.health.v1", through::<sync::Health>),
    ("gulou.keys.v1", through::<sync::ask::Keys>),
    ("gulou.manifest.v1", through::<sync::content::Manifest>),
    ("gulou.order.v1", through::<sync::Command>),
    ("gulou.presence.v1", through::<sync::Presence>),
    ("gulou.refusal.v1", through::<sync::identity::Refusal>),
    ("gulou.shown.v1", through::<sync::Shown>),
    ("gulou.submission.v1", through::<sync::Ask>),
    ("gulou.sync.v1", through::<sync::SyncVector>),
    ("gulou.timetable.v1", through::<sync::Timetable>),
];

/// Read where they are made for and never passed on, so they carry nothing unknown.
const CLOSED: [&str; 10] = [
    "gulou.answer.v1",
    "gulou.certificate.v1",
    "gulou.certified.v1",
    "gulou.command.v1",
    "gulou.content.v1",
    "gulou.csr.v1",
    "gulou.document-key.v1",
    "gulou.enrol.v1",
    "gulou.gap.v1",
    "gulou.refusal.v1",
];

fn json(path: &str) -> Value {
    serde_json::from_str(&source::read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn schemas_types_and_golden_vectors_agree() {
    for (kind, through) in MESSAGES {
        let schema = jsonschema::validator_for(&json(&format!("sync/schemas/{kind}.json")))
            .expect("a JSON Schema");
        let golden = json(&format!("tests/golden/{kind}.json"));
        for payload in golden["good"].as_array().expect("good vectors") {
            let errors: Vec<_> =
                schema.iter_errors(payload).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{kind}: {payload}: {errors:?}");
            assert_eq!(
                through(payload).as_ref().ok(),
                Some(payload),
                "{kind}: a field was lost or changed"
            );
        }
        for payload in golden["bad"].as_array().expect("bad vectors") {
            assert!(!schema.is_valid(payload), "{kind}: the schema takes {payload}");
            assert!(through(payload).is_err(), "{kind}: the type takes {payload}");
        }
    }
}

#[test]
fn every_schema_has_golden_vectors() {
    let known: Vec<_> = MESSAGES.iter().map(|(kind, _)| *kind).collect();
    let mut generated: Vec<_> = sync::schema::all().into_iter().map(|(kind, _)| kind).collect();
    generated.sort_unstable();
    assert_eq!(generated, known);
}

#[test]
fn unknown_fields_are_carried_along() {
    for (kind, through) in MESSAGES.iter().filter(|(kind, _)| !CLOSED.contains(kind)) {
        let mut payload = json(&format!("tests/golden/{kind}.json"))["good"][0].clone();
        payload["of_a_newer_version"] = json!({ "deep": [1, null] });
        assert_eq!(through(&payload).as_ref().ok(), Some(&payload), "{kind}");
    }
}
