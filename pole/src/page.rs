//! One page: where which words stand. It is a value; [`paint`](crate::paint) makes pixels of it.
//!
//! A [`Layout`] first plans a **page set**: which rows share a page, in which language, how far names
//! are shortened. Then it draws one **leaf** of the set again and again with the minutes of the moment.

pub mod bar;
pub mod fit;
pub mod matrix;

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use jiff::Timestamp;
use jiff::civil::DateTime;
use sync::Lang;

use crate::font::{self, Face, Ruler};
use crate::message::{Message, Rung};
use crate::panel::Panel;

/// One page, ready to be painted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How it looks.
    pub look: Look,
    /// The rung of the ladder it comes from.
    pub rung: Rung,
    /// What was shown, whatever the pixels.
    pub content_id: String,
    /// When the board behind it was made, where one was.
    pub board_made_at: Option<Timestamp>,
}

/// All that decides the pixels: two equal looks need no new frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The panel it is laid out for.
    pub panel: Panel,
    /// Light letters on dark ground, where the panel has a choice.
    pub night: bool,
    /// How far it stands to the right and down, in px.
    pub shift: (u32, u32),
    /// What stands on it, back to front.
    pub marks: Vec<Mark>,
}

/// One thing on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A filled rectangle.
    Fill(Rectangle, Ink),
    /// Words.
    Words {
        /// Left end of the baseline.
        at: Point,
        /// Size and kind of letter.
        face: Face,
        /// The words.
        text: String,
        /// Their colour.
        ink: Ink,
    },
}

/// What a colour means; the palette of the panel knows which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ink {
    /// Times and destinations.
    Plain,
    /// Numbers of lines, headings.
    Strong,
    /// What adds to the row it stands in.
    Soft,
    /// Knowledge that is old: darker, never just another hue.
    Faint,
    /// Lines between rows.
    Rule,
    /// A warning's letters or band.
    Warning,
    /// Letters on a warning's band.
    OnWarning,
    /// An emergency's band.
    Alarm,
    /// Letters on an emergency's band.
    OnAlarm,
    /// The block that names the stop.
    Sill,
    /// Letters on that block.
    OnSill,
    /// The colour of a line, red, green, blue.
    Line(u8, u8, u8),
}

/// What a layout needs besides the message.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Measures text.
    pub ruler: &'a Ruler,
    /// In this order.
    pub languages: &'a [Lang],
    /// The wall clock of people at this stop, where it is trusted.
    pub local: Option<DateTime>,
}

/// How a panel arranges a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// LED matrix: few lines, one language at a time.
    Matrix(matrix::Grid),
    /// LCD bar: all at once.
    Bar,
}

/// One page of a set, without the minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    /// Of an LED matrix.
    Matrix(matrix::Leaf),
    /// Of an LCD bar.
    Bar(bar::Leaf),
}

impl Layout {
    /// The layout of a panel.
    pub fn of(panel: Panel) -> Self {
        match panel {
            Panel::Led128x32 => Layout::Matrix(matrix::Grid::TWO_LINES),
            Panel::Led192x64 => Layout::Matrix(matrix::Grid::THREE_LINES),
            Panel::Lcd1920x360 => Layout::Bar,
        }
    }

    /// The letters names are set in: what glyph coverage is judged by.
    pub fn face(self) -> Face {
        match self {
            Layout::Matrix(grid) => grid.faces[0],
            Layout::Bar => Face::Bold(52),
        }
    }

    /// The page set of a message; never empty.
    pub fn plan(self, message: &Message, setting: Setting<'_>) -> Vec<Leaf> {
        match self {
            Layout::Matrix(grid) => {
                grid.plan(message, setting).into_iter().map(Leaf::Matrix).collect()
            }
            Layout::Bar => bar::plan(message).into_iter().map(Leaf::Bar).collect(),
        }
    }
}

impl Leaf {
    /// Whether it still says something of `message`.
    pub fn lives(&self, message: &Message) -> bool {
        match self {
            Leaf::Matrix(leaf) => leaf.lives(message),
            Leaf::Bar(leaf) => leaf.lives(message),
        }
    }

    /// The marks of this leaf at this moment.
    pub fn draw(&self, message: &Message, setting: Setting<'_>) -> Vec<Mark> {
        match self {
            Leaf::Matrix(leaf) => leaf.draw(message, setting),
            Leaf::Bar(leaf) => leaf.draw(message, setting),
        }
    }

    /// Its language, where it has one only.
    pub fn lang(&self) -> Option<Lang> {
        match self {
            Leaf::Matrix(leaf) => Some(leaf.lang),
            Leaf::Bar(_) => None,
        }
    }
}

impl Look {
    /// The words, line by line, as a grid of characters in which an ideograph takes two columns.
    pub fn lines(&self) -> Vec<String> {
        let words = self.marks.iter().filter_map(|mark| match mark {
            Mark::Words { at, text, .. } => Some((*at, text.as_str())),
            Mark::Fill(..) => None,
        });
        let mut words: Vec<(Point, &str)> = words.collect();
        words.sort_by_key(|(at, _)| (at.y, at.x));
        let mut lines: Vec<(i32, String)> = Vec::new();
        for (at, text) in words {
            if lines.last().is_none_or(|(y, _)| *y != at.y) {
                lines.push((at.y, String::new()));
            }
            let (_, line) = lines.last_mut().expect("a line was pushed just now");
            let width: u32 = line.chars().map(font::cells).sum();
            let column = u32::try_from(at.x).unwrap_or(0) / self.column_px();
            let gap = column.saturating_sub(width).max(u32::from(width > 0));
            line.extend(std::iter::repeat_n(' ', gap as usize));
            line.push_str(text);
        }
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Width of a column of that grid; letters of all sizes share it.
    fn column_px(&self) -> u32 {
        match self.panel {
            Panel::Led128x32 => 6,
            Panel::Led192x64 => 8,
            Panel::Lcd1920x360 => 24,
        }
    }
}
