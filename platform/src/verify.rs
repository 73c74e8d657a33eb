//! `gulou-platform verify`: whether a paper is what one of our terminals printed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::{StatusCode, Url};
use sync::ask::Keys;
use sync::document::{Hash, ShortCode, Stamp};

use crate::services::papers::Paper;

/// Largest file that is read, in bytes.
const FILE_MAX: u64 = 64 << 20;
/// A platform answers within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks a paper that a terminal printed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The 12-sign code, the text of the square code (GL1:…), or a file that holds that text or the document's content.
    #[arg(value_name = "FILE|CODE")]
    pub what: String,
    /// Keys of the platform, saved from /api/keys: the square code is then verified without any link.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Where the platform's console listens.
    #[arg(long, default_value = "http://127.0.0.1:8081")]
    pub platform: Url,
}

/// What was given.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    Stamp(Box<Stamp>),
    Code(ShortCode),
    Content(Hash),
}

/// Prints what is known; fails when the paper is not ours.
pub async fn run(args: &Args) -> anyhow::Result<()> {
    // The first provider stays; another one in this process is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let says = match given(&args.what)? {
        Given::Stamp(stamp) => {
            let keys = match &args.keys {
                Some(path) => serde_json::from_slice(&read(path)?)
                    .with_context(|| format!("{} does not hold keys", path.display()))?,
                None => fetch::<Keys>(&args.platform, "api/keys").await?.context("no keys")?,
            };
            stamp.verify(&keys.documents)?;
            let (document, device) = (&stamp.document, &stamp.certified.device);
            format!("good: {} of {}, printed by {device}", document.title, document.issued)
        }
        Given::Code(code) => record(&args.platform, &code.to_string()).await?,
        Given::Content(hash) => record(&args.platform, &hash.to_string()).await?,
    };
    writeln!(std::io::stdout().lock(), "{says}")?;
    Ok(())
}

fn given(what: &str) -> anyhow::Result<Given> {
    let path = Path::new(what);
    let text = if path.is_file() {
        let bytes = read(path)?;
        match String::from_utf8(bytes) {
            Ok(text) if Stamp::is_one(&text) => text,
            Ok(text) => return Ok(Given::Content(Hash::of(text.as_bytes()))),
            Err(other) => return Ok(Given::Content(Hash::of(other.as_bytes()))),
        }
    } else {
        what.to_owned()
    };
    if Stamp::is_one(&text) {
        return Ok(Given::Stamp(Box::new(text.parse()?)));
    }
    let code = text.parse().with_context(|| format!("{what:?} is neither a file nor a code"))?;
    Ok(Given::Code(code))
}

async fn record(platform: &Url, name: &str) -> anyhow::Result<String> {
    let found = fetch::<Paper>(platform, &format!("api/documents/{name}")).await?;
    let Some(Paper { title, issued_at, device, .. }) = found else {
        bail!(
            "no terminal reported such a document: it is not ours, or its record has not arrived"
        );
    };
    Ok(format!("good: {title} of {issued_at}, printed by {device}"))
}

async fn fetch<T: serde::de::DeserializeOwned>(
    platform: &Url,
    path: &str,
) -> anyhow::Result<Option<T>> {
    let url = platform.join(path)?;
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let answer = client.get(url.clone()).send().await.context("the platform does not answer")?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
    Ok(Some(answer.json().await?))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || path.display().to_string();
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(name)?;
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).with_context(name)?;
    ensure!(bytes.len() as u64 <= FILE_MAX, "{} is too large", name());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_content_and_anything_else_a_code() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paper.txt");
        std::fs::write(&path, "content").unwrap();
        let file = path.to_str().unwrap();
        assert_eq!(given(file).unwrap(), Given::Content(Hash::of(b"content")));
        let code = ShortCode::of(&Hash::of(b"content"));
        assert_eq!(given(&code.to_string()).unwrap(), Given::Code(code));
        assert!(given("nothing").unwrap_err().to_string().contains("neither a file nor a code"));
        assert!(given("GL1:AAAA").is_err());
    }
}
