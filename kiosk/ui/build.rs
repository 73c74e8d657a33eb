//! Compiles the terminal's pages with the kit of `screen`, and the words of both.

use std::path::PathBuf;
use std::{env, fs};

use slint_build::{CompilerConfiguration, DefaultTranslationContext};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names it"));
    let kit = here.join("../../screen/ui");
    // Slint reads one file of words a program: the kit's and the terminal's, one after the other.
    let lang = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names it")).join("lang");
    let folder = lang.join("en/LC_MESSAGES");
    fs::create_dir_all(&folder).expect("the folder of words");
    let words = [kit.join("lang/en/LC_MESSAGES/screen.po"), here.join("ui/en.po")].map(|path| {
        println!("cargo:rerun-if-changed={}", path.display());
        fs::read_to_string(&path).expect("the words are there")
    });
    fs::write(folder.join("terminal.po"), words.join("\n")).expect("the words are written");
    let config = CompilerConfiguration::new()
        .with_style("fluent-light".into())
        .with_library_paths([("kit".into(), kit.join("kit.slint"))].into())
        .with_default_translation_context(DefaultTranslationContext::None)
        .with_bundled_translations(lang);
    slint_build::compile_with_config("ui/app.slint", config).expect("the pages compile");
}
