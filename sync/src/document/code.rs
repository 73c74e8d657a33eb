//! Short codes: eleven signs of the hash and one that tells a slip of the finger.
//!
//! Crockford's base 32 leaves out I, L, O and U; what people type for them is read as 1, 1, 0 and refused.
//! The twelfth sign makes `Σ aⁱ·dᵢ` zero in GF(32), a generating the field: each single wrong sign and
//! each exchange of two different signs is noticed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Hash;

/// The digits in order.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Signs of a code.
const LENGTH: usize = 12;

/// Names a document for people who type; printed as `XXXX-XXXX-XXXX`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShortCode([u8; LENGTH]);

/// Why something typed is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not twelve signs of the alphabet.
    #[error("a code has 12 digits and letters, without I, L, O and U")]
    Shape,
    /// The check sign does not fit.
    #[error("a sign of the code is wrong: compare it with the paper")]
    Check,
}

impl ShortCode {
    /// The code of a document: 55 bits of its hash, and the check.
    pub fn of(hash: &Hash) -> Self {
        let mut signs = [0; LENGTH];
        let head: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7].map(|at| hash.0[at]);
        let mut bits = u64::from_be_bytes(head);
        for sign in &mut signs[..LENGTH - 1] {
            *sign = u8::try_from(bits >> 59).unwrap_or_default();
            bits <<= 5;
        }
        // The last sign weighs 1, so it is the sum of the others.
        signs[LENGTH - 1] = weighed(&signs);
        Self(signs)
    }
}

/// `Σ a^(11-i)·dᵢ` by Horner.
fn weighed(signs: &[u8; LENGTH]) -> u8 {
    signs.iter().fold(0, |sum, sign| doubled(sum) ^ sign)
}

/// Times `a` in GF(32) = GF(2)[a] / (a⁵ + a² + 1).
fn doubled(value: u8) -> u8 {
    let shifted = value << 1;
    if shifted & 32 == 0 { shifted } else { (shifted ^ 0b10_0101) & 31 }
}

impl FromStr for ShortCode {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut signs = [0; LENGTH];
        let mut count = 0;
        for sign in text.chars().filter(|sign| !matches!(sign, '-' | ' ')) {
            let plain = match sign.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let digit = DIGITS.iter().position(|digit| char::from(*digit) == plain);
            let place = signs.get_mut(count).ok_or(CodeError::Shape)?;
            *place = u8::try_from(digit.ok_or(CodeError::Shape)?).unwrap_or_default();
            count += 1;
        }
        if count != LENGTH {
            return Err(CodeError::Shape);
        }
        if weighed(&signs) == 0 { Ok(Self(signs)) } else { Err(CodeError::Check) }
    }
}

impl TryFrom<String> for ShortCode {
    type Error = CodeError;
    fn try_from(text: String) -> Result<Self, CodeError> {
        text.parse()
    }
}

impl From<ShortCode> for String {
    fn from(code: ShortCode) -> String {
        code.to_string()
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, sign) in self.0.iter().enumerate() {
            let dash = if at > 0 && at % 4 == 0 { "-" } else { "" };
            write!(f, "{dash}{}", char::from(DIGITS[usize::from(*sign)]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> ShortCode {
        ShortCode::of(&Hash::of("无房证明".as_bytes()))
    }

    #[test]
    fn a_code_is_read_however_people_type_it() {
        let text = code().to_string();
        assert_eq!(text.len(), 14);
        assert_eq!(text.parse(), Ok(code()));
        assert_eq!(text.replace('-', " ").to_lowercase().parse(), Ok(code()));
        let typed = text.replace('0', "o").replace('1', "l");
        assert_eq!(typed.parse(), Ok(code()));
    }

    #[test]
    fn every_wrong_sign_and_every_exchange_is_noticed() {
        for content in 0..50_u8 {
            let good = ShortCode::of(&Hash::of(&[content]));
            for at in 0..LENGTH {
                for other in (0..32).filter(|other| *other != good.0[at]) {
                    let mut signs = good.0;
                    signs[at] = other;
                    assert_eq!(
                        ShortCode(signs).to_string().parse::<ShortCode>(),
                        Err(CodeError::Check)
                    );
                }
                for with in (0..LENGTH).filter(|with| good.0[*with] != good.0[at]) {
                    let mut signs = good.0;
                    signs.swap(at, with);
                    assert_eq!(
                        ShortCode(signs).to_string().parse::<ShortCode>(),
                        Err(CodeError::Check)
                    );
                }
            }
        }
    }

    #[test]
    fn other_shapes_are_no_codes() {
        for text in ["", "ABCD", "U234-5678-9ABC", "0000-0000-0000-0", "证明"] {
            assert_eq!(text.parse::<ShortCode>(), Err(CodeError::Shape), "{text}");
        }
    }
}
