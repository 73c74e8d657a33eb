//! The page printer: a PDF, and what became of it.

use std::time::Duration;

use drivers::a4::attributes::{Job, JobState, Trouble};
use drivers::a4::{A4Printer, Error};
use kiosk::devices::State;
use service::definition::Device;

use super::Failure;

/// Nobody who waits at the printer sees that it looks so often only.
const LOOK: Duration = Duration::from_millis(300);
/// A page that has not come out by then is taken back.
const PATIENCE_LOOKS: usize = 200;

/// The job has no name that says whose it is.
const TITLE: &str = "gulou";

pub(super) async fn state(printer: &mut A4Printer) -> State {
    match printer.status().await {
        Ok(status) => match status.trouble {
            Some(trouble) => of(trouble),
            None if status.media_low || status.toner_low => State::Low,
            None if status.can_print() => State::Ready,
            None => State::Fault,
        },
        Err(Error::Offline) => State::Absent,
        Err(error) => {
            tracing::warn!("page printer: {error}");
            State::Fault
        }
    }
}

/// Prints; what does not come out is taken back, so that it can't come out for somebody else.
pub(super) async fn print(printer: &mut A4Printer, pdf: Vec<u8>) -> Result<(), Failure> {
    let failure = |state| Failure(Device::Printer, state);
    let before = state(printer).await;
    if !before.works() {
        return Err(failure(before));
    }
    let job = printer.print(pdf, TITLE).await.map_err(|error| failure(after(&error)))?;
    let outcome = follow(printer, job).await;
    if outcome.is_err()
        && let Err(error) = printer.cancel(job.id).await
    {
        tracing::error!("a job could not be taken back from the page printer: {error}");
    }
    outcome.map_err(failure)
}

async fn follow(printer: &mut A4Printer, mut job: Job) -> Result<(), State> {
    for _ in 0..PATIENCE_LOOKS {
        match job.state {
            JobState::Completed => return Ok(()),
            JobState::Canceled | JobState::Aborted => return Err(State::Fault),
            JobState::Pending | JobState::Processing | JobState::Stopped => {}
        }
        if let Some(trouble) = printer.status().await.map_err(|error| after(&error))?.trouble {
            return Err(of(trouble));
        }
        #[expect(clippy::disallowed_methods, reason = "a shell waits for a machine")]
        tokio::time::sleep(LOOK).await;
        job = printer.job(job.id).await.map_err(|error| after(&error))?;
    }
    Err(State::Fault)
}

fn of(trouble: Trouble) -> State {
    match trouble {
        Trouble::Jam => State::Jam,
        Trouble::CoverOpen => State::Open,
        Trouble::MediaEmpty => State::Empty,
        Trouble::Offline => State::Absent,
        Trouble::TonerEmpty | Trouble::Stopped => State::Fault,
    }
}

fn after(error: &Error) -> State {
    tracing::warn!("page printer: {error}");
    match error {
        Error::Offline => State::Absent,
        _ => State::Fault,
    }
}
