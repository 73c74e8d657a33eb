//! Blobs over HTTP. A blob never changes under its name, so whatever was cached stays right.

use std::io;
use std::path::PathBuf;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    RANGE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use sync::content::BlobId;
use tower_http::services::ServeFile;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub(super) fn router(folder: PathBuf) -> Router {
    Router::new().route("/blobs/{sha256}", get(blob)).with_state(folder)
}

async fn blob(
    State(folder): State<PathBuf>,
    Path(name): Path<String>,
    mut request: Request,
) -> Response {
    // Only a hash ever becomes a file name.
    let Ok(id) = name.parse::<BlobId>() else {
        return (StatusCode::NOT_FOUND, "blobs are named by 64 lower-case hex digits\n")
            .into_response();
    };
    let tag = HeaderValue::try_from(format!("\"{id}\"")).expect("hex digits are header text");
    let headers = request.headers_mut();
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| *known == tag);
    if headers.remove(IF_RANGE).is_some_and(|condition| condition != tag) {
        headers.remove(RANGE);
    }
    // The file server below judges by the file's date, which says nothing here.
    for condition in [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
        headers.remove(condition);
    }
    let path = folder.join(id.to_string());
    let mut response = match ServeFile::new(path).try_call(request).await {
        Ok(response) if known && response.status().is_success() => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        Ok(response) => response.into_response(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return StatusCode::NOT_FOUND.into_response();
        }
        Err(error) => {
            tracing::error!(%error, blob = %id, "library");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(ETAG, tag);
        response.headers_mut().insert(CACHE_CONTROL, FOR_EVER);
    }
    response
}
