//! The panels a sign can have.

use std::fmt;
use std::str::FromStr;

use embedded_graphics::geometry::Size;

/// A kind of panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Panel {
    /// LED matrix, two lines.
    Led128x32,
    /// LED matrix, three lines.
    Led192x64,
    /// Stretched LCD, for both languages at once.
    Lcd1920x360,
}

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("panel {0:?} is unknown: use led-128x32, led-192x64 or lcd-1920x360")]
pub struct PanelError(String);

impl Panel {
    /// All of them.
    pub const ALL: [Panel; 3] = [Panel::Led128x32, Panel::Led192x64, Panel::Lcd1920x360];

    /// Its name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Panel::Led128x32 => "led-128x32",
            Panel::Led192x64 => "led-192x64",
            Panel::Lcd1920x360 => "lcd-1920x360",
        }
    }

    /// Width and height in px.
    pub fn size(self) -> Size {
        match self {
            Panel::Led128x32 => Size::new(128, 32),
            Panel::Led192x64 => Size::new(192, 64),
            Panel::Lcd1920x360 => Size::new(1920, 360),
        }
    }
}

impl FromStr for Panel {
    type Err = PanelError;
    fn from_str(text: &str) -> Result<Self, PanelError> {
        let found = Panel::ALL.into_iter().find(|panel| panel.name() == text);
        found.ok_or_else(|| PanelError(text.to_owned()))
    }
}

impl fmt::Display for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
