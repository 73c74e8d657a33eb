//! When a bus comes: one value, its words on every glass and its words in the air.

use jiff::civil::Time;
use sync::Lang;

/// When a bus comes, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The time itself.
    pub kind: Kind,
    /// How sure it is.
    pub certainty: Certainty,
}

/// The time itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It stands at the stop.
    AtStop,
    /// At most half a minute.
    Arriving,
    /// This many minutes, 1 to [`MINUTES_MAX`].
    Minutes(u16),
    /// Further away: the time of day.
    Clock(Time),
    /// Every so many minutes, shortest to longest usual gap.
    Every(u16, u16),
    /// The first of the day, at this time of day.
    First(Time),
}

/// How sure a time is, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// The vehicle was seen just now.
    Plain,
    /// It was seen a while ago: "约", "~".
    About,
    /// It was seen long ago: marked, and darker.
    Faint,
    /// Nobody saw it: the timetable says so, and the glass says that.
    Scheduled,
}

/// Further away than this, people read the time of day.
pub const MINUTES_MAX: u16 = 60;

impl When {
    /// Its words on one line, longest first, without a label.
    pub fn words(self, lang: Lang) -> Vec<String> {
        let mark = self.mark(lang);
        let all = |words: &[&str]| words.iter().map(|word| format!("{mark}{word}")).collect();
        match (self.kind, lang) {
            (Kind::AtStop, Lang::Zh) => all(&["已到站"]),
            (Kind::AtStop, Lang::En) => all(&["At stop", "Here"]),
            (Kind::Arriving, Lang::Zh) => all(&["即将到站", "将到站"]),
            (Kind::Arriving, Lang::En) => all(&["Arriving", "Arr"]),
            (Kind::Minutes(minutes), Lang::Zh) => all(&[&format!("{minutes}分")]),
            (Kind::Minutes(minutes), Lang::En) => {
                all(&[&format!("{minutes} min"), &format!("{minutes}m")])
            }
            (Kind::Clock(time), _) => all(&[&hour_and_minute(time)]),
            (Kind::Every(low, high), Lang::Zh) => {
                let range = range(low, high, "-");
                all(&[&format!("每{range}分钟"), &format!("每{range}分")])
            }
            (Kind::Every(low, high), Lang::En) => {
                let range = range(low, high, "-");
                all(&[&format!("every {range} min"), &format!("every {range}m")])
            }
            (Kind::First(time), Lang::Zh) => all(&[&format!("首班{}", hour_and_minute(time))]),
            (Kind::First(time), Lang::En) => all(&[&format!("First {}", hour_and_minute(time))]),
        }
    }

    /// The label that must stand beside the words.
    pub fn label(self, lang: Lang) -> Option<&'static str> {
        // "First bus at" says already that it is a timetable.
        let scheduled =
            self.certainty == Certainty::Scheduled && !matches!(self.kind, Kind::First(_));
        scheduled.then_some(match lang {
            Lang::Zh => "按时刻表",
            Lang::En => "Scheduled",
        })
    }

    /// The words it may turn into before the next page, itself first: what room is kept for.
    pub fn soon(self) -> Vec<When> {
        let about = |kind| When { kind, certainty: Certainty::About };
        match self.kind {
            Kind::Minutes(minutes) if minutes <= 1 => {
                vec![self, about(self.kind), When { kind: Kind::Arriving, ..self }]
            }
            Kind::Minutes(_) if self.certainty == Certainty::Plain => vec![self, about(self.kind)],
            _ => vec![self],
        }
    }

    /// The end of a sentence that began with line and destination.
    pub fn spoken(self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.spoken_zh(),
            Lang::En => self.spoken_en(),
        }
    }

    fn spoken_zh(self) -> String {
        let mark = match self.certainty {
            Certainty::Plain => "",
            Certainty::About | Certainty::Faint => "大约",
            Certainty::Scheduled => "按时刻表",
        };
        match self.kind {
            Kind::AtStop => "已到站".to_owned(),
            Kind::Arriving if self.certainty == Certainty::Plain => "即将到站".to_owned(),
            Kind::Arriving => "可能即将到站".to_owned(),
            // Two of something is 两, not 二.
            Kind::Minutes(2) => format!("{mark}两分钟后到站"),
            Kind::Minutes(minutes) => format!("{mark}{minutes}分钟后到站"),
            Kind::Clock(time) => format!("{mark}{}到站", clock_zh(time)),
            Kind::Every(low, high) => format!("{mark}每{}分钟一班", range(low, high, "到")),
            Kind::First(time) => format!("{mark}首班车{}", clock_zh(time)),
        }
    }

    fn spoken_en(self) -> String {
        let mark = match self.certainty {
            Certainty::Plain | Certainty::Scheduled => "",
            Certainty::About | Certainty::Faint => "about ",
        };
        let scheduled = self.certainty == Certainty::Scheduled;
        match self.kind {
            Kind::AtStop => "is at the stop".to_owned(),
            Kind::Arriving if self.certainty == Certainty::Plain => "is arriving".to_owned(),
            Kind::Arriving => "may be arriving".to_owned(),
            Kind::Minutes(1) => format!("arrives in {mark}1 minute"),
            Kind::Minutes(minutes) => format!("arrives in {mark}{minutes} minutes"),
            Kind::Clock(time) if scheduled => format!("is scheduled at {}", hour_and_minute(time)),
            Kind::Clock(time) => format!("arrives at {mark}{}", hour_and_minute(time)),
            Kind::Every(low, high) => {
                format!("is scheduled every {} minutes", range(low, high, " to "))
            }
            Kind::First(time) => {
                format!("has its first bus scheduled at {}", hour_and_minute(time))
            }
        }
    }

    fn mark(self, lang: Lang) -> &'static str {
        match (self.certainty, lang) {
            (Certainty::About | Certainty::Faint, Lang::Zh) => "约",
            (Certainty::About | Certainty::Faint, Lang::En) => "~",
            (Certainty::Plain | Certainty::Scheduled, _) => "",
        }
    }
}

