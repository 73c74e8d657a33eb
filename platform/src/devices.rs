//! The port for devices: who stands before it, and what they may ask there.
//!
//! A client certificate is asked for and not demanded, because enrolment and blobs need none. Each
//! route that needs one says so by taking a [`Visitor`]. Revocation is looked up at every request,
//! so a connection that was open before ends with its device's certificates.
//!
//! | route | body | answer | certificate |
//! |---|---|---|---|
//! | `POST /device/v1/ask` | [`Ask`] | [`Answer`] | yes |
//! | `GET /device/v1/keys` | | [`Keys`] | no |
//! | `POST /device/v1/document-key` | [`KeyRequest`] | [`Certified`] | yes |
//! | `POST /device/v1/handoff` | sealed bytes ([`sync::handoff`]) | [`Place`] | yes |
//!
//! Errors are problems (RFC 9457): 401 no certificate, 403 revoked, 409 the id is another's, 413 too large,
//! 400 and 422 the terminal's mistake, 429 too fast, 503 and 504 ask again under the same id.

mod door;
mod rate;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Json, Router};
use sync::ask::{ASK_MAX, Answer, Ask, Keys};
use sync::document::{Certified, KeyRequest};
use sync::handoff::{self, Place};
use sync::{Clock, DeviceId, Unknown};
use tower_http::timeout::TimeoutLayer;

use crate::api::problem::{Problem, json};
use crate::authority::Authority;
use crate::handoffs::{self, HandOffs};
use crate::services::papers::{self, Notary};
use crate::services::{Services, Trouble};
use crate::store::Store;

pub use door::{Door, Shown};
pub use rate::Rates;

/// Longer than a department may take.
const PATIENCE: Duration = Duration::from_secs(75);

/// What the routes for devices share.
#[derive(Debug)]
pub struct Reception {
    /// Answers asks.
    pub services: Arc<Services>,
    /// Says whose certificates are in force.
    pub authority: Arc<Authority>,
    /// Certifies document keys.
    pub notary: Arc<Notary>,
    /// Knows who was given up.
    pub store: Store,
    /// What terminals lay down for telephones.
    pub handoffs: Arc<Mutex<HandOffs>>,
    /// Address that citizens' telephones reach, without a slash at its end.
    pub public: String,
    /// Clock of the process.
    pub clock: Clock,
    /// How fast each device asks.
    pub rates: Mutex<Rates>,
}

/// A device whose certificate is in force.
#[derive(Debug, Clone)]
pub struct Visitor(DeviceId);

/// The routes below `/device/v1/`.
pub fn router(reception: Arc<Reception>) -> Router {
    let hand_off = post(hand_off).layer(DefaultBodyLimit::max(handoff::BODY_MAX));
    Router::new()
        .route("/device/v1/ask", post(ask))
        .route("/device/v1/keys", get(keys))
        .route("/device/v1/document-key", post(document_key))
        .route("/device/v1/handoff", hand_off)
        .layer(DefaultBodyLimit::max(ASK_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PATIENCE))
        .with_state(reception)
}

/// Keys of the platform, for sealing and for verifying.
pub async fn published(
    services: &Services,
    notary: &Notary,
    store: &Store,
) -> Result<Keys, Problem> {
    let documents = notary.issuer(papers::withdrawn(store).await?);
    Ok(Keys { seal: *services.vault().public(), documents, unknown: Unknown::new() })
}

async fn ask(
    State(reception): State<Arc<Reception>>,
    Visitor(device): Visitor,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Answer>, Problem> {
    let ask = Ask::parse(&body?).map_err(|error| Problem::request(error.to_string()))?;
    Ok(Json(reception.services.ask(&device, &ask).await?))
}

async fn keys(State(reception): State<Arc<Reception>>) -> Result<Json<Keys>, Problem> {
    Ok(Json(published(&reception.services, &reception.notary, &reception.store).await?))
}

async fn document_key(
    State(reception): State<Arc<Reception>>,
    Visitor(device): Visitor,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Certified>, Problem> {
    let KeyRequest { key } = json(body)?;
    let now = reception.clock.now().wall;
    tracing::info!(%device, "document key certified");
    Ok(Json(reception.notary.certify(device, key, now)))
}

async fn hand_off(
    State(reception): State<Arc<Reception>>,
    Visitor(device): Visitor,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Place>, Problem> {
    let body = body?;
    if body.len() < handoff::BODY_MIN {
        return Err(Problem::content("the body is what `sync::handoff::seal` makes"));
    }
    let (now, id) = (reception.clock.now(), handoffs::new_id());
    let url = format!("{}/e/{id}", reception.public);
    let mut held = reception.handoffs.lock().unwrap_or_else(PoisonError::into_inner);
    let crowded_out = held.put(now.mono, id, body);
    if crowded_out > 0 {
        tracing::warn!(%device, crowded_out, "hand-offs went before they were fetched: there are too many");
    }
    Ok(Json(Place { url, until: now.wall + handoffs::LIFE, unknown: Unknown::new() }))
}

impl FromRequestParts<Arc<Reception>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        reception: &Arc<Reception>,
    ) -> Result<Self, Problem> {
        let Some(Shown(Some((device, serial)))) = parts.extensions.get::<Shown>() else {
            return Err(Problem::certificate("show the certificate that you got at enrolment"));
        };
        let now = reception.clock.now();
        if !reception.authority.admits(device, serial, now.wall) {
            let says =
                format!("the certificate of {device} was revoked or has run out; enrol again");
            return Err(Problem::forbidden(says));
        }
        let mut rates = reception.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if !rates.may_ask(device, now.mono) {
            return Err(Problem::too_many("asked too fast; wait a few seconds"));
        }
        Ok(Visitor(device.clone()))
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Malformed(why) => Problem::content(why),
            Trouble::Conflict => Problem::conflict(trouble.to_string()),
            Trouble::Unavailable(why) => Problem::unavailable(why),
            Trouble::Store(error) => error.into(),
        }
    }
}
