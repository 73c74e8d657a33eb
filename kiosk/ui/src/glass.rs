//! Puts a page on the glass: every value of the page, in the words the pages of Slint know.

use std::ops::Range;

use kiosk::district::District;
use kiosk::page::{
    AddressField, Body, Choice, Entry, Keyboard, Page, Prompt, PromptState, Row, Section, Shot,
    ShotId, Waiting,
};
use kiosk::terminal::{Modes, Overlay};
use kiosk::{words, write};
use screen::keyboard::Layout;
use service::text::Language;
use slint::{ComponentHandle as _, Global as _, Image, ModelRc, SharedString, VecModel};

use crate::album::Album;
use crate::room::Room;
use crate::ui::{
    App, ChoiceItem, EntryItem, Face, Hall, LineItem, PlaceItem, RowItem, ShotItem, Theme,
};

/// The glass, and how far its lists are turned.
#[derive(Debug, Default)]
pub struct Glass {
    turned: usize,
    typing: bool,
    pages: i32,
    shown: Option<(Page, Option<Overlay>, usize, bool)>,
}

impl Glass {
    /// Turns the list of the page.
    pub fn turn(&mut self, by: i32) {
        self.turned = self.turned.saturating_add_signed(isize::try_from(by).unwrap_or(0));
    }

    /// Whether the keyboard stands on the page.
    pub fn set_typing(&mut self, typing: bool) {
        self.typing = typing;
    }

    /// Takes everything of a citizen off the pages, also what none of them shows now.
    pub fn forget(&mut self, app: &App) {
        *self = Glass { pages: self.pages, ..Glass::default() };
        let face = Face::get(app);
        for set in [
            Face::set_title,
            Face::set_help,
            Face::set_error,
            Face::set_label,
            Face::set_text,
            Face::set_source,
            Face::set_caption,
            Face::set_amount,
            Face::set_overlay_help,
        ] {
            set(&face, SharedString::new());
        }
        face.set_entries(ModelRc::default());
        face.set_choices(ModelRc::default());
        face.set_second(ModelRc::default());
        face.set_lines(ModelRc::default());
        face.set_shots(ModelRc::default());
        face.set_picture(Image::default());
    }

    /// Whether the keyboard stands on the page.
    pub fn is_typing(&self) -> bool {
        self.typing
    }

    /// Shows the page, unless it stands there already.
    pub fn show(
        &mut self,
        app: &App,
        page: Page,
        overlay: Option<Overlay>,
        modes: Modes,
        district: &District,
        album: &Album,
    ) {
        let other = self.shown.as_ref().is_none_or(|(before, ..)| !is_same(before, &page));
        if other {
            self.turned = 0;
            self.typing = false;
            self.pages = self.pages.wrapping_add(1);
            Hall::get(app).set_page(self.pages);
        }
        let now = (page, overlay, self.turned, self.typing);
        if self.shown.as_ref() == Some(&now) {
            return;
        }
        let (page, overlay, ..) = &now;
        let face = Face::get(app);
        theme(app, modes);
        frame(&face, page);
        face.set_typing(self.typing);
        let room = Room::of(size(app), modes, self.typing, page);
        let list = List { room, turned: self.turned, language: modes.language };
        self.turned = body(&face, &page.body, list, district);
        show_shots(&face, &page.body, album);
        show_overlay(&face, overlay.as_ref(), modes.language);
        self.shown = Some(now);
    }

    /// The keyboard that the page's field needs.
    pub fn layout(page: &Page, language: Language) -> Layout {
        let words = match language {
            Language::Chinese => Layout::Pinyin,
            Language::English => Layout::Latin,
        };
        match &page.body {
            Body::Entry(field) => match field.keyboard {
                Keyboard::Digits | Keyboard::IdNumber => Layout::Digits,
                Keyboard::Capitals => Layout::Capitals,
                Keyboard::Full => words,
            },
            _ => words,
        }
    }
}

