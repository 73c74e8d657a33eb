//! A citizen's telephone opens what a terminal sealed for it.

use serde_json::json;
use sync::handoff::Kind;

use crate::hall::{Hall, SEEN};

#[tokio::test]
async fn a_telephone_opens_a_page_once_and_forgets_the_key() {
    let Some(hall) = Hall::open().await else { return };
    let words = |zh: &str, en: &str| json!({ "zh": zh, "en": en });
    let page = json!({ "title": words("无房证明", "No property"), "sections": [
        { "title": words("", ""), "lines": [words("请收好", "")] },
        {
            "title": words("申请人", "Applicant"),
            "lines": [words("林<b>秀英</b>", ""), words("2026年11月23日", "23 November 2026")],
        },
    ] });
    let address = hall.lay_down("127.0.0.1", Kind::Page, page.to_string().as_bytes()).await;
    let (bare, _) = address.split_once('#').unwrap();
    hall.go(bare).await;
    assert!(hall.sees("地址不完整，材料还没有被取走").await, "without a key nothing is fetched");
    hall.go(&address).await;
    assert!(hall.sees("材料只能打开一次").await);
    hall.press().await;
    assert!(hall.sees("平台上已经没有这份材料了").await);
    let seen = hall.browser.run(SEEN).await.unwrap().as_str().unwrap().to_owned();
    for text in ["无房证明", "No property", "林<b>秀英</b>", "2026年11月23日"] {
        assert!(seen.contains(text), "{text} in {seen}");
    }
    let empty = "return document.querySelectorAll('#content > :empty').length";
    assert_eq!(hall.browser.run(empty).await.unwrap(), 0, "a section without a title has none");
    let now_at = hall.browser.run("return location.href").await.unwrap();
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
    let link = hall.browser.run("return document.getElementById('file').href").await.unwrap();
    assert!(link.as_str().unwrap().starts_with("blob:http://127.0.0.1"), "{link}");
    hall.close().await;
}
