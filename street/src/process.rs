//! Child processes that never outlive the street, however it ends.
//!
//! Each child is the leader of a session of its own, so that everything it starts in turn can be found
//! and ended with it, and the kernel signals it when the street dies, even by `kill -9`.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, getppid, setsid};

/// Name of the hidden verb with which the street starts itself as a child's first program.
pub const HOLD: &str = "hold";

/// A child and everything it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session(Pid);

/// What the kernel does to a child when the street dies.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    /// The child ends what it started, then itself.
    Terminate,
    /// The child has started nothing and keeps its state safe at any time.
    Kill,
}

/// A program with its arguments and its additions to the environment.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    /// The file.
    pub path: &'a Path,
    /// Arguments.
    pub arguments: Vec<OsString>,
    /// Additions to the environment.
    pub environment: Vec<(&'static str, OsString)>,
    /// File that gets what it prints.
    pub log: &'a Path,
    /// What happens to it when the street dies.
    pub ending: Ending,
}

/// Starts `program` in a session of its own.
///
/// Call this from a thread that lives as long as the street: the kernel counts the thread as the parent.
pub fn start(program: &Program<'_>) -> io::Result<(Session, tokio::process::Child)> {
    let log = fs::File::options().create(true).append(true).open(program.log)?;
    let ending = match program.ending {
        Ending::Terminate => "term",
        Ending::Kill => "kill",
    };
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args([HOLD, ending, &getpid().to_string()]).arg(program.path).args(&program.arguments);
    command.envs(program.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let child = command.spawn()?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).ok_or(io::ErrorKind::NotFound)?;
    Ok((Session(Pid::from_raw(pid)), child))
}

/// The hidden verb: leaves the street's session, ties itself to the street's life, becomes the program.
pub fn hold(arguments: &[OsString]) -> anyhow::Result<Infallible> {
    let [ending, parent, program, rest @ ..] = arguments else {
        anyhow::bail!("usage: hold term|kill PARENT PROGRAM [ARGUMENT]...");
    };
    let signal = if ending == OsStr::new("kill") { Signal::SIGKILL } else { Signal::SIGTERM };
    setsid()?;
    prctl::set_pdeathsig(signal)?;
    // The street may have died before the line above.
    anyhow::ensure!(parent.to_str() == Some(&getppid().to_string()), "the street is gone");
    Err(std::process::Command::new(program).args(rest).exec().into())
}

impl Session {
    /// Signals the leader.
    pub fn signal(self, signal: Signal) {
        let _ = kill(self.0, signal);
    }

    /// `kill -9` for everyone in it.
    pub fn kill(self) {
        for (pid, _) in self.members() {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }

    /// `kill -9` for those whose program is called `name`; whether there was one.
    pub fn kill_named(self, name: &str) -> bool {
        let mut any = false;
        for (pid, _) in self.members().into_iter().filter(|(_, program)| program == name) {
            any |= kill(pid, Signal::SIGKILL).is_ok();
        }
        any
    }

    /// Processes of the session with the names of their programs.
    pub fn members(self) -> Vec<(Pid, String)> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
                let (pid, name, session) = parse_stat(&stat)?;
                (session == self.0.as_raw()).then(|| (Pid::from_raw(pid), name.to_owned()))
            })
            .collect()
    }
}

/// Process, program name and session from `/proc/PID/stat`; see proc(5). A name may hold anything.
fn parse_stat(stat: &str) -> Option<(i32, &str, i32)> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    Some((pid.parse().ok()?, name, rest.split(' ').nth(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_a_spiteful_name_is_still_found() {
        let stat = "42 (a) b (c) S 1 42 7 0 -1 4194560";
        assert_eq!(parse_stat(stat), Some((42, "a) b (c", 7)));
        assert_eq!(parse_stat("42 (a"), None);
    }
}
