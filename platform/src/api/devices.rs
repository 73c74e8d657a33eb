//! Devices: what they are, what they said, what they were told.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync::{Command, DeviceId, Health, PresenceState, Shown, StopId, Unknown};
use utoipa::ToSchema;

use super::Shared;
use super::problem::{Asked, Problem, Shape, json};
use crate::fleet::Request;
use crate::news::News;
use crate::store::fleet::{Device, Ordered, Received};

/// Most rows of one answer.
pub const PAGE_MAX: u32 = 500;
/// Rows of an answer when nothing is said.
const PAGE: u32 = 100;
/// What a device can be.
const ROLES: [&str; 5] = ["sign", "terminal", "speaker", "guide", "pole"];
/// Longest life of a command, in seconds: a week.
const LIFE_MAX_S: u64 = 7 * 86_400;

/// Whether a device is there, as far as anyone can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Connected.
    Online,
    /// Gone.
    Offline,
    /// It was there, but nothing was heard since the platform's own link came up.
    Unknown,
    /// Registered, and never seen.
    Never,
}

/// One device.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeviceView {
    /// Its name.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// What it is: `sign`, `pole` …
    pub role: String,
    /// The stop it stands at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stop: Option<StopId>,
    /// Whether it is there.
    pub state: Condition,
    /// When it last came or went.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub seen_at: Option<Timestamp>,
    /// Version of its software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// What stands on its glass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub shown: Option<Shown>,
    /// Since when, by the device's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub shown_at: Option<Timestamp>,
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub health: Option<Health>,
    /// When it said so, by its own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub health_at: Option<Timestamp>,
}

/// A page of devices.
#[derive(Debug, Serialize, ToSchema)]
pub struct Devices {
    /// By name.
    pub devices: Vec<DeviceView>,
    /// `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct Events {
    /// Newest first.
    pub events: Vec<Received>,
    /// `before` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The last commands to a device.
#[derive(Debug, Serialize, ToSchema)]
pub struct Commands {
    /// Newest first.
    pub commands: Vec<Ordered>,
}

/// Which devices.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DevicesAsked {
    /// Names up to and including this one were seen already.
    #[serde(default)]
    after: String,
    /// Most devices of the answer, up to 500.
    limit: Option<u32>,
}

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsAsked {
    /// Stream of the device; `events` when nothing is said.
    stream: Option<String>,
    /// Only older ones than this: `next` of the page before.
    before: Option<String>,
    /// Most events of the answer, up to 500.
    limit: Option<u32>,
}

/// A new device.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewDevice {
    /// Its name: 1 to 64 of a-z, 0-9 and '-'.
    #[schema(value_type = String)]
    device: DeviceId,
    /// What it is: `sign`, `terminal`, `speaker`, `guide`, `pole`.
    role: String,
    /// The stop a sign stands at.
    #[schema(value_type = Option<String>)]
    stop: Option<StopId>,
}

/// What to hand to the installer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Registered {
    /// The device.
    #[schema(value_type = String)]
    device: DeviceId,
    /// One line for the device's configuration; it serves once, for a day.
    provision: String,
}

/// A new command.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewCommand {
    /// What to do: `screenshot`, `identify`, `restart`.
    kind: String,
    /// Arguments of that kind.
    #[serde(default)]
    #[schema(value_type = Object)]
    args: serde_json::Value,
    /// It must not start later than this many seconds from now; an hour when nothing is said.
    expires_s: Option<u64>,
    /// It must not run twice: after a crash it ends `unknown`.
    #[serde(default)]
    once: bool,
}

/// All devices, by name.
#[utoipa::path(get, path = "/api/devices", tag = "devices", params(DevicesAsked),
    responses((status = 200, body = Devices), (status = 400, body = Shape)))]
