//! The alerts in force in one area, whoever sent them: authorities (CAP) or the realtime feed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use geo::{Contains, Distance, Haversine, Point};
use jiff::{SignedDuration, Timestamp};
use sync::alert::ALERTS_MAX;
use sync::{Alert, Alerts, Level, Unknown};

use crate::feeds::cap::{Area, CapMessage, Info, Kind, MessageId, Severity};
use crate::feeds::gtfs_rt::{self, ServiceAlert};

/// Most messages of authorities that are kept.
pub const MESSAGES_MAX: usize = 512;
/// Most names of ended messages that are remembered, so that a late original does not revive one.
pub const ENDED_MAX: usize = 4_096;
/// Most stops and lines of one alert.
pub const AFFECTS_MAX: usize = 512;
/// How long an authority's alert without an end holds, in seconds; CAP leaves that to the reader.
pub const OPEN_S: i64 = 24 * 3600;
/// How long a feed's alert without an end outlives the feed, in seconds, up to the next full hour.
pub const OPEN_FEED_S: i64 = 3600;
/// How long before its start an alert is handed out, in seconds: a sign that is cut off has it then.
pub const AHEAD_S: i64 = 24 * 3600;

/// The area that alerts are for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct District {
    /// Its administrative code, such as `350102`.
    pub code: String,
    /// Places in it, such as its stops, as degrees north and east; an alert's outline must hold one of them.
    pub points: Vec<(f64, f64)>,
}

/// What can happen to alerts.
#[derive(Debug)]
pub enum Event {
    /// A message of an authority.
    Cap(CapMessage),
    /// All alerts of the realtime feed, and when it was made.
    Feed(Option<i64>, Vec<ServiceAlert>),
    /// Time went on.
    Tick,
}

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Publish this list in place of the one before.
    Publish(Alerts),
    /// Tell who sent it, and count it: the message is shown to nobody.
    Ignored(MessageId, Reason),
}

/// Why a message is shown to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is an exercise, a test or a draft.
    NotActual,
    /// It is meant for some people only.
    NotPublic,
    /// It is an answer to another message.
    Answer,
    /// It says nothing in its information block, or has none.
    Empty,
    /// It had expired when it came.
    Expired,
    /// A newer message had ended it before it came.
    Ended,
    /// It is about another place.
    Elsewhere,
    /// There are more messages than [`MESSAGES_MAX`], and none of them is less severe.
    Full,
}

/// Every alert that is known.
#[derive(Debug)]
pub struct Register {
    district: District,
    messages: BTreeMap<MessageId, Alert>,
    ended: VecDeque<MessageId>,
    feed: Vec<Alert>,
    feed_made_s: i64,
    published: Option<Vec<Alert>>,
    deadline: Timestamp,
}

impl Register {
    /// A register that knows nothing yet.
    pub fn new(district: District) -> Self {
        Self {
            district,
            messages: BTreeMap::new(),
            ended: VecDeque::new(),
            feed: Vec::new(),
            feed_made_s: i64::MIN,
            published: None,
            deadline: Timestamp::MIN,
        }
    }

