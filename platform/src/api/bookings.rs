//! Who comes when, and whose certificates were read.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::problem::{Asked, Problem, Shape};
use crate::services::bookings::{self, Visit};
use crate::services::certificates::{self, Consent};

/// Consents in one answer.
const LISTED: u32 = 500;

/// Which day.
#[derive(Debug, Deserialize)]
pub struct DayAsked {
    /// `2026-11-25`; today when nothing is said.
    date: Option<String>,
}

/// One day's bookings.
#[derive(Debug, Serialize, ToSchema)]
pub struct Visits {
    /// The day.
    pub date: String,
    /// In order.
    pub bookings: Vec<Visit>,
}

/// Who read whose certificates.
#[derive(Debug, Serialize, ToSchema)]
pub struct Consents {
    /// Newest first, at most 500.
    pub consents: Vec<Consent>,
}

/// Bookings of one day, without names.
#[utoipa::path(get, path = "/api/bookings", tag = "bookings", params(("date" = Option<String>, Query, description = "`2026-11-25`; today when nothing is said")),
    responses((status = 200, body = Visits), (status = 400, body = Shape)))]
pub async fn list(
    State(desk): State<Shared>,
    Asked(asked): Asked<DayAsked>,
) -> Result<Json<Visits>, Problem> {
    let day: Date = match asked.date.as_deref().map(str::parse) {
        None => bookings::today(desk.clock.now().wall),
        Some(Ok(day)) => day,
        Some(Err(_)) => return Err(Problem::request("date: write 2026-11-25")),
    };
    let bookings = bookings::on(&desk.store, day).await?;
    Ok(Json(Visits { date: day.to_string(), bookings }))
}

/// Readings of electronic certificates: who, for which service, which kinds, when.
#[utoipa::path(get, path = "/api/consents", tag = "bookings", security(("operator" = [])),
    responses((status = 200, body = Consents), (status = 401, body = Shape)))]
pub async fn consents(
    State(desk): State<Shared>,
    headers: HeaderMap,
) -> Result<Json<Consents>, Problem> {
    desk.operator(&headers)?;
    let consents = certificates::consents(&desk.store, desk.services.vault(), LISTED).await?;
    Ok(Json(Consents { consents }))
}