pub async fn list(
    State(desk): State<Shared>,
    Asked(asked): Asked<DevicesAsked>,
) -> Result<Json<Devices>, Problem> {
    let limit = page(asked.limit)?;
    let devices = desk.store.devices(&asked.after, limit).await?;
    let next = (devices.len() as u64 == u64::from(limit))
        .then(|| devices.last().map(|last| last.device.to_string()));
    let up = *desk.link.borrow();
    let devices = devices.into_iter().map(|device| view(device, up)).collect();
    Ok(Json(Devices { devices, next: next.flatten() }))
}

/// Registers a device, or changes its role or stop, and makes a new provision string.
#[utoipa::path(post, path = "/api/devices", tag = "devices", request_body = NewDevice, security(("operator" = [])),
    responses((status = 201, body = Registered), (status = 400, body = Shape), (status = 401, body = Shape)))]
pub async fn register(
    State(desk): State<Shared>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Registered>), Problem> {
    let NewDevice { device, role, stop } = json(body)?;
    if !ROLES.contains(&role.as_str()) {
        return Err(Problem::content(format!("role: use one of {}", ROLES.join(", "))));
    }
    let now = desk.clock.now().wall;
    let provision = desk.enrolment.provision(&device, &role, stop.as_ref(), now).await?;
    desk.store.register(&device, &role, stop.as_ref(), now).await?;
    desk.press.tell(News::Device(device.clone()));
    // When the platform ends right now, the device gets its content when it connects.
    let _ = desk.fleet.send(Request::Content(device.clone())).await;
    Ok((StatusCode::CREATED, Json(Registered { device, provision: provision.to_string() })))
}

/// One device.
#[utoipa::path(get, path = "/api/devices/{device}", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = DeviceView), (status = 404, body = Shape)))]
pub async fn one(
    State(desk): State<Shared>,
    Path(device): Path<String>,
) -> Result<Json<DeviceView>, Problem> {
    let device = known(&desk, &device).await?;
    let up = *desk.link.borrow();
    Ok(Json(view(device, up)))
}

/// Shuts a device out: its certificates and tokens are void, and the broker refuses it when it connects next.
///
/// A connection that it holds right now stays until it breaks, because Mosquitto looks at certificates
/// only when somebody connects. A broker that is not the platform's own must read `authority/crl.pem` anew.
/// What the device reported is kept; `POST /api/devices` takes it in again.
#[utoipa::path(delete, path = "/api/devices/{device}", tag = "devices", params(("device" = String, Path)),
    security(("operator" = [])),
    responses((status = 204), (status = 401, body = Shape), (status = 404, body = Shape)))]
pub async fn remove(
    State(desk): State<Shared>,
    Path(device): Path<String>,
) -> Result<StatusCode, Problem> {
    let device = known(&desk, &device).await?.device;
    let now = desk.clock.now().wall;
    desk.enrolment.revoke(&device, now).await?;
    desk.revoked.send_replace(());
    desk.store.remove(&device, now).await?;
    desk.press.tell(News::Device(device.clone()));
    // When the platform ends right now, only stale messages are left that nobody else may read.
    let _ = desk.fleet.send(Request::Removed(device)).await;
    Ok(StatusCode::NO_CONTENT)
}

/// What a device reported on one of its streams, newest first.
#[utoipa::path(get, path = "/api/devices/{device}/events", tag = "devices",
    params(("device" = String, Path), EventsAsked),
    responses((status = 200, body = Events), (status = 404, body = Shape)))]
pub async fn events(
    State(desk): State<Shared>,
    Path(device): Path<String>,
    Asked(asked): Asked<EventsAsked>,
) -> Result<Json<Events>, Problem> {
    let device = known(&desk, &device).await?.device;
    let limit = page(asked.limit)?;
    let before = match asked.before.as_deref().map(position) {
        None => (u64::MAX, u64::MAX),
        Some(Some(before)) => before,
        Some(None) => {
            return Err(Problem::request("before: use `next` of the page before, such as 1.250"));
        }
    };
    let stream = asked.stream.as_deref().unwrap_or("events");
    let events = desk.store.events(&device, stream, before, limit).await?;
    let full = events.len() as u64 == u64::from(limit);
    let last = events.last().filter(|_| full);
    let next = last.map(|last| format!("{}.{}", last.epoch, last.seq));
    Ok(Json(Events { events, next }))
}

