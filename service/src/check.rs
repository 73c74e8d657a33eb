//! Whether an answer can be right, and what to tell the citizen when it cannot.
//!
//! Each check takes what was typed and gives it in its one proper form, or a sentence in both languages.

pub mod day;

use crate::text::Text;

pub(crate) fn words(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text { zh: zh.into(), en: en.into() }
}
