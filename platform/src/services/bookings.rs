//! Visits that people book: a slot never holds more than its quota, however many try at once.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::answer::Slot;
use sqlx::Row as _;
use sync::ask::Answer;
use utoipa::ToSchema;

use super::Trouble;
use super::calendar::hour;
use super::deal::{Deal, here, refused, returned};
use crate::store::{Store, StoreError};

/// Most visits that are shown to one person.
const SHOWN: i64 = 50;

/// A booking as people at the counter see it: no name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Visit {
    /// Its number, which the citizen has on paper.
    pub number: String,
    /// Code of the service.
    pub service: String,
    /// `2026-11-25`.
    pub date: String,
    /// `09:00`.
    pub time: String,
    /// `booked` or `cancelled`.
    pub state: String,
}

const VISIT: &str = "SELECT number, service, day, hour, state FROM bookings";

impl Deal<'_> {
    /// `booking.slots { service, days }`.
    pub(super) async fn slots(&mut self) -> Result<Answer, Trouble> {
        let service = self.service().to_owned();
        self.bookable(&service)?;
        let days = self.filled.answers.get("days").and_then(Value::as_u64).unwrap_or(14);
        let days = u8::try_from(days).unwrap_or(u8::MAX);
        let hours = &self.shelf.hours;
        let offered = hours.offered(self.here(), days);
        let sql = "SELECT day, hour, taken FROM booking_slots WHERE service = $1 AND day >= $2";
        let query = sqlx::query(sql).bind(service.as_str()).bind(self.here().date().to_string());
        let rows = query.fetch_all(&mut *self.connection).await?;
        let mut taken = std::collections::HashMap::new();
        for row in rows {
            let slot: (String, String) = (row.try_get(0)?, row.try_get(1)?);
            taken.insert(slot, row.try_get::<i64, _>(2)?);
        }
        let quota = i64::from(hours.quota(&service));
        let time = |day: Date, time: Time| {
            let (day, hour) = (day.to_string(), hour(time));
            let left = (quota - taken.get(&(day, hour.clone())).unwrap_or(&0)).max(0);
            json!({ "time": hour, "left": left })
        };
        let day = |(day, times): &(Date, Vec<Time>)| {
            let times: Vec<Value> = times.iter().map(|at| time(*day, *at)).collect();
            json!({ "date": day.to_string(), "times": times })
        };
        let days: Vec<Value> = offered.iter().map(day).collect();
        Ok(returned(json!({ "days": days })))
    }

    /// `booking.make { card, slot, … }` of a service that is booked.
    pub(super) async fn book(&mut self) -> Result<Answer, Trouble> {
        let service = self.ask.service.clone();
        self.bookable(&service)?;
        let Some(slot) = self.slot()? else { return Ok(gone()) };
        let person = self.vault.person(&self.card()?.number);
        self.hold(&person).await?;
        let sql = "SELECT number FROM bookings \
             WHERE person = $1 AND state = 'booked' AND service = $2 AND day >= $3";
        let query = sqlx::query_scalar::<_, String>(sql).bind(person.as_str());
        let query = query.bind(service.as_str()).bind(self.here().date().to_string());
        if let Some(number) = query.fetch_optional(&mut *self.connection).await? {
            return Ok(Answer::refused(
                format!("您已经预约了这个事项，预约号{number}，可以改期或取消。"),
                format!("You have booked this already ({number}); you can move or cancel it."),
            ));
        }
        if !self.occupy(&service, &slot).await? {
            return Ok(full());
        }
        let number = (self.numbers().await?)("YY");
        let sql = "INSERT INTO bookings \
             (number, submission, person, service, day, hour, state, sealed, made_ms, changed_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, 'booked', $7, $8, $8)";
        let query = sqlx::query(sql).bind(number.as_str()).bind(self.ask.id.to_string());
        let query = query.bind(person).bind(service.as_str()).bind(slot.date.as_str());
        let query = query.bind(slot.time.as_str()).bind(self.vault.close(&self.filled.answers)?);
        query.bind(self.now.as_millisecond()).execute(&mut *self.connection).await?;
        Ok(self.confirmed(&number, &service, &slot))
    }

    /// `booking.list { card }`: what is still to come.
    pub(super) async fn booked(&mut self) -> Result<Answer, Trouble> {
        let person = self.vault.person(&self.card()?.number);
        let sql = "SELECT number, service, day, hour FROM bookings \
             WHERE person = $1 AND state = 'booked' AND day >= $2 ORDER BY day, hour LIMIT $3";
        let query = sqlx::query(sql).bind(person).bind(self.here().date().to_string()).bind(SHOWN);
        let rows = query.fetch_all(&mut *self.connection).await?;
        let mut bookings = Vec::new();
        for row in rows {
            let service: String = row.try_get(1)?;
            let name = self.shelf.catalogue.get(&service).map(|service| &service.name);
            bookings.push(json!({
                "number": row.try_get::<String, _>(0)?, "service": service, "name": name,
                "date": row.try_get::<String, _>(2)?, "time": row.try_get::<String, _>(3)?,
                "place": self.shelf.hours.place(&service),
            }));
        }
        Ok(returned(json!({ "bookings": bookings })))
    }

    /// `booking.cancel { card, number }`.
    pub(super) async fn cancel(&mut self) -> Result<Answer, Trouble> {
        let Some((number, service, slot)) = self.own_booking().await? else { return Ok(unknown()) };
        self.vacate(&service, &slot).await?;
        let sql = "UPDATE bookings SET state = 'cancelled', changed_ms = $2 WHERE number = $1";
        let query = sqlx::query(sql).bind(number.as_str()).bind(self.now.as_millisecond());
        query.execute(&mut *self.connection).await?;
        Ok(returned(json!({ "number": number })))
    }

    /// `booking.move { card, number, slot }`.
    pub(super) async fn change(&mut self) -> Result<Answer, Trouble> {
        let Some(new) = self.slot()? else { return Ok(gone()) };
        let Some((number, service, old)) = self.own_booking().await? else { return Ok(unknown()) };
        // Both rows are held in one order, so that two people who swap never wait for each other.
        let mut slots = [&old, &new];
        slots.sort_unstable_by_key(|slot| (slot.date.clone(), slot.time.clone()));
        for slot in slots {
            self.touch(&service, slot).await?;
        }
        if !self.occupy(&service, &new).await? {
            return Ok(full());
        }
        self.vacate(&service, &old).await?;
        let sql = "UPDATE bookings SET day = $2, hour = $3, changed_ms = $4 WHERE number = $1";
        let query = sqlx::query(sql).bind(number.as_str()).bind(new.date.as_str());
        let query = query.bind(new.time.as_str()).bind(self.now.as_millisecond());
        query.execute(&mut *self.connection).await?;
        Ok(self.confirmed(&number, &service, &new))
    }

    fn bookable(&self, service: &str) -> Result<(), Trouble> {
        let says = || Trouble::Malformed(format!("service {service:?} is not booked"));
        self.shelf.booked(service).map(|_| ()).ok_or_else(says)
    }

    /// The slot that was chosen; `None` when nobody offers it any more.
    fn slot(&self) -> Result<Option<Slot>, Trouble> {
        let given = self.filled.answers.get("slot").cloned().unwrap_or_default();
        let slot: Slot = serde_json::from_value(given)
            .map_err(|error| Trouble::Malformed(format!("slot: {error}")))?;
        let (Ok(day), Ok(time)) = (slot.date.parse(), format!("{}:00", slot.time).parse()) else {
            return Err(Trouble::Malformed("slot: a date and a time are wanted".to_owned()));
        };
        let normal = Slot { date: Date::to_string(&day), time: hour(time) };
        Ok(self.shelf.hours.has(self.here(), day, time).then_some(normal))
    }

    async fn touch(&mut self, service: &str, slot: &Slot) -> Result<(), Trouble> {
        let sql = "INSERT INTO booking_slots (service, day, hour, taken) VALUES ($1, $2, $3, 0) \
             ON CONFLICT (service, day, hour) DO UPDATE SET taken = booking_slots.taken";
        let query = sqlx::query(sql).bind(service).bind(slot.date.as_str());
        query.bind(slot.time.as_str()).execute(&mut *self.connection).await?;
        Ok(())
    }

    /// Takes one place of a slot; `false` when none is left.
    async fn occupy(&mut self, service: &str, slot: &Slot) -> Result<bool, Trouble> {
        self.touch(service, slot).await?;
        let sql = "UPDATE booking_slots SET taken = taken + 1 \
             WHERE service = $1 AND day = $2 AND hour = $3 AND taken < $4";
        let query = sqlx::query(sql).bind(service).bind(slot.date.as_str());
        let query = query.bind(slot.time.as_str()).bind(i64::from(self.shelf.hours.quota(service)));
        Ok(query.execute(&mut *self.connection).await?.rows_affected() == 1)
    }

    async fn vacate(&mut self, service: &str, slot: &Slot) -> Result<(), Trouble> {
        let sql = "UPDATE booking_slots SET taken = taken - 1 \
             WHERE service = $1 AND day = $2 AND hour = $3 AND taken > 0";
        let query = sqlx::query(sql).bind(service).bind(slot.date.as_str());
        query.bind(slot.time.as_str()).execute(&mut *self.connection).await?;
        Ok(())
    }

    /// Number, service and slot of a booking of this citizen that is still to come.
    async fn own_booking(&mut self) -> Result<Option<(String, String, Slot)>, Trouble> {
        let number = self.text("number", 32)?.to_owned();
        let person = self.vault.person(&self.card()?.number);
        self.hold(&person).await?;
        let sql = "SELECT service, day, hour FROM bookings \
             WHERE number = $1 AND person = $2 AND state = 'booked' AND day >= $3";
        let query = sqlx::query(sql).bind(number.as_str()).bind(person);
        let query = query.bind(self.here().date().to_string());
        let Some(row) = query.fetch_optional(&mut *self.connection).await? else { return Ok(None) };
        let slot = Slot { date: row.try_get(1)?, time: row.try_get(2)? };
        Ok(Some((number, row.try_get(0)?, slot)))
    }

    fn confirmed(&self, number: &str, service: &str, slot: &Slot) -> Answer {
        let mut fields = Map::new();
        fields.insert("number".to_owned(), json!(number));
        fields.insert("place".to_owned(), json!(self.shelf.hours.place(service)));
        fields.insert("when".to_owned(), json!(format!("{} {}", slot.date, slot.time)));
        returned(Value::Object(fields))
    }
}

fn full() -> Answer {
    refused(
        "这个时间已经约满，请选别的时间。",
        "This time is fully booked; please choose another one.",
    )
}

fn gone() -> Answer {
    refused(
        "这个时间不能预约，请选别的时间。",
        "This time can't be booked; please choose another one.",
    )
}

fn unknown() -> Answer {
    refused("没有找到您的这个预约。", "You have no such booking.")
}

/// All visits of one day, in order.
pub async fn on(store: &Store, day: Date) -> Result<Vec<Visit>, StoreError> {
    let sql =
        sqlx::AssertSqlSafe(format!("{VISIT} WHERE day = $1 ORDER BY hour, number LIMIT 1000"));
    let rows = sqlx::query(sql).bind(day.to_string()).fetch_all(store.pool()).await?;
    let visit = |row: &sqlx::any::AnyRow| {
        Ok(Visit {
            number: row.try_get(0)?,
            service: row.try_get(1)?,
            date: row.try_get(2)?,
            time: row.try_get(3)?,
            state: row.try_get(4)?,
        })
    };
    rows.iter().map(visit).collect()
}

/// Today in Fuzhou.
pub fn today(now: Timestamp) -> Date {
    here(now).date()
}