    /// Takes in what happened; publishes when the list is another one than before.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Cap(message) => {
                let id = message.id.clone();
                if let Err(reason) = self.message(now, message) {
                    effects.push(Effect::Ignored(id, reason));
                }
            }
            Event::Feed(made_s, alerts) => self.feed(now, made_s, alerts),
            Event::Tick => {}
        }
        self.messages.retain(|_, alert| now < alert.expires);
        self.feed.retain(|alert| now < alert.expires);
        let known = self.messages.values().chain(&self.feed);
        let changes = known.flat_map(|alert| [alert.expires, moved(alert.starts, -AHEAD_S)]);
        self.deadline = changes.filter(|change| *change > now).min().unwrap_or(Timestamp::MAX);
        let alerts = self.list(now);
        if self.published.as_ref() != Some(&alerts) {
            self.published = Some(alerts);
            effects.push(Effect::Publish(self.alerts(now)));
        }
        effects
    }

    /// When `handle` wants an [`Event::Tick`] at the latest.
    pub fn next_deadline(&self) -> Timestamp {
        self.deadline
    }

    /// All alerts of the area as they are at `now`.
    pub fn alerts(&self, now: Timestamp) -> Alerts {
        Alerts {
            area: self.district.code.clone(),
            made_at: now,
            alerts: self.list(now),
            unknown: Unknown::new(),
        }
    }

    /// What is or soon will be in force, most severe first, each only once.
    fn list(&self, now: Timestamp) -> Vec<Alert> {
        let known = self.messages.values().chain(&self.feed);
        let soon = |alert: &&Alert| now < alert.expires && alert.starts <= moved(now, AHEAD_S);
        let mut list: Vec<Alert> = Vec::new();
        for alert in known.filter(soon) {
            match list.iter_mut().find(|listed| same(listed, alert)) {
                Some(listed) => merge(listed, alert),
                None => list.push(alert.clone()),
            }
        }
        list.sort_by(|a, b| {
            (a.level, Reverse(a.starts), &a.id).cmp(&(b.level, Reverse(b.starts), &b.id))
        });
        list.truncate(ALERTS_MAX);
        list
    }

    fn message(&mut self, now: Timestamp, message: CapMessage) -> Result<(), Reason> {
        if !message.actual {
            return Err(Reason::NotActual);
        }
        if message.kind == Kind::Answer {
            return Err(Reason::Answer);
        }
        if self.ended.contains(&message.id) {
            return Err(Reason::Ended);
        }
        // The same alert updated keeps its name: that of the first message it goes back to.
        let name = self.end(&message);
        if message.kind == Kind::Cancel {
            return Ok(());
        }
        if !message.public {
            return Err(Reason::NotPublic);
        }
        let alert = cap_alert(&message, name)?;
        if alert.expires <= now {
            return Err(Reason::Expired);
        }
        if !self.district.is_in(message.infos.iter().flat_map(|info| &info.areas)) {
            return Err(Reason::Elsewhere);
        }
        if self.messages.len() >= MESSAGES_MAX && !self.messages.contains_key(&message.id) {
            let least =
                self.messages.iter().max_by_key(|(_, known)| (known.level, Reverse(known.expires)));
            let least =
                least.filter(|(_, known)| known.level > alert.level).map(|(id, _)| id.clone());
            self.messages.remove(&least.ok_or(Reason::Full)?);
        }
        self.messages.insert(message.id, alert);
        Ok(())
    }

    /// Ends what an update or cancellation refers to; the name under which it was known.
    fn end(&mut self, message: &CapMessage) -> Option<String> {
        if message.kind == Kind::Alert {
            return None;
        }
        let mut name = None;
        for reference in message.references.iter().filter(|reference| **reference != message.id) {
            let known = self.messages.remove(reference).map(|alert| alert.id);
            name = known.or(name);
            if !self.ended.contains(reference) {
                self.ended.push_back(reference.clone());
            }
        }
        while self.ended.len() > ENDED_MAX {
            self.ended.pop_front();
        }
        name.or_else(|| message.references.first().map(named))
    }

    fn feed(&mut self, now: Timestamp, made_s: Option<i64>, alerts: Vec<ServiceAlert>) {
        let made_s = made_s.unwrap_or(now.as_second()).min(now.as_second());
        if made_s >= self.feed_made_s || self.feed_made_s > now.as_second() {
            self.feed_made_s = made_s;
            self.feed = alerts
                .into_iter()
                .map(|alert| feed_alert(alert, now.as_second(), made_s))
                .collect();
        }
    }
}

impl District {
    /// Whether an alert for `areas` is for this district.
    ///
    /// One that names no place, or only places in ways that can't be judged here, is: better one alert
    /// too many than one too few.
    fn is_in<'a>(&self, areas: impl Iterator<Item = &'a Area>) -> bool {
        let mut elsewhere = false;
        for area in areas {
            let drawn = !area.polygons.is_empty() || !area.circles.is_empty();
            let shapes = drawn && !self.points.is_empty();
            if area.geocodes.iter().any(|(_, code)| self.has_code(code))
                || (shapes && self.touches(area))
            {
                return true;
            }
            elsewhere |= shapes || !area.geocodes.is_empty();
        }
        !elsewhere
    }

    /// A code of a province or city (`350000`, `350100`) holds for its districts (GB/T 2260), and one
    /// of a street (`350102001`) for the district it lies in.
    fn has_code(&self, code: &str) -> bool {
        let wide = code.trim_end_matches("00");
        let digits = code.len() >= 6 && code.bytes().all(|byte| byte.is_ascii_digit());
        code == self.code
            || (digits
                && !wide.is_empty()
                && (self.code.starts_with(wide) || code.starts_with(&self.code)))
    }

    fn touches(&self, area: &Area) -> bool {
        self.points.iter().map(|(lat, lon)| Point::new(*lon, *lat)).any(|point| {
            let inside = |(centre, radius_km): &(Point, f64)| {
                Haversine.distance(*centre, point) <= radius_km * 1000.0
            };
            area.polygons.iter().any(|polygon| polygon.contains(&point))
                || area.circles.iter().any(inside)
        })
    }
}

