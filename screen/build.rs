//! Compiles the gallery of the kit, which only tests, examples and benches of this crate show.

use slint_build::{CompilerConfiguration, DefaultTranslationContext};

fn main() {
    let config = CompilerConfiguration::new()
        .with_style("fluent-light".into())
        .with_default_translation_context(DefaultTranslationContext::None)
        .with_bundled_translations("ui/lang");
    slint_build::compile_with_config("ui/gallery.slint", config).expect("the kit compiles");
}
