//! What happened at the terminal, for staff: kinds, times and items, and nothing of a citizen.

use std::collections::VecDeque;

use jiff::Timestamp;
use service::definition::Device;
use service::text::Text;

use crate::devices::State;
use crate::staff::Deed;
use crate::words;

/// So many entries are kept; the oldest goes first.
pub const ENTRIES_MAX: usize = 200;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub what: Happened,
    /// Code of the item.
    pub item: Option<String>,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    Began,
    /// Ended by the citizen, or because her time was over.
    Ended,
    TimedOut,
    CardLeft,
    Opened,
    Done,
    Kept,
    Refused,
    Unanswered,
    Printed,
    NotPrinted,
    HandedOff,
    Device(Device, State),
    Link(bool),
    Staff(Deed),
}

/// The last entries.
#[derive(Debug, Clone, Default)]
pub struct Diary(VecDeque<Entry>);

impl Diary {
    /// Writes a line.
    pub fn write(&mut self, at: Timestamp, what: Happened, item: Option<String>) {
        if self.0.len() == ENTRIES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Entry { at, what, item });
    }

    /// All lines, the newest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().rev()
    }
}

impl Happened {
    /// In words for staff.
    pub fn words(self) -> Text {
        let text = |zh: &str, en: &str| words::text(zh, en);
        match self {
            Happened::Began => text("有人来办事", "Somebody came"),
            Happened::Ended => text("办事的人结束了", "Ended by the citizen"),
            Happened::TimedOut => text("超时，已清除", "Timed out and cleared"),
            Happened::CardLeft => text("卡忘在读卡区", "A card was left behind"),
            Happened::Opened => text("打开事项", "Item opened"),
            Happened::Done => text("办好", "Item done"),
            Happened::Kept => text("离线受理", "Accepted offline"),
            Happened::Refused => text("部门未办", "Refused by the department"),
            Happened::Unanswered => text("对方没有回应", "Nobody answered"),
            Happened::Printed => text("已打印", "Printed"),
            Happened::NotPrinted => text("没有打印出来", "Not printed"),
            Happened::HandedOff => text("出示手机取件码", "Handed to a telephone"),
            Happened::Device(device, state) => words::staff::device_is(device, state),
            Happened::Link(true) => text("网络恢复", "The link is back"),
            Happened::Link(false) => text("网络断开", "The link is down"),
            Happened::Staff(deed) => words::staff::deed(deed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_line_goes_first() {
        let mut diary = Diary::default();
        for second in 0..=200 {
            diary.write(Timestamp::from_second(second).unwrap(), Happened::Began, None);
        }
        let seconds: Vec<i64> = diary.entries().map(|entry| entry.at.as_second()).collect();
        assert_eq!((seconds.len(), seconds[0], seconds[ENTRIES_MAX - 1]), (ENTRIES_MAX, 200, 1));
    }
}
