//! LED matrices: a few lines in fixed columns, one language at a time.
//!
//! ```text
//! |K1  火车站      约7分|   compact: line, destination, time
//! |K1  福州火车站北广场 |   tall: the destination has a line of its own,
//! |    按时刻表    18:42|   and the label or the stops away stand under it
//! ```
//!
//! A name that fits no line of its own even in its shortest form is shown part by part, page by page.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use sync::{Lang, Level, Text};

use super::fit::{self, LEVELS};
use super::{Ink, Mark, Setting};
use crate::font::{Face, Ruler};
use crate::message::{Message, Notice, Row, Rung};
use crate::when::{Certainty, When};

/// Most pages of buses in one language: nobody waits longer to see a page again. Later buses are left out.
const PAGES_MAX: usize = 4;
/// Dark pixels left of everything: letters at the very edge melt into the frame.
const MARGIN: u32 = 1;
/// Most lines of one notice; what does not fit is left out from its end.
const NOTICE_LINES_MAX: usize = 8;

/// The lines of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Usable width in px; the rest is room to move in.
    pub width: u32,
    /// How many lines it has.
    pub slots: usize,
    /// Height of a line in px.
    pub pitch: u32,
    /// Between two columns in px: half an ideograph.
    pub gap: u32,
    /// Of a line's top, where its letters stand.
    pub baseline: u32,
    /// Letters for names, preferred first.
    pub faces: &'static [Face],
}

/// One page of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    grid: Grid,
    /// Its language.
    pub lang: Lang,
    /// Where destinations begin, in px.
    column: u32,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    /// One line for one bus.
    Compact { key: String, destination: String, face: Face },
    /// Two lines for one bus; the end of a long destination may stand beside the time.
    Tall { key: String, destination: String, rest: String, face: Face },
    /// One line of words.
    Line { text: String, ink: Ink, face: Face },
}

impl Grid {
    /// 128 x 32.
    pub const TWO_LINES: Grid =
        Grid { width: 125, slots: 2, pitch: 15, gap: 6, baseline: 12, faces: &[Face::Pixel12] };
    /// 192 x 64.
    pub const THREE_LINES: Grid = Grid {
        width: 189,
        slots: 3,
        pitch: 20,
        gap: 8,
        baseline: 16,
        faces: &[Face::Pixel16, Face::Pixel12],
    };

    /// The page set of a message: all of it in the first language, then in the next.
    pub fn plan(self, message: &Message, setting: Setting<'_>) -> Vec<Leaf> {
        let one = |lang: &Lang| self.plan_in(message, *lang, setting.ruler);
        let mut leaves: Vec<Leaf> = setting.languages.iter().flat_map(one).collect();
        // Where nothing is translated, the second language only repeats the first.
        let said = |leaf: &Leaf| leaf.draw(message, setting);
        if setting.languages.len() > 1 && leaves.len() > 1 {
            let (first, second) = leaves.split_at(leaves.len() / 2);
            if leaves.len().is_multiple_of(2) && first.iter().map(said).eq(second.iter().map(said))
            {
                leaves.truncate(leaves.len() / 2);
            }
        }
        leaves
    }

    fn plan_in(self, message: &Message, lang: Lang, ruler: &Ruler) -> Vec<Leaf> {
        let rows = self.rows(message);
        let column = self.line_column(&rows, ruler);
        let mut pages: Vec<Vec<Block>> = Vec::new();
        if message.rung == Rung::Emergency || message.rung == Rung::Alert {
            pages
                .extend(message.notices.iter().flat_map(|notice| self.notice(notice, lang, ruler)));
        }
        let heading = self.heading(message, lang, ruler);
        let open = if heading.is_empty() { None } else { Some(heading) };
        pages.extend(self.pack(open, &rows, column, lang, ruler).into_iter().take(PAGES_MAX));
        if message.rung != Rung::Emergency && message.rung != Rung::Alert {
            let warnings = message.notices.iter().filter(|notice| notice.level <= Level::Warning);
            pages.extend(
                warnings.flat_map(|notice| self.notice(notice, lang, ruler).into_iter().take(1)),
            );
        }
        pages.into_iter().map(|blocks| Leaf { grid: self, lang, column, blocks }).collect()
    }

