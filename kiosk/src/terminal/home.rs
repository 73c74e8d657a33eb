//! The way to an item: intents, categories, what is most used, search.

use jiff::civil::Date;
use service::definition::{Category, Kind, Service};
use service::text::{Language, Text};

use super::Terminal;
use crate::devices::Availability;
use crate::item::Item;
use crate::page::{Body, Entry, Page};
use crate::words;
use crate::write;

/// What people come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// A paper with a stamp.
    Prove,
    /// To know something.
    Ask,
    Pay,
    Apply,
    /// A time with a person.
    Book,
    /// Something on the street is wrong.
    Report,
}

impl Intent {
    const ALL: [Intent; 6] =
        [Intent::Prove, Intent::Ask, Intent::Pay, Intent::Apply, Intent::Book, Intent::Report];

    fn id(self) -> &'static str {
        match self {
            Intent::Prove => "intent:prove",
            Intent::Ask => "intent:ask",
            Intent::Pay => "intent:pay",
            Intent::Apply => "intent:apply",
            Intent::Book => "intent:book",
            Intent::Report => "intent:report",
        }
    }

    pub(super) fn of(id: &str) -> Option<Intent> {
        Intent::ALL.into_iter().find(|intent| intent.id() == id)
    }

    /// Whether an item serves it.
    pub(super) fn holds(self, service: &Service) -> bool {
        // What belongs to the terminal itself stands where people look for it, not with its kind.
        let own = service.code.starts_with('R');
        let about = |subject: &str| service.operation.name.starts_with(subject);
        match self {
            Intent::Prove => matches!(service.kind, Kind::Certificate | Kind::Print),
            Intent::Ask => service.kind == Kind::Query && !own,
            Intent::Pay => service.kind == Kind::Payment,
            Intent::Apply => service.kind == Kind::Form && !own,
            Intent::Book => service.kind == Kind::Booking || own && about("booking."),
            Intent::Report => own && about("case."),
        }
    }

    fn name(self) -> (Text, Text) {
        match self {
            Intent::Prove => words::intent_prove(),
            Intent::Ask => words::intent_ask(),
            Intent::Pay => words::intent_pay(),
            Intent::Apply => words::intent_apply(),
            Intent::Book => words::intent_book(),
            Intent::Report => words::intent_report(),
        }
    }
}

/// A category by the id of its entry.
pub(super) fn category(id: &str) -> Option<Category> {
    let name = id.strip_prefix("category:")?;
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

fn category_id(category: Category) -> String {
    let name = serde_json::to_value(category).ok();
    format!("category:{}", name.as_ref().and_then(|name| name.as_str()).unwrap_or_default())
}

impl Terminal {
    pub(super) fn home(&self, today: Date) -> Page {
        let language = self.modes.language;
        let intents = Intent::ALL.map(|intent| {
            let (label, hint) = intent.name();
            entry(intent.id(), &label, &hint, language)
        });
        Page {
            title: words::home_title().get(language).to_owned(),
            help: words::home_help().get(language).to_owned(),
            body: Body::Home { intents: intents.to_vec(), notice: self.notice_line(today) },
            finish: true,
            ..self.attract()
        }
    }

    /// Every category, with the number of its items.
    pub(super) fn categories(&self) -> Page {
        let language = self.modes.language;
        let mut categories: Vec<(Category, usize)> = Vec::new();
        for item in self.items.values() {
            let category = item.service().category;
            match categories.iter_mut().find(|(known, _)| *known == category) {
                Some((_, count)) => *count += 1,
                None => categories.push((category, 1)),
            }
        }
        categories.sort_unstable();
        let categories = categories.into_iter().map(|(category, count)| {
            let hint = words::items(count);
            entry(&category_id(category), &words::category(category), &hint, language)
        });
        self.entries(categories.collect(), None)
    }

    pub(super) fn list(&self, holds: impl Fn(&Item) -> bool, query: Option<String>) -> Page {
        let mut items: Vec<&Item> = self.items.values().map(AsRef::as_ref).collect();
        items.retain(|item| holds(item));
        // Who has booked already comes to look after that.
        items.sort_by_key(|item| !item.service().code.starts_with('R'));
        self.entries(items.into_iter().map(|item| self.entry(item)).collect(), query)
    }

    /// What was searched for; before anything is typed, what most people come for.
    pub(super) fn found(&self, query: &str) -> Page {
        let hits = self.index.find(query);
        let found = hits.iter().map(|hit| &hit.code);
        let most_used = self.district.most_used.iter().filter(|_| query.is_empty());
        let items = found.chain(most_used).filter_map(|code| self.items.get(code));
        let entries = items.map(|item| self.entry(item)).collect();
        self.entries(entries, Some(query.to_owned()))
    }

    fn entries(&self, entries: Vec<Entry>, query: Option<String>) -> Page {
        let language = self.modes.language;
        let title = if entries.is_empty() { words::nothing_found() } else { words::choose_item() };
        Page {
            title: title.get(language).to_owned(),
            help: String::new(),
            body: Body::List { query, entries },
            back: true,
            finish: true,
            ..self.attract()
        }
    }

    fn entry(&self, item: &Item) -> Entry {
        let service = item.service();
        let language = self.modes.language;
        let mut entry = entry(&service.code, &service.name, &service.summary, language);
        match self.devices.availability(service) {
            Availability::No { why } => entry.unavailable = Some(why.get(language).to_owned()),
            Availability::Yes(remarks) if remarks.is_empty() => {}
            Availability::Yes(remarks) => {
                let remarks: Vec<String> =
                    remarks.iter().map(|it| it.words().get(language).to_owned()).collect();
                entry.hint = remarks.join(write::separator(language));
            }
        }
        entry
    }
}

fn entry(id: &str, label: &Text, hint: &Text, language: Language) -> Entry {
    Entry {
        id: id.to_owned(),
        label: label.get(language).to_owned(),
        hint: hint.get(language).to_owned(),
        unavailable: None,
    }
}
