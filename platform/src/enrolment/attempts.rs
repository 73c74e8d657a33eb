//! How often an address may be wrong. Core.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

/// An address may be wrong this often within [`WINDOW`]; who is right is never held up, so that a depot can enrol a
/// thousand signs from one address.
pub(super) const WRONG_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_mins(10);
/// Addresses remembered at most; beyond it the one that has waited longest is forgotten.
const ADDRESSES_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// How often an address was wrong, and until when that counts.
    wrong: HashMap<IpAddr, (u32, Timestamp)>,
}

impl Attempts {
    pub(super) fn may_try(&self, from: IpAddr, now: Timestamp) -> bool {
        self.wrong.get(&from).is_none_or(|&(count, until)| count < WRONG_MAX || now >= until)
    }

    pub(super) fn was_wrong(&mut self, from: IpAddr, now: Timestamp) {
        if self.wrong.len() >= ADDRESSES_MAX && !self.wrong.contains_key(&from) {
            self.wrong.retain(|_, (_, until)| now < *until);
            let oldest =
                self.wrong.iter().min_by_key(|(_, (_, until))| *until).map(|(&from, _)| from);
            if let Some(oldest) = oldest.filter(|_| self.wrong.len() >= ADDRESSES_MAX) {
                self.wrong.remove(&oldest);
            }
        }
        let until = now.saturating_add(WINDOW).expect("an absolute duration has no calendar units");
        let entry = self.wrong.entry(from).or_insert((0, until));
        if now >= entry.1 {
            *entry = (0, until);
        }
        entry.0 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn after_ten_wrong_tokens_an_address_waits_ten_minutes_and_others_do_not() {
        let (guesser, depot) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut attempts = Attempts::default();
        for second in 0..10 {
            assert!(attempts.may_try(guesser, at(second)));
            attempts.was_wrong(guesser, at(second));
        }
        assert!(!attempts.may_try(guesser, at(10)));
        assert!(attempts.may_try(depot, at(10)));
        assert!(!attempts.may_try(guesser, at(599)));
        assert!(attempts.may_try(guesser, at(600)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]
        #[test]
        fn a_flood_of_addresses_takes_no_more_memory(addresses in prop::collection::vec(any::<u32>(), 4000..4500)) {
            let mut attempts = Attempts::default();
            for address in addresses {
                attempts.was_wrong(IpAddr::from(address.to_be_bytes()), at(0));
                prop_assert!(attempts.wrong.len() <= ADDRESSES_MAX);
            }
        }
    }
}
