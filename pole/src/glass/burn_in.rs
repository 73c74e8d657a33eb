//! Balance of pixel-hours: the whole page moves by a few pixels so that no diode ages alone.
//!
//! Text that stands in the same columns for years leaves its shadow. Each of the places a page may
//! stand at collects the hours it was used, weighted by brightness; the next page set takes the
//! place that has the fewest.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync::Mono;

/// A page may move this many pixels right and as many down; layouts leave that much room.
pub const SHIFT_MAX: u32 = 2;
/// A place is kept at least this long: people should not see the page move.
const DWELL_MIN: Duration = Duration::from_mins(10);

const SIDE: usize = SHIFT_MAX as usize + 1;
const PLACES: usize = SIDE * SIDE;

/// The hours of each place.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Wear {
    /// Milliseconds times percent of brightness at each place, row by row.
    spent: [u64; PLACES],
    place: usize,
    #[serde(skip)]
    since: Option<Mono>,
    #[serde(skip)]
    counted: Option<Mono>,
}

impl Wear {
    /// Counts the time since the last call, at `percent` brightness.
    pub fn count(&mut self, now: Mono, percent: u8) {
        let spent = self.counted.map_or(Duration::ZERO, |counted| now.since(counted));
        let spent = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        self.place = self.place.min(PLACES - 1);
        let here = &mut self.spent[self.place];
        *here = here.saturating_add(spent.saturating_mul(u64::from(percent)));
        self.counted = Some(now);
    }

    /// Moves to the place with the fewest hours, where the present one has served long enough.
    /// Called only when the page set changes anyway.
    pub fn settle(&mut self, now: Mono) {
        let since = *self.since.get_or_insert(now);
        if now.since(since) >= DWELL_MIN {
            let fewest = (0..PLACES).min_by_key(|place| self.spent[*place]);
            self.place = fewest.expect("there is more than one place");
            self.since = Some(now);
        }
    }

    /// How far the page stands to the right and down, in px.
    pub fn shift(&self) -> (u32, u32) {
        let place = u32::try_from(self.place.min(PLACES - 1)).expect("there are nine places");
        (place % (SHIFT_MAX + 1), place / (SHIFT_MAX + 1))
    }

    /// Most used place to mean of all, 1.0 when perfectly balanced.
    pub fn imbalance(&self) -> f64 {
        let most = self.spent.iter().max().copied().unwrap_or(0);
        let total: u64 = self.spent.iter().fold(0, |sum, spent| sum.saturating_add(*spent));
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = if total == 0 { 1.0 } else { most as f64 * PLACES as f64 / total as f64 };
        ratio
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A month of days at 80 % and nights at 25 %, a page set every 12 s.
    #[test]
    fn after_a_month_all_places_have_served_alike() {
        let mut wear = Wear::default();
        for second in (0..30 * 86_400).step_by(12) {
            let now = Mono(second * 1000);
            wear.count(now, if second / 3600 % 24 < 12 { 80 } else { 25 });
            wear.settle(now);
        }
        assert!(wear.imbalance() < 1.01, "{}", wear.imbalance());
    }

    #[test]
    fn the_page_keeps_its_place_for_ten_minutes() {
        let mut wear = Wear::default();
        let mut shift = |second: u64| {
            wear.count(Mono(second * 1000), 100);
            wear.settle(Mono(second * 1000));
            wear.shift()
        };
        assert_eq!([shift(0), shift(599), shift(600)], [(0, 0), (0, 0), (1, 0)]);
    }

    #[test]
    fn hours_survive_a_restart() {
        let mut wear = Wear::default();
        wear.count(Mono(0), 100);
        wear.count(Mono(1000), 100);
        let again: Wear = serde_json::from_str(&serde_json::to_string(&wear).unwrap()).unwrap();
        assert_eq!(again.spent[0], 100_000);
    }
}
