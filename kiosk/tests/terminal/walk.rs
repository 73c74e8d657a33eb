//! Every service, walked from its first page to its last as a citizen would.

use service::text::Language;

use hall::{Content, Hall};

#[test]
fn every_item_comes_to_its_end_in_both_languages() {
    let content = Content::read();
    let mut stuck = Vec::new();
    for language in [Language::Chinese, Language::English] {
        // A hall each: what one citizen changed in the registry stays changed for the next.
        let mut hall = Hall::open(&content);
        for code in content.codes() {
            if let Err(why) = hall.walk_any(&code, language) {
                stuck.push(format!("{code} {language:?}: {why}"));
            }
        }
        assert!(hall.wiped >= content.codes().len());
    }
    assert!(stuck.is_empty(), "{} stuck\n{}", stuck.len(), stuck.join("\n\n"));
}
