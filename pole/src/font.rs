//! Glyphs: from a chain of installed fonts to ink on a frame.
//!
//! LED matrices use bitmap fonts drawn for their pixel grid ([`pcf`]), LCD bars a smooth
//! outline font ([`smooth`]). Which files serve is data ([`list`]). A character that no font
//! of the chain has is never drawn as a box: see [`Ruler::readable`].

pub mod list;
pub mod pcf;
pub mod smooth;

use std::path::Path;
use std::sync::Arc;

use drivers::surface::Frame;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use sync::{Lang, Text};

use list::Loaded;
pub use list::{FontError, FontList};
use pcf::Pcf;
use smooth::{Cache, Smooth};

/// Stands for one character that no font can draw: a blank to be filled in, as on a form.
pub const MISSING: char = '＿';

/// A size and kind of letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Face {
    /// Bitmap font, ideographs 12 px wide.
    Pixel12,
    /// Bitmap font, ideographs 16 px wide.
    Pixel16,
    /// Outline font, regular weight, ideographs this many px wide.
    Regular(u16),
    /// Outline font, bold weight, ideographs this many px wide.
    Bold(u16),
}

/// The fonts of one panel.
#[derive(Debug)]
pub enum Fonts {
    /// For LED matrices: each chain in order of preference.
    Pixel {
        /// Chain of [`Face::Pixel12`].
        small: Vec<Arc<Pcf>>,
        /// Chain of [`Face::Pixel16`].
        large: Vec<Arc<Pcf>>,
    },
    /// For LCD bars.
    Smooth {
        /// Font of [`Face::Regular`].
        regular: Smooth,
        /// Font of [`Face::Bold`].
        bold: Smooth,
    },
}

/// Measures text, for whoever lays it out.
#[derive(Debug, Clone)]
pub enum Ruler {
    /// By the fonts that will draw it.
    Fonts(Arc<Fonts>),
    /// By character cells, as a terminal does: an ideograph is as wide as two letters.
    /// It knows every character of the Basic Multilingual Plane.
    Cells,
}

impl Fonts {
    /// Loads what an LED matrix needs from the font folder `root`.
    pub fn pixel(list: &FontList, root: &Path) -> Result<Self, FontError> {
        let mut loaded = Loaded::default();
        let small = list.chain("pixel-12", root, &mut loaded)?;
        let large = list.chain("pixel-16", root, &mut loaded)?;
        Ok(Fonts::Pixel { small, large })
    }

    /// Loads what an LCD bar needs from the font folder `root`.
    pub fn smooth(list: &FontList, root: &Path) -> Result<Self, FontError> {
        let regular = list.outline("smooth-regular", root)?;
        let bold = list.outline("smooth-bold", root)?;
        Ok(Fonts::Smooth { regular, bold })
    }

    /// Width of `text` in px.
    pub fn width(&self, face: Face, text: &str) -> u32 {
        match self {
            Fonts::Pixel { .. } => {
                text.chars().map(|c| self.bitmap(face, c).map_or(0, |g| g.advance)).sum()
            }
            Fonts::Smooth { .. } => self.outline(face).0.width(self.outline(face).1, text),
        }
    }

    /// Whether any font of the chain has `character`.
    pub fn covers(&self, face: Face, character: char) -> bool {
        match self {
            Fonts::Pixel { .. } => self.bitmap(face, character).is_some(),
            Fonts::Smooth { .. } => self.outline(face).0.covers(character),
        }
    }

    /// Draws `text` with its left edge and baseline at `at`; characters without a glyph are left out.
    pub fn draw(
        &self,
        cache: &mut Cache,
        frame: &mut Frame,
        face: Face,
        text: &str,
        at: Point,
        ink: Rgb888,
    ) {
        if let Fonts::Smooth { .. } = self {
            let (font, px) = self.outline(face);
            return font.draw(cache, frame, px, text, at, ink);
        }
        let mut x = at.x;
        for glyph in text.chars().filter_map(|character| self.bitmap(face, character)) {
            let dots = glyph.dots().map(|dot| Pixel(Point::new(x, at.y) + dot, ink));
            frame.draw_iter(dots).unwrap_or_else(|never| match never {});
            x += i32::try_from(glyph.advance).expect("an advance is below 256");
        }
    }

