//! How much fits on a page: a list is turned where the glass ends.
//!
//! Slint lays out after the rows are chosen, so their heights are estimated here from the words, a
//! little more than they take and never less. Sizes are those of `screen/ui/theme.slint`, in
//! logical pixels.

use std::ops::Range;

use kiosk::page::{Choice, Entry, Page, Row};
use kiosk::terminal::Modes;

const TITLE: f32 = 64.0;
const SECTION: f32 = 44.0;
const BODY: f32 = 36.0;
const HINT: f32 = 30.0;
/// Letters are so much larger in the large mode.
const LARGE: f32 = 1.35;
/// From one line of words to the next, in sizes of the letter.
const LINE: f32 = 1.45;
const MARGIN: f32 = 48.0;
const GAP: f32 = 16.0;
/// Part of the glass that is only told on, in reach mode.
const TOLD: f32 = 0.34;
/// Between the parts of a page.
const SPACING: f32 = 32.0;

/// What is left of a page for its body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Room {
    width: f32,
    height: f32,
    letter: f32,
    main: f32,
    small: f32,
}

impl Room {
    /// Under title and help of a page, on a glass of this `size`.
    pub(crate) fn of(size: (f32, f32), modes: Modes, typing: bool, page: &Page) -> Room {
        let (letter, main, small) =
            if modes.large { (LARGE, 136.0, 96.0) } else { (1.0, 112.0, 80.0) };
        let width = size.0 - 2.0 * MARGIN;
        let mut room = Room { width, height: 0.0, letter, main, small };
        let bands = 130.0 + 6.0 + 60.0 + main;
        let title = room.words(&page.title, TITLE, width)
            + if page.help.is_empty() || typing {
                0.0
            } else {
                12.0 + room.words(&page.help, BODY, width)
            };
        let told = if modes.reach && !typing { TOLD * size.1 } else { title + SPACING };
        let keys = match (typing, modes.large) {
            (false, _) => 0.0,
            (true, false) => 660.0,
            (true, true) => 756.0,
        };
        let caption = if modes.voice { 24.0 + 2.0 * LINE * HINT * letter } else { 0.0 };
        let error = page
            .error
            .as_deref()
            .map_or(0.0, |error| 48.0 + SPACING + room.words(error, HINT, width - 116.0).max(48.0));
        let offers: f32 = page.also.iter().map(|_| main + GAP + SPACING).sum();
        room.height = size.1 - bands - 88.0 - SPACING - told - keys - caption - error - offers;
        room
    }

    /// The room without a part of this height.
    pub(crate) fn without(self, height: f32) -> Room {
        Room { height: self.height - height, ..self }
    }

    /// Half the width, for one of two lists side by side.
    pub(crate) fn half(self) -> Room {
        Room { width: (self.width - 24.0) / 2.0, ..self }
    }

    /// The pages of rows of these heights; the turning buttons take their place where there are several.
    pub(crate) fn pages(&self, heights: &[f32], gap: f32) -> Vec<Range<usize>> {
        let whole: f32 = heights.iter().map(|height| height + gap).sum();
        if whole <= self.height + gap {
            return std::iter::once(0..heights.len()).collect();
        }
        let room = self.height - self.main - 24.0;
        let mut pages = Vec::new();
        let (mut start, mut filled) = (0, 0.0);
        for (index, height) in heights.iter().enumerate() {
            if index > start && filled + height > room {
                pages.push(start..index);
                (start, filled) = (index, 0.0);
            }
            filled += height + gap;
        }
        pages.push(start..heights.len());
        pages
    }

    /// A row that opens something.
    pub(crate) fn entry(&self, entry: &Entry) -> f32 {
        let hint = entry.unavailable.as_ref().unwrap_or(&entry.hint);
        self.pressed(&entry.label, hint, self.width - 112.0)
    }

