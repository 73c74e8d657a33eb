//! How a device becomes one of the tenant's: a one-time token and a certificate request for a certificate.
//!
//! | step | call |
//! |---|---|
//! | an operator adds a device | [`Enrolment::provision`] gives the line to hand to the installer |
//! | the device comes to the HTTPS port | [`Enrolment::router`], `POST /enrol` |
//! | the device asks for its next certificate over the broker | [`Enrolment::renew`] |
//! | an operator gives a device up | [`Enrolment::revoke`], then the broker reads its list anew |

mod attempts;
mod tokens;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use sqlx::AnyPool;
use sync::identity::{
    CertificateAnswer, CertificateRequest, ContentKey, EnrolAnswer, EnrolRequest, Provision,
    ProvisionError, Reason, Refusal,
};
use sync::name::{DeviceId, StopId};
use sync::seal::PublicKey;
use tower_http::timeout::TimeoutLayer;

use crate::authority::{self, Authority, AuthorityError, PLATFORM};
use attempts::Attempts;
use tokens::{Grant, Tokens, refusal};

/// Longest body of a request, in bytes.
const BODY_MAX: usize = 16 * 1024;
/// A request must be through by then.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where devices find what, as they are told.
#[derive(Debug, Clone)]
pub struct Places {
    /// The device-facing port, `https://HOST:PORT`: enrolment and blobs.
    pub https: String,
    /// The broker, `mqtts://HOST:PORT`.
    pub broker: String,
}

