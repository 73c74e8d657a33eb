//! What a service is: one file per item, read, checked and searched.
//!
//! Knows no screen, no device and no department; terminal and platform read the same files with it.

pub mod answer;
pub mod catalogue;
pub mod certificate;
pub mod check;
pub mod condition;
pub mod definition;
pub mod functions;
pub mod prove;
pub mod registry;
pub mod search;
pub mod step;
pub mod text;

/// The JSON Schema of a service's file: `content/service.schema.json`.
pub fn schema() -> String {
    let schema = schemars::schema_for!(definition::Service);
    // A schema is JSON made of strings and lists only, which can always be written.
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
