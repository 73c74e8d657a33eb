//! What citizens ask at terminals, and how it is answered: once, whatever happens on the way.
//!
//! | part | what |
//! |---|---|
//! | [`shelf`] | services, registry and hours, as `content/` says them |
//! | [`vault`] | opens what terminals sealed, seals what lies in the database |
//! | [`submissions`] | one row per ask: the same id has one effect and one answer |
//! | [`department`] | who answers: the demonstration registry, or a department's own server |
//! | `bookings`, `cases`, `photos`, `certificates`, `payments` | what the platform answers itself |
//! | [`clerk`] | executes what came through outboxes |
//!
//! What is answered here takes effect in the transaction that also writes the answer. A department's
//! server is asked between two transactions, under the submission's id: it is the one that must not
//! do the same id twice.

pub mod bookings;
pub mod calendar;
pub mod cases;
pub mod certificates;
pub mod clerk;
mod deal;
pub mod department;
pub mod papers;
pub mod payments;
pub mod photos;
pub mod shelf;
pub mod submissions;
pub mod vault;

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sync::ask::{Answer, Ask, AskError};
use sync::{Clock, DeviceId};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use deal::{Deal, Filled};
use department::{Department, Departments, Unanswered};
use service::definition::Operation;
use shelf::Shelf;
use submissions::{Route, Standing};
use vault::{Vault, VaultError};

/// Asks that use the database at a time; the others wait in order. Fewer than the database has connections.
const WORKERS: usize = 4;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The terminal's mistake: asking again helps nobody.
    #[error("{0}")]
    Malformed(String),
    /// The id was used for something else.
    #[error("this id was used by another device or for another operation: make a new one")]
    Conflict,
    /// Nobody answers now; the same id may be asked again.
    #[error("{0}")]
    Unavailable(String),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the platform does itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    Slots,
    Book,
    Booked,
    Cancel,
    Move,
    Certificate,
    Pay,
    Paid,
    Report,
    Case,
}

/// Who answers an operation.
enum Plan<'a> {
    Own(Own),
    Department(&'a Operation, &'a Department),
}

/// Everything that answers asks; share it in an `Arc`.
#[derive(Debug)]
pub struct Services {
    store: Store,
    shelf: Shelf,
    vault: Vault,
    departments: Departments,
    /// Address that citizens' telephones reach, without a slash at its end.
    public: String,
    metrics: Arc<Metrics>,
    clock: Clock,
    workers: Semaphore,
    /// Told when submissions came through an outbox.
    pub owed: Arc<Notify>,
}

impl Services {
    /// Nothing is started; [`clerk::run`] executes what outboxes bring.
    pub fn new(
        store: Store,
        shelf: Shelf,
        vault: Vault,
        departments: Departments,
        public: String,
        (metrics, clock): (Arc<Metrics>, Clock),
    ) -> Services {
        let workers = Semaphore::new(WORKERS);
        let owed = Arc::default();
        Services { store, shelf, vault, departments, public, metrics, clock, workers, owed }
    }

    /// The vault, for those who read what was sealed.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What is offered.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Answers one ask of a device; the same id again gets the same answer.
    pub async fn ask(&self, device: &DeviceId, ask: &Ask) -> Result<Answer, Trouble> {
        let now = self.clock.now().wall;
        let answered = self.online(device, ask, now).await;
        self.count(ask, &answered);
        answered
    }

    async fn online(
        &self,
        device: &DeviceId,
        ask: &Ask,
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        let filled = Filled::open(&self.vault, ask)?;
        let plan = self.plan(ask)?;
        if let Plan::Own(own) = plan
            && own.only_reads()
        {
            let _worker = self.worker().await?;
            let mut connection = self.store.pool().acquire().await?;
            return self.deal(&mut connection, device, ask, &filled, now).own(own).await;
        }
        self.perform(device, ask, (Route::Online, &filled, &plan), now).await
    }

    /// Executes what came through an outbox; what can't be meant ends as a refusal.
    async fn owed(&self, device: &DeviceId, ask: &Ask, now: Timestamp) -> Result<Answer, Trouble> {
        let meant = Filled::open(&self.vault, ask).and_then(|filled| Ok((filled, self.plan(ask)?)));
        let answered = match meant {
            Ok((filled, plan)) => {
                self.perform(device, ask, (Route::Outbox, &filled, &plan), now).await
            }
            Err(error) => Err(error),
        };
        let answered = match answered {
            Err(Trouble::Malformed(why)) => {
                tracing::warn!(%device, id = %ask.id, "submission can't be executed: {why}");
                let answer = Answer::refused(
                    "提交的内容无法识别，请到窗口办理。",
                    "What was submitted can't be read; please come to the counter.",
                );
                let mut transaction = self.store.begin().await?;
                self.finish(&mut transaction, ask, &answer, now).await?;
                transaction.commit().await?;
                Ok(answer)
            }
            other => other,
        };
        self.count(ask, &answered);
        answered
    }

