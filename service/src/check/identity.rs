//! Citizens' identity numbers (GB 11643-1999), residence permits and foreign permanent residents.
//!
//! Format first, check digit last: a citizen is told the first thing that she can see herself.

use std::fmt;

use jiff::civil::Date;

use super::{half_width, words};
use crate::text::Text;

/// Weights of the first 17 digits (GB 11643-1999, ISO 7064 MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check digits by the remainder of the weighted sum.
const CHECK: &[u8; 11] = b"10X98765432";
/// Province codes (GB/T 2260), and the permits of Hong Kong 81, Macao 82 and Taiwan 83.
const PROVINCES: [u8; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52,
    53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83,
];
/// Nobody alive was born before.
const FIRST_YEAR: i16 = 1850;

/// A number that can exist.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityNumber {
    number: String,
    birth: Date,
}

/// Why a number cannot exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Length,
    Character,
    Area,
    Date,
    FutureDate,
    CheckDigit,
    /// Of the first generation; they ended in 2013.
    Old15Digit,
}

/// The number in its proper form, or the first thing that is wrong with it.
pub fn check(text: &str, today: Date) -> Result<IdentityNumber, Refusal> {
    let number = half_width(text).trim().to_ascii_uppercase();
    let bytes = number.as_bytes();
    if bytes.len() == 15 && bytes.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Old15Digit);
    }
    if number.chars().count() != 18 {
        return Err(Refusal::Length);
    }
    let (body, last) = bytes.split_at(17);
    let last = last.first().copied().unwrap_or_default();
    if bytes.len() != 18
        || !body.iter().all(u8::is_ascii_digit)
        || !(last.is_ascii_digit() || last == b'X')
    {
        return Err(Refusal::Character);
    }
    let province = number[..2].parse().unwrap_or(0_u8);
    if !(PROVINCES.contains(&province) || bytes.starts_with(b"9")) {
        return Err(Refusal::Area);
    }
    let birth = birth(&number[6..14]).ok_or(Refusal::Date)?;
    if birth > today {
        return Err(Refusal::FutureDate);
    }
    let sum: u32 =
        body.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    if CHECK.get(sum as usize % 11) != Some(&last) {
        return Err(Refusal::CheckDigit);
    }
    Ok(IdentityNumber { number, birth })
}

fn birth(digits: &str) -> Option<Date> {
    let year: i16 = digits[..4].parse().ok()?;
    let date = Date::new(year, digits[4..6].parse().ok()?, digits[6..].parse().ok()?).ok()?;
    (year >= FIRST_YEAR).then_some(date)
}

impl IdentityNumber {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.number
    }

    /// The day of birth.
    pub fn birth(&self) -> Date {
        self.birth
    }

    /// Whether the 17th digit is that of a woman.
    pub fn is_female(&self) -> bool {
        self.number.as_bytes().get(16).is_some_and(|digit| digit % 2 == 0)
    }
}

/// Personal data stays out of logs.
impl fmt::Debug for IdentityNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityNumber(…)")
    }
}

impl Refusal {
    /// What the citizen is told.
    pub fn say(self) -> Text {
        match self {
            Refusal::Length => words(
                "身份证号码是18位，请数一数。",
                "An identity number has 18 characters; please count them.",
            ),
            Refusal::Character => words(
                "身份证号码只有数字，最后一位可以是X。",
                "An identity number has digits only; the last may be X.",
            ),
            Refusal::Area => words(
                "前六位地区代码不对，请核对。",
                "The first six digits are no area; please check them.",
            ),
            Refusal::Date => words(
                "第7到14位不是有效的出生日期，请核对。",
                "Digits 7 to 14 are no date of birth; please check them.",
            ),
            Refusal::FutureDate => words(
                "出生日期还没到，请核对第7到14位。",
                "The date of birth is yet to come; please check digits 7 to 14.",
            ),
            Refusal::CheckDigit => words(
                "号码有一位输错了，请逐位核对。",
                "One digit is wrong; please compare them one by one.",
            ),
            Refusal::Old15Digit => words(
                "这是旧的15位号码，请输入新身份证上的18位号码。",
                "This is an old number of 15 digits; please enter the 18 on the new card.",
            ),
        }
    }

    /// As test tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Length => "length",
            Refusal::Character => "character",
            Refusal::Area => "area",
            Refusal::Date => "date",
            Refusal::FutureDate => "future-date",
            Refusal::CheckDigit => "check-digit",
            Refusal::Old15Digit => "old-15-digit",
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const TODAY: Date = date(2026, 1, 1);

    fn verdict(number: &str) -> &'static str {
        check(number, TODAY).map_or_else(Refusal::name, |_| "valid")
    }

    #[test]
    fn numbers_are_tested_in_the_order_in_which_one_looks_at_them() {
        for (number, expected) in [
            ("11010519491231002X", "valid"),
            (" 11010519491231002x ", "valid"),
            ("810000199001010019", "valid"),
            ("911350199001010013", "valid"),
            ("350102490101001", "old-15-digit"),
            ("35010219490101001", "length"),
            ("35010219490101001O", "character"),
            ("00000099990101001O", "character"),
            ("000102199001010016", "area"),
            ("35010219010229001X", "date"),
            ("999999180001010016", "date"),
            ("350102209901010018", "future-date"),
            ("350102199003077010", "check-digit"),
            ("福建省福州市鼓楼区安泰街道吉庇社区", "length"),
        ] {
            assert_eq!(verdict(number), expected, "{number}");
        }
    }

    #[test]
    fn birth_and_sex_are_read_from_it() {
        let number = check("350102198802290025", TODAY).unwrap();
        assert_eq!(number.birth(), date(1988, 2, 29));
        assert!(number.is_female());
        assert_eq!(format!("{number:?}"), "IdentityNumber(…)");
    }

    #[test]
    fn every_row_of_the_recorded_table_has_its_verdict() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../shared/data/identity/id_numbers.csv");
        let Ok(mut table) = csv::Reader::from_path(&path) else {
            return eprintln!("skipped: {} is absent", path.display());
        };
        for row in table.records().map(Result::unwrap) {
            let (number, kind, expected, reason) = (&row[0], &row[1], &row[2], &row[3]);
            if kind == "uscc" {
                let found = crate::check::uscc::check(number).ok();
                assert_eq!(found.as_deref(), (expected == "valid").then_some(&row[4]), "{number}");
                continue;
            }
            match check(number, TODAY) {
                Ok(found) => {
                    assert_eq!((expected, found.as_str()), ("valid", &row[4]), "{number}");
                    assert_eq!(found.birth().to_string(), &row[5], "{number}");
                    assert_eq!(found.is_female(), &row[6] == "female", "{number}");
                }
                Err(refusal) => assert_eq!(refusal.name(), reason, "{number}"),
            }
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_found(at in 0_usize..17, by in 1_u8..10) {
            let mut digits = *b"11010519491231002X";
            digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
            prop_assert!(check(std::str::from_utf8(&digits).unwrap(), TODAY).is_err());
        }

        #[test]
        fn nothing_that_is_typed_is_too_much(text in ".{0,40}") {
            let _ = check(&text, TODAY);
        }
    }
}
