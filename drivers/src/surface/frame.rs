//! One whole picture, RGB888, and the part of it that changed.

use std::convert::Infallible;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

/// Bytes of one pixel: red, green, blue.
const PIXEL: usize = 3;

/// Most pixels a frame may have, 8K; more is a mistake in a file or a configuration.
const PIXELS_MAX: usize = 7680 * 4320;

/// One picture, row by row from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    size: Size,
    pixels: Vec<u8>,
}

/// The smallest rectangle around all that changed; empty when nothing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(Rectangle);

impl Frame {
    /// A black frame.
    ///
    /// # Panics
    /// When it has more pixels than an 8K display.
    pub fn new(size: Size) -> Self {
        let count = area(size).expect("a frame has at most the pixels of an 8K display");
        Self { size, pixels: vec![0; count * PIXEL] }
    }

    /// Takes over `pixels` in RGB888, row-major; `None` when they don't fill `size` exactly.
    pub fn from_pixels(size: Size, pixels: Vec<u8>) -> Option<Self> {
        (area(size)? * PIXEL == pixels.len()).then_some(Self { size, pixels })
    }

    /// The RGB888 bytes, row-major: what is hashed as proof of display.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The RGB888 bytes, row-major, for whoever draws on all of them.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// One pixel; black outside the frame.
    pub fn pixel(&self, point: Point) -> Rgb888 {
        self.index(point).map_or(Rgb888::BLACK, |at| {
            Rgb888::new(self.pixels[at], self.pixels[at + 1], self.pixels[at + 2])
        })
    }

    /// The RGB888 bytes of row `y`; empty below the frame.
    pub fn row(&self, y: u32) -> &[u8] {
        let rows = self.pixels.chunks_exact(self.stride().max(1));
        rows.into_iter().nth(y as usize).unwrap_or_default()
    }

    /// Replaces pixels of one row from `at` on by the RGB888 bytes of `row`; what does not fit is cut off.
    pub fn set_row(&mut self, at: Point, row: &[u8]) {
        let Some(start) = self.index(at) else { return };
        let end = (at.y.unsigned_abs() as usize + 1) * self.stride();
        let count = row.len().min(end - start);
        self.pixels[start..start + count].copy_from_slice(&row[..count]);
    }

    /// What differs from an `earlier` frame; everything when the sizes differ.
    pub fn damage_since(&self, earlier: &Frame) -> Region {
        if self.size != earlier.size {
            return Region::all(self);
        }
        let stride = self.stride();
        let mut rows =
            self.pixels.chunks_exact(stride.max(1)).zip(earlier.pixels.chunks_exact(stride.max(1)));
        let differs = |(new, old): (&[u8], &[u8])| new != old;
        let Some(top) = rows.position(differs) else { return Region::NOTHING };
        let after_top = rows.rposition(differs).map_or(0, |row| row + 1);
        let bottom = top + after_top;
        let (mut left, mut right) = (stride, 0);
        for row in top..=bottom {
            let span = row * stride..(row + 1) * stride;
            let (new, old) = (&self.pixels[span.clone()], &earlier.pixels[span]);
            let differs = |(new, old): (&u8, &u8)| new != old;
            if let Some(first) = new.iter().zip(old).position(differs) {
                left = left.min(first);
            }
            if let Some(last) = new.iter().zip(old).rposition(differs) {
                right = right.max(last);
            }
        }
        let corner = |byte: usize, row: usize| Point::new(to_i32(byte / PIXEL), to_i32(row));
        Region(Rectangle::with_corners(corner(left, top), corner(right, bottom)))
    }

    /// The frame as a PNG file, 8-bit RGB.
    pub fn png(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder =
            png::Encoder::new(&mut file, self.size.width.max(1), self.size.height.max(1));
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("writing to memory does not fail");
        writer.write_image_data(&self.pixels).expect("a frame holds exactly its pixels");
        writer.finish().expect("writing to memory does not fail");
        file
    }

    fn stride(&self) -> usize {
        self.size.width as usize * PIXEL
    }

    fn index(&self, point: Point) -> Option<usize> {
        let (x, y) = (u32::try_from(point.x).ok()?, u32::try_from(point.y).ok()?);
        let inside = x < self.size.width && y < self.size.height;
        inside.then_some(y as usize * self.stride() + x as usize * PIXEL)
    }
}

impl Region {
    /// No change.
    pub const NOTHING: Region = Region(Rectangle::zero());

    /// All of `frame`.
    pub fn all(frame: &Frame) -> Self {
        Self(frame.bounding_box())
    }

    /// This rectangle.
    pub fn new(bounds: Rectangle) -> Self {
        Self(bounds)
    }

