//! The console: the interface for people, on top of the API for everyone.
//!
//! Plain HTML, CSS, ES modules and SVG that travel inside the binary. It reads `/api/…`, `/healthz` and
//! `/metrics` like any other client, hears of news by `/api/events`, and loads nothing from anywhere else.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// The only origin it may use is its own, and photographs that it fetched as the operator; pages of this machine may show it in a frame.
const POLICY: &str = "default-src 'self'; img-src 'self' blob:; base-uri 'none'; object-src 'none'; \
                      frame-ancestors 'self' http://127.0.0.1:* http://localhost:*";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const MODULE: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";

/// Address, content type and content of every file of the console.
const FILES: [(&str, &str, &str); 14] = [
    ("/", HTML, include_str!("console/index.html")),
    ("/console/mark.svg", SVG, include_str!("console/mark.svg")),
    ("/console/tokens.css", CSS, include_str!("console/tokens.css")),
    ("/console/console.css", CSS, include_str!("console/console.css")),
    ("/console/words.json", JSON, include_str!("console/words.json")),
    ("/console/words.js", MODULE, include_str!("console/words.js")),
    ("/console/dom.js", MODULE, include_str!("console/dom.js")),
    ("/console/time.js", MODULE, include_str!("console/time.js")),
    ("/console/desk.js", MODULE, include_str!("console/desk.js")),
    ("/console/lists.js", MODULE, include_str!("console/lists.js")),
    ("/console/map.js", MODULE, include_str!("console/map.js")),
    ("/console/case.js", MODULE, include_str!("console/case.js")),
    ("/console/sheet.js", MODULE, include_str!("console/sheet.js")),
    ("/console/console.js", MODULE, include_str!("console/console.js")),
];

/// Serves the console at `/` and its files below `/console/`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, content)| {
        router.route(path, get(move || async move { file(kind, content) }))
    })
}

fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind),
        // A newer binary must not meet an older page.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content)
}

#[cfg(test)]
mod tests;
