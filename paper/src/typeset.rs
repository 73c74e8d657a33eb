//! What stands on pages that are set: their words, and the characters for which no font has a glyph.

use typst::diag::SourceDiagnostic;
use typst::layout::{Frame, FrameItem, Point};
use typst::text::TextItem;
use typst_layout::PagedDocument;

/// What stands apart on a line by more than this is two things, such as cells.
const GAP_PT: f64 = 1.0;

/// Lines of a page, in the order in which they are drawn.
pub(crate) fn text(frame: &Frame) -> String {
    let mut lines = String::new();
    let mut end: Option<Point> = None;
    walk(frame, Point::zero(), &mut |at, item| {
        if let Some(end) = end {
            let same_line = (end.y - at.y).to_pt().abs() < GAP_PT;
            let adjoins = (end.x - at.x).to_pt().abs() < GAP_PT;
            lines.push_str(if !same_line {
                "\n"
            } else if adjoins {
                ""
            } else {
                " "
            });
        }
        end = Some(Point::new(at.x + item.width(), at.y));
        lines.push_str(&item.text);
    });
    lines
}

/// Characters that would be printed as an empty box, each once.
pub(crate) fn missing(document: &PagedDocument) -> String {
    let mut missing = String::new();
    for page in document.pages() {
        walk(&page.frame, Point::zero(), &mut |_, item| {
            for glyph in item.glyphs.iter().filter(|glyph| glyph.id == 0) {
                let signs = item.text.get(glyph.range()).unwrap_or_default();
                missing.extend(
                    signs.chars().filter(|sign| !missing.contains(*sign)).collect::<Vec<_>>(),
                );
            }
        });
    }
    missing
}

/// What went wrong, in one line.
pub(crate) fn sentences(errors: &[SourceDiagnostic]) -> String {
    errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ")
}

fn walk(frame: &Frame, origin: Point, visit: &mut dyn FnMut(Point, &TextItem)) {
    for (at, item) in frame.items() {
        match item {
            FrameItem::Group(group) => walk(&group.frame, origin + *at, visit),
            FrameItem::Text(text) => visit(origin + *at, text),
            _ => {}
        }
    }
}
