//! A device that only counts: it posts the numbers 1 to `--events` and ends when the platform has them all.
//!
//! The storm in `tests/city` kills it at any moment and starts it again; its outbox alone tells it where it was.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use jiff::Timestamp;
use sync::courier::{self, Courier};
use sync::identity::{self, Identity, Provision};
use sync::link::{Link, MqttConfig, TlsFiles};
use sync::outbox::{Draft, EVENTS, Limits};
use sync::{Class, Clock, DeviceId, Event, Health, Unknown};
use tokio::time::{Instant, sleep_until};

/// Between two attempts to enrol while the platform is down.
const ENROL_EVERY: Duration = Duration::from_millis(300);
/// Longest sleep, whatever the courier's deadline.
const LOOK_EVERY: Duration = Duration::from_mins(1);

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    device: DeviceId,
    #[arg(long)]
    state: PathBuf,
    #[arg(long)]
    provision: Provision,
    #[arg(long)]
    events: u64,
    /// Between two events.
    #[arg(long)]
    pace_ms: u64,
    /// An outbox so small that it has to drop events, which are not critical then.
    #[arg(long)]
    outbox_bytes: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let arguments = Arguments::parse();
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let identity = enrolled(&arguments, &clock).await?;
    let mut courier = open(&arguments, &identity, &clock).await?;
    let class = if arguments.outbox_bytes.is_some() { Class::Normal } else { Class::Critical };
    let mut next_post = now();
    loop {
        let (last, acked) =
            courier.streams().get(EVENTS).map_or((0, 0), |stream| (stream.last, stream.acked));
        if acked >= arguments.events {
            return Ok(());
        }
        let wait = courier.next_deadline().since(clock.now().mono).min(LOOK_EVERY);
        tokio::select! {
            event = courier.next() => drop(courier.handle(clock.now(), event).await?),
            () = sleep_until(now() + wait) => drop(courier.tick(clock.now()).await?),
            () = sleep_until(next_post), if last < arguments.events => {
                courier.post(clock.now(), vec![draft(last + 1, class)]).await?;
                next_post += Duration::from_millis(arguments.pace_ms);
            }
        }
    }
}

/// The identity on disk, or a new one as soon as the platform answers.
async fn enrolled(arguments: &Arguments, clock: &Clock) -> anyhow::Result<Identity> {
    loop {
        if let Some(identity) = Identity::load(&arguments.state, &arguments.device)? {
            return Ok(identity);
        }
        match identity::enrol(
            &arguments.state,
            &arguments.device,
            &arguments.provision,
            clock.now(),
        )
        .await
        {
            Err(error) if error.is_passing() => pause().await,
            outcome => return outcome.context("enrolment"),
        }
    }
}

async fn open(
    arguments: &Arguments,
    identity: &Identity,
    clock: &Clock,
) -> anyhow::Result<Courier> {
    let files = TlsFiles {
        authority: identity.authority_path(),
        certificate: identity.certificate_path(),
        key: identity.key_path(),
    };
    let broker = identity.broker.clone();
    let link = Link::mqtt(MqttConfig {
        url: broker,
        client_id: arguments.device.to_string(),
        tls: Some(files),
    });
    let config = courier::Config {
        tenant: identity.tenant.clone(),
        device: arguments.device.clone(),
        role: "pole".into(),
        software: env!("CARGO_PKG_VERSION").into(),
        stop: None,
        capabilities: Vec::new(),
        areas: Vec::new(),
        boards: Vec::new(),
        folder: arguments.state.clone(),
        limits: arguments.outbox_bytes.map_or_else(Limits::default, |soft_bytes| Limits {
            soft_bytes,
            hard_bytes: 2 * soft_bytes,
        }),
        seed: fastrand::u64(..),
    };
    Ok(Courier::open(config, link, clock.now()).await?)
}

fn draft(number: u64, class: Class) -> Draft {
    let health = Health {
        uptime_s: number,
        light_lux: None,
        brightness_percent: None,
        outbox_rows: 0,
        faults: Vec::new(),
        unknown: Unknown::new(),
    };
    Draft::event(class, &Event::Health(health))
}

#[expect(clippy::disallowed_methods, reason = "this is a shell")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this is a shell")]
async fn pause() {
    tokio::time::sleep(ENROL_EVERY).await;
}
