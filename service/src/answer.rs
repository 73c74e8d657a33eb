//! What a citizen answered, and how it is written in JSON.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::functions;
use crate::step::Ask;

/// One answer. Which of them a question has is said by [`Answer::empty`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Words, codes, values of a choice; months as `2026-11`.
    Text(String),
    /// Yes or no; whether a statement was agreed to.
    Truth(bool),
    /// Values of several choices.
    List(Vec<String>),
    /// A whole number; money in fen.
    Number(i64),
    /// A day; none when it was not asked.
    Date(Option<Date>),
    /// Where somebody lives.
    Address(Address),
    /// When somebody comes.
    Slot(Slot),
    /// What was paid.
    Payment(Payment),
    /// How many pictures, pages, signatures or looks were taken.
    Count(u32),
    /// The identity card; none when it was not asked.
    Card(Option<Box<IdentityCard>>),
    /// A page that only shows something.
    Nothing,
}

/// Sub-district, community, and the house in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    pub street: String,
    pub community: String,
    pub detail: String,
}

/// A day and a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// `2026-11-25`.
    pub date: String,
    /// `09:00`.
    pub time: String,
}

/// A payment that went through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// In fen.
    pub amount: i64,
    /// Number of the payment at who took it.
    pub trade: String,
}

/// What stands on an identity card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityCard {
    pub name: String,
    /// 男 or 女, as on the card.
    pub sex: String,
    pub nation: String,
    pub birth: Date,
    pub address: String,
    pub number: String,
    pub issuer: String,
    /// A date.
    pub valid_from: String,
    /// A date, or 长期.
    pub valid_to: String,
}

/// An answer of another type than its question asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is {got}, and the question asks for {wanted}")]
pub struct Mismatch {
    got: String,
    wanted: &'static str,
}

impl Answer {
    /// The answer to a question that was not asked.
    pub fn empty(ask: &Ask) -> Answer {
        match ask {
            Ask::YesNo | Ask::Consent { .. } => Answer::Truth(false),
            Ask::Choices { .. } => Answer::List(Vec::new()),
            Ask::Number { .. } | Ask::Money { .. } => Answer::Number(0),
            Ask::Date { .. } => Answer::Date(None),
            Ask::Address => Answer::Address(Address::default()),
            Ask::Slot { .. } => Answer::Slot(Slot::default()),
            Ask::Pay { .. } => Answer::Payment(Payment::default()),
            Ask::Photo { .. }
            | Ask::Scan { .. }
            | Ask::Signature
            | Ask::Face
            | Ask::Fingerprint => Answer::Count(0),
            Ask::IdCard => Answer::Card(None),
            Ask::Show { .. } | Ask::Stop => Answer::Nothing,
            Ask::Choice { .. }
            | Ask::Pick { .. }
            | Ask::Text { .. }
            | Ask::Name
            | Ask::IdNumber
            | Ask::Mobile
            | Ask::Uscc
            | Ask::Code { .. }
            | Ask::Month { .. }
            | Ask::Place
            | Ask::TapCard { .. } => Answer::Text(String::new()),
        }
    }

    /// Reads the JSON form of an answer to this question.
    pub fn from_json(ask: &Ask, json: &Json) -> Result<Answer, Mismatch> {
        let wanted = match Answer::empty(ask) {
            Answer::Text(_) => "text",
            Answer::Truth(_) => "a truth value",
            Answer::List(_) => "a list of values",
            Answer::Number(_) => "a whole number",
            Answer::Date(_) => "a date",
            Answer::Address(_) => "{ street, community, detail }",
            Answer::Slot(_) => "{ date, time }",
            Answer::Payment(_) => "{ amount, trade }",
            Answer::Count(_) => "{ count }",
            Answer::Card(_) => "an identity card",
            Answer::Nothing => "nothing",
        };
        Self::typed(ask, json).ok_or_else(|| Mismatch { got: json.to_string(), wanted })
    }

    fn typed(ask: &Ask, json: &Json) -> Option<Answer> {
        Some(match Answer::empty(ask) {
            Answer::Text(_) => Answer::Text(json.as_str()?.to_owned()),
            Answer::Truth(_) => Answer::Truth(json.as_bool()?),
            Answer::List(_) => Answer::List(read(json)?),
            Answer::Number(_) => Answer::Number(json.as_i64()?),
            Answer::Date(_) => match json.as_str()? {
                "" => Answer::Date(None),
                text => Answer::Date(Some(text.parse().ok()?)),
            },
            Answer::Address(_) => Answer::Address(read(json)?),
            Answer::Slot(_) => Answer::Slot(read(json)?),
            Answer::Payment(_) => Answer::Payment(read(json)?),
            Answer::Count(_) => Answer::Count(u32::try_from(json.get("count")?.as_u64()?).ok()?),
            Answer::Card(_) if json.get("name") == Some(&json!("")) => Answer::Card(None),
            Answer::Card(_) => Answer::Card(Some(Box::new(read(json)?))),
            Answer::Nothing => json.is_null().then_some(Answer::Nothing)?,
        })
    }

