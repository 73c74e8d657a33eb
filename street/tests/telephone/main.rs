//! A citizen's telephone opens what a terminal sealed for it: real platform, real browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
use sync::identity;

/// What the page says, as far as a person sees it.
const SEEN: &str = "return document.body.innerText";

/// A platform, a terminal and a telephone.
struct Hall {
    platform: Platform,
    counter: Counter,
    telephone: Browser,
    _folder: tempfile::TempDir,
}

impl Hall {
    /// `None`, with a word why, where a browser or a broker is not installed.
    async fn open() -> Option<Hall> {
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
        let token = std::fs::read_to_string(data.join("operator.token")).unwrap();
        let registered = reqwest::Client::new()
            .post(format!("http://127.0.0.1:{}/api/devices", platform.http))
            .bearer_auth(token.trim())
            .body(json!({ "device": "terminal-1", "role": "terminal" }).to_string());
        let registered = registered.send().await.unwrap().bytes().await.unwrap();
        let registered: Value = serde_json::from_slice(&registered).unwrap();
        let provision = registered["provision"].as_str().unwrap().parse().unwrap();
        let now = Clock::new(Timestamp::UNIX_EPOCH).now();
        let (state, device) = (folder.path().join("terminal"), "terminal-1".parse().unwrap());
        let identity = identity::enrol(&state, &device, &provision, now).await.unwrap();
        let counter = Counter::open(&identity, now).unwrap();
        let telephone = Browser::open(390, 844).await.unwrap();
        Some(Hall { platform, counter, telephone, _folder: folder })
    }

    /// Address of a new hand-off behind `origin`, with its key.
    async fn lay_down(&self, host: &str, kind: Kind, content: &[u8]) -> String {
        let (body, key) = handoff::seal(kind, content).unwrap();
        let address = self.counter.hand_off(body).await.unwrap().address(&key);
        let path = &address[address.find("/e/").unwrap()..];
        format!("http://{host}:{}{path}", self.platform.http)
    }

    /// Opens an address as a new page, whatever was open before.
    async fn go(&self, address: &str) {
        self.telephone.go("about:blank").await.unwrap();
        self.telephone.go(address).await.unwrap();
    }

    async fn press(&self) {
        self.telephone.run("document.getElementById('open').click()").await.unwrap();
    }

    async fn sees(&self, text: &str) -> bool {
        let seen = format!("{SEEN}.includes({})", json!(text));
        self.telephone.wait_for(&seen).await.is_ok()
    }

    async fn close(self) {
        self.telephone.close().await.unwrap();
        self.platform.stop().await;
    }
}

#[tokio::test]
async fn a_telephone_opens_a_page_once_and_forgets_the_key() {
    let Some(hall) = Hall::open().await else { return };
    let words = |zh: &str, en: &str| json!({ "zh": zh, "en": en });
    let page = json!({ "title": words("无房证明", "No property"), "sections": [{
        "title": words("申请人", "Applicant"),
        "lines": [words("林<b>秀英</b>", ""), words("2026年11月23日", "23 November 2026")],
    }] });
    let address = hall.lay_down("127.0.0.1", Kind::Page, page.to_string().as_bytes()).await;
    let (bare, _) = address.split_once('#').unwrap();
    hall.go(bare).await;
    assert!(hall.sees("地址不完整，材料还没有被取走").await, "without a key nothing is fetched");
    hall.go(&address).await;
    assert!(hall.sees("材料只能打开一次").await);
    hall.press().await;
    assert!(hall.sees("平台上已经没有这份材料了").await);
    let seen = hall.telephone.run(SEEN).await.unwrap().as_str().unwrap().to_owned();
    for text in ["无房证明", "No property", "林<b>秀英</b>", "2026年11月23日"] {
        assert!(seen.contains(text), "{text} in {seen}");
    }
    let now_at = hall.telephone.run("return location.href").await.unwrap();
    assert_eq!(now_at, json!(bare), "the key left the address bar");
    hall.go(&address).await;
    hall.press().await;
    assert!(hall.sees("这份材料已经取走").await);
    hall.close().await;
}

#[tokio::test]
async fn a_telephone_gets_a_pdf_as_a_file_and_says_where_it_cannot_decrypt() {
    let Some(hall) = Hall::open().await else { return };
    // Chromium trusts 127.0.0.1 without TLS, and this address of the same machine it does not.
    let address = hall.lay_down("0.0.0.0", Kind::Pdf, b"%PDF-1.7").await;
    hall.go(&address).await;
    assert!(hall.sees("没有用加密连接").await);
    hall.go(&address.replace("0.0.0.0", "127.0.0.1")).await;
    hall.press().await;
    assert!(hall.sees("保存 PDF 文件").await, "the page before fetched nothing");
    let link = hall.telephone.run("return document.getElementById('file').href").await.unwrap();
    assert!(link.as_str().unwrap().starts_with("blob:http://127.0.0.1"), "{link}");
    hall.close().await;
}