    /// The next bus of everything, and where there is room on one page, the ones after.
    fn rows(self, message: &Message) -> Vec<&Row> {
        let spare = self.slots.saturating_sub(message.rows.len());
        message.rows.iter().chain(message.later.iter().take(spare)).collect()
    }

    fn line_column(self, rows: &[&Row], ruler: &Ruler) -> u32 {
        let widest =
            rows.iter().map(|row| ruler.width(self.faces[0], &row.line.name)).max().unwrap_or(0);
        widest.min(self.width / 3) + self.gap
    }

    /// Fills pages in order; a page's compact rows share the same letters and the same form of names.
    fn pack(
        self,
        open: Option<Vec<Block>>,
        rows: &[&Row],
        column: u32,
        lang: Lang,
        ruler: &Ruler,
    ) -> Vec<Vec<Block>> {
        let mut pages: Vec<Vec<Block>> = open.into_iter().collect();
        let mut shared: Vec<&Row> = Vec::new();
        for row in rows {
            let compact = self.common_form(&[row], column, lang, ruler).is_some();
            let need = if compact { 1 } else { 2 };
            let used = pages.last().map_or(self.slots, |page| page.iter().map(Block::slots).sum());
            if used + need > self.slots {
                pages.push(Vec::new());
                shared.clear();
            }
            let parts = if compact { Vec::new() } else { self.parts(row, column, lang, ruler) };
            let page = pages.last_mut().expect("a page was opened above");
            if compact {
                shared.push(row);
                page.retain(|block| !matches!(block, Block::Compact { .. }));
                page.extend(self.compact(&shared, column, lang, ruler));
            } else {
                let before = page.clone();
                for (nth, part) in parts.into_iter().enumerate() {
                    let (face, [destination, rest]) = part;
                    let tall = Block::Tall { key: row.key.clone(), destination, rest, face };
                    if nth == 0 {
                        pages.last_mut().expect("it is open").push(tall);
                    } else {
                        pages.push([before.clone(), vec![tall]].concat());
                    }
                }
            }
        }
        pages
    }

    fn compact(self, rows: &[&Row], column: u32, lang: Lang, ruler: &Ruler) -> Vec<Block> {
        let (level, face) =
            self.common_form(rows, column, lang, ruler).expect("each of them fits alone");
        let block = |row: &&Row| {
            let destination = fit::form(&ruler.readable(face, &row.destination, lang), level);
            Block::Compact { key: row.key.clone(), destination, face }
        };
        rows.iter().map(block).collect()
    }

    /// The first form and letters in which the destination of every row fits beside its time.
    fn common_form(
        self,
        rows: &[&Row],
        column: u32,
        lang: Lang,
        ruler: &Ruler,
    ) -> Option<(usize, Face)> {
        let forms = (0..LEVELS).flat_map(|level| self.faces.iter().map(move |face| (level, *face)));
        forms.into_iter().find(|(level, face)| {
            rows.iter().all(|row| {
                let name = fit::form(&ruler.readable(*face, &row.destination, lang), *level);
                let time = self.room_for_time(row.when, lang, ruler);
                column + ruler.width(*face, &name) + self.gap + time <= self.width
            })
        })
    }

    /// Width to keep for a time: as it is, and as it may soon be.
    fn room_for_time(self, when: When, lang: Lang, ruler: &Ruler) -> u32 {
        let words = |when: When| ruler.width(self.faces[0], &when.words(lang)[0]);
        let label =
            when.label(lang).map_or(0, |label| ruler.width(Face::Pixel12, label) + self.gap);
        when.soon().into_iter().map(words).max().unwrap_or(0) + label
    }

