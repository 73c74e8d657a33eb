//! What a terminal asks the platform on behalf of a citizen, and what it is told.
//!
//! The same [`Ask`] goes over HTTPS (`POST /device/v1/ask`) and through the outbox (stream [`STREAM`]).
//! Its id is made once, when the citizen confirms: however often and by whichever way it arrives,
//! it has one effect and one answer.

mod counter;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Unknown;
use crate::document::Issuer;
use crate::name::Text;
use crate::packet::PAYLOAD_MAX;
use crate::seal::{OVERHEAD, PublicKey, seal};

pub use counter::{Counter, CounterError};

/// The stream of submissions; its events are [`Class::Critical`](crate::stream::Class::Critical).
pub const STREAM: &str = "submissions";
/// Most photographs of one ask.
pub const PHOTOS_MAX: usize = 3;
/// Largest photograph, in bytes of JPEG.
pub const PHOTO_MAX: usize = 300 * 1024;
/// Largest ask as JSON, in bytes. Photographs lie in it as base64, sealed, and in base64 once more.
pub const ASK_MAX: usize = PAYLOAD_MAX + PHOTOS_MAX * PHOTO_MAX * 16 / 9;
/// All photographs together of an ask that goes through the outbox, whose events are smaller
/// ([`PAYLOAD_MAX`]), in bytes of JPEG: scaled down to 640 x 480, three of them fit.
pub const KEPT_PHOTOS_MAX: usize = 120 * 1024;
/// Largest answer as JSON, in bytes.
pub const ANSWER_MAX: usize = 256 * 1024;
/// Longest sealed body, in base64 characters; the rest of an ask fits beside it.
const SEALED_MAX: usize = ASK_MAX - 2048;
/// Longest name of a service or operation, in bytes.
const NAME_MAX: usize = 128;

/// One thing that is asked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ask {
    /// Names this submission for ever.
    #[schemars(with = "String")]
    pub id: Uuid,
    /// Code of the service, such as `T003`; empty where no service is meant.
    pub service: String,
    /// Name of the operation, such as `housing.no-property.certify` or `booking.slots`.
    pub operation: String,
    /// The answers, as JSON, sealed for the platform, in base64: `{ "card": { "name", "number" }, STEP: ANSWER, … }`.
    pub sealed: String,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What the terminal is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done; the fields that the operation returns.
    Returned(Value),
    /// It was not done, and this is what the citizen is told.
    Refused(Text),
}

/// Keys of the platform that everyone may know: `GET /device/v1/keys` and `GET /api/keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Keys {
    /// For whom asks are sealed.
    pub seal: PublicKey,
    /// Who certifies the keys that sign documents.
    pub documents: Issuer,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Why an ask can't be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It does not read as one.
    #[error("ask can't be read: {0}")]
    Malformed(String),
    /// Something in it is longer than anyone needs.
    #[error("ask is too large: {0}")]
    TooLarge(&'static str),
}

impl Ask {
    /// An ask with these answers, sealed.
    pub fn new(
        id: Uuid,
        (service, operation): (&str, &str),
        answers: &Map<String, Value>,
        key: &PublicKey,
    ) -> Result<Ask, AskError> {
        let plain =
            serde_json::to_vec(answers).map_err(|error| AskError::Malformed(error.to_string()))?;
        if (plain.len() + OVERHEAD).div_ceil(3) * 4 > SEALED_MAX {
            return Err(AskError::TooLarge("its answers"));
        }
        let sealed = BASE64_STANDARD.encode(seal(key, &plain));
        let (service, operation) = (service.to_owned(), operation.to_owned());
        Ok(Ask { id, service, operation, sealed, unknown: Unknown::new() })
    }

    /// The one parser of asks.
    pub fn parse(bytes: &[u8]) -> Result<Ask, AskError> {
        if bytes.len() > ASK_MAX {
            return Err(AskError::TooLarge("the whole of it"));
        }
        let ask: Ask = serde_json::from_slice(bytes)
            .map_err(|error| AskError::Malformed(error.to_string()))?;
        if ask.sealed.len() > SEALED_MAX {
            return Err(AskError::TooLarge("its answers"));
        }
        for name in [&ask.service, &ask.operation] {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if name.len() > NAME_MAX || !name.bytes().all(plain) {
                let says = "service and operation are up to 128 letters, digits, '.', '-' and '_'";
                return Err(AskError::Malformed(says.to_owned()));
            }
        }
        Ok(ask)
    }

    /// The sealed bytes.
    pub fn sealed_bytes(&self) -> Result<Vec<u8>, AskError> {
        BASE64_STANDARD
            .decode(&self.sealed)
            .map_err(|_| AskError::Malformed("`sealed` is not base64".to_owned()))
    }
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ask { id, service, operation, .. } = self;
        write!(f, "{operation} of {service:?} ({id})")
    }
}

impl Answer {
    /// A refusal in both languages.
    pub fn refused(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Refused(Text::new(zh, en))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::seal::SecretKey;

    fn ask(key: &SecretKey, text: &str) -> Result<Ask, AskError> {
        let answers =
            json!({ "card": { "name": "林秀英", "number": "350102194903122129" }, "text": text });
        let names = ("T003", "housing.no-property.certify");
        Ask::new(Uuid::from_u128(7), names, answers.as_object().unwrap(), key.public())
    }

    #[test]
    fn an_ask_shows_nothing_of_the_citizen() {
        let key = SecretKey::from_seed(&[1; 32]);
        let ask = ask(&key, "x").unwrap();
        let wire = serde_json::to_string(&ask).unwrap();
        assert!(!wire.contains("350102") && !wire.contains("林秀英"), "{wire}");
        assert!(!format!("{ask:?}").contains(&ask.sealed));
        let read = Ask::parse(wire.as_bytes()).unwrap();
        let plain = key.open(&read.sealed_bytes().unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap()["card"]["name"], "林秀英");
    }

    #[test]
    fn what_is_too_large_is_not_sent_and_not_taken() {
        let key = SecretKey::from_seed(&[1; 32]);
        assert_eq!(ask(&key, &"x".repeat(ASK_MAX)), Err(AskError::TooLarge("its answers")));
        let large = ask(&key, &"x".repeat(1_400_000)).unwrap();
        assert!(serde_json::to_vec(&large).unwrap().len() <= ASK_MAX);
        assert_eq!(
            Ask::parse(&vec![b' '; ASK_MAX + 1]),
            Err(AskError::TooLarge("the whole of it"))
        );
    }

    #[test]
    fn three_photographs_fit_over_https_and_small_ones_through_the_outbox() {
        let key = SecretKey::from_seed(&[1; 32]);
        let whole = |photos: usize| {
            let words = "字".repeat(2000);
            let ask = ask(&key, &(BASE64_STANDARD.encode(vec![0; photos]) + &words)).unwrap();
            serde_json::to_vec(&ask).unwrap().len()
        };
        assert!(whole(PHOTOS_MAX * PHOTO_MAX) <= ASK_MAX);
        assert!(whole(KEPT_PHOTOS_MAX) <= PAYLOAD_MAX);
    }

    #[test]
    fn names_are_plain() {
        let wire = |operation: &str| {
            json!({ "id": Uuid::nil(), "service": "", "operation": operation, "sealed": "" })
                .to_string()
        };
        assert!(Ask::parse(wire("case.state").as_bytes()).is_ok());
        for operation in ["case state", "case\0", "办理", &"x".repeat(129)] {
            assert!(Ask::parse(wire(operation).as_bytes()).is_err(), "{operation}");
        }
    }
}
