//! Pages for citizens' own telephones: the demonstration cashier, whether a paper is ours, and what is taken along.
//!
//! Plain HTML at the port for devices and at the console's; a script only where something is opened.

pub mod handoff;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use sync::Clock;
use sync::document::{ShortCode, Stamp};

use crate::handoffs::HandOffs;
use crate::services::Services;
use crate::services::papers::{self, Notary, Paper};
use crate::services::payments::{self, Bill};
use crate::store::{Store, StoreError};

/// Forms go to us, nothing is loaded from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'self' http://127.0.0.1:* http://localhost:*";

/// What the pages need.
#[derive(Debug)]
pub struct Pages {
    /// Payments and documents.
    pub store: Store,
    /// Names of services.
    pub services: Arc<Services>,
    /// Knows who signs documents.
    pub notary: Arc<Notary>,
    /// What terminals laid down.
    pub handoffs: Arc<Mutex<HandOffs>>,
    /// Clock of the process.
    pub clock: Clock,
}

/// What was typed or scanned.
#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(default)]
    code: String,
}

/// What became of it.
enum Found {
    Nothing,
    Ours(Paper),
    /// Signed by one of our terminals; its record has not come yet.
    Signed(Box<Stamp>),
    Not(String),
}

/// `/pay/{trade}`, `/verify` and `/e/{id}`.
pub fn router(pages: Arc<Pages>) -> Router {
    let css = || async {
        ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("pages/pages.css"))
    };
    Router::new()
        .route("/pages.css", get(css))
        .route("/pay/{trade}", get(bill).post(pay))
        .route("/verify", get(verify))
        .route("/handoff.js", get(handoff::script))
        .route("/e/{id}", get(handoff::look).post(handoff::fetch))
        .with_state(pages)
}

async fn bill(State(pages): State<Arc<Pages>>, Path(trade): Path<String>) -> Response {
    let now = pages.clock.now().wall;
    let bill = match payments::bill(&pages.store, &plain(&trade), now).await {
        Ok(Some(bill)) => bill,
        Ok(None) => return nothing(),
        Err(error) => return lost(&error),
    };
    let content = cashier(&bill, pages.services.shelf());
    page(StatusCode::OK, POLICY, ("演示收银台", "Demonstration cashier"), &content)
}

/// The confirm button. Pressing it twice pays once.
async fn pay(State(pages): State<Arc<Pages>>, Path(trade): Path<String>) -> Response {
    let trade = plain(&trade);
    match payments::pay(&pages.store, &trade, pages.clock.now().wall).await {
        Ok(true) => Redirect::to(&format!("/pay/{trade}")).into_response(),
        Ok(false) => nothing(),
        Err(error) => lost(&error),
    }
}

fn cashier(bill: &Bill, shelf: &crate::services::shelf::Shelf) -> Markup {
    let name = shelf.catalogue.get(&bill.service).map(|service| &service.name);
    html! {
        @if let Some(name) = name { p { (name.zh) " " span.en { (name.en) } } }
        p.amount { "¥ " (bill.amount / 100) "." (format!("{:02}", bill.amount % 100)) }
        @if bill.paid {
            p.good { "已付款，请回到终端。" } p.en { "Paid. Please go back to the terminal." }
        } @else if bill.stale {
            p.bad { "付款码已过期，请在终端重新开始。" } p.en { "This code has run out; please begin again." }
        } @else {
            p { "这是演示，不会扣款。" } p.en { "This is a demonstration; no money moves." }
            form method="post" { button { "确认付款 Confirm" } }
        }
    }
}

async fn verify(State(pages): State<Arc<Pages>>, Query(typed): Query<Typed>) -> Response {
    let found = match look(&pages, typed.code.trim()).await {
        Ok(found) => found,
        Err(error) => return lost(&error),
    };
    let content = html! {
        form method="get" {
            p { "输入纸上的12位验证码。" } p.en { "Type the 12 signs of the code on the paper." }
            input name="code" value=(typed.code.trim()) autocomplete="off" maxlength="1024";
            button { "查验 Verify" }
        }
        @match found {
            Found::Nothing => {}
            Found::Ours(paper) => {
                p.good { "这份文件由我们的终端打印。" } p.en { "Our terminal printed this document." }
                (facts(&paper.title, &paper.issued_at.to_string(), &paper.device, &paper.hash))
            }
            Found::Signed(stamp) => {
                p.good { "签名有效；终端的记录还没有传到。" }
                p.en { "The signature is good; the terminal's record has not arrived yet." }
                (facts(&stamp.document.title, &stamp.document.issued.to_string(),
                    stamp.certified.device.as_str(), &stamp.document.hash.to_string()))
            }
            Found::Not(why) => {
                p.bad { "查不到：这不是我们的文件，或者输错了。" }
                p.en { "Not found: it is not ours, or was typed wrongly. (" (why) ")" }
            }
        }
    };
    page(StatusCode::OK, POLICY, ("文件查验", "Is this paper ours?"), &content)
}

fn facts(title: &str, issued: &str, device: &str, hash: &str) -> Markup {
    html! {
        dl {
            dt { "名称 Title" } dd { (title) }
            dt { "打印时间 Printed at" } dd { (issued) }
            dt { "终端 Terminal" } dd { (device) }
            dt { "SHA-256" } dd { (hash) }
        }
    }
}

async fn look(pages: &Pages, text: &str) -> Result<Found, StoreError> {
    if text.is_empty() {
        return Ok(Found::Nothing);
    }
    if Stamp::is_one(text) {
        let Ok(stamp) = text.parse::<Stamp>() else {
            return Ok(Found::Not(sync::document::StampError.to_string()));
        };
        if let Some(paper) = papers::by_hash(&pages.store, &stamp.document.hash).await? {
            return Ok(Found::Ours(paper));
        }
        let issuer = pages.notary.issuer(papers::withdrawn(&pages.store).await?);
        return Ok(match stamp.verify(&issuer) {
            Ok(()) => Found::Signed(Box::new(stamp)),
            Err(error) => Found::Not(error.to_string()),
        });
    }
    let code: ShortCode = match text.parse() {
        Ok(code) => code,
        Err(error) => return Ok(Found::Not(error.to_string())),
    };
    let found = papers::by_code(&pages.store, code).await?;
    Ok(found.map_or_else(|| Found::Not("no such record".to_owned()), Found::Ours))
}

fn page(
    status: StatusCode,
    policy: &'static str,
    (zh, en): (&str, &str),
    content: &Markup,
) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (zh) }
                link rel="stylesheet" href="/pages.css";
            }
            body { h1 { (zh) " " span.en { (en) } } (content) }
        }
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, markup).into_response()
}

fn nothing() -> Response {
    let content = html! {
        p.bad { "没有这笔付款，或付款码已过期。" } p.en { "There is no such payment, or it has run out." }
    };
    page(StatusCode::NOT_FOUND, POLICY, ("演示收银台", "Demonstration cashier"), &content)
}

fn lost(error: &StoreError) -> Response {
    tracing::error!("{error}");
    let content = html! { p.bad { "请稍后再试。" } p.en { "Please try again later." } };
    page(StatusCode::SERVICE_UNAVAILABLE, POLICY, ("暂时不可用", "Not now"), &content)
}

fn plain(text: &str) -> String {
    text.replace('\0', "")
}
