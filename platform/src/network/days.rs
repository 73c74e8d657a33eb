//! On which days a service runs.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};

use super::{Network, ServiceIx};

/// A set of days (`calendar.txt` and `calendar_dates.txt`).
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// As the feed calls it.
    pub id: Box<str>,
    /// First and last day of the weekly rhythm, where there is one.
    pub span: Option<(Date, Date)>,
    /// Bit 0 is Monday.
    pub weekdays: u8,
    /// Days it also runs, ascending.
    pub added: Vec<Date>,
    /// Days it does not run, ascending.
    pub removed: Vec<Date>,
}

impl Service {
    /// Whether it runs on `date`; an exception beats the rhythm.
    pub fn runs_on(&self, date: Date) -> bool {
        if self.added.binary_search(&date).is_ok() {
            return true;
        }
        let in_span = self.span.is_some_and(|(first, last)| first <= date && date <= last);
        in_span
            && self.weekdays & bit(date.weekday()) != 0
            && self.removed.binary_search(&date).is_err()
    }
}

/// Yesterday, today and tomorrow: whatever is on the road now belongs to one of them.
#[derive(Debug, Clone, Default)]
pub struct ServiceDays {
    today: Option<Date>,
    days: Vec<ServiceDay>,
}

/// One service day.
#[derive(Debug, Clone)]
pub struct ServiceDay {
    /// Its date.
    pub date: Date,
    /// Its second 0, since 1970.
    pub start_s: i64,
    runs: Vec<bool>,
}

impl ServiceDay {
    /// Whether `service` runs on it.
    pub fn runs(&self, service: ServiceIx) -> bool {
        self.runs[service.at()]
    }
}

impl ServiceDays {
    /// The three days around `now`.
    pub fn around(network: &Network, now: Timestamp) -> Self {
        let today = network.date_at(now);
        let dates = [today.yesterday(), Ok(today), today.tomorrow()];
        let day = |date: Date| {
            let runs = network.services().iter().map(|service| service.runs_on(date)).collect();
            Some(ServiceDay { date, start_s: network.day_start(date)?, runs })
        };
        Self { today: Some(today), days: dates.into_iter().flatten().filter_map(day).collect() }
    }

    /// Whether `now` is on the day in their middle.
    pub fn hold(&self, network: &Network, now: Timestamp) -> bool {
        self.today == Some(network.date_at(now))
    }

    /// The days, ascending.
    pub fn days(&self) -> &[ServiceDay] {
        &self.days
    }
}

/// The bit of a day in [`Service::weekdays`].
pub(crate) fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_beats_the_weekly_rhythm() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let service = Service {
            span: Some((day("2026-11-01"), day("2026-11-30"))),
            weekdays: bit(Weekday::Monday),
            added: vec![day("2026-11-24"), day("2026-12-05")],
            removed: vec![day("2026-11-16")],
            ..Service::default()
        };
        let runs: Vec<String> = (1..=35)
            .map(|n| day("2026-10-31").checked_add(jiff::Span::new().days(n)).unwrap())
            .filter(|date| service.runs_on(*date))
            .map(|date| date.strftime("%m-%d %a").to_string())
            .collect();
        assert_eq!(
            runs,
            ["11-02 Mon", "11-09 Mon", "11-23 Mon", "11-24 Tue", "11-30 Mon", "12-05 Sat"]
        );
    }
}