fn theme(app: &App, modes: Modes) {
    let theme = Theme::get(app);
    theme.set_large(modes.large);
    theme.set_contrast(modes.high_contrast);
    theme.set_reach(modes.reach);
}

fn frame(face: &Face<'_>, page: &Page) {
    face.set_title(page.title.as_str().into());
    face.set_help(page.help.as_str().into());
    face.set_error(page.error.as_deref().unwrap_or_default().into());
    face.set_back(page.back);
    face.set_offers(model(page.also.iter().map(|offer| offer.label.as_str().into())));
    face.set_finish(page.finish);
    let main = page.main.as_ref();
    face.set_action(main.map(|main| main.label.as_str()).unwrap_or_default().into());
    face.set_action_enabled(main.is_some_and(|main| main.enabled));
}

/// Width and height of the glass, in logical pixels.
fn size(app: &App) -> (f32, f32) {
    let window = app.window();
    let size = window.size().to_logical(window.scale_factor());
    (size.width, size.height)
}

/// What decides which part of a list is shown.
#[derive(Debug, Clone, Copy)]
struct List {
    room: Room,
    turned: usize,
    language: Language,
}

impl List {
    fn without(self, height: f32) -> List {
        List { room: self.room.without(height), ..self }
    }

    /// Cuts a list into pages and shows which buttons turn it; gives back the page that is shown,
    /// and its number.
    fn turn(self, face: &Face<'_>, heights: &[f32], gap: f32) -> (Range<usize>, usize) {
        let pages = self.room.pages(heights, gap);
        let last = pages.len() - 1;
        let turned = self.turned.min(last);
        face.set_before(turned > 0);
        face.set_after(turned < last);
        (pages[turned].clone(), turned)
    }
}

/// Between the rows of a list, and between lines of facts.
const GAP: f32 = 16.0;
const LINE_GAP: f32 = 4.0;
/// The line to search on, with its label and hint.
const SEARCH: f32 = 300.0;
/// The name over each of two lists.
const HEADING: f32 = 70.0;
/// The line for street and house, with its label and hint.
const ADDRESS: f32 = 330.0;
/// A code to scan at the end, with its caption.
const CODE: f32 = 430.0;

/// Whether it is still the page that stood there: what is typed into it may change its title.
fn is_same(before: &Page, page: &Page) -> bool {
    let searches = |page: &Page| matches!(page.body, Body::List { query: Some(_), .. });
    before.title == page.title || searches(before) && searches(page)
}

/// Fills in the body; gives back how far the list is really turned.
fn body(face: &Face<'_>, body: &Body, list: List, district: &District) -> usize {
    let List { room, language, .. } = list;
    match body {
        Body::Home { intents, notice } => {
            kind(face, "home");
            face.set_notice(notice.as_ref().map(entry).unwrap_or_default());
            face.set_intents(model(intents.iter().map(entry)));
            0
        }
        Body::List { query, entries } => {
            kind(face, "list");
            face.set_query(if query.is_some() { "" } else { "-" }.into());
            set_text(face, query.as_deref().unwrap_or_default());
            let heights: Vec<f32> = entries.iter().map(|entry| room.entry(entry)).collect();
            let list = if query.is_some() { list.without(SEARCH) } else { list };
            let (shown, turned) = list.turn(face, &heights, GAP);
            face.set_entries(model(entries[shown].iter().map(entry)));
            turned
        }
        Body::Choice { options, many } => {
            kind(face, "choice");
            face.set_many(*many);
            let heights: Vec<f32> = options.iter().map(|choice| room.choice(choice)).collect();
            let (shown, turned) = list.turn(face, &heights, GAP);
            first_of(face, options, shown);
            turned
        }
        Body::Address(AddressField { streets, communities, detail, source }) => {
            kind(face, "address");
            set_text(face, detail);
            face.set_source(source.as_deref().unwrap_or_default().into());
            two(face, list.without(ADDRESS), (streets, communities))
        }
        Body::Slots { days, times } => {
            kind(face, "slots");
            two(face, list, (days, times))
        }
        Body::Intro { facts, materials } => {
            kind(face, "facts");
            let heading = words::materials().get(language).to_owned();
            let mut sections = vec![Section { rows: facts.clone(), ..Section::default() }];
            if !materials.is_empty() {
                sections.push(Section { heading, rows: materials.clone(), ..Section::default() });
            }
            lines(face, &sections, list)
        }
        Body::Rows(sections) | Body::Staff(sections) => {
            kind(face, "facts");
            lines(face, sections, list)
        }
        Body::Done { outputs, code, sections } => {
            kind(face, "done");
            let mut all = vec![Section { rows: outputs.clone(), ..Section::default() }];
            all.extend(sections.iter().cloned());
            face.set_caption(code.as_deref().unwrap_or_default().into());
            face.set_picture(code.as_deref().map(qr).unwrap_or_default());
            lines(face, &all, if code.is_some() { list.without(CODE) } else { list })
        }
        body => {
            face.set_before(false);
            face.set_after(false);
            ask(face, body);
            tell(face, body, district, language);
            0
        }
    }
}

