//! Page printer that speaks IPP Everywhere (RFC 8011, PWG 5100.14), or a CUPS queue before one.
//!
//! | file | what |
//! |---|---|
//! | [`attributes`] | what the printer says of itself and of a job |
//!
//! Plain HTTP on the terminal's own cable. Where another crate has compiled TLS into the HTTP client,
//! the process must have chosen its cryptography before the first question.

pub mod attributes;

use std::io::Cursor;
use std::time::Duration;

use ipp::operation::IppOperation;
use ipp::prelude::*;

use crate::health::Health;
use attributes::{Job, JobError, Printer};

/// A printer that has not answered by then is offline.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest transfer of a document.
const PRINT_TIMEOUT: Duration = Duration::from_mins(1);
/// Largest document.
pub const DOCUMENT_MAX: usize = 32 << 20;
/// Who prints. No name of a person stands in the printer's list of jobs.
const USER: &str = "terminal";

/// What is asked of a printer.
const PRINTER_ATTRIBUTES: [&str; 3] =
    ["printer-state", "printer-state-reasons", "printer-is-accepting-jobs"];

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("{0:?} is no printer address: write ipp://host/ipp/print")]
    Address(String),
    /// Nobody answers.
    #[error("the printer doesn't answer: check its cable and power")]
    Offline,
    /// It answered and refused.
    #[error("the printer refuses: {0}")]
    Refused(String),
    /// The answer lacks what it must say.
    #[error("the printer's answer makes no sense: {0}")]
    Answer(#[from] JobError),
    /// The document is no PDF, or too large.
    #[error("the document is no PDF or larger than {DOCUMENT_MAX} bytes")]
    Document,
}

/// A page printer.
pub struct A4Printer {
    uri: Uri,
    health: Health,
}

impl std::fmt::Debug for A4Printer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "A4Printer({}, {:?})", self.uri, self.health)
    }
}

impl A4Printer {
    /// The printer at `uri`, such as `ipp://10.0.0.9/ipp/print`.
    pub fn new(uri: &str) -> Result<Self, Error> {
        let parsed: Uri = uri.parse().map_err(|_| Error::Address(uri.to_owned()))?;
        let plain = matches!(parsed.scheme_str(), Some("ipp" | "http"));
        if !plain || parsed.host().is_none() {
            return Err(Error::Address(uri.to_owned()));
        }
        Ok(Self { uri: parsed, health: Health::Unknown })
    }

    /// Whether it works, as far as the last answer told.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Asks how it is: five seconds at most.
    pub async fn status(&mut self) -> Result<Printer, Error> {
        let question = IppOperationBuilder::get_printer_attributes(self.uri.clone())
            .attributes(PRINTER_ATTRIBUTES)
            .build();
        let status = self.send(question, ANSWER_TIMEOUT).await.map(|answer| {
            Printer::from_values(|name| values(&answer, DelimiterTag::PrinterAttributes, name))
        });
        self.health = match &status {
            Ok(printer) if printer.can_print() => Health::Ok,
            Ok(_) | Err(Error::Refused(_)) => Health::Degraded,
            Err(_) => Health::Lost,
        };
        status
    }

    /// Hands over a PDF. The job is printed only when [`job`](Self::job) says so.
    pub async fn print(&mut self, pdf: Vec<u8>, title: &str) -> Result<Job, Error> {
        if !pdf.starts_with(b"%PDF-") || pdf.len() > DOCUMENT_MAX {
            return Err(Error::Document);
        }
        let payload = IppPayload::new(Cursor::new(pdf));
        let order = IppOperationBuilder::print_job(self.uri.clone(), payload)
            .user_name(USER)
            .job_title(title)
            .document_format("application/pdf")
            .build();
        let answer = self.send(order, PRINT_TIMEOUT).await?;
        job_of(&answer)
    }

    /// Asks how a job is.
    pub async fn job(&mut self, id: i32) -> Result<Job, Error> {
        let question =
            IppOperationBuilder::get_job_attributes(self.uri.clone(), id).user_name(USER).build();
        let answer = self.send(question, ANSWER_TIMEOUT).await?;
        job_of(&answer)
    }

    /// Takes a job back. What is on paper stays there.
    pub async fn cancel(&mut self, id: i32) -> Result<(), Error> {
        let order = IppOperationBuilder::cancel_job(self.uri.clone(), id).user_name(USER).build();
        self.send(order, ANSWER_TIMEOUT).await.map(drop)
    }

    async fn send<O: IppOperation, E: std::fmt::Display>(
        &self,
        operation: Result<O, E>,
        patience: Duration,
    ) -> Result<IppRequestResponse, Error> {
        let operation = operation.map_err(|error| Error::Refused(error.to_string()))?;
        let client = AsyncIppClient::builder(self.uri.clone()).request_timeout(patience).build();
        match client.send(operation).await {
            Ok(answer) if answer.header().status_code().is_success() => Ok(answer),
            Ok(answer) => Err(Error::Refused(answer.header().status_code().to_string())),
            Err(IppError::RequestError(status)) => Err(Error::Refused(format!("HTTP {status}"))),
            Err(_) => Err(Error::Offline),
        }
    }
}

fn job_of(answer: &IppRequestResponse) -> Result<Job, Error> {
    Ok(Job::from_values(|name| values(answer, DelimiterTag::JobAttributes, name))?)
}

/// All values of an attribute as text; numbers in decimal.
fn values(answer: &IppRequestResponse, tag: DelimiterTag, name: &str) -> Vec<String> {
    let attribute = answer.attributes().groups_of(tag).find_map(|group| group.get(name));
    attribute.map(|attribute| attribute.value().into_iter().map(text).collect()).unwrap_or_default()
}

fn text(value: &IppValue) -> String {
    match value {
        IppValue::Integer(number) | IppValue::Enum(number) => number.to_string(),
        other => other.to_string(),
    }
}
