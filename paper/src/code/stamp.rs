//! What the square code says: hash, date and title, signed, and the certificate of the key.
//!
//! `GL1:` and base64url, without padding, of
//!
//! | bytes | |
//! |---|---|
//! | 32 | SHA-256 of the content |
//! | 8 | issued, seconds since 1970 UTC, big-endian as all numbers |
//! | 64 | the terminal's Ed25519 signature of `gulou document 1\0`, hash, issued, title |
//! | 32 | the terminal's document key |
//! | 8 | end of the key, seconds |
//! | 64 | the platform's signature of `gulou document key 1\0`, key, end, terminal |
//! | 1 + n | the terminal's name after its length |
//! | rest | the title |

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;

use super::{Certificate, CodeError, Hash, Keys, TITLE_MAX, whole_second};

const MARK: &str = "GL1:";
/// Longest stamp that is read, in characters.
const TEXT_MAX: usize = 1024;
/// Longest name of a terminal, in bytes.
const DEVICE_MAX: usize = 64;

/// A signed record of one paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub hash: Hash,
    pub issued: Timestamp,
    pub title: String,
    /// By the terminal.
    pub signature: Signature,
    /// Whose signature it is.
    pub certificate: Certificate,
}

impl Stamp {
    /// Signs with a terminal's key.
    pub fn new(
        hash: Hash,
        title: &str,
        issued: Timestamp,
        key: &SigningKey,
        of: &Certificate,
    ) -> Result<Self, CodeError> {
        let issued = whole_second(issued);
        let signature = key.sign(&signed_bytes(&hash, issued, title));
        let (title, certificate) = (title.to_owned(), of.clone());
        let stamp = Self { hash, issued, title, signature, certificate };
        stamp.check().map(|()| stamp)
    }

    /// Whether a terminal that the platform vouches for said all of it.
    pub fn verify(&self, keys: &Keys) -> Result<(), CodeError> {
        self.check()?;
        if !self.certificate.signed_by(&keys.platform) {
            return Err(CodeError::Certificate);
        }
        let bytes = signed_bytes(&self.hash, self.issued, &self.title);
        if self.certificate.key.verify_strict(&bytes, &self.signature).is_err() {
            return Err(CodeError::Signature);
        }
        if self.issued > self.certificate.until {
            return Err(CodeError::Late);
        }
        if keys.withdrawn.contains(&self.certificate.device) {
            return Err(CodeError::Withdrawn);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), CodeError> {
        let fits = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && !text.chars().any(char::is_control)
        };
        let good = fits(&self.title, TITLE_MAX) && fits(&self.certificate.device, DEVICE_MAX);
        if good { Ok(()) } else { Err(CodeError::Title) }
    }
}

fn signed_bytes(hash: &Hash, issued: Timestamp, title: &str) -> Vec<u8> {
    let mut bytes = b"gulou document 1\0".to_vec();
    bytes.extend(hash.0);
    bytes.extend(issued.as_second().to_be_bytes());
    bytes.extend(title.as_bytes());
    bytes
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Certificate { device, key, until, signature } = &self.certificate;
        let mut bytes = self.hash.0.to_vec();
        bytes.extend(self.issued.as_second().to_be_bytes());
        bytes.extend(self.signature.to_bytes());
        bytes.extend(key.as_bytes());
        bytes.extend(until.as_second().to_be_bytes());
        bytes.extend(signature.to_bytes());
        bytes.push(u8::try_from(device.len()).unwrap_or_default());
        bytes.extend(device.as_bytes());
        bytes.extend(self.title.as_bytes());
        write!(f, "{MARK}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Stamp {
    type Err = CodeError;

    /// The one parser of stamps; nothing is verified yet.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        let body = text.strip_prefix(MARK).filter(|_| text.len() <= TEXT_MAX);
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(body.ok_or(CodeError::Shape)?);
        parse(&bytes.map_err(|_| CodeError::Shape)?).ok_or(CodeError::Shape)
    }
}

