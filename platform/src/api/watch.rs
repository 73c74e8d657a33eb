//! News as server-sent events. Each only says what changed; what it is now is read where it stands.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_stream::{Stream, StreamExt as _};

use super::Shared;

/// What changes, from now on.
///
/// Events are named `device`, `board`, `alerts` and `feed`; their data is `{"what": …, "id": …}`.
/// `everything` means that this reader was too slow: read again what you show.
#[utoipa::path(get, path = "/api/events", tag = "events",
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn news(
    State(desk): State<Shared>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let metrics = std::sync::Arc::clone(&desk.metrics);
    let news = BroadcastStream::new(desk.press.listen()).map(move |news| {
        Ok(match news {
            Ok(news) => {
                let json = serde_json::to_value(&news).expect("news has string keys only");
                let name = json["what"].as_str().unwrap_or_default().to_owned();
                Event::default().event(name).data(json.to_string())
            }
            Err(BroadcastStreamRecvError::Lagged(_)) => {
                metrics.readers_lagged.inc();
                Event::default().event("everything").data(r#"{"what":"everything"}"#)
            }
        })
    });
    Sse::new(news).keep_alive(KeepAlive::default())
}
