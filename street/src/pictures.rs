//! Pictures of the page for people who would rather look than read.

use std::path::Path;

use crate::browser::Browser;
use crate::visitor::Visitor;

/// True once every glass on the page shows something.
pub const READY: &str = "return document.body.dataset.ready === 'true'";

/// True once every sign has a bus to show; deep in the night some never do.
const LIVE: &str = "const steps = [...document.querySelectorAll('li[aria-current=step]')]; \
    return steps.length === document.querySelectorAll('canvas[data-device^=sign]').length \
    && steps.every(step => step.classList.contains('good'))";

/// A citizen who rents, and so gets a certificate of no property, lays down his card.
pub const LAY_CARD: &str = "const who = document.querySelector('.bench-reader select'); \
    who.value = 'huang-weiming'; who.dispatchEvent(new Event('change')); \
    document.querySelector('#lay-card').click()";

/// Takes pictures of the page at `url` into `folder`: by day, by night, in English, and of the terminal.
pub async fn take(url: &str, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let browser = Browser::open(1600, 1300).await?;
    for (name, query) in [("street", ""), ("street-night", "?sky=night"), ("street-en", "?lang=en")]
    {
        browser.go(&format!("{url}/{query}")).await?;
        browser.wait_for(READY).await?;
        browser.wait_for(LIVE).await.ok();
        browser.photograph(&folder.join(format!("{name}.png"))).await?;
    }
    browser.close().await?;
    terminal(url, folder).await
}

/// A citizen gets a certificate; the last pages in English.
async fn terminal(url: &str, folder: &Path) -> anyhow::Result<()> {
    let browser = Browser::open(1440, 900).await?;
    let visitor = Visitor::new(url)?;
    browser.go(&format!("{url}/?at=terminal")).await?;
    let picture = |name: &str| folder.join(format!("terminal-{name}.png"));
    settle(&browser, "轻触屏幕开始").await?;
    visitor.photographs(&picture("attract")).await?;
    visitor.presses("轻触屏幕开始").await?;
    settle(&browser, "您要办什么").await?;
    visitor.photographs(&picture("home")).await?;
    visitor.presses("打印证明").await?;
    visitor.presses("无房证明").await?;
    visitor.presses("开始办理").await?;
    visitor.sees("请放上身份证").await?;
    browser.run(LAY_CARD).await?;
    visitor.presses("拍照").await?;
    settle(&browser, "子女入学").await?;
    visitor.photographs(&picture("form")).await?;
    browser.photograph(&folder.join("terminal.png")).await?;
    visitor.presses("子女入学").await?;
    visitor.presses("下一步").await?;
    visitor.presses("没问题，打印").await?;
    visitor.sees("证明编号").await?;
    browser.wait_for("return document.querySelectorAll('#tray a').length > 0").await?;
    browser.go(&format!("{url}/?at=terminal&lang=en")).await?;
    visitor.presses("English").await?;
    settle(&browser, "Certificate number").await?;
    visitor.photographs(&picture("done")).await?;
    browser.photograph(&picture("en")).await?;
    browser.close().await
}

/// Waits until the page shows a glass that stays, and these words on it.
async fn settle(browser: &Browser, words: &str) -> anyhow::Result<()> {
    let told =
        format!("return document.querySelector('#glass-words').textContent.includes('{words}')");
    browser.wait_for(&told).await.map(drop)
}
