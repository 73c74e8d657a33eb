//! A made-up identity card, and how it is cut into columns.

use serde::{Deserialize, Serialize};

/// Text, photo and their lengths as the reader sends them.
const TEXT_LEN: usize = 256;
const PHOTO_LEN: usize = 1024;

/// What a card says, as it stands in its columns. Nobody in it exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Card {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) latin_name: String,
    /// 1 for a man, 2 for a woman.
    pub(crate) sex: String,
    /// Two digits for an ethnic group, or three letters for a nationality.
    pub(crate) nation: String,
    /// `YYYYMMDD`, like the other days.
    pub(crate) birth: String,
    pub(crate) address: String,
    pub(crate) number: String,
    pub(crate) permit: String,
    pub(crate) issuer: String,
    pub(crate) from: String,
    pub(crate) until: String,
}

/// Which layout a card has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    #[default]
    Citizen,
    /// Hong Kong, Macao, Taiwan.
    Permit,
    Foreigner,
    /// The layout of 2023, which readers flag as something new.
    Newer,
    /// No identity card at all: it is found, and can't be selected.
    Bank,
}

impl Default for Card {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            kind: Kind::Citizen,
            name: text("林一鸣"),
            latin_name: String::new(),
            sex: text("1"),
            nation: text("01"),
            birth: text("19490101"),
            address: text("福建省福州市鼓楼区测试路1号"),
            number: text("350102194901010019"),
            permit: String::new(),
            issuer: text("福州市公安局鼓楼分局"),
            from: text("20150102"),
            until: text("长期"),
        }
    }
}

impl Card {
    /// What follows the status of a good reading: two lengths, text, photo.
    pub(crate) fn reading(&self) -> Vec<u8> {
        let mut bytes = vec![0x01, 0x00, 0x04, 0x00];
        bytes.extend(self.text());
        // Only the makers can decode a photo, so any bytes will do; these even look like a frame.
        let photo = [0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x00, 0x08].into_iter().cycle();
        bytes.extend(photo.take(PHOTO_LEN));
        bytes
    }

    fn text(&self) -> Vec<u8> {
        let columns: Vec<(&str, usize)> = match self.kind {
            Kind::Foreigner => vec![
                (&self.latin_name, 120),
                (&self.sex, 2),
                (&self.number, 30),
                (&self.nation, 6),
                (&self.name, 30),
                (&self.from, 16),
                (&self.until, 16),
                (&self.birth, 16),
                ("01", 4),
                (&self.issuer, 8),
                ("I", 2),
            ],
            kind => vec![
                (&self.name, 30),
                (&self.sex, 2),
                (if kind == Kind::Permit { "" } else { &self.nation }, 4),
                (&self.birth, 16),
                (&self.address, 70),
                (&self.number, 36),
                (&self.issuer, 30),
                (&self.from, 16),
                (&self.until, 16),
                (&self.permit, 18),
                ("", 10),
                (
                    match kind {
                        Kind::Permit => "J",
                        Kind::Newer => "Y",
                        _ => "",
                    },
                    2,
                ),
            ],
        };
        let mut bytes = Vec::with_capacity(TEXT_LEN);
        for (text, width) in columns {
            let end = bytes.len() + width;
            bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes).take(width));
            while bytes.len() < end {
                bytes.extend(b" \0");
            }
        }
        while bytes.len() < TEXT_LEN {
            bytes.extend(b" \0");
        }
        bytes
    }
}
