//! Citizens of the demonstration registry, as the hall knows them: a card in the purse.

use serde_json::{Value, json};

use crate::hall::Hall;

/// A citizen's card, as the reader's peer takes it.
pub(crate) fn card(id: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../content/registry/people.toml");
    let people: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let people = people["people"].as_array().unwrap();
    let person = people.iter().find(|it| it["id"].as_str() == Some(id)).unwrap();
    let text = |name: &str| person[name].as_str().unwrap().to_owned();
    let day = |name: &str| text(name).replace('-', "");
    json!({
        "name": text("name"),
        "sex": if text("sex") == "女" { "2" } else { "1" },
        "nation": "01",
        "birth": day("birth"),
        "address": text("address"),
        "number": text("number"),
        "issuer": text("issuer"),
        "from": day("valid_from"),
        "until": day("valid_to"),
    })
}

impl Hall {
    /// Lays a card down, waits until the page goes on, and takes the card away.
    pub(crate) async fn shows_card(&self, id: &str, next: &str) {
        self.happens("reader", json!({ "do": "insert", "card": card(id) })).await;
        self.sees(next).await;
        self.happens("reader", json!({ "do": "remove" })).await;
    }
}
