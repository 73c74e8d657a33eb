//! One finger on a touch panel (kernel documentation, multi-touch protocol B).
//!
//! The first finger counts until it lifts, others are ignored: nothing on a terminal needs two, and
//! a resting palm must not press. Panels without multi-touch send `ABS_X`, `ABS_Y` and `BTN_TOUCH`;
//! those that have both are read by the multi-touch records only.

use super::record::{EV_ABS, EV_KEY, EV_SYN, Record, SYN_DROPPED, SYN_REPORT};

const ABS_X: u16 = 0x00;
const ABS_Y: u16 = 0x01;
const ABS_MT_SLOT: u16 = 0x2f;
const ABS_MT_POSITION_X: u16 = 0x35;
const ABS_MT_POSITION_Y: u16 = 0x36;
const ABS_MT_TRACKING_ID: u16 = 0x39;
const BTN_TOUCH: u16 = 0x14a;

/// Fingers told apart; what a panel says of more is ignored.
const SLOTS: usize = 16;

/// What an axis counts from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// At the left or top edge.
    pub min: i32,
    /// At the right or bottom edge.
    pub max: i32,
}

/// What both axes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    /// Left to right.
    pub x: Range,
    /// Top to bottom.
    pub y: Range,
}

/// A place on the panel as it is built, before any rotation: 0.0 to 1.0 from the left and the top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// From the left edge.
    pub x: f32,
    /// From the top edge.
    pub y: f32,
}

/// What the finger does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Contact {
    /// It touches.
    Down(Position),
    /// It slides.
    Moved(Position),
    /// It lifts, where it was last.
    Up(Position),
    /// Nobody knows where it is: records were lost or the panel went away. Nothing was pressed.
    Lost,
}

/// Follows one finger.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact that the panel told")]
pub struct Touch {
    ranges: Ranges,
    /// Raw places by slot. A panel sends changes only, even across two contacts in one slot.
    places: [(i32, i32); SLOTS],
    slot: Option<usize>,
    followed: Option<usize>,
    /// Whether multi-touch records were seen; from then on the single-touch ones are echoes.
    multi: bool,
    single: (i32, i32),
    pressed: bool,
    /// The finger lifted or another came since the last report.
    fresh: bool,
    reported: Option<(i32, i32)>,
    lossy: bool,
}

impl Touch {
    /// No finger yet.
    pub fn new(ranges: Ranges) -> Self {
        Self {
            ranges,
            places: [(0, 0); SLOTS],
            slot: Some(0),
            followed: None,
            multi: false,
            single: (0, 0),
            pressed: false,
            fresh: false,
            reported: None,
            lossy: false,
        }
    }

    /// Takes one record; at a report says what the finger did.
    pub fn handle(&mut self, record: Record) -> Vec<Contact> {
        match (record.kind, record.code) {
            (EV_SYN, SYN_DROPPED) => {
                self.lossy = true;
                return self.release().into_iter().collect();
            }
            (EV_SYN, SYN_REPORT) if self.lossy => self.lossy = false,
            (EV_SYN, SYN_REPORT) => return self.report(),
            _ if self.lossy => {}
            (EV_ABS, ABS_MT_SLOT) => {
                self.slot = usize::try_from(record.value).ok().filter(|slot| *slot < SLOTS);
            }
            (EV_ABS, ABS_MT_TRACKING_ID) => self.track(record.value >= 0),
            (EV_ABS, ABS_MT_POSITION_X) => self.place(|place| place.0 = record.value),
            (EV_ABS, ABS_MT_POSITION_Y) => self.place(|place| place.1 = record.value),
            (EV_ABS, ABS_X) => self.single.0 = record.value,
            (EV_ABS, ABS_Y) => self.single.1 = record.value,
            (EV_KEY, BTN_TOUCH) if !self.multi => self.press(record.value != 0),
            _ => {}
        }
        Vec::new()
    }

    /// Lets go of the finger, as when the panel is unplugged.
    pub fn release(&mut self) -> Option<Contact> {
        self.followed = None;
        self.pressed = false;
        self.fresh = false;
        self.reported.take().map(|_| Contact::Lost)
    }

    fn track(&mut self, touches: bool) {
        self.multi = true;
        if touches && self.followed.is_none() && self.slot.is_some() {
            self.followed = self.slot;
            self.press(true);
        } else if !touches && self.followed.is_some() && self.followed == self.slot {
            self.followed = None;
            self.press(false);
        }
    }

    fn place(&mut self, change: impl FnOnce(&mut (i32, i32))) {
        self.multi = true;
        if let Some(slot) = self.slot {
            change(&mut self.places[slot]);
        }
    }

    fn press(&mut self, pressed: bool) {
        self.fresh |= pressed != self.pressed;
        self.pressed = pressed;
    }

    fn report(&mut self) -> Vec<Contact> {
        let mut contacts = Vec::new();
        let fresh = std::mem::take(&mut self.fresh);
        if (fresh || !self.pressed)
            && let Some(last) = self.reported.take()
        {
            contacts.push(Contact::Up(self.position(last)));
        }
        if self.pressed {
            let place = self.followed.map_or(self.single, |slot| self.places[slot]);
            match self.reported.replace(place) {
                None => contacts.push(Contact::Down(self.position(place))),
                Some(last) if last != place => contacts.push(Contact::Moved(self.position(place))),
                Some(_) => {}
            }
        }
        contacts
    }

