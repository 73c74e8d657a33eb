//! Mobile numbers of the mainland: eleven digits that begin with 13 to 19.

use super::{half_width, words};
use crate::text::Text;

/// The eleven digits, or what is wrong with them.
pub fn check(text: &str) -> Result<String, Text> {
    let typed: String =
        half_width(text).chars().filter(|sign| !sign.is_whitespace() && *sign != '-').collect();
    let national = typed.strip_prefix("+86").or_else(|| typed.strip_prefix("0086"));
    let number = national.unwrap_or(&typed);
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(words("手机号只有数字。", "A mobile number has digits only."));
    }
    if number.len() != 11 {
        return Err(words(
            format!("手机号是11位，现在有{}位。", number.len()),
            format!("A mobile number has 11 digits; there are {} now.", number.len()),
        ));
    }
    if !(number.starts_with('1') && matches!(number.as_bytes().get(1), Some(b'3'..=b'9'))) {
        return Err(words(
            "手机号以13到19开头，请核对。",
            "A mobile number begins with 13 to 19; please check.",
        ));
    }
    Ok(number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_as_people_write_it() {
        for text in [
            "13800138000",
            "+8613800138000",
            "138 0013 8000",
            "１３８００１３８０００",
            "138-0013-8000",
        ] {
            assert_eq!(check(text), Ok("13800138000".to_owned()), "{text}");
        }
    }

    #[test]
    fn each_fault_is_said() {
        assert_eq!(check("1380013800").unwrap_err().zh, "手机号是11位，现在有10位。");
        assert_eq!(check("12345678901").unwrap_err().zh, "手机号以13到19开头，请核对。");
        assert_eq!(check("138O0138000").unwrap_err().en, "A mobile number has digits only.");
    }

    #[test]
    fn every_row_of_the_recorded_table_has_its_verdict() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../shared/data/identity/mobile_numbers.csv");
        let Ok(mut table) = csv::Reader::from_path(&path) else {
            return eprintln!("skipped: {} is absent", path.display());
        };
        for row in table.records().map(Result::unwrap) {
            assert_eq!(check(&row[0]).is_ok(), row[1].starts_with("valid"), "{row:?}");
        }
    }
}
