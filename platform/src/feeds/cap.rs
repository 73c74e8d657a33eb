//! Alerts of the authorities: Common Alerting Protocol 1.2 (OASIS), and 1.1 and 1.0 as far as they differ little.

use geo::{Coord, LineString, Point, Polygon};
use jiff::{SignedDuration, Timestamp};
use sync::Text;

use super::gtfs_rt::{TIME_MAX_S, TIME_MIN_S};

mod tree;

use tree::Element;

/// Largest message, in bytes; real ones carry sound of 100 kB.
pub const MESSAGE_MAX: usize = 1 << 20;
/// Most elements of a message.
pub const ELEMENTS_MAX: usize = 20_000;
/// Deepest nesting of elements.
pub const DEPTH_MAX: usize = 16;
/// Most information blocks, areas, references and the like, each.
pub const PARTS_MAX: usize = 256;
/// Most points of a polygon.
pub const POINTS_MAX: usize = 20_000;
/// Longest headline and description, in bytes; more is cut.
pub const TEXT_MAX: usize = 2_048;

/// The name spaces of the versions that are read.
const NAMESPACES: [&str; 3] = [
    "urn:oasis:names:tc:emergency:cap:1.2",
    "urn:oasis:names:tc:emergency:cap:1.1",
    "http://www.incident.com/cap/1.0",
];

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapError {
    /// Larger than [`MESSAGE_MAX`].
    #[error("message has {0} bytes, at most {MESSAGE_MAX} are read")]
    Size(usize),
    /// In a character set that is not read.
    #[error("message is not UTF-8, and declares no other character set that is read")]
    Charset,
    /// Not well-formed.
    #[error("not XML, damaged at byte {at}: {problem}")]
    Xml {
        /// Where.
        at: u64,
        /// What the XML reader says.
        problem: String,
    },
    /// It has a document type, which CAP forbids: that is where entity bombs live.
    #[error("message has a document type declaration")]
    Doctype,
    /// It uses an entity that XML itself does not define.
    #[error("message uses the entity {0:?}")]
    Entity(String),
    /// Nested deeper than [`DEPTH_MAX`], or more parts than the limits.
    #[error("message has more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Some other XML.
    #[error("not a CAP message: its root is {0:?}")]
    NotCap(String),
    /// Something that CAP requires is not there.
    #[error("no {0}")]
    Missing(&'static str),
    /// A value that CAP does not allow.
    #[error("{element} {text:?} {problem}")]
    Value {
        /// Where.
        element: &'static str,
        /// What stands there, cut short.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct CapMessage {
    /// Who sent it and how they call it.
    pub id: MessageId,
    /// When it was sent.
    pub sent: Timestamp,
    /// Only `Actual` is meant for the public.
    pub actual: bool,
    /// Whether it may be shown to everyone.
    pub public: bool,
    /// What it does.
    pub kind: Kind,
    /// The messages it is about.
    pub references: Vec<MessageId>,
    /// What it says; empty in most cancellations.
    pub infos: Vec<Info>,
}

/// The name of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId {
    /// Who sent it.
    pub sender: String,
    /// How they call it.
    pub identifier: String,
}

/// `msgType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something new.
    Alert,
    /// Takes the place of what it refers to.
    Update,
    /// Ends what it refers to.
    Cancel,
    /// Answers a message; says nothing to the public.
    Answer,
}

/// What a message says in one language.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// Such as `zh-CN`.
    pub language: String,
    /// What happens: the headline, or else the kind of event.
    pub headline: String,
    /// More of it, and what to do.
    pub description: String,
    /// `urgency` is Immediate or Expected.
    pub urgent: bool,
    /// `urgency` is Immediate.
    pub immediate: bool,
    /// `certainty` is Observed or Likely.
    pub certain: bool,
    /// How bad it is.
    pub severity: Severity,
    /// Not to be shown before this.
    pub effective: Option<Timestamp>,
    /// Not to be shown after this.
    pub expires: Option<Timestamp>,
    /// Where.
    pub areas: Vec<Area>,
}

/// `severity`, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Extraordinary threat to life or property.
    Extreme,
    /// Significant threat.
    Severe,
    /// Possible threat.
    Moderate,
    /// Minimal to no known threat.
    Minor,
    /// Not said.
    Unknown,
}

