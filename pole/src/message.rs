//! What a rider must know now: one value behind every panel and every sentence.

use jiff::Timestamp;
use sync::{Lang, Level, Line, Text};

use crate::when::{Certainty, When};

/// What stands on the glass, whatever the glass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The rung of the ladder it comes from.
    pub rung: Rung,
    /// The stop's name; empty while nobody said it.
    pub stop: Text,
    /// Said first, where rows alone would not explain themselves.
    pub heading: Option<Text>,
    /// The next bus of each line and destination, soonest first.
    pub rows: Vec<Row>,
    /// The bus after that of each line and destination, soonest first.
    pub later: Vec<Row>,
    /// What has changed, most severe first.
    pub notices: Vec<Notice>,
    /// What it was made from, such as `board/S1/2026-11-23T08:00:00Z`.
    pub source: String,
    /// When the board behind it was made, where one was.
    pub board_made_at: Option<Timestamp>,
    /// How old that board is in minutes, once it is no longer fresh.
    pub age_min: Option<i64>,
}

/// The rungs of the ladder, top first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// Danger to life.
    Emergency,
    /// Buses that are on their way.
    Prediction,
    /// The last bus has gone.
    ServiceEnded,
    /// Something has changed, and nothing better is known.
    Alert,
    /// How often buses come.
    Headway,
    /// When the first bus comes.
    FirstDeparture,
    /// When the timetable says that a bus comes.
    Timetable,
    /// Nothing that anyone can vouch for.
    NoData,
}

/// One bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Stays the same while it is the same bus.
    pub key: String,
    /// Its line.
    pub line: Line,
    /// Where it goes.
    pub destination: Text,
    /// When it comes.
    pub when: When,
    /// Stops before this one; known only while its position is.
    pub stops_away: Option<u16>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Identifier of its source.
    pub id: String,
    /// How loud it is.
    pub level: Level,
    /// What happens.
    pub headline: Text,
    /// What to do.
    pub instruction: Text,
}

impl Rung {
    /// Its name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Rung::Emergency => "emergency",
            Rung::Prediction => "prediction",
            Rung::ServiceEnded => "service_ended",
            Rung::Alert => "alert",
            Rung::Headway => "headway",
            Rung::FirstDeparture => "first_departure",
            Rung::Timetable => "timetable",
            Rung::NoData => "no_data",
        }
    }
}

impl Message {
    /// A message of one rung with nothing in it yet.
    pub fn of(rung: Rung, stop: Text, source: String) -> Self {
        let (rows, later, notices) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            rung,
            stop,
            heading: None,
            rows,
            later,
            notices,
            source,
            board_made_at: None,
            age_min: None,
        }
    }

    /// Puts the next bus of each line and destination first, whatever comes twice after it.
    #[must_use]
    pub fn with_rows(mut self, sorted: Vec<Row>) -> Self {
        for row in sorted {
            let same =
                |other: &Row| other.line.id == row.line.id && other.destination == row.destination;
            if !self.rows.iter().any(same) {
                self.rows.push(row);
            } else if !self.later.iter().any(same) {
                self.later.push(row);
            }
        }
        self
    }

    /// The row of the same bus, next or later.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.rows.iter().chain(&self.later).find(|row| row.key == key)
    }

    /// The bus after `row` of the same line to the same destination.
    pub fn after(&self, row: &Row) -> Option<&Row> {
        self.later
            .iter()
            .find(|other| other.line.id == row.line.id && other.destination == row.destination)
    }

    /// All of it as one text to be spoken.
    pub fn sentence(&self, lang: Lang) -> String {
        let heading = self.heading.iter().map(|text| closed(text.get(lang), lang));
        let notices = self.notices.iter().map(|notice| notice.sentence(lang));
        let rows = self.rows.iter().map(|row| row.sentence(lang));
        let urgent = self.rung == Rung::Emergency || self.rung == Rung::Alert;
        let parts: Vec<String> = if urgent {
            notices.chain(rows).collect()
        } else {
            heading.chain(rows).chain(notices).collect()
        };
        parts.join(if lang == Lang::Zh { "" } else { " " })
    }
}

