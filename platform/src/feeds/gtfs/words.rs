//! Names in two languages: what the feed says in its own, and translations.txt.

use std::collections::HashMap;

use sync::Text;

use super::GtfsError;
use super::table::Table;
use crate::feeds::is_han;

/// Most rows of translations.txt.
const TRANSLATIONS_MAX: usize = 1_000_000;

/// Which name of which record, or every name that reads so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Record(String),
    Value(String),
}

/// The languages of a feed.
#[derive(Debug)]
pub(super) struct Words {
    /// The feed's own language is Chinese.
    chinese: bool,
    translated: HashMap<(Field, Key), Text>,
}

/// A field that people read in their language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Field {
    StopName,
    TripHeadsign,
    StopHeadsign,
}

impl Words {
    /// A feed without translations.txt.
    pub(super) fn plain(chinese: bool) -> Words {
        Words { chinese, translated: HashMap::new() }
    }

    /// Reads translations.txt.
    pub(super) fn read(table: &mut Table<'_>, chinese: bool) -> Result<Words, GtfsError> {
        let mut words = Words::plain(chinese);
        let (kind, field) = (table.need("table_name")?, table.need("field_name")?);
        let (language, translation) = (table.need("language")?, table.need("translation")?);
        let (record, value) = (table.column("record_id"), table.column("field_value"));
        while table.next(TRANSLATIONS_MAX)? {
            let field = match (table.bytes(kind), table.bytes(field)) {
                (b"stops", b"stop_name") => Field::StopName,
                (b"trips", b"trip_headsign") => Field::TripHeadsign,
                (b"stop_times", b"stop_headsign") => Field::StopHeadsign,
                _ => continue,
            };
            let record = table.text(record)?.into_owned();
            let key = if record.is_empty() {
                Key::Value(table.name(value)?)
            } else {
                Key::Record(record)
            };
            let text = words.translated.entry((field, key)).or_default();
            match table.bytes(language).get(..2).map(<[u8]>::to_ascii_lowercase).as_deref() {
                Some(b"zh") => text.zh = table.name(translation)?,
                Some(b"en") => text.en = table.name(translation)?,
                _ => {}
            }
        }
        Ok(words)
    }

    /// `name` of record `id`, in every language the feed has it in.
    pub(super) fn text(&self, field: Field, id: &str, name: String) -> Text {
        let record = self.translated.get(&(field, Key::Record(id.to_owned())));
        let found = record.or_else(|| self.translated.get(&(field, Key::Value(name.clone()))));
        let mut text = found.cloned().unwrap_or_default();
        let own =
            if self.chinese || name.chars().any(is_han) { &mut text.zh } else { &mut text.en };
        if own.is_empty() {
            *own = name;
        }
        text
    }
}
