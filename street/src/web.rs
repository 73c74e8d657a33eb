//! What the street answers over HTTP: its page, its state for the page and for scripts, and its city's feeds.

mod document;
mod feeds;
mod terminal;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, Stream, StreamExt as _};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::interval;
use tokio_stream::wrappers::{IntervalStream, WatchStream};

use crate::appliance::{Fault, Glass, Hall};
use crate::citizens::Citizen;
use crate::city::City;
use crate::page;
use crate::platform::{Platform, PlatformError};
use crate::street::{self, Denial, View, Wish};
use crate::wire::Condition;

/// How often the page hears of the buses.
const BUSES_EVERY: Duration = Duration::from_secs(5);
/// Shortest pause between two documents of a stream: five a second are enough for eyes.
const PAUSE: Duration = Duration::from_millis(200);
/// Delay of a slow cable.
const SLOW: Duration = Duration::from_secs(2);

/// What a request can see and reach.
#[derive(Debug, Clone)]
pub struct Web {
    /// The city.
    pub city: Arc<City>,
    /// The street, to look at.
    pub view: watch::Receiver<Arc<View>>,
    /// What the platform last said of its devices.
    pub fleet: watch::Receiver<Value>,
    /// The street, to ask.
    pub street: mpsc::Sender<street::Event>,
    /// The platform.
    pub platform: Platform,
    /// What is around the terminal.
    pub hall: Hall,
    /// Whoever may come to the terminal.
    pub citizens: Arc<Vec<Citizen>>,
}

/// Why a request got no answer, as RFC 9457 has it; the detail is a sentence for people.
#[derive(Debug)]
struct Problem(StatusCode, String);

/// Every address of the street.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/api/street", get(whole))
        .route("/api/stream", get(stream))
        .route("/api/devices", get(devices))
        .route("/api/boards/{stop}", get(board))
        .route("/street/platform/kill", post(kill_platform))
        .route("/street/broker/kill", post(kill_broker))
        .route("/street/warning/{verb}", post(warning))
        .route("/street/{device}/frame.png", get(frame))
        .route("/street/{device}/{verb}", post(device))
        .merge(feeds::router())
        .merge(terminal::router())
        .merge(page::router())
        .with_state(web)
        .layer(middleware::from_fn(local_only))
}

/// Lets in this machine's own names and pages only: a page elsewhere must not reach the switches,
/// neither by a DNS trick nor by a form that posts here.
async fn local_only(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        next.run(request).await
    } else {
        Problem(StatusCode::FORBIDDEN, "this street answers http://127.0.0.1 only".to_owned())
            .into_response()
    }
}

fn is_local(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let ours =
        text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    ours && matches!(name, "127.0.0.1" | "localhost")
}

async fn whole(State(web): State<Web>) -> Json<Value> {
    let mut document = now_of(&web);
    let drawing = web.city.drawing();
    document["lines"] = drawing.lines.clone();
    document["stops"] = drawing.stops.clone();
    Json(document)
}

/// Whole state on every change, never a difference: a page that missed one is right after the next.
async fn stream(State(web): State<Web>) -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    let changes = stream::select_all([
        WatchStream::new(web.view.clone()).map(drop).boxed(),
        WatchStream::new(web.fleet.clone()).map(drop).boxed(),
        WatchStream::new(web.hall.bench.known()).map(drop).boxed(),
        IntervalStream::new(interval(BUSES_EVERY)).map(drop).boxed(),
    ]);
    let documents = tokio_stream::StreamExt::throttle(changes, PAUSE)
        .map(move |()| Ok(Message::default().event("street").data(now_of(&web).to_string())));
    Sse::new(documents).keep_alive(KeepAlive::default())
}

fn now_of(web: &Web) -> Value {
    let (view, fleet) = (web.view.borrow().clone(), web.fleet.borrow().clone());
    let bench = web.hall.bench.known().borrow().clone();
    document::street(&web.city, &view, (&fleet, &bench), &web.platform.console(), now())
}

async fn devices(State(web): State<Web>) -> Result<Json<Value>, Problem> {
    Ok(Json(web.platform.get("api/devices").await?))
}

async fn board(State(web): State<Web>, Path(stop): Path<String>) -> Result<Json<Value>, Problem> {
    if web.city.stop_name(&stop).is_none() {
        return Err(Problem(StatusCode::NOT_FOUND, format!("there is no stop {stop:?}")));
    }
    Ok(Json(web.platform.get(&format!("api/boards/{stop}")).await?))
}