/// Pages that ask one thing.
fn ask(face: &Face<'_>, body: &Body) {
    match body {
        Body::Consent { statement, agreed } => {
            kind(face, "consent");
            face.set_label(statement.as_str().into());
            face.set_many(*agreed);
        }
        Body::Entry(field) => {
            kind(face, "entry");
            face.set_label(field.label.as_str().into());
            set_text(face, &field.value);
            face.set_unit(field.unit.as_str().into());
            face.set_source(field.source.as_deref().unwrap_or_default().into());
            face.set_scan(field.scan);
        }
        Body::Date(field) => {
            kind(face, "date");
            face.set_year(field.year.into());
            face.set_month(field.month.into());
            face.set_day(field.day.unwrap_or(0).into());
            face.set_has_day(field.day.is_some());
        }
        Body::Shots { what, .. } => {
            kind(face, "shots");
            face.set_many(*what == Shot::Scan);
        }
        Body::Signature { .. } => kind(face, "signature"),
        _ => {}
    }
}

/// The pictures taken so far, the last one large.
fn show_shots(face: &Face<'_>, body: &Body, album: &Album) {
    let Body::Shots { taken, .. } = body else { return };
    let item = |shot: &ShotId| ShotItem {
        id: i32::try_from(shot.0).unwrap_or(0),
        picture: album.image(*shot),
    };
    face.set_shots(model(taken.iter().map(item)));
    face.set_picture(taken.last().map(|shot| album.image(*shot)).unwrap_or_default());
}

/// Pages that tell something, or wait.
fn tell(face: &Face<'_>, body: &Body, district: &District, language: Language) {
    match body {
        Body::Attract => kind(face, "attract"),
        Body::Device(prompt) => {
            kind(face, "device");
            device(face, prompt);
        }
        Body::Place { at, label } => {
            kind(face, "place");
            face.set_label(label.as_str().into());
            place(face, *at, district, language);
        }
        Body::Pay { amount, code, .. } => {
            kind(face, "pay");
            face.set_amount(amount.as_str().into());
            face.set_picture(qr(code));
        }
        Body::Working { what, .. } => {
            kind(face, "working");
            face.set_label(what.as_str().into());
        }
        Body::Code { code } => {
            kind(face, "code");
            face.set_picture(qr(code));
        }
        Body::Stop { call } => {
            kind(face, "stop");
            face.set_label(call.as_str().into());
        }
        _ => {}
    }
}

fn kind(face: &Face<'_>, name: &str) {
    face.set_kind(name.into());
}

/// Sets the field only where it differs: what is being typed keeps its cursor.
fn set_text(face: &Face<'_>, text: &str) {
    if face.get_text() != text {
        face.set_text(text.into());
    }
}

