//! Pictures of pages: colour for the screen, dots for thermal paper, squares for scanners.

use qrcode::{Color, EcLevel, QrCode};
use typst_layout::Page;
use typst_render::RenderOptions;

use crate::PaperError;

/// Darker than this, of 255, is a black dot: thin strokes of small characters stay whole.
const BLACK_BELOW: u32 = 150;
/// White modules that a square code needs on each side.
const QUIET: usize = 4;

/// A picture of RGB, 8 bits a channel, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

/// A picture of dots. Each row fills whole bytes, the leftmost dot is the highest bit, 1 is black.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dots {
    pub width: u32,
    pub rows: Vec<Vec<u8>>,
}

impl Pixels {
    pub(crate) fn of(page: &Page, pixels_per_point: f64) -> Self {
        let options = RenderOptions { pixel_per_pt: pixels_per_point.into(), render_bleed: false };
        let drawn = typst_render::render(page, &options);
        // Pages are white below, so every pixel is opaque.
        let rgb = drawn.data().chunks_exact(4).flat_map(|rgba| &rgba[..3]).copied().collect();
        Self { width: drawn.width(), height: drawn.height(), rgb }
    }

    /// As a PNG file.
    pub fn png(&self) -> Vec<u8> {
        png(self.width, self.height, png::ColorType::Rgb, png::BitDepth::Eight, &self.rgb)
    }
}

impl From<&Pixels> for Dots {
    fn from(pixels: &Pixels) -> Self {
        let row_bytes = pixels.width as usize * 3;
        let rows = pixels.rgb.chunks_exact(row_bytes).map(|row| {
            let black: Vec<bool> = row.chunks_exact(3).map(is_black).collect();
            pack(&black)
        });
        Self { width: pixels.width, rows: rows.collect() }
    }
}

impl Dots {
    /// Whether the dot is black; outside is white.
    pub fn black(&self, x: u32, y: u32) -> bool {
        let row = self.rows.get(y as usize);
        row.and_then(|row| row.get(x as usize / 8))
            .is_some_and(|byte| byte & (0x80 >> (x % 8)) != 0)
    }

    /// As a PNG file, black on white.
    pub fn png(&self) -> Vec<u8> {
        let height = u32::try_from(self.rows.len()).unwrap_or_default();
        // In PNG 1 is white.
        let white: Vec<u8> = self.rows.iter().flatten().map(|byte| !byte).collect();
        png(self.width, height, png::ColorType::Grayscale, png::BitDepth::One, &white)
    }
}

/// A square code with its quiet zone, one dot a module.
pub(crate) fn square(payload: &str) -> Result<Dots, PaperError> {
    let code = QrCode::with_error_correction_level(payload, EcLevel::M)
        .map_err(|_| PaperError::TooLong(payload.len()))?;
    let side = code.width() + 2 * QUIET;
    let mut rows = vec![vec![false; side]; side];
    for (at, color) in code.to_colors().into_iter().enumerate() {
        rows[at / code.width() + QUIET][at % code.width() + QUIET] = color == Color::Dark;
    }
    let width = u32::try_from(side).unwrap_or_default();
    Ok(Dots { width, rows: rows.iter().map(|row| pack(row)).collect() })
}

/// Brightness by ITU-R BT.601, in whole numbers.
fn is_black(rgb: &[u8]) -> bool {
    let weighed = [299, 587, 114].iter().zip(rgb).map(|(weight, value)| weight * u32::from(*value));
    weighed.sum::<u32>() < BLACK_BELOW * 1000
}

fn pack(black: &[bool]) -> Vec<u8> {
    let byte = |dots: &[bool]| {
        dots.iter().enumerate().fold(0, |byte, (at, dot)| byte | (u8::from(*dot) << (7 - at)))
    };
    black.chunks(8).map(byte).collect()
}

fn png(
    width: u32,
    height: u32,
    color: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(data));
    // Memory takes every byte, and the sizes are those of the picture.
    written.expect("a picture can be written to memory");
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_fill_bytes_from_the_left() {
        let ink = |text: &str| text.chars().map(|dot| dot == '#').collect::<Vec<_>>();
        assert_eq!(pack(&ink("#.......  .")), [0b1000_0000, 0]);
        assert_eq!(pack(&ink(".######.#.#")), [0b0111_1110, 0b1010_0000]);
    }

    #[test]
    fn a_square_code_has_its_quiet_zone() {
        let square = square("350102").unwrap();
        assert_eq!(square.width, 29);
        assert!((0..29).all(|at| !square.black(at, 3) && !square.black(3, at)));
        assert!((4..11).all(|at| square.black(at, 4) && square.black(4, at)));
    }

    #[test]
    fn vermilion_and_ink_are_black_and_lines_of_tile_are_not() {
        assert!(is_black(&[0xC2, 0x35, 0x2B]));
        assert!(is_black(&[0x52, 0x60, 0x6D]));
        assert!(!is_black(&[0xD9, 0xD4, 0xCB]));
    }

    #[test]
    fn too_much_is_no_code() {
        assert!(matches!(square(&"x".repeat(4000)), Err(PaperError::TooLong(4000))));
    }
}