    fn plan(&self, ask: &Ask) -> Result<Plan<'_>, Trouble> {
        if let Some(own) = Own::of(&ask.operation) {
            return Ok(Plan::Own(own));
        }
        let operation = self.shelf.operation(&ask.service, &ask.operation);
        let operation = operation.ok_or_else(|| {
            let Ask { service, operation, .. } = ask;
            Trouble::Malformed(format!("service {service:?} does not ask {operation:?}"))
        })?;
        Ok(Plan::Department(operation, self.departments.of(&ask.operation)))
    }

    async fn perform(
        &self,
        device: &DeviceId,
        ask: &Ask,
        (route, filled, plan): (Route, &Filled, &Plan<'_>),
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        let mut worker = self.worker().await?;
        let mut transaction = self.store.begin().await?;
        if route == Route::Online {
            submissions::take(&mut transaction, device, ask, route, now).await?;
        }
        match submissions::lock(&mut transaction, device, ask).await? {
            Standing::Answered(answer) => {
                transaction.commit().await?;
                return self.told(&answer);
            }
            Standing::Foreign => return Err(Trouble::Conflict),
            Standing::Taken => {}
        }
        let mut deal = self.deal(&mut transaction, device, ask, filled, now);
        let answer = match (deal.settle().await?, plan) {
            (Some(refused), _) => refused,
            (None, Plan::Own(own)) => deal.own(*own).await?,
            (None, Plan::Department(operation, Department::Registry(registry))) => {
                deal.register(operation, registry).await?
            }
            (None, Plan::Department(operation, Department::Http(server))) => {
                transaction.commit().await?;
                // A department may be slow; meanwhile others have the database.
                drop(worker);
                let answer = server.ask(ask, &filled.sent(operation)).await?;
                worker = self.worker().await?;
                transaction = self.store.begin().await?;
                if let Standing::Answered(first) =
                    submissions::lock(&mut transaction, device, ask).await?
                {
                    return self.told(&first);
                }
                answer
            }
        };
        self.finish(&mut transaction, ask, &answer, now).await?;
        transaction.commit().await?;
        drop(worker);
        Ok(answer)
    }

    async fn worker(&self) -> Result<SemaphorePermit<'_>, Trouble> {
        let ending = |_| Trouble::Unavailable("the platform is ending; ask again later".to_owned());
        self.workers.acquire().await.map_err(ending)
    }

    async fn finish(
        &self,
        connection: &mut AnyConnection,
        ask: &Ask,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        if matches!(answer, Answer::Refused(_)) {
            payments::release(connection, &ask.id.to_string()).await?;
        }
        let answer = self.vault.close(answer)?;
        Ok(submissions::answered(connection, ask, &answer, now).await?)
    }

    /// An answer that was written down before.
    fn told(&self, sealed: &str) -> Result<Answer, Trouble> {
        if sealed.is_empty() {
            return Ok(Answer::refused(
                "这次办理的结果已过保存期。",
                "The outcome of this submission is no longer kept.",
            ));
        }
        Ok(self.vault.reopen(sealed)?)
    }

    fn deal<'a>(
        &'a self,
        connection: &'a mut AnyConnection,
        device: &'a DeviceId,
        ask: &'a Ask,
        filled: &'a Filled,
        now: Timestamp,
    ) -> Deal<'a> {
        let (shelf, vault, public) = (&self.shelf, &self.vault, self.public.as_str());
        let departments = &self.departments;
        Deal { connection, shelf, vault, departments, public, device, ask, filled, now }
    }

    fn count(&self, ask: &Ask, answered: &Result<Answer, Trouble>) {
        let outcome = match answered {
            Ok(Answer::Returned(_)) => "returned",
            Ok(Answer::Refused(_)) => "refused",
            Err(Trouble::Malformed(_) | Trouble::Conflict) => "malformed",
            Err(_) => "failed",
        };
        // Only codes that exist become labels: whoever asks can't make more of them.
        let known = self.shelf.catalogue.get(&ask.service).is_some();
        let service = if known { ask.service.as_str() } else { "none" };
        let labels = [("service", service.to_owned()), ("outcome", outcome.to_owned())];
        self.metrics.asks.get_or_create(&labels).inc();
    }
}

impl Own {
    fn of(operation: &str) -> Option<Own> {
        Some(match operation {
            "booking.slots" => Own::Slots,
            "booking.make" => Own::Book,
            "booking.list" => Own::Booked,
            "booking.cancel" => Own::Cancel,
            "booking.move" => Own::Move,
            "certificate.read" => Own::Certificate,
            "payment.begin" => Own::Pay,
            "payment.state" => Own::Paid,
            "case.report" => Own::Report,
            "case.state" => Own::Case,
            _ => return None,
        })
    }

    /// Whether asking leaves no trace, so that nothing needs to be remembered about it.
    fn only_reads(self) -> bool {
        matches!(self, Own::Slots | Own::Booked | Own::Paid | Own::Case)
    }
}

impl Deal<'_> {
    async fn own(&mut self, own: Own) -> Result<Answer, Trouble> {
        match own {
            Own::Slots => self.slots().await,
            Own::Book => self.book().await,
            Own::Booked => self.booked().await,
            Own::Cancel => self.cancel().await,
            Own::Move => self.change().await,
            Own::Certificate => self.certificates().await,
            Own::Pay => self.begin_payment().await,
            Own::Paid => self.payment_state().await,
            Own::Report => self.report().await,
            Own::Case => self.case_state().await,
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Trouble::Store(error.into())
    }
}

impl From<VaultError> for Trouble {
    fn from(error: VaultError) -> Self {
        Trouble::Store(StoreError::Row(error.to_string()))
    }
}

impl From<AskError> for Trouble {
    fn from(error: AskError) -> Self {
        Trouble::Malformed(error.to_string())
    }
}

impl From<Unanswered> for Trouble {
    fn from(error: Unanswered) -> Self {
        Trouble::Unavailable(error.to_string())
    }
}
