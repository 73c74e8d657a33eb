//! Unified social credit codes of organisations (GB 32100-2015).

use super::{half_width, words};
use crate::text::Text;

/// The 31 signs in order of their values; I, O, S, V and Z are left out.
const SIGNS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The code in capitals, or what is wrong with it.
pub fn check(text: &str) -> Result<String, Text> {
    let code: String = half_width(text).split_whitespace().collect::<String>().to_ascii_uppercase();
    if code.chars().count() != 18 {
        return Err(words(
            "统一社会信用代码是18位，请数一数。",
            "A unified social credit code has 18 characters; please count them.",
        ));
    }
    let values: Option<Vec<usize>> = code.bytes().map(value).collect();
    let Some(values) = values else {
        return Err(words(
            "代码里只有数字和大写字母，没有I、O、S、V、Z。",
            "The code has digits and capitals only, and none of I, O, S, V, Z.",
        ));
    };
    let (body, last) = values.split_at(17);
    let mut weight = 1;
    let mut sum = 0;
    for value in body {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    if last != [(31 - sum % 31) % 31] {
        return Err(words(
            "代码有一位输错了，请对照营业执照核对。",
            "One character is wrong; please compare it with the licence.",
        ));
    }
    Ok(code)
}

fn value(sign: u8) -> Option<usize> {
    SIGNS.iter().position(|known| *known == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_organisations_are_taken() {
        for code in ["91110000600037341L", "91110108551385082Q", " 91110000 60003734 1l "] {
            assert!(check(code).is_ok(), "{code}");
        }
    }

    #[test]
    fn each_fault_is_said() {
        assert!(check("9111000060003734").unwrap_err().zh.contains("18位"));
        assert!(check("9111000060003734IL").unwrap_err().zh.contains("没有I"));
        assert!(check("91110000600037342L").unwrap_err().zh.contains("有一位输错了"));
    }

    #[test]
    fn one_wrong_sign_is_always_found() {
        let code = "91110000600037341L";
        for at in 0..18 {
            for sign in SIGNS {
                let mut wrong = code.as_bytes().to_vec();
                wrong[at] = *sign;
                let wrong = String::from_utf8(wrong).unwrap();
                assert_eq!(check(&wrong).is_ok(), wrong == code, "{wrong}");
            }
        }
    }
}
