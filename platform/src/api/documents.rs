//! Whether a paper is ours, for programs; `/verify` is for people.

use axum::Json;
use axum::extract::{Path, State};
use sync::ask::Keys;
use sync::document::{Hash, ShortCode};

use super::Shared;
use super::problem::{Problem, Shape};
use crate::devices;
use crate::services::papers::{self, Paper};

/// Keys of the platform. Save them to verify papers without any link (`gulou-platform verify --keys`).
#[utoipa::path(get, path = "/api/keys", tag = "documents",
    responses((status = 200, description = "`sync/schemas/gulou.keys.v1.json`")))]
pub async fn keys(State(desk): State<Shared>) -> Result<Json<Keys>, Problem> {
    Ok(Json(devices::published(&desk.services, &desk.notary, &desk.store).await?))
}

/// The record of a document under its short code or the SHA-256 of its content.
#[utoipa::path(get, path = "/api/documents/{name}", tag = "documents", params(("name" = String, Path)),
    responses((status = 200, body = Paper), (status = 400, body = Shape), (status = 404, body = Shape)))]
pub async fn one(
    State(desk): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<Paper>, Problem> {
    let found = if let Ok(hash) = name.parse::<Hash>() {
        papers::by_hash(&desk.store, &hash).await?
    } else {
        let code: ShortCode = name
            .parse()
            .map_err(|error: sync::document::CodeError| Problem::request(error.to_string()))?;
        papers::by_code(&desk.store, code).await?
    };
    let paper = found.ok_or_else(|| Problem::not_found("no terminal reported such a document"));
    paper.map(Json)
}
