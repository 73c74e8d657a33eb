//! A citizen at the terminal, by mouse on the page and by what stands on the glass.

use serde_json::{Value, json};
use street::browser::{self, Browser};
use street::pictures::LAY_CARD;
use street::visitor::Visitor;

use crate::running::Running;

/// Where the glass stands on the page: left, top, width, height in its pixels.
const PLACE: &str = "const { left, top, width, height } = document.querySelector('#touchscreen') \
    .getBoundingClientRect(); return [left, top, width, height]";
/// True once the page paints what the terminal shows.
const PAINTED: &str = "return document.querySelector('#touchscreen').dataset.sequence > 0";

/// Goes from the first page to the one that asks for a card: a certificate that must be printed.
async fn ask_for_certificate(visitor: &Visitor) {
    visitor.presses("打印证明").await.unwrap();
    visitor.presses("无房证明").await.unwrap();
    visitor.presses("开始办理").await.unwrap();
    visitor.sees("请放上身份证").await.unwrap();
}

#[tokio::test]
async fn a_citizen_gets_a_certificate_with_a_mouse_a_card_and_paper() {
    let Some(mut street) = Running::start().await else { return };
    if !browser::installed() {
        return eprintln!("skipped: chromium and chromedriver are not installed");
    }
    street.until_device("terminal-1", "is lit", |device| !device["frame"].is_null()).await;
    let visitor = Visitor::new(&street.url).unwrap();
    visitor.sees("轻触屏幕开始").await.unwrap();

    // The mouse on the page is a finger on the glass.
    let page = Browser::open(1440, 900).await.unwrap();
    page.go(&format!("{}/?at=terminal", street.url)).await.unwrap();
    page.wait_for(PAINTED).await.unwrap();
    let place: Vec<f64> = serde_json::from_value(page.run(PLACE).await.unwrap()).unwrap();
    let [left, top, width, height] = place[..] else { panic!("{place:?}") };
    page.click(left + width / 2.0, top + height / 2.0).await.unwrap();
    visitor.sees("您要办什么").await.unwrap();

    // The card that is laid down on the page brings the next question.
    ask_for_certificate(&visitor).await;
    page.wait_for("return document.querySelectorAll('.bench-reader option').length === 12")
        .await
        .unwrap();
    page.run(LAY_CARD).await.unwrap();
    street
        .until("the card lies there", |street| street["bench"]["reader"]["card"] == "黄伟明")
        .await;
    visitor.presses("拍照").await.unwrap();
    page.run("document.querySelector('#lift-card').click()").await.unwrap();
    visitor.presses("子女入学").await.unwrap();
    visitor.presses("下一步").await.unwrap();
    visitor.presses("没问题，打印").await.unwrap();
    visitor.sees("证明编号").await.unwrap();
    street.until("paper has come out", |street| street["bench"]["tray"] != json!([])).await;
    page.wait_for("return document.querySelectorAll('#tray a').length > 0").await.unwrap();
    page.close().await.unwrap();
    assert!(street.end().await.success());
}

#[tokio::test]
async fn what_must_be_printed_says_beforehand_that_there_is_no_paper() {
    let Some(mut street) = Running::start().await else { return };
    let printer = |street: &Value| street["bench"]["a4"]["plugged"] == true;
    street.until("the page printer is ready", printer).await;
    let visitor = Visitor::new(&street.url).unwrap();
    visitor.presses("轻触屏幕开始").await.unwrap();
    visitor.presses("打印证明").await.unwrap();
    visitor.sees("无房证明").await.unwrap();
    visitor.tells("a4", &json!({ "do": "paper-out" })).await.unwrap();
    visitor.sees("打印机缺纸").await.unwrap();
    visitor.tells("a4", &json!({ "do": "load-paper" })).await.unwrap();
    visitor.misses("打印机缺纸").await.unwrap();
    assert!(street.end().await.success());
}

#[tokio::test]
async fn the_code_on_the_glass_is_paid_on_the_page_and_a_receipt_comes_out() {
    let Some(mut street) = Running::start().await else { return };
    if !browser::installed() {
        return eprintln!("skipped: chromium and chromedriver are not installed");
    }
    let visitor = Visitor::new(&street.url).unwrap();
    visitor.presses("轻触屏幕开始").await.unwrap();
    visitor.presses("缴费").await.unwrap();
    visitor.presses("公租房租金缴纳").await.unwrap();
    visitor.presses("开始办理").await.unwrap();
    visitor.sees("请放上身份证").await.unwrap();
    visitor.lays_card("xu-meilan").await.unwrap();
    for answer in ["我承租的公租房", "下一步"] {
        visitor.presses(answer).await.unwrap();
    }
    visitor.sees("请核对欠租月份").await.unwrap();
    for answer in ["下一步", "全部交清", "下一步"] {
        visitor.presses(answer).await.unwrap();
    }
    visitor.sees("请用手机扫码交租").await.unwrap();

    let page = Browser::open(1280, 800).await.unwrap();
    page.go(&format!("{}/?at=terminal", street.url)).await.unwrap();
    page.wait_for("return document.querySelector('.code button')").await.unwrap();
    page.run("document.querySelector('.code button').click()").await.unwrap();
    visitor.sees("公租房租金收据").await.unwrap();
    page.wait_for("return document.querySelector('#tray img')?.naturalWidth === 576")
        .await
        .unwrap();
    page.close().await.unwrap();
    assert!(street.end().await.success());
}

#[tokio::test]
async fn without_power_the_glass_feels_nothing_and_says_nothing() {
    let Some(mut street) = Running::start().await else { return };
    let visitor = Visitor::new(&street.url).unwrap();
    visitor.sees("轻触屏幕开始").await.unwrap();
    assert_eq!(street.ask("terminal-1/power-off").await, 204);
    street.until_device("terminal-1", "is dark", |device| device["frame"].is_null()).await;
    assert!(visitor.glass().await.is_err());
    assert!(visitor.touches(540.0, 960.0).await.is_err());
    assert_eq!(street.ask("terminal-1/power-on").await, 204);
    visitor.sees("轻触屏幕开始").await.unwrap();
    assert!(street.end().await.success());
}
