//! What a sign is told about itself: a TOML file, checked before anything starts.

use sync::Lang;

/// A language as configurations name it.
pub(crate) fn lang(text: &str) -> Result<Lang, String> {
    match text {
        "zh" => Ok(Lang::Zh),
        "en" => Ok(Lang::En),
        _ => Err(format!("language {text:?} is unknown: use zh or en")),
    }
}
