//! What can be known of the page without a browser.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use tower::ServiceExt as _;

use super::*;

/// Larger than any file of the page.
const FILE_BYTES_MAX: usize = 1 << 20;
/// These look like addresses, but nobody fetches them: an XML namespace, and patterns of the drawing itself.
const LOCAL: [&str; 2] = ["http://www.w3.org/2000/svg", "url(#"];

async fn fetch(path: &str) -> (StatusCode, String, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = router::<()>().oneshot(request).await.unwrap();
    let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let status = answer.status();
    let bytes = to_bytes(answer.into_body(), FILE_BYTES_MAX).await.unwrap();
    (status, kind, String::from_utf8(bytes.to_vec()).unwrap())
}

/// Every source of the page with its name.
fn sources() -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("index.html", INDEX), ("scene.svg", SCENE)];
    all.extend(FILES.map(|(path, _, content)| (path, content)));
    all
}

/// What stands between `before` and the next `after`, wherever `before` occurs.
fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(move |rest| rest.split(after).next())
}

fn words() -> BTreeMap<String, (String, String)> {
    serde_json::from_str(include_str!("words.json")).unwrap()
}

#[tokio::test]
async fn each_file_is_served_as_what_it_is() {
    for (path, kind, content) in FILES {
        assert_eq!(fetch(path).await, (StatusCode::OK, kind.to_owned(), content.to_owned()));
    }
}

#[tokio::test]
async fn the_page_holds_the_drawing() {
    let (_, kind, page) = fetch("/").await;
    assert_eq!(kind, HTML);
    assert!(page.contains("id=\"scene\"") && !page.contains(SCENE_MARK));
}

#[test]
fn nothing_comes_from_elsewhere() {
    for (name, content) in sources() {
        let content = LOCAL.iter().fold(content.to_owned(), |text, local| text.replace(local, ""));
        for foreign in ["http:", "https:", "src=\"//", "href=\"//", "url(", "@import", "\"data:"] {
            assert!(!content.contains(foreign), "{name} holds {foreign}");
        }
    }
}

#[test]
fn whatever_is_asked_for_is_served() {
    let served: BTreeSet<&str> = FILES.iter().map(|(path, ..)| *path).collect();
    for (name, content) in sources() {
        for path in between(content, "\"/page/", '"') {
            assert!(served.contains(format!("/page/{path}").as_str()), "{name} asks for {path}");
        }
    }
}

#[test]
fn everything_is_said_in_chinese_and_in_english() {
    for (key, (zh, en)) in words() {
        assert!(!zh.trim().is_empty() && !en.trim().is_empty(), "{key}");
        let values =
            |text: &str| between(text, "{", '}').map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(values(&zh), values(&en), "{key}");
    }
}

#[test]
fn each_text_that_is_used_exists() {
    let words = words();
    for (name, content) in sources() {
        for mark in
            ["word(\"", "say(\"", "key: \"", "data-word=\"", "data-label=\"", "data-title=\""]
        {
            for key in between(content, mark, '"') {
                assert!(words.contains_key(key), "{name} says {key:?}");
            }
        }
    }
}

#[test]
fn chinese_stands_in_the_words_only() {
    // Inscriptions are part of the drawing; these marks are what a sign itself writes.
    let allowed = ["鼓楼", "三坊七巷", "一条街", "中文", "约", "（"];
    for (name, content) in sources().into_iter().filter(|(name, _)| !name.ends_with("words.json")) {
        let rest = allowed.iter().fold(content.to_owned(), |text, word| text.replace(word, ""));
        let left: String = rest.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).collect();
        assert_eq!(left, "", "{name}");
    }
}
