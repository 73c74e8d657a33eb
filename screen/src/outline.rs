//! What stands on the glass, part by part, as somebody knows it who can't see: role, label, state and place.
//!
//! It is read from the accessible properties of the components, so a part without them is not in it.
//! A picture of the glass and its outline together are what tests, remote views and other ways of
//! reading need; neither knows what program runs.

use i_slint_core::accessibility::{AccessibleStringProperty, nearest_accessible_item};
use i_slint_core::item_tree::{ItemRc, ParentItemTraversalMode};
use i_slint_core::items::{AccessibleRole, ComplexText, Orientation, SimpleText};
use i_slint_core::lengths::{LogicalRect, LogicalSize};
use i_slint_core::window::{WindowAdapterRc, WindowInner};
use serde::{Deserialize, Serialize};

/// One part of the glass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// As in WAI-ARIA: `button`, `text`, `checkbox`, `image`, `text-input`.
    pub role: String,
    /// What it is called.
    pub label: String,
    /// What else is said of it.
    pub description: String,
    /// What stands in it.
    pub value: String,
    /// Whether it does something when it is pressed.
    pub enabled: bool,
    /// Whether it is chosen; none where it can't be.
    pub checked: Option<bool>,
    /// Whether the keys go to it.
    pub focused: bool,
    /// Its place, whether it can be seen there or not.
    pub place: Place,
    /// What of it can be seen: nothing where `width` or `height` is 0.
    pub seen: Place,
    /// What a text would need to be read whole; the place itself for other parts.
    pub needs: (f32, f32),
    /// Whether it stands in another part that is already named, as the words on a button do.
    pub inner: bool,
}

/// A rectangle in dots of the upright picture, from its top left corner.
#[expect(missing_docs, reason = "the fields say it")]
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Place {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl Place {
    /// Its middle, where a finger goes.
    pub fn middle(&self) -> (f32, f32) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Whether there is nothing of it.
    pub fn is_empty(&self) -> bool {
        self.width <= 0.0 || self.height <= 0.0
    }
}

/// Every part of the window, in the order in which the pages name them.
pub(crate) fn of(window: &slint::Window) -> Vec<Part> {
    let inner = WindowInner::from_pub(window);
    let Some(component) = inner.try_component() else { return vec![] };
    inner.ensure_tree_instantiated();
    let mut walk = Walk {
        focus: inner.focus_item.borrow().upgrade().map(nearest_accessible_item),
        scale: window.scale_factor(),
        adapter: inner.window_adapter(),
        parts: Vec::new(),
    };
    walk.children(&ItemRc::new_root(component), false);
    walk.parts
}

struct Walk {
    focus: Option<ItemRc>,
    scale: f32,
    adapter: WindowAdapterRc,
    parts: Vec<Part>,
}

impl Walk {
    fn children(&mut self, item: &ItemRc, inner: bool) {
        let mut next = item.first_child();
        while let Some(child) = next {
            let named = child.is_accessible() && child.accessible_role() != AccessibleRole::None;
            if named {
                self.parts.push(self.part(&child, inner));
            }
            self.children(&child, inner || named);
            next = child.next_sibling();
        }
    }

    fn part(&self, item: &ItemRc, inner: bool) -> Part {
        use AccessibleStringProperty as Property;
        let property = |what| item.accessible_string_property(what);
        let text = |what| property(what).map(String::from).unwrap_or_default();
        let (place, seen) = (whole(item), seen(item));
        let needs = self.needs(item).unwrap_or((place.size.width, place.size.height));
        Part {
            role: item.accessible_role().to_string(),
            label: text(Property::Label),
            description: text(Property::Description),
            value: text(Property::Value),
            enabled: property(Property::Enabled).is_none_or(|enabled| enabled == "true"),
            checked: property(Property::Checked).map(|checked| checked == "true"),
            focused: self.focus.as_ref() == Some(item),
            place: self.dots(place),
            seen: self.dots(seen),
            needs: (needs.0 * self.scale, needs.1 * self.scale),
            inner,
        }
    }

    /// Width and height that a text wants: wrapped at its width where it may wrap.
    fn needs(&self, item: &ItemRc) -> Option<(f32, f32)> {
        let is_text =
            item.downcast::<ComplexText>().is_some() || item.downcast::<SimpleText>().is_some();
        let width = item.geometry().size.width;
        let ask = |orientation, across| {
            let item_ref = item.borrow();
            item_ref.as_ref().layout_info(orientation, across, &self.adapter, item)
        };
        is_text.then(|| {
            let across = ask(Orientation::Horizontal, -1.0).min;
            (across, ask(Orientation::Vertical, width).preferred)
        })
    }

    fn dots(&self, rect: LogicalRect) -> Place {
        Place {
            x: rect.origin.x * self.scale,
            y: rect.origin.y * self.scale,
            width: rect.size.width * self.scale,
            height: rect.size.height * self.scale,
        }
    }
}

fn whole(item: &ItemRc) -> LogicalRect {
    let geometry = item.geometry();
    LogicalRect::new(item.map_to_window(geometry.origin), geometry.size)
}

/// What the ancestors leave of it.
fn seen(item: &ItemRc) -> LogicalRect {
    let mut rect = whole(item);
    let mut next = item.parent_item(ParentItemTraversalMode::StopAtPopups);
    while let Some(parent) = next {
        if parent.borrow().as_ref().clips_children() {
            let nothing = LogicalRect::new(rect.origin, LogicalSize::default());
            rect = rect.intersection(&whole(&parent)).unwrap_or(nothing);
        }
        next = parent.parent_item(ParentItemTraversalMode::StopAtPopups);
    }
    rect
}
