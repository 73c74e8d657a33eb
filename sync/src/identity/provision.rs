//! The one line that an installer gives a device.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use super::trust::Pin;

/// Longest provision string that is parsed, in bytes.
const LENGTH_MAX: usize = 512;
/// A token is 128 random bits in lower-case hex.
const TOKEN_LENGTH: usize = 32;

/// Where to enrol, with which token, trusting whom: `https://HOST:PORT/#TOKEN.SHA256-OF-ROOT-IN-HEX`.
///
/// What stands behind the `#` is never sent as part of an address. `Debug` leaves the token out.
#[derive(Clone, PartialEq, Eq)]
pub struct Provision {
    base: Url,
    token: String,
    pin: Pin,
}

/// Why a provision string was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("provision string {0}; it reads https://HOST:PORT/#TOKEN.HASH")]
pub struct ProvisionError(&'static str);

impl Provision {
    /// Joins its parts; `base` is `https://HOST:PORT`.
    pub fn new(base: &str, token: &str, pin: Pin) -> Result<Self, ProvisionError> {
        let base: Url = base.parse().map_err(|_| ProvisionError("has no valid address"))?;
        if base.scheme() != "https" || base.host_str().is_none() {
            return Err(ProvisionError("does not start with https:// and a host"));
        }
        let bare = base.path() == "/" && base.query().is_none() && base.username().is_empty();
        if !bare || base.password().is_some() || base.fragment().is_some() {
            return Err(ProvisionError("has more than a host and a port before the '#'"));
        }
        let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if token.len() != TOKEN_LENGTH || !token.bytes().all(plain) {
            return Err(ProvisionError("has no token of 32 hex digits"));
        }
        Ok(Self { base, token: token.to_owned(), pin })
    }

    /// The one-time token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Hash of the root to trust.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// Host and port, for people.
    pub fn place(&self) -> &str {
        self.base.authority()
    }

    /// Where to send the request.
    pub fn enrol_url(&self) -> Url {
        self.base.join("enrol").expect("a base with a host can be joined")
    }
}

impl FromStr for Provision {
    type Err = ProvisionError;

    fn from_str(text: &str) -> Result<Self, ProvisionError> {
        let text = text.trim();
        if text.len() > LENGTH_MAX {
            return Err(ProvisionError("is too long"));
        }
        let (base, secret) = text.split_once('#').ok_or(ProvisionError("has no '#'"))?;
        let (token, hash) =
            secret.split_once('.').ok_or(ProvisionError("has no '.' between token and hash"))?;
        let pin = hash.parse().map_err(|()| ProvisionError("has no hash of 64 hex digits"))?;
        Self::new(base, token, pin)
    }
}

impl fmt::Display for Provision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}.{}", self.base, self.token, self.pin)
    }
}

impl fmt::Debug for Provision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provision")
            .field("base", &self.base.as_str())
            .field("pin", &self.pin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = "00112233445566778899aabbccddeeff";

    fn hash() -> String {
        "5a".repeat(32)
    }

    #[test]
    fn a_provision_string_names_place_token_and_root() {
        let text = format!("https://gulou.example:8443/#{TOKEN}.{}", hash());
        let provision: Provision = text.parse().unwrap();
        assert_eq!(provision.place(), "gulou.example:8443");
        assert_eq!(provision.token(), TOKEN);
        assert_eq!(provision.pin().to_string(), hash());
        assert_eq!(provision.enrol_url().as_str(), "https://gulou.example:8443/enrol");
        assert_eq!(provision.to_string(), text);
        assert!(!format!("{provision:?}").contains(TOKEN));
    }

    #[test]
    fn a_wrong_string_is_told_what_is_wrong() {
        let hash = hash();
        for (text, reason) in [
            (String::new(), "has no '#'"),
            (format!("http://h:1/#{TOKEN}.{hash}"), "does not start with https:// and a host"),
            (
                format!("https://h:1/enrol#{TOKEN}.{hash}"),
                "has more than a host and a port before the '#'",
            ),
            (
                format!("https://a:b@h:1/#{TOKEN}.{hash}"),
                "has more than a host and a port before the '#'",
            ),
            (format!("https://h:1/#{TOKEN}"), "has no '.' between token and hash"),
            (format!("https://h:1/#short.{hash}"), "has no token of 32 hex digits"),
            (format!("https://h:1/#{TOKEN}.{}", &hash[1..]), "has no hash of 64 hex digits"),
            (format!("https://{}/#{TOKEN}.{hash}", "h".repeat(600)), "is too long"),
        ] {
            assert_eq!(text.parse::<Provision>(), Err(ProvisionError(reason)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
            let _ = text.parse::<Provision>();
        }
    }
}
