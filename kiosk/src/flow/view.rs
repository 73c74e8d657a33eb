//! The page a flow stands on.

use std::collections::BTreeSet;

use service::check::day;
use service::definition::{Form, MaterialSource, Promise};
use service::step::{Ask, Step};
use service::text::{Language, Text};

use super::draft::{self, Draft};
use super::slots::Offered;
use super::{Around, At, Flow};
use crate::known::{self, is_checked};
use crate::page::{
    AddressField, Body, Button, Choice, DateField, Field, Keyboard, Page, Prompt, PromptState, Row,
    Section, Shot, Waiting,
};
use crate::words;
use crate::write;

impl Flow {
    /// The page that stands on the glass now.
    pub fn page(&self, around: Around, language: Language) -> Page {
        let say = |text: &Text| text.get(language).to_owned();
        let button = |text: Text| Some(Button { label: say(&text), enabled: true });
        let blank = Page {
            title: say(&self.service().name),
            help: String::new(),
            speech: None,
            body: Body::Rows(vec![]),
            error: self.error.as_ref().map(say),
            progress: None,
            back: true,
            main: None,
            finish: true,
            also: vec![],
        };
        match &self.at {
            At::Intro => Page {
                help: say(&self.service().summary),
                body: self.intro(language),
                main: button(words::start()),
                ..blank
            },
            At::Step(index) => self.step_page(around, language, *index, blank),
            At::Looking { .. } | At::Doing => {
                let what = if self.at == At::Doing { words::doing() } else { words::looking_up() };
                Page {
                    title: say(&what),
                    body: Body::Working { what: say(&self.service().department), seconds: 0 },
                    back: false,
                    ..blank
                }
            }
            At::Check => Page {
                title: say(&words::check_title()),
                help: say(&words::check_help()),
                body: Body::Rows(vec![self.check(language)]),
                main: button(words::submit(self.service().kind)),
                ..blank
            },
            At::Done => self.done(around, language, blank),
            At::Kept { number } => Page {
                title: say(&words::kept_title()),
                help: say(&words::kept_help()),
                body: Body::Done {
                    outputs: vec![row(say(&words::number()), number.clone())],
                    code: Some(number.clone()),
                    sections: vec![],
                },
                back: false,
                ..blank
            },
            At::Refused(why) => Page {
                title: say(&words::refused_title()),
                help: say(why),
                body: Body::Stop { call: say(&words::call()) },
                ..blank
            },
            At::Unanswered(_) => Page {
                title: say(&words::unanswered_title()),
                help: say(&words::unanswered_help()),
                body: Body::Stop { call: say(&words::call()) },
                main: button(words::again()),
                ..blank
            },
        }
    }

    fn intro(&self, language: Language) -> Body {
        let service = self.service();
        let say = |text: &Text| text.get(language).to_owned();
        let promise = match service.promise {
            Promise::Immediate => say(&words::immediately()),
            Promise::WorkingDays(days) => say(&words::working_days(days)),
        };
        let basis = service.basis.iter().map(|basis| match (&basis.article, language) {
            (Some(article), Language::Chinese) => format!("《{}》{article}", basis.name.zh),
            (None, Language::Chinese) => format!("《{}》", basis.name.zh),
            (_, Language::English) => basis.name.en.clone(),
        });
        let facts = vec![
            row(say(&words::who()), say(&service.audience)),
            row(say(&words::fee()), words::fee_of(&service.fee, language)),
            row(say(&words::time()), promise),
            row(say(&words::department()), say(&service.department)),
            row(say(&words::basis()), basis.collect::<Vec<_>>().join(write::separator(language))),
        ];
        let materials = service.materials.iter().map(|material| Row {
            name: say(&material.name),
            value: material.only.as_ref().map(say).unwrap_or_default(),
            source: Some(match &material.from {
                MaterialSource::IdCard => say(&words::from_card()),
                MaterialSource::Certificate(_) => say(&words::from_certificates()),
                MaterialSource::Step(_) => say(&words::taken_here()),
                MaterialSource::Department => say(&words::at_department()),
                MaterialSource::Original => words::originals(material.copies, language),
                MaterialSource::Copy => words::copies(material.copies, language),
                MaterialSource::Counter => say(&words::at_counter()),
            }),
            edit: None,
        });
        Body::Intro { facts, materials: materials.collect() }
    }

