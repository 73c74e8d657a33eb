//! What a card says: 256 bytes of UTF-16LE, cut into columns, padded with spaces.
//!
//! Three layouts share the block; the flag at byte 248 tells them apart.
//! The photo stays in the reader's own code, which only its makers can read: it is neither decoded nor kept.

use std::fmt;

use jiff::civil::Date;
use zeroize::Zeroize;

use super::nation;

/// Length of the text block.
pub const RECORD_LEN: usize = 256;
/// Where the flag of the layout stands.
const FLAG_AT: usize = 248;
/// What stands for a date that never comes.
const FOREVER: &str = "长期";

/// Which card it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A resident identity card.
    Citizen,
    /// A residence permit for people of Hong Kong, Macao and Taiwan, flag `J`.
    Permit,
    /// A permanent residence card for foreigners of 2017, flag `I`.
    Foreigner,
    /// A card with a newer flag: its number is known, its other columns are not guessed.
    Other,
}

/// What a card says about sex (GB/T 2261.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// 0.
    Unknown,
    /// 1.
    Male,
    /// 2.
    Female,
    /// 9.
    Unstated,
}

/// How long a card holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Through this day.
    Day(Date),
    /// 长期.
    Forever,
}

/// One card. Columns that the card doesn't have are empty; the memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Which card it is.
    pub kind: Kind,
    /// Name in Chinese characters, at most 15.
    pub name: String,
    /// Name in Latin letters, on cards for foreigners.
    pub latin_name: String,
    /// Sex, where stated.
    pub sex: Option<Sex>,
    /// Ethnic group by name, or three letters of a nationality.
    pub nation: String,
    /// Day of birth.
    pub birth: Option<Date>,
    /// Registered address.
    pub address: String,
    /// Identity number, with an upper-case X; its check digit is right.
    pub number: String,
    /// Number of the pass behind a residence permit.
    pub permit: String,
    /// Authority that issued the card.
    pub issuer: String,
    /// First day of validity.
    pub from: Option<Date>,
    /// Last day of validity.
    pub until: Option<Until>,
}

/// Why a text block is not believed. It names the column and never its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not 256 bytes.
    #[error("the text block has {0} bytes instead of 256")]
    Length(usize),
    /// Not UTF-16, or not printable.
    #[error("the {0} is not text: clean the card and read it again")]
    Text(&'static str),
    /// An unknown code, an impossible date, a wrong check digit or an empty column.
    #[error("the {0} can't be true: clean the card and read it again")]
    Value(&'static str),
}

/// Content is personal, so only the kind is printed.
impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Record").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        for text in [
            &mut self.name,
            &mut self.latin_name,
            &mut self.nation,
            &mut self.address,
            &mut self.number,
            &mut self.permit,
            &mut self.issuer,
        ] {
            text.zeroize();
        }
        (self.sex, self.birth, self.from, self.until) = (None, None, None, None);
    }
}

impl Record {
    /// The one parser of text blocks.
    pub fn parse(block: &[u8]) -> Result<Self, RecordError> {
        if block.len() != RECORD_LEN {
            return Err(RecordError::Length(block.len()));
        }
        match column(block, FLAG_AT, 2, "flag")?.as_str() {
            "" => Self::citizen(block, Kind::Citizen),
            "J" => Self::citizen(block, Kind::Permit),
            "I" => Self::foreigner(block),
            _ => {
                let mut record = Self::empty(Kind::Other);
                record.number = number(block)?;
                Ok(record)
            }
        }
    }

    /// The columns of a citizen's card, which a residence permit shares but for two.
    fn citizen(block: &[u8], kind: Kind) -> Result<Self, RecordError> {
        let mut record = Self::empty(kind);
        if kind == Kind::Permit {
            record.permit = column(block, 220, 18, "permit")?;
        } else {
            let code = column(block, 32, 4, "nation")?;
            nation::name(&code).ok_or(RecordError::Value("nation"))?.clone_into(&mut record.nation);
        }
        record.name = filled(block, 0, 30, "name")?;
        record.sex = Some(sex(block, 30)?);
        record.birth = Some(date(block, 36, "birth")?);
        record.address = filled(block, 52, 70, "address")?;
        record.number = number(block)?;
        record.issuer = filled(block, 158, 30, "issuer")?;
        record.from = Some(date(block, 188, "first day")?);
        record.until = Some(until(block)?);
        Ok(record)
    }