fn device(face: &Face<'_>, prompt: &Prompt) {
    face.set_device(
        match prompt.device {
            Waiting::IdCard | Waiting::SocialCard | Waiting::TransitCard => "card",
            Waiting::Face => "face",
            Waiting::Finger => "finger",
            Waiting::Code => "code",
        }
        .into(),
    );
    face.set_device_state(
        match prompt.state {
            PromptState::Waiting => "waiting",
            PromptState::Reading => "reading",
            PromptState::TakeBack => "take-back",
            PromptState::Failed => "failed",
        }
        .into(),
    );
    face.set_other_way(prompt.other_way.as_deref().unwrap_or_default().into());
}

fn place(face: &Face<'_>, at: Option<(f64, f64)>, district: &District, language: Language) {
    let streets = district.streets.iter().map(|street| {
        let (x, y) = district.on_map((street.centre[0], street.centre[1]));
        PlaceItem { name: street.name.get(language).into(), x, y }
    });
    face.set_places(model(streets));
    let (x, y) = at.map_or((-1.0, -1.0), |at| district.on_map(at));
    face.set_place_x(x);
    face.set_place_y(y);
}

/// The options of a question that are shown; choosing counts from the first of all.
fn first_of(face: &Face<'_>, options: &[Choice], shown: Range<usize>) {
    face.set_choices_from(i32::try_from(shown.start).unwrap_or(0));
    face.set_choices(model(options[shown].iter().map(choice)));
}

/// Two lists side by side, turned together; the shorter one stays at its end.
fn two(face: &Face<'_>, list: List, (first, second): (&[Choice], &[Choice])) -> usize {
    let list = List { room: list.room.half().without(HEADING), ..list };
    let heights = |choices: &[Choice]| -> Vec<f32> {
        choices.iter().map(|choice| list.room.pick(choice)).collect()
    };
    let (shown, turned) = list.turn(face, &heights(first), GAP);
    let (before, after) = (face.get_before(), face.get_after());
    first_of(face, first, shown);
    let (shown, second_turned) = list.turn(face, &heights(second), GAP);
    face.set_second_from(i32::try_from(shown.start).unwrap_or(0));
    face.set_second(model(second[shown].iter().map(choice)));
    face.set_before(before || face.get_before());
    face.set_after(after || face.get_after());
    turned.max(second_turned)
}

/// Sections as lines, as many as fit.
fn lines(face: &Face<'_>, sections: &[Section], list: List) -> usize {
    let room = list.room;
    let mut all = Vec::new();
    let change = if list.language == Language::Chinese { "改" } else { "Change" };
    for section in sections {
        if !section.heading.is_empty() {
            let line = line("heading", row_named(&section.heading), &[]);
            all.push((line, room.heading(&section.heading)));
        }
        let rows = section.rows.iter();
        all.extend(rows.map(|it| (line("row", row(it), &[]), room.row(it, change))));
        let cells =
            |kind, cells: &[String]| (line(kind, RowItem::default(), cells), room.cells(cells));
        if !section.columns.is_empty() {
            all.push(cells("columns", &section.columns));
        }
        all.extend(section.table.iter().map(|row| cells("cells", row)));
    }
    let heights: Vec<f32> = all.iter().map(|(_, height)| *height).collect();
    let (shown, turned) = list.turn(face, &heights, LINE_GAP);
    face.set_lines(model(all[shown].iter().map(|(line, _)| line.clone())));
    turned
}

fn line(kind: &str, row: RowItem, cells: &[String]) -> LineItem {
    let cells: Vec<SharedString> = cells.iter().map(Into::into).collect();
    LineItem { kind: kind.into(), row, cells: ModelRc::new(VecModel::from(cells)) }
}

fn row(row: &Row) -> RowItem {
    RowItem {
        name: row.name.as_str().into(),
        value: row.value.as_str().into(),
        source: row.source.as_deref().unwrap_or_default().into(),
        edit: row.edit.as_deref().unwrap_or_default().into(),
    }
}

