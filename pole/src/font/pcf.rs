//! PCF, the portable compiled format of X11 bitmap fonts.
//!
//! Layout: "Portable Compiled Format", X.Org, as in libXfont `pcfread.c`. Only what drawing needs is
//! read: metrics, bitmaps and the encoding. A file is untrusted: every offset is checked once, here.

use std::collections::HashMap;
use std::io::Read as _;

use embedded_graphics::geometry::Point;
use flate2::read::GzDecoder;

/// Largest font that is read, unpacked, in bytes; Unifont has 5 MB.
const FILE_MAX: u64 = 16 * 1024 * 1024;
/// Most tables a font may have; nine kinds exist.
const TABLES_MAX: u32 = 32;
/// Largest glyph that makes sense on a sign, in px.
const SIDE_MAX: i16 = 64;

const METRICS: u32 = 1 << 2;
const BITMAPS: u32 = 1 << 3;
const ENCODINGS: u32 = 1 << 5;

const COMPRESSED_METRICS: u32 = 0x100;
const MOST_SIGNIFICANT_BYTE_FIRST: u32 = 1 << 2;
const MOST_SIGNIFICANT_BIT_FIRST: u32 = 1 << 3;

/// An encoding that means "no glyph".
const NO_GLYPH: u16 = 0xFFFF;

/// A bitmap font.
#[derive(Debug)]
pub struct Pcf {
    /// Glyph of each character.
    index: HashMap<char, Shape>,
    /// Rows of all glyphs, most significant bit leftmost.
    bits: Vec<u8>,
}

/// One character's picture.
#[derive(Debug, Clone, Copy)]
pub struct Glyph<'a> {
    shape: Shape,
    bits: &'a [u8],
    /// Distance to the next character in px.
    pub advance: u32,
}

/// Why a font was refused.
#[derive(Debug, thiserror::Error)]
pub enum PcfError {
    /// It cannot be unpacked.
    #[error("cannot unpack: {0}")]
    Gzip(#[from] std::io::Error),
    /// It is larger than any font.
    #[error("larger than {FILE_MAX} bytes")]
    TooLarge,
    /// It does not read as PCF.
    #[error("not a PCF font: {0}")]
    Malformed(&'static str),
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    left: i16,
    right: i16,
    advance: i16,
    ascent: i16,
    descent: i16,
    /// Start in the bitmaps; all rows lie inside, checked by `parse`.
    offset: usize,
    stride: usize,
}

/// One table, with its own byte order.
#[derive(Clone, Copy)]
struct Table<'a> {
    format: u32,
    bytes: &'a [u8],
}

impl Pcf {
    /// The one parser of `.pcf` and `.pcf.gz` files.
    pub fn parse(file: &[u8]) -> Result<Self, PcfError> {
        let unpacked;
        let file = if file.starts_with(&[0x1F, 0x8B]) {
            let mut bytes = Vec::new();
            GzDecoder::new(file).take(FILE_MAX + 1).read_to_end(&mut bytes)?;
            unpacked = bytes;
            &unpacked[..]
        } else {
            file
        };
        if file.len() as u64 > FILE_MAX {
            return Err(PcfError::TooLarge);
        }
        let (bits, offsets) = bitmaps(table(file, BITMAPS)?)?;
        let shapes =
            metrics(table(file, METRICS)?, &offsets, table(file, BITMAPS)?.pad(), bits.len())?;
        let index = encoding(table(file, ENCODINGS)?, &shapes)?;
        Ok(Self { index, bits })
    }

    /// The picture of `character`, where the font has one.
    pub fn glyph(&self, character: char) -> Option<Glyph<'_>> {
        let shape = *self.index.get(&character)?;
        let advance = u32::try_from(shape.advance).ok()?;
        Some(Glyph { shape, bits: &self.bits, advance })
    }

    /// The characters it has, in no order.
    pub fn characters(&self) -> impl Iterator<Item = char> {
        self.index.keys().copied()
    }
}

impl<'a> Glyph<'a> {
    /// Its inked pixels, relative to the left end of the baseline; y grows downwards.
    pub fn dots(&self) -> impl Iterator<Item = Point> + use<'a> {
        let (shape, bits) = (self.shape, self.bits);
        let width = usize::try_from(shape.right - shape.left).unwrap_or(0);
        let height = usize::try_from(shape.ascent + shape.descent).unwrap_or(0);
        (0..height).flat_map(move |row| {
            let start = shape.offset + row * shape.stride;
            let inked =
                move |column: &usize| bits[start + column / 8] & (0x80 >> (column % 8)) != 0;
            (0..width).filter(inked).map(move |column| {
                let (x, y) = (i32::try_from(column).unwrap_or(0), i32::try_from(row).unwrap_or(0));
                Point::new(i32::from(shape.left) + x, y - i32::from(shape.ascent))
            })
        })
    }
}

