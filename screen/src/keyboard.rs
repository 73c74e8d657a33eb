//! The keyboard on the glass, as plain state. `ui/keyboard.slint` draws a [`View`] and sends a [`Touch`].
//!
//! A person who uses the keypad moves a mark over the keys with the arrows; each key is spoken as
//! the mark comes to it.

use drivers::input::Pad;

use crate::pinyin::{Order, Pinyin};

/// Width of one page of candidates: each takes its characters and one more.
const PAGE_WIDTH: usize = 19;

/// Which keys are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// 0 to 9, and X for identity numbers.
    Digits,
    /// Digits and capital letters, for codes of firms and papers.
    Capitals,
    /// Letters, digits and the signs of addresses.
    Latin,
    /// Letters that become characters.
    #[default]
    Pinyin,
}

/// What somebody did on the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touch {
    /// A key by its [`name`](Key::name).
    Key(String),
    /// A candidate of the shown page.
    Candidate(usize),
    /// A key of the keypad.
    Pad(Pad),
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Types or composes this character.
    Character(char),
    /// Takes back one letter or character.
    Backspace,
    /// A space, or the first candidate.
    Space,
    /// Capital letters.
    Shift,
    /// Shows this layout.
    Layout(Layout),
    /// Rare characters first, and back.
    Rare,
    /// Candidates before.
    Before,
    /// Candidates after.
    After,
    /// The field is done.
    Done,
}

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Types this into the field, at once.
    Insert(String),
    /// Deletes the character before the cursor.
    Backspace,
    /// The field is done: hides the keyboard.
    Done,
    /// Speaks what the mark came to or what was typed.
    Say(String),
}

/// What the keyboard looks like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Names of the keys, row by row.
    pub rows: Vec<Vec<String>>,
    /// Letters that are not yet characters.
    pub composing: String,
    /// One page of candidates.
    pub candidates: Vec<String>,
    /// Whether there are pages before and after.
    pub pages: (bool, bool),
    /// Whether letters are capital.
    pub shifted: bool,
    /// Whether rare characters stand first.
    pub rare: bool,
    /// Which key a keypad's mark stands on: row (0 is the candidates), place in it.
    pub mark: Option<(usize, usize)>,
}

/// The keyboard.
#[derive(Debug, Default)]
pub struct Keyboard {
    layout: Layout,
    pinyin: Pinyin,
    order: Order,
    page: usize,
    shifted: bool,
    mark: Option<(usize, usize)>,
}

impl Keyboard {
    /// Another field has the focus: shows `layout`, nothing composed.
    pub fn open(&mut self, layout: Layout) {
        self.pinyin.clear();
        *self = Self { layout, pinyin: std::mem::take(&mut self.pinyin), ..Self::default() };
    }

    /// Wipes what was typed and learned.
    pub fn forget(&mut self) {
        self.pinyin.forget();
        self.open(self.layout);
    }

    /// What it looks like.
    pub fn view(&self) -> View {
        let mut candidates = self.candidates();
        let (start, end) = self.page_of(&candidates);
        View {
            rows: self.keys().iter().map(|row| row.iter().map(Key::name).collect()).collect(),
            composing: self.pinyin.letters().into(),
            pages: (start > 0, end < candidates.len()),
            candidates: candidates.drain(start..end).collect(),
            shifted: self.shifted,
            rare: self.order == Order::Rare,
            mark: self.mark,
        }
    }

    /// Takes what somebody did.
    pub fn handle(&mut self, touch: Touch) -> Vec<Effect> {
        match touch {
            Touch::Key(name) => {
                self.mark = None;
                Key::named(&name).map_or_else(Vec::new, |key| self.press(&key))
            }
            Touch::Candidate(index) => self.choose(index),
            Touch::Pad(pad) => self.pad(pad),
        }
    }

    fn press(&mut self, key: &Key) -> Vec<Effect> {
        match key {
            Key::Character(letter) if self.composes(*letter) => {
                self.pinyin.push(*letter);
                self.page = 0;
                Vec::new()
            }
            Key::Character(character) => {
                let shifted = std::mem::take(&mut self.shifted);
                let text = if shifted { character.to_ascii_uppercase() } else { *character };
                self.insert(text.to_string())
            }
            Key::Backspace => {
                self.page = 0;
                if self.pinyin.pop() { Vec::new() } else { vec![Effect::Backspace] }
            }
            Key::Space if self.pinyin.letters().is_empty() => self.insert(" ".into()),
            Key::Space => self.choose(0),
            Key::Shift => self.toggle(|keyboard| keyboard.shifted = !keyboard.shifted),
            Key::Rare => self.toggle(|keyboard| {
                keyboard.order = match keyboard.order {
                    Order::Usual => Order::Rare,
                    Order::Rare => Order::Usual,
                };
            }),
            Key::Layout(layout) => self.toggle(|keyboard| keyboard.open(*layout)),
            Key::Before => self.toggle(|keyboard| keyboard.page = keyboard.page.saturating_sub(1)),
            Key::After => {
                if self.view().pages.1 {
                    self.page += 1;
                }
                Vec::new()
            }
            Key::Done => {
                let letters = self.pinyin.letters().to_owned();
                self.pinyin.clear();
                let typed = (!letters.is_empty()).then_some(Effect::Insert(letters));
                typed.into_iter().chain([Effect::Done]).collect()
            }
        }
    }

