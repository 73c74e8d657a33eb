//! What people reported at terminals.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::problem::{Problem, Shape, json};
use crate::services::cases::{self, Case, CaseState, Report};
use crate::services::photos;

/// Cases in one answer.
const LISTED: u32 = 500;

/// Cases, those that changed last first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cases {
    /// At most 500.
    pub cases: Vec<Case>,
}

/// A case with what was reported.
#[derive(Debug, Serialize, ToSchema)]
pub struct Detail {
    /// What everyone at the centre may see.
    #[serde(flatten)]
    pub case: Case,
    /// What the citizen said.
    pub report: Report,
    /// Where its photographs are, in the order in which they were taken.
    pub pictures: Vec<String>,
}

/// How far a case shall be.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GoOn {
    /// `assigned`, `in_progress` or `closed`; it only goes forward.
    pub state: CaseState,
}

/// Cases, without what is about a person.
#[utoipa::path(get, path = "/api/cases", tag = "cases", responses((status = 200, body = Cases)))]
pub async fn list(State(desk): State<Shared>) -> Result<Json<Cases>, Problem> {
    Ok(Json(Cases { cases: cases::list(&desk.store, LISTED).await? }))
}

/// A case with place, words and telephone, opened for whoever works on it.
#[utoipa::path(get, path = "/api/cases/{number}", tag = "cases", params(("number" = String, Path)),
    security(("operator" = [])),
    responses((status = 200, body = Detail), (status = 401, body = Shape), (status = 404, body = Shape)))]
pub async fn one(
    State(desk): State<Shared>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Detail>, Problem> {
    desk.operator(&headers)?;
    let (case, report) = known(&desk, &number).await?;
    let pictures = 1..=photos::count(&desk.store, &case.number).await?;
    let pictures = pictures.map(|position| format!("/api/cases/{}/photos/{position}", case.number));
    Ok(Json(Detail { pictures: pictures.collect(), case, report }))
}

/// A photograph of a case, opened for whoever works on it; the first is 1.
#[utoipa::path(get, path = "/api/cases/{number}/photos/{position}", tag = "cases",
    params(("number" = String, Path), ("position" = u32, Path)), security(("operator" = [])),
    responses((status = 200, content_type = "image/jpeg", body = String), (status = 400, body = Shape),
        (status = 401, body = Shape), (status = 404, body = Shape)))]
pub async fn photo(
    State(desk): State<Shared>,
    Path((number, position)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    desk.operator(&headers)?;
    let counted = position.parse().map_err(|_| Problem::request("photos are counted 1, 2, 3"))?;
    let number = number.replace('\0', "");
    let photo = photos::one(&desk.store, desk.services.vault(), (&number, counted)).await?;
    let photo = photo.ok_or_else(|| Problem::not_found("there is no such photograph"))?;
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, photo).into_response())
}

/// Lets a case go on.
#[utoipa::path(post, path = "/api/cases/{number}/state", tag = "cases", params(("number" = String, Path)),
    request_body = GoOn, security(("operator" = [])),
    responses((status = 200, body = Case), (status = 400, body = Shape), (status = 401, body = Shape),
        (status = 404, body = Shape), (status = 409, body = Shape)))]
pub async fn go_on(
    State(desk): State<Shared>,
    Path(number): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Case>, Problem> {
    let GoOn { state } = json(body)?;
    let (case, _) = known(&desk, &number).await?;
    let now = desk.clock.now().wall;
    let forward = case.state.leads_to(state);
    if !forward || !cases::go_on(&desk.store, &number, (case.state, state), now).await? {
        return Err(Problem::conflict("a case only goes forward; read how far it is now"));
    }
    Ok(Json(known(&desk, &number).await?.0))
}

async fn known(desk: &Shared, number: &str) -> Result<(Case, Report), Problem> {
    let number = number.replace('\0', "");
    let found = cases::one(&desk.store, desk.services.vault(), &number).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no case {number}")))
}