    fn step_page(&self, around: Around, language: Language, index: usize, blank: Page) -> Page {
        let step = &self.service().steps[index];
        let fill = |text: &Text| {
            self.known.fill(self.service(), text.get(language), around.today, language)
        };
        let main = match &step.ask {
            Ask::Face | Ask::Fingerprint if self.must_be_confirmed(around) => {
                Some(words::ask_staff())
            }
            Ask::Face => Some(words::shoot()),
            Ask::TapCard { .. } if matches!(self.draft, Draft::Line(_)) => Some(words::next()),
            Ask::Stop | Ask::IdCard | Ask::TapCard { .. } | Ask::Fingerprint | Ask::Pay { .. } => {
                None
            }
            _ => Some(words::next()),
        };
        let enabled =
            !self.draft.is_blank() || step.optional || matches!(step.ask, Ask::Show { .. });
        let main = main.map(|label| Button {
            label: label.get(language).to_owned(),
            enabled: enabled || self.may_be_confirmed(),
        });
        let total = self.service().steps.len();
        let number = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        Page {
            title: fill(&step.title),
            help: step.help.as_ref().map(fill).unwrap_or_default(),
            speech: step.speech.as_ref().map(fill),
            body: self.body(around, language, index),
            progress: Some((number(index + 1), number(total))),
            main,
            ..blank
        }
    }

    fn body(&self, around: Around, language: Language, index: usize) -> Body {
        let step = &self.service().steps[index];
        let say = |text: &Text| text.get(language).to_owned();
        match (&step.ask, &self.draft) {
            (Ask::Stop, _) => Body::Stop { call: say(&words::call()) },
            (Ask::Show { rows }, _) => {
                Body::Rows(self.known.sections(self.service(), rows, around.today, language))
            }
            (_, Draft::Prompt(state)) => self.prompt_body(around, *state, step, language),
            (_, Draft::Chosen(chosen)) => self.chosen(around, language, index, chosen),
            (ask, Draft::Day { year, month, day }) => {
                let (first_year, last_year) = years(ask, around);
                let day = matches!(ask, Ask::Date { .. }).then_some(*day);
                Body::Date(DateField { year: *year, month: *month, day, first_year, last_year })
            }
            (_, Draft::Address { street, community, detail }) => {
                let source = self.source(step, language);
                Body::Address(self.address(*street, *community, detail, source, language))
            }
            (_, Draft::Place(at)) => Body::Place {
                at: *at,
                label: at.map(|(lat, lon)| self.district.label(lat, lon)).unwrap_or_default(),
            },
            (ask, Draft::Shots(shots)) => Body::Shots {
                what: if matches!(ask, Ask::Scan { .. }) { Shot::Scan } else { Shot::Photo },
                taken: shots.clone(),
                max: match ask {
                    Ask::Photo { max } => *max,
                    Ask::Scan { pages } => *pages,
                    _ => 1,
                },
                live: true,
            },
            (_, Draft::Strokes(strokes)) => Body::Signature { strokes: strokes.clone() },
            (_, Draft::Slot { day, time }) => self.slots(*day, *time, language),
            (_, Draft::Payment) => self.payment(),
            (_, Draft::Line(line)) => Body::Entry(self.field(step, line, language)),
            (_, Draft::Nothing) => Body::Rows(vec![]),
        }
    }

