//! Names of people, rare characters and the "·" of other nations' names included.

use super::words;
use crate::prove::is_han;
use crate::text::Text;

/// Longest name, in characters.
const MAX: usize = 50;

/// The name with one kind of "·", or what is wrong with it.
pub fn check(text: &str) -> Result<String, Text> {
    let name: String = text
        .trim()
        .chars()
        .map(|sign| {
            if matches!(sign, '•' | '・' | '‧' | '∙' | '．' | '･') { '·' } else { sign }
        })
        .collect();
    let count = name.chars().count();
    if count == 0 {
        return Err(words("请写姓名。", "Please write the name."));
    }
    if count > MAX {
        return Err(words(
            format!("姓名最多{MAX}个字，现在有{count}个。"),
            format!("A name has at most {MAX} characters; there are {count} now."),
        ));
    }
    if let Some(sign) = name.chars().find(|sign| !may_stand(*sign)) {
        return Err(words(
            format!("姓名里不能有“{sign}”。"),
            format!("“{sign}” cannot stand in a name."),
        ));
    }
    if name.starts_with('·') || name.ends_with('·') || name.contains("··") {
        return Err(words("“·”要写在两个字之间。", "“·” stands between two characters."));
    }
    Ok(name)
}

/// Chinese characters of every plane and private ones, Latin letters, and what joins them.
fn may_stand(sign: char) -> bool {
    is_han(sign)
        || matches!(sign, '\u{e000}'..='\u{f8ff}' | '·' | ' ' | '-' | '\'' | '’' | '.')
        || (sign.is_alphabetic() && !sign.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_characters_and_long_names_are_names() {
        for name in
            ["林秀英", "王㛃", "𬱖先生", "䶮", "买买提·阿不都热合曼", "O’Brien Anne-Marie", "José"]
        {
            assert_eq!(check(name), Ok(name.to_owned()));
        }
    }

    #[test]
    fn every_dot_of_a_keyboard_is_the_same_dot() {
        for name in ["阿依古丽•买买提", "阿依古丽・买买提", " 阿依古丽．买买提 "]
        {
            assert_eq!(check(name), Ok("阿依古丽·买买提".to_owned()));
        }
    }

    #[test]
    fn each_fault_is_said() {
        assert_eq!(check(" ").unwrap_err().zh, "请写姓名。");
        assert_eq!(check("林3英").unwrap_err().zh, "姓名里不能有“3”。");
        assert_eq!(check("林秀英·").unwrap_err().zh, "“·”要写在两个字之间。");
        assert_eq!(check(&"林".repeat(51)).unwrap_err().zh, "姓名最多50个字，现在有51个。");
        assert!(check(&"林".repeat(50)).is_ok());
    }
}
