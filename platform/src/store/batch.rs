//! One transaction for everything that arrived together: cursors, events, states, presence.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};
use sync::cursor::Cursor;
use sync::{Ack, DeviceId, Presence, PresenceState, SyncVector};

use super::{Store, StoreError, chunks, insert, plain, signed};
use crate::intake::judge::{Judge, Stream};
use crate::intake::uplink::Reported;
use crate::services::papers;
use crate::services::submissions::{self, Route};

/// What arrived together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Events, in order of arrival.
    pub reported: Vec<Reported>,
    /// Births and wills, in order of arrival.
    pub presences: Vec<(DeviceId, Presence)>,
    /// Sync vectors.
    pub syncs: Vec<(DeviceId, SyncVector)>,
}

/// What a committed batch did.
#[derive(Debug, Default)]
pub struct Absorbed {
    /// What to answer, by device and stream.
    pub acks: BTreeMap<DeviceId, BTreeMap<String, Ack>>,
    /// Devices of which something new is known.
    pub news: BTreeSet<DeviceId>,
    /// Events written.
    pub applied: u64,
    /// Events put into quarantine.
    pub poison: u64,
    /// Events that were known already.
    pub duplicates: u64,
    /// Events that came before something they follow.
    pub early: u64,
    /// Events lost with an older database.
    pub forgotten: u64,
    /// Submissions that are owed from now on.
    pub submissions: u64,
}

impl Store {
    /// Makes a batch durable; on an error nothing of it is.
    pub async fn absorb(&self, batch: &Batch, now: Timestamp) -> Result<Absorbed, StoreError> {
        let mut transaction = self.begin().await?;
        let devices = batch.reported.iter().map(|reported| &reported.device);
        let devices: BTreeSet<&DeviceId> =
            devices.chain(batch.syncs.iter().map(|(device, _)| device)).collect();
        let mut judge = Judge::new(cursors(&mut transaction, &devices).await?);
        batch.reported.iter().for_each(|reported| judge.event(reported));
        batch.syncs.iter().for_each(|(device, vector)| judge.sync(device, vector));
        write(&mut transaction, &judge, now).await?;
        for (device, ask) in &judge.submissions {
            submissions::take(&mut transaction, device, ask, Route::Outbox, now).await?;
        }
        for (device, document) in &judge.documents {
            papers::record(&mut transaction, device, document).await?;
        }
        presences(&mut transaction, &batch.presences, now).await?;
        transaction.commit().await?;
        let news = judge.states.keys().map(|(device, _)| (*device).clone());
        let news = news.chain(judge.commands.iter().map(|(device, _)| (*device).clone()));
        let news = news.chain(batch.presences.iter().map(|(device, _)| device.clone()));
        Ok(Absorbed {
            news: news.collect(),
            applied: judge.events.len() as u64,
            poison: judge.poison.len() as u64,
            duplicates: judge.duplicates,
            early: judge.early,
            forgotten: judge.forgotten,
            submissions: judge.submissions.len() as u64,
            acks: judge.acks,
        })
    }
}

async fn cursors(
    connection: &mut AnyConnection,
    devices: &BTreeSet<&DeviceId>,
) -> Result<HashMap<Stream, Cursor>, StoreError> {
    let devices: Vec<&DeviceId> = devices.iter().copied().collect();
    let mut cursors = HashMap::new();
    for chunk in chunks(&devices) {
        let places = super::places(0, chunk.len());
        let sql = format!(
            "SELECT device, stream, epoch, last FROM device_streams WHERE device IN {places}"
        );
        let query = chunk
            .iter()
            .fold(sqlx::query(AssertSqlSafe(sql)), |query, device| query.bind(device.as_str()));
        for row in query.fetch_all(&mut *connection).await? {
            let device: String = row.try_get(0)?;
            let device = device
                .parse()
                .map_err(|error: sync::name::NameError| StoreError::Row(error.to_string()))?;
            let (epoch, last): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
            let cursor = Cursor { epoch: epoch.unsigned_abs(), last: last.unsigned_abs() };
            cursors.insert((device, row.try_get(1)?), cursor);
        }
    }
    Ok(cursors)
}