fn range(low: u16, high: u16, to: &str) -> String {
    if low == high { low.to_string() } else { format!("{low}{to}{high}") }
}

fn hour_and_minute(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

fn clock_zh(time: Time) -> String {
    match (time.hour(), time.minute()) {
        (hour, 0) => format!("{hour}点整"),
        (hour, minute @ 1..=9) => format!("{hour}点零{minute}分"),
        (hour, minute) => format!("{hour}点{minute}分"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;

    fn all(kind: Kind, certainty: Certainty) -> [String; 4] {
        let when = When { kind, certainty };
        let words = |lang| when.words(lang)[0].clone();
        [words(Lang::Zh), when.spoken(Lang::Zh), words(Lang::En), when.spoken(Lang::En)]
    }

    #[test]
    fn every_time_says_the_same_on_the_glass_and_in_the_air() {
        use Certainty::{About, Faint, Plain, Scheduled};
        let cases = [
            (Kind::AtStop, Plain, ["已到站", "已到站", "At stop", "is at the stop"]),
            (Kind::Arriving, Plain, ["即将到站", "即将到站", "Arriving", "is arriving"]),
            (Kind::Arriving, About, ["约即将到站", "可能即将到站", "~Arriving", "may be arriving"]),
            (Kind::Minutes(7), Plain, ["7分", "7分钟后到站", "7 min", "arrives in 7 minutes"]),
            (
                Kind::Minutes(2),
                About,
                ["约2分", "大约两分钟后到站", "~2 min", "arrives in about 2 minutes"],
            ),
            (Kind::Minutes(1), Plain, ["1分", "1分钟后到站", "1 min", "arrives in 1 minute"]),
            (
                Kind::Minutes(5),
                Faint,
                ["约5分", "大约5分钟后到站", "~5 min", "arrives in about 5 minutes"],
            ),
            (
                Kind::Clock(time(18, 5, 0, 0)),
                Scheduled,
                ["18:05", "按时刻表18点零5分到站", "18:05", "is scheduled at 18:05"],
            ),
            (
                Kind::Every(8, 10),
                Scheduled,
                [
                    "每8-10分钟",
                    "按时刻表每8到10分钟一班",
                    "every 8-10 min",
                    "is scheduled every 8 to 10 minutes",
                ],
            ),
            (
                Kind::First(time(6, 0, 0, 0)),
                Scheduled,
                [
                    "首班06:00",
                    "按时刻表首班车6点整",
                    "First 06:00",
                    "has its first bus scheduled at 06:00",
                ],
            ),
        ];
        for (kind, certainty, expected) in cases {
            assert_eq!(all(kind, certainty), expected);
        }
    }

    #[test]
    fn only_the_timetable_is_labelled_as_such() {
        let label = |certainty| When { kind: Kind::Minutes(3), certainty }.label(Lang::Zh);
        assert_eq!(label(Certainty::Scheduled), Some("按时刻表"));
        assert_eq!(label(Certainty::Faint), None);
    }
}
