//! The stretched LCD bar, 1920 x 360: both languages and two buses of each line at once.
//!
//! ```text
//! | stop, clock |  line  destination        stops   next   the one after |
//! |             |  ...                                                    |
//! |             |  alert band                                             |
//! ```

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use sync::{Lang, Level, Text};

use super::fit::{self, LEVELS};
use super::{Ink, Mark, Setting};
use crate::font::{Face, Ruler};
use crate::message::{Message, Notice, Row, Rung};
use crate::when::{Certainty, When};

/// Most rows one page set shows.
const ROWS_MAX: usize = 12;
/// Rows of a page, with and without an alert band under them.
const ROWS: usize = 4;
const ROWS_WITH_BAND: usize = 3;

/// The panel less the room it moves in.
const WIDTH: i32 = 1918;
const HEIGHT: i32 = 358;
/// The block that names the stop.
const SILL: i32 = 400;
const BAND: i32 = 82;
const MARGIN: i32 = 24;

/// Columns: left edges of line and destination, right edges of stops, next and later bus.
const LINE_X: i32 = SILL + 28;
const LINE_WIDTH: i32 = 148;
const NAME_X: i32 = LINE_X + LINE_WIDTH + 28;
const NAME_WIDTH: i32 = 600;
const STOPS_RIGHT: i32 = 1390;
const NEXT_RIGHT: i32 = 1670;
const LATER_RIGHT: i32 = WIDTH - MARGIN;
/// Narrowest room a name is left with.
const NAME_MIN: u32 = 300;

/// One page of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    /// Buses, by key, and under them the notice of this index.
    Rows(Vec<String>, Option<usize>),
    /// The notice of this index over the whole panel.
    Takeover(usize),
    /// A heading, and the buses by key beside it.
    Heading(Vec<String>),
}

/// The page set of a message.
pub fn plan(message: &Message) -> Vec<Leaf> {
    if message.rung == Rung::Emergency || message.rung == Rung::Alert {
        return (0..message.notices.len()).map(Leaf::Takeover).collect();
    }
    let keys: Vec<String> = message.rows.iter().take(ROWS_MAX).map(|row| row.key.clone()).collect();
    if message.heading.is_some() {
        return vec![Leaf::Heading(keys.into_iter().take(ROWS_WITH_BAND).collect())];
    }
    let notices = message.notices.len();
    let rows = if notices > 0 { ROWS_WITH_BAND } else { ROWS };
    let mut pages: Vec<Vec<String>> = keys.chunks(rows).map(<[String]>::to_vec).collect();
    // Every notice gets its page, even where the rows have fewer.
    while pages.len() < notices {
        let again = pages[pages.len() % keys.len().div_ceil(rows).max(1)].clone();
        pages.push(again);
    }
    let with_notice = |(page, keys)| Leaf::Rows(keys, (notices > 0).then(|| page % notices.max(1)));
    pages.into_iter().enumerate().map(with_notice).collect()
}

impl Leaf {
    /// Whether it has words, or a bus that is still to come.
    pub fn lives(&self, message: &Message) -> bool {
        match self {
            Leaf::Rows(keys, _) => keys.iter().any(|key| message.row(key).is_some()),
            Leaf::Takeover(notice) => message.notices.len() > *notice,
            Leaf::Heading(_) => message.heading.is_some(),
        }
    }