    fn toggle(&mut self, change: impl FnOnce(&mut Self)) -> Vec<Effect> {
        change(self);
        Vec::new()
    }

    fn insert(&self, text: String) -> Vec<Effect> {
        let said = self.mark.map(|_| Effect::Say(text.clone()));
        [Effect::Insert(text)].into_iter().chain(said).collect()
    }

    fn choose(&mut self, index: usize) -> Vec<Effect> {
        let candidates = self.pinyin.candidates(self.order);
        let (start, _) = self.page_of(&self.candidates());
        let Some(candidate) = candidates.get(start + index) else { return Vec::new() };
        self.page = 0;
        let text = self.pinyin.choose(candidate);
        if self.mark.is_some() {
            self.mark = Some((1, 0));
        }
        self.insert(text)
    }

    /// Letters compose in pinyin; a digit doesn't, and an apostrophe only within letters.
    fn composes(&self, letter: char) -> bool {
        let separates = letter == '\'' && !self.pinyin.letters().is_empty();
        self.layout == Layout::Pinyin
            && !self.shifted
            && (letter.is_ascii_alphabetic() || separates)
    }

    fn candidates(&self) -> Vec<String> {
        let candidates = self.pinyin.candidates(self.order);
        candidates.into_iter().map(|candidate| candidate.text).collect()
    }

    /// Where the shown page starts and ends among the candidates.
    fn page_of(&self, candidates: &[String]) -> (usize, usize) {
        let mut start = 0;
        for _ in 0..self.page {
            start = page_end(candidates, start);
        }
        (start, page_end(candidates, start))
    }

    fn pad(&mut self, pad: Pad) -> Vec<Effect> {
        let rows = self.marked_rows();
        let (row, place) = self.mark.unwrap_or((0, 0));
        let (row, place) = match (self.mark, pad) {
            (Some(_), Pad::Select) => return self.select(row, place),
            (_, Pad::Back) => return vec![Effect::Done],
            (None, Pad::Up | Pad::Down | Pad::Left | Pad::Right | Pad::Select) => (1, 0),
            (_, Pad::Up) => (row.saturating_sub(1), place),
            (_, Pad::Down) => (row + 1, place),
            (_, Pad::Left) if row == 0 && place == 0 && self.page > 0 => {
                self.page -= 1;
                (0, 0)
            }
            (_, Pad::Right) if row == 0 && place + 1 >= rows[0].len() && self.view().pages.1 => {
                self.page += 1;
                (0, 0)
            }
            (_, Pad::Left) => (row, place.saturating_sub(1)),
            (_, Pad::Right) => (row, place + 1),
            _ => return Vec::new(),
        };
        let rows = self.marked_rows();
        let row = row.min(rows.len() - 1);
        let row = if rows[row].is_empty() { 1 } else { row };
        let place = place.min(rows[row].len().saturating_sub(1));
        self.mark = Some((row, place));
        rows[row].get(place).cloned().map(Effect::Say).into_iter().collect()
    }

    fn select(&mut self, row: usize, place: usize) -> Vec<Effect> {
        if row == 0 {
            return self.choose(place);
        }
        let key = self.keys().get(row - 1).and_then(|row| row.get(place)).cloned();
        key.map_or_else(Vec::new, |key| self.press(&key))
    }

    /// What the mark can stand on: the candidates, then the keys.
    fn marked_rows(&self) -> Vec<Vec<String>> {
        let view = self.view();
        std::iter::once(view.candidates).chain(view.rows).collect()
    }

    fn keys(&self) -> Vec<Vec<Key>> {
        match self.layout {
            Layout::Digits => digits(),
            Layout::Capitals => capitals(),
            Layout::Latin => letters(Layout::Pinyin, &[Key::Character('@'), Key::Character('-')]),
            Layout::Pinyin => letters(Layout::Latin, &[Key::Rare, Key::Character('\'')]),
        }
    }
}

/// As many candidates as fit on one line from `start` on, at least one.
fn page_end(candidates: &[String], start: usize) -> usize {
    let mut width = 0;
    let fits = candidates[start..].iter().take_while(|candidate| {
        width += candidate.chars().count() + 1;
        width <= PAGE_WIDTH
    });
    let count = fits.count();
    (start + count.max(1)).min(candidates.len())
}

fn characters(row: &str) -> Vec<Key> {
    row.chars().map(Key::Character).collect()
}

fn digits() -> Vec<Vec<Key>> {
    let with = |row: &str, key: Key| characters(row).into_iter().chain([key]).collect();
    vec![
        with("123", Key::Backspace),
        with("456", Key::Layout(Layout::Pinyin)),
        with("789", Key::Layout(Layout::Latin)),
        with("X0.", Key::Done),
    ]
}

