//! The catalogue as a whole: complete, and every item its own.

use std::collections::BTreeMap;

use super::Problem;
use crate::catalogue::Catalogue;

/// Items at the terminal.
pub const AT_TERMINAL: usize = 104;
/// Items that are booked in the community.
pub const BOOKED: usize = 42;
/// What belongs to the terminal itself: to report, to look a report up, and what was booked.
pub const BESIDE: usize = 3;

/// All that is wrong with the catalogue beyond its single services.
pub fn whole(catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |service: &str, says: String| {
        problems.push(Problem { service: service.to_owned(), place: String::new(), says });
    };
    let codes = (1..=AT_TERMINAL).map(|n| format!("T{n:03}"));
    let codes = codes.chain((1..=BOOKED).map(|n| format!("C{n:03}")));
    let codes: Vec<String> = codes.chain((1..=BESIDE).map(|n| format!("R{n:03}"))).collect();
    let missing: Vec<&str> =
        codes.iter().map(String::as_str).filter(|code| catalogue.get(code).is_none()).collect();
    if !missing.is_empty() {
        say(
            "catalogue",
            format!("{} items are missing: write {}", missing.len(), missing.join(" ")),
        );
    }
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for service in catalogue.iter() {
        let code = service.code.as_str();
        if !codes.iter().any(|known| known == code) {
            say(
                code,
                "its code is beyond the catalogue: T001 to T104, C001 to C042, R001 to R003"
                    .to_owned(),
            );
        }
        let steps: Vec<_> = service.steps.iter().map(|step| (&step.ask, &step.title)).collect();
        if let Some(other) = first.insert(format!("{steps:?}"), code) {
            say(code, format!("asks exactly what {other} asks: ask what this item is about"));
        }
        if let Some(other) = names.insert(&service.name.zh, code) {
            say(code, format!("has the name of {other}: rename one"));
        }
    }
    problems
}
