//! From a page to pixels.

use std::sync::Arc;

use drivers::surface::Frame;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use crate::font::smooth::Cache;
use crate::font::{FontError, FontList, Fonts, Ruler};
use crate::page::{Ink, Look, Mark};
use crate::panel::Panel;

/// Paints pages with the fonts of one panel.
#[derive(Debug)]
pub struct Painter {
    fonts: Arc<Fonts>,
    cache: Cache,
}

impl Painter {
    /// Loads the fonts that `panel` needs from the font folder `root`.
    pub fn open(panel: Panel, list: &FontList, root: &std::path::Path) -> Result<Self, FontError> {
        let fonts = match panel {
            Panel::Led128x32 | Panel::Led192x64 => Fonts::pixel(list, root)?,
            Panel::Lcd1920x360 => Fonts::smooth(list, root)?,
        };
        Ok(Self { fonts: Arc::new(fonts), cache: Cache::default() })
    }

    /// Measures text as this painter paints it.
    pub fn ruler(&self) -> Ruler {
        Ruler::Fonts(Arc::clone(&self.fonts))
    }

    /// Paints a page over whatever `frame` held.
    pub fn paint(&mut self, look: &Look, frame: &mut Frame) {
        let palette = Palette::of(look);
        frame.clear(palette.ground).unwrap_or_else(|never| match never {});
        let (right, down) = look.shift;
        let shift = Point::new(i32::try_from(right).unwrap_or(0), i32::try_from(down).unwrap_or(0));
        for mark in &look.marks {
            match mark {
                Mark::Fill(area, ink) => {
                    let area = bleed(area.translate(shift), shift, frame.bounding_box());
                    frame
                        .fill_solid(&area, palette.colour(*ink))
                        .unwrap_or_else(|never| match never {});
                }
                Mark::Words { at, face, text, ink } => {
                    self.fonts.draw(
                        &mut self.cache,
                        frame,
                        *face,
                        text,
                        *at + shift,
                        palette.colour(*ink),
                    );
                }
            }
        }
    }
}

/// A fill at the edge of the page reaches the edge of the panel wherever the page stands.
fn bleed(area: Rectangle, shift: Point, panel: Rectangle) -> Rectangle {
    let Some(mut corner) = area.bottom_right() else { return area };
    let mut top_left = area.top_left;
    let room = i32::try_from(crate::glass::burn_in::SHIFT_MAX).unwrap_or(0);
    let (far, end) = (panel.size, Point::new(room, room));
    if top_left.x == shift.x {
        top_left.x = 0;
    }
    if top_left.y == shift.y {
        top_left.y = 0;
    }
    let last = Point::new(
        i32::try_from(far.width).unwrap_or(0) - 1,
        i32::try_from(far.height).unwrap_or(0) - 1,
    );
    if corner.x + end.x >= last.x + shift.x {
        corner.x = last.x;
    }
    if corner.y + end.y >= last.y + shift.y {
        corner.y = last.y;
    }
    Rectangle::with_corners(top_left, corner)
}

/// The colours of one panel by day or night.
struct Palette {
    ground: Rgb888,
    plain: Rgb888,
    strong: Rgb888,
    soft: Rgb888,
    faint: Rgb888,
    rule: Rgb888,
    warning: Rgb888,
    on_warning: Rgb888,
    alarm: Rgb888,
    on_alarm: Rgb888,
    sill: Rgb888,
    on_sill: Rgb888,
}

impl Palette {
    fn of(look: &Look) -> Self {
        match (look.panel, look.night) {
            (Panel::Led128x32 | Panel::Led192x64, _) => Self::LED,
            (Panel::Lcd1920x360, false) => Self::DAY,
            (Panel::Lcd1920x360, true) => Self::NIGHT,
        }
    }

    /// Amber on black; the number of the line white. Faint keeps the hue at half the light.
    const LED: Palette = Palette {
        ground: rgb(0x00_00_00),
        plain: rgb(0xFF_B0_20),
        strong: rgb(0xFF_FF_FF),
        soft: rgb(0xB8_7C_18),
        faint: rgb(0x85_5A_10),
        rule: rgb(0x30_22_08),
        warning: rgb(0xFF_6B_5E),
        on_warning: rgb(0x00_00_00),
        alarm: rgb(0xC2_35_2B),
        on_alarm: rgb(0xFF_FF_FF),
        sill: rgb(0x00_00_00),
        on_sill: rgb(0xFF_FF_FF),
    };

    /// White walls and black tiles.
    const DAY: Palette = Palette {
        ground: rgb(0xFB_F9_F5),
        plain: rgb(0x16_20_2A),
        strong: rgb(0x16_20_2A),
        soft: rgb(0x52_60_6D),
        faint: rgb(0x8A_93_9C),
        rule: rgb(0xD9_D4_CB),
        warning: rgb(0xFF_C2_4D),
        on_warning: rgb(0x16_20_2A),
        alarm: rgb(0xC2_35_2B),
        on_alarm: rgb(0xFF_FF_FF),
        sill: rgb(0x16_20_2A),
        on_sill: rgb(0xFB_F9_F5),
    };

    const NIGHT: Palette = Palette {
        ground: rgb(0x00_00_00),
        plain: rgb(0xFF_FF_FF),
        strong: rgb(0xFF_FF_FF),
        soft: rgb(0xD6_DE_E6),
        faint: rgb(0x7C_86_90),
        rule: rgb(0x5B_66_70),
        warning: rgb(0xFF_C2_4D),
        on_warning: rgb(0x00_00_00),
        alarm: rgb(0xC2_35_2B),
        on_alarm: rgb(0xFF_FF_FF),
        sill: rgb(0x10_14_18),
        on_sill: rgb(0xFF_FF_FF),
    };

    fn colour(&self, ink: Ink) -> Rgb888 {
        match ink {
            Ink::Plain => self.plain,
            Ink::Strong => self.strong,
            Ink::Soft => self.soft,
            Ink::Faint => self.faint,
            Ink::Rule => self.rule,
            Ink::Warning => self.warning,
            Ink::OnWarning => self.on_warning,
            Ink::Alarm => self.alarm,
            Ink::OnAlarm => self.on_alarm,
            Ink::Sill => self.sill,
            Ink::OnSill => self.on_sill,
            Ink::Line(red, green, blue) => Rgb888::new(red, green, blue),
        }
    }
}

const fn rgb(value: u32) -> Rgb888 {
    let [_, red, green, blue] = value.to_be_bytes();
    Rgb888::new(red, green, blue)
}