    /// The smallest region around both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        match (self.0.bottom_right(), other.0.bottom_right()) {
            (None, _) => other,
            (_, None) => self,
            (Some(a), Some(b)) => Self(Rectangle::with_corners(
                self.0.top_left.component_min(other.0.top_left),
                a.component_max(b),
            )),
        }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_zero_sized()
    }

    /// The rectangle.
    pub fn bounds(&self) -> Rectangle {
        self.0
    }
}

impl OriginDimensions for Frame {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Frame {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(point, colour) in pixels {
            if let Some(at) = self.index(point) {
                self.pixels[at..at + PIXEL].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, colour: Rgb888) -> Result<(), Infallible> {
        let area = area.intersection(&self.bounding_box());
        let width = area.size.width as usize;
        for y in area.rows() {
            let Some(start) = self.index(Point::new(area.top_left.x, y)) else { continue };
            for pixel in self.pixels[start..start + width * PIXEL].chunks_exact_mut(PIXEL) {
                pixel.copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

fn area(size: Size) -> Option<usize> {
    (size.width as usize).checked_mul(size.height as usize).filter(|count| *count <= PIXELS_MAX)
}

fn to_i32(value: usize) -> i32 {
    i32::try_from(value).expect("a side of a frame fits i32, its area is bounded")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(8, 4);

    fn with_dots(dots: &[(i32, i32)]) -> Frame {
        let mut frame = Frame::new(SIZE);
        let _ = frame.draw_iter(dots.iter().map(|(x, y)| Pixel(Point::new(*x, *y), Rgb888::WHITE)));
        frame
    }

    #[test]
    fn damage_is_the_smallest_rectangle_around_all_changes() {
        let black = Frame::new(SIZE);
        let damage = |dots: &[(i32, i32)]| with_dots(dots).damage_since(&black).bounds();
        assert_eq!(damage(&[(3, 2)]), Rectangle::new(Point::new(3, 2), Size::new(1, 1)));
        assert_eq!(damage(&[(6, 0), (1, 3)]), Rectangle::new(Point::new(1, 0), Size::new(6, 4)));
        assert_eq!(damage(&[(7, 3), (0, 0)]), black.bounding_box());
    }

    #[test]
    fn the_same_frame_again_is_no_damage() {
        assert!(with_dots(&[(1, 1)]).damage_since(&with_dots(&[(1, 1)])).is_empty());
        assert!(!Frame::new(SIZE).damage_since(&Frame::new(Size::new(1, 1))).is_empty());
    }

    #[test]
    fn drawing_outside_changes_nothing() {
        let mut frame = with_dots(&[(-1, 0), (8, 0), (0, 4)]);
        let _ = frame.fill_solid(&Rectangle::new(Point::new(6, 3), Size::new(9, 9)), Rgb888::RED);
        let red = [(6, 3), (7, 3)].map(|(x, y)| frame.pixel(Point::new(x, y)));
        assert_eq!(red, [Rgb888::RED; 2]);
        assert_eq!(frame.pixels().iter().filter(|byte| **byte != 0).count(), 2);
    }

    #[test]
    fn a_row_is_set_up_to_the_edge() {
        let mut frame = Frame::new(SIZE);
        frame.set_row(Point::new(6, 1), &[255; 9]);
        frame.set_row(Point::new(0, 9), &[255; 3]);
        let bounds = frame.damage_since(&Frame::new(SIZE)).bounds();
        assert_eq!(bounds, Rectangle::new(Point::new(6, 1), Size::new(2, 1)));
        assert_eq!(frame.row(1)[18..], [255; 6]);
        assert!(frame.row(4).is_empty());
    }

    #[test]
    fn a_union_surrounds_both() {
        let region = |x, y| Region::new(Rectangle::new(Point::new(x, y), Size::new(1, 1)));
        let both = Rectangle::new(Point::new(1, 1), Size::new(3, 2));
        assert_eq!(region(1, 2).union(region(3, 1)).bounds(), both);
        assert_eq!(Region::NOTHING.union(region(3, 1)), region(3, 1));
        assert_eq!(region(3, 1).union(Region::NOTHING), region(3, 1));
    }

    #[test]
    fn pixels_must_fill_the_frame() {
        assert!(Frame::from_pixels(SIZE, vec![0; 8 * 4 * 3]).is_some());
        assert!(Frame::from_pixels(SIZE, vec![0; 8 * 4 * 3 - 1]).is_none());
        assert!(Frame::from_pixels(Size::new(u32::MAX, u32::MAX), vec![]).is_none());
    }
}
