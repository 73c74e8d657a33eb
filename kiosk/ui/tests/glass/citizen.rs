//! A citizen at the terminal: what she does to get from one end of an item to the other, whichever
//! [`Hand`] she has for it.

use std::time::Duration;

use hall::{Deed, Way};
use kiosk::page::{Act, AddressField, Body, DateField, Mode, Page};
use pinyin::ToPinyin as _;
use screen::outline::Part;
use service::definition::Service;
use service::text::{Language, Text};

use crate::hand::{HELP, Hand, RIGHT};
use crate::stand::{Stand, Walked};

/// More pages of a list than any list has.
const PAGES_MAX: usize = 40;
/// More pages of candidates than any syllable has.
const CANDIDATE_PAGES_MAX: usize = 80;

/// More presses than any date needs.
const TURNS_MAX: usize = 200;

impl Stand {
    /// Touches the only part of the glass that is called so.
    pub(crate) fn tap(&mut self, label: &str) -> Walked {
        self.tap_nth(label, 0)
    }

    pub(crate) fn has(&self, label: &str) -> bool {
        self.parts().iter().any(|part| is_pressable(part) && part.label == label)
    }

    pub(crate) fn tap_nth(&mut self, label: &str, nth: usize) -> Walked {
        let parts = self.parts();
        let found = parts.iter().filter(|part| is_pressable(part) && part.label == label).nth(nth);
        let Some(part) = found else {
            return Err(format!("nothing to press is called {label:?} ({nth}):\n{}", list(&parts)));
        };
        self.tap_at(middle(part)?)
    }

    /// Begins to type in the only field of the page.
    fn press_field(&mut self) -> Walked {
        let parts = self.parts();
        let Some(field) = parts.iter().find(|part| part.role == "text-input") else {
            return Err(format!("there is no field:\n{}", list(&parts)));
        };
        match self.hand {
            Hand::Finger => self.tap_at(middle(field)?),
            _ => self.press(&field.label, 0),
        }
    }

    /// Whether these words can be read.
    pub(crate) fn sees(&self, words: &str) -> Walked {
        let parts = self.parts();
        let seen = parts.iter().any(|part| part.label == words || part.value == words);
        if seen { Ok(()) } else { Err(format!("{words:?} can't be seen:\n{}", list(&parts))) }
    }

    /// Wakes the terminal and lets it speak this language.
    pub(crate) fn wakes(&mut self, language: Language) -> Walked {
        let title = self.page().title;
        match self.hand {
            Hand::Finger => self.tap(&title)?,
            Hand::Keypad => self.key(RIGHT)?,
            Hand::Ear => self.key(HELP)?,
        }
        if language == Language::English {
            self.press("English", 0)?;
        }
        Ok(())
    }

    /// Switches a mode on by its key in the top band.
    pub(crate) fn turns_on(&mut self, mode: Mode, language: Language) -> Walked {
        let key = match mode {
            Mode::Large => text("大字", "Larger"),
            Mode::HighContrast => text("高对比", "Contrast"),
            Mode::Reach => text("低位", "Lower"),
            Mode::Voice => text("朗读", "Speak"),
        };
        self.press(key.get(language), 0)
    }

    /// Ends the session, wherever it stands.
    pub(crate) fn leaves(&mut self, language: Language) -> Walked {
        self.expected.clear();
        if self.page().body == Body::Attract {
            return Ok(());
        }
        self.press(text("结束并清除", "Finish and clear").get(language), 0)
    }

    /// Finds an item by what its name begins with, as people do who type little.
    pub(crate) fn opens(&mut self, service: &Service, language: Language) -> Walked {
        let say = |zh: &str, en: &str| {
            if language == Language::Chinese { zh.to_owned() } else { en.to_owned() }
        };
        self.press(&say("搜索事项", "Search all services"), 0)?;
        self.press_field()?;
        let initials = initials(&service.name, language);
        self.types(&initials, language)?;
        self.press_key(&say("完成", "Done"), language)?;
        self.press_listed(service.name.get(language), 0, language)
    }

