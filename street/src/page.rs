//! The street as a page: plain HTML, CSS, ES modules and SVG that travel inside the binary.
//!
//! It draws what `/api/street` and `/api/stream` say and asks for faults with `POST /street/…`;
//! it knows nothing else and loads nothing from anywhere else.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// The only origins it may use: itself, and the platform's console on this machine in a frame.
const POLICY: &str = "default-src 'self'; img-src 'self' blob:; base-uri 'none'; object-src 'none'; \
                      frame-src http://127.0.0.1:* http://localhost:*; frame-ancestors 'self'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const MODULE: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";

const INDEX: &str = include_str!("page/index.html");
/// The drawing is part of the document, so that its colours follow the light like everything else's.
const SCENE: &str = include_str!("page/scene.svg");
const SCENE_MARK: &str = "<!-- scene -->";

/// Address, content type and content of every file of the page.
const FILES: [(&str, &str, &str); 20] = [
    ("/page/mark.svg", SVG, include_str!("page/mark.svg")),
    ("/page/tokens.css", CSS, include_str!("page/tokens.css")),
    ("/page/scene.css", CSS, include_str!("page/scene.css")),
    ("/page/street.css", CSS, include_str!("page/street.css")),
    ("/page/hall.css", CSS, include_str!("page/hall.css")),
    ("/page/words.json", JSON, include_str!("page/words.json")),
    ("/page/words.js", MODULE, include_str!("page/words.js")),
    ("/page/dom.js", MODULE, include_str!("page/dom.js")),
    ("/page/stream.js", MODULE, include_str!("page/stream.js")),
    ("/page/knows.js", MODULE, include_str!("page/knows.js")),
    ("/page/glass.js", MODULE, include_str!("page/glass.js")),
    ("/page/glide.js", MODULE, include_str!("page/glide.js")),
    ("/page/bus.js", MODULE, include_str!("page/bus.js")),
    ("/page/mural.js", MODULE, include_str!("page/mural.js")),
    ("/page/strip.js", MODULE, include_str!("page/strip.js")),
    ("/page/lines.js", MODULE, include_str!("page/lines.js")),
    ("/page/touchscreen.js", MODULE, include_str!("page/touchscreen.js")),
    ("/page/bench.js", MODULE, include_str!("page/bench.js")),
    ("/page/hall.js", MODULE, include_str!("page/hall.js")),
    ("/page/street.js", MODULE, include_str!("page/street.js")),
];

/// Serves the page at `/` and its files below `/page/`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let index = INDEX.replace(SCENE_MARK, SCENE);
    let home = Router::new().route("/", get(move || async move { file(HTML, index) }));
    FILES.into_iter().fold(home, |router, (path, kind, content)| {
        router.route(path, get(move || async move { file(kind, content) }))
    })
}

fn file(kind: &'static str, content: impl IntoResponse) -> impl IntoResponse {
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
