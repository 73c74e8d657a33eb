//! From pinyin letters to what was meant.
//!
//! The dictionary and its frequencies come from `inputx-pinyin`. Here stand the rules around it:
//! whole words first, then a sentence made of words, then words that begin the input, so that a
//! name is entered character by character; and sounds that are one in Fuzhou (n and l, z and zh,
//! in and ing) find each other, after what was really typed.

mod local;

use golia_pinyin::{
    FuzzyConfig, L0Snapshot, PinyinDict, VALID_SYLLABLES, is_valid_syllable, segment,
};

/// Most letters composed at once; more are not taken.
pub const LETTERS_MAX: usize = 40;

/// Most candidates that are offered.
const CANDIDATES_MAX: usize = 400;

/// Most spellings tried for sounds that are one in Fuzhou.
const SPELLINGS_MAX: usize = 24;

/// Something that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The characters.
    pub text: String,
    /// How many of the composed letters it stands for.
    pub letters: usize,
}

/// Which candidates are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// What people usually mean.
    #[default]
    Usual,
    /// Single characters, the rarest first: for names.
    Rare,
}

/// What was typed and learned since [`forget`](Self::forget).
pub struct Pinyin {
    dict: PinyinDict,
    letters: String,
}

impl Default for Pinyin {
    fn default() -> Self {
        Self { dict: PinyinDict::embedded(), letters: String::new() }
    }
}

impl Pinyin {
    /// The letters that are not yet characters. `'` separates syllables, as in xi'an.
    pub fn letters(&self) -> &str {
        &self.letters
    }

    /// Takes one letter, or `'`; anything else is ignored.
    pub fn push(&mut self, letter: char) {
        let letter = letter.to_ascii_lowercase();
        let separates = letter == '\'' && !self.letters.is_empty() && !self.letters.ends_with('\'');
        if (letter.is_ascii_lowercase() || separates) && self.letters.len() < LETTERS_MAX {
            self.letters.push(letter);
        }
    }

    /// Takes back one letter; false when there is none.
    pub fn pop(&mut self) -> bool {
        self.letters.pop().is_some()
    }

    /// Drops all letters.
    pub fn clear(&mut self) {
        self.letters.clear();
    }

    /// Wipes letters and everything learned: the next person must not see whom the last one wrote to.
    pub fn forget(&mut self) {
        self.letters.clear();
        self.dict.import_l0(L0Snapshot::default());
    }

    /// What may have been meant, best first.
    pub fn candidates(&self, order: Order) -> Vec<Candidate> {
        match order {
            Order::Usual => self.usual(),
            Order::Rare => self.rare(),
        }
    }

    /// Chooses a candidate: gives its characters and keeps the letters it doesn't stand for.
    pub fn choose(&mut self, candidate: &Candidate) -> String {
        let taken: String = self.letters.chars().take(candidate.letters).collect();
        self.dict.record_pick(&taken.replace('\'', ""), &candidate.text);
        self.letters = self.letters.chars().skip(candidate.letters).collect();
        let rest = self.letters.trim_start_matches('\'').to_owned();
        self.letters = rest;
        candidate.text.clone()
    }

    fn usual(&self) -> Vec<Candidate> {
        let mut found = Vec::new();
        if self.letters.is_empty() {
            return found;
        }
        let syllables = self.syllables();
        let all = self.letters.len();
        let whole = [self.letters.replace('\'', "")];
        if self.letters.contains('\'') {
            let mut words = self.words(&whole[0]);
            words.retain(|word| word.chars().count() == syllables.len());
            for word in words {
                add_text(&mut found, word, all);
            }
        } else {
            self.add(&mut found, &whole, all);
        }
        if !syllables.is_empty() && self.covers_all(&syllables) {
            if let Some(sentence) = self.sentence(&syllables) {
                add_text(&mut found, sentence, all);
            }
            self.add(&mut found, &spellings(&syllables)[1..], all);
        } else {
            self.add_completions(&mut found, all);
        }
        for count in (1..syllables.len()).rev() {
            let letters = self.letters_of(&syllables[..count]);
            self.add(&mut found, &spellings(&syllables[..count]), letters);
        }
        if let [only] = &syllables[..] {
            let only = std::slice::from_ref(only);
            self.add(&mut found, &spellings(only), self.letters_of(only));
        }
        found
    }

    fn rare(&self) -> Vec<Candidate> {
        let syllables = self.syllables();
        let Some(first) = syllables.first() else { return Vec::new() };
        let letters = self.letters_of(&syllables[..1]);
        let mut found = Vec::new();
        for spelling in spellings(std::slice::from_ref(first)) {
            let mut singles: Vec<String> = self.dict.lookup(&spelling);
            singles.retain(|word| word.chars().count() == 1);
            singles.reverse();
            singles.sort_by_key(|word| word.chars().next().map(rarity));
            for text in singles {
                add_text(&mut found, text, letters);
            }
        }
        found
    }

