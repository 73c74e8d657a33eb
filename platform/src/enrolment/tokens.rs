//! One-time tokens: 128 random bits, of which only the hash is kept.
//!
//! A token is looked up by its hash. What the time of that look-up could tell is a prefix of a hash of which
//! nobody can choose the preimage, so it leads to no token; what is compared after it is no secret.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::{AnyPool, Row as _};
use sync::identity::{Reason, Refusal};
use sync::name::{DeviceId, StopId};

/// A token serves this long.
pub(super) const TOKEN_LIFE: Duration = Duration::from_hours(24);
/// Dead tokens are kept this long, so that a late device is told why.
const KEPT: Duration = Duration::from_hours(30 * 24);

#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pool: AnyPool,
}

/// What a token was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) role: String,
    pub(super) stop: Option<StopId>,
}

impl Tokens {
    pub(super) fn new(pool: AnyPool) -> Self {
        Self { pool }
    }

    /// Makes a token; those made for this device before serve no longer.
    pub(super) async fn make(
        &self,
        device: &DeviceId,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<String, sqlx::Error> {
        let token = hex::encode(rand::random::<[u8; 16]>());
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM enrolment WHERE device = $1 OR expires_ms < $2")
            .bind(device.as_str())
            .bind(now.as_millisecond() - millis(KEPT))
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO enrolment (token_hash, device, role, stop, expires_ms) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(hash(&token))
        .bind(device.as_str())
        .bind(grant.role.as_str())
        .bind(grant.stop.as_ref().map(|stop| stop.0.as_str()))
        .bind(now.as_millisecond() + millis(TOKEN_LIFE))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(token)
    }

    /// Takes a token for one key. The same key may come again while the token lives: its answer may have got lost.
    pub(super) async fn redeem(
        &self,
        token: &str,
        device: &DeviceId,
        key_hash: &str,
        now: Timestamp,
    ) -> Result<Result<Grant, Refusal>, sqlx::Error> {
        // One statement decides, so that of two keys that come at once only one gets in.
        let taken = sqlx::query(
            "UPDATE enrolment SET key_hash = $1 \
             WHERE token_hash = $2 AND device = $3 AND expires_ms > $4 AND (key_hash IS NULL OR key_hash = $1)",
        )
        .bind(key_hash)
        .bind(hash(token))
        .bind(device.as_str())
        .bind(now.as_millisecond())
        .execute(&self.pool)
        .await?
        .rows_affected();
        let row = sqlx::query(
            "SELECT device, role, stop, expires_ms FROM enrolment WHERE token_hash = $1",
        )
        .bind(hash(token))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(Err(refusal(
                Reason::UnknownToken,
                "nobody made this token, or a newer one took its place",
            )));
        };
        if taken == 1 {
            let stop: Option<String> = row.try_get("stop")?;
            return Ok(Ok(Grant { role: row.try_get("role")?, stop: stop.map(StopId) }));
        }
        let expired = row.try_get::<i64, _>("expires_ms")? <= now.as_millisecond();
        Ok(Err(if row.try_get::<String, _>("device")? != device.as_str() {
            refusal(Reason::WrongDevice, "this token was made for another device")
        } else if expired {
            refusal(Reason::ExpiredToken, "this token is older than a day; make a new one")
        } else {
            refusal(Reason::UsedToken, "another key was enrolled with this token; make a new one")
        }))
    }

    /// No token of this device serves any longer.
    pub(super) async fn withdraw(&self, device: &DeviceId) -> Result<(), sqlx::Error> {
        let query = sqlx::query("DELETE FROM enrolment WHERE device = $1").bind(device.as_str());
        query.execute(&self.pool).await.map(|_| ())
    }
}

pub(super) fn refusal(error: Reason, detail: impl Into<String>) -> Refusal {
    Refusal { error, detail: detail.into() }
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).expect("our durations are days")
}