    fn bitmap(&self, face: Face, character: char) -> Option<pcf::Glyph<'_>> {
        let Fonts::Pixel { small, large } = self else { return None };
        let chain = if face == Face::Pixel16 { large } else { small };
        chain.iter().find_map(|font| font.glyph(character))
    }

    fn outline(&self, face: Face) -> (&Smooth, u16) {
        let Fonts::Smooth { regular, bold } = self else {
            unreachable!("callers matched on Smooth")
        };
        match face {
            Face::Pixel12 => (regular, 12),
            Face::Pixel16 => (regular, 16),
            Face::Regular(px) => (regular, px),
            Face::Bold(px) => (bold, px),
        }
    }
}

impl Ruler {
    /// Width of `text` in px.
    pub fn width(&self, face: Face, text: &str) -> u32 {
        match self {
            Ruler::Fonts(fonts) => fonts.width(face, text),
            Ruler::Cells => text.chars().map(|character| cells(character) * face.em() / 2).sum(),
        }
    }

    /// The characters of `text` that cannot be drawn, each once, in order.
    pub fn coverage(&self, face: Face, text: &str) -> Vec<char> {
        let mut missing = Vec::new();
        for character in text.chars() {
            if !self.covers(face, character) && !missing.contains(&character) {
                missing.push(character);
            }
        }
        missing
    }

    /// What to show of `text` in `lang`: the other language where this one lacks glyphs,
    /// and [`MISSING`] for each lacking character where both do.
    pub fn readable(&self, face: Face, text: &Text, lang: Lang) -> String {
        let other = if lang == Lang::Zh { Lang::En } else { Lang::Zh };
        let complete = |text: &str| text.chars().all(|character| self.covers(face, character));
        let (first, second) = (text.get(lang), text.get(other));
        if complete(first) || first == second {
            return self.marked(face, first);
        }
        if complete(second) { second.to_owned() } else { self.marked(face, first) }
    }

    /// `text` with [`MISSING`] in place of characters that cannot be drawn.
    pub fn marked(&self, face: Face, text: &str) -> String {
        text.chars().map(|c| if self.covers(face, c) { c } else { MISSING }).collect()
    }

    fn covers(&self, face: Face, character: char) -> bool {
        match self {
            Ruler::Fonts(fonts) => fonts.covers(face, character),
            Ruler::Cells => !character.is_control() && u32::from(character) <= 0xFFFF,
        }
    }
}

impl Face {
    /// Width of an ideograph in px.
    pub fn em(self) -> u32 {
        match self {
            Face::Pixel12 => 12,
            Face::Pixel16 => 16,
            Face::Regular(px) | Face::Bold(px) => u32::from(px),
        }
    }
}

/// Columns of a terminal that a character takes: 1, or 2 for ideographs and full-width signs.
pub fn cells(character: char) -> u32 {
    const WIDE: [std::ops::RangeInclusive<u32>; 7] = [
        0x1100..=0x115F,
        0x2E80..=0xA4CF,
        0xAC00..=0xD7A3,
        0xF900..=0xFAFF,
        0xFE30..=0xFE4F,
        0xFF00..=0xFF60,
        0x2_0000..=0x3_FFFD,
    ];
    if WIDE.iter().any(|range| range.contains(&u32::from(character))) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ideograph_is_two_letters_wide() {
        assert_eq!(Ruler::Cells.width(Face::Pixel12, "K1 火车站"), 3 * 6 + 3 * 12);
        assert_eq!(Ruler::Cells.width(Face::Pixel16, "（K）"), 2 * 16 + 8);
    }

    #[test]
    fn a_name_without_glyphs_gives_way_to_the_other_language() {
        let name = Text::new("𬸚鸟桥", "Yueniao Bridge");
        assert_eq!(Ruler::Cells.readable(Face::Pixel12, &name, Lang::Zh), "Yueniao Bridge");
    }

    #[test]
    fn a_character_without_glyph_leaves_a_visible_blank() {
        let name = Text::new("𬸚鸟桥", "");
        assert_eq!(Ruler::Cells.readable(Face::Pixel12, &name, Lang::En), "＿鸟桥");
        assert_eq!(Ruler::Cells.coverage(Face::Pixel12, "𬸚鸟𬸚𡋾"), ['𬸚', '𡋾']);
    }
}