    /// The marks at this moment.
    pub fn draw(&self, message: &Message, setting: Setting<'_>) -> Vec<Mark> {
        let mut easel = Easel { setting, marks: Vec::new() };
        match self {
            Leaf::Takeover(notice) => {
                if let Some(notice) = message.notices.get(*notice) {
                    easel.takeover(notice);
                }
            }
            Leaf::Heading(keys) => {
                easel.sill(message);
                easel.heading(message, keys.is_empty());
                let rows = keys.iter().filter_map(|key| message.row(key));
                for (place, row) in (1..).zip(rows) {
                    easel.row(message, row, place * HEIGHT / 4, HEIGHT / 4);
                }
            }
            Leaf::Rows(keys, notice) => {
                easel.sill(message);
                let notice = notice.and_then(|notice| message.notices.get(notice));
                let (height, rows) =
                    if notice.is_some() { (HEIGHT - BAND, 3) } else { (HEIGHT, 4) };
                for (place, key) in (0..).zip(keys) {
                    if place > 0 {
                        let rule = Rectangle::new(
                            Point::new(LINE_X, place * height / rows),
                            Size::new(1466, 2),
                        );
                        easel.marks.push(Mark::Fill(rule, Ink::Rule));
                    }
                    if let Some(row) = message.row(key) {
                        easel.row(message, row, place * height / rows, height / rows);
                    }
                }
                if let Some(notice) = notice {
                    easel.band(notice);
                }
            }
        }
        easel.marks
    }
}

struct Easel<'a> {
    setting: Setting<'a>,
    marks: Vec<Mark>,
}

/// Which edge words are set at.
#[derive(Clone, Copy)]
enum Edge {
    Left,
    Right,
    Middle,
}