async fn write(
    connection: &mut AnyConnection,
    judge: &Judge<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let now = now.as_millisecond();
    let moved: Vec<(&Stream, &Cursor)> = judge.moved.iter().collect();
    let cursor = (
        "INSERT INTO device_streams (device, stream, epoch, last)",
        4,
        "ON CONFLICT (device, stream) DO UPDATE SET epoch = excluded.epoch, last = excluded.last",
    );
    insert(connection, cursor, &moved, |query, ((device, stream), cursor)| {
        let query = query.bind(device.as_str()).bind(stream.as_str());
        query.bind(signed(cursor.epoch)).bind(signed(cursor.last))
    })
    .await?;

    let event = (
        "INSERT INTO events (device, stream, epoch, seq, gap_from, kind, boot_id, mono_ms, happened_ms, \
         clock_error_ms, received_ms, payload)",
        12,
        "",
    );
    insert(connection, event, &judge.events, |query, (reported, text)| {
        let query =
            key(query, reported).bind(reported.gap_from.map(signed)).bind(reported.kind.as_str());
        let query = query.bind(reported.boot_id.as_str()).bind(signed(reported.mono_ms));
        let query =
            query.bind(reported.time.as_millisecond()).bind(reported.clock_error_ms.map(i64::from));
        query.bind(now).bind(*text)
    })
    .await?;

    let poison = (
        "INSERT INTO quarantine (device, stream, epoch, seq, kind, reason, payload_base64, received_ms)",
        8,
        "",
    );
    insert(connection, poison, &judge.poison, |query, (reported, reason)| {
        let query = key(query, reported).bind(reported.kind.as_str()).bind(plain(reason));
        query.bind(BASE64_STANDARD.encode(&reported.payload)).bind(now)
    })
    .await?;

    let states: Vec<_> = judge.states.values().collect();
    let state = (
        "INSERT INTO latest (device, kind, happened_ms, payload)",
        4,
        "ON CONFLICT (device, kind) DO UPDATE SET happened_ms = excluded.happened_ms, payload = excluded.payload",
    );
    insert(connection, state, &states, |query, (reported, text)| {
        let query = query.bind(reported.device.as_str()).bind(reported.kind.as_str());
        query.bind(reported.time.as_millisecond()).bind(*text)
    })
    .await?;

    for (device, status) in &judge.commands {
        let sql = "UPDATE commands SET state = $1, detail = $2, changed_ms = $3 WHERE id = $4 AND device = $5";
        let state = super::fleet::word(status.state);
        let query = sqlx::query(sql).bind(state).bind(plain(&status.detail));
        query
            .bind(now)
            .bind(plain(&status.id))
            .bind(device.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn key<'q>(query: super::Bound<'q>, reported: &Reported) -> super::Bound<'q> {
    let query = query.bind(reported.device.as_str()).bind(reported.key.stream.as_str());
    query.bind(signed(reported.key.epoch)).bind(signed(reported.key.seq))
}

/// Writes births and wills; one of an older session than the last says nothing about the new one.
async fn presences(
    connection: &mut AnyConnection,
    presences: &[(DeviceId, Presence)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let now = now.as_millisecond();
    let mut newest: BTreeMap<&DeviceId, &Presence> = BTreeMap::new();
    for (device, presence) in presences {
        let known = newest.entry(device).or_insert(presence);
        if presence.session >= known.session {
            *known = presence;
        }
    }
    let newest: Vec<(&DeviceId, &Presence)> = newest.into_iter().collect();
    let device =
        ("INSERT INTO devices (device, role, stop, made_ms)", 4, "ON CONFLICT (device) DO NOTHING");
    insert(connection, device, &newest, |query, (device, presence)| {
        let stop = presence.stop.as_ref().map(|stop| plain(&stop.0));
        query.bind(device.as_str()).bind(plain(&presence.role)).bind(stop).bind(now)
    })
    .await?;
    let presence = (
        "INSERT INTO presence (device, session, state, payload, seen_ms)",
        5,
        "ON CONFLICT (device) DO UPDATE SET session = excluded.session, state = excluded.state, \
         payload = excluded.payload, seen_ms = excluded.seen_ms WHERE excluded.session >= presence.session",
    );
    insert(connection, presence, &newest, |query, (device, presence)| {
        let state = match presence.state {
            PresenceState::Online => "online",
            PresenceState::Offline => "offline",
        };
        let payload = serde_json::to_string(presence).expect("presence has string keys only");
        query
            .bind(device.as_str())
            .bind(signed(presence.session))
            .bind(state)
            .bind(payload)
            .bind(now)
    })
    .await
}
