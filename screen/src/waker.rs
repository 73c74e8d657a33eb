//! How other threads reach the screen's thread.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use slint::EventLoopError;
use slint::platform::EventLoopProxy;

/// Most jobs that wait for the screen's thread; more are refused, since a screen that far behind is
/// stuck and its watchdog is about to act.
const JOBS_MAX: usize = 4096;

type Job = Box<dyn FnOnce() + Send>;

/// Wakes the screen's thread and runs jobs on it. Cheap to clone and to send.
#[derive(Clone)]
pub struct Waker(Arc<Shared>);

/// The screen's end.
pub(crate) struct Bell {
    shared: Arc<Shared>,
    stream: UnixStream,
}

/// Too many jobs wait already.
#[derive(Debug, thiserror::Error)]
#[error("{JOBS_MAX} jobs wait for the screen already")]
pub struct QueueFull;

struct Shared {
    jobs: Mutex<VecDeque<Job>>,
    quit: AtomicBool,
    bell: UnixStream,
}

impl Waker {
    pub(crate) fn pair() -> io::Result<(Self, Bell)> {
        let (bell, stream) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        stream.set_nonblocking(true)?;
        let shared =
            Arc::new(Shared { jobs: Mutex::default(), quit: AtomicBool::new(false), bell });
        Ok((Self(Arc::clone(&shared)), Bell { shared, stream }))
    }

    /// Runs `job` on the screen's thread, before the next frame.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) -> Result<(), QueueFull> {
        self.push(Box::new(job))
    }

    /// Lets the screen's thread take a turn: a watchdog sees then that it can.
    pub fn nudge(&self) {
        // A full pipe rings already.
        let _ = (&self.0.bell).write(&[1]);
    }

    fn push(&self, job: Job) -> Result<(), QueueFull> {
        let mut jobs = self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.len() >= JOBS_MAX {
            return Err(QueueFull);
        }
        jobs.push_back(job);
        drop(jobs);
        self.nudge();
        Ok(())
    }
}

impl Bell {
    /// What waits until somebody rings.
    pub(crate) fn waitable(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Runs the jobs that are there; those they add run in the next turn.
    pub(crate) fn answer(&mut self) {
        let mut rings = [0; 64];
        while matches!(self.stream.read(&mut rings), Ok(count) if count > 0) {}
        let jobs =
            std::mem::take(&mut *self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner));
        for job in jobs {
            job();
        }
    }

    /// Whether `slint::quit_event_loop` was called since the last time this was asked.
    pub(crate) fn take_quit(&self) -> bool {
        self.shared.quit.swap(false, Ordering::Relaxed)
    }
}

impl EventLoopProxy for Waker {
    fn quit_event_loop(&self) -> Result<(), EventLoopError> {
        self.0.quit.store(true, Ordering::Relaxed);
        self.nudge();
        Ok(())
    }

    fn invoke_from_event_loop(&self, job: Job) -> Result<(), EventLoopError> {
        self.push(job).map_err(|QueueFull| EventLoopError::EventLoopTerminated)
    }
}

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waker")
    }
}

impl std::fmt::Debug for Bell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bell")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_in_order_and_their_number_is_bounded() {
        let (waker, mut bell) = Waker::pair().unwrap();
        let ran = Arc::new(Mutex::new(Vec::new()));
        for number in 0..JOBS_MAX {
            let ran = Arc::clone(&ran);
            waker.run(move || ran.lock().unwrap().push(number)).unwrap();
        }
        assert!(waker.run(|| ()).is_err());
        bell.answer();
        assert!(ran.lock().unwrap().iter().copied().eq(0..JOBS_MAX));
        assert!(waker.run(|| ()).is_ok());
    }
}
