//! Pictures of the glass, numbered as a citizen sees them, where a folder is asked for.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;

use drivers::surface::Frame;
use embedded_graphics::geometry::OriginDimensions as _;
use kiosk::page::Body;

use crate::stand::{Stand, Walked};

/// Names the folder; without it no picture is taken.
pub(crate) const FOLDER: &str = "GULOU_GALLERY";

/// The pictures of one walk.
#[derive(Debug, Default)]
pub(crate) struct Album {
    folder: Option<PathBuf>,
    walk: String,
    titles: Vec<String>,
}

impl Album {
    /// An album in the folder that the environment names.
    pub(crate) fn open() -> Album {
        let folder = std::env::var_os(FOLDER).map(PathBuf::from);
        if let Some(folder) = &folder {
            fs::create_dir_all(folder).unwrap();
        }
        Album { folder, ..Album::default() }
    }
}

impl Stand {
    /// Begins a walk of this name in the album.
    pub(crate) fn begins(&mut self, walk: &str) {
        walk.clone_into(&mut self.album.walk);
        self.album.titles.clear();
    }

    /// Puts what stands on the glass into the album, unless it is only waiting there.
    pub(crate) fn is_pictured(&mut self) {
        let page = self.page();
        if matches!(page.body, Body::Working { .. }) {
            return;
        }
        let Some(folder) = self.album.folder.clone() else { return };
        self.album.titles.push(page.title);
        let name = format!("{}-{:02}.png", self.album.walk, self.album.titles.len());
        write(&folder.join(name), self.picture());
    }

    /// Writes the titles of the walk beside its pictures.
    pub(crate) fn ends(&self) -> Walked {
        let Some(folder) = &self.album.folder else { return Ok(()) };
        let path = folder.join(format!("{}.txt", self.album.walk));
        fs::write(path, self.album.titles.join("\n")).map_err(|error| error.to_string())
    }
}

/// Writes a picture at half its size, which is sharp enough to read and small enough to keep.
pub(crate) fn write(path: &std::path::Path, frame: &Frame) {
    let (width, height) = (frame.size().width as usize, frame.size().height as usize);
    let pixels = frame.pixels();
    let mut half = Vec::with_capacity(width / 2 * (height / 2) * 3);
    for y in (0..height - 1).step_by(2) {
        for x in (0..width - 1).step_by(2) {
            for channel in 0..3 {
                let at = |x: usize, y: usize| u16::from(pixels[(y * width + x) * 3 + channel]);
                let sum = at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1);
                half.push(u8::try_from(sum / 4).unwrap());
            }
        }
    }
    let side = |side: usize| u32::try_from(side / 2).unwrap();
    let file = BufWriter::new(File::create(path).unwrap());
    let mut encoder = png::Encoder::new(file, side(width), side(height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.write_header().unwrap().write_image_data(&half).unwrap();
}