    fn foreigner(block: &[u8]) -> Result<Self, RecordError> {
        let mut record = Self::empty(Kind::Foreigner);
        record.number = column(block, 122, 30, "number")?;
        let (letters, digits) = record.number.split_at_checked(3).unwrap_or_default();
        let believable = letters.bytes().all(|byte| byte.is_ascii_uppercase())
            && digits.len() == 12
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !believable {
            return Err(RecordError::Value("number"));
        }
        record.nation = column(block, 152, 6, "nationality")?;
        if record.nation.len() != 3 || !record.nation.bytes().all(|byte| byte.is_ascii_uppercase())
        {
            return Err(RecordError::Value("nationality"));
        }
        record.latin_name = filled(block, 0, 120, "name")?;
        record.sex = Some(sex(block, 120)?);
        record.name = column(block, 158, 30, "Chinese name")?;
        record.from = Some(date(block, 188, "first day")?);
        record.until = Some(until(block)?);
        record.birth = Some(date(block, 220, "birth")?);
        record.issuer = column(block, 240, 8, "authority")?;
        Ok(record)
    }

    fn empty(kind: Kind) -> Self {
        Self {
            kind,
            name: String::new(),
            latin_name: String::new(),
            sex: None,
            nation: String::new(),
            birth: None,
            address: String::new(),
            number: String::new(),
            permit: String::new(),
            issuer: String::new(),
            from: None,
            until: None,
        }
    }
}

/// Text of one column without its padding. Control characters are as wrong as half a surrogate pair.
fn column(
    block: &[u8],
    at: usize,
    length: usize,
    what: &'static str,
) -> Result<String, RecordError> {
    let bytes = block.get(at..at + length).ok_or(RecordError::Text(what))?;
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let mut text = String::with_capacity(length * 2);
    for character in char::decode_utf16(units) {
        match character {
            // Some cards are padded with zeros.
            Ok('\0') => text.push(' '),
            Ok(character) if !character.is_control() => text.push(character),
            _ => {
                text.zeroize();
                return Err(RecordError::Text(what));
            }
        }
    }
    text.truncate(text.trim_end_matches([' ', '\u{3000}']).len());
    Ok(text)
}

fn filled(
    block: &[u8],
    at: usize,
    length: usize,
    what: &'static str,
) -> Result<String, RecordError> {
    let text = column(block, at, length, what)?;
    if text.trim().is_empty() { Err(RecordError::Value(what)) } else { Ok(text) }
}

fn sex(block: &[u8], at: usize) -> Result<Sex, RecordError> {
    match column(block, at, 2, "sex")?.as_str() {
        "0" => Ok(Sex::Unknown),
        "1" => Ok(Sex::Male),
        "2" => Ok(Sex::Female),
        "9" => Ok(Sex::Unstated),
        _ => Err(RecordError::Value("sex")),
    }
}

/// Eighteen characters whose check digit is right (GB 11643: ISO 7064, MOD 11-2).
fn number(block: &[u8]) -> Result<String, RecordError> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let mut number = column(block, 122, 36, "number")?;
    number.make_ascii_uppercase();
    let digits = number.as_bytes();
    let right = digits.len() == WEIGHTS.len() + 1
        && digits[..WEIGHTS.len()].iter().all(u8::is_ascii_digit)
        && {
            let sum: u32 = WEIGHTS.iter().zip(digits).map(|(w, d)| w * u32::from(d - b'0')).sum();
            digits[WEIGHTS.len()] == b"10X98765432"[(sum % 11) as usize]
        };
    if right {
        Ok(number)
    } else {
        number.zeroize();
        Err(RecordError::Value("number"))
    }
}

/// A day written as `YYYYMMDD`.
fn date(block: &[u8], at: usize, what: &'static str) -> Result<Date, RecordError> {
    day(&column(block, at, 16, what)?).ok_or(RecordError::Value(what))
}

fn until(block: &[u8]) -> Result<Until, RecordError> {
    match column(block, 204, 16, "last day")?.as_str() {
        FOREVER => Ok(Until::Forever),
        text => day(text).map(Until::Day).ok_or(RecordError::Value("last day")),
    }
}

