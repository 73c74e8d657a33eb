//! Notices: one quiet line on the home page leads to them.

use jiff::civil::Date;

use super::Terminal;
use crate::notice::Notice;
use crate::page::{Body, Entry, Page, Row, Section};
use crate::words;
use crate::write;

impl Terminal {
    /// Notices that hold on this day, the newest first.
    pub(super) fn notices(&self, today: Date) -> Vec<&Notice> {
        let mut notices: Vec<&Notice> = self.notices.iter().filter(|it| it.holds(today)).collect();
        notices.sort_by(|a, b| b.from.cmp(&a.from).then_with(|| a.id.cmp(&b.id)));
        notices
    }

    /// The line of the home page: the newest notice; none when nothing is to be said.
    pub(super) fn notice_line(&self, today: Date) -> Option<Entry> {
        let newest = *self.notices(today).first()?;
        let language = self.modes.language;
        Some(Entry {
            id: "notices:".to_owned(),
            label: words::notices().get(language).to_owned(),
            hint: newest.title.get(language).to_owned(),
            unavailable: None,
        })
    }

    pub(super) fn notice_list(&self, today: Date) -> Page {
        let language = self.modes.language;
        let entries = self.notices(today).into_iter().map(|notice| Entry {
            id: format!("notice:{}", notice.id),
            label: notice.title.get(language).to_owned(),
            hint: write::date(&notice.from.to_string(), language),
            unavailable: None,
        });
        Page {
            title: words::notices().get(language).to_owned(),
            help: String::new(),
            body: Body::List { query: None, entries: entries.collect() },
            back: true,
            finish: true,
            ..self.attract()
        }
    }

    pub(super) fn notice_page(&self, id: &str) -> Page {
        let language = self.modes.language;
        let found = self.notices.iter().find(|notice| notice.id == id);
        let Some(Notice { title, body, from, until, .. }) = found else {
            return self.attract();
        };
        let day = |day: &Date| write::date(&day.to_string(), language);
        let row = |name: service::text::Text, value: String| Row {
            name: name.get(language).to_owned(),
            value,
            source: None,
            edit: None,
        };
        let rows = vec![
            row(words::notice_days(), format!("{} – {}", day(from), day(until))),
            row(words::notice_call(), "12345".to_owned()),
        ];
        Page {
            title: title.get(language).to_owned(),
            help: body.get(language).to_owned(),
            body: Body::Rows(vec![Section { rows, ..Section::default() }]),
            back: true,
            finish: true,
            ..self.attract()
        }
    }
}