    /// Chooses an entry of a list, which may stand on a later page of it.
    fn press_listed(&mut self, label: &str, nth: usize, language: Language) -> Walked {
        let next = text("下一页", "After");
        let next = next.get(language);
        let mut nth = nth;
        for _ in 0..PAGES_MAX {
            let parts = self.parts();
            let here = parts.iter().filter(|part| is_pressable(part) && part.label == label);
            let here = here.count();
            if here > nth {
                return self.press(label, nth);
            }
            nth -= here;
            if !parts.iter().any(|part| part.label == next && part.enabled) {
                break;
            }
            self.press(next, 0)?;
        }
        Err(format!("{label:?} is in no page of the list:\n{}", list(&self.parts())))
    }

    /// Goes a way that was found without the glass.
    pub(crate) fn goes(&mut self, way: &Way, service: &Service, language: Language) -> Walked {
        self.expected = way.asked.iter().cloned().collect();
        for deed in &way.deeds {
            let page = self.page();
            let place = |why| format!("{deed:?}\non {:?}: {why}", page.title);
            self.does(deed, &page, service, language).map_err(place)?;
            if self.page().title != page.title {
                self.is_pictured();
                if self.looks_closely {
                    self.is_fit(language)?;
                }
            }
            while self.is_paying() && !self.expected.is_empty() {
                self.wait(Duration::from_secs(3))?;
            }
        }
        self.ends()?;
        match self.page().body {
            Body::Done { .. } => self.sees(&self.page().title),
            body => Err(format!("it ends on {:?}: {body:?}", self.page().title)),
        }
    }

    fn does(&mut self, deed: &Deed, page: &Page, service: &Service, language: Language) -> Walked {
        let act = match deed {
            Deed::Device(event) => return self.device(event.clone()),
            Deed::Act(act) => act,
        };
        match (act, &page.body) {
            (Act::Open(_), _) => self.opens(service, language),
            (Act::Next, _) | (Act::Shoot, Body::Device(_)) => {
                let main = page.main.as_ref().ok_or("there is no main action")?;
                self.press(&main.label, 0)
            }
            (Act::Choose(at), Body::Choice { options, .. }) => {
                let label = options.get(*at).map(|it| it.label.clone()).ok_or("no such option")?;
                let same = options[..*at].iter().filter(|it| it.label == label).count();
                self.press_listed(&label, same, language)
            }
            (
                Act::Choose(at),
                Body::Slots { days: list, .. } | Body::Address(AddressField { streets: list, .. }),
            )
            | (
                Act::ChooseSecond(at),
                Body::Slots { times: list, .. }
                | Body::Address(AddressField { communities: list, .. }),
            ) => {
                let label = list.get(*at).map(|it| it.label.clone()).ok_or("no such option")?;
                self.press_listed(&label, 0, language)
            }
            (Act::Choose(_), Body::Consent { .. }) => {
                let agree = text("我已阅读并同意", "I have read this and agree");
                self.press(agree.get(language), 0)
            }
            (Act::Input(line), Body::Entry(field)) => self.writes(&field.value, line, language),
            (Act::Input(line), Body::Address(field)) => {
                self.writes(&field.detail, line, language)?;
                self.press_key(text("完成", "Done").get(language), language)
            }
            (Act::SetDate(year, month, day), Body::Date(_)) => {
                self.turns_date((*year, *month, *day), language)
            }
            (Act::Shoot, _) => self.press(text("拍一张", "Take a picture").get(language), 0),
            (Act::SetStrokes(_), _) => self.signs(language),
            (Act::SetPlace(..), _) => self.points(language),
            (act, body) => Err(format!("nobody knows how to {act:?} on {body:?}")),
        }
    }

