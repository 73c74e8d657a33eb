//! The device's ledger of commands: what was asked, and how far it got.
//!
//! Every step is decided here, written down together with the status that tells of it, and only
//! then taken: `received` is on disk before anyone hears of a command, `running` before it acts.
//! After a crash a command that must not run twice ends `unknown`; the others start again.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::command::{Command, CommandState, CommandStatus};
use crate::moment::Moment;
use crate::outbox::Draft;
use crate::stream::Class;
use crate::telemetry::Event;

/// Most commands remembered; what is over is forgotten first, and then new ones are rejected.
pub const LEDGER_MAX: usize = 1024;

/// How long a command that is over is remembered beyond its expiry, to know it again.
const REMEMBERED: Duration = Duration::from_hours(24);

/// One command as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) command: Command,
    pub(crate) state: CommandState,
    /// Boot and monotonic time of its receipt, for a device that doesn't know the time of day.
    boot_id: String,
    received_mono_ms: u64,
    /// How long it had left then.
    left_ms: u64,
    /// It is to be deleted from disk.
    #[serde(skip)]
    pub(crate) forgotten: bool,
}

/// What has to be written down, at once and before anything else happens.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Change {
    pub(crate) entries: Vec<Entry>,
    pub(crate) drafts: Vec<Draft>,
}

/// What became of a command that arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Receipt {
    /// It is known already: nothing to do.
    Known,
    /// Too late, or one too many.
    Refused(Change),
    /// To be carried out once the change is written.
    Accepted(Change, Command),
}

/// Why a step was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No command of this id is known.
    #[error("no command {0:?} is known")]
    Unknown(String),
    /// The step does not follow from where the command stands.
    #[error("command {id:?} is {from:?} and can't become {to:?}")]
    Order {
        /// The command.
        id: String,
        /// Where it stands.
        from: CommandState,
        /// Where it should have gone.
        to: CommandState,
    },
}

/// All commands a device remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    boot_id: String,
    entries: BTreeMap<String, Entry>,
}

impl Ledger {
    /// Takes up the ledger after a start; says what to write and which commands are to start again.
    pub(crate) fn load(
        entries: Vec<Entry>,
        boot_id: &str,
        now: Moment,
    ) -> (Self, Change, Vec<Command>) {
        let entries = entries.into_iter().map(|entry| (entry.command.id.clone(), entry)).collect();
        let ledger = Self { boot_id: boot_id.to_owned(), entries };
        let (mut change, mut again) = (Change::default(), Vec::new());
        for entry in ledger.entries.values().filter(|entry| !entry.state.is_final()) {
            let ran = entry.state == CommandState::Running;
            let (state, detail) = if ran && entry.command.once {
                (CommandState::Unknown, "the device restarted while it ran")
            } else if ledger.expired(now, entry) {
                (CommandState::Expired, "it had expired when the device restarted")
            } else {
                again.push(entry.command.clone());
                if !ran {
                    continue;
                }
                (CommandState::Received, "the device restarted; it starts again")
            };
            change.step(entry, state, detail);
        }
        (ledger, change, again)
    }

    /// Decides about a command that arrived; `left` is what the broker says it has left.
    pub(crate) fn receive(&self, now: Moment, command: Command, left: Option<Duration>) -> Receipt {
        if self.entries.contains_key(&command.id) {
            return Receipt::Known;
        }
        let lifetime = command.expires.duration_since(command.issued_at);
        let lifetime = Duration::try_from(lifetime).unwrap_or_default();
        let left = left.unwrap_or(lifetime).min(lifetime);
        let mut change = self.forget(now);
        let entry = Entry {
            boot_id: self.boot_id.clone(),
            received_mono_ms: now.mono.0,
            left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            state: CommandState::Received,
            forgotten: false,
            command,
        };
        if self.expired(now, &entry) {
            change.step(&entry, CommandState::Expired, "it arrived too late");
            return Receipt::Refused(change);
        }
        if self.entries.len() - change.entries.len() >= LEDGER_MAX {
            let reason = "too many commands wait on the device".to_owned();
            change.drafts.push(status(&entry.command.id, CommandState::Rejected, reason));
            return Receipt::Refused(change);
        }
        let command = entry.command.clone();
        change.step(&entry, CommandState::Received, "");
        Receipt::Accepted(change, command)
    }

    /// Decides about the next step of a command. A start that comes too late becomes `expired`.
    pub(crate) fn step(
        &self,
        now: Moment,
        id: &str,
        to: CommandState,
        detail: &str,
    ) -> Result<(Change, CommandState), LedgerError> {
        let entry = self.entries.get(id).ok_or_else(|| LedgerError::Unknown(id.to_owned()))?;
        let from = entry.state;
        let follows = match from {
            CommandState::Received => {
                matches!(to, CommandState::Running | CommandState::Rejected | CommandState::Expired)
            }
            CommandState::Running => to.is_final(),
            _ => false,
        };
        if !follows {
            return Err(LedgerError::Order { id: id.to_owned(), from, to });
        }
        let late = to == CommandState::Running && self.expired(now, entry);
        let (to, detail) =
            if late { (CommandState::Expired, "it expired while it waited") } else { (to, detail) };
        let mut change = Change::default();
        change.step(entry, to, detail);
        Ok((change, to))
    }

    /// Takes over a change that is on disk.
    pub(crate) fn apply(&mut self, change: Change) {
        for entry in change.entries {
            if entry.forgotten {
                self.entries.remove(&entry.command.id);
            } else {
                self.entries.insert(entry.command.id.clone(), entry);
            }
        }
    }

    /// A device that doesn't know the time counts from the receipt; over a reboot it can't, and
    /// what may not start too late doesn't start.
    fn expired(&self, now: Moment, entry: &Entry) -> bool {
        match now.trusted_wall() {
            Some(wall) => wall > entry.command.expires,
            None if entry.boot_id == self.boot_id => {
                now.mono.0.saturating_sub(entry.received_mono_ms) > entry.left_ms
            }
            None => true,
        }
    }

    /// Entries that are over and not needed any more; when there are too many, the oldest too.
    fn forget(&self, now: Moment) -> Change {
        let over = self.entries.values().filter(|entry| entry.state.is_final());
        let mut over: Vec<&Entry> = over.collect();
        over.sort_by_key(|entry| entry.command.issued_at);
        let surplus = (self.entries.len() + 1).saturating_sub(LEDGER_MAX);
        let stale = |entry: &Entry| {
            now.trusted_wall().is_some_and(|wall| wall > entry.command.expires + REMEMBERED)
        };
        let gone = over.iter().enumerate().filter(|(n, entry)| *n < surplus || stale(entry));
        let gone = gone.map(|(_, &entry)| Entry { forgotten: true, ..entry.clone() });
        Change { entries: gone.collect(), drafts: Vec::new() }
    }
}

impl Change {
    fn step(&mut self, entry: &Entry, state: CommandState, detail: &str) {
        self.entries.push(Entry { state, ..entry.clone() });
        self.drafts.push(status(&entry.command.id, state, detail.to_owned()));
    }
}

fn status(id: &str, state: CommandState, detail: String) -> Draft {
    let status = CommandStatus { id: id.to_owned(), state, detail };
    Draft::event(Class::Critical, &Event::Command(status))
}
