//! Stops, their boards, and alerts.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use sync::{Alerts, Board, StopId};
use utoipa::ToSchema;

use super::Shared;
use super::problem::{Asked, Problem, Shape};
use crate::city::{StopEntry, StopQuery};

/// Most stops of one answer.
const PAGE_MAX: usize = 1000;
/// Stops of an answer when nothing is said.
const PAGE: usize = 200;

/// Which stops.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StopsAsked {
    /// Part of the identifier or of a name.
    #[serde(default)]
    search: String,
    /// Identifiers up to and including this one were seen already.
    #[serde(default)]
    after: String,
    /// Most stops of the answer, up to 1000.
    limit: Option<usize>,
}

/// A page of stops.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stops {
    /// By identifier.
    pub stops: Vec<StopEntry>,
    /// `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The board of a stop: what every sign there knows (schema: `sync/schemas/gulou.board.v1.json`).
#[utoipa::path(get, path = "/api/boards/{stop}", tag = "stops", params(("stop" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Shape)))]
pub async fn board(
    State(desk): State<Shared>,
    Path(stop): Path<String>,
) -> Result<Json<Board>, Problem> {
    let board = desk.city.board(StopId(stop.clone())).await?;
    board
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("no stop {stop:?}; GET /api/stops lists them")))
}

/// The stops of the network.
#[utoipa::path(get, path = "/api/stops", tag = "stops", params(StopsAsked),
    responses((status = 200, body = Stops), (status = 400, body = Shape)))]
pub async fn stops(
    State(desk): State<Shared>,
    Asked(asked): Asked<StopsAsked>,
) -> Result<Json<Stops>, Problem> {
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::request(format!("limit: use 1 to {PAGE_MAX}")));
    }
    let stops =
        desk.city.stops(StopQuery { search: asked.search, after: asked.after, limit }).await?;
    let next = stops.last().filter(|_| stops.len() == limit).map(|last| last.id.clone());
    Ok(Json(Stops { stops, next }))
}

/// Alerts in force in the district (schema: `sync/schemas/gulou.alerts.v1.json`).
#[utoipa::path(get, path = "/api/alerts", tag = "alerts", responses((status = 200, body = Object)))]
pub async fn alerts(State(desk): State<Shared>) -> Result<Json<Alerts>, Problem> {
    Ok(Json(desk.city.alerts().await?))
}

/// Takes a CAP 1.2 message: an alert, its update or its cancellation. Answers with the alerts then in force.
#[utoipa::path(post, path = "/api/alerts", tag = "alerts", security(("operator" = [])),
    request_body(content = String, content_type = "application/cap+xml"),
    responses((status = 200, body = Object), (status = 401, body = Shape),
        (status = 422, body = Shape)))]
pub async fn cap(
    State(desk): State<Shared>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Alerts>, Problem> {
    let taken = desk.city.cap(body?.to_vec()).await?;
    taken.map(Json).map_err(|reason| {
        Problem::content(format!("not a CAP 1.2 message that can be used: {reason}"))
    })
}
