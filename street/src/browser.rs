//! A minimal `WebDriver` client (W3C recommendation of 2018): enough to open the page, look at it and photograph it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long the page gets to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(45);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A headless Chromium.
#[derive(Debug)]
pub struct Browser {
    client: reqwest::Client,
    session: String,
    _driver: Child,
}

/// Whether Chromium and its driver are installed.
pub fn installed() -> bool {
    let found = |name: &str| {
        let places = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&places).any(|place| place.join(name).exists())
    };
    found("chromedriver") && (found("chromium") || found("google-chrome"))
}

impl Browser {
    /// Starts one with a window of this size.
    pub async fn open(width: u32, height: u32) -> anyhow::Result<Browser> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver does not start; on Debian: sudo apt-get install chromium chromium-driver")?;
        let mut lines = BufReader::new(driver.stdout.take().context("no output")?).lines();
        let port = loop {
            let line = lines.next_line().await?.context("chromedriver ended")?;
            if let Some((_, rest)) = line.split_once("started successfully on port ") {
                break rest.trim_end_matches('.').to_owned();
            }
        };
        let client = reqwest::Client::builder().no_proxy().build()?;
        let options = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--lang=zh-CN",
            "--force-device-scale-factor=1",         ] } } } });
        let driver_url = format!("http://127.0.0.1:{port}/session");
        let opened = call(&client, &driver_url, Some(options)).await?;
        let id = opened["sessionId"].as_str().context("no session")?.to_owned();
        let browser = Browser { client, session: format!("{driver_url}/{id}"), _driver: driver };
        browser.resize(width, height).await?;
        Ok(browser)
    }

    /// Goes to `url`.
    pub async fn go(&self, url: &str) -> anyhow::Result<()> {
        self.call("url", Some(json!({ "url": url }))).await.map(drop)
    }

    /// Runs the body of a function in the page and returns what it returns.
    pub async fn run(&self, script: &str) -> anyhow::Result<Value> {
        self.call("execute/sync", Some(json!({ "script": script, "args": [] }))).await
    }

    /// Waits until the body of a function returns something true.
    pub async fn wait_for(&self, script: &str) -> anyhow::Result<Value> {
        let wait = async {
            loop {
                let value = self.run(script).await?;
                if !matches!(value, Value::Null | Value::Bool(false)) {
                    return Ok(value);
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "WebDriver has no event to wait for"
                )]
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .with_context(|| format!("waited in vain for: {script}"))?
    }

    /// Presses the mouse at a point of the page, in its pixels from the top left.
    pub async fn click(&self, x: f64, y: f64) -> anyhow::Result<()> {
        let pointer = json!({ "type": "pointer", "id": "mouse", "actions": [
            { "type": "pointerMove", "x": x.round(), "y": y.round(), "origin": "viewport" },
            { "type": "pointerDown", "button": 0 }, { "type": "pointerUp", "button": 0 },
        ] });
        self.call("actions", Some(json!({ "actions": [pointer] }))).await.map(drop)
    }

    /// Gives the page exactly this many pixels, whatever the window's frame takes.
    async fn resize(&self, width: u32, height: u32) -> anyhow::Result<()> {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.call("goog/cdp/execute", Some(command)).await.map(drop)
    }

    /// Photographs the window into a PNG file.
    pub async fn photograph(&self, path: &Path) -> anyhow::Result<()> {
        let shot = self.call("screenshot", None).await?;
        let png = base64::engine::general_purpose::STANDARD
            .decode(shot.as_str().context("no picture")?)?;
        Ok(std::fs::write(path, png)?)
    }

    /// Ends it; a dropped one leaves Chromium behind.
    pub async fn close(self) -> anyhow::Result<()> {
        self.client.delete(&self.session).send().await?.error_for_status()?;
        Ok(())
    }

    async fn call(&self, command: &str, body: Option<Value>) -> anyhow::Result<Value> {
        call(&self.client, &format!("{}/{command}", self.session), body).await
    }
}

/// `POST` with a body, `GET` without; the answer's `value`.
async fn call(client: &reqwest::Client, url: &str, body: Option<Value>) -> anyhow::Result<Value> {
    let request = match body {
        Some(body) => client.post(url).json(&body),
        None => client.get(url),
    };
    let mut answer: Value = request.send().await?.json().await?;
    let value = answer["value"].take();
    anyhow::ensure!(value["error"].is_null(), "{}: {}", value["error"], value["message"]);
    Ok(value)
}
