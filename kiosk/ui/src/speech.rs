//! What is spoken: a page when it comes, what the focus comes to, what changes by itself.
//!
//! Everything said becomes a line of text here and nowhere else. Today the lines stand as captions
//! and in the transcripts of tests; a voice takes them from the same place.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use kiosk::page::{Body, Page, Row, Section};
use service::text::Language;
use slint::Global as _;

use crate::ui::{App, Speech as Said};

/// Most lines that wait; the oldest is dropped first, for it is about what has passed.
const LINES_MAX: usize = 64;

/// What is to be spoken. Cheap to clone; the pages hold one end.
#[derive(Debug, Clone, Default)]
pub struct Speech(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    language: Language,
    waiting: VecDeque<String>,
    /// The page, to be said again.
    page: Vec<String>,
    last: String,
}

impl Speech {
    /// Listens to everything on the pages that speaks.
    pub fn on(app: &App) -> Speech {
        let speech = Speech::default();
        let said = Said::get(app);
        said.on_focused({
            let it = speech.clone();
            move |role, label, value, hint| it.focused([&label, &value, &role, &hint])
        });
        said.on_announced({
            let it = speech.clone();
            move |words| it.say(words.into())
        });
        speech
    }

    /// A page came: what was still to be said of the one before is not said. Of a page that
    /// changed only what is new is said.
    pub fn show(&self, page: &Page, language: Language) {
        let lines = lines(page, language);
        let mut state = self.0.borrow_mut();
        state.language = language;
        if state.page == lines {
            return;
        }
        let before = std::mem::replace(&mut state.page, lines.clone());
        let same = before.first() == lines.first();
        if !same {
            state.waiting.clear();
        }
        drop(state);
        let new = lines.into_iter().filter(|line| !same || !before.contains(line));
        new.for_each(|line| self.say(line));
    }

    /// Says the whole page again.
    pub fn repeat(&self) {
        let lines = self.0.borrow().page.clone();
        self.0.borrow_mut().waiting.clear();
        for line in lines {
            self.say(line);
        }
    }

    /// The next line to be spoken.
    pub fn take(&self) -> Option<String> {
        self.0.borrow_mut().waiting.pop_front()
    }

    /// What was said last, for who reads it.
    pub fn caption(&self) -> String {
        self.0.borrow().last.clone()
    }

    /// Forgets what was said to a citizen.
    pub fn forget(&self) {
        *self.0.borrow_mut() = State::default();
    }

    /// Says something that is on no page.
    pub fn say(&self, words: String) {
        if words.is_empty() {
            return;
        }
        let mut state = self.0.borrow_mut();
        // The page and its field may both tell of the same mistake.
        if state.waiting.back() == Some(&words) {
            return;
        }
        state.last.clone_from(&words);
        if state.waiting.len() == LINES_MAX {
            state.waiting.pop_front();
        }
        state.waiting.push_back(words);
    }

    fn focused(&self, parts: [&str; 4]) {
        let language = self.0.borrow().language;
        self.say(focus_line(parts, language));
    }
}

/// A focused part in one breath: label, value, role, hint.
pub fn focus_line(parts: [&str; 4], language: Language) -> String {
    let filled: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    filled.join(if language == Language::Chinese { "，" } else { ", " })
}

/// A key of the keyboard on the glass, as it is called.
pub(crate) fn key(name: &str, language: Language) -> String {
    let (zh, en) = match name {
        "backspace" => ("退格", "Delete"),
        "space" => ("空格", "Space"),
        "shift" => ("大写", "Shift"),
        "digits" => ("数字", "Digits"),
        "latin" => ("英文字母", "Latin letters"),
        "pinyin" => ("拼音", "Pinyin"),
        "rare" => ("生僻字", "Rare characters"),
        "done" => ("完成", "Done"),
        name => return name.to_owned(),
    };
    (if language == Language::Chinese { zh } else { en }).to_owned()
}

