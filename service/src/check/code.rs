//! Accounts, licence plates and other codes of digits and capitals.

use super::{half_width, words};
use crate::prove::is_han;
use crate::text::Text;

/// The code in capitals without spaces, or what is wrong with it.
pub fn check(text: &str, min: u8, max: u8, digits: bool) -> Result<String, Text> {
    let code: String = half_width(text)
        .chars()
        .filter(|sign| !sign.is_whitespace() && *sign != '-' && *sign != '·')
        .collect::<String>()
        .to_ascii_uppercase();
    if digits && !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(words("这里只有数字。", "There are digits only."));
    }
    // Licence plates begin with the character of a province.
    let rest = code.strip_prefix(is_han).unwrap_or(&code);
    if !rest.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '(' | ')')) {
        return Err(words("这里只有数字和字母。", "There are digits and letters only."));
    }
    let count = code.chars().count();
    if (usize::from(min)..=usize::from(max)).contains(&count) {
        return Ok(code);
    }
    Err(if min == max {
        words(
            format!("应该是{min}位，现在有{count}位。"),
            format!("There should be {min} characters; there are {count} now."),
        )
    } else {
        words(
            format!("应该是{min}到{max}位，现在有{count}位。"),
            format!("There should be {min} to {max} characters; there are {count} now."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_taken_as_they_stand_on_paper() {
        assert_eq!(check("3501 0200 01", 10, 10, true), Ok("3501020001".to_owned()));
        assert_eq!(check("闽a·12345", 7, 8, false), Ok("闽A12345".to_owned()));
    }

    #[test]
    fn each_fault_is_said() {
        assert_eq!(check("350102", 10, 10, true).unwrap_err().zh, "应该是10位，现在有6位。");
        assert_eq!(check("350", 6, 8, true).unwrap_err().zh, "应该是6到8位，现在有3位。");
        assert_eq!(check("35010200OI", 10, 10, true).unwrap_err().zh, "这里只有数字。");
        assert_eq!(check("35#", 3, 3, false).unwrap_err().zh, "这里只有数字和字母。");
    }
}
