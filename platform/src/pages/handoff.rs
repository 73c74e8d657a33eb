//! `/e/{id}`: the page that opens what a terminal handed to a telephone.
//!
//! Looking at the page takes nothing away, because programs that preview links look too. What was
//! sealed is fetched once, with `POST`, when somebody presses the button; it is opened in the browser
//! with the key behind `#`, which never comes here.

use std::sync::{Arc, PoisonError};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::{Pages, page};
use crate::api::problem::{Problem, Shape};

/// The page runs our script, which asks us.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
                      style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn script() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    ([kind, (header::CACHE_CONTROL, "no-cache")], include_str!("handoff.js"))
}

/// The same page whatever lies there: it tells nobody whether something does.
pub(super) async fn look() -> Response {
    page(StatusCode::OK, POLICY, ("带走材料", "Take it along"), &words())
}

/// What a terminal sealed for one telephone. It is given once, and only within ten minutes.
#[utoipa::path(post, path = "/e/{id}", tag = "citizens", params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream", body = String,
            description = "nonce, AES-256-GCM of kind and content, tag: see `sync::handoff`"),
        (status = 410, body = Shape)))]
pub async fn fetch(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let now = pages.clock.now().mono;
    let mut held = pages.handoffs.lock().unwrap_or_else(PoisonError::into_inner);
    let body = held.take(now, &id).ok_or_else(|| {
        Problem::gone(
            "这份材料已经取走、过期，或从未有过。 It was fetched already, has run out, or never was.",
        )
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, body).into_response())
}

/// All that the page can say; the script shows what applies.
fn words() -> Markup {
    html! {
        noscript {
            p.bad { "这个页面需要浏览器的脚本功能。" } p.en { "This page needs scripts." }
        }
        section data-say="ask lost" hidden {
            p { "材料只能打开一次，而且要在十分钟内打开。" }
            p.en { "It opens once, and within ten minutes." }
            p { "在微信里请先点右上角“…”，选“在浏览器打开”。" }
            p.en { "Inside another app, first choose to open this page in the browser." }
            p.bad role="status" data-say="lost" hidden { "没有连上，请再试一次。 No connection; please try again." }
            button id="open" { "打开 Open" }
        }
        p data-say="wait" role="status" hidden { "正在打开…… Opening…" }
        section data-say="open" role="status" hidden {
            div id="content" {}
            p { a id="file" download="e-copy.pdf" hidden { "保存 PDF 文件 Save the PDF" } }
            p.good { "平台上已经没有这份材料了，请现在截图或保存。" }
            p.en { "It is gone from the platform now; take a screenshot or save it." }
        }
        section data-say="gone" role="status" hidden {
            p.bad { "这份材料已经取走，或者过了十分钟。请回终端重新扫码。" }
            p.en { "It was fetched already, or its ten minutes are over. Please scan a new code at the terminal." }
        }
        section data-say="shut" role="status" hidden {
            p.bad { "材料没有完整传到，而且只能取一次。请回终端重新扫码。" }
            p.en { "It did not arrive whole, and it is given once. Please scan a new code at the terminal." }
        }
        section data-say="cut" role="status" hidden {
            p.bad { "地址不完整，材料还没有被取走。请重新扫码。" }
            p.en { "The address is cut short; nothing was fetched. Please scan the code again." }
        }
        section data-say="insecure" role="status" hidden {
            p.bad { "这台手机没有用加密连接（https）打开本页，无法解密；材料还没有被取走。请告诉工作人员。" }
            p.en { "This page was not opened by https, so it can't decrypt; nothing was fetched. Please tell the staff." }
        }
        script type="module" src="/handoff.js" {}
    }
}
