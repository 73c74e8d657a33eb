//! One page of every kind, in every mode, looked at with the rules of access.

use std::collections::BTreeSet;
use std::mem;

use hall::{Content, Hall};
use kiosk::page::Mode;
use service::definition::Service;
use service::text::Language;

use crate::stand::{Stand, Walked};

/// Items that have a step of every kind among them.
fn one_of_each(content: &Content) -> Vec<&Service> {
    let mut kinds = Vec::new();
    let mut items = Vec::new();
    for service in content.catalogue.iter() {
        let new: Vec<_> = service.steps.iter().map(|step| mem::discriminant(&step.ask)).collect();
        if new.iter().any(|kind| !kinds.contains(kind)) {
            kinds.extend(new);
            items.push(service);
        }
    }
    items
}

/// Walks them with these modes on, and says what is wrong with any page.
fn every_page_is_fit(language: Language, modes: &[Mode]) {
    let content = Content::read();
    let mut hall = Hall::open(&content);
    let mut stand = Stand::new(&content);
    stand.looks_closely = true;
    let mut faults = BTreeSet::new();
    for service in one_of_each(&content) {
        let way = hall.way(&service.code, language).unwrap();
        stand.set_time(way.began);
        let mut walk = || -> Walked {
            stand.is_fit(language)?;
            stand.wakes(language)?;
            for mode in modes {
                stand.turns_on(*mode, language)?;
            }
            stand.is_fit(language)?;
            stand.goes(&way, service, language)
        };
        if let Err(why) = walk() {
            faults.insert(format!("{}: {why}", service.code));
        }
        faults.extend(mem::take(&mut stand.faults));
        stand.leaves(language).unwrap();
    }
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// A test for each mode and language.
macro_rules! modes {
    ($($name:ident: $language:ident [$($mode:ident)*];)*) => {$(
        #[test]
        #[ignore = "pages still break some of the rules: cargo nextest run -p terminal --run-ignored only"]
        fn $name() {
            every_page_is_fit(Language::$language, &[$(Mode::$mode),*]);
        }
    )*};
}

modes! {
    every_page_is_fit_in_chinese: Chinese [];
    every_page_is_fit_in_english: English [];
    every_page_is_fit_in_large_chinese: Chinese [Large];
    every_page_is_fit_in_large_english: English [Large];
    every_page_is_fit_in_high_contrast: Chinese [HighContrast];
    every_page_is_fit_in_high_contrast_and_english: English [HighContrast];
    every_page_is_fit_in_reach: Chinese [Reach];
    every_page_is_fit_in_reach_and_english: English [Reach];
    every_page_is_fit_in_reach_and_large_chinese: Chinese [Reach Large];
    every_page_is_fit_in_reach_and_large_english: English [Reach Large];
}