/// A page in words: title, help and what is wrong, then what there is to read on it. Options and
/// buttons are not said here, but as the focus comes to them.
fn lines(page: &Page, language: Language) -> Vec<String> {
    let mut lines = vec![match &page.speech {
        Some(speech) => speech.clone(),
        None => joined(&page.title, &page.help),
    }];
    lines.extend(page.error.clone());
    match &page.body {
        Body::Intro { facts, materials } => {
            lines.extend(facts.iter().chain(materials).map(|it| row(it, language)));
        }
        Body::Rows(sections) | Body::Staff(sections) => {
            lines.extend(sections.iter().flat_map(|it| section(it, language)));
        }
        Body::Done { outputs, code, sections } => {
            lines.extend(outputs.iter().map(|it| row(it, language)));
            lines.extend(code.clone());
            lines.extend(sections.iter().flat_map(|it| section(it, language)));
        }
        Body::Consent { statement, .. } => lines.push(statement.clone()),
        Body::Pay { amount, .. } => lines.push(amount.clone()),
        Body::Working { what, .. } => lines.push(what.clone()),
        Body::Stop { call } => lines.push(call.clone()),
        Body::Place { label, .. } => lines.push(label.clone()),
        _ => {}
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn section(section: &Section, language: Language) -> Vec<String> {
    let heading = Some(section.heading.clone()).filter(|heading| !heading.is_empty());
    let rows = section.rows.iter().map(|it| row(it, language));
    let table = section.table.iter().map(|cells| {
        let named = section.columns.iter().zip(cells);
        let cells = named.map(|(column, cell)| named_value(column, cell, language));
        cells.collect::<Vec<_>>().join(if language == Language::Chinese { "，" } else { ", " })
    });
    heading.into_iter().chain(rows).chain(table).collect()
}

fn row(row: &Row, language: Language) -> String {
    let value = named_value(&row.name, &row.value, language);
    let source = row.source.as_deref().unwrap_or_default();
    focus_line([&value, source, "", ""], language)
}

fn named_value(name: &str, value: &str, language: Language) -> String {
    match (name.is_empty() || value.is_empty(), language) {
        (true, _) => format!("{name}{value}"),
        (false, Language::Chinese) => format!("{name}：{value}"),
        (false, Language::English) => format!("{name}: {value}"),
    }
}

fn joined(title: &str, help: &str) -> String {
    if help.is_empty() { title.to_owned() } else { format!("{title} {help}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(title: &str) -> Page {
        Page {
            title: title.into(),
            help: "点一项开始".into(),
            speech: None,
            body: Body::Rows(vec![Section {
                heading: "缴费".into(),
                columns: vec!["月份".into(), "金额".into()],
                table: vec![vec!["11月".into(), "¥1.00".into()]],
                ..Section::default()
            }]),
            error: Some("少一位".into()),
            progress: None,
            back: true,
            main: None,
            finish: true,
            also: vec![],
        }
    }

    fn said(speech: &Speech) -> Vec<String> {
        std::iter::from_fn(|| speech.take()).collect()
    }

    #[test]
    fn a_page_is_said_once_from_its_title_to_its_tables_and_again_on_demand() {
        let speech = Speech::default();
        let whole = ["您的缴费 点一项开始", "少一位", "缴费", "月份：11月，金额：¥1.00"];
        speech.show(&page("您的缴费"), Language::Chinese);
        assert_eq!(said(&speech), whole);
        speech.show(&page("您的缴费"), Language::Chinese);
        assert_eq!(said(&speech), [""; 0]);
        speech.repeat();
        assert_eq!(said(&speech), whole);
    }

    #[test]
    fn the_next_page_interrupts_the_one_before() {
        let speech = Speech::default();
        speech.show(&page("一"), Language::Chinese);
        speech.show(&page("二"), Language::Chinese);
        assert_eq!(said(&speech)[0], "二 点一项开始");
    }

    #[test]
    fn what_waits_is_bounded_and_forgotten() {
        let speech = Speech::default();
        (0..=LINES_MAX).for_each(|line| speech.say(line.to_string()));
        assert_eq!(speech.take().as_deref(), Some("1"), "the oldest is dropped");
        speech.forget();
        assert_eq!((said(&speech), speech.caption()), (vec![], String::new()));
    }
}
