//! A district full of signs on the default broker: what one costs, and how long until all are right
//! after the broker was killed and has lost everything that it had not written yet.
//!
//! `cargo bench -p tests --bench fleet -- 2000` takes another number of signs than 10,000.
//! Signs and broker share the machine, so half of the time goes into the signs' side of the handshakes.

#[path = "fleet/center.rs"]
mod center;
#[path = "fleet/sign.rs"]
mod sign;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use platform::authority::Authority;
use platform::broker::{Broker, Settings};
use sync::Tenant;
use sync::link::TlsFiles;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const SIGNS: usize = 10_000;
const RIGHT_GOAL_S: u64 = 60;
/// Signs switch on within this time: a street comes back feeder by feeder.
const START_WITHIN: Duration = Duration::from_secs(40);
/// A run that takes longer has failed.
const PATIENCE: Duration = Duration::from_mins(5);
/// Signs that have become right and were not counted yet.
const UNCOUNTED_MAX: usize = 1024;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let count =
        std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(SIGNS);
    let (_, files_max) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, files_max, files_max)?;

    let folder = tempfile::tempdir()?;
    let tenant: Tenant = "gulou".parse()?;
    let authority = Authority::open(&folder.path().join("ca"), &tenant, wall())?;
    let (url, broker) = start_broker(folder.path(), &authority).await?;
    let (life, stop) = (broker.life(), CancellationToken::new());
    let supervisor = tokio::spawn(broker.supervise(watch::channel(()).1, stop.clone()));
    let bare_kib = resident_kib(life.borrow().pid)?;

    let started = now();
    let signs = sign::make(count, folder.path(), &authority, &url)?;
    println!("fleet: {count} certificates issued in {:.1} s", started.elapsed().as_secs_f64());

    let (made_at, made_at_of_center) = watch::channel(wall());
    let files = platform_files(folder.path(), &authority)?;
    tokio::spawn(center::serve(url, files, count, made_at_of_center));
    let (tell, mut right) = mpsc::channel(UNCOUNTED_MAX);
    let started = now();
    for sign in signs {
        tokio::spawn(sign.run(START_WITHIN, tell.clone()));
    }
    let first = *made_at.borrow();
    let times = all_right(&mut right, count, first, started).await?;
    let full_kib = resident_kib(life.borrow().pid)?;
    let per_sign_kib = (full_kib - bare_kib) / u64::try_from(count)?;
    println!(
        "fleet: switched on within {} s, all right after {}",
        START_WITHIN.as_secs(),
        spread(&times)
    );
    println!(
        "fleet: broker holds {} MiB, {per_sign_kib} KiB per sign with its board",
        full_kib / 1024
    );

    let pid = life.borrow().pid.context("the broker runs")?;
    let started = now();
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?;
    made_at.send_replace(wall());
    let second = *made_at.borrow();
    let times = all_right(&mut right, count, second, started).await?;
    println!(
        "fleet: broker killed, all {count} right again after {}; goal {RIGHT_GOAL_S} s",
        spread(&times)
    );
    stop.cancel();
    supervisor.await?;
    Ok(())
}

/// The broker as the platform starts it by default.
async fn start_broker(folder: &Path, authority: &Authority) -> anyhow::Result<(String, Broker)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let server = authority.issue_server(&["127.0.0.1"], wall())?;
    let (certificate, key) = (folder.join("broker.pem"), folder.join("broker.key"));
    std::fs::write(&certificate, server.certificate)?;
    std::fs::write(&key, server.key)?;
    let settings = Settings {
        folder: folder.join("broker"),
        tenant: authority.tenant().clone(),
        port,
        ca: authority.root_path(),
        revocations: authority.revocations_path(),
        certificate,
        key,
    };
    Ok((format!("mqtts://127.0.0.1:{port}"), Broker::start(settings).await?))
}

fn platform_files(folder: &Path, authority: &Authority) -> anyhow::Result<TlsFiles> {
    let itself = authority.issue_platform(wall())?;
    let files = TlsFiles {
        authority: authority.root_path(),
        certificate: folder.join("platform.pem"),
        key: folder.join("platform.key"),
    };
    std::fs::write(&files.certificate, itself.certificate)?;
    std::fs::write(&files.key, itself.key)?;
    Ok(files)
}

/// Waits until every sign holds a board made at `made_at` or later; how long each took, ascending.
async fn all_right(
    right: &mut mpsc::Receiver<sign::Right>,
    count: usize,
    made_at: Timestamp,
    started: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut is_right = vec![false; count];
    let mut times = Vec::with_capacity(count);
    while times.len() < count {
        let waited = timeout(PATIENCE, right.recv()).await;
        let told = waited.with_context(|| format!("only {} of {count} are right", times.len()))?;
        let told = told.context("signs run until the end")?;
        if told.made_at >= made_at && !std::mem::replace(&mut is_right[told.sign], true) {
            times.push(started.elapsed());
        }
    }
    Ok(times)
}

fn spread(ascending: &[Duration]) -> String {
    let at = |percent: usize| ascending[(ascending.len() - 1) * percent / 100].as_secs_f64();
    format!("{:.1} s (median {:.1} s, p95 {:.1} s)", at(100), at(50), at(95))
}

/// Memory of a process that is really in use, from `/proc`.
fn resident_kib(pid: Option<u32>) -> anyhow::Result<u64> {
    let path = format!("/proc/{}/status", pid.context("the broker runs")?);
    let status = std::fs::read_to_string(&path)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    line.trim().trim_end_matches(" kB").parse().with_context(|| path)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a bench is a shell")]
fn wall() -> Timestamp {
    Timestamp::now()
}