    /// Writes a line instead of what stands in the only field of the page.
    fn writes(&mut self, before: &str, line: &str, language: Language) -> Walked {
        let back = text("退格", "Delete");
        let back = back.get(language);
        if !self.has(back) {
            self.press_field()?;
            if self.looks_closely {
                self.is_fit(language)?;
            }
        }
        for _ in before.chars() {
            self.press_key(back, language)?;
        }
        self.types(line, language)?;
        // With the keypad the page is reached again by the last key.
        if self.hand == Hand::Finger {
            Ok(())
        } else {
            self.press_key(text("完成", "Done").get(language), language)
        }
    }

    /// Types on the keyboard on the glass.
    fn types(&mut self, line: &str, language: Language) -> Walked {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|sign: char| sign.to_pinyin().is_none()).unwrap_or(rest.len());
            if end == 0 {
                self.types_sign(first, language)?;
                rest = &rest[first.len_utf8()..];
            } else {
                self.types_characters(&rest[..end], language)?;
                rest = &rest[end..];
            }
        }
        Ok(())
    }

    fn types_sign(&mut self, sign: char, language: Language) -> Walked {
        let label = if sign == ' ' {
            text("空格", "Space").get(language).to_owned()
        } else {
            sign.to_string()
        };
        if self.has(&label) {
            return self.press_key(&label, language);
        }
        if sign.is_ascii_uppercase() {
            if !self.has(&sign.to_lowercase().to_string()) {
                self.press_key("ABC", language)?;
            }
            self.press_key(text("大写", "Shift").get(language), language)?;
            return self.press_key(&label, language);
        }
        self.press_key("ABC", language)?;
        self.press_key(&label, language)
    }

    /// A word by its pinyin; where it is not offered whole, character by character.
    fn types_characters(&mut self, word: &str, language: Language) -> Walked {
        if self.has("拼音") {
            self.press_key("拼音", language)?;
        }
        let letters: Vec<String> = word.chars().filter_map(letters).collect();
        let typed = letters.concat().len();
        self.types_letters(&letters.concat(), language)?;
        if self.chooses(word)? {
            return Ok(());
        }
        for _ in 0..typed {
            self.press_key(text("退格", "Delete").get(language), language)?;
        }
        for (character, letters) in word.chars().zip(letters) {
            self.types_letters(&letters, language)?;
            let character = character.to_string();
            if !self.chooses(&character)? {
                return Err(format!("{letters} never offers {character}"));
            }
        }
        Ok(())
    }

    fn types_letters(&mut self, letters: &str, language: Language) -> Walked {
        letters.chars().try_for_each(|letter| self.press_key(&letter.to_string(), language))
    }

    /// Chooses among what the letters may mean, page by page.
    fn chooses(&mut self, word: &str) -> Walked<bool> {
        if self.hand != Hand::Finger {
            return self.choose_candidate(word);
        }
        // A long word that is not offered at once is not looked for on every page.
        let pages = if word.chars().count() > 1 { 1 } else { CANDIDATE_PAGES_MAX };
        for _ in 0..pages {
            if self.has(word) {
                self.tap(word)?;
                return Ok(true);
            }
            if !self.has(">") {
                break;
            }
            self.tap(">")?;
        }
        Ok(false)
    }

    /// Turns year, month and day until they are right.
    fn turns_date(&mut self, to: (i16, i8, i8), language: Language) -> Walked {
        for _ in 0..TURNS_MAX {
            let Body::Date(field) = self.page().body else { return Err("the page went".into()) };
            match date_key(&field, to) {
                Some(key) => self.press(key.get(language), 0)?,
                None => return Ok(()),
            }
        }
        Err(format!("{to:?} is not reached from {:?}", self.page().body))
    }

    fn signs(&mut self, language: Language) -> Walked {
        if self.hand != Hand::Finger {
            return self.press(text("画押代替", "Sign with a mark").get(language), 0);
        }
        let pad = self.image(text("请在框内签名", "Sign in the box").get(language))?;
        let at =
            |x: f32, y: f32| (pad.seen.x + pad.seen.width * x, pad.seen.y + pad.seen.height * y);
        let line = |x: f32, y: f32, dx: f32, dy: f32| {
            (0..8_u8)
                .map(|step| f32::from(step) / 7.0)
                .map(|t| at(x + dx * t, y + dy * t))
                .collect()
        };
        let strokes: [Vec<(f32, f32)>; 3] =
            [line(0.2, 0.3, 0.4, 0.1), line(0.4, 0.1, -0.1, 0.7), line(0.4, 0.4, 0.3, 0.4)];
        for stroke in strokes {
            self.drag(&stroke)?;
        }
        Ok(())
    }

    fn points(&mut self, language: Language) -> Walked {
        let label = text("地图", "Map");
        if self.hand != Hand::Finger {
            self.comes_to(label.get(language), 0)?;
            return self.key(RIGHT);
        }
        let map = self.image(label.get(language))?;
        self.tap_at((map.seen.x + map.seen.width * 0.7, map.seen.y + map.seen.height * 0.4))
    }

    fn image(&self, label: &str) -> Walked<Part> {
        let parts = self.parts();
        let found = parts.iter().find(|part| part.role == "image" && part.label == label);
        found.cloned().ok_or_else(|| format!("there is no {label:?}:\n{}", list(&parts)))
    }
}

