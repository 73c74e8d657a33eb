//! Where a terminal asks: the platform's port for devices, with the device's own certificate.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::{ANSWER_MAX, Answer, Ask, Keys};
use crate::document::{Certified, KeyRequest};
use crate::handoff::Place;
use crate::identity::{Identity, IdentityError, identified_config};
use crate::moment::Moment;

/// Longer nobody waits in front of a terminal.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no answer. Ask again with the same id, or put the ask into the outbox.
#[derive(Debug, thiserror::Error)]
pub enum CounterError {
    /// Nobody answered. What was asked may have taken effect.
    #[error("the platform can't be reached: {0}")]
    Unreachable(String),
    /// The platform did not take it; nothing happened.
    #[error("the platform did not take it ({status}): {detail}")]
    NotTaken {
        /// HTTP status: 429 too fast, 401 and 403 certificate, 503 later, others are mistakes.
        status: u16,
        /// For people.
        detail: String,
    },
    /// The answer is none.
    #[error("the platform's answer can't be read: {0}")]
    Answer(String),
    /// The device's own certificate does not read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// A client of the platform's port for devices. Make it anew when the certificate was renewed.
#[derive(Debug, Clone)]
pub struct Counter {
    client: reqwest::Client,
    base: String,
}

impl Counter {
    /// With the certificate of `identity`, at [`Identity::content`].
    pub fn open(identity: &Identity, now: Moment) -> Result<Counter, CounterError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(identified_config(identity, now)?)
            .https_only(true)
            .no_proxy()
            // A connection that waits holds the last answer in its buffers.
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| CounterError::Unreachable(error.to_string()))?;
        Ok(Counter { client, base: identity.content.trim_end_matches('/').to_owned() })
    }

    /// Asks, and waits for the answer.
    pub async fn ask(&self, ask: &Ask) -> Result<Answer, CounterError> {
        read(self.client.post(format!("{}/device/v1/ask", self.base)).json(ask)).await
    }

    /// The platform's keys.
    pub async fn keys(&self) -> Result<Keys, CounterError> {
        read(self.client.get(format!("{}/device/v1/keys", self.base))).await
    }

    /// Lets the platform certify the key with which this device signs documents.
    pub async fn certify(&self, request: &KeyRequest) -> Result<Certified, CounterError> {
        read(self.client.post(format!("{}/device/v1/document-key", self.base)).json(request)).await
    }

    /// Lays down what [`handoff::seal`](crate::handoff::seal) sealed, for one telephone to fetch.
    pub async fn hand_off(&self, body: Vec<u8>) -> Result<Place, CounterError> {
        read(self.client.post(format!("{}/device/v1/handoff", self.base)).body(body)).await
    }
}

async fn read<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, CounterError> {
    let lost = |error: reqwest::Error| CounterError::Unreachable(error.to_string());
    let response = request.send().await.map_err(lost)?;
    let status = response.status();
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(lost)?);
        if body.len() > ANSWER_MAX {
            return Err(CounterError::Answer("it is too long".to_owned()));
        }
    }
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|error| CounterError::Answer(error.to_string()));
    }
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or_default().to_owned();
    Err(CounterError::NotTaken { status: status.as_u16(), detail })
}