/// Why no provision string was made.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The database did not take it.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// [`Places::https`] is no such address.
    #[error(transparent)]
    Place(#[from] ProvisionError),
    /// The authority did not do it.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Tokens, the authority and the door where devices knock.
#[derive(Debug)]
pub struct Enrolment {
    tokens: Tokens,
    authority: Arc<Authority>,
    places: Places,
    content_key: ContentKey,
    seal_key: Option<PublicKey>,
    attempts: Mutex<Attempts>,
}

impl Enrolment {
    /// `pool` is migrated; `content_key` is [`Library::key`](crate::library::Library::key).
    pub fn new(
        pool: AnyPool,
        authority: Arc<Authority>,
        places: Places,
        content_key: ContentKey,
    ) -> Self {
        Self {
            tokens: Tokens::new(pool),
            authority,
            places,
            content_key,
            seal_key: None,
            attempts: Mutex::default(),
        }
    }

    /// Devices that enrol are told this key, for which they seal what citizens answer.
    #[must_use]
    pub fn sealing_for(self, key: PublicKey) -> Self {
        Self { seal_key: Some(key), ..self }
    }

    /// The line to hand to the installer of a device. It serves once, for a day; an earlier one serves no longer.
    pub async fn provision(
        &self,
        device: &DeviceId,
        role: &str,
        stop: Option<&StopId>,
        now: Timestamp,
    ) -> Result<Provision, EnrolmentError> {
        if device.as_str() == PLATFORM {
            return Err(AuthorityError::Reserved(device.to_string()).into());
        }
        let grant = Grant { role: role.to_owned(), stop: stop.cloned() };
        let token = self.tokens.make(device, &grant, now).await?;
        let pin = self.authority.root_hash().parse().expect("the root's hash is 64 hex digits");
        Ok(Provision::new(&self.places.https, &token, pin)?)
    }

    /// Answers one request of a device.
    pub async fn enrol(
        &self,
        request: &EnrolRequest,
        now: Timestamp,
    ) -> Result<EnrolAnswer, Refusal> {
        let key_hash = authority::key_hash(&request.csr).map_err(|error| refused(&error))?;
        let redeemed = self.tokens.redeem(&request.token, &request.device, &key_hash, now).await;
        let grant = redeemed.map_err(|error| {
            tracing::error!(%error, "enrolment: database");
            refusal(Reason::Unavailable, "the platform can't reach its database; try again later")
        })??;
        let authority = Arc::clone(&self.authority);
        let (csr, device) = (request.csr.clone(), request.device.clone());
        let certificate = off_the_loop(move || authority.issue_device(&csr, &device, now)).await?;
        tracing::info!(device = %request.device, role = grant.role, "enrolled");
        Ok(EnrolAnswer {
            certificate,
            chain: self.authority.root_pem().to_owned(),
            tenant: self.authority.tenant().clone(),
            broker: self.places.broker.clone(),
            content: self.places.https.clone(),
            content_key: self.content_key.clone(),
            seal_key: self.seal_key,
            role: grant.role,
            stop: grant.stop,
            unknown: sync::Unknown::new(),
        })
    }

    /// Answers a payload of [`Topic::Csr`](sync::Topic::Csr); the topic says which device the broker let in.
    pub async fn renew(
        &self,
        device: &DeviceId,
        payload: &[u8],
        now: Timestamp,
    ) -> CertificateAnswer {
        let request = match serde_json::from_slice::<CertificateRequest>(payload) {
            Ok(request) => request,
            Err(error) => {
                return CertificateAnswer::Refused(refusal(Reason::Malformed, error.to_string()));
            }
        };
        let (authority, name) = (Arc::clone(&self.authority), device.clone());
        match off_the_loop(move || authority.renew_device(&request.csr, &name, now)).await {
            Ok(certificate) => CertificateAnswer::Certificate(certificate),
            Err(refusal) => CertificateAnswer::Refused(refusal),
        }
    }

    /// Revokes a device's certificates and tokens; returns how many certificates were in force.
    pub async fn revoke(&self, device: &DeviceId, now: Timestamp) -> Result<usize, EnrolmentError> {
        self.tokens.withdraw(device).await?;
        Ok(self.authority.revoke(device, now)?)
    }

    /// `POST /enrol`, for the device-facing HTTPS port. Serve it with connect info, so that addresses which try wrong
    /// tokens can be told from others.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/enrol", post(knock))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
            .with_state(self)
    }

    async fn answer(
        &self,
        from: IpAddr,
        body: Result<Bytes, BytesRejection>,
        now: Timestamp,
    ) -> Result<EnrolAnswer, Refusal> {
        let attempts = || self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if !attempts().may_try(from, now) {
            return Err(refusal(
                Reason::TooMany,
                "too many wrong requests from this address; wait ten minutes",
            ));
        }
        let malformed =
            |error: &dyn std::fmt::Display| refusal(Reason::Malformed, error.to_string());
        let request = body
            .map_err(|error| malformed(&error))
            .and_then(|body| serde_json::from_slice(&body).map_err(|error| malformed(&error)));
        let answer = match request {
            Ok(request) => self.enrol(&request, now).await,
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = &answer
            && refusal.error != Reason::Unavailable
        {
            tracing::warn!(%from, reason = ?refusal.error, "enrolment refused");
            attempts().was_wrong(from, now);
        }
        answer
    }
}

async fn knock(
    State(enrolment): State<Arc<Enrolment>>,
    from: Option<Extension<ConnectInfo<SocketAddr>>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    #[expect(clippy::disallowed_methods, reason = "this is the shell of enrolment")]
    let now = Timestamp::now();
    let from =
        from.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(ConnectInfo(from))| from.ip());
    match enrolment.answer(from, body, now).await {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => (status(refusal.error), Json(refusal)).into_response(),
    }
}

fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::UnknownToken => StatusCode::UNAUTHORIZED,
        Reason::WrongDevice | Reason::NotInForce => StatusCode::FORBIDDEN,
        Reason::UsedToken | Reason::ExpiredToken => StatusCode::GONE,
        Reason::Malformed | Reason::Other => StatusCode::BAD_REQUEST,
        Reason::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Reason::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Signing ends in a synced write, which must not hold up other connections.
async fn off_the_loop(
    issue: impl FnOnce() -> Result<String, AuthorityError> + Send + 'static,
) -> Result<String, Refusal> {
    let issued = tokio::task::spawn_blocking(issue).await;
    issued
        .map_err(|error| refusal(Reason::Unavailable, error.to_string()))?
        .map_err(|error| refused(&error))
}

fn refused(error: &AuthorityError) -> Refusal {
    let reason = match error {
        AuthorityError::Request(_) | AuthorityError::Reserved(_) => Reason::Malformed,
        AuthorityError::NotInForce(_) => Reason::NotInForce,
        AuthorityError::TooMany(_) => Reason::TooMany,
        _ => {
            tracing::error!(%error, "certificate authority");
            Reason::Unavailable
        }
    };
    refusal(reason, error.to_string())
}

#[cfg(test)]
pub(crate) mod tests;