/// A place, given as any of these.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Area {
    /// Outlines; x is degrees east, y degrees north.
    pub polygons: Vec<Polygon>,
    /// Centres and radii in kilometres.
    pub circles: Vec<(Point, f64)>,
    /// Codes with the name of their scheme.
    pub geocodes: Vec<(String, String)>,
}

/// The one parser of CAP messages.
pub fn parse(bytes: &[u8]) -> Result<CapMessage, CapError> {
    let alert = tree::read(bytes)?;
    let status = alert.need("status", "status")?;
    let scope = alert.text("scope");
    let kind = match alert.need("msgType", "msgType")? {
        "Alert" => Kind::Alert,
        "Update" => Kind::Update,
        "Cancel" => Kind::Cancel,
        "Ack" | "Error" => Kind::Answer,
        other => return Err(value("msgType", other, "is no kind of message")),
    };
    if !["Actual", "Exercise", "System", "Test", "Draft"].contains(&status) {
        return Err(value("status", status, "is no status"));
    }
    let id = message_id(alert.need("sender", "sender")?, alert.need("identifier", "identifier")?)?;
    let references = alert.text("references").unwrap_or_default().split_whitespace();
    Ok(CapMessage {
        id,
        sent: time("sent", alert.need("sent", "sent")?)?,
        actual: status == "Actual",
        // CAP 1.0 lets a message say nothing of its scope.
        public: scope.is_none_or(|scope| scope == "Public"),
        kind,
        references: bounded("references", references.map(reference))?,
        infos: bounded("info", alert.all("info").map(info))?,
    })
}

fn reference(text: &str) -> Result<MessageId, CapError> {
    let mut parts = text.split(',');
    match (parts.next(), parts.next()) {
        (Some(sender), Some(identifier)) => message_id(sender, identifier),
        _ => Err(value("references", text, "is not sender,identifier,sent")),
    }
}

fn message_id(sender: &str, identifier: &str) -> Result<MessageId, CapError> {
    const ID_MAX: usize = 256;
    for (element, text) in [("sender", sender), ("identifier", identifier)] {
        if text.is_empty() || text.len() > ID_MAX {
            return Err(value(element, text, "is empty or longer than 256 bytes"));
        }
    }
    Ok(MessageId { sender: sender.to_owned(), identifier: identifier.to_owned() })
}

fn info(info: &Element) -> Result<Info, CapError> {
    let event = info.need("event", "event")?;
    let headline = info.text("headline").unwrap_or(event);
    let (description, instruction) = (info.text("description"), info.text("instruction"));
    let description: Vec<&str> = description.into_iter().chain(instruction).collect();
    let urgency = info.text("urgency").unwrap_or_default();
    let severity = match info.text("severity").unwrap_or_default() {
        "Extreme" => Severity::Extreme,
        "Severe" => Severity::Severe,
        "Moderate" => Severity::Moderate,
        "Minor" => Severity::Minor,
        _ => Severity::Unknown,
    };
    Ok(Info {
        language: info.text("language").unwrap_or("en-US").to_owned(),
        headline: plain(headline),
        description: plain(&description.join(" ")),
        urgent: matches!(urgency, "Immediate" | "Expected"),
        immediate: urgency == "Immediate",
        // "Very Likely" is CAP 1.0.
        certain: matches!(info.text("certainty"), Some("Observed" | "Likely" | "Very Likely")),
        severity,
        effective: info.text("effective").map(|text| time("effective", text)).transpose()?,
        expires: info.text("expires").map(|text| time("expires", text)).transpose()?,
        areas: bounded("area", info.all("area").map(area))?,
    })
}

fn area(area: &Element) -> Result<Area, CapError> {
    let geocode = |code: &Element| {
        let (name, value) = match (code.text("valueName"), code.text("value")) {
            (Some(name), Some(value)) => (name, value),
            // CAP 1.0 writes name=value.
            _ => code.own_text().split_once('=').ok_or(CapError::Missing("value of geocode"))?,
        };
        Ok((name.to_owned(), value.to_owned()))
    };
    // Real messages hold empty shapes where they have none.
    let shapes = |name| area.all(name).map(Element::own_text).filter(|text| !text.is_empty());
    Ok(Area {
        polygons: bounded("polygon", shapes("polygon").map(polygon))?,
        circles: bounded("circle", shapes("circle").map(circle))?,
        geocodes: bounded("geocode", area.all("geocode").map(geocode))?,
    })
}