    /// A destination on a line of its own, its end beside the time where it needs the room and no label does;
    /// where no form fits, part by part, each with a sign that it goes on.
    fn parts(self, row: &Row, column: u32, lang: Lang, ruler: &Ruler) -> Vec<(Face, [String; 2])> {
        let width = self.width - column;
        let beside = width.saturating_sub(self.room_for_time(row.when, lang, ruler) + self.gap);
        for level in 0..LEVELS {
            for face in self.faces {
                let name = fit::form(&ruler.readable(*face, &row.destination, lang), level);
                if ruler.width(*face, &name) <= width {
                    return vec![(*face, [name, String::new()])];
                }
                let beside_time = |lines: &Vec<String>| {
                    lines.len() == 2 && ruler.width(*face, &lines[1]) <= beside
                };
                let two = fit::wraps(ruler, *face, &name, width).into_iter().find(beside_time);
                if let Some(two) = two.filter(|_| row.when.label(lang).is_none()) {
                    return vec![(*face, [two[0].clone(), two[1].clone()])];
                }
            }
        }
        let face = self.faces[self.faces.len() - 1];
        // Whoever has to read it in parts reads its short form.
        let name = fit::form(&ruler.readable(face, &row.destination, lang), 1);
        let room = width.saturating_sub(2 * ruler.width(face, "…"));
        let lines = fit::wraps(ruler, face, &name, room).swap_remove(0);
        let last = lines.len().saturating_sub(1);
        let mark = |here: bool| if here { "…" } else { "" };
        let part =
            |(nth, line): (usize, String)| format!("{}{line}{}", mark(nth > 0), mark(nth < last));
        lines.into_iter().enumerate().map(part).map(|part| (face, [part, String::new()])).collect()
    }

    /// The heading in as many lines as it takes; with no row under it, the stop's name follows.
    fn heading(self, message: &Message, lang: Lang, ruler: &Ruler) -> Vec<Block> {
        let lines = |text: &Text, ink| {
            let lines = self.lines(text, lang, ruler, self.slots);
            lines
                .into_iter()
                .map(move |(face, text)| Block::Line { text, ink, face })
                .collect::<Vec<_>>()
        };
        let mut blocks =
            message.heading.as_ref().map(|heading| lines(heading, Ink::Strong)).unwrap_or_default();
        if message.rows.is_empty() && message.notices.is_empty() && !message.stop.is_empty() {
            blocks.extend(lines(&message.stop, Ink::Plain));
        }
        blocks.truncate(self.slots);
        blocks
    }

    /// A notice as pages: its headline stays on top where it takes one line only.
    fn notice(self, notice: &Notice, lang: Lang, ruler: &Ruler) -> Vec<Vec<Block>> {
        let (head_ink, body_ink) = match notice.level {
            Level::Emergency => (Ink::OnAlarm, Ink::Strong),
            Level::Warning => (Ink::Warning, Ink::Plain),
            Level::Notice => (Ink::Strong, Ink::Plain),
        };
        let block = |ink| move |(face, text): (Face, String)| Block::Line { text, ink, face };
        let head = self
            .lines(&notice.headline, lang, ruler, NOTICE_LINES_MAX)
            .into_iter()
            .map(block(head_ink));
        let body = self
            .lines(&notice.instruction, lang, ruler, NOTICE_LINES_MAX)
            .into_iter()
            .map(block(body_ink));
        let (head, body): (Vec<Block>, Vec<Block>) = (head.collect(), body.collect());
        if head.len() == 1 && self.slots > 1 && !body.is_empty() {
            return body.chunks(self.slots - 1).map(|lines| [&head, lines].concat()).collect();
        }
        [head, body].concat().chunks(self.slots).map(<[Block]>::to_vec).collect()
    }

