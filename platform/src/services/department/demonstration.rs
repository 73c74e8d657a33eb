//! The demonstration registry with what it learnt about its citizens.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use service::definition::Operation;
use service::registry::{Change, Outcome, Question, Registry};
use sqlx::Row as _;
use sync::ask::Answer;

use super::Unanswered;
use crate::services::Trouble;
use crate::services::deal::Deal;

/// What changed about a citizen: field by category.
type Learnt = BTreeMap<String, Map<String, Value>>;

impl Deal<'_> {
    /// Answers an operation from the registry; what it `sets` is kept in the same transaction.
    pub(in crate::services) async fn register(
        &mut self,
        operation: &Operation,
        registry: &Mutex<Registry>,
    ) -> Result<Answer, Trouble> {
        let number = self.filled.card.as_ref().map(|card| card.number.clone());
        let person = number.as_deref().map(|number| self.vault.person(number));
        let mut learnt = match &person {
            Some(person) => self.learnt(person).await?,
            None => Learnt::new(),
        };
        let question = Question {
            operation: &operation.name,
            number: number.as_deref(),
            ask: Value::Object(self.filled.sent(operation)),
            now: self.here(),
            counter: self.numbers().await?,
        };
        let outcome = {
            let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
            // What lies in the database is what is known, so applying it again changes nothing.
            if let Some(number) = &number {
                registry.apply(number, changes(&learnt));
            }
            registry.answer(&question)
        };
        let outcome = outcome.map_err(|error| {
            tracing::error!(operation = operation.name, "registry: {error}");
            Unanswered::Mistake(operation.name.clone())
        })?;
        let (returns, changes) = match outcome {
            Outcome::Refused(why) => return Ok(Answer::refused(why.zh, why.en)),
            Outcome::Done { returns, changes } => (returns, changes),
        };
        if let Some(person) = person.filter(|_| !changes.is_empty()) {
            for Change { category, field, value } in changes {
                learnt.entry(category).or_default().insert(field, value);
            }
            let sql = "UPDATE citizens SET sealed = $2 WHERE person = $1";
            let query = sqlx::query(sql).bind(person).bind(self.vault.close(&learnt)?);
            query.execute(&mut *self.connection).await?;
        }
        Ok(Answer::Returned(Value::Object(returns)))
    }

    async fn learnt(&mut self, person: &str) -> Result<Learnt, Trouble> {
        self.hold(person).await?;
        let query = sqlx::query("SELECT sealed FROM citizens WHERE person = $1").bind(person);
        let sealed: String = query.fetch_one(&mut *self.connection).await?.try_get(0)?;
        if sealed.is_empty() { Ok(Learnt::new()) } else { Ok(self.vault.reopen(&sealed)?) }
    }
}

fn changes(learnt: &Learnt) -> Vec<Change> {
    let fields = learnt.iter().flat_map(|(category, fields)| {
        fields.iter().map(move |(field, value)| (category.clone(), field.clone(), value.clone()))
    });
    fields.map(|(category, field, value)| Change { category, field, value }).collect()
}
