//! One-time codes by time (RFC 6238): HMAC-SHA-1, steps of 30 seconds, six digits.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Deserializer};
use sha1::Sha1;

/// Length of a step.
const STEP_SECONDS: u64 = 30;
/// A code may be one step old or early: people type slowly, and clocks differ.
const SKEW_STEPS: u64 = 1;
/// The shortest secret, in bytes (RFC 4226, R6).
const SECRET_MIN: usize = 16;

/// What codes are made from; an authenticator has the same.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the secret is not base 32: letters A-Z and digits 2-7")]
    Base32,
    #[error("the secret is too short: at least {SECRET_MIN} bytes, which are 26 signs")]
    Short,
}

impl Secret {
    /// Reads base 32, as authenticators show it: spaces and small letters are allowed.
    pub fn parse(text: &str) -> Result<Secret, SecretError> {
        let plain: String = text.chars().filter(|sign| *sign != ' ' && *sign != '=').collect();
        let bytes = BASE32_NOPAD.decode(plain.to_ascii_uppercase().as_bytes());
        let bytes = bytes.map_err(|_| SecretError::Base32)?;
        if bytes.len() < SECRET_MIN { Err(SecretError::Short) } else { Ok(Secret(bytes)) }
    }

    /// The step whose code this is, around this second since 1970; none where it is wrong.
    pub(super) fn step_of(&self, code: &str, seconds: u64) -> Option<u64> {
        let step = seconds / STEP_SECONDS;
        let near = step.saturating_sub(SKEW_STEPS)..=step + SKEW_STEPS;
        let is_code = code.len() == 6 && code.bytes().all(|sign| sign.is_ascii_digit());
        near.filter(|_| is_code).find(|step| format!("{:06}", self.code(*step) % 1_000_000) == code)
    }

    /// The code of a step with all its digits (RFC 4226, 5.3).
    fn code(&self, step: u64) -> u32 {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return 0 };
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let offset = usize::from(digest[19] & 0xf);
        let four = [digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]];
        u32::from_be_bytes(four) & 0x7fff_ffff
    }

    /// The six digits at this second, as an authenticator shows them.
    pub fn shown(&self, seconds: u64) -> String {
        format!("{:06}", self.code(seconds / STEP_SECONDS) % 1_000_000)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        Secret::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret(b"12345678901234567890".to_vec())
    }

    /// RFC 6238, appendix B, the rows of SHA-1.
    #[test]
    fn the_codes_of_the_standard_come_out() {
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(secret().code(seconds / STEP_SECONDS) % 100_000_000, code);
        }
    }

    #[test]
    fn a_code_is_right_for_one_step_on_either_side() {
        let (secret, code) = (secret(), secret().shown(1000 * 30));
        let right = |step: u64| secret.step_of(&code, step * 30 + 29);
        assert_eq!(
            [998, 999, 1000, 1001, 1002].map(right),
            [None, Some(1000), Some(1000), Some(1000), None]
        );
        assert_eq!(secret.step_of("", 0), None);
        assert_eq!(secret.step_of("１２３４５６", 0), None);
    }

    #[test]
    fn a_secret_is_read_as_authenticators_show_it() {
        let shown = "gezd gnbv gy3t qojq gezd gnbv gy3t qojq";
        assert_eq!(Secret::parse(shown).unwrap().0, secret().0);
        assert_eq!(Secret::parse("GEZDGNBV").unwrap_err(), SecretError::Short);
        assert_eq!(Secret::parse("18!").unwrap_err(), SecretError::Base32);
    }
}