    /// The JSON form: what expressions read, and what is sent.
    pub fn to_json(&self) -> Json {
        match self {
            Answer::Text(text) => json!(text),
            Answer::Truth(truth) => json!(truth),
            Answer::List(values) => json!(values),
            Answer::Number(number) => json!(number),
            Answer::Date(date) => json!(date.map(|date| date.to_string()).unwrap_or_default()),
            Answer::Address(address) => json!(address),
            Answer::Slot(slot) => json!(slot),
            Answer::Payment(payment) => json!(payment),
            Answer::Count(count) => json!({ "count": count }),
            Answer::Card(Some(card)) => json!(card),
            Answer::Card(None) => json!({
                "name": "", "sex": "", "nation": "", "birth": "", "address": "", "number": "",
                "issuer": "", "valid_from": "", "valid_to": "", "age": 0,
            }),
            Answer::Nothing => Json::Null,
        }
    }

    /// Whether nothing was answered.
    pub fn is_empty(&self, ask: &Ask) -> bool {
        *self == Answer::empty(ask)
    }
}

impl IdentityCard {
    /// Whole years on this day.
    pub fn age(&self, today: Date) -> i64 {
        functions::age(self.birth, today)
    }

    /// As expressions see it, with the age.
    pub fn with_age(&self, today: Date) -> Json {
        let mut json = json!(self);
        json["age"] = json!(self.age(today));
        json
    }
}

fn read<T: for<'a> Deserialize<'a>>(json: &Json) -> Option<T> {
    T::deserialize(json).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::text::Text;

    fn text() -> Text {
        Text { zh: "元".to_owned(), en: "yuan".to_owned() }
    }

    #[test]
    fn each_answer_is_written_as_the_registry_reads_it() {
        let number = Ask::Number { min: 0, max: 9, unit: text() };
        let day = Ask::Date { from: "today".to_owned(), to: "today+1y".to_owned() };
        for (ask, json) in [
            (Ask::Name, json!("陈国栋")),
            (Ask::YesNo, json!(true)),
            (Ask::Choices { options: Vec::new(), min: 0 }, json!(["a", "b"])),
            (number, json!(7)),
            (day, json!("2026-11-25")),
            (
                Ask::Address,
                json!({ "street": "安泰街道", "community": "吉庇社区", "detail": "18号" }),
            ),
            (Ask::Slot { days: 14, of: None }, json!({ "date": "2026-11-25", "time": "09:00" })),
            (Ask::Pay { amount_fen: "1".to_owned() }, json!({ "amount": 4275, "trade": "42" })),
            (Ask::Scan { pages: 4 }, json!({ "count": 2 })),
        ] {
            let answer = Answer::from_json(&ask, &json).unwrap();
            assert_eq!(answer.to_json(), json);
            assert!(!answer.is_empty(&ask));
        }
    }

    #[test]
    fn what_was_not_asked_is_empty_in_its_own_type() {
        assert_eq!(Answer::empty(&Ask::Name).to_json(), json!(""));
        assert_eq!(Answer::empty(&Ask::YesNo).to_json(), json!(false));
        assert_eq!(Answer::empty(&Ask::Signature).to_json(), json!({ "count": 0 }));
        assert_eq!(
            Answer::empty(&Ask::Month { from: String::new(), to: String::new() }).to_json(),
            json!("")
        );
        assert_eq!(Answer::empty(&Ask::IdCard).to_json()["age"], json!(0));
    }

    #[test]
    fn an_answer_of_another_type_is_refused_in_words() {
        let says = Answer::from_json(&Ask::YesNo, &json!("yes")).unwrap_err().to_string();
        assert_eq!(says, "the answer is \"yes\", and the question asks for a truth value");
        assert!(Answer::from_json(&Ask::Signature, &json!({ "count": -1 })).is_err());
    }

    #[test]
    fn a_card_knows_the_age() {
        let json = json!({
            "name": "林秀英", "sex": "女", "nation": "汉", "birth": "1949-03-12",
            "address": "福州市鼓楼区安泰街道吉庇社区吉庇路18号2座301", "number": "350102194903122129",
            "issuer": "福州市公安局鼓楼分局", "valid_from": "2019-06-01", "valid_to": "长期",
        });
        let Answer::Card(Some(card)) = Answer::from_json(&Ask::IdCard, &json).unwrap() else {
            panic!("a card is a card");
        };
        assert_eq!(card.with_age(date(2026, 3, 11))["age"], json!(76));
    }
}
