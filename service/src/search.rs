//! Finding a service by what people type: characters, pinyin, its first letters, or English.
//!
//! A character that is read in several ways is found by each of them.

use std::cmp::Reverse;

use pinyin::ToPinyinMulti as _;

use crate::catalogue::Catalogue;
use crate::definition::Service;

/// Longest query that is looked at, in characters; what is beyond adds nothing.
const QUERY_MAX: usize = 40;
/// Most services that are given back.
pub const HITS_MAX: usize = 20;

/// How much a find is worth.
const NAME_WHOLE: u32 = 1000;
const NAME_START: u32 = 800;
const NAME: u32 = 600;
const KEYWORD_WHOLE: u32 = 700;
const KEYWORD: u32 = 500;
const SUMMARY: u32 = 100;
/// For each pair of characters of a sentence that is found somewhere.
const PAIR: u32 = 10;

/// All services, ready to be searched.
#[derive(Clone, Default)]
pub struct Index {
    entries: Vec<Entry>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// One find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub code: String,
    /// The higher the better.
    pub score: u32,
}

#[derive(Debug, Clone)]
struct Entry {
    code: String,
    name: Phrase,
    keywords: Vec<Phrase>,
    summary: Phrase,
    english: Phrase,
    english_summary: Phrase,
}

/// Words with every reading of every character.
#[derive(Debug, Clone)]
struct Phrase {
    text: String,
    /// For a Chinese character its readings, for any other sign itself.
    readings: Vec<Vec<String>>,
}

impl Index {
    /// Reads every name, keyword and summary once.
    pub fn new(catalogue: &Catalogue) -> Index {
        Index { entries: catalogue.iter().map(Entry::new).collect() }
    }

    /// The services that are meant, best first.
    pub fn find(&self, query: &str) -> Vec<Hit> {
        let query: String =
            query.to_lowercase().chars().filter(|sign| *sign != '\'').take(QUERY_MAX).collect();
        let words: Vec<&str> = query.split_whitespace().collect();
        if words.is_empty() {
            return Vec::new();
        }
        let scored = self.entries.iter().map(|entry| (entry.score(&words), entry));
        let mut found: Vec<(u32, &Entry)> = scored.filter(|(score, _)| *score > 0).collect();
        found.sort_by_key(|(score, entry)| {
            (Reverse(*score), entry.name.readings.len(), &entry.code)
        });
        let best = found.into_iter().take(HITS_MAX);
        best.map(|(score, entry)| Hit { code: entry.code.clone(), score }).collect()
    }
}

impl Entry {
    fn new(service: &Service) -> Entry {
        Entry {
            code: service.code.clone(),
            name: Phrase::new(&service.name.zh),
            keywords: service.keywords.iter().map(|keyword| Phrase::new(keyword)).collect(),
            summary: Phrase::new(&service.summary.zh),
            english: Phrase::new(&service.name.en),
            english_summary: Phrase::new(&service.summary.en),
        }
    }

    /// Every word must be found; a sentence that is not is compared pair by pair.
    fn score(&self, words: &[&str]) -> u32 {
        let scores: Vec<u32> = words.iter().map(|word| self.word(word)).collect();
        if scores.iter().all(|score| *score > 0) {
            return scores.iter().sum();
        }
        self.pairs(&words.concat())
    }

    fn word(&self, word: &str) -> u32 {
        if self.code.eq_ignore_ascii_case(word) {
            return NAME_WHOLE;
        }
        let names = [&self.name, &self.english].map(|name| match name.find(word) {
            Some((0, end)) if end == name.readings.len() => NAME_WHOLE,
            Some((0, _)) => NAME_START,
            Some(_) => NAME,
            None => 0,
        });
        let keywords = self.keywords.iter().map(|keyword| match keyword.find(word) {
            Some((0, end)) if end == keyword.readings.len() => KEYWORD_WHOLE,
            Some(_) => KEYWORD,
            None => 0,
        });
        let summaries = [&self.summary, &self.english_summary]
            .map(|summary| if summary.has(word) { SUMMARY } else { 0 });
        names.into_iter().chain(keywords).chain(summaries).max().unwrap_or_default()
    }

