//! What a page printer says of itself and of a job: numbers and keywords of RFC 8011, sections 5.3 and 5.4.

/// What a printer is doing (printer-state).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// It didn't say.
    #[default]
    Unknown,
    /// Nothing: 3.
    Idle,
    /// It prints: 4.
    Processing,
    /// It stands still until somebody comes: 5.
    Stopped,
}

/// What keeps a printer from printing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Paper is stuck.
    #[error("paper is stuck: open the printer and remove it")]
    Jam,
    /// A cover or a door is open.
    #[error("a cover is open: close it")]
    CoverOpen,
    /// No paper.
    #[error("the paper is used up: fill the tray")]
    MediaEmpty,
    /// No toner or ink.
    #[error("the toner is used up: change the cartridge")]
    TonerEmpty,
    /// It can't be reached behind its queue, is paused, or takes no jobs.
    #[error("the printer is offline or paused")]
    Offline,
    /// It stands still for a reason that has no name here.
    #[error("the printer has stopped: look at its panel")]
    Stopped,
}

/// How a printer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Printer {
    /// What it is doing.
    pub state: State,
    /// What must be done first, of all that is wrong.
    pub trouble: Option<Trouble>,
    /// Little paper is left.
    pub media_low: bool,
    /// Little toner or ink is left.
    pub toner_low: bool,
}

/// How far a job is (job-state).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It waits: 3 or 4.
    Pending,
    /// It prints: 5.
    Processing,
    /// It prints again when somebody has helped the printer: 6.
    Stopped,
    /// It was taken back: 7.
    Canceled,
    /// The printer gave it up: 8.
    Aborted,
    /// All pages are out: 9.
    Completed,
}

/// A job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The printer's number for it.
    pub id: i32,
    /// How far it is.
    pub state: JobState,
    /// Pages that are out, where the printer counts them.
    pub impressions: Option<u32>,
}

/// A job answer without a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing or unknown")]
pub struct JobError(&'static str);

impl Printer {
    /// Reads a printer from its attributes: `values` gives all values of a name as text.
    pub fn from_values(values: impl Fn(&str) -> Vec<String>) -> Self {
        let state = match number(&values("printer-state")) {
            Some(3) => State::Idle,
            Some(4) => State::Processing,
            Some(5) => State::Stopped,
            _ => State::Unknown,
        };
        let reasons = values("printer-state-reasons");
        let accepting = values("printer-is-accepting-jobs");
        let is = |wanted: &[&str]| reasons.iter().any(|reason| wanted.contains(&keyword(reason)));
        let refuses = accepting.iter().any(|accepting| accepting == "false");
        // The ladder: what must be done first stands first.
        let trouble = if is(&["media-jam"]) {
            Some(Trouble::Jam)
        } else if is(&["cover-open", "door-open", "interlock-open"]) {
            Some(Trouble::CoverOpen)
        } else if is(&["media-empty", "media-needed", "input-tray-missing"]) {
            Some(Trouble::MediaEmpty)
        } else if is(&["toner-empty", "marker-supply-empty", "marker-ink-empty"]) {
            Some(Trouble::TonerEmpty)
        } else if refuses || is(&["offline", "paused", "shutdown", "timed-out"]) {
            Some(Trouble::Offline)
        } else {
            (state == State::Stopped).then_some(Trouble::Stopped)
        };
        Self {
            state,
            trouble,
            media_low: is(&["media-low"]),
            toner_low: is(&["toner-low", "marker-supply-low", "marker-ink-low"]),
        }
    }

    /// Whether a job handed over now would come out. An unknown state is no yes.
    pub fn can_print(&self) -> bool {
        self.trouble.is_none() && matches!(self.state, State::Idle | State::Processing)
    }
}

impl Job {
    /// Reads a job from its attributes: `values` gives all values of a name as text.
    pub fn from_values(values: impl Fn(&str) -> Vec<String>) -> Result<Self, JobError> {
        let state = match number(&values("job-state")) {
            Some(3 | 4) => JobState::Pending,
            Some(5) => JobState::Processing,
            Some(6) => JobState::Stopped,
            Some(7) => JobState::Canceled,
            Some(8) => JobState::Aborted,
            Some(9) => JobState::Completed,
            _ => return Err(JobError("job-state")),
        };
        let id = number(&values("job-id")).ok_or(JobError("job-id"))?;
        let impressions = number(&values("job-impressions-completed"))
            .or_else(|| number(&values("job-media-sheets-completed")))
            .and_then(|count| u32::try_from(count).ok());
        Ok(Self { id, state, impressions })
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, JobState::Canceled | JobState::Aborted | JobState::Completed)
    }
}

/// A reason without its severity: printers disagree about how severe an empty tray is.
fn keyword(reason: &str) -> &str {
    ["-error", "-warning", "-report"]
        .iter()
        .find_map(|severity| reason.strip_suffix(severity))
        .unwrap_or(reason)
}

fn number(values: &[String]) -> Option<i32> {
    values.first()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printer(state: &str, reasons: &[&str]) -> Printer {
        Printer::from_values(|name| match name {
            "printer-state" => vec![state.to_owned()],
            "printer-state-reasons" => reasons.iter().map(ToString::to_string).collect(),
            _ => vec![],
        })
    }

    #[test]
    fn the_ladder_says_what_to_do_first() {
        let trouble = |reasons: &[&str]| printer("5", reasons).trouble;
        assert_eq!(trouble(&["media-empty-error", "media-jam-warning"]), Some(Trouble::Jam));
        assert_eq!(trouble(&["toner-empty", "door-open-error"]), Some(Trouble::CoverOpen));
        assert_eq!(trouble(&["toner-empty", "media-needed"]), Some(Trouble::MediaEmpty));
        assert_eq!(trouble(&["marker-supply-empty-error"]), Some(Trouble::TonerEmpty));
        assert_eq!(trouble(&["paused"]), Some(Trouble::Offline));
        assert_eq!(trouble(&["fuser-over-temp"]), Some(Trouble::Stopped));
        assert_eq!(printer("3", &["none"]).trouble, None);
    }

    #[test]
    fn low_is_no_trouble_and_unknown_is_no_yes() {
        let low = printer("4", &["media-low-report", "toner-low-warning"]);
        assert!(low.media_low && low.toner_low && low.can_print());
        assert!(!printer("7", &[]).can_print());
        assert!(!Printer::from_values(|_| vec![]).can_print());
    }

    #[test]
    fn a_job_says_how_far_it_is_or_is_no_answer() {
        let job = |state: &str, count: &str| {
            Job::from_values(|name| match name {
                "job-id" => vec!["7".to_owned()],
                "job-state" => vec![state.to_owned()],
                "job-impressions-completed" => vec![count.to_owned()],
                _ => vec![],
            })
        };
        let done = Job { id: 7, state: JobState::Completed, impressions: Some(2) };
        assert_eq!(job("9", "2"), Ok(done));
        assert!(done.is_over() && !job("6", "").unwrap().is_over());
        assert_eq!(job("5", "-1").unwrap().impressions, None);
        assert_eq!(job("10", "1"), Err(JobError("job-state")));
        assert_eq!(Job::from_values(|_| vec![]), Err(JobError("job-state")));
    }
}
