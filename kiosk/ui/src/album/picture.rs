//! A camera's picture: read, made smaller, and written anew.

use jpeg_encoder::{ColorType, Encoder};
use zeroize::Zeroize as _;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Largest picture that a camera may send, in dots to a side.
const CAMERA_SIDE_MAX: usize = 4096;
/// Good enough to read a number plate, and small enough for three of them in one message.
const QUALITY: u8 = 70;

/// Dots, three bytes each.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rgb: Vec<u8>,
}

impl Picture {
    /// The one parser of what a camera sends.
    pub(super) fn read(jpeg: &[u8]) -> Option<Picture> {
        let options = DecoderOptions::default()
            .set_max_width(CAMERA_SIDE_MAX)
            .set_max_height(CAMERA_SIDE_MAX)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let rgb = decoder.decode().ok()?;
        let (width, height) = decoder.dimensions()?;
        (rgb.len() == width * height * 3 && width > 0).then_some(Picture { width, height, rgb })
    }

    /// Made smaller by whole steps, each dot the mean of those it stands for.
    pub(super) fn within(self, side: usize) -> Picture {
        let step = self.width.max(self.height).div_ceil(side);
        if step <= 1 {
            return self;
        }
        let (width, height) = (self.width / step, self.height / step);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                for part in 0..3 {
                    rgb.push(self.mean(x * step, y * step, step, part));
                }
            }
        }
        Picture { width, height, rgb }
    }

    fn mean(&self, x: usize, y: usize, step: usize, part: usize) -> u8 {
        let dot = |x: usize, y: usize| usize::from(self.rgb[(y * self.width + x) * 3 + part]);
        let rows = (y..y + step).map(|y| (x..x + step).map(|x| dot(x, y)).sum::<usize>());
        u8::try_from(rows.sum::<usize>() / (step * step)).unwrap_or(u8::MAX)
    }

    /// Without what the camera wrote about itself and its place.
    pub(super) fn jpeg(&self) -> Option<Vec<u8>> {
        let mut jpeg = Vec::new();
        let (width, height) = (u16::try_from(self.width).ok()?, u16::try_from(self.height).ok()?);
        Encoder::new(&mut jpeg, QUALITY).encode(&self.rgb, width, height, ColorType::Rgb).ok()?;
        Some(jpeg)
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.rgb.zeroize();
    }
}

#[cfg(test)]
pub(super) fn grey(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let dots = vec![128; usize::from(width) * usize::from(height) * 3];
    let mut encoder = Encoder::new(&mut jpeg, 90);
    encoder.add_app_segment(1, b"camera of a person".to_vec()).unwrap();
    encoder.encode(&dots, width, height, ColorType::Rgb).unwrap();
    jpeg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_made_small_and_loses_what_the_camera_wrote() {
        let picture = Picture::read(&grey(2560, 1440)).unwrap().within(1280);
        assert_eq!((picture.width, picture.height), (1280, 720));
        let written = picture.jpeg().unwrap();
        assert!(!written.windows(6).any(|bytes| bytes == b"camera"));
        assert_eq!(Picture::read(&written).unwrap().rgb[0], 128);
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        assert!(Picture::read(b"no picture").is_none());
        assert!(Picture::read(&grey(4097, 8)).is_none());
        assert!(Picture::read(&grey(64, 64)[..40]).is_none());
    }
}