impl Easel<'_> {
    /// The stop and the time of day.
    fn sill(&mut self, message: &Message) {
        // It bleeds over the room to move in, so that no bright edge shows.
        self.fill(0, 0, SILL, HEIGHT, Ink::Sill);
        let width = SILL - 2 * MARGIN;
        let [first, second] = self.both(&message.stop);
        let mut baseline = 84;
        for (text, sizes, step) in [(first, [60, 48, 36], 46), (second, [30, 26, 22], 34)] {
            let face = |px| if step == 46 { Face::Bold(px) } else { Face::Regular(px) };
            let (face, lines) = self.block(&text, &sizes.map(face), width, 2);
            for line in lines {
                self.words(&line, face, MARGIN, baseline, Edge::Left, Ink::OnSill);
                baseline += step.max(i32::try_from(face.em()).unwrap_or(step) + 6);
            }
        }
        if let Some(minutes) = message.age_min {
            let texts = [format!("{minutes}分钟前的信息"), format!("{minutes} min old")];
            let texts: Vec<&str> = self
                .languages()
                .into_iter()
                .flatten()
                .map(|lang| &*texts[usize::from(lang == Lang::En)])
                .collect();
            self.words(
                &texts.join(" · "),
                Face::Regular(26),
                MARGIN,
                HEIGHT - 124,
                Edge::Left,
                Ink::Warning,
            );
        }
        if let Some(local) = self.setting.local {
            let clock = format!("{:02}:{:02}", local.hour(), local.minute());
            self.words(&clock, Face::Bold(76), MARGIN, HEIGHT - 36, Edge::Left, Ink::OnSill);
            let date = format!("{}月{}日", local.month(), local.day());
            let date = if self.setting.languages.contains(&Lang::Zh) {
                date
            } else {
                local.date().to_string()
            };
            self.words(
                &date,
                Face::Regular(30),
                SILL - MARGIN,
                HEIGHT - 36,
                Edge::Right,
                Ink::OnSill,
            );
        }
    }

    /// One bus between `top` and `top + height`.
    fn row(&mut self, message: &Message, row: &Row, top: i32, height: i32) {
        let faint = row.when.certainty == Certainty::Faint;
        let (ink, soft) = if faint { (Ink::Faint, Ink::Faint) } else { (Ink::Plain, Ink::Soft) };
        let (upper, lower) = (top + height / 2 + 6, top + height / 2 + 38);
        self.line_name(row, top, height);
        let next_left = self.time(
            row.when,
            NEXT_RIGHT,
            [Face::Bold(54), Face::Bold(44)],
            [upper + 2, lower],
            [ink, soft],
        );
        let note_right = STOPS_RIGHT.min(next_left - MARGIN);
        let note_left = self.note(row, note_right, [upper, lower], soft);
        let room = u32::try_from(note_left - MARGIN - NAME_X)
            .unwrap_or(0)
            .clamp(NAME_MIN, NAME_WIDTH.unsigned_abs());
        self.names(&row.destination, room, [upper, lower], [ink, soft]);
        if let Some(later) = message.after(row) {
            let faint = later.when.certainty == Certainty::Faint;
            let inks = if faint { [Ink::Faint; 2] } else { [Ink::Soft; 2] };
            self.time(
                later.when,
                LATER_RIGHT,
                [Face::Regular(40), Face::Regular(34)],
                [upper, lower],
                inks,
            );
        }
    }

    /// The number on the colour of its line.
    fn line_name(&mut self, row: &Row, top: i32, height: i32) {
        let chip = 62;
        let (red, green, blue) = row.line.colour.as_deref().and_then(rgb).unwrap_or(NO_COLOUR);
        self.fill(LINE_X, top + (height - chip) / 2, LINE_WIDTH, chip, Ink::Line(red, green, blue));
        let ink = letters_on(red, green, blue);
        let sizes = [44, 36, 28, 22].map(Face::Bold);
        let (face, lines) = self.block(&row.line.name, &sizes, LINE_WIDTH - 12, 1);
        let baseline = top + height / 2 + i32::try_from(face.em() * 36 / 100).unwrap_or(0);
        for line in lines {
            self.words(&line, face, LINE_X + LINE_WIDTH / 2, baseline, Edge::Middle, ink);
        }
    }

    fn names(&mut self, name: &Text, room: u32, [upper, lower]: [i32; 2], [ink, soft]: [Ink; 2]) {
        let [first, second] = self.both(name);
        let room = i32::try_from(room).unwrap_or(NAME_WIDTH);
        let single = if second.is_empty() { (lower - upper) / 3 } else { 0 };
        for (text, faces, baseline, ink) in [
            (first, [50, 40, 32, 26, 22].map(Face::Bold), upper + single, ink),
            (second, [24, 22, 20, 19, 18].map(Face::Regular), lower, soft),
        ] {
            let (face, lines) = self.block(&text, &faces, room, 1);
            for line in lines {
                self.words(&line, face, NAME_X, baseline, Edge::Left, ink);
            }
        }
    }

    /// A time in both languages; returns its left edge.
    fn time(
        &mut self,
        when: When,
        right: i32,
        faces: [Face; 2],
        baselines: [i32; 2],
        inks: [Ink; 2],
    ) -> i32 {
        let [first, second] =
            self.languages().map(|lang| lang.map(|lang| when.words(lang)[0].clone()));
        let mut left = right;
        for ((text, face), (baseline, ink)) in [(first, faces), (second, [Face::Regular(24); 2])]
            .into_iter()
            .zip(baselines.into_iter().zip(inks))
        {
            // Time of day reads the same in both languages: once is enough.
            let again = |text: &str| {
                ink == inks[1]
                    && baseline == baselines[1]
                    && text.starts_with(|c: char| c.is_ascii_digit())
                    && text.contains(':')
            };
            if let Some(text) = text.filter(|text| !again(text)) {
                let narrow = self.setting.ruler.width(face[0], &text) > 260;
                left = left.min(self.words(
                    &text,
                    face[usize::from(narrow)],
                    right,
                    baseline,
                    Edge::Right,
                    ink,
                ));
            }
        }
        left
    }

    /// What stands between name and time: stops away, or that it is only a timetable.
    fn note(&mut self, row: &Row, right: i32, baselines: [i32; 2], ink: Ink) -> i32 {
        let mut left = right;
        for (place, lang) in (0..).zip(self.languages().into_iter().flatten()) {
            let text = match (row.when.label(lang), row.stops_away(), lang) {
                (Some(label), ..) => label.to_owned(),
                (None, Some(stops), Lang::Zh) => format!("{stops}站"),
                (None, Some(1), Lang::En) => "1 stop away".to_owned(),
                (None, Some(stops), Lang::En) => format!("{stops} stops away"),
                (None, None, _) => continue,
            };
            let face = if place == 0 { Face::Regular(34) } else { Face::Regular(24) };
            left = left.min(self.words(&text, face, right, baselines[place], Edge::Right, ink));
        }
        left
    }

    /// A heading in place of rows, or above them.
    fn heading(&mut self, message: &Message, alone: bool) {
        let Some(heading) = &message.heading else { return };
        let [first, second] = self.both(heading);
        let middle = i32::midpoint(SILL, WIDTH);
        if alone {
            self.words(&first, Face::Bold(76), middle, 184, Edge::Middle, Ink::Strong);
            self.words(&second, Face::Regular(38), middle, 252, Edge::Middle, Ink::Soft);
        } else {
            let end = self.words(&first, Face::Bold(44), LINE_X, 62, Edge::Left, Ink::Strong);
            let width =
                i32::try_from(self.setting.ruler.width(Face::Bold(44), &first)).unwrap_or(0);
            self.words(&second, Face::Regular(30), end + width + MARGIN, 62, Edge::Left, Ink::Soft);
        }
    }

    /// The band under the rows.
    fn band(&mut self, notice: &Notice) {
        let (paper, ink) = paper_of(notice.level);
        self.fill(SILL, HEIGHT - BAND, WIDTH - SILL + 2, BAND + 2, paper);
        let width = WIDTH - LINE_X - MARGIN;
        let mut baseline = HEIGHT - BAND + 42;
        let said = [sentence(notice, self.languages()[0]), sentence(notice, self.languages()[1])];
        let second_is_new = said[0] != said[1];
        for (text, sizes) in said.into_iter().zip([[36, 30, 26], [24, 21, 18]]) {
            if baseline == HEIGHT - BAND + 42 || second_is_new {
                let faces =
                    sizes.map(|px| if px >= 26 { Face::Bold(px) } else { Face::Regular(px) });
                let (face, lines) = self.block(&text, &faces, width, 1);
                for line in lines {
                    self.words(&line, face, LINE_X, baseline, Edge::Left, ink);
                }
            }
            baseline += 30;
        }
    }

    /// One notice over the whole panel.
    fn takeover(&mut self, notice: &Notice) {
        let (paper, ink) = paper_of(notice.level);
        self.fill(0, 0, WIDTH + 2, HEIGHT + 2, paper);
        let width = WIDTH - 4 * MARGIN;
        let parts = [
            (&notice.headline, [112, 88, 64, 48], [48, 40, 32, 26]),
            (&notice.instruction, [48, 40, 34, 28], [32, 28, 24, 20]),
        ];
        let mut lines = Vec::new();
        for (text, sizes, translated) in parts {
            let [first, second] = self.both(text);
            for (text, faces) in
                [(first, sizes.map(Face::Bold)), (second, translated.map(Face::Regular))]
            {
                let (face, wrapped) = self.block(&text, &faces, width, 1);
                lines.extend(wrapped.into_iter().map(|line| (face, line)));
            }
        }
        let pitch = |face: Face| i32::try_from(face.em() * 4 / 3).unwrap_or(0);
        let height: i32 = lines.iter().map(|(face, _)| pitch(*face)).sum();
        let mut baseline = (HEIGHT - height) / 2;
        for (face, line) in lines {
            baseline += pitch(face);
            self.words(&line, face, 2 * MARGIN, baseline - pitch(face) / 5, Edge::Left, ink);
        }
    }

    /// A text in the first language, and in the second where that says something else.
    fn both(&self, text: &Text) -> [String; 2] {
        let face = Face::Regular(24);
        let [first, second] = self.languages().map(|lang| {
            lang.map(|lang| self.setting.ruler.readable(face, text, lang)).unwrap_or_default()
        });
        if first == second { [first, String::new()] } else { [first, second] }
    }

    fn languages(&self) -> [Option<Lang>; 2] {
        [self.setting.languages.first().copied(), self.setting.languages.get(1).copied()]
    }

    /// `text` in at most `most` lines of `width`: in the largest letters and the longest form that fit,
    /// and where nothing fits, the shortest form in the smallest letters, cut with a sign that it goes on.
    fn block(&self, text: &str, faces: &[Face], width: i32, most: usize) -> (Face, Vec<String>) {
        let width = u32::try_from(width).unwrap_or(0);
        let ruler: &Ruler = self.setting.ruler;
        for level in 0..LEVELS {
            for face in faces {
                let lines = fit::wrap(ruler, *face, &fit::form(text, level), width);
                if lines.len() <= most {
                    return (*face, lines);
                }
            }
        }
        let face = faces[faces.len() - 1];
        let mut short = fit::form(text, LEVELS - 1);
        while ruler.width(face, &short) + ruler.width(face, "…") > width && short.pop().is_some()
        {
        }
        (face, vec![short + "…"])
    }

    /// Sets words at an edge; returns their left end.
    fn words(
        &mut self,
        text: &str,
        face: Face,
        x: i32,
        baseline: i32,
        edge: Edge,
        ink: Ink,
    ) -> i32 {
        let width = i32::try_from(self.setting.ruler.width(face, text)).unwrap_or(0);
        let left = match edge {
            Edge::Left => x,
            Edge::Right => x - width,
            Edge::Middle => x - width / 2,
        };
        if !text.is_empty() {
            self.marks.push(Mark::Words {
                at: Point::new(left, baseline),
                face,
                text: text.to_owned(),
                ink,
            });
        }
        left
    }

    fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, ink: Ink) {
        let size = Size::new(width.unsigned_abs(), height.unsigned_abs());
        self.marks.push(Mark::Fill(Rectangle::new(Point::new(x, y), size), ink));
    }
}