    /// One of a few, or several.
    fn chosen(
        &self,
        around: Around,
        language: Language,
        index: usize,
        chosen: &BTreeSet<usize>,
    ) -> Body {
        let say = |text: &Text| text.get(language).to_owned();
        let option = |index: usize, label: String, hint: String| Choice {
            label,
            hint,
            chosen: chosen.contains(&index),
            unavailable: None,
        };
        let ask = &self.service().steps[index].ask;
        let many = matches!(ask, Ask::Choices { .. });
        let options = match ask {
            Ask::Consent { statement } => {
                return Body::Consent { statement: say(statement), agreed: chosen.contains(&0) };
            }
            Ask::YesNo => {
                [true, false].map(|truth| write::truth(truth, language).to_owned()).to_vec()
            }
            Ask::Pick { from, label, .. } => {
                let field = self.known.table(self.service(), from).map(|(field, _)| field);
                let rows = draft::picked(self.ground(around, index)).iter();
                rows.map(|row| known::fill_row(field, label.get(language), row, language)).collect()
            }
            ask @ (Ask::Choice { .. } | Ask::Choices { .. }) => {
                let guessed = draft::suggested(self.ground(around, index));
                let options = ask.options(around.today).into_iter().enumerate().map(|(at, it)| {
                    let label = if language == Language::Chinese { it.zh } else { it.en };
                    let guess = (guessed == Some(at)).then(words::guessed);
                    let hint = guess.as_ref().or(it.hint.as_ref()).map(say);
                    option(at, label, hint.unwrap_or_default())
                });
                return Body::Choice { options: options.collect(), many };
            }
            _ => vec![],
        };
        let options = options.into_iter().enumerate();
        let options = options.map(|(index, label)| option(index, label, String::new()));
        Body::Choice { options: options.collect(), many }
    }

    fn prompt_body(
        &self,
        around: Around,
        state: PromptState,
        step: &Step,
        language: Language,
    ) -> Body {
        let device = self.awaits().unwrap_or(Waiting::IdCard);
        let other_way = match step.ask {
            Ask::Face | Ask::Fingerprint if around.devices.staff => Some(words::ask_staff()),
            Ask::TapCard { .. } => Some(words::type_number()),
            _ => None,
        };
        let other_way = other_way.map(|words| words.get(language).to_owned());
        Body::Device(Prompt { device, state, other_way })
    }

    fn address(
        &self,
        street: Option<usize>,
        community: Option<usize>,
        detail: &str,
        source: Option<String>,
        language: Language,
    ) -> AddressField {
        let choice = |text: &Text, chosen: bool| Choice {
            label: text.get(language).to_owned(),
            hint: String::new(),
            chosen,
            unavailable: None,
        };
        let all = self.district.streets.iter().enumerate();
        let streets = all.map(|(index, it)| choice(&it.name, street == Some(index))).collect();
        let chosen = street.and_then(|index| self.district.streets.get(index));
        let communities = chosen.map_or_else(Vec::new, |street| {
            let all = street.communities.iter().enumerate();
            all.map(|(index, it)| choice(it, community == Some(index))).collect()
        });
        AddressField { streets, communities, detail: detail.to_owned(), source }
    }

    fn slots(&self, day: Option<usize>, time: Option<usize>, language: Language) -> Body {
        let offered = Offered::all(&self.known);
        let days = offered.iter().enumerate().map(|(index, offered)| Choice {
            label: write::weekday(&offered.date, language),
            hint: words::places_left(offered.left(), language),
            chosen: day == Some(index),
            unavailable: (offered.left() == 0).then(|| words::full().get(language).to_owned()),
        });
        let times = day.and_then(|day| offered.get(day)).map_or_else(Vec::new, |offered| {
            let all = offered.times.iter().enumerate();
            all.map(|(index, slot)| Choice {
                label: slot.time.clone(),
                hint: words::places_left(slot.left, language),
                chosen: time == Some(index),
                unavailable: (slot.left == 0).then(|| words::full().get(language).to_owned()),
            })
            .collect()
        });
        Body::Slots { days: days.collect(), times }
    }

    fn payment(&self) -> Body {
        let payment = self.known.returned("payment");
        let field = |name: &str| payment.and_then(|payment| payment.get(name));
        Body::Pay {
            amount: field("amount")
                .and_then(serde_json::Value::as_i64)
                .map_or_else(String::new, write::money),
            code: field("code").and_then(|code| code.as_str()).unwrap_or_default().to_owned(),
            paid: false,
        }
    }

