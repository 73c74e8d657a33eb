//! Keys that a person in front of a terminal may press; every other key does nothing.
//!
//! | keypad | also sent by | meaning |
//! |---|---|---|
//! | Up, Down | arrows | previous, next thing on the page |
//! | Left, Right | arrows | smaller, larger; previous, next page |
//! | Select | Enter, keypad Enter, OK | do it |
//! | Back | Esc, Back | one step back |
//! | Help | F1, Help | what is this |
//! | Rate | F2 | speak slower, faster |
//! | volume down, up | F3, F4, volume keys | softer, louder |
//! | Pause | F5, Pause, Play/Pause | stop speaking, go on |
//!
//! There is no key that quits, switches consoles, copies or selects all: Ctrl, Alt and Super are not
//! even followed. Held keys do not repeat, so that a slow or shaking hand enters once
//! (EN 301 549, 5.7 and 5.8).

use super::record::{EV_KEY, Record};

/// A key of the keypad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pad {
    /// To the previous thing.
    Up,
    /// To the next thing.
    Down,
    /// Smaller, or the previous page.
    Left,
    /// Larger, or the next page.
    Right,
    /// Do it.
    Select,
    /// One step back.
    Back,
    /// Say what this is.
    Help,
    /// Speak slower or faster.
    Rate,
    /// Softer.
    VolumeDown,
    /// Louder.
    VolumeUp,
    /// Stop speaking, or go on.
    Pause,
}

/// A key that is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Of the keypad.
    Pad(Pad),
    /// A character of a keyboard.
    Text(char),
    /// Deletes the character before the cursor.
    Backspace,
}

/// One change of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// Which.
    pub key: Key,
    /// Down, or up again.
    pub down: bool,
}

/// Which keys a device may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// The eleven of the keypad.
    Keypad,
    /// Those and text.
    Text,
}

/// Follows one keypad or keyboard.
#[derive(Debug, Clone)]
pub struct Keys {
    allowed: Allowed,
    shift: Shift,
}

/// Which Shift keys are held.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shift {
    left: bool,
    right: bool,
}

impl Keys {
    /// No key held yet.
    pub fn new(allowed: Allowed) -> Self {
        Self { allowed, shift: Shift::default() }
    }

    /// Takes one record; says which allowed key changed.
    pub fn handle(&mut self, record: Record) -> Option<Press> {
        let down = pressed(record)?;
        self.shift.follow(record.code, down);
        let text = || match self.allowed {
            Allowed::Keypad => None,
            Allowed::Text => text(record.code, self.shift.held()),
        };
        let key = pad(record.code).map(Key::Pad).or_else(text)?;
        Some(Press { key, down })
    }

    /// Lets go of Shift.
    pub(super) fn release(&mut self) {
        self.shift = Shift::default();
    }
}

impl Shift {
    const LEFT: u16 = 42;
    const RIGHT: u16 = 54;

    pub(super) fn follow(&mut self, code: u16, down: bool) {
        match code {
            Self::LEFT => self.left = down,
            Self::RIGHT => self.right = down,
            _ => {}
        }
    }

    pub(super) fn held(self) -> bool {
        self.left || self.right
    }
}

/// Whether a key goes down (1) or up (0); the kernel's repeats (2) are no change.
pub(super) fn pressed(record: Record) -> Option<bool> {
    match (record.kind, record.value) {
        (EV_KEY, 0) => Some(false),
        (EV_KEY, 1) => Some(true),
        _ => None,
    }
}

fn pad(code: u16) -> Option<Pad> {
    Some(match code {
        103 => Pad::Up,
        108 => Pad::Down,
        105 => Pad::Left,
        106 => Pad::Right,
        28 | 96 | 0x160 | 0x161 => Pad::Select,
        1 | 158 => Pad::Back,
        59 | 138 => Pad::Help,
        60 => Pad::Rate,
        61 | 114 => Pad::VolumeDown,
        62 | 115 => Pad::VolumeUp,
        63 | 119 | 164 => Pad::Pause,
        _ => return None,
    })
}

fn text(code: u16, shift: bool) -> Option<Key> {
    match code {
        14 => Some(Key::Backspace),
        code => character(code, shift).map(Key::Text),
    }
}

/// Rows of a US keyboard by the code of their first key, plain and with Shift.
const ROWS: [(u16, &str, &str); 7] = [
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
    (71, "789-456+1230.", "789-456+1230."),
    (55, "*", "*"),
];

/// The character of a key of a US keyboard, which is what scanners and keyboards here send.
pub(super) fn character(code: u16, shift: bool) -> Option<char> {
    ROWS.iter().find_map(|(first, plain, shifted)| {
        let row = if shift { shifted } else { plain };
        row.chars().nth(usize::from(code.checked_sub(*first)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(allowed: Allowed, codes: &[(u16, i32)]) -> Vec<Key> {
        let mut keys = Keys::new(allowed);
        let records = codes.iter().map(|(code, value)| Record::new(EV_KEY, *code, *value));
        let presses = records.filter_map(|record| keys.handle(record));
        presses.filter(|press| press.down).map(|press| press.key).collect()
    }

    #[test]
    fn a_keypad_has_eleven_keys_and_no_letters() {
        let all: Vec<(u16, i32)> = (0..0x2ff).map(|code| (code, 1)).collect();
        let mut kinds: Vec<String> =
            typed(Allowed::Keypad, &all).iter().map(|key| format!("{key:?}")).collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), 11, "{kinds:?}");
    }

    #[test]
    fn ctrl_alt_delete_and_console_switches_are_nothing() {
        let (ctrl, alt, delete, backspace, f12, sysrq) = (29, 56, 111, 14, 88, 99);
        assert_eq!(typed(Allowed::Text, &[(ctrl, 1), (alt, 1), (delete, 1)]), []);
        assert_eq!(typed(Allowed::Text, &[(alt, 1), (sysrq, 1), (f12, 1)]), []);
        assert_eq!(typed(Allowed::Keypad, &[(ctrl, 1), (alt, 1), (backspace, 1)]), []);
    }

    #[test]
    fn shift_is_followed_and_repeats_are_not() {
        let (shift, a, one) = (42, 30, 2);
        let codes = [(a, 1), (a, 2), (a, 0), (shift, 1), (a, 1), (one, 1), (shift, 0), (one, 1)];
        let want = ['a', 'A', '!', '1'].map(Key::Text);
        assert_eq!(typed(Allowed::Text, &codes), want);
    }

    #[test]
    fn every_printable_character_has_a_key() {
        let typed: Vec<char> = [false, true]
            .iter()
            .flat_map(|shift| (0..256).filter_map(|code| character(code, *shift)))
            .collect();
        for character in ' '..='~' {
            assert!(typed.contains(&character), "{character}");
        }
    }
}