fn sentence(notice: &Notice, lang: Option<Lang>) -> String {
    lang.map(|lang| notice.sentence(lang)).unwrap_or_default()
}

fn paper_of(level: Level) -> (Ink, Ink) {
    match level {
        Level::Emergency => (Ink::Alarm, Ink::OnAlarm),
        Level::Warning | Level::Notice => (Ink::Warning, Ink::OnWarning),
    }
}

/// A line without a colour of its own: banyan green.
const NO_COLOUR: (u8, u8, u8) = (0x0E, 0x6B, 0x52);

/// `RRGGBB` as the feed gives it.
fn rgb(text: &str) -> Option<(u8, u8, u8)> {
    let plain = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let part = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    if plain { Some((part(0)?, part(2)?, part(4)?)) } else { None }
}

/// White or black letters, whichever has more contrast (WCAG 2.2, relative luminance): always 4.5:1 or more.
fn letters_on(red: u8, green: u8, blue: u8) -> Ink {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    // Equal contrast: (1.05 / (L + 0.05)) = ((L + 0.05) / 0.05).
    if luminance < 0.179 { Ink::Line(255, 255, 255) } else { Ink::Line(0, 0, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lines_colour_is_read_as_the_feed_writes_it() {
        assert_eq!(rgb("C2352B"), Some((0xC2, 0x35, 0x2B)));
        for bad in ["", "C2352", "#C2352", "C2352G", "红红"] {
            assert_eq!(rgb(bad), None, "{bad}");
        }
    }

    #[test]
    fn letters_stand_out_from_any_line() {
        assert_eq!(letters_on(0xFF, 0xD1, 0x00), Ink::Line(0, 0, 0));
        assert_eq!(letters_on(0x1F, 0x5F, 0xA8), Ink::Line(255, 255, 255));
    }
}
