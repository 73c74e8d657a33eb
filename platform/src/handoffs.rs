//! What terminals laid down for one telephone each: sealed, for ten minutes, fetched once.
//!
//! It lies in memory only: a platform that ends forgets it, and the citizen asks her terminal again.
//! The format is that of [`sync::handoff`]; a key never comes here.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use sync::Mono;

/// So long a telephone has time.
pub const LIFE: Duration = Duration::from_mins(10);
/// Most that lie here; the oldest goes for a new one.
pub const HELD_MAX: usize = 256;
/// Most bytes that lie here, some thirty of the largest; the oldest go for a new one.
pub const BYTES_MAX: usize = 64 << 20;

/// Core: everything that lies here.
#[derive(Debug, Default)]
pub struct HandOffs {
    /// Oldest first; all live equally long.
    held: VecDeque<Held>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    id: String,
    body: Bytes,
    until: Mono,
}

/// A name that nobody guesses: 128 random bits.
pub fn new_id() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

impl HandOffs {
    /// Lays a body down; tells how many had to go for it before their time.
    pub fn put(&mut self, now: Mono, id: String, body: Bytes) -> usize {
        self.forget_old(now);
        let before = self.held.len();
        while self.held.len() >= HELD_MAX || self.bytes + body.len() > BYTES_MAX {
            if self.drop_oldest().is_none() {
                break;
            }
        }
        let crowded_out = before - self.held.len();
        self.bytes += body.len();
        self.held.push_back(Held { id, body, until: now + LIFE });
        crowded_out
    }

    /// Gives a body away; nobody gets it again.
    pub fn take(&mut self, now: Mono, id: &str) -> Option<Bytes> {
        self.forget_old(now);
        let place = self.held.iter().position(|held| held.id == id)?;
        let held = self.held.remove(place)?;
        self.bytes -= held.body.len();
        Some(held.body)
    }

    fn forget_old(&mut self, now: Mono) {
        while self.held.front().is_some_and(|oldest| oldest.until <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) -> Option<Held> {
        let held = self.held.pop_front()?;
        self.bytes -= held.body.len();
        Some(held)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: u64) -> Mono {
        Mono(0) + Duration::from_mins(minutes)
    }

    #[test]
    fn a_hand_off_is_fetched_once_and_within_ten_minutes() {
        let mut held = HandOffs::default();
        held.put(at(0), "a".to_owned(), Bytes::from_static(b"1"));
        held.put(at(1), "b".to_owned(), Bytes::from_static(b"2"));
        assert_eq!(held.take(at(2), "a"), Some(Bytes::from_static(b"1")));
        assert_eq!(held.take(at(2), "a"), None, "once");
        assert_eq!(held.take(at(11), "b"), None, "in time");
        assert_eq!(held.take(at(2), "c"), None);
    }

    #[test]
    fn the_oldest_goes_for_a_new_one() {
        let mut held = HandOffs::default();
        for n in 0..HELD_MAX {
            assert_eq!(held.put(at(0), n.to_string(), Bytes::new()), 0);
        }
        assert_eq!(held.put(at(0), "new".to_owned(), Bytes::new()), 1);
        assert_eq!(held.take(at(0), "0"), None);
        assert!(held.take(at(0), "1").is_some());
    }

    #[test]
    fn names_are_not_alike() {
        let (one, other) = (new_id(), new_id());
        assert_eq!(one.len(), 22);
        assert_ne!(one, other);
    }

    proptest! {
        #[test]
        fn whatever_comes_and_goes_the_bounds_hold(
            steps in prop::collection::vec((0u64..4, 0usize..400, any::<bool>()), 1..200)
        ) {
            let (mut held, mut minutes) = (HandOffs::default(), 0);
            let large = Bytes::from(vec![0; BYTES_MAX / 300]);
            for (number, (passed, length, takes)) in steps.into_iter().enumerate() {
                minutes += passed;
                if takes {
                    held.take(at(minutes), &length.to_string());
                } else {
                    held.put(at(minutes), number.to_string(), large.slice(..large.len() * length / 400));
                }
                prop_assert!(held.held.len() <= HELD_MAX && held.bytes <= BYTES_MAX);
                prop_assert_eq!(held.bytes, held.held.iter().map(|one| one.body.len()).sum::<usize>());
            }
        }
    }
}
