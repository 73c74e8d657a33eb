//! What the platform has of one stream: the judge of every event that arrives.
//!
//! Pure, so that the platform can run it inside its database transaction:
//! read the cursor, judge the events in order of arrival, write effects and cursor, commit,
//! and only then publish [`Cursor::ack`].

use crate::stream::{Ack, StreamState};

/// Position in one stream of one device; everything up to `last` is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Epoch of the device's outbox; 0 before anything was heard.
    pub epoch: u64,
    /// Highest number applied in this epoch; 0 for none.
    pub last: u64,
}

/// What to do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// It is the next one: write its effect.
    Apply,
    /// It is the first one of its epoch: write its effect. Unless nothing was ever heard before,
    /// the device lost its outbox, and what it still owed of the old epoch with it.
    NewEpoch,
    /// Its effect is already written, or it belongs to an epoch that is over: do nothing.
    Duplicate,
    /// Something before it is missing: do nothing, and send an ack with `resend`.
    Missing,
}

impl Cursor {
    /// Judges one event, and moves on when it is to be applied.
    ///
    /// A gap stands for `gap_from..=seq`. It may reach back over numbers that arrived before the
    /// device dropped them; it never reaches over numbers that nobody accounted for.
    pub fn accept(&mut self, epoch: u64, seq: u64, gap_from: Option<u64>) -> Accept {
        if epoch < self.epoch {
            return Accept::Duplicate;
        }
        if epoch > self.epoch {
            *self = Cursor { epoch, last: 0 };
        }
        if seq <= self.last {
            return Accept::Duplicate;
        }
        if gap_from.unwrap_or(seq) > self.last + 1 {
            return Accept::Missing;
        }
        let first = self.last == 0;
        self.last = seq;
        if first { Accept::NewEpoch } else { Accept::Apply }
    }

    /// Answer to an event or to a batch of them.
    pub fn ack(self, stream: &str, resend: bool) -> Ack {
        Ack { stream: stream.to_owned(), epoch: self.epoch, upto: self.last, resend }
    }

    /// Answer to what a device says of this stream when it connects.
    ///
    /// Every stream of a sync vector is to be answered, known or not: the device sends nothing
    /// before. An epoch that is older than ours makes the device move to a newer one.
    pub fn answer(self, stream: &str, device: StreamState) -> Ack {
        let cursor =
            if device.epoch > self.epoch { Cursor { epoch: device.epoch, last: 0 } } else { self };
        cursor.ack(stream, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_next_event_is_applied_once() {
        let mut cursor = Cursor { epoch: 1, last: 4 };
        assert_eq!(cursor.accept(1, 5, None), Accept::Apply);
        assert_eq!(cursor.accept(1, 5, None), Accept::Duplicate);
        assert_eq!(cursor.ack("events", false).upto, 5);
    }

    #[test]
    fn a_hole_is_never_jumped_but_a_declared_gap_is() {
        let mut cursor = Cursor { epoch: 1, last: 4 };
        assert_eq!(cursor.accept(1, 9, None), Accept::Missing);
        assert_eq!(cursor.accept(1, 9, Some(6)), Accept::Missing);
        assert_eq!(cursor.accept(1, 9, Some(3)), Accept::Apply);
        assert_eq!(cursor, Cursor { epoch: 1, last: 9 });
    }

    #[test]
    fn a_new_outbox_starts_at_one_and_the_old_one_is_over() {
        let mut cursor = Cursor { epoch: 1, last: 4 };
        assert_eq!(cursor.accept(2, 1, None), Accept::NewEpoch);
        assert_eq!(cursor.accept(1, 5, None), Accept::Duplicate);
        assert_eq!(cursor.accept(2, 2, None), Accept::Apply);
    }

    #[test]
    fn a_sync_vector_is_answered_with_what_is_durable_here() {
        let cursor = Cursor { epoch: 7, last: 4 };
        let device = |epoch| StreamState { epoch, last: 9, acked: 0 };
        let answer = |epoch| cursor.answer("events", device(epoch));
        assert_eq!((answer(7).epoch, answer(7).upto), (7, 4));
        assert_eq!((answer(8).epoch, answer(8).upto), (8, 0), "a newer outbox starts over");
        assert_eq!((answer(6).epoch, answer(6).upto), (7, 4), "an older one must learn of ours");
    }

    proptest! {
        /// Whatever the wire repeats, loses and reorders: each number is applied once, in order.
        #[test]
        fn any_arrival_order_applies_each_number_once(arrivals in prop::collection::vec(1_u64..20, 0..200)) {
            let mut cursor = Cursor::default();
            let mut applied = Vec::new();
            for seq in arrivals {
                if matches!(cursor.accept(1, seq, None), Accept::Apply | Accept::NewEpoch) {
                    applied.push(seq);
                }
            }
            let expected: Vec<u64> = (1..=cursor.last).collect();
            prop_assert_eq!(applied, expected);
        }
    }
}