fn day(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = text.split_at(4);
    let (month, day) = rest.split_at(2);
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    (1850..2200).contains(&date.year()).then_some(date)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use jiff::civil::date as day;
    use proptest::prelude::*;

    /// Cuts a block from columns: where each begins, and what it says.
    pub(crate) fn block(columns: &[(usize, &str)]) -> Vec<u8> {
        let mut block = b" \0".repeat(RECORD_LEN / 2);
        for (at, text) in columns {
            for (index, unit) in text.encode_utf16().enumerate() {
                block[at + 2 * index..][..2].copy_from_slice(&unit.to_le_bytes());
            }
        }
        block
    }

    pub(crate) fn lin() -> Vec<u8> {
        block(&[
            (0, "林一鸣"),
            (30, "1"),
            (32, "22"),
            (36, "19490101"),
            (52, "福建省福州市鼓楼区测试路1号"),
            (122, "350102194901010019"),
            (158, "福州市公安局鼓楼分局"),
            (188, "20150102"),
            (204, "长期"),
        ])
    }

    #[test]
    fn a_citizens_card_says_nine_things() {
        let record = Record::parse(&lin()).unwrap();
        assert_eq!((record.kind, record.name.as_str()), (Kind::Citizen, "林一鸣"));
        assert_eq!((record.sex, record.nation.as_str()), (Some(Sex::Male), "畲"));
        assert_eq!(record.birth, Some(day(1949, 1, 1)));
        assert_eq!(record.address, "福建省福州市鼓楼区测试路1号");
        assert_eq!(record.number, "350102194901010019");
        assert_eq!(record.issuer, "福州市公安局鼓楼分局");
        assert_eq!((record.from, record.until), (Some(day(2015, 1, 2)), Some(Until::Forever)));
        assert_eq!(format!("{record:?}"), "Record { kind: Citizen, .. }", "no content in logs");
    }

    #[test]
    fn rare_characters_and_the_longest_name_come_through() {
        // A character beyond the basic plane takes two units; 15 units fill the column.
        for name in ["𬸚𡋾㛃䶮禛", "阿卜杜热西提·买买提艾力江", "一二三四五六七八九十甲乙丙丁戊"]
        {
            let mut card = lin();
            card.splice(..30, block(&[(0, name)])[..30].iter().copied());
            assert_eq!(Record::parse(&card).unwrap().name, name);
        }
    }

    #[test]
    fn a_permit_and_a_foreigners_card_have_their_own_columns() {
        let permit = block(&[
            (0, "陈大文"),
            (30, "2"),
            (36, "19900101"),
            (52, "福州市"),
            (122, "810000199001010019"),
            (158, "福州市公安局"),
            (188, "20200101"),
            (204, "20250101"),
            (220, "H12345678"),
            (238, "01"),
            (248, "J"),
        ]);
        let record = Record::parse(&permit).unwrap();
        assert_eq!((record.kind, record.permit.as_str()), (Kind::Permit, "H12345678"));
        assert_eq!(record.until, Some(Until::Day(day(2025, 1, 1))));
        let foreigner = block(&[
            (0, "DOE, JANE"),
            (120, "2"),
            (122, "USA350188010101"),
            (152, "USA"),
            (158, "简"),
            (188, "20180301"),
            (204, "20280228"),
            (220, "19880101"),
            (236, "01"),
            (240, "1500"),
            (248, "I"),
        ]);
        let record = Record::parse(&foreigner).unwrap();
        assert_eq!((record.latin_name.as_str(), record.name.as_str()), ("DOE, JANE", "简"));
        assert_eq!((record.nation.as_str(), record.birth), ("USA", Some(day(1988, 1, 1))));
    }

    #[test]
    fn of_an_unknown_layout_only_the_number_is_believed() {
        let mut card = lin();
        card[FLAG_AT] = b'Y';
        let record = Record::parse(&card).unwrap();
        assert_eq!((record.kind, record.number.as_str()), (Kind::Other, "350102194901010019"));
        assert!(record.name.is_empty() && record.birth.is_none());
    }

    #[test]
    fn what_cannot_be_true_names_its_column() {
        let with = |at, text| {
            let mut card = lin();
            let cut = block(&[(at, text)]);
            let length = 2 * text.encode_utf16().count();
            card[at..at + length].copy_from_slice(&cut[at..at + length]);
            Record::parse(&card).map(|_| ())
        };
        assert_eq!(with(0, "   "), Err(RecordError::Value("name")));
        assert_eq!(with(0, "林\u{7}"), Err(RecordError::Text("name")));
        assert_eq!(with(30, "3"), Err(RecordError::Value("sex")));
        assert_eq!(with(32, "57"), Err(RecordError::Value("nation")));
        assert_eq!(with(36, "20230229"), Err(RecordError::Value("birth")));
        assert_eq!(with(122, "350102194901010018"), Err(RecordError::Value("number")));
        assert_eq!(with(204, "无期"), Err(RecordError::Value("last day")));
        assert_eq!(Record::parse(&lin()[..255]).map(|_| ()), Err(RecordError::Length(255)));
        let mut half = lin();
        half[..2].copy_from_slice(&[0x00, 0xD8]);
        assert_eq!(Record::parse(&half).map(|_| ()), Err(RecordError::Text("name")));
    }

    #[test]
    fn the_check_digit_is_that_of_the_standard() {
        for known in ["11010519491231002X", "440524188001010014", "350102200002291230"] {
            assert_eq!(number(&block(&[(122, known)])).as_deref(), Ok(known));
        }
        assert_eq!(
            number(&block(&[(122, "11010519491231002x")])).as_deref(),
            Ok("11010519491231002X")
        );
    }

    proptest! {
        #[test]
        fn no_block_panics(noise in proptest::collection::vec((0usize..256, any::<u8>()), 0..12)) {
            let mut card = lin();
            for (at, byte) in noise {
                card[at] = byte;
            }
            if let Ok(record) = Record::parse(&card) {
                prop_assert!(record.number.len() == 18 || record.kind == Kind::Foreigner);
            }
        }
    }
}
