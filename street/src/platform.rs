//! The real platform, as the street starts it and talks to it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _};
use reqwest::{Client, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::appliance::{AREA, PlatformPorts, Post};
use crate::config;
use crate::process::{Ending, Program};

/// Longest answer of the platform that is passed on, in bytes.
const ANSWER_MAX: usize = 4 << 20;
/// How long the demonstration's weather warning is in force, in minutes.
const WARNING_MINUTES: i64 = 30;
/// Identifier of the demonstration's weather warning.
const WARNING: &str = "gulou-street-typhoon";

/// A client of the platform's API.
#[derive(Debug, Clone)]
pub struct Platform {
    client: Client,
    ports: PlatformPorts,
    data: PathBuf,
}

/// Why the platform did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// It does not answer.
    #[error("the platform does not answer: {0}")]
    Silent(#[from] reqwest::Error),
    /// It has not made its token yet.
    #[error("the platform's token: {0}")]
    Token(#[from] std::io::Error),
    /// It refuses.
    #[error("the platform refuses: {status} {text}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it says.
        text: String,
    },
    /// It answers with more than anyone needs.
    #[error("the platform's answer is too long")]
    Long,
}

#[derive(Deserialize)]
struct Registered {
    provision: String,
}

impl Platform {
    /// A client of the platform that keeps its files in `data` and listens on `ports`.
    pub fn new(client: Client, ports: PlatformPorts, data: PathBuf) -> Self {
        Self { client, ports, data }
    }

    /// Address of the console.
    pub fn console(&self) -> String {
        format!("http://{}/", self.ports.http)
    }

    /// The program; feeds come from the street's own page at `feeds`.
    pub fn program<'a>(&self, path: &'a Path, log: &'a Path, feeds: &str) -> Program<'a> {
        let mut arguments: Vec<OsString> =
            vec!["run".into(), "--data".into(), self.data.clone().into()];
        let content = config::content();
        if content.is_dir() {
            arguments.extend(["--content".into(), content.into()]);
        }
        let mqtt_port = self.ports.mqtt.port().to_string();
        let options = [
            ("--tenant", "gulou".to_owned()),
            ("--area", AREA.to_owned()),
            ("--http", self.ports.http.to_string()),
            ("--device-https", self.ports.https.to_string()),
            ("--mqtt-port", mqtt_port),
            // The codes on the glass lead to this machine's own browser.
            ("--public", self.console()),
            ("--gtfs", format!("{feeds}/gtfs.zip")),
            ("--trip-updates", format!("{feeds}/trip-updates.pb")),
            ("--vehicle-positions", format!("{feeds}/vehicle-positions.pb")),
            ("--poll-s", "5".to_owned()),
        ];
        arguments.extend(options.into_iter().flat_map(|(name, value)| [name.into(), value.into()]));
        Program { path, arguments, environment: Vec::new(), log, ending: Ending::Terminate }
    }

    /// Registers the appliance at `post`; returns what the device needs for its enrolment.
    pub async fn register(&self, post: Post) -> Result<String, PlatformError> {
        let body = match post.stop {
            Some(stop) => json!({ "device": post.id, "role": post.role, "stop": stop }),
            None => json!({ "device": post.id, "role": post.role }),
        };
        let answer = self.post("api/devices")?.json(&body).send().await?;
        let registered: Registered = accepted(answer).await?.json().await?;
        Ok(registered.provision)
    }

    /// `GET path` as the platform answers it.
    pub async fn get(&self, path: &str) -> Result<Value, PlatformError> {
        let answer = accepted(self.client.get(self.console() + path).send().await?).await?;
        if answer.content_length().is_some_and(|length| length > ANSWER_MAX as u64) {
            return Err(PlatformError::Long);
        }
        Ok(answer.json().await?)
    }

    /// Raises the demonstration's typhoon warning, or calls it off.
    pub async fn warn(&self, now: Timestamp, on: bool) -> Result<(), PlatformError> {
        let request = self.post("api/alerts")?.header("content-type", "application/xml");
        accepted(request.body(typhoon(now, on)).send().await?).await?;
        Ok(())
    }

    /// Pays what the code on the terminal's glass asks for, as a telephone would.
    pub async fn pay(&self, code: &str) -> Result<(), PlatformError> {
        let till = self.console() + "pay/";
        let trade = code.strip_prefix(&till).filter(|trade| {
            !trade.is_empty() && trade.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let trade = trade.ok_or_else(|| PlatformError::Refused {
            status: 404,
            text: "this is no code to pay".to_owned(),
        })?;
        accepted(self.client.post(till.clone() + trade).send().await?).await?;
        Ok(())
    }

    fn post(&self, path: &str) -> Result<reqwest::RequestBuilder, PlatformError> {
        let token = fs::read_to_string(self.data.join("operator.token"))?;
        Ok(self.client.post(self.console() + path).bearer_auth(token.trim()))
    }
}

async fn accepted(answer: Response) -> Result<Response, PlatformError> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap_or_default().chars().take(200).collect();
    Err(PlatformError::Refused { status, text })
}

/// A CAP 1.2 message for the whole district (OASIS CAP 1.2, section 3).
fn typhoon(now: Timestamp, on: bool) -> String {
    // Alert and cancellation differ in `sent` only, by which the second one refers to the first.
    let sent = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    let expires = sent(now.saturating_add(WARNING_MINUTES.minutes()).unwrap_or(now));
    let kind = if on {
        "<msgType>Alert</msgType><scope>Public</scope>".to_owned()
    } else {
        format!(
            "<msgType>Cancel</msgType><scope>Public</scope><references>street@example.invalid,{WARNING},{}</references>",
            sent(now)
        )
    };
    let info = |language: &str, event: &str, headline: &str, instruction: &str, area: &str| {
        format!(
            "<info><language>{language}</language><category>Met</category><event>{event}</event>\
             <urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>\
             <expires>{expires}</expires><headline>{headline}</headline><instruction>{instruction}</instruction>\
             <area><areaDesc>{area}</areaDesc><geocode><valueName>GB2260</valueName><value>{AREA}</value></geocode>\
             </area></info>"
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>{WARNING}{}</identifier>\
         <sender>street@example.invalid</sender><sent>{}</sent><status>Actual</status>{kind}{}{}</alert>",
        if on { "" } else { "-end" },
        sent(now),
        info("zh-CN", "台风", "台风橙色预警", "请尽快回家，远离广告牌和大树。", "福州市鼓楼区"),
        info(
            "en",
            "Typhoon",
            "Typhoon warning: orange",
            "Go home soon; keep away from hoardings and trees.",
            "Gulou District, Fuzhou"
        ),
    )
}
