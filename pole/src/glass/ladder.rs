//! The ladder: what a rider must know first stands first.

use jiff::Timestamp;
use sync::{Alert, Level, Source, Text};

use super::Glass;
use super::freshness::{CLOCKS_DIFFER, PLAIN_MAX};
use crate::message::{Message, Notice, Row, Rung};
use crate::when::{Certainty, Kind};

impl Glass {
    /// What stands on the glass. `now` is `None` while nobody vouches for the clock: then no time is shown.
    pub(super) fn choose(&mut self, now: Option<Timestamp>) -> Message {
        let Some(now) = now else {
            return self.live_emergency().unwrap_or_else(|| self.waiting_for_time());
        };
        let coming = self.coming(now);
        self.emergency(now)
            .or_else(|| self.predictions(now, &coming))
            .or_else(|| self.service_ended(now))
            .or_else(|| self.alert(now))
            .or_else(|| self.headway(now))
            .or_else(|| self.first_departure(now))
            .or_else(|| self.timetable(now, &coming))
            .unwrap_or_else(|| self.no_data(now))
    }

    fn emergency(&self, now: Timestamp) -> Option<Message> {
        let notices = self.notices(|alert| alert.level == Level::Emergency && alert.in_force(now));
        self.takeover(Rung::Emergency, notices)
    }

    /// Without a clock no alert can be judged by its times; what the platform publishes at this moment is in force.
    fn live_emergency(&self) -> Option<Message> {
        let notices = self.notices(|alert| alert.level == Level::Emergency);
        self.takeover(Rung::Emergency, notices).filter(|_| self.alerts_live)
    }

    /// Buses that somebody has seen; a line that nobody has seen adds its timetable.
    fn predictions(&self, now: Timestamp, coming: &[Row]) -> Option<Message> {
        let seen = |row: &&Row| row.when.certainty != Certainty::Scheduled;
        let elsewhere = |row: &Row| {
            coming
                .iter()
                .filter(seen)
                .any(|other| other.line == row.line && other.destination == row.destination)
        };
        coming.iter().any(|row| seen(&row)).then(|| {
            let rows = coming.iter().filter(|row| seen(row) || !elsewhere(row)).cloned().collect();
            self.board_message(Rung::Prediction, now).with_rows(rows)
        })
    }

    fn service_ended(&self, now: Timestamp) -> Option<Message> {
        let rows = self.fallback.as_ref()?.ended(now)?;
        let mut message = self.timetable_message(Rung::ServiceEnded, now).with_rows(rows);
        message.heading = Some(Text::new("末班车已过", "Service has ended"));
        Some(message)
    }

    fn alert(&self, now: Timestamp) -> Option<Message> {
        let notices = self.notices(|alert| alert.level != Level::Emergency && alert.in_force(now));
        self.takeover(Rung::Alert, notices)
    }

    fn headway(&self, now: Timestamp) -> Option<Message> {
        let rows = self.fallback.as_ref()?.headway(now)?;
        Some(self.timetable_message(Rung::Headway, now).with_rows(rows))
    }

    fn first_departure(&self, now: Timestamp) -> Option<Message> {
        let rows = self.fallback.as_ref()?.first(now)?;
        Some(self.timetable_message(Rung::FirstDeparture, now).with_rows(rows))
    }

    /// The platform's timetable while its board is valid, the sign's own otherwise.
    fn timetable(&self, now: Timestamp, coming: &[Row]) -> Option<Message> {
        if !coming.is_empty() {
            return Some(self.board_message(Rung::Timetable, now).with_rows(coming.to_vec()));
        }
        let rows = self.fallback.as_ref()?.scheduled(now)?;
        Some(self.timetable_message(Rung::Timetable, now).with_rows(rows))
    }

    fn no_data(&self, now: Timestamp) -> Message {
        let mut message = self.timetable_message(Rung::NoData, now);
        message.heading = Some(Text::new("暂无到站信息", "No arrival information"));
        message
    }

    fn waiting_for_time(&self) -> Message {
        let mut message = Message::of(Rung::NoData, self.stop_name(), "no_data/clock".to_owned());
        message.heading = Some(Text::new("正在校时", "Waiting for time"));
        message
    }

