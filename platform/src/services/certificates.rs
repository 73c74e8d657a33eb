//! Electronic certificates: read with the citizen's card, for one service, and written down.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::Row as _;
use sync::ask::Answer;
use utoipa::ToSchema;

use super::Trouble;
use super::deal::{Card, Deal, returned};
use super::department::Departments;
use super::shelf::kinds;
use super::vault::Vault;
use crate::store::{Store, StoreError, instant};

/// One reading of somebody's certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Consent {
    /// The submission.
    pub id: String,
    /// Whose they are.
    pub name: String,
    /// Her identity number.
    pub number: String,
    /// The terminal.
    pub device: String,
    /// For which service.
    pub service: String,
    /// Which kinds were given.
    pub kinds: Vec<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub given_at: Timestamp,
}

impl Deal<'_> {
    /// `certificate.read { card, service }`: those kinds that the service binds to and she has.
    pub(super) async fn certificates(&mut self) -> Result<Answer, Trouble> {
        let code = self.service().to_owned();
        let service = self.shelf.catalogue.get(&code);
        let service =
            service.ok_or_else(|| Trouble::Malformed(format!("there is no service {code:?}")))?;
        let card = self.card()?.clone();
        let held = self.departments.certificates(&card.number);
        let kinds = kinds(service).into_iter();
        let given: Map<String, Value> =
            kinds.filter_map(|kind| Some((kind.clone(), held.get(&kind)?.clone()))).collect();
        let names: Vec<&str> = given.keys().map(String::as_str).collect();
        let sql = "INSERT INTO consents (submission, person, sealed, device, service, kinds, given_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let query = sqlx::query(sql).bind(self.ask.id.to_string());
        let query = query.bind(self.vault.person(&card.number)).bind(self.vault.close(&card)?);
        let query = query.bind(self.device.as_str()).bind(code).bind(names.join(","));
        query.bind(self.now.as_millisecond()).execute(&mut *self.connection).await?;
        Ok(returned(Value::Object(given)))
    }
}

/// The last readings, newest first.
pub async fn consents(
    store: &Store,
    vault: &Vault,
    limit: u32,
) -> Result<Vec<Consent>, StoreError> {
    let sql = "SELECT submission, sealed, device, service, kinds, given_ms FROM consents \
         ORDER BY given_ms DESC, submission LIMIT $1";
    let rows = sqlx::query(sql).bind(i64::from(limit)).fetch_all(store.pool()).await?;
    let consent = |row: &sqlx::any::AnyRow| {
        let card = vault.reopen(&row.try_get::<String, _>(1)?);
        let card: Card = card.map_err(|error| StoreError::Row(error.to_string()))?;
        let kinds: String = row.try_get(4)?;
        Ok(Consent {
            id: row.try_get(0)?,
            name: card.name,
            number: card.number,
            device: row.try_get(2)?,
            service: row.try_get(3)?,
            kinds: kinds.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect(),
            given_at: instant(row.try_get(5)?)?,
        })
    };
    rows.iter().map(consent).collect()
}

/// Where certificates come from: the demonstration registry keeps those of its citizens.
impl Departments {
    fn certificates(&self, number: &str) -> Map<String, Value> {
        let registry = self.registry();
        let person = registry.person(number);
        let held = person.into_iter().flat_map(|person| &person.certificates);
        held.map(|(kind, fields)| (kind.clone(), Value::Object(fields.clone()))).collect()
    }
}
