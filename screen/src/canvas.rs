//! The picture in memory: Slint draws what changed straight into the frame that the panel shows.

use drivers::surface::{Frame, Region};
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;
use rgb::FromSlice as _;
use slint::platform::software_renderer::{PhysicalRegion, SoftwareRenderer};

/// A frame and what of it the panel has not seen.
#[derive(Debug)]
pub struct Canvas {
    frame: Frame,
    unseen: Region,
}

impl Canvas {
    /// Black, for a panel of `size`.
    pub fn new(size: Size) -> Self {
        let frame = Frame::new(size);
        let unseen = Region::all(&frame);
        Self { frame, unseen }
    }

    /// The picture as the panel is built, before any rotation.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// What the panel has not seen.
    pub fn unseen(&self) -> Region {
        self.unseen
    }

    /// The panel has seen all.
    pub fn mark_seen(&mut self) {
        self.unseen = Region::NOTHING;
    }

    /// The panel may show anything.
    pub fn mark_unseen(&mut self) {
        self.unseen = Region::all(&self.frame);
    }

    /// Draws what changed.
    pub fn draw(&mut self, renderer: &SoftwareRenderer) {
        use embedded_graphics::geometry::OriginDimensions as _;
        let stride = self.frame.size().width as usize;
        let drawn = renderer.render(self.frame.pixels_mut().as_rgb_mut(), stride);
        self.unseen = self.unseen.union(region(&drawn));
    }
}

fn region(drawn: &PhysicalRegion) -> Region {
    let (origin, size) = (drawn.bounding_box_origin(), drawn.bounding_box_size());
    let bounds = Rectangle::new(Point::new(origin.x, origin.y), Size::new(size.width, size.height));
    if bounds.is_zero_sized() { Region::NOTHING } else { Region::new(bounds) }
}
