//! Frames of the SAM-V security module: `AA AA AA 96 69`, length, body, exclusive or.
//!
//! The length counts body and checksum, high byte first; the checksum covers length and body.

/// What every frame begins with.
const HEADER: [u8; 5] = [0xAA, 0xAA, 0xAA, 0x96, 0x69];
/// Bytes of the length.
const LENGTH_LEN: usize = 2;
/// Three status bytes and the checksum: the shortest answer.
const LENGTH_MIN: usize = 4;
/// Longest answer that is believed; text, photo and two fingerprints take 2,314.
pub const LENGTH_MAX: usize = 4096;
/// Most bytes that belong to one frame.
pub const FRAME_MAX: usize = HEADER.len() + LENGTH_LEN + LENGTH_MAX;

/// A question to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Is the module well?
    Status,
    /// Is there a card that was not read yet?
    Find,
    /// Take the card that was found.
    Select,
    /// Text and photo of the card that was taken.
    Read,
    /// The latest address: answered only while the card that was read still lies there.
    Probe,
}

/// Third status byte of an answer.
pub mod status {
    /// Done.
    pub const OK: u8 = 0x90;
    /// A card was found.
    pub const FOUND: u8 = 0x9F;
    /// The card carries no such item.
    pub const NO_ITEM: u8 = 0x91;
    /// There is no card, or none that was not read yet.
    pub const NO_CARD: u8 = 0x80;
    /// The reader doesn't know the command.
    pub const BAD_COMMAND: u8 = 0x21;
    /// The reader doesn't know the command either.
    pub const UNKNOWN_COMMAND: u8 = 0x24;
}

/// An intact answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The status byte that says how it went; the two before it are always zero.
    pub status: u8,
    /// What follows the status.
    pub data: &'a [u8],
}

/// What the first bytes of a line are.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// An intact answer, which ends after so many bytes.
    Reply(Reply<'a>, usize),
    /// A frame whose checksum or length is wrong; the search goes on after so many bytes.
    Damaged(usize),
    /// No whole frame yet; so many bytes belong to none.
    More(usize),
}

impl Command {
    /// The frame that asks.
    pub fn frame(self) -> [u8; 10] {
        let (command, parameter) = match self {
            Self::Status => (0x11, 0xFF),
            Self::Find => (0x20, 0x01),
            Self::Select => (0x20, 0x02),
            Self::Read => (0x30, 0x01),
            Self::Probe => (0x30, 0x03),
        };
        let sum = 3 ^ command ^ parameter;
        [0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x00, 0x03, command, parameter, sum]
    }
}

/// The one parser of answers. It never reads past a frame and always makes progress on a damaged one.
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some(start) = bytes.windows(HEADER.len()).position(|window| window == HEADER) else {
        return Parsed::More(bytes.len() - beginning(bytes));
    };
    let after_header = start + HEADER.len();
    let Some((length, rest)) = bytes[after_header..].split_first_chunk::<LENGTH_LEN>() else {
        return Parsed::More(start);
    };
    let count = usize::from(u16::from_be_bytes(*length));
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&count) {
        return Parsed::Damaged(after_header);
    }
    let Some(body) = rest.get(..count) else { return Parsed::More(start) };
    // A sum that includes its own checksum is zero.
    let sum = length.iter().chain(body).fold(0, |sum, byte| sum ^ byte);
    let [_, _, status, data @ .., _] = body else { return Parsed::Damaged(after_header) };
    if sum != 0 {
        return Parsed::Damaged(after_header);
    }
    Parsed::Reply(Reply { status: *status, data }, after_header + LENGTH_LEN + count)
}

/// How many bytes at the end of `bytes` may be the beginning of a header.
fn beginning(bytes: &[u8]) -> usize {
    (1..HEADER.len()).rev().find(|length| bytes.ends_with(&HEADER[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FOUND: [u8; 15] =
        [0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x00, 0x08, 0x00, 0x00, 0x9F, 0, 0, 0, 0, 0x97];

    #[test]
    fn questions_are_those_of_the_protocol_page() {
        let tail = |command: Command| command.frame()[5..].to_vec();
        assert_eq!(tail(Command::Status), [0x00, 0x03, 0x11, 0xFF, 0xED]);
        assert_eq!(tail(Command::Find), [0x00, 0x03, 0x20, 0x01, 0x22]);
        assert_eq!(tail(Command::Select), [0x00, 0x03, 0x20, 0x02, 0x21]);
        assert_eq!(tail(Command::Read), [0x00, 0x03, 0x30, 0x01, 0x32]);
        assert_eq!(tail(Command::Probe), [0x00, 0x03, 0x30, 0x03, 0x30]);
    }

    #[test]
    fn an_answer_is_found_behind_garbage_and_half_a_header() {
        let reply = Reply { status: status::FOUND, data: &[0; 4] };
        assert_eq!(parse(&FOUND), Parsed::Reply(reply, 15));
        let noisy = [&[0x00, 0xAA, 0xAA][..], &FOUND, &[0x7F]].concat();
        assert_eq!(parse(&noisy), Parsed::Reply(reply, 18));
    }

    #[test]
    fn a_truncated_answer_waits_and_noise_is_dropped() {
        for length in 1..FOUND.len() {
            assert_eq!(parse(&FOUND[..length]), Parsed::More(0), "{length} bytes");
        }
        assert_eq!(parse(&[1, 2, 3]), Parsed::More(3));
        assert_eq!(parse(&[1, 2, 3, 0xAA, 0xAA]), Parsed::More(3));
    }

    #[test]
    fn a_damaged_or_endless_frame_is_left_at_its_header() {
        for index in 7..FOUND.len() {
            let mut damaged = FOUND;
            damaged[index] ^= 0x40;
            assert_eq!(parse(&damaged), Parsed::Damaged(5), "byte {index}");
        }
        let long = [0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x10, 0x01];
        assert_eq!(parse(&long), Parsed::Damaged(5));
        let short = [0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x00, 0x03];
        assert_eq!(parse(&short), Parsed::Damaged(5));
    }

    proptest! {
        #[test]
        fn whatever_comes_the_parser_goes_on(bytes in proptest::collection::vec(
            prop_oneof![Just(0xAA), Just(0x96), Just(0x69), Just(0u8), any::<u8>()], 0..200,
        )) {
            let mut rest = &bytes[..];
            loop {
                match parse(rest) {
                    Parsed::Reply(_, used) | Parsed::Damaged(used) => {
                        prop_assert!(used > 0 && used <= rest.len());
                        rest = &rest[used..];
                    }
                    Parsed::More(noise) => {
                        prop_assert!(noise <= rest.len());
                        break;
                    }
                }
            }
        }
    }
}
