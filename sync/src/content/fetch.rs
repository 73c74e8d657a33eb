//! One blob over HTTP, from where the last cut left off. Shell.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::manifest::BlobId;
use super::plan::Want;
use crate::identity::{Pin, client_config};
use crate::moment::Moment;

/// A server that says nothing for this long is gone.
const SILENCE: Duration = Duration::from_secs(30);
/// A server is reached within this, or not at all.
const PATIENCE: Duration = Duration::from_secs(15);
/// So much is lost at most when power fails, in bytes.
const SYNC_EVERY: u64 = 4 << 20;

/// Why a blob did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The connection did not come about or did not hold.
    #[error("connection cut")]
    Cut {
        /// Whether some bytes came before that.
        progressed: bool,
    },
    /// The server said no.
    #[error("server answered {0}")]
    Status(u16),
    /// The bytes are not those of that name; they were thrown away.
    #[error("bytes do not have the hash they should")]
    Corrupt,
    /// There is no room on the disk.
    #[error("disk is full")]
    Full,
    /// The disk did not take or give the bytes.
    #[error("disk: {0}")]
    Disk(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Disk(error.to_string()),
        }
    }
}

/// Where blobs come from and go to.
#[derive(Debug)]
pub(super) struct Fetcher {
    base: String,
    pin: Pin,
    folder: PathBuf,
    /// The client, and whether it was made while the clock was trusted.
    client: Option<(bool, Client)>,
}

impl Fetcher {
    pub(super) fn new(base: &str, pin: Pin, folder: &Path) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            pin,
            folder: folder.to_owned(),
            client: None,
        }
    }

    /// The work of one download; on success `blobs/HASH` is there, verified and durable.
    pub(super) fn fetch(
        &mut self,
        now: Moment,
        want: Want,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        let client = self.client(now);
        let url = format!("{}/blobs/{}", self.base, want.blob);
        let (part, blob) =
            (self.folder.join(part_name(want.blob)), self.folder.join(blob_name(want.blob)));
        async move {
            let client = client?;
            let result = download(&client, &url, want, &part).await;
            if matches!(result, Err(Failure::Corrupt | Failure::Full)) {
                // What is wrong is worth nothing, and what does not fit only keeps the disk full.
                let _ = fs::remove_file(&part).await;
            }
            result?;
            fs::rename(&part, &blob).await?;
            let folder = blob.clone();
            tokio::task::spawn_blocking(move || crate::file::sync_folder(&folder))
                .await
                .map_err(io::Error::other)??;
            Ok(())
        }
    }

    /// One client for all downloads, so that they share a connection; another one once the clock's standing changed,
    /// because that decides whether certificates' dates count.
    fn client(&mut self, now: Moment) -> Result<Client, Failure> {
        let trusted = now.trusted_wall().is_some();
        if let Some((_, client)) = self.client.as_ref().filter(|(made, _)| *made == trusted) {
            return Ok(client.clone());
        }
        let client = Client::builder()
            .tls_backend_preconfigured(client_config(self.pin, now))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(PATIENCE)
            .read_timeout(SILENCE)
            .build()
            .map_err(|error| Failure::Disk(format!("no HTTP client: {error}")))?;
        self.client = Some((trusted, client.clone()));
        Ok(client)
    }
}

pub(super) fn part_name(blob: BlobId) -> String {
    format!("parts/{blob}")
}

pub(super) fn blob_name(blob: BlobId) -> String {
    format!("blobs/{blob}")
}

async fn download(client: &Client, url: &str, want: Want, part: &Path) -> Result<(), Failure> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(part)
        .await?;
    let mut have = file.metadata().await?.len();
    if have > want.size {
        return Err(Failure::Corrupt);
    }
    if have < want.size {
        let cut = |_| Failure::Cut { progressed: false };
        let response =
            client.get(url).header(RANGE, format!("bytes={have}-")).send().await.map_err(cut)?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if starts_at(&response, have, want.size) => {}
            // A server that knows no ranges sends everything.
            StatusCode::OK => {
                file.set_len(0).await?;
                have = 0;
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                return Err(Failure::Corrupt);
            }
            status => return Err(Failure::Status(status.as_u16())),
        }
        file.seek(SeekFrom::Start(have)).await?;
        append(response, &mut file, want.size - have).await?;
    }
    file.sync_all().await?;
    if hash(&mut file).await? == want.blob { Ok(()) } else { Err(Failure::Corrupt) }
}

/// Writes exactly `missing` bytes of the body.
async fn append(response: Response, file: &mut File, missing: u64) -> Result<(), Failure> {
    let (mut written, mut unsynced) = (0, 0);
    let mut chunks = response.bytes_stream();
    let mut cut = false;
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            cut = true;
            break;
        };
        let length = chunk.len() as u64;
        if written + length > missing {
            return Err(Failure::Corrupt);
        }
        file.write_all(&chunk).await?;
        (written, unsynced) = (written + length, unsynced + length);
        if unsynced >= SYNC_EVERY {
            file.sync_data().await?;
            unsynced = 0;
        }
    }
    file.flush().await?;
    if cut || written < missing { Err(Failure::Cut { progressed: written > 0 }) } else { Ok(()) }
}

/// Whether an answer to a range goes on exactly where we stopped: `bytes START-END/SIZE` (RFC 9110 §14.4).
fn starts_at(response: &Response, have: u64, size: u64) -> bool {
    let expected = format!("bytes {have}-{}/{size}", size - 1);
    response
        .headers()
        .get(CONTENT_RANGE)
        .is_some_and(|value| value.as_bytes() == expected.as_bytes())
}

async fn hash(file: &mut File) -> io::Result<BlobId> {
    file.seek(SeekFrom::Start(0)).await?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).await? {
            0 => return Ok(BlobId::from_hash(hash)),
            read => hash.update(&buffer[..read]),
        }
    }
}