    /// For sentences such as 我想开没有房子的证明.
    fn pairs(&self, query: &str) -> u32 {
        let signs: Vec<char> = query.chars().filter(|sign| !sign.is_ascii()).collect();
        let pairs = signs.windows(2).map(String::from_iter);
        let weights = pairs.map(|pair| {
            let in_name = self.name.text.contains(&pair);
            let in_keywords = self.keywords.iter().any(|keyword| keyword.text.contains(&pair));
            let in_summary = self.summary.text.contains(&pair);
            u32::from(in_name) * 3 + u32::from(in_keywords) * 2 + u32::from(in_summary)
        });
        weights.sum::<u32>() * PAIR
    }
}

impl Phrase {
    fn new(text: &str) -> Phrase {
        let text = text.to_lowercase();
        let readings = text.chars().map(readings).collect();
        Phrase { text, readings }
    }

    fn has(&self, word: &str) -> bool {
        if word.is_ascii() { self.word_at(word).is_some() } else { self.text.contains(word) }
    }

    /// Where the word stands, as a range of characters.
    fn find(&self, word: &str) -> Option<(usize, usize)> {
        if !word.is_ascii() {
            let at = self.text.find(word)?;
            let start = self.text[..at].chars().count();
            return Some((start, start + word.chars().count()));
        }
        self.word_at(word).or_else(|| {
            (0..self.readings.len()).find_map(|start| Some((start, self.spelled(start, word)?)))
        })
    }

    /// Where an English word begins with these letters.
    fn word_at(&self, word: &str) -> Option<(usize, usize)> {
        let mut at_start = true;
        for (at, sign) in self.text.char_indices() {
            if at_start && self.text[at..].starts_with(word) {
                let start = self.text[..at].chars().count();
                return Some((start, start + word.len()));
            }
            at_start = !sign.is_alphanumeric();
        }
        None
    }

    /// The character behind the last one when, from `start` on, characters are spelled by
    /// `letters`: each whole or by its first letter, the last as far as it was typed.
    fn spelled(&self, start: usize, letters: &str) -> Option<usize> {
        if letters.is_empty() {
            return Some(start);
        }
        let readings = self.readings.get(start)?;
        if readings.is_empty() {
            return self.spelled(start + 1, letters);
        }
        readings.iter().find_map(|reading| {
            if reading.starts_with(letters) {
                return Some(start + 1);
            }
            let whole = letters.strip_prefix(reading.as_str());
            // A reading of one letter is its own first letter, and is tried once.
            let first = reading.get(..1).filter(|first| *first != reading.as_str());
            let first = first.and_then(|first| letters.strip_prefix(first));
            whole
                .and_then(|rest| self.spelled(start + 1, rest))
                .or_else(|| self.spelled(start + 1, first?))
        })
    }
}

