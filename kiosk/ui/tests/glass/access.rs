//! Rules that every page keeps in every mode: sizes, names, contrast, order, nothing cut off.
//!
//! | what | rule | source |
//! |---|---|---|
//! | targets | 12 mm each way; the main action 20 mm x 15 mm | the look of this project |
//! | between targets | 20 mm from middle to middle: 12 mm of target and 8 mm of room | the same |
//! | letters | 28 dots and more, so that a capital is 4.8 mm high | 36 CFR 1194 App. C 402.4 |
//! | contrast | 4.5:1, in high contrast 7:1 | WCAG 2.2, 1.4.3 and 1.4.6 |
//! | reach mode | what is touched lies below 34 % of the height: under 1,220 mm where a 27 inch panel (598 mm) stands on 800 mm | 36 CFR 1194 App. C 407.8 |

use std::collections::HashMap;

use drivers::surface::Frame;
use embedded_graphics::geometry::Point;
use embedded_graphics::pixelcolor::RgbColor as _;
use kiosk::page::{Body, Page};
use screen::outline::{Part, Place};
use service::text::Language;
use terminal::speech::focus_line;

use crate::stand::{PLACE, Stand, Walked};

/// Dots per inch of the panel that the pages are drawn for.
const DPI: f32 = 102.5;
const TARGET_MM: f32 = 12.0;
const MAIN_MM: (f32, f32) = (20.0, 15.0);
const MIDDLES_MM: f32 = 20.0;
/// Height of a line of the smallest letters: 28 dots, and what stands above and below them.
const LINE_MIN: f32 = 40.0;
const REACH: f32 = 0.34;
const HEIGHT: f32 = 1920.0;

fn mm(dots: f32) -> f32 {
    dots / DPI * 25.4
}

impl Stand {
    /// Looks at the page with every rule; the keypad's way only while nobody types.
    pub(crate) fn is_fit(&mut self, language: Language) -> Walked {
        let mut faults = self.broken_rules(language);
        let page = self.page();
        self.listen();
        let title = page.speech.as_ref().unwrap_or(&page.title);
        if !self.transcript.iter().any(|line| line.contains(title)) {
            faults.push("the page was not announced".into());
        }
        faults.extend(self.faint());
        // Where nobody is, any key begins.
        let empty = page.body == Body::Attract;
        if !empty && !self.has(if language == Language::Chinese { "退格" } else { "Delete" }) {
            faults.extend(self.order_faults(language)?);
        }
        let title = self.page().title;
        self.faults.extend(faults.into_iter().map(|fault| format!("{title}: {fault}")));
        Ok(())
    }

    /// What is wrong with the sizes and names of what stands on the glass.
    fn broken_rules(&self, language: Language) -> Vec<String> {
        let parts = self.all_parts();
        let page = self.page();
        let mut faults = Vec::new();
        for part in &parts {
            faults.extend(part_faults(part, &page, language, self.modes().reach));
        }
        faults.extend(close_targets(&parts));
        faults
    }

    /// Words that can't be told from what is behind them.
    fn faint(&self) -> Vec<String> {
        let least = if self.modes().high_contrast { 7.0 } else { 4.5 };
        let texts = self
            .parts()
            .into_iter()
            .filter(|part| part.role == "text" && !part.label.trim().is_empty());
        let ratios = texts.map(|part| (contrast(self.picture(), part.seen), part));
        let faint = ratios.filter(|(ratio, _)| *ratio < least);
        faint
            .map(|(ratio, part)| format!("{:?} has a contrast of {ratio:.1}", part.label))
            .collect()
    }

    /// Whether the keypad comes to every part that can be pressed, in reading order, and whether
    /// what is spoken there is what stands there.
    fn order_faults(&mut self, language: Language) -> Walked<Vec<String>> {
        const DOWN: u16 = 108;
        let mut stops: Vec<Part> = Vec::new();
        let meant: Vec<Part> = self.parts().into_iter().filter(is_target).collect();
        let mut faults = Vec::new();
        for _ in 0..=meant.len() {
            self.listen();
            self.key(DOWN)?;
            let Some(part) = self.focused() else { return Ok(vec!["the focus is nowhere".into()]) };
            if stops.iter().any(|stop| stop.place == part.place) {
                break;
            }
            let (spoken, told) = (self.listen(), told(&part, language));
            if spoken.last().is_none_or(|spoken| !told.contains(spoken)) {
                faults.push(format!("{spoken:?} is spoken where {told:?} stands"));
            }
            stops.push(part);
        }
        for part in meant.iter().filter(|part| !stops.iter().any(|stop| stop.place == part.place)) {
            faults.push(format!("the keypad never comes to {:?}", part.label));
        }
        let back = stops.windows(2).filter(|pair| {
            let (from, to) = (pair[0].place, pair[1].place);
            to.y + to.height <= from.y && to.x < from.x + from.width
        });
        // From the last part of the page the way leads to the top band.
        let back: Vec<_> =
            back.map(|pair| format!("{:?} to {:?}", pair[0].label, pair[1].label)).collect();
        if back.len() > 1 {
            faults.push(format!("the keypad goes back up: {}", back.join(", ")));
        }
        Ok(faults)
    }
}

