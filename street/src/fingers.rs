//! The fingers of whoever stands at the terminal: two pipes that serve it as touch panel and as keypad.
//!
//! They carry the records of a real device (`drivers::input`). A finger on a terminal that is switched off
//! leaves no trace: nobody reads the pipe then, and nothing waits in it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use drivers::input::Record;
use drivers::input::record::{EV_ABS, EV_KEY, EV_SYN, SYN_REPORT};
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde::{Deserialize, Serialize};

// Codes of `input-event-codes.h`; multi-touch protocol B.
const ABS_MT_POSITION_X: u16 = 0x35;
const ABS_MT_POSITION_Y: u16 = 0x36;
const ABS_MT_TRACKING_ID: u16 = 0x39;
/// The one finger there is.
const FINGER: i32 = 1;
/// No finger.
const LIFTED: i32 = -1;

/// The terminal's touch panel and keypad.
#[derive(Debug, Clone)]
pub struct Fingers {
    touch: PathBuf,
    keypad: PathBuf,
}

/// One thing a finger does, in pixels of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touch {
    /// From the left.
    pub x: i32,
    /// From the top.
    pub y: i32,
    /// What it does there.
    pub contact: Contact,
}

/// See [`Touch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contact {
    /// It touches the glass.
    Down,
    /// It slides.
    Move,
    /// It lifts.
    Up,
}

/// A key of the tactile keypad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are called what stands on them")]
pub enum Key {
    Up,
    Down,
    Left,
    Right,
    Select,
    Back,
    Help,
    Rate,
    VolumeDown,
    VolumeUp,
    Pause,
}

impl Fingers {
    /// Lays the pipes in `folder`.
    pub fn lay(folder: &Path) -> io::Result<Fingers> {
        let fingers = Fingers { touch: folder.join("touch"), keypad: folder.join("keypad") };
        for pipe in [&fingers.touch, &fingers.keypad] {
            if !pipe.exists() {
                mkfifo(pipe, Mode::S_IRUSR | Mode::S_IWUSR)?;
            }
        }
        Ok(fingers)
    }

    /// The pipe that serves as touch panel.
    pub fn touch_panel(&self) -> &Path {
        &self.touch
    }

    /// The pipe that serves as keypad.
    pub fn keypad(&self) -> &Path {
        &self.keypad
    }

    /// Touches the glass; an error when the terminal does not feel it.
    pub fn touch(&self, touch: Touch) -> io::Result<()> {
        send(&self.touch, &contact(touch))
    }

    /// Presses a key and lets it go.
    pub fn press(&self, key: Key) -> io::Result<()> {
        let change = |down| Record::new(EV_KEY, key.code(), down);
        send(&self.keypad, &[change(1), report(), change(0), report()])
    }
}

impl Key {
    /// As the kernel numbers keys.
    const fn code(self) -> u16 {
        match self {
            Key::Up => 103,
            Key::Down => 108,
            Key::Left => 105,
            Key::Right => 106,
            Key::Select => 28,
            Key::Back => 158,
            Key::Help => 138,
            Key::Rate => 60,
            Key::VolumeDown => 114,
            Key::VolumeUp => 115,
            Key::Pause => 119,
        }
    }
}

fn contact(Touch { x, y, contact }: Touch) -> Vec<Record> {
    let place =
        [Record::new(EV_ABS, ABS_MT_POSITION_X, x), Record::new(EV_ABS, ABS_MT_POSITION_Y, y)];
    let tracked = |id| Record::new(EV_ABS, ABS_MT_TRACKING_ID, id);
    let mut records = match contact {
        Contact::Down => vec![tracked(FINGER)],
        Contact::Move => vec![],
        Contact::Up => return vec![tracked(LIFTED), report()],
    };
    records.extend(place);
    records.push(report());
    records
}

const fn report() -> Record {
    Record::new(EV_SYN, SYN_REPORT, 0)
}

/// All records at once: so few bytes are never torn apart in a pipe.
fn send(pipe: &Path, records: &[Record]) -> io::Result<()> {
    let bytes: Vec<u8> = records.iter().flat_map(|record| record.bytes()).collect();
    let mut open = OpenOptions::new();
    // Opening a pipe that nobody reads fails instead of waiting.
    open.write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(pipe)?.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use drivers::input::{Contact as Felt, Kind, Range, Ranges, Said, Source};

    use super::*;

    const RANGES: Ranges =
        Ranges { x: Range { min: 0, max: 1000 }, y: Range { min: 0, max: 1000 } };

    fn said(source: &mut Source) -> Vec<Said> {
        let mut said = Vec::new();
        source.read(Duration::ZERO, &mut said).unwrap();
        said
    }

    #[test]
    fn the_terminals_own_driver_feels_a_press_a_slide_and_a_release() {
        let folder = tempfile::tempdir().unwrap();
        let fingers = Fingers::lay(folder.path()).unwrap();
        let mut panel = Source::new(fingers.touch_panel(), Kind::Touch { ranges: RANGES });
        panel.reopen().unwrap();
        for (x, contact) in [(100, Contact::Down), (200, Contact::Move), (200, Contact::Up)] {
            fingers.touch(Touch { x, y: 500, contact }).unwrap();
        }
        let felt: Vec<String> = said(&mut panel)
            .iter()
            .map(|said| match said {
                Said::Touch(Felt::Down(at)) => format!("down {} {}", at.x, at.y),
                Said::Touch(Felt::Moved(at)) => format!("moved {} {}", at.x, at.y),
                Said::Touch(Felt::Up(at)) => format!("up {} {}", at.x, at.y),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(felt, ["down 0.1 0.5", "moved 0.2 0.5", "up 0.2 0.5"]);
    }

    #[test]
    fn each_key_is_another_one_to_the_keypad_and_is_let_go() {
        use Key::{Back, Down, Help, Left, Pause, Rate, Right, Select, Up, VolumeDown, VolumeUp};
        let folder = tempfile::tempdir().unwrap();
        let fingers = Fingers::lay(folder.path()).unwrap();
        let mut keypad = Source::new(fingers.keypad(), Kind::Keypad);
        keypad.reopen().unwrap();
        for key in [Up, Down, Left, Right, Select, Back, Help, Rate, VolumeDown, VolumeUp, Pause] {
            fingers.press(key).unwrap();
            let names: Vec<String> = said(&mut keypad)
                .into_iter()
                .map(|said| match said {
                    Said::Key(press) => format!("{:?} {}", press.key, press.down),
                    other => format!("{other:?}"),
                })
                .collect();
            let pad = format!("Pad({key:?})");
            assert_eq!(names, [format!("{pad} true"), format!("{pad} false")]);
        }
    }

    #[test]
    fn nobody_feels_a_finger_on_a_terminal_that_is_off() {
        let folder = tempfile::tempdir().unwrap();
        let fingers = Fingers::lay(folder.path()).unwrap();
        assert!(fingers.press(Key::Select).is_err());
        let mut keypad = Source::new(fingers.keypad(), Kind::Keypad);
        keypad.reopen().unwrap();
        assert_eq!(said(&mut keypad), [], "and nothing is felt later");
    }
}
