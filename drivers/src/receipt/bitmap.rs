//! What a receipt printer prints: dots in rows, eight to a byte, the left one in the highest bit.

use std::fmt;

/// Longest receipt, in rows: two metres at eight rows a millimetre.
pub const ROWS_MAX: usize = 16_000;

/// A picture of black dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: usize,
    bytes: Vec<u8>,
}

impl fmt::Debug for Bitmap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Bitmap({} x {})", self.width, self.rows())
    }
}

impl Bitmap {
    /// A white picture of `rows` rows, `width` dots wide; more than [`ROWS_MAX`] rows are cut off.
    pub fn white(width: usize, rows: usize) -> Self {
        let width = width.max(1);
        Self { width, bytes: vec![0; width.div_ceil(8) * rows.min(ROWS_MAX)] }
    }

    /// Width in dots.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes in a row.
    pub fn stride(&self) -> usize {
        self.width.div_ceil(8)
    }

    /// Height in dots.
    pub fn rows(&self) -> usize {
        self.bytes.len() / self.stride()
    }

    /// Makes a dot black; outside of the picture nothing happens.
    pub fn blacken(&mut self, x: usize, y: usize) {
        if x < self.width && y < self.rows() {
            let at = y * self.stride() + x / 8;
            self.bytes[at] |= 0x80 >> (x % 8);
        }
    }

    /// Whether a dot is black.
    pub fn is_black(&self, x: usize, y: usize) -> bool {
        x < self.width
            && y < self.rows()
            && self.bytes[y * self.stride() + x / 8] & (0x80 >> (x % 8)) != 0
    }

    /// At most `rows` rows from row `from` on.
    pub fn band(&self, from: usize, rows: usize) -> &[u8] {
        let end = (from + rows).min(self.rows());
        self.bytes.get(from * self.stride()..end * self.stride()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_left_dot_stands_in_the_highest_bit() {
        let mut bitmap = Bitmap::white(10, 2);
        for (x, y) in [(0, 0), (9, 1), (10, 0), (0, 2)] {
            bitmap.blacken(x, y);
        }
        assert_eq!(bitmap.band(0, 255), [0x80, 0x00, 0x00, 0x40]);
        assert_eq!(bitmap.band(1, 255), [0x00, 0x40]);
        assert!(bitmap.band(2, 1).is_empty() && bitmap.band(3, 1).is_empty());
        assert!(bitmap.is_black(9, 1) && !bitmap.is_black(8, 1) && !bitmap.is_black(10, 0));
        assert_eq!(Bitmap::white(8, ROWS_MAX + 1).rows(), ROWS_MAX);
    }
}