fn named(id: &MessageId) -> String {
    format!("{}/{}", id.sender, id.identifier)
}

fn cap_alert(message: &CapMessage, name: Option<String>) -> Result<Alert, Reason> {
    let headline = message.text(|info| &info.headline);
    if headline.is_empty() {
        return Err(Reason::Empty);
    }
    let starts =
        message.infos.iter().filter_map(|info| info.effective).min().unwrap_or(message.sent);
    let expires = message.infos.iter().filter_map(|info| info.expires).max();
    Ok(Alert {
        id: name.unwrap_or_else(|| named(&message.id)),
        level: message.infos.iter().map(level).min().unwrap_or(Level::Notice),
        headline,
        instruction: message.text(|info| &info.description),
        starts,
        expires: expires.unwrap_or_else(|| moved(message.sent, OPEN_S)),
        affects: Vec::new(),
        unknown: Unknown::new(),
    })
}

/// An emergency is what wireless alerts treat as an imminent threat (47 CFR 10.400), but a merely severe one
/// must also be there already: it takes over every screen and speaker.
fn level(info: &Info) -> Level {
    match info.severity {
        Severity::Extreme if info.urgent && info.certain => Level::Emergency,
        Severity::Severe if info.immediate && info.certain => Level::Emergency,
        Severity::Extreme | Severity::Severe | Severity::Moderate => Level::Warning,
        Severity::Minor | Severity::Unknown => Level::Notice,
    }
}

/// The period that holds or comes next counts; without an end it holds a while longer than the feed.
fn feed_alert(alert: ServiceAlert, now_s: i64, made_s: i64) -> Alert {
    const HOUR_S: i64 = 3600;
    let coming =
        alert.periods.iter().filter(|(_, until_s)| until_s.is_none_or(|until_s| now_s < until_s));
    let next = coming.min_by_key(|(from_s, _)| *from_s).or(alert.periods.last());
    let (from_s, until_s) = next.copied().unwrap_or((None, None));
    let open_s = (made_s + OPEN_FEED_S).div_euclid(HOUR_S) * HOUR_S + HOUR_S;
    let mut affects = alert.affects;
    affects.truncate(AFFECTS_MAX);
    Alert {
        id: format!("transit/{}", alert.id),
        // A service alert is never a danger to life.
        level: if alert.severity == gtfs_rt::Severity::Severe {
            Level::Warning
        } else {
            Level::Notice
        },
        headline: alert.headline,
        instruction: alert.description,
        starts: second(from_s.unwrap_or(gtfs_rt::TIME_MIN_S)),
        expires: second(until_s.unwrap_or(open_s)),
        affects,
        unknown: Unknown::new(),
    }
}

/// Whether two alerts would read the same; feeds repeat one for each line it concerns.
fn same(a: &Alert, b: &Alert) -> bool {
    let overlap = a.starts <= b.expires && b.starts <= a.expires;
    overlap && a.level == b.level && a.headline == b.headline && a.instruction == b.instruction
}

fn merge(listed: &mut Alert, more: &Alert) {
    listed.starts = listed.starts.min(more.starts);
    listed.expires = listed.expires.max(more.expires);
    if listed.affects.is_empty() || more.affects.is_empty() {
        listed.affects.clear();
        return;
    }
    for affected in &more.affects {
        if !listed.affects.contains(affected) && listed.affects.len() < AFFECTS_MAX {
            listed.affects.push(affected.clone());
        }
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

fn moved(time: Timestamp, by_s: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(by_s)).unwrap_or(time)
}

#[cfg(test)]
mod tests;
