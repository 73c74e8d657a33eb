//! One look at one place: bytes where there is something new.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{
    ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Client, Response, StatusCode, Url};

use crate::config::Place;

/// How long a server may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one look may take in all.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there are no bytes.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file can't be read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// The server does not answer as it should.
    #[error("{}", reason(.0))]
    Http(#[from] reqwest::Error),
    /// The server said something else than yes.
    #[error("server answers {0}")]
    Status(StatusCode),
    /// More than anyone needs.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
}

/// An error and its causes, without the address: that may hold a key.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {TOTAL_TIMEOUT:?}");
    }
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.pop().unwrap_or_else(|| "the request failed".to_owned())
}

/// Remembers what was seen last, so that nothing is read twice.
#[derive(Debug)]
pub struct Fetcher {
    place: Place,
    bytes_max: u64,
    client: Client,
    file: Option<(SystemTime, u64)>,
    /// What to send so that the server can say "not modified".
    condition: HeaderMap,
}

impl Fetcher {
    /// A fetcher that has seen nothing.
    pub fn new(place: Place, bytes_max: u64) -> Self {
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(TOTAL_TIMEOUT);
        let client = client.build().expect("timeouts are the only settings, and they are valid");
        Self { place, bytes_max, client, file: None, condition: HeaderMap::new() }
    }

    /// Forgets what was seen, because it could not be used.
    pub fn forget(&mut self) {
        self.file = None;
        self.condition.clear();
    }

    /// The bytes, or `None` when they are those of the last time.
    pub async fn fetch(&mut self) -> Result<Option<Bytes>, FetchError> {
        match &self.place {
            Place::Url(url) => {
                let url = url.clone();
                self.fetch_url(url).await
            }
            Place::File(path) => {
                let metadata = std::fs::metadata(path)?;
                let seen = Some((metadata.modified()?, metadata.len()));
                if seen == self.file {
                    return Ok(None);
                }
                let (path, max) = (path.clone(), self.bytes_max);
                let read = tokio::task::spawn_blocking(move || bounded(&path, max)).await;
                let bytes = read.map_err(io::Error::other)??;
                self.file = seen;
                Ok(Some(bytes))
            }
        }
    }

    async fn fetch_url(&mut self, url: Url) -> Result<Option<Bytes>, FetchError> {
        let response = self.client.get(url).headers(self.condition.clone()).send().await?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(None),
            status if !status.is_success() => return Err(FetchError::Status(status)),
            _ => {}
        }
        let condition = condition(response.headers());
        let bytes = body(response, self.bytes_max).await?;
        self.condition = condition;
        Ok(Some(bytes))
    }
}

/// RFC 9110, section 13.1: an entity tag is the better question, a date the other one.
fn condition(answer: &HeaderMap<HeaderValue>) -> HeaderMap {
    let pairs = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];
    let known = pairs.into_iter().filter_map(|(said, ask)| Some((ask, answer.get(said)?.clone())));
    known.collect()
}

async fn body(mut response: Response, max: u64) -> Result<Bytes, FetchError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if (bytes.len() + chunk.len()) as u64 > max {
            return Err(FetchError::TooLarge(max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// The file's bytes, if there are not too many.
pub fn bounded(path: &Path, max: u64) -> Result<Bytes, FetchError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max { Err(FetchError::TooLarge(max)) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::response::IntoResponse as _;
    use axum::routing::get;

    fn looking_at(place: Place, bytes_max: u64) -> Fetcher {
        rustls::crypto::ring::default_provider().install_default().ok();
        Fetcher::new(place, bytes_max)
    }

    #[tokio::test]
    async fn a_file_is_read_when_it_was_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.pb");
        std::fs::write(&path, "one").unwrap();
        let mut fetcher = looking_at(Place::File(path.clone()), 10);
        assert_eq!(fetcher.fetch().await.unwrap().unwrap(), "one");
        assert_eq!(fetcher.fetch().await.unwrap(), None);
        std::fs::write(&path, "other").unwrap();
        assert_eq!(fetcher.fetch().await.unwrap().unwrap(), "other");
        std::fs::write(&path, "far too long").unwrap();
        assert_eq!(fetcher.fetch().await.unwrap_err().to_string(), "larger than 10 bytes");
    }

    async fn serve(router: Router) -> Place {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/feed?key=secret").parse().unwrap()
    }

    #[tokio::test]
    async fn a_server_is_asked_only_for_what_is_new() {
        let answer = |request: Request<Body>| async move {
            if request.headers().get("if-none-match").is_some_and(|tag| tag == "\"1\"") {
                return StatusCode::NOT_MODIFIED.into_response();
            }
            ([("etag", "\"1\"")], "feed").into_response()
        };
        let mut fetcher = looking_at(serve(Router::new().route("/feed", get(answer))).await, 10);
        assert_eq!(fetcher.fetch().await.unwrap().unwrap(), "feed");
        assert_eq!(fetcher.fetch().await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_error_names_the_reason_and_never_the_key() {
        let mut fetcher = looking_at(serve(Router::new()).await, 10);
        assert_eq!(fetcher.fetch().await.unwrap_err().to_string(), "server answers 404 Not Found");
        let nobody = "http://127.0.0.1:9/feed?key=secret".parse().unwrap();
        let error = looking_at(nobody, 10).fetch().await.unwrap_err().to_string();
        assert!(error.contains("refused") && !error.contains("secret"), "{error}");
    }
}
