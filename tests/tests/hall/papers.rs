//! What a citizen takes home: paper, with a code that proves it.

use serde_json::{Value, json};
use sync::handoff;

use crate::hall::{Hall, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_few_fonts_have_is_printed_on_a_certificate_the_platform_knows() {
    let mut hall = Hall::open().await;
    hall.asks_for_no_property_certificate("zhang-y").await;
    hall.sees("办其他事").await;
    let printed = async || hall.files("pages").iter().any(|file| is_pdf(file));
    until("a page lies in the tray", printed).await.unwrap();
    let record = hall.record_of_a_paper().await;
    assert_eq!(record["title"], "无房证明");
    assert_eq!(record["device"], "terminal-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_is_paid_by_telephone_and_its_receipt_proves_itself_without_the_platform() {
    let mut hall = Hall::open().await;
    hall.opens_a_water_bill("3501020001").await;
    hall.pays_with_a_telephone().await;
    hall.sees("水费缴费凭证").await;
    let tray = hall.files_in("tray", 1).await;
    let code = code_of(&tray[0]);
    let keys: paper::code::Keys = hall.published_keys().await;
    let stamp: paper::code::Stamp = code.parse().unwrap();
    stamp.verify(&keys).unwrap();
    assert_eq!(stamp.title, "水费缴费凭证");
    assert_eq!(hall.record_of_a_paper().await["title"], "水费缴费凭证");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_paper_is_out_the_same_paper_goes_to_her_telephone_once() {
    let mut hall = Hall::open().await;
    hall.happens("a4", json!({ "do": "paper-out" })).await;
    hall.asks_for_no_property_certificate("huang-weiming").await;
    hall.reads("打印机缺纸").await;
    hall.tap("用手机收电子件").await;
    hall.sees("请用手机扫这个码").await;
    let code = hall.square_code().await;
    let (place, key) = code.split_once('#').unwrap();
    let telephone = telephone();
    let fetched = telephone.post(place).send().await.unwrap().bytes().await.unwrap();
    let (kind, paper) = handoff::open(&fetched, &key.parse().unwrap()).unwrap();
    assert_eq!(kind, handoff::Kind::Pdf);
    assert!(paper.starts_with(b"%PDF-"));
    assert_eq!(telephone.post(place).send().await.unwrap().status(), 410);
    assert_eq!(hall.record_of_a_paper().await["title"], "无房证明");
}

/// A telephone that trusts the platform's certificate.
fn telephone() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().danger_accept_invalid_certs(true).build().unwrap()
}

impl Hall {
    /// From the first touch to the page that works on it.
    pub(crate) async fn asks_for_no_property_certificate(&mut self, citizen: &str) {
        self.tap("轻触屏幕开始").await;
        self.tap("打印证明").await;
        self.opens("无房证明").await;
        self.tap("开始办理").await;
        self.sees("请放上身份证").await;
        self.shows_card(citizen, "请看镜头").await;
        self.tap("拍照").await;
        self.sees("证明用来做什么？").await;
        self.tap("子女入学").await;
        self.tap("下一步").await;
        self.sees("请核对").await;
        self.tap("没问题，打印").await;
    }

    /// From the first touch to the code that is to be paid, or to what stands in the way.
    pub(crate) async fn opens_a_water_bill(&mut self, account: &str) {
        self.tap("轻触屏幕开始").await;
        self.tap("缴费").await;
        self.opens("水费缴纳").await;
        self.tap("开始办理").await;
        self.sees("您的用水户号是多少？").await;
        self.happens("scanner", json!({ "do": "scan", "text": account })).await;
        if self.sees_one_of(&["请核对账单", "没有欠费"]).await == "没有欠费" {
            return;
        }
        self.tap("下一步").await;
        if self.sees_one_of(&["要付哪些月份？", "请用手机扫码付款"]).await == "要付哪些月份？"
        {
            self.tap("全部欠费").await;
            self.tap("下一步").await;
            self.sees("请用手机扫码付款").await;
        }
    }

    /// Turns the list until the item stands there, and opens it.
    pub(crate) async fn opens(&mut self, item: &str) {
        self.sees("请选择事项").await;
        while self.find(item).is_none() {
            let next = self.find("下一页").unwrap_or_else(|| panic!("{item} is not in the list"));
            assert!(next.enabled, "{item} is not in the list");
            self.tap("下一页").await;
        }
        self.tap(item).await;
        self.sees("开始办理").await;
    }

    /// Reads the square code on the glass and pays what it asks for.
    pub(crate) async fn pays_with_a_telephone(&self) {
        let code = self.square_code().await;
        let paid = telephone().post(&code).send().await.unwrap();
        assert!(paid.status().is_success() || paid.status().is_redirection(), "{code}: {paid:?}");
    }

    /// What the square code says that stands on the glass now.
    pub(crate) async fn square_code(&self) -> String {
        let read = || {
            let panel = drivers::surface::memory::read(self.path("panel")).ok()?;
            let size = embedded_graphics::geometry::OriginDimensions::size(&panel.frame);
            let dots = panel.frame.pixels();
            let side = |side: u32| usize::try_from(side).unwrap();
            read_code(side(size.width), side(size.height), |x, y| {
                dots[(y * side(size.width) + x) * 3]
            })
        };
        until("a square code stands on the glass", async || read().is_some()).await.unwrap();
        read().unwrap()
    }

    /// The files of a folder, once so many lie there.
    pub(crate) async fn files_in(&self, folder: &str, count: usize) -> Vec<std::path::PathBuf> {
        let there = async || self.files(folder).len() >= count;
        until(&format!("{count} papers lie in {folder}"), there).await.unwrap();
        self.files(folder)
    }

    /// What the platform keeps of the paper that was printed last.
    async fn record_of_a_paper(&self) -> Value {
        let path = "/api/devices/terminal-1/events?stream=documents";
        let documents = async || {
            let events = self.platform.get(path).await.unwrap();
            let events = events["events"].as_array().cloned().unwrap_or_default();
            events.into_iter().next()
        };
        until("the platform has a record", async || documents().await.is_some()).await.unwrap();
        let event = documents().await.unwrap();
        let hash = event["payload"]["hash"].as_str().unwrap().to_owned();
        self.platform.get(&format!("/api/documents/{hash}")).await.unwrap()
    }

    /// Keys with which papers are verified without the platform.
    async fn published_keys(&self) -> paper::code::Keys {
        let keys = self.platform.get("/api/keys").await.unwrap();
        let mut key = [0; 32];
        hex::decode_to_slice(keys["documents"]["key"].as_str().unwrap(), &mut key).unwrap();
        let platform = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
        paper::code::Keys { platform, withdrawn: std::collections::BTreeSet::new() }
    }
}

fn is_pdf(file: &std::path::Path) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"%PDF-") && bytes.ends_with(b"%%EOF"))
}

/// The square code on a receipt.
fn code_of(file: &std::path::Path) -> String {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut dots = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut dots).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let bits = info.bit_depth as usize;
    let dot = |x: usize, y: usize| match bits {
        1 => {
            if dots[y * info.line_size + x / 8] & (0x80 >> (x % 8)) == 0 {
                0
            } else {
                255
            }
        }
        _ => dots[y * info.line_size + x * (info.line_size / width)],
    };
    read_code(width, height, dot).expect("a square code is printed")
}

fn read_code(width: usize, height: usize, dot: impl FnMut(usize, usize) -> u8) -> Option<String> {
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, dot);
    let grid = picture.detect_grids().into_iter().next()?;
    grid.decode().ok().map(|(_, text)| text)
}
