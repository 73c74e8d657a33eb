//! `gulou-street`: the whole street on one machine, at <http://127.0.0.1:8080>.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use street::appliance::{Appliance, Hall, POSTS, PlatformPorts, TERMINAL};
use street::bench::Bench;
use street::city::City;
use street::config::{self, Arguments, Binaries, Run, Verb};
use street::fingers::Fingers;
use street::platform::Platform;
use street::street::{Places, Street};
use street::web::{self, Web};
use street::{citizens, disk, pictures, process};
use sync::moment::Clock;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the platform is asked for its view of the fleet.
const FLEET_EVERY: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.verb {
        Some(Verb::Hold { arguments }) => process::hold(&arguments).map(drop),
        None => start(arguments.run),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gulou-street: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Run) -> anyhow::Result<()> {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_target(false).init();
    // Both need the process to have one thread: the view of mounts, and the parent that children are tied to.
    let can_mount = disk::seclude();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(arguments, can_mount))
}

async fn run(run: Run, can_mount: bool) -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let binaries = Binaries::find()?;
    let port = if run.screenshots.is_some() { 0 } else { run.port };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.with_context(|| {
        format!("port {port} on 127.0.0.1 is in use: stop what listens there, or choose another one with --port")
    })?;
    let page = format!("http://{}", listener.local_addr()?);
    let temporary = match &run.folder {
        None => Some(tempfile::Builder::new().prefix("gulou-street-").tempdir()?),
        Some(_) => None,
    };
    let folder = run.folder.as_deref().or(temporary.as_ref().map(tempfile::TempDir::path));
    let folder = folder.expect("a folder is given or made");
    let city = Arc::new(City::found(run.seed)?);

    let (ports, printer_port) = free_ports()?;
    let platform = Platform::new(
        reqwest::Client::builder().no_proxy().build()?,
        ports,
        folder.join("platform"),
    );
    let hall = furnish(&folder.join("devices").join(TERMINAL.id), printer_port)?;
    let citizens = Arc::new(citizens::read(&config::content())?);
    let appliances = put_up(folder, ports, can_mount, &hall).await?;
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs)?;
    let feeds = format!("{page}/feeds");
    let Binaries { platform: centre, sign, terminal, peer } = binaries;
    let places = Places { platform: centre, sign, terminal, peer, logs, feeds };
    let clock = Clock::new(jiff::Timestamp::UNIX_EPOCH);
    let street = Street::new(places, clock, platform.clone(), appliances, hall.bench.clone());

    let fleet = watch_fleet(platform.clone());
    let looking = tokio::spawn(hall.bench.clone().watch());
    let (view, requests) = (street.view(), street.requests());
    let web = Web { city, view, fleet, street: requests, platform, hall, citizens };
    let serving = tokio::spawn(axum::serve(listener, web::router(web)).into_future());
    println!("\n  鼓楼 · Gulou street   {page}\n  Ctrl-C ends it and everything it started.\n");
    let stop = CancellationToken::new();
    let ending = tokio::spawn(stop_on_signal(stop.clone()));
    let pictures = run.screenshots.map(|folder| {
        let (page, stop) = (page.clone(), stop.clone());
        tokio::spawn(async move {
            let taken = pictures::take(&page, &folder).await;
            stop.cancel();
            taken
        })
    });
    street.run(stop).await;
    serving.abort();
    looking.abort();
    ending.abort();
    match pictures {
        Some(pictures) => pictures.await?,
        None => Ok(()),
    }
}

async fn put_up(
    folder: &Path,
    ports: PlatformPorts,
    can_mount: bool,
    hall: &Hall,
) -> anyhow::Result<Vec<Appliance>> {
    let mut appliances = Vec::new();
    for post in POSTS {
        let own = folder.join("devices").join(post.id);
        let hall = (post == TERMINAL).then(|| hall.clone());
        appliances.push(Appliance::put_up(post, own, ports, can_mount, hall).await?);
    }
    Ok(appliances)
}

/// Puts the bench into the folder of the terminal, and lays the pipes for its fingers.
fn furnish(folder: &Path, printer_port: u16) -> anyhow::Result<Hall> {
    let bench = Bench::set_up(folder.to_owned(), printer_port)?;
    Ok(Hall { fingers: Fingers::lay(folder)?, bench })
}

/// Asks the platform now and then what it knows of its devices; `null` while it does not answer.
fn watch_fleet(platform: Platform) -> watch::Receiver<serde_json::Value> {
    let (fleet, watched) = watch::channel(serde_json::Value::Null);
    tokio::spawn(async move {
        let mut round = tokio::time::interval(FLEET_EVERY);
        while !fleet.is_closed() {
            round.tick().await;
            let known = platform.get("api/devices").await.unwrap_or_default();
            fleet.send_if_modified(|last| {
                let changed = *last != known;
                *last = known;
                changed
            });
        }
    });
    watched
}

/// Ports nobody listens on, for the platform and for the page printer. All are held at once, so that
/// they differ.
fn free_ports() -> std::io::Result<(PlatformPorts, u16)> {
    let hold = || std::net::TcpListener::bind(("127.0.0.1", 0));
    let (http, https, mqtt, printer) = (hold()?, hold()?, hold()?, hold()?);
    let address =
        |held: &std::net::TcpListener| -> std::io::Result<SocketAddr> { held.local_addr() };
    let ports =
        PlatformPorts { http: address(&http)?, https: address(&https)?, mqtt: address(&mqtt)? };
    Ok((ports, address(&printer)?.port()))
}

async fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    stop.cancel();
    Ok(())
}