/// What may be spoken of a part: its name, what stands in it, what it is and what to know of it.
fn told(part: &Part, language: Language) -> Vec<String> {
    let roles: &[(&str, &str)] = match (part.role.as_str(), part.checked) {
        ("text-input", _) => &[("输入框", "Field")],
        ("image", _) => &[("图", "Picture")],
        (_, Some(_)) => &[("单选项", "Choice"), ("复选框", "Tick box")],
        _ => &[("按钮", "Button")],
    };
    let role = |(zh, en)| if language == Language::Chinese { zh } else { en };
    let roles = roles.iter().copied().map(role);
    let line = |role| focus_line([&part.label, &part.value, role, &part.description], language);
    roles.map(line).collect()
}

fn is_target(part: &Part) -> bool {
    !part.inner && matches!(part.role.as_str(), "button" | "text-input")
}

fn part_faults(part: &Part, page: &Page, language: Language, reach: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let Place { width, height, y, .. } = part.place;
    if part.seen != part.place {
        faults.push(format!("{} {:?} is cut off", part.role, part.label));
    }
    if part.role == "text" {
        if part.needs.1 > height + 1.0 || part.needs.0 > width + 1.0 {
            faults.push(format!(
                "{:?} needs {:?} and has {width} x {height}",
                part.label, part.needs
            ));
        }
        if part.needs.1 < LINE_MIN && !part.label.is_empty() {
            faults.push(format!("{:?} is small: {} dots", part.label, part.needs.1));
        }
    }
    let named = part.label == PLACE;
    if language == Language::English && part.role == "text" && !named && is_ours(part) {
        faults.push(format!("{:?} is not English", part.label));
    }
    if !is_target(part) {
        return faults;
    }
    if part.label.trim().is_empty() {
        faults.push(format!("a {} has no name at {:?}", part.role, part.place));
    }
    let (least_width, least_height) = match &page.main {
        Some(main) if main.label == part.label => MAIN_MM,
        _ => (TARGET_MM, TARGET_MM),
    };
    if mm(width) < least_width || mm(height) < least_height {
        faults.push(format!("{:?} is {:.0} x {:.0} mm", part.label, mm(width), mm(height)));
    }
    if reach && y < HEIGHT * REACH {
        faults.push(format!("{:?} can't be reached at {y}", part.label));
    }
    faults
}

/// Whether the words are ours and stay Chinese; names, addresses and what citizens typed may.
fn is_ours(part: &Part) -> bool {
    let chinese =
        part.label.chars().filter(|sign| ('\u{4E00}'..='\u{9FFF}').contains(sign)).count();
    let allowed = ["中文", "拼音"];
    chinese > 0 && !allowed.contains(&part.label.as_str())
}

fn close_targets(parts: &[Part]) -> Vec<String> {
    let targets: Vec<&Part> = parts.iter().filter(|part| is_target(part)).collect();
    let mut faults = Vec::new();
    for (index, one) in targets.iter().enumerate() {
        for other in &targets[index + 1..] {
            let (a, b) = (one.place.middle(), other.place.middle());
            let apart = (mm(a.0 - b.0).abs()).max(mm(a.1 - b.1).abs());
            if apart < MIDDLES_MM {
                faults
                    .push(format!("{:?} and {:?} are {apart:.0} mm apart", one.label, other.label));
            }
        }
    }
    faults
}

/// Contrast of the words in a box: the most common colour is behind them, the one farthest from it
/// that has enough dots is theirs.
fn contrast(frame: &Frame, place: Place) -> f32 {
    let mut colours: HashMap<[u8; 3], u32> = HashMap::new();
    #[expect(clippy::cast_possible_truncation, reason = "dots of a panel")]
    let (left, top, right, bottom) = (
        place.x as i32,
        place.y as i32,
        (place.x + place.width) as i32,
        (place.y + place.height) as i32,
    );
    for y in top..bottom {
        for x in left..right {
            let pixel = frame.pixel(Point::new(x, y));
            *colours.entry([pixel.r(), pixel.g(), pixel.b()]).or_default() += 1;
        }
    }
    let Some((ground, _)) = colours.iter().max_by_key(|(_, count)| **count) else { return 21.0 };
    let enough = colours.iter().filter(|(_, count)| **count >= 8);
    enough.map(|(ink, _)| ratio(*ink, *ground)).fold(1.0, f32::max)
}

/// WCAG 2.2, relative luminance and contrast ratio.
fn ratio(one: [u8; 3], other: [u8; 3]) -> f32 {
    let luminance = |colour: [u8; 3]| {
        let [r, g, b] = colour.map(|channel| {
            let part = f32::from(channel) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}