#[derive(Debug, Deserialize)]
struct Amount {
    s: Option<i32>,
    lux: Option<u32>,
}

async fn device(
    State(web): State<Web>,
    Path((id, verb)): Path<(String, String)>,
    Query(amount): Query<Amount>,
) -> Result<StatusCode, Problem> {
    let network = |cut, delay| Fault::Network(Condition { cut, delay });
    let needs =
        |what: &str| Problem(StatusCode::BAD_REQUEST, format!("{verb} needs ?{what}=NUMBER"));
    let fault = match verb.as_str() {
        "cut" => network(true, Duration::ZERO),
        "heal" => network(false, Duration::ZERO),
        "slow" => network(false, SLOW),
        "power-off" => Fault::Power { on: false },
        "power-on" => Fault::Power { on: true },
        "kill" => Fault::Kill,
        "fill" => Fault::Disk { full: true },
        "free" => Fault::Disk { full: false },
        "skew" => Fault::Clock { skew_s: amount.s.ok_or_else(|| needs("s"))? },
        "light" => Fault::Light { lux: amount.lux.ok_or_else(|| needs("lux"))? },
        _ => {
            return Err(Problem(
                StatusCode::NOT_FOUND,
                format!("nobody knows how to {verb:?} a device"),
            ));
        }
    };
    ask(&web, Wish::Device { id, fault }).await
}

async fn kill_platform(State(web): State<Web>) -> Result<StatusCode, Problem> {
    ask(&web, Wish::KillPlatform).await
}

async fn kill_broker(State(web): State<Web>) -> Result<StatusCode, Problem> {
    ask(&web, Wish::KillBroker).await
}

async fn ask(web: &Web, wish: Wish) -> Result<StatusCode, Problem> {
    let gone = || Problem(StatusCode::SERVICE_UNAVAILABLE, "the street is closing".to_owned());
    let (answer, answered) = oneshot::channel();
    let request = street::Event::Request(street::Request { wish, answer });
    web.street.send(request).await.map_err(|_| gone())?;
    match answered.await.map_err(|_| gone())? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(Denial::NoSuchDevice) => Err(no_such_device()),
        Err(Denial::Impossible(why)) => Err(Problem(StatusCode::CONFLICT, why)),
    }
}

async fn warning(State(web): State<Web>, Path(verb): Path<String>) -> Result<StatusCode, Problem> {
    let on = match verb.as_str() {
        "raise" => true,
        "end" => false,
        _ => return Err(Problem(StatusCode::NOT_FOUND, "a warning is raised or ended".to_owned())),
    };
    web.platform.warn(now(), on).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The glass of a device, exactly: `X-Frame-SHA256` is the hash of its RGB bytes. Without power it is black.
async fn frame(
    State(web): State<Web>,
    Path(device): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = web.view.borrow().clone();
    let device =
        view.devices.iter().find(|view| view.post.id == device).ok_or_else(no_such_device)?;
    let glass = device.glass.clone().unwrap_or_else(|| Glass::dark(device.post));
    let tag = format!("\"{}\"", glass.sha256);
    let known =
        headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let about = [
        (header::ETAG.as_str(), tag),
        (header::CACHE_CONTROL.as_str(), "no-cache".to_owned()),
        ("x-frame-sha256", glass.sha256),
        ("x-frame-sequence", glass.sequence.to_string()),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let png = aside(move || glass.frame.png()).await?;
    Ok((about, [(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// Works on a thread where nobody else waits.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem(StatusCode::INTERNAL_SERVER_ERROR, "that failed".to_owned()))
}

fn no_such_device() -> Problem {
    Problem(StatusCode::NOT_FOUND, "there is no such device on this street".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "this is a shell: what it serves is as of now")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl From<PlatformError> for Problem {
    fn from(error: PlatformError) -> Self {
        let status = match error {
            PlatformError::Refused { status: 404, .. } => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_GATEWAY,
        };
        Problem(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.0.canonical_reason().unwrap_or_default();
        let body = json!({ "title": title, "detail": self.1 }).to_string();
        (self.0, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_pages_reach_the_switches() {
        let asked = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_local(&headers)
        };
        assert!(asked("127.0.0.1:8080", None));
        assert!(asked("localhost:8080", Some("http://localhost:8080")));
        assert!(!asked("gulou.example:8080", None));
        assert!(!asked("127.0.0.1:8080", Some("http://gulou.example")));
        assert!(!asked("127.0.0.1:8080", Some("null")));
    }
}
