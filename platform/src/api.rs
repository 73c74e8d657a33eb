//! The HTTP interface for operators and scripts. Reading is open on loopback; writing needs the operator's token.
//!
//! `platform/openapi.json` is generated from here (`UPDATE_OPENAPI=1 cargo test -p platform openapi`).

pub mod bookings;
pub mod cases;
pub mod devices;
pub mod documents;
pub mod health;
pub mod problem;
pub mod stops;
pub mod watch;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use sha2::{Digest as _, Sha256};
use sync::{Clock, Tenant};
use tokio::sync::{mpsc, watch as tokio_watch};
use utoipa::OpenApi;

use crate::broker::Life;
use crate::city::City;
use crate::console;
use crate::enrolment::Enrolment;
use crate::fleet;
use crate::metrics::Metrics;
use crate::news::Press;
use crate::pages::{self, Pages};
use crate::poll::journal::Journal;
use crate::publish::Outgoing;
use crate::services::Services;
use crate::services::papers::Notary;
use crate::store::Store;
use crate::wire::LinkLife;
use problem::Problem;

/// Largest body of a request, in bytes: a CAP message with its polygons.
const BODY_MAX: usize = 256 * 1024;

/// Everything a request may need.
#[derive(Debug)]
pub struct Desk {
    /// Whose street it is.
    pub tenant: Tenant,
    /// Devices, events, commands.
    pub store: Store,
    /// Boards, stops, alerts.
    pub city: City,
    /// Makes provision strings.
    pub enrolment: Arc<Enrolment>,
    /// Who gives devices their content.
    pub fleet: mpsc::Sender<fleet::Request>,
    /// Where commands go.
    pub outgoing: mpsc::Sender<Outgoing>,
    /// Told when the revocation list changed.
    pub revoked: tokio_watch::Sender<()>,
    /// What is new.
    pub press: Press,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// How feeds fared.
    pub journal: Arc<Journal>,
    /// Since when the link is up.
    pub link: tokio_watch::Receiver<LinkLife>,
    /// The supervised broker, where there is one.
    pub broker: Option<tokio_watch::Receiver<Life>>,
    /// SHA-256 of the operator's token.
    pub token_sha256: [u8; 32],
    /// Cases, bookings, and what was sealed.
    pub services: Arc<Services>,
    /// Knows who signs documents.
    pub notary: Arc<Notary>,
    /// Pages for citizens.
    pub pages: Arc<Pages>,
    /// Clock of the process.
    pub clock: Clock,
}

/// What requests share.
pub type Shared = Arc<Desk>;

/// Description of the interface.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Gulou platform",
        description = "Devices, boards and alerts of one district. Reading is open on loopback; \
            writing, and reading what is about a person, needs `Authorization: Bearer` with the content of `operator.token` in the data folder. \
            Errors are `application/problem+json` (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        cases::list,
        cases::one,
        cases::photo,
        cases::go_on,
        bookings::list,
        bookings::consents,
        documents::keys,
        documents::one,
        devices::list,
        devices::register,
        devices::one,
        devices::remove,
        devices::events,
        devices::commands,
        devices::command,
        stops::board,
        stops::stops,
        stops::alerts,
        stops::cap,
        watch::news,
        health::feeds,
        health::healthz,
        health::metrics,
        pages::handoff::fetch,
        description,
    ),
    components(schemas(problem::Shape)),
    modifiers(&Bearer)
)]
pub struct Description;

/// Declares the operator's token to readers of the description.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("operator", SecurityScheme::Http(bearer));
    }
}

/// The whole interface.
pub fn router(desk: &Shared) -> Router {
    Router::new()
        .route("/api/cases", get(cases::list))
        .route("/api/cases/{number}", get(cases::one))
        .route("/api/cases/{number}/photos/{position}", get(cases::photo))
        .route("/api/cases/{number}/state", post(cases::go_on))
        .route("/api/bookings", get(bookings::list))
        .route("/api/consents", get(bookings::consents))
        .route("/api/keys", get(documents::keys))
        .route("/api/documents/{name}", get(documents::one))
        .route("/api/devices", get(devices::list).post(devices::register))
        .route("/api/devices/{device}", get(devices::one).delete(devices::remove))
        .route("/api/devices/{device}/events", get(devices::events))
        .route("/api/devices/{device}/commands", get(devices::commands).post(devices::command))
        .route("/api/boards/{stop}", get(stops::board))
        .route("/api/stops", get(stops::stops))
        .route("/api/alerts", get(stops::alerts).post(stops::cap))
        .route("/api/feeds", get(health::feeds))
        .route("/api/events", get(watch::news))
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(description))
        .merge(console::router())
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(Arc::clone(desk), writes_need_the_token))
        .with_state(Arc::clone(desk))
        // The cashier's page is for citizens, who have no token.
        .merge(pages::router(Arc::clone(&desk.pages)))
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1")))]
pub async fn description() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}

async fn writes_need_the_token(
    State(desk): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if [Method::GET, Method::HEAD].contains(request.method()) {
        return Ok(next.run(request).await);
    }
    desk.operator(request.headers())?;
    Ok(next.run(request).await)
}

impl Desk {
    /// Lets nobody through but the operator.
    pub fn operator(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer "));
        // Comparing hashes tells nothing about the token through the time it takes.
        let good = given.is_some_and(|given| Sha256::digest(given.trim())[..] == self.token_sha256);
        if good { Ok(()) } else { Err(Problem::token()) }
    }
}

async fn nothing_here() -> Problem {
    Problem::not_found("nothing is here; see /openapi.json for what there is")
}

async fn wrong_method() -> Problem {
    Problem::method()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `UPDATE_OPENAPI=1` to write the file.
    #[test]
    fn the_checked_in_openapi_file_is_the_generated_one() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let text = Description::openapi().to_pretty_json().unwrap() + "\n";
        #[expect(clippy::disallowed_methods, reason = "a switch of this test")]
        if std::env::var("UPDATE_OPENAPI").is_ok() {
            std::fs::write(&path, &text).unwrap();
        }
        let on_disk = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(on_disk == text, "run the test again with UPDATE_OPENAPI=1");
    }
}
