//! Whether an answer can be right, and what to tell the citizen when it cannot.
//!
//! Each check takes what was typed and gives it in its one proper form, or a sentence in both
//! languages that says what to do. Time is an argument.

pub mod code;
pub mod day;
pub mod identity;
pub mod mobile;
pub mod name;
pub mod number;
pub mod uscc;

use jiff::civil::Date;

use crate::step::Ask;
use crate::text::Text;

/// What was typed into a question, in its proper form; money is typed in yuan and given in fen.
pub fn typed(ask: &Ask, text: &str, today: Date) -> Result<String, Text> {
    match ask {
        Ask::Name => name::check(text),
        Ask::IdNumber => {
            Ok(identity::check(text, today).map_err(identity::Refusal::say)?.as_str().to_owned())
        }
        Ask::Mobile => mobile::check(text),
        Ask::Uscc => uscc::check(text),
        Ask::Code { min, max, digits, .. } => code::check(text, *min, *max, *digits),
        // Numbers of social cards have 9 signs, those of transit cards up to 19.
        Ask::TapCard { .. } => code::check(text, 8, 20, false),
        Ask::Number { min, max, unit } => Ok(number::whole(text, *min, *max, unit)?.to_string()),
        Ask::Money { min_fen, max_fen } => Ok(number::money(text, *min_fen, *max_fen)?.to_string()),
        Ask::Date { from, to } => Ok(day::date(text, from, to, today)?.to_string()),
        Ask::Month { from, to } => day::month(text, from, to, today),
        Ask::Text { max, .. } => free(text, *max),
        _ => Ok(text.to_owned()),
    }
}

/// Free words: something, and not more than fits.
fn free(text: &str, max: u16) -> Result<String, Text> {
    let text = text.trim();
    let count = text.chars().count();
    if text.is_empty() {
        return Err(words("请写几个字。", "Please write a few words."));
    }
    if count > usize::from(max) {
        return Err(words(
            format!("最多{max}个字，现在有{count}个。"),
            format!("At most {max} characters; there are {count} now."),
        ));
    }
    Ok(text.to_owned())
}

pub(crate) fn words(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

/// Digits and letters of full width as those of half width; nothing else changes.
pub(crate) fn half_width(text: &str) -> String {
    text.chars()
        .map(|sign| match sign {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(sign) - 0xfee0).unwrap_or(sign),
            '\u{3000}' => ' ',
            _ => sign,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn free_words_have_an_end() {
        let ask = Ask::Text { max: 5, long: false };
        let today = date(2026, 11, 23);
        assert_eq!(typed(&ask, " 申请补贴 ", today), Ok("申请补贴".to_owned()));
        assert_eq!(typed(&ask, "申请人才补贴", today).unwrap_err().zh, "最多5个字，现在有6个。");
        assert_eq!(typed(&ask, "  ", today).unwrap_err().en, "Please write a few words.");
    }

    #[test]
    fn full_width_signs_are_the_same_signs() {
        assert_eq!(half_width("１３８ａＺ（）福"), "138aZ()福");
    }
}
