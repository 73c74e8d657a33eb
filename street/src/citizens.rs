//! The citizens of the demonstration registry, each with an identity card in the pocket.

use std::path::Path;

use anyhow::Context as _;
use drivers::identity_card::nation;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sync::Text;

/// One citizen as `content/registry/people.toml` has her; nobody of these exists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Citizen {
    /// Name in addresses.
    pub id: String,
    /// Name on the card.
    pub name: String,
    /// Who she is, in a sentence.
    pub story: Text,
    #[serde(skip_serializing)]
    sex: String,
    #[serde(skip_serializing)]
    nation: String,
    #[serde(skip_serializing)]
    birth: String,
    #[serde(skip_serializing)]
    address: String,
    /// Number of the card.
    pub number: String,
    #[serde(skip_serializing)]
    issuer: String,
    #[serde(skip_serializing)]
    valid_from: String,
    #[serde(skip_serializing)]
    valid_to: String,
}

#[derive(Debug, Deserialize)]
struct Registry {
    people: Vec<Citizen>,
}

/// Everyone in the registry of `content`.
pub fn read(content: &Path) -> anyhow::Result<Vec<Citizen>> {
    let path = content.join("registry/people.toml");
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(&path).with_context(name)?;
    let registry: Registry = toml::from_str(&text).with_context(name)?;
    Ok(registry.people)
}

impl Citizen {
    /// Her card, as `gulou-peer reader` takes it.
    pub fn card(&self) -> Value {
        let day = |text: &str| text.replace('-', "");
        let mut codes = (1..=98).map(|code| format!("{code:02}"));
        let nation = codes.find(|code| nation::name(code) == Some(self.nation.as_str()));
        json!({
            "name": self.name,
            "sex": if self.sex == "女" { "2" } else { "1" },
            "nation": nation.unwrap_or_else(|| "97".to_owned()),
            "birth": day(&self.birth),
            "address": self.address,
            "number": self.number,
            "issuer": self.issuer,
            "from": day(&self.valid_from),
            "until": day(&self.valid_to),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn twelve_citizens_have_cards_that_say_what_the_registry_says() {
        let citizens = read(&config::content()).unwrap();
        assert_eq!(citizens.len(), 12);
        let lei = citizens.iter().find(|citizen| citizen.id == "lei-chunhua").unwrap();
        let card = lei.card();
        assert_eq!((&card["name"], &card["sex"]), (&"雷春花".into(), &"2".into()));
        assert_eq!(card["nation"], "22", "She");
        assert_eq!((&card["from"], &card["until"]), (&"20190601".into(), &"20390601".into()));
        let lin = citizens[0].card();
        assert_eq!((&lin["nation"], &lin["until"]), (&"01".into(), &"长期".into()));
    }
}
