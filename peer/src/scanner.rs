//! A scanner: it says what is held in front of it, and listens to nothing.

use serde_json::{Value, json};

use crate::command::{Command, Done, End};

#[derive(Debug, Default)]
pub(crate) struct Scanner {
    scanned: u64,
}

impl Scanner {
    pub(crate) fn command(&mut self, command: Command) -> Done {
        let Command::Scan { text, end } = command else { return Done::Foreign };
        self.scanned += 1;
        let end = match end {
            End::Cr => "\r",
            End::CrLf => "\r\n",
            End::None => "",
        };
        Done::Says([text.as_bytes(), end.as_bytes()].concat())
    }

    pub(crate) fn state(&self) -> Value {
        json!({ "device": "scanner", "scanned": self.scanned })
    }
}
