//! A department's own server, as `platform/openapi/department.json` describes it.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sync::ask::{ANSWER_MAX, Answer, Ask};
use tokio::sync::Semaphore;
use utoipa::{OpenApi, ToSchema};

/// Questions to one department at a time; more are told to come again.
const AT_A_TIME: usize = 32;
/// How long a server may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What a department is asked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Asked {
    /// The submission. The same id again is the same submission: answer it as the first time, do nothing twice.
    pub id: uuid::Uuid,
    /// Such as `water.bill.pay`.
    pub operation: String,
    /// Code of the service, such as `T102`.
    pub service: String,
    /// Answers by step, as the service's file says; `card` holds name and number of the identity card.
    #[schema(value_type = Object)]
    pub ask: Map<String, Value>,
}

/// What a department answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Replied {
    /// It was done: every field that the operation returns.
    #[schema(value_type = Object)]
    Returned(Map<String, Value>),
    /// It was not done, and this is what the citizen is told.
    Refused(Words),
}

/// Words in both languages.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Words {
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// What a department's server offers to the platform.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "A department's server",
        description = "What the platform of a district asks of a department. One address takes every operation. \
            Everything but 200 with this answer counts as \"not now\": the platform asks again under the same id.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(ask)
)]
pub struct Contract;

/// One submission of a citizen.
#[utoipa::path(post, path = "/", request_body = Asked,
    responses((status = 200, body = Replied), (status = 503, description = "Not now")))]
#[expect(dead_code, reason = "described here, offered by departments")]
fn ask() {}

/// Why a department gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// Nobody answered, or too late.
    #[error("the department does not answer: {0}")]
    Silent(String),
    /// It answered something else than an answer.
    #[error("the department's answer can't be read: {0}")]
    Odd(String),
    /// The demonstration registry has a mistake.
    #[error("the registry can't answer {0}; see the log")]
    Mistake(String),
}

/// Where a department is asked.
#[derive(Debug)]
pub struct Server {
    url: Url,
    token: Option<String>,
    client: Client,
    /// Places before its counter.
    places: Semaphore,
}

impl Server {
    /// Asked at `url`, with a bearer token where it wants one.
    pub fn new(url: Url, timeout: Duration, token: Option<String>) -> Self {
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(timeout);
        let client = client.redirect(reqwest::redirect::Policy::none()).build();
        let client = client.expect("timeouts are valid settings");
        Self { url, token, client, places: Semaphore::new(AT_A_TIME) }
    }

    /// Where it is asked.
    pub fn place(&self) -> &Url {
        &self.url
    }

    /// Asks, and waits for its answer.
    pub async fn ask(&self, ask: &Ask, sent: &Map<String, Value>) -> Result<Answer, Unanswered> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(Unanswered::Silent(format!("{AT_A_TIME} questions wait there already")));
        };
        let (operation, service) = (ask.operation.clone(), ask.service.clone());
        let asked = Asked { id: ask.id, operation, service, ask: sent.clone() };
        let silent = |error: reqwest::Error| Unanswered::Silent(error.without_url().to_string());
        let request = self.client.post(self.url.clone()).json(&asked);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.map_err(silent)?;
        if !response.status().is_success() {
            return Err(Unanswered::Silent(format!("it says {}", response.status())));
        }
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.map_err(silent)?);
            if body.len() > ANSWER_MAX {
                return Err(Unanswered::Odd("it is too long".to_owned()));
            }
        }
        read(&body)
    }
}

/// The one parser of departments' answers.
fn read(body: &[u8]) -> Result<Answer, Unanswered> {
    let replied =
        serde_json::from_slice(body).map_err(|error| Unanswered::Odd(error.to_string()))?;
    Ok(match replied {
        Replied::Returned(fields) => Answer::Returned(Value::Object(fields)),
        Replied::Refused(Words { zh, en }) => Answer::refused(zh, en),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `UPDATE_OPENAPI=1` to write the file.
    #[test]
    fn the_checked_in_contract_is_the_generated_one() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/department.json");
        let text = Contract::openapi().to_pretty_json().unwrap() + "\n";
        #[expect(clippy::disallowed_methods, reason = "a switch of this test")]
        if std::env::var("UPDATE_OPENAPI").is_ok() {
            std::fs::write(&path, &text).unwrap();
        }
        let on_disk = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(on_disk == text, "run the test again with UPDATE_OPENAPI=1");
    }

    #[test]
    fn an_answer_is_one_of_two_things() {
        let returned = read(br#"{"returned":{"paid":2280}}"#).unwrap();
        assert_eq!(returned, Answer::Returned(serde_json::json!({ "paid": 2280 })));
        let refused =
            read(r#"{"refused":{"zh":"没有这个户号。","en":"No such account."}}"#.as_bytes());
        assert!(matches!(refused, Ok(Answer::Refused(why)) if why.en == "No such account."));
        for odd in ["", "{}", "[]", r#"{"returned":7}"#, r#"{"refused":"no"}"#] {
            assert!(read(odd.as_bytes()).is_err(), "{odd}");
        }
    }
}
