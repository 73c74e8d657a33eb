//! Which page of a set stands on the glass.
//!
//! The page comes from the wall clock, so both sides of a sign and all signs of a stop turn together.
//! A set is shown whole before another takes its place, unless lives depend on it or a page of it
//! has nothing true left to say.

/// How long a page stands, in seconds.
pub const PAGE_S: i64 = 6;

/// The page set on the glass.
#[derive(Debug, Clone)]
pub struct Paging<T> {
    set: Vec<T>,
    /// Turn in which this set began.
    since: i64,
}

/// What happens to the set on the glass when another is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It is shown to its end.
    Polite,
    /// It gives way at once.
    Urgent,
}

impl<T> Default for Paging<T> {
    /// Nothing stands on the glass yet.
    fn default() -> Self {
        Self { set: Vec::new(), since: 0 }
    }
}

impl<T: PartialEq> Paging<T> {
    /// Offers a set in `turn` (wall seconds / [`PAGE_S`]); says whether it was taken over.
    /// An equal set changes nothing.
    pub fn offer(&mut self, turn: i64, set: Vec<T>, patience: Patience) -> bool {
        let pages = i64::try_from(self.set.len()).unwrap_or(i64::MAX);
        let shown = turn - self.since;
        // A clock that was set back starts anew.
        let complete = pages == 0 || shown < 0 || (shown > 0 && shown % pages == 0);
        if set == self.set || !(complete || patience == Patience::Urgent) {
            return false;
        }
        self.set = set;
        self.since = turn;
        true
    }

    /// All pages.
    pub fn set(&self) -> &[T] {
        &self.set
    }

    /// The page of `turn`, and its place in the set from 0.
    pub fn page(&self, turn: i64) -> Option<(usize, &T)> {
        let pages = i64::try_from(self.set.len()).ok().filter(|pages| *pages > 0)?;
        let place = usize::try_from(turn.rem_euclid(pages)).ok()?;
        self.set.get(place).map(|page| (place, page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn letter(paging: &Paging<char>, turn: i64) -> char {
        paging.page(turn).map_or('-', |(_, page)| *page)
    }

    #[test]
    fn a_change_waits_until_every_page_was_shown_once() {
        let mut paging = Paging::default();
        let mut glass = String::new();
        for turn in 30..42 {
            let set = if turn < 32 { "abc" } else { "xy" };
            paging.offer(turn, set.chars().collect(), Patience::Polite);
            glass.push(letter(&paging, turn));
        }
        assert_eq!(glass, "abcyxyxyxyxy");
    }

    #[test]
    fn an_emergency_does_not_wait() {
        let mut paging = Paging::default();
        paging.offer(30, vec!['a', 'b'], Patience::Polite);
        assert!(paging.offer(30, vec!['!'], Patience::Urgent));
        assert_eq!(letter(&paging, 30), '!');
    }

    #[test]
    fn two_sides_show_the_same_page_whenever_they_started() {
        let (mut front, mut back) = (Paging::default(), Paging::default());
        front.offer(7, vec!['a', 'b', 'c'], Patience::Polite);
        back.offer(11, vec!['a', 'b', 'c'], Patience::Polite);
        assert!((11..40).all(|turn| letter(&front, turn) == letter(&back, turn)));
    }

    proptest! {
        /// Whatever is offered, each set that began was shown whole, each page equally often.
        #[test]
        fn no_set_is_ever_split(sizes in proptest::collection::vec(1_usize..5, 1..60)) {
            let mut paging: Paging<(usize, usize)> = Paging::default();
            let mut runs: Vec<(usize, Vec<usize>)> = Vec::new();
            for (turn, size) in (100..).zip(sizes) {
                let set = (0..size).map(|page| (size, page)).collect();
                if paging.offer(turn, set, Patience::Polite) {
                    runs.push((size, Vec::new()));
                }
                let (place, _) = paging.page(turn).unwrap();
                runs.last_mut().unwrap().1.push(place);
            }
            runs.pop();
            for (size, shown) in runs {
                for page in 0..size {
                    prop_assert_eq!(shown.iter().filter(|shown| **shown == page).count(), shown.len() / size);
                }
                prop_assert_eq!(shown.len() % size, 0);
            }
        }
    }
}
