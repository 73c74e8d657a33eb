//! Short codes: eleven signs of the hash and a twelfth that tells a slip of the finger.
//!
//! Crockford's base 32 has no I, L, O and U; the first three are read as 1, 1 and 0.
//! Signs are numbers of GF(32) = GF(2)[a]/(a⁵+a²+1). The last makes `Σ a^(11-i)·dᵢ` zero, so that
//! every single wrong sign and every exchange of two different signs is noticed.

use std::fmt;
use std::str::FromStr;

use super::Hash;

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// Names a document for people who type; printed as `XXXX-XXXX-XXXX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShortCode([u8; LENGTH]);

/// Why something typed is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Typo {
    #[error("a code has 12 digits and letters, without I, L, O and U")]
    Shape,
    #[error("a sign of the code is wrong: compare it with the paper")]
    Check,
}

impl ShortCode {
    /// The code of a document: the first 55 bits of its hash, and the check.
    pub fn of(hash: &Hash) -> Self {
        let bits = hash.0[..8].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut signs = [0; LENGTH];
        for (at, sign) in signs[..LENGTH - 1].iter_mut().enumerate() {
            *sign = (bits >> (59 - 5 * at) & 31) as u8;
        }
        // The last sign weighs 1, so it is the sum of the others.
        signs[LENGTH - 1] = sum(&signs);
        Self(signs)
    }
}

fn sum(signs: &[u8; LENGTH]) -> u8 {
    let times_a = |value: u8| if value & 16 == 0 { value << 1 } else { (value << 1) ^ 0b10_0101 };
    signs.iter().fold(0, |sum, sign| times_a(sum) ^ sign)
}

impl FromStr for ShortCode {
    type Err = Typo;

    /// The one parser of short codes, lenient with what people type.
    fn from_str(text: &str) -> Result<Self, Typo> {
        let typed = text.chars().filter(|sign| !matches!(sign, '-' | ' '));
        let digits: Option<Vec<u8>> = typed.take(LENGTH + 1).map(digit).collect();
        let signs = digits.and_then(|digits| digits.try_into().ok()).ok_or(Typo::Shape)?;
        if sum(&signs) == 0 { Ok(Self(signs)) } else { Err(Typo::Check) }
    }
}

fn digit(sign: char) -> Option<u8> {
    let plain = match sign.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    (0..).zip(DIGITS).find(|(_, digit)| char::from(**digit) == plain).map(|(value, _)| value)
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.0.chunks(GROUP).map(|group| {
            group.iter().map(|sign| char::from(DIGITS[usize::from(*sign)])).collect::<String>()
        });
        f.write_str(&groups.collect::<Vec<_>>().join("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_head_of_the_hash() {
        // SHA-256 of nothing begins e3b0c44298fc1c14.
        let code = ShortCode::of(&Hash::of(b"")).to_string();
        assert_eq!(&code[..13], "WERC-8GMR-ZGE");
    }

    #[test]
    fn a_code_is_read_however_people_type_it() {
        let code = ShortCode::of(&Hash::of("无房证明".as_bytes()));
        let text = code.to_string();
        assert_eq!(text.parse(), Ok(code));
        assert_eq!(text.replace('-', " ").to_lowercase().parse(), Ok(code));
        assert_eq!(text.replace('0', "o").replace('1', "l").parse(), Ok(code));
    }

    #[test]
    fn every_wrong_sign_and_every_exchange_is_noticed() {
        let good = ShortCode::of(&Hash::of(b"good"));
        for at in 0..LENGTH {
            for other in (0..32).filter(|other| *other != good.0[at]) {
                let mut signs = good.0;
                signs[at] = other;
                assert_ne!(sum(&signs), 0);
            }
            for with in (0..LENGTH).filter(|with| good.0[*with] != good.0[at]) {
                let mut signs = good.0;
                signs.swap(at, with);
                assert_ne!(sum(&signs), 0);
            }
        }
        assert_eq!("0000-0000-0001".parse::<ShortCode>(), Err(Typo::Check));
    }

    #[test]
    fn other_shapes_are_no_codes() {
        for text in ["", "ABCD", "U234-5678-9ABC", "0000-0000-0000-0", "证明"] {
            assert_eq!(text.parse::<ShortCode>(), Err(Typo::Shape), "{text}");
        }
    }
}