fn row_named(name: &str) -> RowItem {
    RowItem { name: name.into(), ..RowItem::default() }
}

fn entry(entry: &Entry) -> EntryItem {
    EntryItem {
        id: entry.id.as_str().into(),
        label: entry.label.as_str().into(),
        hint: entry.hint.as_str().into(),
        reason: entry.unavailable.as_deref().unwrap_or_default().into(),
        icon: icon(&entry.id).into(),
    }
}

/// Line icons of the six intents, on a grid of 48.
fn icon(id: &str) -> &'static str {
    match id {
        "intent:prove" => {
            "M 10 6 L 30 6 L 38 14 L 38 42 L 10 42 Z M 30 6 L 30 14 L 38 14 M 17 24 L 31 24 M 17 32 L 26 32"
        }
        "intent:ask" => "M 20 8 A 12 12 0 1 0 20 32 A 12 12 0 1 0 20 8 M 29 29 L 41 41",
        "intent:pay" => "M 6 12 L 42 12 L 42 38 L 6 38 Z M 6 20 L 42 20 M 12 30 L 20 30",
        "intent:apply" => "M 8 40 L 12 28 L 32 8 L 40 16 L 20 36 Z M 28 12 L 36 20",
        "intent:book" => {
            "M 7 11 L 41 11 L 41 41 L 7 41 Z M 7 19 L 41 19 M 15 6 L 15 14 M 33 6 L 33 14 M 16 30 L 22 36 L 33 25"
        }
        "intent:report" => {
            "M 5 15 L 14 15 L 18 9 L 30 9 L 34 15 L 43 15 L 43 39 L 5 39 Z M 24 19 A 8 8 0 1 0 24 35 A 8 8 0 1 0 24 19"
        }
        _ => "",
    }
}

fn choice(choice: &Choice) -> ChoiceItem {
    ChoiceItem {
        label: choice.label.as_str().into(),
        hint: choice.hint.as_str().into(),
        reason: choice.unavailable.as_deref().unwrap_or_default().into(),
        chosen: choice.chosen,
    }
}

fn show_overlay(face: &Face<'_>, overlay: Option<&Overlay>, language: Language) {
    let (name, help) = match overlay {
        None => ("", String::new()),
        Some(Overlay::CardLeft) => ("card-left", String::new()),
        Some(Overlay::LastCall { seconds }) => {
            ("last-call", words::seconds_left(*seconds).get(language).to_owned())
        }
        Some(Overlay::StillThere { seconds }) => {
            ("still-there", words::seconds_left(*seconds).get(language).to_owned())
        }
    };
    face.set_overlay(name.into());
    face.set_overlay_help(help.into());
}

/// A code of four dots a module; nothing where the words are too long for one.
fn qr(text: &str) -> Image {
    let Ok(code) = qrcode::QrCode::new(text) else { return Image::default() };
    let side = u32::try_from(code.width()).unwrap_or(0);
    let mut pixels = slint::SharedPixelBuffer::<slint::Rgb8Pixel>::new(side, side);
    for (pixel, colour) in pixels.make_mut_slice().iter_mut().zip(code.to_colors()) {
        let tone = colour.select(0, 255);
        *pixel = slint::Rgb8Pixel::new(tone, tone, tone);
    }
    Image::from_rgb8(pixels)
}

fn model<T: Clone + 'static>(items: impl IntoIterator<Item = T>) -> ModelRc<T> {
    ModelRc::new(VecModel::from(items.into_iter().collect::<Vec<T>>()))
}

/// The clock of the top band.
pub fn clock(at: jiff::civil::DateTime, language: Language) -> (String, String) {
    let day = write::weekday(&at.date().to_string(), language);
    (day, format!("{:02}:{:02}", at.hour(), at.minute()))
}
