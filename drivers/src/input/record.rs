//! `struct input_event` of a 64-bit Linux, the form in which every input device speaks.
//!
//! ```text
//! seconds i64 | microseconds i64 | type u16 | code u16 | value i32
//! ```
//!
//! Numbers are in the byte order of the machine. The time is not used: a simulated device has no
//! clock that could be compared with ours.

/// Bytes of one record.
pub const LENGTH: usize = 24;

/// Types (`input-event-codes.h`).
pub const EV_SYN: u16 = 0;
/// A key or a button.
pub const EV_KEY: u16 = 1;
/// An absolute axis.
pub const EV_ABS: u16 = 3;
/// All records of one moment have been sent.
pub const SYN_REPORT: u16 = 0;
/// The kernel's buffer ran over: records are missing up to the next report.
pub const SYN_DROPPED: u16 = 3;

/// One change of one axis, key or state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// `EV_..`
    pub kind: u16,
    /// `KEY_..`, `ABS_..`, `BTN_..` or `SYN_..`
    pub code: u16,
    /// New value.
    pub value: i32,
}

/// Bytes that do not yet fill a record.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    rest: Vec<u8>,
}

impl Record {
    /// A record as [`parse`] reads it.
    pub const fn new(kind: u16, code: u16, value: i32) -> Self {
        Self { kind, code, value }
    }

    /// The bytes of this record at time 0, for a simulated device.
    pub fn bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[16..18].copy_from_slice(&self.kind.to_ne_bytes());
        bytes[18..20].copy_from_slice(&self.code.to_ne_bytes());
        bytes[20..24].copy_from_slice(&self.value.to_ne_bytes());
        bytes
    }
}

impl Reader {
    /// Takes what was read and gives the records it completes, at most one for each 24 bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Record> {
        self.rest.extend_from_slice(bytes);
        let (records, used) = parse(&self.rest);
        self.rest.drain(..used);
        records
    }
}

/// The one parser of input records: all whole records of `bytes`, and how many bytes they took.
pub fn parse(bytes: &[u8]) -> (Vec<Record>, usize) {
    let (whole, _) = bytes.as_chunks::<LENGTH>();
    let records: Vec<Record> = whole.iter().map(record).collect();
    let used = records.len() * LENGTH;
    (records, used)
}

fn record(bytes: &[u8; LENGTH]) -> Record {
    let [.., k0, k1, c0, c1, v0, v1, v2, v3] = *bytes;
    Record {
        kind: u16::from_ne_bytes([k0, k1]),
        code: u16::from_ne_bytes([c0, c1]),
        value: i32::from_ne_bytes([v0, v1, v2, v3]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_cut_anywhere_is_read_once_whole() {
        let touch = Record::new(EV_ABS, 0x35, -7);
        let bytes = touch.bytes();
        for cut in 0..=LENGTH {
            let mut reader = Reader::default();
            let mut records = reader.feed(&bytes[..cut]);
            records.extend(reader.feed(&bytes[cut..]));
            assert_eq!(records, [touch], "cut after {cut} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_records_and_a_rest_shorter_than_one(bytes: Vec<u8>) {
            let (records, used) = parse(&bytes);
            prop_assert_eq!(records.len() * LENGTH, used);
            prop_assert!(bytes.len() - used < LENGTH);
        }
    }
}
