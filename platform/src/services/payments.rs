//! The demonstration cashier: a code to pay, a page that takes the money, and each payment used once.

use jiff::Timestamp;
use serde_json::{Value, json};
use service::answer::Payment;
use service::step::Ask as Question;
use sqlx::{AnyConnection, Row as _};
use sync::ask::Answer;

use super::Trouble;
use super::deal::{Deal, refused, returned};
use crate::store::{Store, StoreError};

/// Largest amount that the demonstration takes, in fen: 100,000 yuan.
const AMOUNT_MAX: u64 = 10_000_000;
/// A code that nobody paid serves this long, in milliseconds.
const OPEN_MS: i64 = 30 * 60 * 1000;

/// What the cashier's page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// Code of the service.
    pub service: String,
    /// In fen.
    pub amount: i64,
    /// Whether it was paid.
    pub paid: bool,
    /// Whether it was made too long ago to be paid.
    pub stale: bool,
}

impl Deal<'_> {
    /// `payment.begin { service, amount }`, the amount in fen.
    pub(super) async fn begin_payment(&mut self) -> Result<Answer, Trouble> {
        let service = self.service().to_owned();
        if self.shelf.catalogue.get(&service).is_none() {
            return Err(Trouble::Malformed(format!("there is no service {service:?}")));
        }
        let amount = self.filled.answers.get("amount").and_then(Value::as_u64);
        let Some(amount) = amount.filter(|amount| (1..=AMOUNT_MAX).contains(amount)) else {
            return Err(Trouble::Malformed(format!("amount: use 1 to {AMOUNT_MAX} fen")));
        };
        let trade = hex::encode(rand::random::<[u8; 16]>());
        let sql = "INSERT INTO payments (trade, service, amount, made_ms) VALUES ($1, $2, $3, $4)";
        let query = sqlx::query(sql).bind(trade.as_str()).bind(service);
        let query = query.bind(i64::try_from(amount).unwrap_or_default());
        query.bind(self.now.as_millisecond()).execute(&mut *self.connection).await?;
        let code = format!("{}/pay/{trade}", self.public);
        Ok(returned(json!({ "code": code, "trade": trade, "amount": amount })))
    }

    /// `payment.state { trade }`.
    pub(super) async fn payment_state(&mut self) -> Result<Answer, Trouble> {
        let sql = "SELECT paid_ms FROM payments WHERE trade = $1";
        let query = sqlx::query(sql).bind(self.text("trade", 64)?);
        let row = query.fetch_optional(&mut *self.connection).await?;
        let Some(row) = row else {
            return Ok(refused("没有这笔支付。", "There is no such payment."));
        };
        Ok(returned(json!({ "paid": row.try_get::<Option<i64>, _>(0)?.is_some() })))
    }

    /// Uses the payments that go with this submission; a refusal when one was not made, or not for this.
    pub(super) async fn settle(&mut self) -> Result<Option<Answer>, Trouble> {
        let Some(service) = self.shelf.catalogue.get(&self.ask.service) else { return Ok(None) };
        let Some(operation) = self.shelf.operation(&self.ask.service, &self.ask.operation) else {
            return Ok(None);
        };
        let pays = service.steps.iter().filter(|step| matches!(step.ask, Question::Pay { .. }));
        for step in pays.filter(|step| operation.sends.contains(&step.id)) {
            let Some(given) = self.filled.answers.get(&step.id) else { continue };
            let payment: Payment = serde_json::from_value(given.clone())
                .map_err(|error| Trouble::Malformed(format!("{}: {error}", step.id)))?;
            if payment == Payment::default() {
                continue;
            }
            let sql = "UPDATE payments SET used_by = $1 WHERE trade = $2 AND service = $3 \
                 AND amount = $4 AND paid_ms IS NOT NULL AND (used_by IS NULL OR used_by = $1)";
            let query = sqlx::query(sql).bind(self.ask.id.to_string()).bind(payment.trade);
            let query = query.bind(self.ask.service.as_str()).bind(payment.amount);
            if query.execute(&mut *self.connection).await?.rows_affected() != 1 {
                let (zh, en) =
                    ("这笔款没有付成，或已经用过。", "This was not paid, or was used before.");
                return Ok(Some(Answer::refused(zh, en)));
            }
        }
        Ok(None)
    }
}

/// Gives a submission's payments free again, because it was refused.
pub async fn release(connection: &mut AnyConnection, submission: &str) -> Result<(), sqlx::Error> {
    let sql = "UPDATE payments SET used_by = NULL WHERE used_by = $1";
    sqlx::query(sql).bind(submission).execute(connection).await.map(|_| ())
}

/// What is to be paid under a trade.
pub async fn bill(store: &Store, trade: &str, now: Timestamp) -> Result<Option<Bill>, StoreError> {
    let sql = "SELECT service, amount, paid_ms, made_ms FROM payments WHERE trade = $1";
    let row = sqlx::query(sql).bind(trade).fetch_optional(store.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    let paid = row.try_get::<Option<i64>, _>(2)?.is_some();
    let stale = now.as_millisecond() - row.try_get::<i64, _>(3)? > OPEN_MS;
    Ok(Some(Bill { service: row.try_get(0)?, amount: row.try_get(1)?, paid, stale }))
}

/// Takes the money of the demonstration; `false` when the code no longer serves.
pub async fn pay(store: &Store, trade: &str, now: Timestamp) -> Result<bool, StoreError> {
    let now = now.as_millisecond();
    let sql = "UPDATE payments SET paid_ms = COALESCE(paid_ms, $2) \
         WHERE trade = $1 AND (paid_ms IS NOT NULL OR made_ms >= $3)";
    let query = sqlx::query(sql).bind(trade).bind(now).bind(now - OPEN_MS);
    Ok(query.execute(store.pool()).await?.rows_affected() == 1)
}