/// Which button brings the date nearer to what is meant.
fn date_key(field: &DateField, (year, month, day): (i16, i8, i8)) -> Option<Text> {
    let (ahead, behind) = (field.year + 9 < year, field.year > year + 9);
    if field.year != 0 && ahead {
        return Some(text("进十年", "10 years on"));
    }
    if field.year != 0 && behind {
        return Some(text("退十年", "10 years back"));
    }
    if field.year != year {
        let more = field.year < year;
        return Some(if more {
            text("加一年", "One year later")
        } else {
            text("减一年", "One year earlier")
        });
    }
    let turned = |now: i8, to: i8, around: i8| (to - now).rem_euclid(around) <= around / 2;
    if field.month != month {
        let more = field.month == 0 || turned(field.month, month, 12);
        return Some(if more {
            text("加一月", "One month later")
        } else {
            text("减一月", "One month earlier")
        });
    }
    if field.day.is_some_and(|now| now != day) {
        let now = field.day.unwrap_or(0);
        let more = now == 0 || turned(now, day, 31);
        return Some(if more {
            text("加一日", "One day later")
        } else {
            text("减一日", "One day earlier")
        });
    }
    None
}

/// What people type who type little: the first letters of the syllables, or the beginning of the name.
fn initials(name: &Text, language: Language) -> String {
    match language {
        Language::English => {
            let sign = |sign: &char| sign.is_ascii_alphanumeric() || *sign == ' ';
            name.en.to_lowercase().chars().take_while(sign).take(14).collect()
        }
        Language::Chinese => {
            let sign = |sign: char| match sign.to_pinyin() {
                Some(read) => read.plain().chars().next(),
                None => sign.is_ascii_alphanumeric().then(|| sign.to_ascii_lowercase()),
            };
            name.zh.chars().filter_map(sign).take(6).collect()
        }
    }
}

/// The letters of a character, with v for ü.
fn letters(character: char) -> Option<String> {
    Some(character.to_pinyin()?.plain().replace('ü', "v"))
}

fn text(zh: &str, en: &str) -> Text {
    Text { zh: zh.to_owned(), en: en.to_owned() }
}

pub(crate) fn is_pressable(part: &Part) -> bool {
    !part.inner && part.role == "button" && part.enabled
}

/// The middle of a part, which has to be on the glass whole.
fn middle(part: &Part) -> Walked<(f32, f32)> {
    if part.seen == part.place {
        Ok(part.seen.middle())
    } else {
        Err(format!("{:?} is cut off: {:?} of {:?}", part.label, part.seen, part.place))
    }
}

pub(crate) fn list(parts: &[Part]) -> String {
    let named = parts.iter().filter(|part| !part.inner);
    let lines = named.map(|part| format!("  {} {:?} {:?}", part.role, part.label, part.value));
    lines.collect::<Vec<_>>().join("\n")
}
