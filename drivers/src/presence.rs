//! Presence sensor: a file whose first byte says whether somebody stands in front.
//!
//! `/sys/class/gpio/gpioN/value`, an IIO threshold or what a radar module's daemon writes: `1` is somebody.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::Duration;

/// How often the file is worth a look.
pub const LOOK_PERIOD: Duration = Duration::from_millis(200);
/// People sway; who was not seen for so long has left.
const HOLD: Duration = Duration::from_secs(3);

/// A presence sensor.
#[derive(Debug)]
pub struct Presence {
    path: PathBuf,
    steady: Steady,
}

/// Holds a presence over short gaps. Time is a duration since the start.
#[derive(Debug, Default)]
struct Steady {
    seen_at: Option<Duration>,
}

/// Why the sensor says nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("presence sensor: {0}")]
    File(#[from] io::Error),
    /// The file says something else.
    #[error("presence sensor says {0:#04x} instead of 0 or 1")]
    Level(u8),
}

impl Presence {
    /// The sensor behind the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), steady: Steady::default() }
    }

    /// Whether somebody stands in front, or did a moment ago.
    pub fn look(&mut self, now: Duration) -> Result<bool, Error> {
        let mut level = [0];
        // Opened anew each time, because sysfs shows a new value only then.
        File::open(&self.path)?.read_exact(&mut level)?;
        Ok(self.steady.hold(now, parse(level[0])?))
    }
}

/// The one parser of levels.
fn parse(level: u8) -> Result<bool, Error> {
    match level {
        b'0' => Ok(false),
        b'1' => Ok(true),
        other => Err(Error::Level(other)),
    }
}

impl Steady {
    fn hold(&mut self, now: Duration, seen: bool) -> bool {
        if seen {
            self.seen_at = Some(now);
        }
        self.seen_at.is_some_and(|at| now.saturating_sub(at) < HOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_who_sways_has_not_left() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut sensor = Presence::new(file.path());
        let mut look = |second: u64, level: &str| {
            std::fs::write(file.path(), level).unwrap();
            sensor.look(Duration::from_secs(second)).ok()
        };
        assert_eq!(look(0, "0\n"), Some(false));
        assert_eq!(look(1, "1\n"), Some(true));
        assert_eq!(look(3, "0\n"), Some(true), "for a moment longer");
        assert_eq!(look(4, "0\n"), Some(false));
        assert_eq!((look(5, "x"), look(6, "")), (None, None), "no level is no answer");
    }
}
