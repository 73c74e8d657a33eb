//! Draws one sheet of each template in both languages: `cargo run -p paper --example samples [folder]`.
//!
//! Pages as PNG and PDF, and slips as the dots that a receipt printer gets, on both rolls.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use paper::code::Certificate;
use paper::{Paper, PaperError, ROLL_58_DOTS, ROLL_80_DOTS, Sheet};

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder =
        std::env::args_os().nth(1).map_or_else(|| here.join("../target/samples"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    let paper = Paper::load(&here.join("../content/templates"), Path::new("/usr/share/fonts"))?;
    for entry in fs::read_dir(here.join("samples"))? {
        let path = entry?.path();
        let sheet = signed(serde_json::from_slice(&fs::read(&path)?)?)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        draw(&paper, &sheet, &folder.join(name.as_ref()))?;
        println!("{name}");
    }
    Ok(())
}

/// Signs with keys that everybody knows.
fn signed(sheet: Sheet) -> Result<Sheet, Box<dyn Error>> {
    let (platform, key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let until = "2027-12-31T00:00:00Z".parse()?;
    let terminal = Certificate::new(&platform, "terminal-1", key.verifying_key(), until);
    Ok(sheet.signed(&key, &terminal, "gulou.example/verify")?)
}

fn draw(paper: &Paper, sheet: &Sheet, to: &Path) -> Result<(), Box<dyn Error>> {
    let file = |ending: &str| PathBuf::from(format!("{}{ending}", to.display()));
    fs::write(file(".pdf"), paper.pdf(sheet)?)?;
    for (at, page) in paper.pages(sheet, 110)?.iter().enumerate() {
        fs::write(file(&format!("-{}.png", at + 1)), page.png())?;
    }
    for width in [ROLL_80_DOTS, ROLL_58_DOTS] {
        match paper.slip(sheet, width) {
            Ok(slip) => fs::write(file(&format!("-{width}.png")), slip.png())?,
            Err(PaperError::NotASlip { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}