/// The last commands to a device, newest first.
#[utoipa::path(get, path = "/api/devices/{device}/commands", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = Commands), (status = 404, body = Shape)))]
pub async fn commands(
    State(desk): State<Shared>,
    Path(device): Path<String>,
) -> Result<Json<Commands>, Problem> {
    let device = known(&desk, &device).await?.device;
    Ok(Json(Commands { commands: desk.store.commands(&device, PAGE).await? }))
}

/// Gives a device a command. It is written down before it is sent, and sent again when the device comes back.
#[utoipa::path(post, path = "/api/devices/{device}/commands", tag = "devices", params(("device" = String, Path)),
    request_body = NewCommand, security(("operator" = [])),
    responses((status = 202, body = Ordered), (status = 400, body = Shape),
        (status = 401, body = Shape), (status = 404, body = Shape)))]
pub async fn command(
    State(desk): State<Shared>,
    Path(device): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Ordered>), Problem> {
    let new: NewCommand = json(body)?;
    let device = known(&desk, &device).await?.device;
    if new.kind.is_empty() || new.kind.len() > 64 {
        return Err(Problem::content("kind: name what to do in 1 to 64 bytes"));
    }
    let life_s = new.expires_s.unwrap_or(3600);
    if !(1..=LIFE_MAX_S).contains(&life_s) {
        return Err(Problem::content(format!("expires_s: use 1 to {LIFE_MAX_S}")));
    }
    let now = desk.clock.now().wall;
    let command = Command {
        id: uuid::Uuid::now_v7().to_string(),
        kind: new.kind,
        args: new.args,
        issued_at: now,
        expires: now + Duration::from_secs(life_s),
        once: new.once,
        unknown: Unknown::new(),
    };
    desk.store.order(&device, &command).await?;
    let order = crate::fleet::order(&desk.tenant, &device, &command, now);
    // When the platform ends right now, the device hears of it at its next connection.
    let _ = desk.outgoing.send(order).await;
    let ordered =
        Ordered { command, state: "sent".to_owned(), detail: String::new(), changed_at: now };
    Ok((StatusCode::ACCEPTED, Json(ordered)))
}

async fn known(desk: &Shared, device: &str) -> Result<Device, Problem> {
    let id: DeviceId = device
        .parse()
        .map_err(|error: sync::name::NameError| Problem::request(error.to_string()))?;
    let found = desk.store.device(&id).await?;
    found.ok_or_else(|| {
        Problem::not_found(format!("no device {id}; register it with POST /api/devices"))
    })
}

fn page(limit: Option<u32>) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(PAGE);
    if (1..=PAGE_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::request(format!("limit: use 1 to {PAGE_MAX}")))
    }
}

/// Reads `3.250` as epoch and number.
fn position(text: &str) -> Option<(u64, u64)> {
    let (epoch, seq) = text.split_once('.')?;
    Some((epoch.parse().ok()?, seq.parse().ok()?))
}

/// A device as people see it; `up` is since when the platform can hear anyone.
pub fn view(device: Device, up: Option<Timestamp>) -> DeviceView {
    let heard = |seen: Timestamp| up.is_some_and(|up| seen >= up);
    let state = match &device.presence {
        None => Condition::Never,
        Some((presence, _)) if presence.state == PresenceState::Offline => Condition::Offline,
        Some((_, seen)) if heard(*seen) => Condition::Online,
        Some(_) => Condition::Unknown,
    };
    let (presence, seen_at) = device.presence.unzip();
    let (shown, shown_at) = device.shown.unzip();
    let (health, health_at) = device.health.unzip();
    DeviceView {
        device: device.device,
        role: device.role,
        stop: device.stop,
        state,
        seen_at,
        software: presence.map(|presence| presence.software),
        shown,
        shown_at,
        health,
        health_at,
    }
}
