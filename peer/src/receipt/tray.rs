//! What comes out of the printer: rows that hang from it, and receipts that were cut off, as PNG files.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// Longest receipt; what hangs lower is lost.
const ROWS_MAX: usize = 32_000;

#[derive(Debug)]
pub(super) struct Tray {
    folder: PathBuf,
    stride: usize,
    hanging: Vec<u8>,
    text: String,
    receipts: usize,
}

impl Tray {
    pub(super) fn new(folder: PathBuf, width: usize) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let stride = width.div_ceil(8).max(1);
        Ok(Self { folder, stride, hanging: Vec::new(), text: String::new(), receipts: 0 })
    }

    /// Receipts that were cut off.
    pub(super) fn receipts(&self) -> usize {
        self.receipts
    }

    /// Rows that hang from the printer.
    pub(super) fn rows(&self) -> usize {
        self.hanging.len() / self.stride
    }

    /// Prints one row; what stands beyond the paper is lost.
    pub(super) fn print(&mut self, row: &[u8]) {
        if self.rows() < ROWS_MAX {
            let end = self.hanging.len() + self.stride;
            self.hanging.extend(row.iter().take(self.stride));
            self.hanging.resize(end, 0);
        }
    }

    /// Notes a line of text. There is no font here, so it lands beside the picture.
    pub(super) fn write(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Lets what hangs fall into the tray.
    pub(super) fn cut(&mut self) {
        self.receipts += 1;
        let path = self.folder.join(format!("receipt-{:04}.png", self.receipts));
        let rows = std::mem::take(&mut self.hanging);
        let text = std::mem::take(&mut self.text);
        let saved = if rows.is_empty() { Ok(()) } else { save(&path, &rows, self.stride) };
        let written = match text.as_str() {
            "" => Ok(()),
            text => fs::write(path.with_extension("txt"), text),
        };
        for error in [saved, written].into_iter().filter_map(Result::err) {
            eprintln!("{}: {error}", path.display());
        }
    }
}

/// Black dots are zeros in a picture. Who looks for the file finds all of it or nothing.
fn save(path: &Path, rows: &[u8], stride: usize) -> io::Result<()> {
    let part = path.with_extension("part");
    let too_large = |_| io::Error::other("picture too large");
    let width = u32::try_from(stride * 8).map_err(too_large)?;
    let height = u32::try_from(rows.len() / stride).map_err(too_large)?;
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(&part)?), width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let paper: Vec<u8> = rows.iter().map(|byte| !byte).collect();
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(&paper).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    fs::rename(part, path)
}
