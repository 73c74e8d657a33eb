//! Pictures of the page for people who would rather look than read.

use std::path::Path;

use crate::browser::Browser;

/// True once every glass on the page shows something.
pub const READY: &str = "return document.body.dataset.ready === 'true'";

/// True once every sign has a bus to show; deep in the night some never do.
const LIVE: &str = "const steps = [...document.querySelectorAll('li[aria-current=step]')]; \
    return steps.length === document.querySelectorAll('canvas[data-device]').length \
    && steps.every(step => step.classList.contains('good'))";

/// Takes pictures of the page at `url` into `folder`: by day, by night, and in English.
pub async fn take(url: &str, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let browser = Browser::open(1600, 1000).await?;
    for (name, query) in [("street", ""), ("street-night", "?sky=night"), ("street-en", "?lang=en")]
    {
        browser.go(&format!("{url}/{query}")).await?;
        browser.wait_for(READY).await?;
        browser.wait_for(LIVE).await.ok();
        browser.photograph(&folder.join(format!("{name}.png"))).await?;
    }
    browser.close().await
}
