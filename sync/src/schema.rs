//! JSON Schemas of every message, generated from the types and checked in under `sync/schemas/`.

use schemars::{Schema, schema_for};

/// Each message: its CloudEvents `type` and its schema.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("gulou.board.v1", schema_for!(crate::Board)),
        ("gulou.alerts.v1", schema_for!(crate::Alerts)),
        ("gulou.presence.v1", schema_for!(crate::Presence)),
        ("gulou.acks.v1", schema_for!(crate::Acks)),
        ("gulou.sync.v1", schema_for!(crate::SyncVector)),
        ("gulou.command.v1", schema_for!(crate::CommandStatus)),
        ("gulou.order.v1", schema_for!(crate::Command)),
        ("gulou.shown.v1", schema_for!(crate::Shown)),
        ("gulou.health.v1", schema_for!(crate::Health)),
        ("gulou.gap.v1", schema_for!(crate::Gap)),
        ("gulou.submission.v1", schema_for!(crate::Ask)),
        ("gulou.answer.v1", schema_for!(crate::Answer)),
        ("gulou.keys.v1", schema_for!(crate::ask::Keys)),
        ("gulou.document.v1", schema_for!(crate::Document)),
        ("gulou.document-key.v1", schema_for!(crate::document::KeyRequest)),
        ("gulou.certified.v1", schema_for!(crate::document::Certified)),
        ("gulou.audit.v1", schema_for!(crate::Audit)),
        ("gulou.handoff.v1", schema_for!(crate::handoff::Place)),
        ("gulou.timetable.v1", schema_for!(crate::Timetable)),
        ("gulou.content.v1", schema_for!(crate::content::Signed)),
        ("gulou.manifest.v1", schema_for!(crate::content::Manifest)),
        ("gulou.enrol.v1", schema_for!(crate::identity::EnrolRequest)),
        ("gulou.enrolled.v1", schema_for!(crate::identity::EnrolAnswer)),
        ("gulou.refusal.v1", schema_for!(crate::identity::Refusal)),
        ("gulou.csr.v1", schema_for!(crate::identity::CertificateRequest)),
        ("gulou.certificate.v1", schema_for!(crate::identity::CertificateAnswer)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `UPDATE_SCHEMAS=1` to write the files.
    #[test]
    fn the_checked_in_schemas_are_those_of_the_types() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        #[expect(clippy::disallowed_methods, reason = "a switch of this test")]
        let update = std::env::var("UPDATE_SCHEMAS").is_ok();
        for (name, schema) in all() {
            let path = folder.join(format!("{name}.json"));
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if update {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            let on_disk = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(on_disk, text, "{name}: run the test again with UPDATE_SCHEMAS=1");
        }
    }
}
