//! Errors as people need them: what went wrong, and what to do (RFC 9457).

use axum::Json;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::authority::AuthorityError;
use crate::city::Ending;
use crate::enrolment::EnrolmentError;
use crate::store::StoreError;

/// A refusal with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

/// Body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Shape {
    /// Status in words.
    title: String,
    /// HTTP status.
    status: u16,
    /// What went wrong, and what to do.
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    /// The request itself is wrong.
    pub fn request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// There was such a thing, or never was; there is none now.
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, detail)
    }

    /// It exists already, differently.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// Understood, but what it says can't be used.
    pub fn content(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// Not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// No or a wrong token.
    pub fn token() -> Self {
        let detail = "this needs the header `Authorization: Bearer TOKEN`; \
            the token stands in operator.token in the platform's data folder";
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// No certificate.
    pub fn certificate(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// A certificate that serves no longer.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// Too fast.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
    }

    /// A method that this address does not have.
    pub fn method() -> Self {
        let detail = "this address has no such method; see /openapi.json";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error").to_owned();
        let shape = Shape { title, status: self.status.as_u16(), detail: self.detail };
        let mut response = (self.status, Json(shape)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!("{error}");
        Self::unavailable("the database does not answer; try again, and see /healthz")
    }
}

impl From<EnrolmentError> for Problem {
    fn from(error: EnrolmentError) -> Self {
        match error {
            EnrolmentError::Authority(AuthorityError::Reserved(_)) => {
                Self::content(error.to_string())
            }
            EnrolmentError::Database(error) => StoreError::from(error).into(),
            other => {
                tracing::error!("{other}");
                Self::unavailable(other.to_string())
            }
        }
    }
}

impl From<Ending> for Problem {
    fn from(Ending: Ending) -> Self {
        Self::unavailable("the platform is ending; try again when it runs")
    }
}

impl From<BytesRejection> for Problem {
    fn from(error: BytesRejection) -> Self {
        Self::new(error.status(), error.body_text())
    }
}

/// A body of JSON, whatever its declared type.
pub fn json<T: DeserializeOwned>(
    body: Result<axum::body::Bytes, BytesRejection>,
) -> Result<T, Problem> {
    serde_json::from_slice(&body?).map_err(|error| Problem::request(format!("body: {error}")))
}

/// Query parameters whose errors are [`Problem`]s too.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri);
        query
            .map(|Query(asked)| Asked(asked))
            .map_err(|error: QueryRejection| Problem::request(error.body_text()))
    }
}