/// Every reading of a character, ü as v and as u; Latin letters and digits spell themselves, other
/// signs such as 《 are passed over.
fn readings(sign: char) -> Vec<String> {
    if sign.is_ascii_alphanumeric() {
        return vec![sign.to_string()];
    }
    let Some(multi) = sign.to_pinyin_multi() else {
        return Vec::new();
    };
    let mut readings: Vec<String> = Vec::new();
    for reading in multi {
        let plain = reading.plain();
        for spelled in [plain.replace('ü', "v"), plain.replace('ü', "u")] {
            if spelled.is_ascii() && !spelled.is_empty() && !readings.contains(&spelled) {
                readings.push(spelled);
            }
        }
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::SMALL;

    fn index() -> Index {
        let item = |code: &str, name: &str, english: &str, summary: &str, keywords: &str| {
            SMALL
                .replacen("T001", code, 1)
                .replacen("居住证明", name, 1)
                .replacen("Proof of residence", english, 1)
                .replacen("打印居住证明。", summary, 1)
                .replacen("kind = ", &format!("keywords = [{keywords}]\nkind = "), 1)
        };
        let files = [
            (
                "T003.toml",
                item(
                    "T003",
                    "无房证明",
                    "Certificate of no property",
                    "证明名下没有房产登记。",
                    "\"没有房子\"",
                ),
            ),
            (
                "T010.toml",
                item(
                    "T010",
                    "社保参保证明",
                    "Proof of social insurance",
                    "打印参保记录。",
                    "\"养老保险\"",
                ),
            ),
            (
                "T030.toml",
                item(
                    "T030",
                    "银行还贷明细",
                    "Loan repayments",
                    "查询公积金贷款的还款。",
                    "\"房贷\"",
                ),
            ),
            (
                "T102.toml",
                item(
                    "T102",
                    "水费缴纳",
                    "Water bill payment",
                    "查询欠费并付款。",
                    "\"交水费\", \"water\"",
                ),
            ),
            (
                "T050.toml",
                item("T050", "女职工生育津贴", "Maternity allowance", "查询生育津贴。", "\"产假\""),
            ),
        ];
        let (catalogue, errors) =
            Catalogue::read(files.iter().map(|(name, text)| (*name, &**text)));
        assert_eq!(errors, []);
        Index::new(&catalogue)
    }

    fn first(query: &str) -> String {
        index().find(query).first().map(|hit| hit.code.clone()).unwrap_or_default()
    }

    #[test]
    fn a_certificate_is_found_by_characters_pinyin_and_first_letters() {
        for query in [
            "无房证明",
            "无房",
            "房证",
            "wfzm",
            "wufang",
            "wufangzm",
            "WuFangZhengM",
            "wu fang",
            "T003",
        ] {
            assert_eq!(first(query), "T003", "{query}");
        }
    }

    #[test]
    fn a_character_is_found_by_each_of_its_readings() {
        for query in ["yinhang", "yhhd", "huandai", "yinxing", "yhh"] {
            assert_eq!(first(query), "T030", "{query}");
        }
    }

    #[test]
    fn digits_spell_themselves_and_quotation_marks_nothing() {
        let found = |name: &str, query: &str| Phrase::new(name).find(query).is_some();
        assert!(found("3岁以下幼儿托育", "3syx"));
        assert!(found("《预防接种证》办理", "yfjzzbl"));
    }

    #[test]
    fn the_two_dots_are_typed_as_v_or_u() {
        assert_eq!(first("nvzhigong"), "T050");
        assert_eq!(first("nuzhigong"), "T050");
    }

    #[test]
    fn english_words_are_found_from_their_beginning() {
        assert_eq!(first("water"), "T102");
        assert_eq!(first("mater"), "T050");
        assert_eq!(first("no property"), "T003");
    }

    #[test]
    fn other_words_for_it_find_it_too() {
        assert_eq!(first("没有房子"), "T003");
        assert_eq!(first("养老保险"), "T010");
    }

    #[test]
    fn a_sentence_finds_what_most_of_it_speaks_of() {
        assert_eq!(first("我想开一张没有房子的证明"), "T003");
        assert_eq!(first("怎么交水费"), "T102");
    }

    #[test]
    fn a_name_stands_before_a_summary() {
        let codes: Vec<String> = index().find("证明").into_iter().map(|hit| hit.code).collect();
        assert_eq!(codes, ["T003", "T010"]);
    }

    #[test]
    fn nothing_typed_and_nothing_known_find_nothing() {
        assert_eq!(index().find("  "), []);
        assert_eq!(index().find("xqzw"), []);
        assert_eq!(index().find(&"证".repeat(10_000)).len(), 0);
    }
}
