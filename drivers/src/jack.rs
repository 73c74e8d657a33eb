//! Headphone jack: the switch that the sound card's input device reports (`SW_HEADPHONE_INSERT`).
//!
//! Records of 24 bytes, as `struct input_event` on 64-bit Linux: time, type, code, value.
//! A FIFO that carries such records stands in for the device.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::fcntl::OFlag;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

use crate::ioctl;

/// Length of a record.
pub const RECORD_LEN: usize = 24;
/// Type of switches, and the switch in the jack (linux/input-event-codes.h).
const EV_SW: u16 = 0x05;
const SW_HEADPHONE_INSERT: u16 = 0x02;

/// A headphone jack.
#[derive(Debug)]
pub struct Jack {
    records: pipe::Receiver,
    /// Where it stood when it was opened; told first.
    first: Option<bool>,
}

impl Jack {
    /// Opens the input device at `path`, such as `/dev/input/by-path/…-event`.
    pub fn open(path: &Path) -> io::Result<Self> {
        // For writing too, so that a FIFO without a writer is silent instead of at its end.
        let flags = OFlag::O_NONBLOCK.bits();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open(path)
            .or_else(|_| OpenOptions::new().read(true).custom_flags(flags).open(path))?;
        let first = ioctl::is_switched(&file, SW_HEADPHONE_INSERT);
        // An input device is read like a pipe, in whole records.
        Ok(Self { records: pipe::Receiver::from_file_unchecked(file)?, first })
    }

    /// Whether headphones are in, each time that changes. Cancel safe on a device, which gives whole records.
    pub async fn next(&mut self) -> io::Result<bool> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        loop {
            let mut record = [0; RECORD_LEN];
            self.records.read_exact(&mut record).await?;
            if let Some(inserted) = parse(&record) {
                return Ok(inserted);
            }
        }
    }
}

/// The one parser of records: whether headphones are in; none when it tells of something else.
pub fn parse(record: &[u8; RECORD_LEN]) -> Option<bool> {
    let number = |at: usize| u16::from_ne_bytes([record[at], record[at + 1]]);
    let value = i32::from_ne_bytes([record[20], record[21], record[22], record[23]]);
    ((number(16), number(18)) == (EV_SW, SW_HEADPHONE_INSERT)).then_some(value != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn record(kind: u16, code: u16, value: i32) -> [u8; RECORD_LEN] {
        let mut record = [0x5A; RECORD_LEN];
        record[16..18].copy_from_slice(&kind.to_ne_bytes());
        record[18..20].copy_from_slice(&code.to_ne_bytes());
        record[20..].copy_from_slice(&value.to_ne_bytes());
        record
    }

    #[tokio::test]
    async fn a_fifo_stands_in_for_the_jack() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jack");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut jack = Jack::open(&path).unwrap();
        let mut far = OpenOptions::new().write(true).open(&path).unwrap();
        for (kind, code, value) in [(EV_SW, 2, 1), (0, 0, 0), (EV_SW, 4, 1), (EV_SW, 2, 0)] {
            far.write_all(&record(kind, code, value)).unwrap();
        }
        assert!(jack.next().await.unwrap());
        assert!(!jack.next().await.unwrap(), "a microphone's switch is another one");
    }
}