impl Table<'_> {
    fn read<const N: usize>(&self, at: usize) -> Result<[u8; N], PcfError> {
        let slice = at.checked_add(N).and_then(|end| self.bytes.get(at..end));
        slice
            .and_then(|slice| slice.try_into().ok())
            .ok_or(PcfError::Malformed("a table ends early"))
    }

    fn u16(&self, at: usize) -> Result<u16, PcfError> {
        let bytes = self.read(at)?;
        let big = self.format & MOST_SIGNIFICANT_BYTE_FIRST != 0;
        Ok(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn i16(&self, at: usize) -> Result<i16, PcfError> {
        self.u16(at).map(u16::cast_signed)
    }

    fn u32(&self, at: usize) -> Result<u32, PcfError> {
        let bytes = self.read(at)?;
        let big = self.format & MOST_SIGNIFICANT_BYTE_FIRST != 0;
        Ok(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// Rows of glyphs are padded to a multiple of this many bytes.
    fn pad(&self) -> usize {
        1 << (self.format & 3)
    }
}

/// Finds a table by its kind. The directory is always little endian.
fn table(file: &[u8], kind: u32) -> Result<Table<'_>, PcfError> {
    let directory = Table { format: 0, bytes: file };
    if directory.read(0)? != *b"\x01fcp" {
        return Err(PcfError::Malformed("no PCF header"));
    }
    let count = directory.u32(4)?.min(TABLES_MAX);
    for entry in (0..count as usize).map(|entry| 8 + 16 * entry) {
        if directory.u32(entry)? == kind {
            let offset = directory.u32(entry + 12)? as usize;
            let bytes =
                file.get(offset..).ok_or(PcfError::Malformed("a table lies outside the file"))?;
            // Each table repeats its format, always little endian.
            let format = Table { format: 0, bytes }.u32(0)?;
            return Ok(Table { format, bytes: &bytes[4..] });
        }
    }
    Err(PcfError::Malformed("a needed table is missing"))
}

/// All rows of all glyphs, and where each glyph starts.
fn bitmaps(table: Table<'_>) -> Result<(Vec<u8>, Vec<usize>), PcfError> {
    let count = table.u32(0)? as usize;
    if count > usize::from(u16::MAX) {
        return Err(PcfError::Malformed("more glyphs than can be encoded"));
    }
    let offset = |glyph: usize| table.u32(4 + 4 * glyph).map(|offset| offset as usize);
    let offsets = (0..count).map(offset).collect::<Result<Vec<_>, _>>()?;
    let sizes = 4 + 4 * count;
    let size = table.u32(sizes + 4 * (table.format & 3) as usize)? as usize;
    let start = sizes + 16;
    let bits = start.checked_add(size).and_then(|end| table.bytes.get(start..end));
    let mut bits = bits.ok_or(PcfError::Malformed("bitmaps end early"))?.to_vec();
    let bytes_first = table.format & MOST_SIGNIFICANT_BYTE_FIRST != 0;
    let bits_first = table.format & MOST_SIGNIFICANT_BIT_FIRST != 0;
    let unit = 1 << (table.format >> 4 & 3);
    if bytes_first != bits_first && unit > 1 {
        for word in bits.chunks_exact_mut(unit) {
            word.reverse();
        }
    }
    if !bits_first {
        for byte in &mut bits {
            *byte = byte.reverse_bits();
        }
    }
    Ok((bits, offsets))
}

fn metrics(
    table: Table<'_>,
    offsets: &[usize],
    pad: usize,
    bits: usize,
) -> Result<Vec<Shape>, PcfError> {
    let compressed = table.format & COMPRESSED_METRICS != 0;
    let count = if compressed { usize::from(table.u16(0)?) } else { table.u32(0)? as usize };
    if count != offsets.len() {
        return Err(PcfError::Malformed("metrics and bitmaps differ in number"));
    }
    offsets
        .iter()
        .enumerate()
        .map(|(glyph, &offset)| shape(table, compressed, glyph, offset, pad, bits))
        .collect()
}

fn shape(
    table: Table<'_>,
    compressed: bool,
    glyph: usize,
    offset: usize,
    pad: usize,
    bits: usize,
) -> Result<Shape, PcfError> {
    let [left, right, advance, ascent, descent] = if compressed {
        table.read::<5>(2 + 5 * glyph)?.map(|byte| i16::from(byte) - 0x80)
    } else {
        let at = 4 + 12 * glyph;
        [
            table.i16(at)?,
            table.i16(at + 2)?,
            table.i16(at + 4)?,
            table.i16(at + 6)?,
            table.i16(at + 8)?,
        ]
    };
    let sane = |value: i16| (-SIDE_MAX..=SIDE_MAX).contains(&value);
    if ![left, right, advance, ascent, descent].into_iter().all(sane) {
        return Err(PcfError::Malformed("a glyph is larger than a sign"));
    }
    let width = usize::try_from(right - left).unwrap_or(0);
    let height = usize::try_from(ascent + descent).unwrap_or(0);
    let stride = width.div_ceil(8).next_multiple_of(pad);
    let inside = offset.checked_add(stride * height).is_some_and(|end| end <= bits);
    if !inside {
        return Err(PcfError::Malformed("a glyph lies outside the bitmaps"));
    }
    Ok(Shape { left, right, advance, ascent, descent, offset, stride })
}

/// Characters of the Basic Multilingual Plane: the fonts used are encoded in ISO 10646-1.
fn encoding(table: Table<'_>, shapes: &[Shape]) -> Result<HashMap<char, Shape>, PcfError> {
    let [low_first, low_last, high_first, high_last] =
        [table.u16(0)?, table.u16(2)?, table.u16(4)?, table.u16(6)?];
    if low_last > 0xFF || high_last > 0xFF {
        return Err(PcfError::Malformed("not encoded in two bytes"));
    }
    let mut index = HashMap::new();
    let codes = (high_first..=high_last)
        .flat_map(|high| (low_first..=low_last).map(move |low| (high, low)));
    for (place, (high, low)) in codes.enumerate() {
        let glyph = table.u16(10 + 2 * place)?;
        if glyph == NO_GLYPH {
            continue;
        }
        let shape =
            shapes.get(usize::from(glyph)).ok_or(PcfError::Malformed("a code has no glyph"))?;
        if let Some(character) = char::from_u32(u32::from(high) << 8 | u32::from(low)) {
            index.insert(character, *shape);
        }
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A font of one glyph, `A`, 3 px wide and high, most significant first like the real ones.
    #[expect(clippy::cast_possible_truncation, reason = "a tiny font")]
    fn tiny() -> Vec<u8> {
        let format = 0x0E_u32;
        let mut metrics = (format | COMPRESSED_METRICS).to_le_bytes().to_vec();
        metrics.extend([0, 1, 0x80, 0x83, 0x84, 0x82, 0x81]);
        let mut bitmaps = format.to_le_bytes().to_vec();
        bitmaps.extend([0, 0, 0, 1, 0, 0, 0, 0]);
        bitmaps.extend([3, 6, 12, 24].map(u32::to_be_bytes).concat());
        bitmaps.extend([0b0100_0000, 0, 0, 0, 0b1110_0000, 0, 0, 0, 0b1010_0000, 0, 0, 0]);
        let mut encodings = format.to_le_bytes().to_vec();
        encodings.extend([0, 0x41, 0, 0x41, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mut file = b"\x01fcp\x03\0\0\0".to_vec();
        let mut offset = 8 + 3 * 16;
        for (kind, table) in [(METRICS, &metrics), (BITMAPS, &bitmaps), (ENCODINGS, &encodings)] {
            file.extend([kind, format, table.len() as u32, offset].map(u32::to_le_bytes).concat());
            offset += table.len() as u32;
        }
        [file, metrics, bitmaps, encodings].concat()
    }

    fn picture(font: &Pcf, character: char) -> Vec<String> {
        let dots: Vec<Point> = font.glyph(character).unwrap().dots().collect();
        let dot = |x, y| if dots.contains(&Point::new(x, y)) { '#' } else { '.' };
        (-2..1).map(|y| (0..3).map(|x| dot(x, y)).collect()).collect()
    }

    #[test]
    fn a_glyph_stands_on_its_baseline() {
        let font = Pcf::parse(&tiny()).unwrap();
        assert_eq!(picture(&font, 'A'), [".#.", "###", "#.#"]);
        assert_eq!(font.glyph('A').unwrap().advance, 4);
        assert!(font.glyph('B').is_none());
    }

    #[test]
    fn a_packed_font_reads_the_same() {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&tiny()).unwrap();
        let font = Pcf::parse(&packer.finish().unwrap()).unwrap();
        assert_eq!(picture(&font, 'A'), [".#.", "###", "#.#"]);
    }

    #[test]
    fn a_bomb_is_refused() {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&vec![0; 17 * 1024 * 1024]).unwrap();
        assert!(matches!(Pcf::parse(&packer.finish().unwrap()), Err(PcfError::TooLarge)));
    }

    proptest! {
        #[test]
        fn no_damage_panics(at in 0..tiny().len(), value: u8, cut in 0..tiny().len()) {
            let mut file = tiny();
            file[at] = value;
            for bytes in [&file[..], &file[..cut]] {
                if let Ok(font) = Pcf::parse(bytes) {
                    for character in font.characters() {
                        let _ = font.glyph(character).map(|glyph| glyph.dots().count());
                    }
                }
            }
        }
    }
}