impl Row {
    /// The row as one sentence.
    pub fn sentence(&self, lang: Lang) -> String {
        let (line, destination) = (&self.line.name, self.destination.get(lang));
        let when = self.when.spoken(lang);
        match (lang, self.stops_away()) {
            (Lang::Zh, None) => format!("{}，开往{destination}，{when}。", route_zh(line)),
            (Lang::Zh, Some(1)) => {
                format!("{}，开往{destination}，下一站就到，{when}。", route_zh(line))
            }
            (Lang::Zh, Some(stops)) => {
                format!("{}，开往{destination}，还有{stops}站，{when}。", route_zh(line))
            }
            (Lang::En, None) => format!("Route {line} to {destination} {when}."),
            (Lang::En, Some(1)) => format!("Route {line} to {destination}, 1 stop away, {when}."),
            (Lang::En, Some(stops)) => {
                format!("Route {line} to {destination}, {stops} stops away, {when}.")
            }
        }
    }

    /// Stops to this one, where that is worth saying: the bus was seen just now and is not here yet.
    /// A bus whose next stop is this one is one stop away.
    pub fn stops_away(&self) -> Option<u16> {
        let fresh = self.when.certainty == Certainty::Plain;
        self.stops_away
            .filter(|_| fresh && matches!(self.when.kind, crate::when::Kind::Minutes(_)))
            .map(|n| n + 1)
    }
}

impl Notice {
    /// The notice as sentences.
    pub fn sentence(&self, lang: Lang) -> String {
        let parts = [self.headline.get(lang), self.instruction.get(lang)];
        let said = parts.iter().filter(|part| !part.is_empty()).map(|part| closed(part, lang));
        said.collect::<Vec<_>>().join(if lang == Lang::Zh { "" } else { " " })
    }
}

/// 106 is spoken as 106路; K1快线 already says what it is.
fn route_zh(line: &str) -> String {
    let plain = line.chars().next_back().is_none_or(|last| last.is_ascii_alphanumeric());
    if plain { format!("{line}路") } else { line.to_owned() }
}

/// Ends a sentence that has no end yet.
fn closed(text: &str, lang: Lang) -> String {
    let ended = text.ends_with(['。', '！', '？', '.', '!', '?']);
    match lang {
        _ if ended => text.to_owned(),
        Lang::Zh => format!("{text}。"),
        Lang::En => format!("{text}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::when::Kind;

    fn row(line: &str, kind: Kind, certainty: Certainty, stops_away: Option<u16>) -> Row {
        Row {
            key: line.into(),
            line: Line { id: line.into(), name: line.into(), colour: None },
            destination: Text::new("火车站", "Railway Station"),
            when: When { kind, certainty },
            stops_away,
        }
    }

    #[test]
    fn a_row_is_a_sentence_in_both_languages() {
        let about = row("K1", Kind::Minutes(7), Certainty::About, Some(3));
        assert_eq!(about.sentence(Lang::Zh), "K1路，开往火车站，大约7分钟后到站。");
        assert_eq!(
            about.sentence(Lang::En),
            "Route K1 to Railway Station arrives in about 7 minutes."
        );
        let plain = row("旅游专线", Kind::Minutes(2), Certainty::Plain, Some(1));
        assert_eq!(plain.sentence(Lang::Zh), "旅游专线，开往火车站，还有2站，两分钟后到站。");
        assert_eq!(
            plain.sentence(Lang::En),
            "Route 旅游专线 to Railway Station, 2 stops away, arrives in 2 minutes."
        );
    }

    #[test]
    fn a_destination_served_twice_does_not_hide_another() {
        let mut other = row("K1", Kind::Minutes(9), Certainty::Plain, None);
        other.destination = Text::new("南门兜", "Nanmendou");
        other.key = "other".into();
        let twice: Vec<Row> =
            (3..6).map(|m| row("K1", Kind::Minutes(m), Certainty::Plain, None)).collect();
        let message = Message::of(Rung::Prediction, Text::default(), String::new())
            .with_rows([twice, vec![other]].concat());
        let destinations: Vec<&str> =
            message.rows.iter().map(|row| row.destination.get(Lang::Zh)).collect();
        assert_eq!(destinations, ["火车站", "南门兜"]);
        assert_eq!(
            message.later.iter().map(|row| row.when.kind).collect::<Vec<_>>(),
            [Kind::Minutes(4)]
        );
    }

    #[test]
    fn an_emergency_speaks_before_anything_else() {
        let mut message = Message::of(Rung::Emergency, Text::default(), String::new());
        message.notices.push(Notice {
            id: "a".into(),
            level: Level::Emergency,
            headline: Text::new("台风红色预警", "Typhoon red alert"),
            instruction: Text::new("请进入室内！", "Go indoors"),
        });
        assert_eq!(message.sentence(Lang::Zh), "台风红色预警。请进入室内！");
        assert_eq!(message.sentence(Lang::En), "Typhoon red alert. Go indoors.");
    }
}
