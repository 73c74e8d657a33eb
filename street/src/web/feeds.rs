//! The city's feeds, as an operator would publish them.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

use super::{Web, now};

/// Addresses of the feeds.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/feeds/gtfs.zip", get(gtfs))
        .route("/feeds/trip-updates.pb", get(trip_updates))
        .route("/feeds/vehicle-positions.pb", get(vehicle_positions))
}

async fn gtfs(State(web): State<Web>) -> Response {
    ([(header::CONTENT_TYPE, "application/zip")], web.city.gtfs().to_vec()).into_response()
}

async fn trip_updates(State(web): State<Web>, headers: HeaderMap) -> Response {
    let rendered = web.city.at(now());
    realtime(&headers, rendered.at, || rendered.trip_updates.clone())
}

async fn vehicle_positions(State(web): State<Web>, headers: HeaderMap) -> Response {
    let rendered = web.city.at(now());
    realtime(&headers, rendered.at, || rendered.vehicle_positions.clone())
}

/// A feed of `at`, unless the asker has it already (RFC 9110, section 13.1.3).
fn realtime(headers: &HeaderMap, at: Timestamp, body: impl FnOnce() -> Vec<u8>) -> Response {
    let modified = DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default();
    let about = [(header::LAST_MODIFIED, modified)];
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = since.and_then(|text| DateTimeParser::new().parse_timestamp(text).ok());
    if since.is_some_and(|since| since >= at) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(header::CONTENT_TYPE, "application/x-protobuf")], body()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_that_did_not_change_is_not_sent_again() {
        let at: Timestamp = "2026-11-23T00:00:05Z".parse().unwrap();
        let ask = |since: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(since) = since {
                headers.insert(header::IF_MODIFIED_SINCE, since.parse().unwrap());
            }
            realtime(&headers, at, || vec![1])
        };
        let first = ask(None);
        let modified = first.headers()[header::LAST_MODIFIED].to_str().unwrap();
        assert_eq!(modified, "Mon, 23 Nov 2026 00:00:05 GMT");
        assert_eq!(ask(Some(modified)).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(ask(Some("Mon, 23 Nov 2026 00:00:00 GMT")).status(), StatusCode::OK);
        assert_eq!(ask(Some("yesterday")).status(), StatusCode::OK);
    }
}