fn parse(mut rest: &[u8]) -> Option<Stamp> {
    let hash = Hash(take(&mut rest)?);
    let issued = time(&mut rest)?;
    let signature = Signature::from_bytes(&take(&mut rest)?);
    let key = VerifyingKey::from_bytes(&take(&mut rest)?).ok()?;
    let until = time(&mut rest)?;
    let by_platform = Signature::from_bytes(&take(&mut rest)?);
    let [length] = take(&mut rest)?;
    let (device, title) = rest.split_at_checked(usize::from(length))?;
    let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let certificate = Certificate { device: words(device)?, key, until, signature: by_platform };
    let stamp = Stamp { hash, issued, title: words(title)?, signature, certificate };
    stamp.check().ok().map(|()| stamp)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

fn time(bytes: &mut &[u8]) -> Option<Timestamp> {
    Timestamp::from_second(i64::from_be_bytes(take(bytes)?)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ShortCode, verify};
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn terminal() -> (SigningKey, Certificate, Keys) {
        let (platform, key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let until = at("2027-01-01T00:00:00Z");
        let certificate = Certificate::new(&platform, "terminal-1", key.verifying_key(), until);
        (key, certificate, Keys { platform: platform.verifying_key(), withdrawn: [].into() })
    }

    fn stamp() -> (Stamp, Keys) {
        let (key, certificate, keys) = terminal();
        let issued = at("2026-11-23T08:00:00.5Z");
        (Stamp::new(Hash::of(b"content"), "无房证明", issued, &key, &certificate).unwrap(), keys)
    }

    #[test]
    fn a_paper_proves_itself_without_any_link() {
        let (stamp, keys) = stamp();
        let text = stamp.to_string();
        assert!(text.len() < 350, "{} signs fit on a receipt", text.len());
        assert_eq!(verify(&text, &Hash::of(b"content"), &keys), Ok(stamp));
        assert_eq!(verify(&text, &Hash::of(b"other"), &keys), Err(CodeError::Content));
    }

    #[test]
    fn the_platform_writes_the_same() {
        // Written by the platform's own code from the same keys, date and content.
        let golden = "GL1:7XACtDnprIRfIjV9giusFERzD722AW0-yUMil7nsn3MAAAAAawPygD8yNmkIo-FXHQZDd2HLiITrHqlxepbZtWQo\
        AArx7DI6WTl-trmWWpBHOZowgksy54UUGeXlNjPVcHEZouWc6w-BOXcOqH0XX1ajVGbDTH7My42KkbTuN6Jd9g9b\
        j8mzlAAAAABrNuyAyVC83KetPhYBe0rbb3iOKtrzmejn---ERuefiIxCy3HrItK8guQvRwqYkd1aITXZf4C17TyS\
        YPcnXxLf0qzADgp0ZXJtaW5hbC0x5peg5oi_6K-B5piO";
        assert_eq!(stamp().0.to_string(), golden);
        assert_eq!(ShortCode::of(&Hash::of(b"content")).to_string(), "XNR0-5D1S-X6PM");
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let (stamp, keys) = stamp();
        let changed = Stamp { title: "有房证明".to_owned(), ..stamp.clone() };
        assert_eq!(changed.verify(&keys), Err(CodeError::Signature));
        let changed = Stamp { issued: at("2026-11-22T08:00:00Z"), ..stamp.clone() };
        assert_eq!(changed.verify(&keys), Err(CodeError::Signature));
        let mut changed = stamp.clone();
        changed.certificate.device = "terminal-2".to_owned();
        assert_eq!(changed.verify(&keys), Err(CodeError::Certificate));
        let other = Keys { platform: stamp.certificate.key, ..keys };
        assert_eq!(stamp.verify(&other), Err(CodeError::Certificate));
    }

    #[test]
    fn a_key_ends_and_a_terminal_may_be_given_up() {
        let (key, certificate, mut keys) = terminal();
        let issued = at("2027-01-02T00:00:00Z");
        let late = Stamp::new(Hash::of(b""), "无房证明", issued, &key, &certificate).unwrap();
        assert_eq!(late.verify(&keys), Err(CodeError::Late));
        keys.withdrawn.insert("terminal-1".to_owned());
        assert_eq!(stamp().0.verify(&keys), Err(CodeError::Withdrawn));
    }

    #[test]
    fn anything_else_is_no_stamp() {
        let text = stamp().0.to_string();
        for cut in 0..text.len() - 12 {
            assert_eq!(text[..cut].parse::<Stamp>(), Err(CodeError::Shape), "{cut}");
        }
        assert!(format!("GL1:{}", "A".repeat(2000)).parse::<Stamp>().is_err());
    }

    proptest! {
        #[test]
        fn whatever_a_scanner_reads_is_a_stamp_or_not(bytes: Vec<u8>, text: String) {
            let coded = format!("GL1:{}", BASE64_URL_SAFE_NO_PAD.encode(&bytes));
            let _ = coded.parse::<Stamp>();
            let _ = text.parse::<Stamp>();
            let _ = text.parse::<ShortCode>();
        }

        #[test]
        fn no_changed_bit_verifies(bit in 0..8 * 229_usize) {
            let (stamp, keys) = stamp();
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&stamp.to_string()[4..]).unwrap();
            prop_assume!(bit < 8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = format!("GL1:{}", BASE64_URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert!(verify(&changed, &stamp.hash, &keys).is_err());
        }
    }
}