/// Points as `latitude,longitude`, the last the same as the first.
fn polygon(text: &str) -> Result<Polygon, CapError> {
    if text.split_whitespace().count() > POINTS_MAX {
        return Err(CapError::TooMany { what: "points in a polygon", limit: POINTS_MAX });
    }
    let points = text
        .split_whitespace()
        .map(|pair| coordinate("polygon", pair))
        .collect::<Result<Vec<_>, _>>()?;
    if points.len() < 4 {
        return Err(value("polygon", text, "has fewer than four points"));
    }
    if points.first() != points.last() {
        return Err(value("polygon", text, "is open: its last point is not its first"));
    }
    Ok(Polygon::new(LineString::new(points), Vec::new()))
}

/// `latitude,longitude radius` with the radius in kilometres.
fn circle(text: &str) -> Result<(Point, f64), CapError> {
    /// Half the way around the earth.
    const RADIUS_MAX_KM: f64 = 20_040.0;
    let (centre, radius) = text.trim().split_once(char::is_whitespace).unwrap_or((text, ""));
    let radius_km =
        radius.trim().parse().ok().filter(|radius| (0.0..=RADIUS_MAX_KM).contains(radius));
    let radius_km = radius_km.ok_or_else(|| value("circle", text, "has no radius"))?;
    Ok((Point(coordinate("circle", centre)?), radius_km))
}

fn coordinate(element: &'static str, pair: &str) -> Result<Coord, CapError> {
    let number =
        |text: &str, most: f64| text.parse::<f64>().ok().filter(|number| number.abs() <= most);
    let numbers =
        pair.split_once(',').and_then(|(lat, lon)| Some((number(lat, 90.0)?, number(lon, 180.0)?)));
    let (y, x) = numbers.ok_or_else(|| value(element, pair, "is not latitude,longitude"))?;
    Ok(Coord { x, y })
}

/// A time with its offset from UTC; CAP writes UTC itself as `-00:00`.
fn time(element: &'static str, text: &str) -> Result<Timestamp, CapError> {
    let time: Timestamp =
        text.parse().map_err(|_| value(element, text, "is no time with an offset"))?;
    if (TIME_MIN_S..TIME_MAX_S).contains(&time.as_second()) {
        // Whole seconds, as CAP has them.
        Ok(time - SignedDuration::from_nanos(i64::from(time.subsec_nanosecond())))
    } else {
        Err(value(element, text, "is before 2000 or after 2100"))
    }
}

/// Words with single spaces, cut at [`TEXT_MAX`].
fn plain(text: &str) -> String {
    let mut plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.len() > TEXT_MAX {
        plain.truncate(plain.floor_char_boundary(TEXT_MAX - '…'.len_utf8()));
        plain.push('…');
    }
    plain
}

fn bounded<T>(
    what: &'static str,
    parts: impl Iterator<Item = Result<T, CapError>>,
) -> Result<Vec<T>, CapError> {
    let parts = parts.take(PARTS_MAX + 1).collect::<Result<Vec<_>, _>>()?;
    if parts.len() > PARTS_MAX {
        Err(CapError::TooMany { what, limit: PARTS_MAX })
    } else {
        Ok(parts)
    }
}

fn value(element: &'static str, text: &str, problem: &'static str) -> CapError {
    CapError::Value { element, text: text.chars().take(80).collect(), problem }
}

impl CapMessage {
    /// The blocks in Chinese and in English; one in another language stands in where there is neither.
    pub fn in_languages(&self) -> (Option<&Info>, Option<&Info>) {
        let starts = |info: &&Info, code: &str| {
            info.language.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(code))
        };
        let zh = self.infos.iter().find(|info| starts(info, "zh"));
        let en = self.infos.iter().find(|info| starts(info, "en"));
        (zh, en.or(if zh.is_none() { self.infos.first() } else { None }))
    }

    /// What `part` of the blocks reads in both languages.
    pub fn text(&self, part: impl Fn(&Info) -> &str) -> Text {
        let (zh, en) = self.in_languages();
        let read = |info: Option<&Info>| info.map(&part).unwrap_or_default().to_owned();
        Text { zh: read(zh), en: read(en) }
    }
}

#[cfg(test)]
pub(crate) mod tests;
