//! Days and times that can be booked, as the platform offers them.

use serde::Deserialize;

use crate::item::rows;
use crate::known::Known;

/// A day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Offered {
    /// `2026-11-25`.
    pub(crate) date: String,
    pub(crate) times: Vec<Time>,
}

/// A time of that day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Time {
    /// `09:00`.
    pub(crate) time: String,
    /// How many can still book it.
    pub(crate) left: u32,
}

impl Offered {
    /// Every day that is offered.
    pub(crate) fn all(known: &Known) -> Vec<Offered> {
        let days = rows(known.returned("slots"), "days").iter();
        days.filter_map(|day| Offered::deserialize(day).ok()).collect()
    }

    /// One of them.
    pub(crate) fn day(known: &Known, index: usize) -> Option<Offered> {
        Offered::deserialize(rows(known.returned("slots"), "days").get(index)?).ok()
    }

    /// How many can still book this day.
    pub(crate) fn left(&self) -> u32 {
        self.times.iter().map(|time| time.left).sum()
    }
}