    /// Text in the largest letters in which it takes one line, else wrapped in the smallest.
    fn lines(self, text: &Text, lang: Lang, ruler: &Ruler, most: usize) -> Vec<(Face, String)> {
        for face in self.faces {
            let text = ruler.readable(*face, text, lang);
            if ruler.width(*face, &text) <= self.width {
                return if text.is_empty() { Vec::new() } else { vec![(*face, text)] };
            }
        }
        let face = self.faces[self.faces.len() - 1];
        let lines = fit::wrap(ruler, face, &ruler.readable(face, text, lang), self.width);
        lines.into_iter().take(most).map(|line| (face, line)).collect()
    }
}

impl Block {
    fn slots(&self) -> usize {
        if matches!(self, Block::Tall { .. }) { 2 } else { 1 }
    }

    fn key(&self) -> Option<&str> {
        match self {
            Block::Compact { key, .. } | Block::Tall { key, .. } => Some(key),
            Block::Line { .. } => None,
        }
    }
}

impl Leaf {
    /// Whether it has words, or a bus that is still to come.
    pub fn lives(&self, message: &Message) -> bool {
        self.blocks.iter().any(|block| block.key().is_none_or(|key| message.row(key).is_some()))
    }

    /// The marks at this moment; a bus that has passed leaves its line empty.
    pub fn draw(&self, message: &Message, setting: Setting<'_>) -> Vec<Mark> {
        let used: usize = self.blocks.iter().map(Block::slots).sum();
        let spare = u32::try_from(self.grid.slots.saturating_sub(used)).unwrap_or(0);
        let mut top = spare * self.grid.pitch / 2;
        let mut marks = Vec::new();
        for block in &self.blocks {
            let row = block.key().and_then(|key| message.row(key));
            match (block, row) {
                (Block::Line { text, ink, face }, _) => {
                    self.words(text, *ink, *face, top, setting, &mut marks);
                }
                (Block::Compact { destination, face, .. }, Some(row)) => {
                    self.compact(row, destination, *face, top, setting, &mut marks);
                }
                (Block::Tall { destination, rest, face, .. }, Some(row)) => {
                    self.tall(row, [destination, rest], *face, top, setting, &mut marks);
                }
                _ => {}
            }
            top += self.grid.pitch * u32::try_from(block.slots()).unwrap_or(1);
        }
        marks
    }

    fn words(
        &self,
        text: &str,
        ink: Ink,
        face: Face,
        top: u32,
        setting: Setting<'_>,
        marks: &mut Vec<Mark>,
    ) {
        let width = setting.ruler.width(face, text);
        if ink == Ink::OnAlarm {
            let band =
                Rectangle::new(point(0, top), Size::new(self.grid.width + MARGIN, self.grid.pitch));
            marks.push(Mark::Fill(band, Ink::Alarm));
        }
        let left = self.grid.width.saturating_sub(width) / 2;
        marks.push(self.mark(left, top, face, text.to_owned(), ink));
    }

    fn compact(
        &self,
        row: &Row,
        name: &str,
        face: Face,
        top: u32,
        setting: Setting<'_>,
        marks: &mut Vec<Mark>,
    ) {
        let ink = ink_of(row);
        self.line_name(row, top, setting, marks);
        marks.push(self.mark(self.column, top, face, name.to_owned(), ink));
        let name_end = self.column + setting.ruler.width(face, name) + self.grid.gap;
        let label = row.when.label(self.lang);
        let label_width =
            label.map_or(0, |label| setting.ruler.width(Face::Pixel12, label) + self.grid.gap);
        let left = self.time(row, name_end + label_width, top, setting, marks);
        if let Some(label) = label {
            marks.push(self.mark(
                left.saturating_sub(label_width),
                top,
                Face::Pixel12,
                label.to_owned(),
                Ink::Soft,
            ));
        } else if let Some(stops) = self.stops(row) {
            // The stops stand in their own column, where every time of this page leaves room for it.
            let width = setting.ruler.width(Face::Pixel12, &stops);
            let room = self.grid.room_for_time(row.when, self.lang, setting.ruler);
            let right = self.grid.width.saturating_sub(room + 2 * self.grid.gap);
            if name_end + self.grid.gap + width <= right {
                marks.push(self.mark(right - width, top, Face::Pixel12, stops, Ink::Soft));
            }
        }
    }

