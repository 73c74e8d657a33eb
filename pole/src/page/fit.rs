//! Making text fit: shorter names first, then more lines; never letters cut in half.

use crate::font::{Face, Ruler};

/// Words that riders know in a shorter form, in the order they are replaced.
const SHORTER: [(&str, &str); 40] = [
    ("公交枢纽", "枢纽"),
    ("公交总站", "总站"),
    ("行政服务中心", "行政中心"),
    ("师范大学", "师大"),
    ("医科大学", "医大"),
    ("附属中学", "附中"),
    ("附属第一医院", "附一医院"),
    ("附属协和医院", "协和医院"),
    ("第一中心小学", "一中心小学"),
    ("少年儿童图书馆", "少儿图书馆"),
    ("Traditional Chinese Medicine", "TCM"),
    ("Railway Station", "Rly Stn"),
    ("Primary School", "Prim Sch"),
    ("High School", "High Sch"),
    ("Service Centre", "Svc Ctr"),
    ("Bus Hub", "Hub"),
    ("Administrative", "Admin"),
    ("Affiliated", "Aff"),
    ("Provincial", "Prov"),
    ("University", "Univ"),
    ("Children's", "Child"),
    ("Entrance", "Ent"),
    ("Hospital", "Hosp"),
    ("Building", "Bldg"),
    ("District", "Dist"),
    ("National", "Natl"),
    ("Station", "Stn"),
    ("Medical", "Med"),
    ("Central", "Ctl"),
    ("Library", "Lib"),
    ("Museum", "Mus"),
    ("Normal", "Nml"),
    ("Street", "St"),
    ("Square", "Sq"),
    ("Centre", "Ctr"),
    ("School", "Sch"),
    ("North", "N"),
    ("South", "S"),
    ("First", "1st"),
    ("Road", "Rd"),
];

/// How many forms of a text there are, long to short.
pub const LEVELS: usize = 3;

/// Signs that may not begin a line, and signs that may not end one (GB/T 15834, section 5.1).
const NOT_FIRST: &str = "，。、；：！？）》」』】〉”’…—·,.;:!?)";
const NOT_LAST: &str = "（《「『【〈“‘(";

/// `text` in its form of `level`: whole, with words shortened, and without what stands in brackets too.
/// No form is longer than the one before it.
pub fn form(text: &str, level: usize) -> String {
    if level == 0 {
        return text.to_owned();
    }
    let short =
        SHORTER.iter().fold(text.to_owned(), |text, (long, short)| text.replace(long, short));
    if level == 1 {
        return short;
    }
    let bare = short.split(['(', '（']).next().unwrap_or(&short).trim();
    if bare.is_empty() { short } else { bare.to_owned() }
}

/// The longest of `texts` that is at most `width` px wide, given longest first.
pub fn longest<'a>(ruler: &Ruler, face: Face, texts: &'a [String], width: u32) -> Option<&'a str> {
    texts.iter().find(|text| ruler.width(face, text) <= width).map(String::as_str)
}

/// Breaks `text` into lines of at most `width` px: between words or ideographs, by the rules of punctuation.
/// A word that is wider than a line is broken anywhere.
pub fn wrap(ruler: &Ruler, face: Face, text: &str, width: u32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = line_end(ruler, face, rest, width);
        let (line, next) = rest.split_at(end);
        lines.push(line.trim_end().to_owned());
        rest = next.trim_start();
    }
    lines
}

/// All ways to [`wrap`] in as few lines, evenest first: at no narrower width is a word broken.
pub fn wraps(ruler: &Ruler, face: Face, text: &str, width: u32) -> Vec<Vec<String>> {
    let most = wrap(ruler, face, text, width);
    let step = (face.em() / 2).max(1) as usize;
    let words = text.split(' ').filter(|word| word.is_ascii());
    let longest = words.map(|word| ruler.width(face, word)).max().unwrap_or(0);
    let least = (width / u32::try_from(most.len().max(1)).unwrap_or(1)).max(longest);
    let narrower = (least..width).step_by(step).map(|width| wrap(ruler, face, text, width));
    narrower.filter(|lines| lines.len() <= most.len()).chain([most.clone()]).collect()
}

/// Where the first line of `text` ends, in bytes; at least one character.
fn line_end(ruler: &Ruler, face: Face, text: &str, width: u32) -> usize {
    let mut fits = 0;
    let mut breakable = 0;
    let mut last = ' ';
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        if at > 0 && may_break(last, character) {
            breakable = at;
        }
        if ruler.width(face, text[..end].trim_end()) > width {
            let end = if breakable > 0 { breakable } else { fits };
            return end.max(text.chars().next().map_or(1, char::len_utf8));
        }
        (fits, last) = (end, character);
    }
    text.len()
}

fn may_break(before: char, after: char) -> bool {
    if NOT_FIRST.contains(after) || NOT_LAST.contains(before) {
        return false;
    }
    let wide = |character| crate::font::cells(character) == 2;
    before == ' ' || after == ' ' || wide(before) || wide(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrapped(text: &str, columns: u32) -> Vec<String> {
        wrap(&Ruler::Cells, Face::Pixel12, text, columns * 6)
    }

    #[test]
    fn names_become_shorter_step_by_step() {
        let forms = |text| (0..LEVELS).map(|level| form(text, level)).collect::<Vec<_>>();
        assert_eq!(
            forms("Fujian Medical University Union Hospital (Qishan Campus)"),
            [
                "Fujian Medical University Union Hospital (Qishan Campus)",
                "Fujian Med Univ Union Hosp (Qishan Campus)",
                "Fujian Med Univ Union Hosp",
            ]
        );
        assert_eq!(forms("（北口）"), ["（北口）"; 3]);
    }

    #[test]
    fn lines_break_between_words_and_ideographs() {
        assert_eq!(
            wrapped("Fuzhou South Railway Station", 14),
            ["Fuzhou South", "Railway", "Station"]
        );
        assert_eq!(wrapped("福州火车南站", 9), ["福州火车", "南站"]);
        assert_eq!(wrapped("Zhongzhouzhongzhou", 8), ["Zhongzho", "uzhongzh", "ou"]);
    }

    #[test]
    fn balanced_lines_leave_no_word_alone() {
        let balanced =
            |text, columns: u32| wraps(&Ruler::Cells, Face::Pixel12, text, columns * 6).remove(0);
        assert_eq!(balanced("Software Park Zone G", 18), ["Software", "Park Zone G"]);
        assert_eq!(balanced("Administration Hall", 16), ["Administration", "Hall"]);
        assert_eq!(balanced("Doumen", 18), ["Doumen"]);
    }

    #[test]
    fn no_line_begins_or_ends_with_the_wrong_punctuation() {
        assert_eq!(wrapped("请勿乘坐，改乘地铁", 8), ["请勿乘", "坐，改乘", "地铁"]);
        assert_eq!(wrapped("南后街（北口）", 8), ["南后街", "（北口）"]);
    }

    proptest! {
        #[test]
        fn wrapping_loses_no_letter_and_keeps_the_width(text in "[a-z福州（）， ]{0,40}", columns in 2_u32..30) {
            let lines = wrapped(&text, columns);
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
            for line in &lines {
                prop_assert!(Ruler::Cells.width(Face::Pixel12, line) <= columns * 6, "{:?}", line);
            }
        }

        #[test]
        fn no_form_is_longer_than_the_one_before(text in "\\PC{0,40}") {
            for level in 1..LEVELS {
                let width = |level| Ruler::Cells.width(Face::Pixel12, &form(&text, level));
                prop_assert!(width(level) <= width(level - 1));
            }
        }
    }
}
