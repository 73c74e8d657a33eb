//! One CSV file of a feed, row by row.

use std::borrow::Cow;

use csv::ByteRecord;
use encoding_rs::GB18030;

use super::archive::{Limit, Source};
use super::{GtfsError, ID_MAX, Issue, NAME_MAX, Report};

/// A file being read.
pub(super) struct Table<'a> {
    file: &'static str,
    csv: csv::Reader<Source<'a>>,
    columns: Vec<String>,
    row: ByteRecord,
    gb18030: bool,
    /// A row held a UTF-8 sequence of three bytes or more, which GB18030 text hardly ever does by chance.
    seen_utf8: bool,
    rows: usize,
    report: &'a mut Report,
}

/// A column of a table; a file without it reads as if it were empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    index: Option<usize>,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        file: &'static str,
        source: Source<'a>,
        gb18030: bool,
        report: &'a mut Report,
    ) -> Result<Self, GtfsError> {
        let csv = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(source);
        let row = ByteRecord::new();
        let mut table = Self {
            file,
            csv,
            columns: Vec::new(),
            row,
            gb18030,
            seen_utf8: false,
            rows: 0,
            report,
        };
        if gb18030 {
            table.report.add(Issue::Gb18030, || file.to_owned());
        }
        table.advance()?;
        if table.row.get(0).is_some_and(|first| {
            first.starts_with(&[0xFF, 0xFE]) || first.starts_with(&[0xFE, 0xFF])
        }) {
            table.seen_utf8 = true;
            return Err(table.charset(0));
        }
        let columns = table.row.iter().map(|name| {
            String::from_utf8_lossy(name).trim().trim_start_matches('\u{feff}').to_owned()
        });
        table.columns = columns.collect();
        Ok(table)
    }

    /// Whether a [`GtfsError::Charset`] may mean that the file is GB18030 throughout.
    pub(super) fn may_be_gb18030(&self) -> bool {
        !self.gb18030 && !self.seen_utf8
    }

    /// A column that may be absent.
    pub(super) fn column(&self, name: &'static str) -> Column {
        Column { name, index: self.columns.iter().position(|known| known == name) }
    }

    /// A column that must be there.
    pub(super) fn need(&self, name: &'static str) -> Result<Column, GtfsError> {
        let column = self.column(name);
        column
            .index
            .map(|_| column)
            .ok_or(GtfsError::MissingColumn { file: self.file, column: name })
    }

    /// Goes to the next row that is not empty; `false` at the end. More than `limit` rows refuse the file.
    pub(super) fn next(&mut self, limit: usize) -> Result<bool, GtfsError> {
        if !self.advance()? {
            return Ok(false);
        }
        self.rows += 1;
        if self.rows > limit {
            return Err(GtfsError::TooMany { file: self.file, limit });
        }
        if !self.gb18030 && !self.row.as_slice().is_ascii() {
            match std::str::from_utf8(self.row.as_slice()) {
                Ok(text) => self.seen_utf8 |= text.chars().any(|letter| letter > '\u{7ff}'),
                Err(_) => return Err(self.charset(self.bad_column())),
            }
        }
        Ok(true)
    }

    fn advance(&mut self) -> Result<bool, GtfsError> {
        self.csv.get_mut().next_row();
        self.csv.read_byte_record(&mut self.row).map_err(|error| self.refuse(&error))
    }

    fn refuse(&self, error: &csv::Error) -> GtfsError {
        let (file, line) = (self.file, self.csv.position().line());
        let limit = match error.kind() {
            csv::ErrorKind::Io(io) => io.get_ref().and_then(|inner| inner.downcast_ref::<Limit>()),
            _ => None,
        };
        match limit {
            Some(Limit::File(bytes)) => GtfsError::Bomb { file, line, bytes: *bytes },
            Some(Limit::Row) => GtfsError::Row { file, line },
            None => GtfsError::Damaged { file, line, problem: error.to_string() },
        }
    }

    fn charset(&self, column: usize) -> GtfsError {
        let name = self.columns.get(column).cloned().unwrap_or_else(|| format!("{}", column + 1));
        GtfsError::Charset { file: self.file, line: self.line(), column: name }
    }

    fn bad_column(&self) -> usize {
        self.row.iter().position(|field| std::str::from_utf8(field).is_err()).unwrap_or(0)
    }

    /// Where the current row starts, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.row.position().map_or(1, csv::Position::line)
    }

    /// The bytes of a field without blanks around it.
    pub(super) fn bytes(&self, column: Column) -> &[u8] {
        column.index.and_then(|index| self.row.get(index)).unwrap_or_default().trim_ascii()
    }

    /// The text of a field, empty where it has none.
    pub(super) fn text(&self, column: Column) -> Result<Cow<'_, str>, GtfsError> {
        let bytes = self.bytes(column);
        if self.gb18030 {
            let decoded = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
            return decoded.ok_or_else(|| self.charset(column.index.unwrap_or(0)));
        }
        // A row may be UTF-8 as a whole and not in its fields, where a delimiter cuts a sequence.
        std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|_| self.charset(column.index.unwrap_or(0)))
    }

    /// An identifier of 1 to [`ID_MAX`] bytes; anything else is counted.
    pub(super) fn id(&mut self, column: Column) -> Result<Option<String>, GtfsError> {
        let text = self.text(column)?;
        if (1..=ID_MAX).contains(&text.len()) {
            return Ok(Some(text.into_owned()));
        }
        self.count(Issue::BadId, column);
        Ok(None)
    }

    /// A name, cut at [`NAME_MAX`] bytes; blanks and line breaks inside it become single spaces.
    pub(super) fn name(&self, column: Column) -> Result<String, GtfsError> {
        let text = self.text(column)?;
        let mut name = String::with_capacity(text.len().min(NAME_MAX));
        for word in text
            .split(|letter: char| letter.is_whitespace() || letter.is_control())
            .filter(|word| !word.is_empty())
        {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(word);
        }
        name.truncate(name.floor_char_boundary(NAME_MAX));
        Ok(name)
    }

    /// A number; `None` where the field is empty, or can't be read, which is counted.
    pub(super) fn number<N: std::str::FromStr>(&mut self, column: Column) -> Option<N> {
        let bytes = self.bytes(column);
        if bytes.is_empty() {
            return None;
        }
        let number = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        if number.is_none() {
            self.count(Issue::BadValue, column);
        }
        number
    }

    /// A time of day in seconds, such as `25:10:00`; `None` where empty or unreadable, which is counted.
    pub(super) fn time(&mut self, column: Column) -> Option<u32> {
        let bytes = self.bytes(column);
        if bytes.is_empty() {
            return None;
        }
        let time = parse_time(bytes);
        if time.is_none() {
            self.count(Issue::BadValue, column);
        }
        time
    }

    /// A date such as `20261123`; `None` where empty or unreadable, which is counted.
    pub(super) fn date(&mut self, column: Column) -> Option<jiff::civil::Date> {
        let date = parse_date(self.bytes(column));
        if date.is_none() {
            self.count(Issue::BadValue, column);
        }
        date
    }

    /// Counts an issue of the current row.
    pub(super) fn count(&mut self, issue: Issue, column: Column) {
        let (file, line, column) = (self.file, self.line(), column.name);
        self.report.add(issue, || format!("{file}, line {line}, column {column}"));
    }

    /// Refuses the feed for a value of the current row.
    pub(super) fn bad(&self, column: Column, problem: String) -> GtfsError {
        GtfsError::Value { file: self.file, line: self.line(), column: column.name, problem }
    }
}

/// `H:MM:SS` or `HH:MM:SS`, hours beyond 24 included, up to a week.
fn parse_time(bytes: &[u8]) -> Option<u32> {
    const HOURS_MAX: u32 = 168;
    let mut parts = bytes.split(|byte| *byte == b':').map(digits);
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let sane = parts.next().is_none() && hours <= HOURS_MAX && minutes < 60 && seconds < 60;
    sane.then_some(hours * 3600 + minutes * 60 + seconds)
}

/// One to three decimal digits.
fn digits(bytes: &[u8]) -> Option<u32> {
    let plain = (1..=3).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit);
    plain.then(|| bytes.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
}

/// `YYYYMMDD`; shared with GTFS-realtime, which writes dates the same way.
pub(crate) fn parse_date(bytes: &[u8]) -> Option<jiff::civil::Date> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() == 8)?;
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
    let (month, day) = (i8::try_from(part(4..6)?).ok()?, i8::try_from(part(6..8)?).ok()?);
    jiff::civil::Date::new(part(0..4)?, month, day).ok()
}

/// A time of day as GTFS-realtime writes it, in seconds.
pub(crate) fn parse_time_of_day(text: &str) -> Option<u32> {
    parse_time(text.as_bytes())
}