    /// The composed letters as whole syllables from the left: fewest syllables, what `'` separates
    /// stays apart; a rest that is no syllable yet is left out.
    fn syllables(&self) -> Vec<String> {
        let mut syllables = Vec::new();
        for part in self.letters.split('\'') {
            let longest = (1..=part.len()).rev().find_map(|end| {
                let best = segment(&part[..end]).into_iter().next()?;
                Some((best.syllables, end))
            });
            let Some((found, end)) = longest else { break };
            syllables.extend(found);
            if end < part.len() {
                break;
            }
        }
        syllables
    }

    fn covers_all(&self, syllables: &[String]) -> bool {
        let letters: usize = syllables.iter().map(String::len).sum();
        letters == self.letters.replace('\'', "").len()
    }

    /// How many composed letters, separators among them, the first syllables took.
    fn letters_of(&self, syllables: &[String]) -> usize {
        let mut letters: usize = syllables.iter().map(String::len).sum();
        for (at, letter) in self.letters.chars().enumerate() {
            if letter == '\'' && at < letters {
                letters += 1;
            }
        }
        letters
    }

    /// Fewest words that cover all syllables, each the most frequent of its sound.
    fn sentence(&self, syllables: &[String]) -> Option<String> {
        let mut best: Vec<Option<(usize, String)>> = vec![Some((0, String::new()))];
        for end in 1..=syllables.len() {
            let words = (0..end).filter_map(|start| {
                let (count, before) = best[start].as_ref()?;
                let word = self.dict.lookup(&syllables[start..end].concat()).into_iter().next()?;
                Some((count + 1, format!("{before}{word}")))
            });
            let shortest = words.min_by_key(|(count, _)| *count);
            best.push(shortest);
        }
        best.pop().flatten().map(|(_, text)| text)
    }

    /// Words whose pinyin begins with what was typed, most frequent first.
    fn add_completions(&self, found: &mut Vec<Candidate>, letters: usize) {
        const WORDS_MAX: usize = 20;
        let prefix = self.letters.replace('\'', "");
        if prefix.len() < 2 {
            let mut sounds: Vec<&str> = VALID_SYLLABLES.iter().copied().collect();
            sounds.retain(|sound| sound.starts_with(&prefix));
            sounds.sort_unstable();
            let words = sounds.into_iter().filter_map(|sound| self.words(sound).into_iter().next());
            return words.for_each(|word| add_text(found, word, letters));
        }
        let mut words = self.dict.prefix_with_freq(&prefix);
        words.sort_by_key(|(_, _, frequency)| std::cmp::Reverse(*frequency));
        let words = words.into_iter().take(WORDS_MAX);
        words.for_each(|(_, word, _)| add_text(found, word, letters));
    }

    fn add(&self, found: &mut Vec<Candidate>, spellings: &[String], letters: usize) {
        for spelling in spellings {
            self.words(spelling).into_iter().for_each(|text| add_text(found, text, letters));
        }
    }

    /// What was learned, then what people here mean, then what the dictionary counted.
    fn words(&self, pinyin: &str) -> Vec<String> {
        let mut words = self.dict.lookup(pinyin);
        let learned = self.dict.export_l0().pins.iter().any(|(sound, _)| sound == pinyin);
        let at = usize::from(learned && !words.is_empty());
        for word in local::words(pinyin).into_iter().rev() {
            if at == 0 || words[0] != word {
                words.insert(at, word.into());
            }
        }
        words
    }
}

fn add_text(found: &mut Vec<Candidate>, text: String, letters: usize) {
    if found.len() < CANDIDATES_MAX && !found.iter().any(|candidate| candidate.text == text) {
        found.push(Candidate { text, letters });
    }
}

/// How the syllables may be spelled by somebody for whom some sounds are one; as typed first.
fn spellings(syllables: &[String]) -> Vec<String> {
    let fuzzy = FuzzyConfig {
        z_zh: true,
        c_ch: true,
        s_sh: true,
        n_l: true,
        f_h: true,
        in_ing: true,
        en_eng: true,
        an_ang: true,
        ..FuzzyConfig::strict()
    };
    let mut whole = vec![String::new()];
    for syllable in syllables {
        let mut sounds = fuzzy.expand(syllable);
        sounds.retain(|sound| is_valid_syllable(sound));
        let longer =
            sounds.iter().flat_map(|sound| whole.iter().map(move |w| format!("{w}{sound}")));
        whole = longer.take(SPELLINGS_MAX).collect();
    }
    whole
}

/// Where the characters of names stand: the national list of 8,105 took its rare ones from
/// extensions A and C to E; extension B is mostly dictionary ghosts.
fn rarity(character: char) -> u8 {
    match character {
        '\u{3400}'..='\u{4DBF}' | '\u{2A700}'..='\u{2CEAF}' => 0,
        '\u{4E00}'..='\u{9FFF}' => 1,
        _ => 2,
    }
}

