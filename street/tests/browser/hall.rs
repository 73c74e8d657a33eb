//! A platform with a terminal, and a browser in front of it.

use std::path::Path;

use clap::Parser as _;
use jiff::Timestamp;
use platform::config::{Arguments, Config};
use platform::run::Platform;
use serde_json::{Value, json};
use street::browser::{self, Browser};
use sync::Clock;
use sync::ask::Counter;
use sync::handoff::{self, Kind};
use sync::identity::{self, Identity};

/// What the page says, as far as a person sees it.
pub(crate) const SEEN: &str = "return document.body.innerText";

/// A platform, a terminal and a browser.
pub(crate) struct Hall {
    platform: Platform,
    pub(crate) counter: Counter,
    pub(crate) identity: Identity,
    pub(crate) browser: Browser,
    pub(crate) token: String,
    _folder: tempfile::TempDir,
}

impl Hall {
    /// `None`, with a word why, where a browser or a broker is not installed.
    pub(crate) async fn open() -> Option<Hall> {
        if !browser::installed() || !Path::new("/usr/sbin/mosquitto").exists() {
            eprintln!("skipped: chromium, chromedriver or mosquitto is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let content = concat!("--content=", env!("CARGO_MANIFEST_DIR"), "/../content");
        let options = [content, "--http=127.0.0.1:0", "--device-https=127.0.0.1:0"];
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let places = [format!("--data={}", data.display()), format!("--mqtt-port={port}")];
        let words = ["gulou-platform"].into_iter().chain(options);
        let arguments = Arguments::parse_from(words.chain(places.iter().map(String::as_str)));
        let platform = Platform::start(Config::check(arguments.run).unwrap()).await.unwrap();
        let token = std::fs::read_to_string(data.join("operator.token")).unwrap().trim().to_owned();
        let registered = reqwest::Client::new()
            .post(format!("http://127.0.0.1:{}/api/devices", platform.http))
            .bearer_auth(&token)
            .body(json!({ "device": "terminal-1", "role": "terminal" }).to_string());
        let registered = registered.send().await.unwrap().bytes().await.unwrap();
        let registered: Value = serde_json::from_slice(&registered).unwrap();
        let provision = registered["provision"].as_str().unwrap().parse().unwrap();
        let now = Clock::new(Timestamp::UNIX_EPOCH).now();
        let (state, device) = (folder.path().join("terminal"), "terminal-1".parse().unwrap());
        let identity = identity::enrol(&state, &device, &provision, now).await.unwrap();
        let counter = Counter::open(&identity, now).unwrap();
        let browser = Browser::open(390, 844).await.unwrap();
        Some(Hall { platform, counter, identity, browser, token, _folder: folder })
    }

    /// Address of a new hand-off at `host`, with its key.
    pub(crate) async fn lay_down(&self, host: &str, kind: Kind, content: &[u8]) -> String {
        let (body, key) = handoff::seal(kind, content).unwrap();
        let address = self.counter.hand_off(body).await.unwrap().address(&key);
        let path = &address[address.find("/e/").unwrap()..];
        format!("http://{host}:{}{path}", self.platform.http)
    }

    /// Opens an address as a new page, whatever was open before.
    pub(crate) async fn go(&self, address: &str) {
        self.browser.go("about:blank").await.unwrap();
        self.browser.go(address).await.unwrap();
    }

    pub(crate) async fn press(&self) {
        self.browser.run("document.getElementById('open').click()").await.unwrap();
    }

    pub(crate) async fn sees(&self, text: &str) -> bool {
        let seen = format!("{SEEN}.includes({})", json!(text));
        self.browser.wait_for(&seen).await.is_ok()
    }

    /// An address of the console.
    pub(crate) fn console(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.platform.http)
    }

    /// Types a token into the form and sends it.
    pub(crate) async fn sign_on(&self, token: &str) {
        let form = "const form = document.querySelector('form.sign-on')";
        let script = format!(
            "{form}; form.querySelector('input').value = {}; form.requestSubmit()",
            json!(token)
        );
        self.browser.run(&script).await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.browser.close().await.unwrap();
        self.platform.stop().await;
    }
}
