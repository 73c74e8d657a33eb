//! What can be done at the terminal: its glass, fingers and keys, cards and codes, and the bench.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use drivers::surface::Frame;
use embedded_graphics::geometry::OriginDimensions as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Problem, Web, aside};
use crate::appliance::{Glass, TERMINAL};
use crate::bench::{BenchError, Peripheral};
use crate::citizens::Citizen;
use crate::fingers::{Key, Touch};
use crate::street::View;

/// How long a page waits for the next picture before it asks again.
const GLASS_PATIENCE: Duration = Duration::from_secs(10);

/// Every address of the terminal.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/terminal/glass.rgb", get(glass))
        .route("/terminal/outline", get(outline))
        .route("/terminal/codes", get(codes))
        .route("/terminal/pay", post(pay))
        .route("/terminal/touch", post(touch))
        .route("/terminal/keys/{key}", post(key))
        .route("/terminal/citizens", get(citizens))
        .route("/terminal/citizens/{id}/card", post(lay_card))
        .route("/terminal/bench/{peripheral}", post(bench))
        .route("/terminal/tray/take", post(take_papers))
        .route("/terminal/tray/{name}", get(paper))
}

#[derive(Debug, Deserialize)]
struct After {
    after: Option<u64>,
}

/// The pixels of a picture, as they lie in memory.
struct Pixels(Arc<Frame>);

impl AsRef<[u8]> for Pixels {
    fn as_ref(&self) -> &[u8] {
        self.0.pixels()
    }
}

/// RGB888 of the glass, row by row, as soon as it is another picture than number `after`; 204 when none
/// came. Bare pixels: between two programs on one machine, packing them would take longer than sending.
async fn glass(
    State(web): State<Web>,
    Query(After { after }): Query<After>,
) -> Result<Response, Problem> {
    let mut view = web.view.clone();
    let another = view.wait_for(|view| Some(sequence(view)) != after);
    let Ok(Ok(_)) = timeout(GLASS_PATIENCE, another).await else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let glass = on_glass(&web.view.borrow()).cloned().unwrap_or_else(|| Glass::dark(TERMINAL));
    let about = [
        (header::CACHE_CONTROL.as_str(), "no-store".to_owned()),
        (header::CONTENT_TYPE.as_str(), "application/octet-stream".to_owned()),
        ("x-frame-sequence", glass.sequence.to_string()),
    ];
    Ok((about, Bytes::from_owner(Pixels(glass.frame))).into_response())
}

fn on_glass(view: &View) -> Option<&Glass> {
    view.devices.iter().find(|device| device.post == TERMINAL)?.glass.as_ref()
}

/// Number of the picture; 0 while the glass is dark.
fn sequence(view: &View) -> u64 {
    on_glass(view).map_or(0, |glass| glass.sequence)
}

/// What stands on the glass, part by part, as the terminal itself says.
async fn outline(State(web): State<Web>) -> Result<Response, Problem> {
    let dark = |_| Problem(StatusCode::NOT_FOUND, "the glass is dark".to_owned());
    let text = tokio::fs::read(web.hall.bench.outline()).await.map_err(dark)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// What the QR codes on the glass say, as a telephone reads them.
async fn codes(State(web): State<Web>) -> Result<Json<Value>, Problem> {
    let glass = on_glass(&web.view.borrow()).cloned();
    let codes = match glass {
        Some(glass) => aside(move || read_codes(&glass.frame)).await?,
        None => Vec::new(),
    };
    Ok(Json(json!({ "codes": codes })))
}

fn read_codes(frame: &Frame) -> Vec<String> {
    let size = frame.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let pixels = frame.pixels();
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        // Green carries most of what the eye calls bright.
        pixels[(y * width + x) * 3 + 1]
    });
    let grids = image.detect_grids();
    grids.iter().filter_map(|grid| Some(grid.decode().ok()?.1)).collect()
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
}

async fn pay(
    State(web): State<Web>,
    Json(Code { code }): Json<Code>,
) -> Result<StatusCode, Problem> {
    web.platform.pay(&code).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn touch(State(web): State<Web>, Json(touch): Json<Touch>) -> Result<StatusCode, Problem> {
    web.hall.fingers.touch(touch).map_err(|_| off())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn key(State(web): State<Web>, Path(key): Path<Key>) -> Result<StatusCode, Problem> {
    web.hall.fingers.press(key).map_err(|_| off())?;
    Ok(StatusCode::NO_CONTENT)
}

fn off() -> Problem {
    Problem(StatusCode::CONFLICT, "终端没有开机 · the terminal is off".to_owned())
}

async fn citizens(State(web): State<Web>) -> Json<Vec<Citizen>> {
    Json(web.citizens.as_ref().clone())
}

async fn lay_card(State(web): State<Web>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let citizen = web.citizens.iter().find(|citizen| citizen.id == id);
    let citizen = citizen
        .ok_or_else(|| Problem(StatusCode::NOT_FOUND, format!("there is no citizen {id:?}")))?;
    let command = json!({ "do": "insert", "card": citizen.card() });
    web.hall.bench.tell(Peripheral::Reader, &command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Passes a command on to a device: one JSON object, such as `{"do":"paper-out"}`.
async fn bench(
    State(web): State<Web>,
    Path(name): Path<String>,
    Json(command): Json<Value>,
) -> Result<StatusCode, Problem> {
    let peripheral = Peripheral::named(&name).ok_or_else(|| {
        Problem(StatusCode::NOT_FOUND, format!("there is no {name:?} on the bench"))
    })?;
    web.hall.bench.tell(peripheral, &command).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn paper(State(web): State<Web>, Path(name): Path<String>) -> Result<Response, Problem> {
    let gone = || Problem(StatusCode::NOT_FOUND, "this paper is not in the tray".to_owned());
    let path = web.hall.bench.paper(&name).ok_or_else(gone)?;
    let bytes = tokio::fs::read(&path).await.map_err(|_| gone())?;
    let pdf = path.extension().is_some_and(|extension| extension == "pdf");
    let kind = if pdf { "application/pdf" } else { "image/png" };
    // The next street counts its papers from one again.
    let about = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    Ok((about, bytes).into_response())
}

async fn take_papers(State(web): State<Web>) -> Result<StatusCode, Problem> {
    let taken = web.hall.bench.take_papers();
    taken.map_err(|error| Problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<BenchError> for Problem {
    fn from(error: BenchError) -> Self {
        let status = match error {
            BenchError::Absent(_) => StatusCode::SERVICE_UNAVAILABLE,
            BenchError::Refused(_) => StatusCode::CONFLICT,
        };
        Problem(status, error.to_string())
    }
}
