//! The gallery: every page of every item in both languages, which is also the manual.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use hall::Content;
use service::definition::Service;
use service::text::Language;

use crate::album::FOLDER;

const HEAD: &str = r#"<!doctype html>
<html lang="zh">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>鼓楼自助终端 · Gulou terminal</title>
<style>
body { margin: 0; font: 16px/1.5 sans-serif; color: #16202A; background: #FBF9F5; }
header { position: sticky; top: 0; padding: 16px 32px; background: #FBF9F5; border-bottom: 2px solid #D9D4CB; }
h1 { margin: 0 0 8px; font-size: 24px; }
input { font: inherit; padding: 8px 12px; width: min(32em, 100%); border: 2px solid #52606D; border-radius: 8px; }
section { padding: 24px 32px; border-bottom: 1px solid #D9D4CB; }
h2 { margin: 0 0 8px; font-size: 20px; }
h2 small { font-weight: 400; color: #52606D; }
.ways { display: grid; grid-template-columns: 1fr 1fr; gap: 24px; }
.way { display: flex; gap: 12px; overflow-x: auto; margin: 0; padding: 0 0 8px; list-style: none; }
.way li { flex: none; width: 200px; font-size: 13px; }
.way img { display: block; width: 200px; height: 356px; border: 1px solid #D9D4CB; background: #FFFFFF; }
</style>
<header>
<h1>鼓楼自助终端：每一项的每一页 · Every page of every service</h1>
<input type="search" id="words" placeholder="名称、编号 · name or number" aria-label="Search" autofocus>
</header>
"#;

const TAIL: &str = r"<script>
const sections = [...document.querySelectorAll('section')];
document.getElementById('words').addEventListener('input', event => {
  const words = event.target.value.toLowerCase().split(/\s+/);
  for (const section of sections) section.hidden = !words.every(word => section.dataset.words.includes(word));
});
</script>
";

/// Run it after the walks by touch, with the same folder; see `make gallery`.
#[test]
#[ignore = "needs the pictures of the walks"]
fn the_index_of_the_gallery_is_written() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("the folder is named"));
    let mut page = HEAD.to_owned();
    for service in Content::read().catalogue.iter() {
        let Service { code, name, category, .. } = service;
        let words = escape(&format!("{code} {} {} {category:?}", name.zh, name.en).to_lowercase());
        write!(page, "<section data-words=\"{words}\">\n<h2>{code} {} <small>{}</small></h2>\n<div class=\"ways\">\n", escape(&name.zh), escape(&name.en)).unwrap();
        for language in [Language::Chinese, Language::English] {
            page.push_str(&way(&folder, code, language));
        }
        page.push_str("</div>\n</section>\n");
    }
    page.push_str(TAIL);
    fs::write(folder.join("index.html"), page).unwrap();
}

/// The numbered pages of an item.
fn way(folder: &std::path::Path, code: &str, language: Language) -> String {
    let walk = walk_name(code, language);
    let titles = fs::read_to_string(folder.join(format!("{walk}.txt"))).expect("it was walked");
    let mut list = "<ol class=\"way\">\n".to_owned();
    for (index, title) in titles.lines().enumerate() {
        let (number, title) = (index + 1, escape(title));
        let file = format!("{walk}-{number:02}.png");
        writeln!(list, "<li><a href=\"{file}\"><img loading=\"lazy\" src=\"{file}\" alt=\"{title}\"></a>{number}. {title}</li>").unwrap();
    }
    list.push_str("</ol>\n");
    list
}

/// `T003-zh`.
pub(crate) fn walk_name(code: &str, language: Language) -> String {
    format!("{code}-{}", if language == Language::Chinese { "zh" } else { "en" })
}

fn escape(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
