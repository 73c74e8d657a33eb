//! Staff of the hall: who may sign on at the terminal, with a PIN and a one-time code, without a link.

mod totp;

use std::fmt;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use sync::{Moment, Mono};

pub use totp::{Secret, SecretError};

/// So many wrong tries lock staff out, whoever made them.
pub const TRIES_MAX: u32 = 5;
/// For so long.
pub const LOCKED: Duration = Duration::from_mins(5);

/// Everybody who may sign on here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Roster(Vec<Clerk>);

/// One of the staff.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clerk {
    /// As audits name her: her number at work, not her name. Letters and digits.
    #[serde(deserialize_with = "number")]
    pub id: String,
    /// What stands on her staff card, where she has one.
    #[serde(default)]
    pub card: Option<String>,
    /// The PIN as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…`.
    #[serde(deserialize_with = "hash")]
    pub pin: String,
    /// What her one-time codes are made from, in base 32.
    pub totp: Secret,
}

/// Why nobody is signed on. What exactly was wrong is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Number, PIN or code.
    Wrong { tries_left: u32 },
    /// Too many wrong tries.
    Locked { left: Duration },
}

/// The door of the staff: counts what is tried, and takes no code twice.
#[derive(Debug, Clone, Default)]
pub struct Door {
    roster: Roster,
    wrong: u32,
    locked_until: Option<Mono>,
    /// Last step of time of which a code was taken, by place in the roster.
    used: Vec<Option<u64>>,
}

impl Roster {
    /// Whether anybody may sign on.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose staff card this is.
    pub fn by_card(&self, card: &str) -> Option<&Clerk> {
        self.0.iter().find(|clerk| clerk.card.as_deref() == Some(card))
    }
}

impl Door {
    /// A door for these.
    pub fn new(roster: Roster) -> Door {
        let used = vec![None; roster.0.len()];
        Door { roster, used, ..Door::default() }
    }

    /// Who may come in.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// How long nobody may try.
    pub fn locked(&self, now: Mono) -> Option<Duration> {
        self.locked_until.filter(|until| *until > now).map(|until| until.since(now))
    }

    /// Lets somebody in by number, PIN and code, and gives her number as audits name her.
    ///
    /// A PIN takes some ten milliseconds to check; it is checked also where the number is wrong,
    /// so that the time says nothing.
    pub fn sign_on(
        &mut self,
        now: Moment,
        id: &str,
        pin: &str,
        code: &str,
    ) -> Result<String, Refusal> {
        if let Some(left) = self.locked(now.mono) {
            return Err(Refusal::Locked { left });
        }
        let index = self.roster.0.iter().position(|clerk| clerk.id == id);
        let clerk = index.or((!self.roster.is_empty()).then_some(0)).map(|at| &self.roster.0[at]);
        let pin_is_right = clerk.is_some_and(|clerk| clerk.has_pin(pin));
        let step = clerk.and_then(|clerk| clerk.totp.step_of(code, seconds(now.wall)));
        let is_new = |at: usize, step: u64| self.used[at].is_none_or(|used| step > used);
        match (index, step) {
            (Some(at), Some(step)) if pin_is_right && is_new(at, step) => {
                self.used[at] = Some(step);
                self.wrong = 0;
                Ok(self.roster.0[at].id.clone())
            }
            _ => Err(self.refuse(now.mono)),
        }
    }

    fn refuse(&mut self, now: Mono) -> Refusal {
        self.wrong += 1;
        if self.wrong < TRIES_MAX {
            return Refusal::Wrong { tries_left: TRIES_MAX - self.wrong };
        }
        self.wrong = 0;
        self.locked_until = Some(now + LOCKED);
        Refusal::Locked { left: LOCKED }
    }
}

impl Clerk {
    fn has_pin(&self, pin: &str) -> bool {
        PasswordHash::new(&self.pin)
            .is_ok_and(|hash| Argon2::default().verify_password(pin.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for Clerk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clerk").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What one of the staff did. It names an item where it is about one, and never a citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    pub at: Timestamp,
    /// Her number at work; none where nobody was let in.
    pub who: Option<String>,
    pub what: Deed,
    /// Code of the item.
    pub item: Option<String>,
}

/// What staff can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    SignedOn,
    SignedOff,
    /// Number, PIN or code was wrong.
    Refused,
    /// Too many wrong tries.
    LockedOut,
    /// The devices were asked how they are.
    CheckedDevices,
    RefilledPaper,
    SetVolume,
    ReadLog,
    /// The person before the terminal is the one on the card.
    ConfirmedIdentity,
    /// She is not.
    DeniedIdentity,
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
}

/// Whatever can't be typed on the keys of the page would lock its owner out.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    let plain = (1..=16).contains(&id.len()) && id.bytes().all(|it| it.is_ascii_alphanumeric());
    if plain { Ok(id) } else { Err(serde::de::Error::custom("id: 1 to 16 letters and digits")) }
}

/// A PIN that could not be checked would lock its owner out without a word.
fn hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match PasswordHash::new(&text) {
        Ok(hash) if hash.algorithm == argon2::ARGON2ID_IDENT => Ok(text),
        _ => Err(serde::de::Error::custom("pin: write an argon2id hash in PHC form, $argon2id$…")),
    }
}
