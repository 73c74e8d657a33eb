//! Kinds of electronic certificates: `content/registry/certificates.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// All kinds by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kinds {
    pub kinds: BTreeMap<String, Kind>,
}

/// One kind of certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    pub name: Text,
    /// Who issues it.
    pub issuer: Text,
    /// What stands on it; all are text.
    pub fields: Vec<String>,
}

impl Kinds {
    /// The one parser of the file.
    pub fn parse(text: &str) -> Result<Kinds, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Whether there is such a field: `kind.field`.
    pub fn has(&self, kind: &str, field: &str) -> bool {
        self.kinds.get(kind).is_some_and(|kind| kind.fields.iter().any(|known| known == field))
    }
}
