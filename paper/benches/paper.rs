//! How long a citizen waits for her paper. Goal: the first page within 300 ms once fonts are loaded.

use std::path::Path;

use divan::Bencher;
use paper::{Paper, ROLL_80_DOTS, Sheet};

fn main() {
    divan::main();
}

fn load() -> Paper {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content/templates");
    Paper::load(&templates, Path::new("/usr/share/fonts")).expect("Debian's fonts are installed")
}

fn sheet(name: &str) -> Sheet {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
    let text = std::fs::read(path).expect("samples lie beside the code");
    serde_json::from_slice(&text).expect("samples are sheets")
}

/// Fonts and templates from files that the system has in memory.
#[divan::bench(sample_count = 5)]
fn cold_load() -> Paper {
    load()
}

/// The first citizen after a restart.
#[divan::bench(sample_count = 5)]
fn cold_load_and_first_pdf(bencher: Bencher<'_, '_>) {
    let sheet = sheet("certificate-zh.json");
    bencher.bench(|| load().pdf(&sheet));
}

#[divan::bench(sample_count = 10, args = ["certificate-zh.json", "record-zh.json"])]
fn pdf(bencher: Bencher<'_, '_>, name: &str) {
    let (paper, sheet) = (load(), sheet(name));
    bencher.bench(|| paper.pdf(&sheet));
}

#[divan::bench(sample_count = 10)]
fn preview(bencher: Bencher<'_, '_>) {
    let (paper, sheet) = (load(), sheet("certificate-zh.json"));
    bencher.bench(|| paper.pages(&sheet, 96));
}

#[divan::bench(sample_count = 10)]
fn slip(bencher: Bencher<'_, '_>) {
    let (paper, sheet) = (load(), sheet("receipt-zh.json"));
    bencher.bench(|| paper.slip(&sheet, ROLL_80_DOTS));
}
