//! An outline font for panels with grey levels.

use std::collections::HashMap;

use ab_glyph::{Font, FontVec, GlyphId, PxScale, ScaleFont};
use drivers::surface::Frame;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;

/// Most glyphs kept rasterised; a full cache is emptied and fills again within a page or two.
const CACHE_MAX: usize = 1024;

/// One outline font.
#[derive(Debug)]
pub struct Smooth {
    font: FontVec,
    /// Tells the glyphs of two fonts apart in one cache.
    id: u8,
}

/// Rasterised glyphs.
#[derive(Debug, Default)]
pub struct Cache(HashMap<(u8, GlyphId, u16), Ink>);

/// How much ink a glyph puts on each pixel around its origin.
#[derive(Debug, Default)]
struct Ink {
    left: i32,
    top: i32,
    width: usize,
    coverage: Vec<u8>,
}

impl Smooth {
    pub(super) fn parse(file: Vec<u8>, index: u32, id: u8) -> Result<Self, ab_glyph::InvalidFont> {
        Ok(Self { font: FontVec::try_from_vec_and_index(file, index)?, id })
    }

    /// Whether it has `character`.
    pub fn covers(&self, character: char) -> bool {
        self.font.glyph_id(character).0 != 0
    }

    /// Width of `text` in px, rounded up.
    pub fn width(&self, px: u16, text: &str) -> u32 {
        let font = self.font.as_scaled(self.scale(px));
        let width: f32 =
            text.chars().map(|character| font.h_advance(font.glyph_id(character))).sum();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a text is short and not negative"
        )]
        let width = width.ceil() as u32;
        width
    }

    /// Draws `text` with its left edge and baseline at `at`, blending with what is there.
    pub fn draw(
        &self,
        cache: &mut Cache,
        frame: &mut Frame,
        px: u16,
        text: &str,
        at: Point,
        ink: Rgb888,
    ) {
        let font = self.font.as_scaled(self.scale(px));
        let mut x = 0.0_f32;
        for glyph in
            text.chars().map(|character| font.glyph_id(character)).filter(|glyph| glyph.0 != 0)
        {
            #[expect(clippy::cast_possible_truncation, reason = "a panel is narrower than 2^23 px")]
            let origin = at + Point::new(x.round() as i32, 0);
            cache.ink(self, glyph, px).blend(frame, origin, ink);
            x += font.h_advance(glyph);
        }
    }

    /// `ab_glyph` scales by line height, people by the width of an ideograph.
    fn scale(&self, px: u16) -> PxScale {
        let em = self.font.units_per_em().unwrap_or(1000.0);
        PxScale::from(f32::from(px) * self.font.height_unscaled() / em)
    }
}

impl Cache {
    fn ink(&mut self, font: &Smooth, glyph: GlyphId, px: u16) -> &Ink {
        if self.0.len() >= CACHE_MAX {
            self.0.clear();
        }
        self.0.entry((font.id, glyph, px)).or_insert_with(|| {
            let Some(outline) = font.font.outline_glyph(glyph.with_scale(font.scale(px))) else {
                return Ink::default();
            };
            Ink::rasterise(&outline)
        })
    }
}

impl Ink {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "glyphs are as small as panels"
    )]
    fn rasterise(outline: &ab_glyph::OutlinedGlyph) -> Self {
        let bounds = outline.px_bounds();
        let (width, height) = (bounds.width() as usize, bounds.height() as usize);
        let mut coverage = vec![0; width * height];
        outline.draw(|x, y, amount| {
            if let Some(pixel) = coverage.get_mut(y as usize * width + x as usize) {
                *pixel = (amount.clamp(0.0, 1.0) * 255.0).round() as u8;
            }
        });
        Self { left: bounds.min.x as i32, top: bounds.min.y as i32, width, coverage }
    }

    fn blend(&self, frame: &mut Frame, origin: Point, ink: Rgb888) {
        for (row, line) in self.coverage.chunks_exact(self.width.max(1)).enumerate() {
            for (column, &amount) in line.iter().enumerate().filter(|(_, amount)| **amount > 0) {
                let offset =
                    Point::new(i32::try_from(column).unwrap_or(0), i32::try_from(row).unwrap_or(0));
                let at = origin + Point::new(self.left, self.top) + offset;
                let colour = mix(frame.pixel(at), ink, amount);
                frame.draw_iter([Pixel(at, colour)]).unwrap_or_else(|never| match never {});
            }
        }
    }
}

/// `amount` of 255 parts ink on paper.
pub fn mix(paper: Rgb888, ink: Rgb888, amount: u8) -> Rgb888 {
    let one = |paper: u8, ink: u8| {
        let sum = u16::from(paper) * u16::from(255 - amount) + u16::from(ink) * u16::from(amount);
        u8::try_from((sum + 127) / 255).expect("a mean of bytes is a byte")
    };
    Rgb888::new(one(paper.r(), ink.r()), one(paper.g(), ink.g()), one(paper.b(), ink.b()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_covered_is_half_way() {
        assert_eq!(mix(Rgb888::BLACK, Rgb888::WHITE, 128), Rgb888::new(128, 128, 128));
        assert_eq!(mix(Rgb888::RED, Rgb888::BLUE, 255), Rgb888::BLUE);
        assert_eq!(mix(Rgb888::RED, Rgb888::BLUE, 0), Rgb888::RED);
    }
}
