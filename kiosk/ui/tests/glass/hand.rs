//! Three ways to reach what is on the glass: a finger on what stands there, the keypad to what has
//! the focus, and the keypad by ear alone.

use screen::outline::Part;
use service::text::Language;

use crate::stand::{Stand, Walked};

/// More steps than any page has stops.
const STEPS_MAX: usize = 90;
/// More keys than any row of the keyboard has, and more rows.
const ROW_MAX: usize = 14;
const ROWS_MAX: usize = 7;
/// More pages of candidates than any syllable has.
const CANDIDATES_MAX: usize = 400;

/// Keys of the keypad, by their evdev codes.
const UP: u16 = 103;
const DOWN: u16 = 108;
const LEFT: u16 = 105;
pub(crate) const RIGHT: u16 = 106;
const SELECT: u16 = 353;
pub(crate) const HELP: u16 = 138;

/// How a citizen works the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    Finger,
    /// Eleven keys, looking at the glass.
    Keypad,
    /// Eleven keys, listening.
    Ear,
}

impl Stand {
    /// Does what is called so: the `nth` of this name.
    pub(crate) fn press(&mut self, label: &str, nth: usize) -> Walked {
        if self.hand == Hand::Finger {
            return self.tap_nth(label, nth);
        }
        self.comes_to(label, nth)?;
        self.key(SELECT)
    }

    /// Moves the focus to what is called so.
    pub(crate) fn comes_to(&mut self, label: &str, nth: usize) -> Walked {
        let mut left = nth;
        let mut heard = Vec::new();
        for _ in 0..STEPS_MAX {
            self.listen();
            self.key(DOWN)?;
            let spoken = self.listen().pop().unwrap_or_default();
            let found = match self.hand {
                Hand::Ear => is_called(&spoken, label),
                _ => self.focused().is_some_and(|part| part.label == label),
            };
            if heard.first() == Some(&spoken) {
                break;
            }
            heard.push(spoken);
            if found && left == 0 {
                return Ok(());
            }
            left -= usize::from(found);
        }
        Err(format!(
            "the keypad does not come to {label:?} ({nth}), but to:\n  {}",
            heard.join("\n  ")
        ))
    }

    /// What has the focus.
    pub(crate) fn focused(&self) -> Option<Part> {
        self.parts().into_iter().find(|part| part.focused && !part.inner)
    }

    /// What was spoken since the last time.
    pub(crate) fn listen(&mut self) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.speech().take()).collect::<Vec<_>>();
        self.transcript.extend(lines.iter().cloned());
        lines
    }

    /// Presses a key of the keyboard on the glass, told by its name.
    pub(crate) fn press_key(&mut self, name: &str, language: Language) -> Walked {
        if self.hand == Hand::Finger {
            return self.tap(name);
        }
        let name = key_spoken(name, language);
        for code in [UP, DOWN] {
            for _ in 0..ROWS_MAX {
                if self.finds_in_row(&name)? {
                    return self.key(SELECT);
                }
                self.key(code)?;
            }
        }
        Err(format!("the mark does not come to the key {name:?}"))
    }

    /// Chooses one of the words that the pinyin may mean; false where it is not among them.
    pub(crate) fn choose_candidate(&mut self, word: &str) -> Walked<bool> {
        for _ in 0..ROWS_MAX {
            self.key(UP)?;
        }
        for _ in 0..ROW_MAX {
            self.key(LEFT)?;
        }
        let mut spoken = self.mark();
        for _ in 0..CANDIDATES_MAX {
            if spoken == word {
                self.key(SELECT)?;
                return Ok(true);
            }
            self.key(RIGHT)?;
            let next = self.mark();
            if next == spoken {
                return Ok(false);
            }
            spoken = next;
        }
        Ok(false)
    }

    fn finds_in_row(&mut self, name: &str) -> Walked<bool> {
        let mut spoken = self.mark();
        for code in [LEFT, RIGHT] {
            for _ in 0..ROW_MAX {
                if spoken == name {
                    return Ok(true);
                }
                self.key(code)?;
                let next = self.mark();
                if next == spoken {
                    break;
                }
                spoken = next;
            }
        }
        Ok(spoken == name)
    }

    /// The key that was spoken last.
    fn mark(&mut self) -> String {
        self.listen();
        self.transcript.last().cloned().unwrap_or_default()
    }
}

/// Whether a spoken line is about what is called so.
fn is_called(spoken: &str, label: &str) -> bool {
    let rest = spoken.strip_prefix(label);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('，') || rest.starts_with(", "))
}

/// How a key is spoken that has another word on it.
fn key_spoken(name: &str, language: Language) -> String {
    let zh = language == Language::Chinese;
    match name {
        "ABC" if zh => "英文字母".into(),
        "ABC" => "Latin letters".into(),
        "123" if zh => "数字".into(),
        "123" => "Digits".into(),
        "拼音" if !zh => "Pinyin".into(),
        name => name.into(),
    }
}
