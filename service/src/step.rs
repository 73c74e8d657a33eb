//! One question on one page.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Name of its answer in conditions and outputs: lower case, digits, underscores.
    pub id: String,
    /// The question, in plain words.
    pub title: Text,
    /// One or two sentences under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<Text>,
    /// What is said where the written words do not do; otherwise title and help are spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<Text>,
    /// CEL; the page is left out when it is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_if: Option<String>,
    /// Whether it may be left empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Where its first answer comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<Bind>,
    #[serde(flatten)]
    pub ask: Ask,
}

/// An answer that is known already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bind {
    /// `card.address`, `certificate.driving-licence.number`, another step's id, or `lookup.field`.
    pub from: String,
    /// Whether the citizen may change it; a fixed one is shown with its source and not asked.
    #[serde(default = "yes")]
    pub editable: bool,
}

fn yes() -> bool {
    true
}

/// What is asked, and so which page it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Lay the identity card on the reader. Its answer is `card`: name, sex, nation, birth, address, number, issuer, `valid_from`, `valid_to`; conditions also know `age`.
    IdCard,
    /// Look into the camera, to be compared with the card; staff may do it instead.
    Face,
    /// Lay a finger on the reader.
    Fingerprint,
    /// Lay another card on the reader; the answer is its number.
    TapCard {
        card: Card,
    },
    /// Agree to a statement.
    Consent {
        statement: Text,
    },
    YesNo,
    /// One of a few.
    Choice {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<Choice>,
        /// Calendar years that stand before the options, the newest first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        years: Option<Years>,
        /// An earlier step of free words: the option whose words stand in it most often is
        /// chosen beforehand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suggest: Option<String>,
    },
    /// Several of a few.
    Choices {
        options: Vec<Choice>,
        #[serde(default)]
        min: u8,
    },
    /// One row of a table that a lookup returned: `properties.rows`.
    Pick {
        from: String,
        /// How a row reads: `{address} · {area}`.
        label: Text,
        /// Column that is the answer.
        value: String,
    },
    /// A page that only shows what a lookup returned.
    Show {
        rows: Vec<String>,
    },
    /// The way ends here, with a reason in `help` and where to go instead.
    Stop,
    /// Free words.
    Text {
        max: u16,
        #[serde(default)]
        long: bool,
    },
    /// A person's name, rare characters and "·" included.
    Name,
    IdNumber,
    Mobile,
    /// Unified social credit code of an organisation (GB 32100).
    Uscc,
    /// Digits and capital letters, such as an account or a licence plate.
    Code {
        min: u8,
        max: u8,
        /// Whether only digits are meant.
        #[serde(default)]
        digits: bool,
        /// Whether it may be read by the scanner too.
        #[serde(default)]
        scan: bool,
    },
    Number {
        min: i64,
        max: i64,
        unit: Text,
    },
    /// Whole fen.
    Money {
        min_fen: u32,
        max_fen: u32,
    },
    /// A day; bounds are `today`, `today-30d`, `today+2y` or a date.
    Date {
        from: String,
        to: String,
    },
    Month {
        from: String,
        to: String,
    },
    /// Sub-district and community from a list, then the house in words.
    Address,
    /// A point on the map of the community.
    Place,
    /// Photographs with the terminal's camera.
    Photo {
        max: u8,
    },
    /// Papers on the document scanner.
    Scan {
        pages: u8,
    },
    Signature,
    /// A day and a time that are free.
    Slot {
        /// How many days ahead are offered.
        days: u8,
        /// Of which service, where it is not this one: a picked row's column, such as `booking.service`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
    },
    /// A code to pay by telephone; the amount is CEL over answers and lookups, in fen.
    Pay {
        amount_fen: String,
    },
}

/// A card that is not the identity card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Card {
    Social,
    Transit,
}

/// One of a few.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What conditions compare with.
    pub value: String,
    pub zh: String,
    pub en: String,
    /// One short line under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text>,
    /// Words of a citizen that suggest it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// Calendar years counted from this one: -2 to 0 are the last three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Years {
    pub from: i8,
    pub to: i8,
}

impl Years {
    /// The years, the newest first.
    fn options(self, today: Date) -> impl Iterator<Item = Choice> {
        let year = move |by: i8| (today.year().saturating_add(i16::from(by)), by == 0);
        (self.from..=self.to).rev().map(year).map(|(year, is_this)| Choice {
            value: year.to_string(),
            zh: format!("{year}年{}", if is_this { "（今年）" } else { "" }),
            en: format!("{year}{}", if is_this { " (this year)" } else { "" }),
            hint: None,
            words: Vec::new(),
        })
    }
}

impl Ask {
    /// What one of a few, or several, can be chosen from on this day.
    pub fn options(&self, today: Date) -> Vec<Choice> {
        match self {
            Ask::Choice { options, years, .. } => {
                let years = years.iter().flat_map(|years| years.options(today));
                years.chain(options.iter().cloned()).collect()
            }
            Ask::Choices { options, .. } => options.clone(),
            _ => Vec::new(),
        }
    }
}

/// The option whose words stand in what was written most often; none when no word does.
pub fn suggested(options: &[Choice], written: &str) -> Option<usize> {
    let written = written.to_lowercase();
    let count = |option: &Choice| {
        option.words.iter().map(|word| written.matches(word.as_str()).count()).sum::<usize>()
    };
    let counted = options.iter().enumerate().map(|(index, option)| (count(option), index));
    // Of two that fit alike the first is meant.
    let most = counted.max_by_key(|(count, index)| (*count, usize::MAX - index));
    most.filter(|(count, _)| *count > 0).map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn option(value: &str, words: &[&str]) -> Choice {
        Choice {
            value: value.to_owned(),
            zh: value.to_owned(),
            en: value.to_owned(),
            hint: None,
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    #[test]
    fn years_are_counted_from_today_and_need_no_edit_in_january() {
        let ask = Ask::Choice {
            options: vec![option("all", &[])],
            years: Some(Years { from: -1, to: 0 }),
            suggest: None,
        };
        let read = |today| ask.options(today).into_iter().map(|it| it.zh).collect::<Vec<_>>();
        assert_eq!(read(date(2026, 12, 31)), ["2026年（今年）", "2025年", "all"]);
        assert_eq!(read(date(2027, 1, 1)), ["2027年（今年）", "2026年", "all"]);
    }

    #[test]
    fn words_suggest_the_option_that_has_most_of_them() {
        let options = [option("路灯", &["灯", "不亮"]), option("道路", &["坑", "路"])];
        assert_eq!(suggested(&options, "门口路灯三天不亮"), Some(0));
        assert_eq!(suggested(&options, "路上有个坑"), Some(1));
        assert_eq!(suggested(&options, "噪音"), None);
        assert_eq!(suggested(&[option("lamp", &["lamp"])], "Lamps are dark"), Some(0));
    }
}