    fn tall(
        &self,
        row: &Row,
        [name, rest]: [&str; 2],
        face: Face,
        top: u32,
        setting: Setting<'_>,
        marks: &mut Vec<Mark>,
    ) {
        self.line_name(row, top, setting, marks);
        marks.push(self.mark(self.column, top, face, name.to_owned(), ink_of(row)));
        let second = top + self.grid.pitch;
        let label = row.when.label(self.lang).map(str::to_owned);
        let beside = if rest.is_empty() {
            label.or_else(|| self.stops(row)).map(|note| (Face::Pixel12, note, Ink::Soft))
        } else {
            Some((face, rest.to_owned(), ink_of(row)))
        };
        let beside_width = |face, text: &str| setting.ruler.width(face, text) + self.grid.gap;
        let width = beside.as_ref().map_or(0, |(face, text, _)| beside_width(*face, text));
        let left = self.time(row, self.column + width, second, setting, marks);
        if let Some((face, text, ink)) = beside {
            // It stands at the edge where it needs the room; a label is never left out.
            let at = if self.column + width <= left { self.column } else { 0 };
            marks.push(self.mark(at, second, face, text, ink));
        }
    }

    fn line_name(&self, row: &Row, top: u32, setting: Setting<'_>, marks: &mut Vec<Mark>) {
        let faint = row.when.certainty == Certainty::Faint;
        let ink = if faint { Ink::Faint } else { Ink::Strong };
        let width = self.column - self.grid.gap;
        let name = setting.ruler.marked(self.grid.faces[0], &row.line.name);
        let face = self.grid.faces.iter().find(|face| setting.ruler.width(**face, &name) <= width);
        let face = *face.unwrap_or(&self.grid.faces[self.grid.faces.len() - 1]);
        let first =
            fit::wrap(setting.ruler, face, &name, width).into_iter().next().unwrap_or_default();
        marks.push(self.mark(0, top, face, first, ink));
    }

    /// The time at the right edge, in the longest words that begin at `from` or later; returns where it begins.
    fn time(
        &self,
        row: &Row,
        from: u32,
        top: u32,
        setting: Setting<'_>,
        marks: &mut Vec<Mark>,
    ) -> u32 {
        let room = self.grid.width.saturating_sub(from);
        let texts = row.when.words(self.lang);
        let fitting = self.grid.faces.iter().find_map(|face| {
            fit::longest(setting.ruler, *face, &texts, room).map(|text| (*face, text.to_owned()))
        });
        let smallest = self.grid.faces[self.grid.faces.len() - 1];
        let (face, text) = fitting.unwrap_or_else(|| (smallest, texts[texts.len() - 1].clone()));
        let left = self.grid.width.saturating_sub(setting.ruler.width(face, &text));
        marks.push(self.mark(left, top, face, text, ink_of(row)));
        left
    }

    fn stops(&self, row: &Row) -> Option<String> {
        Some(match (row.stops_away()?, self.lang) {
            (stops, Lang::Zh) => format!("{stops}站"),
            (1, Lang::En) => "1 stop".to_owned(),
            (stops, Lang::En) => format!("{stops} stops"),
        })
    }

    fn mark(&self, left: u32, top: u32, face: Face, text: String, ink: Ink) -> Mark {
        Mark::Words { at: point(left + MARGIN, top + self.grid.baseline), face, text, ink }
    }
}

fn ink_of(row: &Row) -> Ink {
    if row.when.certainty == Certainty::Faint { Ink::Faint } else { Ink::Plain }
}

fn point(x: u32, y: u32) -> Point {
    Point::new(i32::try_from(x).unwrap_or(i32::MAX), i32::try_from(y).unwrap_or(i32::MAX))
}