fn capitals() -> Vec<Vec<Key>> {
    let last = characters("ZXCVBNM").into_iter().chain([Key::Backspace, Key::Done]);
    vec![
        characters("1234567890"),
        characters("QWERTYUIOP"),
        characters("ASDFGHJKL"),
        last.collect(),
    ]
}

fn letters(other: Layout, extra: &[Key; 2]) -> Vec<Vec<Key>> {
    let [first, second] = extra.clone();
    let third = [Key::Shift].into_iter().chain(characters("zxcvbnm")).chain([Key::Backspace]);
    let last =
        [Key::Layout(Layout::Digits), Key::Layout(other), first, Key::Space, second, Key::Done];
    vec![
        characters("1234567890"),
        characters("qwertyuiop"),
        characters("asdfghjkl"),
        third.collect(),
        last.into(),
    ]
}

impl Key {
    /// What stands on it: a character, or a word that `ui/keyboard.slint` has in every language.
    pub fn name(&self) -> String {
        match self {
            Key::Character(character) => character.to_string(),
            Key::Backspace => "backspace".into(),
            Key::Space => "space".into(),
            Key::Shift => "shift".into(),
            Key::Layout(Layout::Digits) => "digits".into(),
            Key::Layout(Layout::Capitals) => "capitals".into(),
            Key::Layout(Layout::Latin) => "latin".into(),
            Key::Layout(Layout::Pinyin) => "pinyin".into(),
            Key::Rare => "rare".into(),
            Key::Before => "before".into(),
            Key::After => "after".into(),
            Key::Done => "done".into(),
        }
    }

    fn named(name: &str) -> Option<Self> {
        let mut characters = name.chars();
        if let (Some(character), None) = (characters.next(), characters.next()) {
            return Some(Key::Character(character));
        }
        let layouts =
            [Layout::Digits, Layout::Capitals, Layout::Latin, Layout::Pinyin].map(Key::Layout);
        let others = [Key::Backspace, Key::Space, Key::Shift, Key::Rare, Key::Before, Key::After];
        layouts.into_iter().chain(others).chain([Key::Done]).find(|key| key.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Touches keys, words among them in braces, and gives what was typed.
    fn typed(keyboard: &mut Keyboard, keys: &str) -> String {
        let mut text = String::new();
        for (at, part) in keys.split(['{', '}']).enumerate() {
            let names: Vec<String> = match at % 2 {
                0 => part.chars().map(String::from).collect(),
                _ => vec![part.into()],
            };
            for effect in names.into_iter().flat_map(|name| keyboard.handle(Touch::Key(name))) {
                match effect {
                    Effect::Insert(more) => text.push_str(&more),
                    Effect::Backspace => drop(text.pop()),
                    Effect::Done | Effect::Say(_) => {}
                }
            }
        }
        text
    }

    #[test]
    fn pinyin_becomes_characters_at_once() {
        let mut keyboard = Keyboard::default();
        assert_eq!(typed(&mut keyboard, "fuzhou{space}"), "福州");
        assert_eq!(keyboard.view().composing, "");
        assert_eq!(typed(&mut keyboard, "fuzhu{backspace}ou{space}88{space}"), "福州88 ");
    }

    #[test]
    fn letters_digits_and_capitals_are_typed_as_they_are() {
        let mut keyboard = Keyboard::default();
        keyboard.open(Layout::Latin);
        assert_eq!(typed(&mut keyboard, "{shift}ab{digits}35010X{backspace}"), "Ab35010");
        keyboard.open(Layout::Capitals);
        assert_eq!(typed(&mut keyboard, "91350100MA"), "91350100MA");
    }

    #[test]
    fn letters_that_were_not_chosen_are_kept_when_done() {
        assert_eq!(typed(&mut Keyboard::default(), "wifi{done}"), "wifi");
    }

    #[test]
    fn a_keypad_reaches_every_key_and_hears_it() {
        let mut keyboard = Keyboard::default();
        let mut say = |pad| match &keyboard.handle(Touch::Pad(pad))[..] {
            [Effect::Say(text)] => text.clone(),
            other => format!("{other:?}"),
        };
        assert_eq!(say(Pad::Down), "1");
        assert_eq!(say(Pad::Right), "2");
        assert_eq!(say(Pad::Down), "w");
        assert_eq!(say(Pad::Select), "[]", "composes");
        assert_eq!(say(Pad::Up), "2");
        assert_eq!(say(Pad::Up), keyboard.view().candidates[1]);
        let chosen = keyboard.view().candidates[1].clone();
        let effects = keyboard.handle(Touch::Pad(Pad::Select));
        assert_eq!(effects, [Effect::Insert(chosen.clone()), Effect::Say(chosen)]);
    }

    #[test]
    fn forgetting_leaves_nothing() {
        let mut keyboard = Keyboard::default();
        typed(&mut keyboard, "chen");
        keyboard.forget();
        assert!(!format!("{keyboard:?} {:?}", keyboard.view()).contains("chen"));
    }
}