    /// One of a few.
    pub(crate) fn choice(&self, choice: &Choice) -> f32 {
        self.pressed(&choice.label, told(choice), self.width - 128.0)
    }

    /// One of a list beside another.
    pub(crate) fn pick(&self, choice: &Choice) -> f32 {
        let width = self.width - 24.0;
        let hint = told(choice);
        let hint = if hint.is_empty() { 0.0 } else { self.plain(hint, 28.0, width) };
        (24.0 + self.words(&choice.label, HINT, width - 36.0 * self.letter) + hint).max(self.small)
    }

    /// A name and a value; `change` is what the button says that leads back to the question.
    pub(crate) fn row(&self, row: &Row, change: &str) -> f32 {
        let source = row.source.as_deref().unwrap_or_default();
        if row.edit.is_some() {
            let width = self.width - 136.0 - self.across(change, HINT);
            return self.pressed(&row.value, &format!("{} · {source}", row.name), width);
        }
        let name = self.words(&row.name, HINT, self.width * 0.34);
        let value = format!("{} · {source}", row.value);
        34.0 + name.max(self.words(&value, BODY, self.width * 0.66 - 32.0))
    }

    /// A heading.
    pub(crate) fn heading(&self, words: &str) -> f32 {
        32.0 + self.words(words, SECTION, self.width)
    }

    /// A line of a table.
    pub(crate) fn cells(&self, cells: &[String]) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a table has a few columns")]
        let count = cells.len().max(1) as f32;
        let width = (self.width - 24.0 - GAP * (count - 1.0)) / count;
        let highest = cells.iter().map(|cell| self.words(cell, HINT, width));
        24.0 + highest.fold(0.0, f32::max)
    }

    fn pressed(&self, label: &str, hint: &str, width: f32) -> f32 {
        let hint = if hint.is_empty() { 0.0 } else { 4.0 + self.words(hint, HINT, width) };
        (48.0 + self.words(label, BODY, width) + hint).max(self.main)
    }

    /// Height of words that are wrapped at this width, their size growing with the mode.
    fn words(&self, words: &str, size: f32, width: f32) -> f32 {
        self.plain(words, size * self.letter, width)
    }

    #[expect(clippy::unused_self, reason = "reads as the others")]
    fn plain(&self, words: &str, size: f32, width: f32) -> f32 {
        let lines = words.split('\n').map(|line| (ems(line) * size / width).ceil().max(1.0));
        lines.sum::<f32>() * size * LINE
    }

    fn across(&self, words: &str, size: f32) -> f32 {
        ems(words) * size * self.letter
    }
}

fn told(choice: &Choice) -> &str {
    choice.unavailable.as_ref().unwrap_or(&choice.hint)
}

/// Width of words in sizes of the letter; Latin words break before the end of a line, so a little more.
fn ems(words: &str) -> f32 {
    words.chars().map(|sign| if sign.is_ascii() { 0.62 } else { 1.0 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Room {
        Room { width: 984.0, height: 600.0, letter: 1.0, main: 112.0, small: 80.0 }
    }

    #[test]
    fn a_list_that_fits_is_not_turned_and_a_longer_one_leaves_room_for_the_buttons() {
        assert!(room().pages(&[112.0; 4], GAP).into_iter().eq(std::iter::once(0..4)));
        assert_eq!(room().pages(&[112.0; 6], GAP), [0..3, 3..6]);
        assert!(room().pages(&[], GAP).into_iter().eq(std::iter::once(0..0)));
    }

    #[test]
    fn a_row_that_is_higher_than_the_page_still_has_a_page() {
        assert_eq!(room().pages(&[900.0, 900.0], GAP), [0..1, 1..2]);
    }

    #[test]
    fn long_words_take_more_lines() {
        let row =
            |value: &str| Row { name: "名".into(), value: value.into(), source: None, edit: None };
        assert!(room().row(&row("短"), "改") < room().row(&row(&"长".repeat(40)), "改"));
    }
}