    fn field(&self, step: &Step, line: &str, language: Language) -> Field {
        let plain = Field {
            label: known::label(step, language),
            value: line.to_owned(),
            keyboard: Keyboard::Full,
            max: 50,
            long: false,
            unit: String::new(),
            source: self.source(step, language),
            scan: false,
        };
        match &step.ask {
            Ask::Text { max, long } => Field { max: *max, long: *long, ..plain },
            Ask::IdNumber => Field { keyboard: Keyboard::IdNumber, max: 18, ..plain },
            Ask::Mobile => Field { keyboard: Keyboard::Digits, max: 11, ..plain },
            Ask::Uscc => Field { keyboard: Keyboard::Capitals, max: 18, ..plain },
            Ask::Code { max, digits, scan, .. } => Field {
                keyboard: if *digits { Keyboard::Digits } else { Keyboard::Capitals },
                max: u16::from(*max),
                scan: *scan,
                ..plain
            },
            Ask::TapCard { .. } => {
                Field { keyboard: Keyboard::Capitals, max: 20, scan: true, ..plain }
            }
            Ask::Number { unit, .. } => Field {
                keyboard: Keyboard::Digits,
                max: 12,
                unit: unit.get(language).to_owned(),
                ..plain
            },
            Ask::Money { .. } => Field {
                keyboard: Keyboard::Digits,
                max: 12,
                unit: words::yuan().get(language).to_owned(),
                ..plain
            },
            _ => plain,
        }
    }

    fn source(&self, step: &Step, language: Language) -> Option<String> {
        let source = self.known.answer(&step.id)?.source.as_ref()?;
        Some(source.get(language).to_owned())
    }

    /// Every answer that was given or filled in, with its source and the way back to it.
    fn check(&self, language: Language) -> Section {
        let answered = self.service().steps.iter().filter(|step| is_checked(&step.ask));
        let rows = answered.filter_map(|step| {
            let known = self.known.answer(&step.id)?;
            let fixed = step.bind.as_ref().is_some_and(|bind| !bind.editable);
            let name = match step.ask {
                Ask::IdCard => words::card_field("name").get(language).to_owned(),
                _ => known::label(step, language),
            };
            Some(Row {
                name,
                value: write::answer(step, &known.answer, language),
                source: known.source.as_ref().map(|source| source.get(language).to_owned()),
                edit: (!fixed && step.ask != Ask::IdCard).then(|| step.id.clone()),
            })
        });
        Section { rows: rows.collect(), ..Section::default() }
    }

    fn done(&self, around: Around, language: Language, blank: Page) -> Page {
        let on_screen = |form| matches!(form, Form::Screen | Form::Qr);
        let outputs = &self.service().outputs;
        let shown = outputs.iter().find(|output| on_screen(output.form)).or(outputs.first());
        let paths = shown.map(|output| output.rows.as_slice()).unwrap_or_default();
        let sections = self.known.sections(self.service(), paths, around.today, language);
        let number =
            self.known.returned(&self.service().operation.id).and_then(|it| it.get("number"));
        let number = number.and_then(|number| number.as_str()).map(str::to_owned);
        let printed = self.prints().map(|output| {
            row(output.title.get(language).to_owned(), words::comes_out(output.form, language))
        });
        let outputs: Vec<Row> = printed.collect();
        Page {
            title: match shown {
                Some(output) => output.title.get(language).to_owned(),
                None => words::done_title().get(language).to_owned(),
            },
            help: words::done_help(self.service().kind).get(language).to_owned(),
            body: Body::Done { outputs, code: number, sections },
            back: false,
            main: Some(Button { label: words::another().get(language).to_owned(), enabled: true }),
            ..blank
        }
    }
}

fn row(name: String, value: String) -> Row {
    Row { name, value, source: None, edit: None }
}

/// First and last year of a page that asks for a day or a month.
fn years(ask: &Ask, around: Around) -> (i16, i16) {
    let (Ask::Date { from, to } | Ask::Month { from, to }) = ask else { return (0, 0) };
    let year = |bound: &str| day::bound(bound, around.today).map_or(around.today, |day| day).year();
    (year(from), year(to))
}
