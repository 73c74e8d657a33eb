//! Whole numbers, and money typed in yuan.

use super::{half_width, words};
use crate::text::Text;

/// A whole number within bounds.
pub fn whole(text: &str, min: i64, max: i64, unit: &Text) -> Result<i64, Text> {
    let number: i64 = half_width(text)
        .trim()
        .parse()
        .map_err(|_| words("请输入一个整数。", "Please enter a whole number."))?;
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    Err(words(
        format!("请输入{min}到{max}{}之间的数。", unit.zh),
        format!("Please enter a number from {min} to {max} {}.", unit.en),
    ))
}

/// Yuan such as `1,234.5` as fen.
pub fn money(text: &str, min_fen: u32, max_fen: u32) -> Result<u32, Text> {
    let text: String =
        half_width(text).chars().filter(|sign| !matches!(sign, ',' | ' ' | '¥' | '元')).collect();
    let fen = fen(&text).ok_or_else(|| {
        words("请输入金额，最多两位小数。", "Please enter an amount with at most two decimals.")
    })?;
    if (min_fen..=max_fen).contains(&fen) {
        return Ok(fen);
    }
    Err(words(
        format!("请输入{}到{}元之间的金额。", yuan(min_fen), yuan(max_fen)),
        format!("Please enter an amount from {} to {} yuan.", yuan(min_fen), yuan(max_fen)),
    ))
}

fn fen(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 2 || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let part: u32 = format!("{part:0<2}").parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

/// Fen as yuan: `12.05`, or `12` without a rest.
pub fn yuan(fen: u32) -> String {
    if fen.is_multiple_of(100) {
        (fen / 100).to_string()
    } else {
        format!("{}.{:02}", fen / 100, fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_typed_in_yuan_and_kept_in_fen() {
        for (text, fen) in [
            ("12", 1200),
            ("12.5", 1250),
            ("12.05", 1205),
            ("1,234.00", 123_400),
            ("¥8元", 800),
            ("１２", 1200),
        ] {
            assert_eq!(money(text, 0, 1_000_000), Ok(fen), "{text}");
        }
        for text in ["", ".5", "1.234", "-3", "abc", "99999999999"] {
            assert_eq!(
                money(text, 0, 1_000_000).unwrap_err().zh,
                "请输入金额，最多两位小数。",
                "{text}"
            );
        }
        assert_eq!(money("0.5", 100, 5000).unwrap_err().zh, "请输入1到50元之间的金额。");
    }

    #[test]
    fn a_number_outside_names_its_bounds() {
        let unit = words("人", "people");
        assert_eq!(whole("３", 1, 9, &unit), Ok(3));
        assert_eq!(whole("10", 1, 9, &unit).unwrap_err().zh, "请输入1到9人之间的数。");
        assert_eq!(whole("1.5", 1, 9, &unit).unwrap_err().en, "Please enter a whole number.");
    }

    #[test]
    fn fen_are_written_as_yuan() {
        assert_eq!([1200, 1205, 5].map(yuan), ["12", "12.05", "0.05"]);
    }
}
