//! Whether all is well, for machines that watch.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use crate::poll::journal::Entry;

/// Whether all is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Healthy {
    /// `ok` or `not_ok`.
    pub status: &'static str,
    /// What is wrong, in plain words; empty when nothing is.
    pub reasons: Vec<String>,
    /// What is worth knowing and not our fault, such as a feed that fails.
    pub remarks: Vec<String>,
}

/// How the feeds fare.
#[derive(Debug, Serialize, ToSchema)]
pub struct Feeds {
    /// By name.
    pub feeds: Vec<Entry>,
}

/// 200 when broker, link and database work; 503 with reasons when not.
#[utoipa::path(get, path = "/healthz", tag = "health",
    responses((status = 200, body = Healthy), (status = 503, body = Healthy)))]
pub async fn healthz(State(desk): State<Shared>) -> (StatusCode, Json<Healthy>) {
    let mut reasons = Vec::new();
    if let Some(broker) = &desk.broker
        && broker.borrow().pid.is_none()
    {
        reasons.push("the broker is down and is being started again".to_owned());
    }
    if desk.link.borrow().is_none() {
        reasons.push("the link to the broker is down: devices are not heard".to_owned());
    }
    if let Err(error) = desk.store.setting("schema").await {
        reasons.push(format!("the database does not answer: {error}"));
    }
    let remark = |entry: Entry| entry.error.map(|error| format!("feed {}: {error}", entry.feed));
    let remarks = desk.journal.entries().into_iter().filter_map(remark).collect();
    if reasons.is_empty() {
        (StatusCode::OK, Json(Healthy { status: "ok", reasons, remarks }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Healthy { status: "not_ok", reasons, remarks }))
    }
}

/// How the feeds fare.
#[utoipa::path(get, path = "/api/feeds", tag = "health", responses((status = 200, body = Feeds)))]
pub async fn feeds(State(desk): State<Shared>) -> Result<Json<Feeds>, Problem> {
    Ok(Json(Feeds { feeds: desk.journal.entries() }))
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, content_type = "application/openmetrics-text", body = String)))]
pub async fn metrics(State(desk): State<Shared>) -> impl IntoResponse {
    if let Some(broker) = &desk.broker {
        desk.metrics
            .broker_restarts
            .set(i64::try_from(broker.borrow().restarts).unwrap_or(i64::MAX));
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], desk.metrics.text())
}