impl std::fmt::Debug for Pinyin {
    /// Letters are somebody's name: they do not go into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pinyin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one page of the candidate bar shows.
    const PAGE: usize = 8;

    fn typed(letters: &str) -> Pinyin {
        let mut pinyin = Pinyin::default();
        letters.chars().for_each(|letter| pinyin.push(letter));
        pinyin
    }

    fn first_page(letters: &str) -> Vec<String> {
        let candidates = typed(letters).candidates(Order::Usual);
        candidates.into_iter().take(PAGE).map(|candidate| candidate.text).collect()
    }

    #[test]
    fn names_and_places_of_fuzhou_are_on_the_first_page() {
        let wanted = [
            ("fuzhou", "福州"),
            ("fuzhoushi", "福州市"),
            ("gulouqu", "鼓楼区"),
            ("taijiangqu", "台江区"),
            ("cangshan", "仓山"),
            ("mawei", "马尾"),
            ("jinan", "晋安"),
            ("changle", "长乐"),
            ("minhou", "闽侯"),
            ("fuqing", "福清"),
            ("dongjiekou", "东街口"),
            ("wushan", "乌山"),
            ("yushan", "于山"),
            ("chen", "陈"),
            ("lin", "林"),
            ("huang", "黄"),
            ("zheng", "郑"),
            ("wang", "王"),
            ("zhang", "张"),
            ("shenfenzheng", "身份证"),
            ("jumin", "居民"),
            ("shebao", "社保"),
        ];
        let missed: Vec<_> = wanted
            .iter()
            .filter(|(letters, text)| !first_page(letters).iter().any(|found| found == text))
            .map(|(letters, text)| format!("{letters} {text}: {:?}", first_page(letters)))
            .collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn sounds_that_are_one_in_fuzhou_find_each_other() {
        for (letters, text) in [("huzhou", "福州"), ("gunou", "鼓楼"), ("zongguo", "中国")] {
            let found = typed(letters).candidates(Order::Usual);
            assert!(found.iter().any(|candidate| candidate.text == text), "{letters} {text}");
        }
    }

    #[test]
    fn a_name_is_entered_character_by_character() {
        let mut pinyin = typed("chenjingrun");
        let candidates = pinyin.candidates(Order::Usual);
        let chen = candidates.iter().find(|candidate| candidate.text == "陈").unwrap().clone();
        assert_eq!(pinyin.choose(&chen), "陈");
        assert_eq!(pinyin.letters(), "jingrun");
    }

    #[test]
    fn an_apostrophe_separates() {
        assert!(first_page("xi'an").contains(&"西安".to_owned()), "{:?}", first_page("xi'an"));
        let mut pinyin = typed("xi'an");
        let candidates = pinyin.candidates(Order::Usual);
        let xi = candidates.iter().find(|candidate| candidate.letters == 2).unwrap().clone();
        pinyin.choose(&xi);
        assert_eq!(pinyin.letters(), "an");
    }

    #[test]
    fn rare_characters_of_names_are_found_by_their_sound() {
        for (letters, text, pages) in [("yan", "䶮", 4), ("yue", "𬸚", 1), ("jie", "㛃", 6)] {
            let rare = typed(letters).candidates(Order::Rare);
            let place = rare.iter().position(|candidate| candidate.text == text).unwrap();
            assert!(place < pages * PAGE, "{letters} {text}: {place} of {}", rare.len());
        }
    }

    #[test]
    fn nothing_learned_outlives_the_session() {
        let mut pinyin = Pinyin::default();
        let first = |pinyin: &Pinyin| pinyin.candidates(Order::Usual)[0].text.clone();
        let type_in = |pinyin: &mut Pinyin| "shi".chars().for_each(|letter| pinyin.push(letter));
        type_in(&mut pinyin);
        let usual = first(&pinyin);
        for _ in 0..5 {
            let other = pinyin.candidates(Order::Usual)[5].clone();
            pinyin.choose(&Candidate { text: "时".into(), ..other });
            type_in(&mut pinyin);
        }
        assert_eq!(first(&pinyin), "时", "learned");
        pinyin.forget();
        assert_eq!(pinyin.letters(), "");
        type_in(&mut pinyin);
        assert_eq!(first(&pinyin), usual, "wiped");
    }

    proptest::proptest! {
        #[test]
        fn any_letters_are_taken(letters in "[a-zA-Z']{0,50}", choices in proptest::collection::vec(0..50_usize, 0..10)) {
            let mut pinyin = typed(&letters);
            for choice in choices {
                let before = pinyin.letters().len();
                let candidates = pinyin.candidates(if choice % 2 == 0 { Order::Usual } else { Order::Rare });
                if let Some(candidate) = candidates.get(choice) {
                    assert!(candidate.letters > 0);
                    pinyin.choose(candidate);
                    assert!(pinyin.letters().len() < before);
                }
            }
        }
    }
}
