//! What one document says, in one language, ready to be printed: no field is computed any more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::code::Hash;

/// The content of one document. Empty text stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// A file of `content/templates`, without `.typ`.
    pub template: String,
    /// Of the words the template adds, and of line breaking.
    pub language: Language,
    /// Such as 无房证明.
    pub title: String,
    /// Under the title, such as a period.
    #[serde(default)]
    pub subtitle: String,
    /// Who answers for it.
    pub department: String,
    /// Its sentences.
    #[serde(default)]
    pub paragraphs: Vec<String>,
    /// Names and values.
    #[serde(default)]
    pub rows: Vec<Row>,
    #[serde(default)]
    pub tables: Vec<Table>,
    /// Of the document; on a ticket, the number that is called out.
    #[serde(default)]
    pub number: String,
    /// The date as it is printed, such as 2026年11月23日.
    pub issued: String,
    /// The same moment for machines.
    pub issued_at: Timestamp,
    /// Around the rim of the seal; without it there is none.
    #[serde(default)]
    pub seal: String,
    /// What a square code of its own says, on tickets and passes.
    #[serde(default)]
    pub qr: String,
    /// At the foot.
    #[serde(default)]
    pub note: String,
    /// How it is verified; no part of the content that is signed.
    #[serde(default)]
    pub code: Option<Code>,
}

/// The language of the words that a template adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Zh,
    En,
}

/// One line: a name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub name: String,
    pub value: String,
}

/// A table. Cells beyond the columns are not printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    #[serde(default)]
    pub name: String,
    pub columns: Vec<String>,
    pub cells: Vec<Vec<String>>,
}

/// What stands on the paper so that anyone can verify it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// For people who type, such as `7XK2-9MQ4-TB0E`.
    pub short: String,
    /// What the square code says.
    pub payload: String,
    /// Where the short code is typed, such as the address of the platform's page.
    pub place: String,
}

impl Sheet {
    /// What is hashed and signed: JSON with sorted keys and no white space, without the code.
    pub fn content(&self) -> Vec<u8> {
        let bare = Sheet { code: None, ..self.clone() };
        // Strings, lists and names of fields can always be written.
        let value = serde_json::to_value(bare).unwrap_or_default();
        let mut text = String::new();
        write_canonical(&value, &mut text);
        text.into_bytes()
    }

    /// Of its content.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.content())
    }
}

/// RFC 8785 for values without numbers, of which a sheet has none.
fn write_canonical(value: &Value, text: &mut String) {
    let list = |text: &mut String, items: &mut dyn Iterator<Item = (Option<&String>, &Value)>| {
        for (at, (key, item)) in items.enumerate() {
            if at > 0 {
                text.push(',');
            }
            if let Some(key) = key {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
            }
            write_canonical(item, text);
        }
    };
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(key, _)| *key != "code").collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            list(text, &mut fields.into_iter().map(|(key, item)| (Some(key), item)));
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            list(text, &mut items.iter().map(|item| (None, item)));
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        serde_json::from_str(
            r#"{"template":"certificate","language":"zh","title":"无房证明","department":"中心",
                "rows":[{"value":"陈\"晓","name":"姓名"}],"issued":"2026年11月23日","issued_at":"2026-11-23T08:00:00Z"}"#,
        )
        .unwrap()
    }

    #[test]
    fn content_is_canonical() {
        assert_eq!(
            String::from_utf8(sheet().content()).unwrap(),
            "{\"department\":\"中心\",\"issued\":\"2026年11月23日\",\"issued_at\":\"2026-11-23T08:00:00Z\",\
             \"language\":\"zh\",\"note\":\"\",\"number\":\"\",\"paragraphs\":[],\"qr\":\"\",\
             \"rows\":[{\"name\":\"姓名\",\"value\":\"陈\\\"晓\"}],\"seal\":\"\",\"subtitle\":\"\",\
             \"tables\":[],\"template\":\"certificate\",\"title\":\"无房证明\"}"
        );
    }

    #[test]
    fn the_code_is_no_part_of_the_content_and_all_else_is() {
        let code =
            Code { short: "0".to_owned(), payload: "GL1:".to_owned(), place: "here".to_owned() };
        let coded = Sheet { code: Some(code), ..sheet() };
        assert_eq!(coded.hash(), sheet().hash());
        let other = Sheet { title: "有房证明".to_owned(), ..sheet() };
        assert_ne!(other.hash(), sheet().hash());
    }
}
