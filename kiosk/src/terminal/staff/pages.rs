//! The pages of staff.

use service::answer::Answer;
use service::definition::Device;
use service::text::{Language, Text};

use super::{Asked, Inside, LINE_MAX, SignOn, Staff, volumes};
use crate::devices::Availability;
use crate::page::{Body, Button, Choice, Entry, Field, Keyboard, Page, Row, Section};
use crate::terminal::Terminal;
use crate::words;
use crate::words::staff as say;

impl Terminal {
    /// The page for staff.
    pub(in crate::terminal) fn staff_page(&self, staff: &Staff) -> Page {
        let language = self.modes.language;
        let say = |text: Text| text.get(language).to_owned();
        let blank = Page { title: say(say::menu()), back: true, finish: true, ..self.attract() };
        let blank = Page { help: String::new(), ..blank };
        match staff {
            Staff::SignOn(sign_on) => self.sign_on_page(sign_on, blank),
            Staff::Confirm { is_she, .. } => Page {
                title: say(say::is_this(&self.name_on_card())),
                help: say(say::compare()),
                body: Body::Choice {
                    options: vec![
                        choice(say(say::is_she()), *is_she == Some(true)),
                        choice(say(say::is_not_she()), *is_she == Some(false)),
                    ],
                    many: false,
                },
                main: Some(Button { label: say(say::confirm()), enabled: is_she.is_some() }),
                ..blank
            },
            Staff::Inside { page, .. } => self.inside_page(*page, language, blank),
        }
    }

    fn sign_on_page(&self, sign_on: &SignOn, blank: Page) -> Page {
        let language = self.modes.language;
        let say = |text: Text| text.get(language).to_owned();
        let (label, help, keyboard) = match sign_on.asked {
            Asked::Id => (say::your_number(), Some(say::your_number_help()), Keyboard::Capitals),
            Asked::Pin => (say::your_pin(), None, Keyboard::Digits),
            Asked::Code => (say::your_code(), Some(say::your_code_help()), Keyboard::Digits),
        };
        let called = (sign_on.for_citizen && sign_on.asked == Asked::Id).then(say::called);
        Page {
            title: say(say::sign_on()),
            help: called.or(help).map(say).unwrap_or_default(),
            body: Body::Entry(Field {
                label: say(label),
                value: sign_on.shown(),
                keyboard,
                max: LINE_MAX,
                long: false,
                unit: String::new(),
                source: None,
                scan: false,
            }),
            error: sign_on.error.clone().map(say),
            main: Some(Button { label: say(words::next()), enabled: true }),
            ..blank
        }
    }

    fn inside_page(&self, page: Inside, language: Language, blank: Page) -> Page {
        let say = |text: Text| text.get(language).to_owned();
        let button = |text: Text| Some(Button { label: say(text), enabled: true });
        let titled = Page { title: say(page.name()), ..blank };
        match page {
            Inside::Menu => {
                let entry = |id: &str, label: Text, hint: String| Entry {
                    id: id.to_owned(),
                    label: say(label),
                    hint,
                    unavailable: None,
                };
                let pages = Inside::ALL.map(|page| {
                    let hint = match page {
                        Inside::Test => say(self.items_work()),
                        Inside::Volume => say(say::volume(self.volume)),
                        _ => String::new(),
                    };
                    entry(page.id(), page.name(), hint)
                });
                let other = entry("staff:language", say::language(), String::new());
                let end = entry("staff:end", say::end(), String::new());
                let entries = pages.into_iter().chain([other, end]).collect();
                Page { body: Body::List { query: None, entries }, ..titled }
            }
            Inside::Test => Page {
                body: Body::Staff(self.tested(language)),
                main: button(say::test_again()),
                ..titled
            },
            Inside::Paper => Page {
                help: say(say::paper_help()),
                body: Body::Staff(vec![
                    self.device_rows(&[Device::Printer, Device::Receipt], language),
                ]),
                main: button(say::refilled()),
                ..titled
            },
            Inside::Volume => {
                let options = volumes().map(|it| choice(say(say::volume(it)), it == self.volume));
                Page { body: Body::Choice { options: options.collect(), many: false }, ..titled }
            }
            Inside::Log => Page {
                help: say(say::log_help()),
                body: Body::Staff(vec![self.logged(language)]),
                ..titled
            },
        }
    }

    fn items_work(&self) -> Text {
        let can = |item: &&std::sync::Arc<crate::item::Item>| {
            matches!(self.devices.availability(item.service()), Availability::Yes(_))
        };
        say::items_work(self.items.values().filter(can).count(), self.items.len())
    }

    /// Devices, the link, and what can't be done.
    fn tested(&self, language: Language) -> Vec<Section> {
        let say = |text: Text| text.get(language).to_owned();
        let mut devices = self.device_rows(&Device::ALL, language);
        devices.heading = say(self.items_work());
        let link = if self.devices.link { say::link_up() } else { say::link_down() };
        devices.rows.push(row(say(say::link()), say(link)));
        let refused = self.items.values().filter_map(|item| {
            let service = item.service();
            match self.devices.availability(service) {
                Availability::No { why } => {
                    let name = service.name.get(language);
                    Some(vec![format!("{} {name}", service.code), say(why)])
                }
                Availability::Yes(_) => None,
            }
        });
        let table: Vec<Vec<String>> = refused.collect();
        let columns = vec![say(say::item()), say(say::why())];
        let refused =
            Section { heading: say(say::not_now()), columns, table, ..Section::default() };
        let both = [devices].into_iter().chain(Some(refused).filter(|it| !it.table.is_empty()));
        both.collect()
    }

    fn device_rows(&self, devices: &[Device], language: Language) -> Section {
        let rows = devices.iter().map(|device| {
            let (zh, en) = words::device_name(*device);
            let name = words::text(zh, en).get(language).to_owned();
            row(name, say::device_state(self.devices.get(*device)).get(language).to_owned())
        });
        let heading = say::devices().get(language).to_owned();
        Section { heading, rows: rows.collect(), ..Section::default() }
    }

    fn logged(&self, language: Language) -> Section {
        let say = |text: Text| text.get(language).to_owned();
        let lines = self.diary.entries().map(|entry| {
            let at = self.zone.to_datetime(entry.at).strftime("%m-%d %H:%M:%S").to_string();
            vec![at, say(entry.what.words()), entry.item.clone().unwrap_or_default()]
        });
        Section {
            columns: vec![say(say::when()), say(say::what()), say(say::item())],
            table: lines.collect(),
            ..Section::default()
        }
    }

    fn name_on_card(&self) -> String {
        let card = self.flow().and_then(|flow| flow.known().answer("card"));
        match card.map(|card| &card.answer) {
            Some(Answer::Card(Some(card))) => card.name.clone(),
            _ => String::new(),
        }
    }
}

fn choice(label: String, chosen: bool) -> Choice {
    Choice { label, hint: String::new(), chosen, unavailable: None }
}

fn row(name: String, value: String) -> Row {
    Row { name, value, source: None, edit: None }
}