    /// Every bus of the board that may be shown, soonest first.
    fn coming(&mut self, now: Timestamp) -> Vec<Row> {
        let usable = |board: &&sync::Board| {
            now < board.expires && now.duration_until(board.made_at) <= CLOCKS_DIFFER
        };
        let Some(board) = self.board.as_ref().filter(usable) else { return Vec::new() };
        let mut visits: Vec<&str> = Vec::new();
        let mut rows = Vec::new();
        for arrival in board.arrivals.iter().take(sync::board::ARRIVALS_MAX) {
            // A trip that loops comes to the same stop twice.
            let visit = visits.iter().filter(|trip| **trip == arrival.trip).count();
            visits.push(&arrival.trip);
            let key = format!("{}#{visit}", arrival.trip);
            if let Some(when) = self.countdown.show(now, &self.zone, &key, arrival, board.made_at) {
                let here = when.kind != Kind::AtStop;
                let (line, destination) = (arrival.line.clone(), arrival.destination.clone());
                let stops_away = arrival.stops_away.filter(|_| arrival.source == Source::Vehicle);
                rows.push((
                    here,
                    arrival.arrives,
                    Row { key, line, destination, when, stops_away },
                ));
            }
        }
        self.countdown.forget(now);
        rows.sort_by_key(|(here, arrives, _)| (*here, *arrives));
        rows.into_iter().map(|(_, _, row)| row).collect()
    }

    fn notices(&self, wanted: impl Fn(&Alert) -> bool) -> Vec<Notice> {
        let lines = self.lines();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let alerts = self.alerts.iter().flat_map(|alerts| &alerts.alerts);
        let mut alerts: Vec<&Alert> =
            alerts.filter(|alert| wanted(alert) && alert.concerns(&self.stop, &lines)).collect();
        alerts.sort_by_key(|alert| alert.level);
        let mut notices: Vec<Notice> = Vec::new();
        for alert in alerts {
            // Two sources often say the same; once is enough.
            if !notices.iter().any(|notice| notice.headline == alert.headline) {
                notices.push(Notice {
                    id: alert.id.clone(),
                    level: alert.level,
                    headline: alert.headline.clone(),
                    instruction: alert.instruction.clone(),
                });
            }
        }
        notices
    }

    fn takeover(&self, rung: Rung, notices: Vec<Notice>) -> Option<Message> {
        let ids: Vec<&str> = notices.iter().map(|notice| notice.id.as_str()).collect();
        let mut message = Message::of(rung, self.stop_name(), format!("alert/{}", ids.join("+")));
        message.notices = notices;
        (!message.notices.is_empty()).then_some(message)
    }

    fn board_message(&self, rung: Rung, now: Timestamp) -> Message {
        let made_at = self.board.as_ref().map(|board| board.made_at);
        let version = made_at.map(|made_at| made_at.to_string()).unwrap_or_default();
        let mut message =
            Message::of(rung, self.stop_name(), format!("board/{}/{version}", self.stop));
        message.board_made_at = made_at;
        let age = made_at.map(|made_at| made_at.duration_until(now));
        message.age_min = age.filter(|age| *age > PLAIN_MAX).map(|age| age.as_mins());
        message.notices =
            self.notices(|alert| alert.level != Level::Emergency && alert.in_force(now));
        message
    }

    fn timetable_message(&self, rung: Rung, now: Timestamp) -> Message {
        let mut message =
            Message::of(rung, self.stop_name(), format!("{}/{}", rung.name(), self.stop));
        message.notices =
            self.notices(|alert| alert.level != Level::Emergency && alert.in_force(now));
        message
    }

    fn stop_name(&self) -> Text {
        let board = self.board.as_ref().map(|board| &board.name);
        let timetable = self.fallback.as_ref().map(|fallback| &fallback.timetable().name);
        board.or(timetable).cloned().unwrap_or_default()
    }

    /// Routes that serve this stop, as far as anyone said.
    fn lines(&self) -> Vec<String> {
        let board =
            self.board.iter().flat_map(|board| &board.arrivals).map(|arrival| &arrival.line);
        let timetable = self
            .fallback
            .iter()
            .flat_map(|fallback| &fallback.timetable().lines)
            .map(|line| &line.line);
        board.chain(timetable).map(|line| line.id.clone()).collect()
    }
}
