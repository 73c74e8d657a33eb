//! Somebody who stands at the terminal and goes by what is on its glass: for tests and for pictures.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::appliance::TERMINAL;
use crate::fingers::Contact;

/// How long the glass gets to show what is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A visitor of the street at an address.
#[derive(Debug)]
pub struct Visitor {
    client: reqwest::Client,
    street: String,
}

/// One part of the glass, as somebody knows it who can't see.
#[derive(Debug, Clone, Deserialize)]
pub struct Part {
    /// As in WAI-ARIA.
    pub role: String,
    /// What it is called.
    pub label: String,
    /// What else is said of it.
    pub description: String,
    /// What stands in it.
    pub value: String,
    /// Whether it does something when it is pressed.
    pub enabled: bool,
    /// Where it can be seen, in pixels.
    pub seen: Place,
    /// Whether it stands in another part that is already named.
    pub inner: bool,
}

/// A rectangle of the glass, in pixels.
#[expect(missing_docs, reason = "the fields say it")]
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Place {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

#[derive(Debug, Deserialize)]
struct Outline {
    parts: Vec<Part>,
}

impl Part {
    /// Whether a person who looks at the glass sees it.
    pub fn is_seen(&self) -> bool {
        self.seen.width > 0.0 && self.seen.height > 0.0
    }

    /// Whether these words stand on it.
    pub fn says(&self, words: &str) -> bool {
        [&self.label, &self.description, &self.value].iter().any(|text| text.contains(words))
    }

    fn can_be_pressed(&self, label: &str) -> bool {
        self.role == "button" && self.enabled && !self.inner && self.is_seen() && self.says(label)
    }
}

impl Visitor {
    /// A visitor of the street whose page is at `street`.
    pub fn new(street: &str) -> anyhow::Result<Visitor> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Visitor { client, street: street.trim_end_matches('/').to_owned() })
    }

    /// What stands on the glass now.
    pub async fn glass(&self) -> anyhow::Result<Vec<Part>> {
        let answer = self.client.get(format!("{}/terminal/outline", self.street)).send().await?;
        let outline: Outline = answer.error_for_status()?.json().await?;
        Ok(outline.parts)
    }

    /// Waits until these words can be seen.
    pub async fn sees(&self, words: &str) -> anyhow::Result<Part> {
        let seen = |part: &Part| part.is_seen() && part.says(words);
        self.waits(words, |parts| parts.into_iter().find(seen)).await
    }

    /// Waits until these words can no longer be seen.
    pub async fn misses(&self, words: &str) -> anyhow::Result<()> {
        let seen = |part: &Part| part.is_seen() && part.says(words);
        self.waits(words, |parts| (!parts.is_empty() && !parts.iter().any(seen)).then_some(()))
            .await
    }

    /// Waits for the button with these words and presses it.
    pub async fn presses(&self, words: &str) -> anyhow::Result<()> {
        let fits = |part: &Part| part.can_be_pressed(words);
        let Part { seen, .. } = self.waits(words, |parts| parts.into_iter().find(fits)).await?;
        self.touches(seen.x + seen.width / 2.0, seen.y + seen.height / 2.0).await
    }

    /// Lays down the card of a citizen of the registry.
    pub async fn lays_card(&self, citizen: &str) -> anyhow::Result<()> {
        self.asks(&format!("terminal/citizens/{citizen}/card"), &Value::Null).await
    }

    /// Does something to a device on the bench.
    pub async fn tells(&self, device: &str, command: &Value) -> anyhow::Result<()> {
        self.asks(&format!("terminal/bench/{device}"), command).await
    }

    /// Touches the glass at a pixel and lifts the finger again.
    pub async fn touches(&self, x: f32, y: f32) -> anyhow::Result<()> {
        #[expect(clippy::cast_possible_truncation, reason = "a panel has some thousand pixels")]
        let (x, y) = (x.round() as i32, y.round() as i32);
        for contact in [Contact::Down, Contact::Up] {
            let touch = json!({ "x": x, "y": y, "contact": contact });
            self.asks("terminal/touch", &touch).await?;
        }
        Ok(())
    }

    /// Photographs the glass into a PNG file.
    pub async fn photographs(&self, path: &Path) -> anyhow::Result<()> {
        let glass = format!("{}/street/{}/frame.png", self.street, TERMINAL.id);
        let answer = self.client.get(glass).send().await?.error_for_status()?;
        Ok(std::fs::write(path, answer.bytes().await?)?)
    }

    async fn asks(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.client.post(format!("{}/{path}", self.street)).json(body);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    async fn waits<T>(
        &self,
        words: &str,
        good: impl Fn(Vec<Part>) -> Option<T>,
    ) -> anyhow::Result<T> {
        let look = async {
            loop {
                if let Some(found) = good(self.glass().await.unwrap_or_default()) {
                    return found;
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a glass tells nobody that it changed"
                )]
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, look).await;
        found.with_context(|| format!("looked in vain for {words:?} on the glass"))
    }
}