    fn position(&self, (x, y): (i32, i32)) -> Position {
        Position { x: self.ranges.x.fraction(x), y: self.ranges.y.fraction(y) }
    }
}

impl Range {
    /// Where `value` lies between the edges; 0 when the range is empty.
    fn fraction(self, value: i32) -> f32 {
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        if max <= min {
            return 0.0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a fraction of a panel")]
        let fraction = ((f64::from(value) - min) / (max - min)).clamp(0.0, 1.0) as f32;
        fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RANGES: Ranges = Ranges { x: Range { min: 0, max: 100 }, y: Range { min: 0, max: 200 } };

    fn said(records: &[(u16, u16, i32)]) -> Vec<String> {
        let mut touch = Touch::new(RANGES);
        let records = records.iter().map(|(kind, code, value)| Record::new(*kind, *code, *value));
        records.flat_map(|record| touch.handle(record)).map(|contact| sentence(&contact)).collect()
    }

    fn sentence(contact: &Contact) -> String {
        match contact {
            Contact::Down(at) => format!("down {} {}", at.x, at.y),
            Contact::Moved(at) => format!("moved {} {}", at.x, at.y),
            Contact::Up(at) => format!("up {} {}", at.x, at.y),
            Contact::Lost => "lost".into(),
        }
    }

    const REPORT: (u16, u16, i32) = (EV_SYN, SYN_REPORT, 0);
    const DROPPED: (u16, u16, i32) = (EV_SYN, SYN_DROPPED, 0);

    fn slot(slot: i32) -> (u16, u16, i32) {
        (EV_ABS, ABS_MT_SLOT, slot)
    }

    fn id(id: i32) -> (u16, u16, i32) {
        (EV_ABS, ABS_MT_TRACKING_ID, id)
    }

    fn x(x: i32) -> (u16, u16, i32) {
        (EV_ABS, ABS_MT_POSITION_X, x)
    }

    fn y(y: i32) -> (u16, u16, i32) {
        (EV_ABS, ABS_MT_POSITION_Y, y)
    }

    #[test]
    fn a_finger_presses_slides_and_lifts() {
        let records = [id(5), x(50), y(50), REPORT, x(75), REPORT, id(-1), REPORT];
        assert_eq!(said(&records), ["down 0.5 0.25", "moved 0.75 0.25", "up 0.75 0.25"]);
    }

    #[test]
    fn a_second_tap_at_the_same_place_sends_no_place() {
        let records = [id(5), x(50), y(50), REPORT, id(-1), REPORT, id(6), REPORT];
        assert_eq!(said(&records), ["down 0.5 0.25", "up 0.5 0.25", "down 0.5 0.25"]);
    }

    #[test]
    fn a_second_finger_is_ignored() {
        let first = [id(5), x(50), y(50), REPORT];
        let second = [slot(1), id(6), x(10), y(10), REPORT, id(-1), REPORT];
        let records = [&first[..], &second, &[slot(0), id(-1), REPORT]].concat();
        assert_eq!(said(&records), ["down 0.5 0.25", "up 0.5 0.25"]);
    }

    #[test]
    fn lost_records_let_go_until_the_next_touch() {
        let records =
            [id(5), x(50), y(50), REPORT, DROPPED, x(9), REPORT, x(10), REPORT, id(7), REPORT];
        assert_eq!(said(&records), ["down 0.5 0.25", "lost", "down 0.1 0.25"]);
    }

    #[test]
    fn a_single_touch_panel_needs_no_slots() {
        let (press, lift) = ((EV_KEY, BTN_TOUCH, 1), (EV_KEY, BTN_TOUCH, 0));
        let records = [press, (EV_ABS, ABS_X, 100), (EV_ABS, ABS_Y, 0), REPORT, lift, REPORT];
        assert_eq!(said(&records), ["down 1 0", "up 1 0"]);
    }

    #[test]
    fn the_echo_of_a_multi_touch_panel_does_not_press_twice() {
        let echo = [(EV_KEY, BTN_TOUCH, 1), (EV_ABS, ABS_X, 50), (EV_ABS, ABS_Y, 50)];
        let records = [&[id(5), x(50), y(50)][..], &echo, &[REPORT]].concat();
        assert_eq!(said(&records), ["down 0.5 0.25"]);
    }

    proptest! {
        /// Whatever a panel sends, a finger that is up goes down next and the reverse.
        #[test]
        fn contacts_alternate(records in prop::collection::vec((0..4_u16, any::<u16>(), any::<i32>())
            .prop_map(|(kind, code, value)| match code % 9 {
                0 => (EV_SYN, SYN_REPORT, 0),
                1 => (EV_SYN, SYN_DROPPED, 0),
                2 => (EV_ABS, ABS_MT_SLOT, value % 20),
                3 => (EV_ABS, ABS_MT_TRACKING_ID, value),
                4 => (EV_KEY, BTN_TOUCH, value % 2),
                5 => (EV_ABS, ABS_MT_POSITION_X, value),
                _ => (kind, code, value),
            }), 0..200))
        {
            let mut down = false;
            for word in said(&records) {
                let verb = word.split(' ').next().unwrap_or_default();
                prop_assert_eq!(down, verb != "down", "{}", word);
                down = matches!(verb, "down" | "moved");
            }
        }
    }
}
