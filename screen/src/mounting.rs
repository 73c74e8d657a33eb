//! How a panel hangs in its housing, and how fine its dots are.

use drivers::input::Position;
use embedded_graphics::geometry::Size;
use slint::platform::software_renderer::RenderingRotation;

/// Dots per inch at which one logical pixel is one dot: 1080 x 1920 on 21.5 inches.
const DPI: f32 = 102.5;

/// How far the picture is turned to the right so that it stands upright on the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// Not at all.
    #[default]
    R0,
    /// A quarter.
    R90,
    /// Upside down.
    R180,
    /// A quarter to the left.
    R270,
}

/// How a panel hangs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mounting {
    /// How far the picture is turned.
    pub rotation: Rotation,
    /// Dots per inch of the panel.
    pub dpi: f32,
}

impl Default for Mounting {
    fn default() -> Self {
        Self { rotation: Rotation::R0, dpi: DPI }
    }
}

impl Mounting {
    /// Dots per logical pixel, in quarters, so that lines and cards stay sharp; never below 1, for no
    /// panel is read from so near that text may shrink.
    pub fn scale(&self) -> f32 {
        ((self.dpi / DPI * 4.0).floor() / 4.0).clamp(1.0, 4.0)
    }

    /// Size of the upright picture on a panel of this `size`.
    pub fn upright(&self, size: Size) -> Size {
        match self.rotation {
            Rotation::R0 | Rotation::R180 => size,
            Rotation::R90 | Rotation::R270 => Size::new(size.height, size.width),
        }
    }

    /// Where a finger on the panel touches the upright picture, as fractions of it.
    pub fn touched(&self, at: Position) -> Position {
        let Position { x, y } = at;
        match self.rotation {
            Rotation::R0 => at,
            Rotation::R90 => Position { x: y, y: 1.0 - x },
            Rotation::R180 => Position { x: 1.0 - x, y: 1.0 - y },
            Rotation::R270 => Position { x: 1.0 - y, y: x },
        }
    }
}

impl From<Rotation> for RenderingRotation {
    fn from(rotation: Rotation) -> Self {
        match rotation {
            Rotation::R0 => RenderingRotation::NoRotation,
            Rotation::R90 => RenderingRotation::Rotate90,
            Rotation::R180 => RenderingRotation::Rotate180,
            Rotation::R270 => RenderingRotation::Rotate270,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_follows_the_dots() {
        let scale = |dpi| Mounting { dpi, ..Mounting::default() }.scale();
        let quarters = [82.0, 102.5, 163.0, 224.0].map(|dpi| format!("{:.2}", scale(dpi)));
        assert_eq!(quarters, ["1.00", "1.00", "1.50", "2.00"]);
    }
}
