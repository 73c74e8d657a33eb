//! A city of one stop and one bus, whose prediction changes on demand.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use platform::feeds::gtfs_rt::wire::{
    FeedEntity, FeedHeader, FeedMessage, StopTimeEvent, StopTimeUpdate, TripDescriptor, TripUpdate,
};
use prost::Message as _;
use tempfile::TempDir;
use tests::stage::{self, Platform};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const ZONE: &str = "Asia/Shanghai";
/// Changes that were handed out and not measured yet.
const SERVED_MAX: usize = 16;

pub(super) struct City {
    pub(super) panel: PathBuf,
    /// When the platform was handed each changed feed.
    pub(super) served: mpsc::Receiver<Instant>,
    feed: Arc<Mutex<Feed>>,
    scheduled: DateTime,
    // Dropped in this order: the sign, its platform, their files.
    _sign: Child,
    _platform: Platform,
    _folder: TempDir,
}

/// What the operator's server answers.
#[derive(Default)]
struct Feed {
    bytes: Vec<u8>,
    is_new: bool,
}

type Shelf = (Arc<Mutex<Feed>>, mpsc::Sender<Instant>);

impl City {
    pub(super) async fn start() -> anyhow::Result<City> {
        let folder = tempfile::tempdir()?;
        let zone = TimeZone::get(ZONE)?;
        let scheduled = zone.to_datetime(wall() + SignedDuration::from_mins(5));
        write_gtfs(&folder.path().join("city.zip"), scheduled)?;
        let feed = Arc::new(Mutex::new(Feed::default()));
        let (tell, served) = mpsc::channel(SERVED_MAX);
        let address = serve_feed((feed.clone(), tell)).await?;
        let gtfs = folder.path().join("city.zip").display().to_string();
        let updates = format!("http://{address}/trip-updates.pb");
        let more = ["--gtfs", &gtfs, "--trip-updates", &updates, "--poll-s", "1"];
        let platform = Platform::start(folder.path(), more.map(str::to_owned).to_vec()).await?;
        let provision = platform.register("sign-1", "sign", Some("S1")).await?;
        let panel = folder.path().join("panel");
        let sign = start_sign(folder.path(), &panel, &provision)?;
        Ok(City {
            panel,
            served,
            feed,
            scheduled,
            _sign: sign,
            _platform: platform,
            _folder: folder,
        })
    }

    /// From now on the feed says that the bus is so far away.
    pub(super) fn serve(&self, away_s: i64) {
        let now = wall().as_second();
        let event = StopTimeEvent { delay: None, time: Some(now + away_s) };
        let call = StopTimeUpdate {
            stop_sequence: Some(2),
            arrival: Some(event),
            departure: Some(event),
            stop_id: "S1".into(),
            schedule_relationship: 0,
            stop_time_properties: None,
        };
        let trip = TripDescriptor {
            trip_id: "T1".into(),
            start_date: self.scheduled.strftime("%Y%m%d").to_string(),
            route_id: "R1".into(),
            ..TripDescriptor::default()
        };
        let timestamp = u64::try_from(now).unwrap_or(0);
        let update = TripUpdate {
            trip: Some(trip),
            stop_time_update: vec![call],
            timestamp,
            ..TripUpdate::default()
        };
        let entity =
            FeedEntity { id: "1".into(), trip_update: Some(update), ..FeedEntity::default() };
        let header =
            FeedHeader { gtfs_realtime_version: "2.0".into(), incrementality: 0, timestamp };
        let bytes = FeedMessage { header: Some(header), entity: vec![entity] }.encode_to_vec();
        *self.feed.lock().unwrap_or_else(PoisonError::into_inner) = Feed { bytes, is_new: true };
    }
}

async fn serve_feed(shelf: Shelf) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/trip-updates.pb", get(answer)).with_state(shelf);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

async fn answer(State((feed, tell)): State<Shelf>) -> Vec<u8> {
    let mut feed = feed.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::take(&mut feed.is_new) {
        // Full only while nobody measures.
        tell.try_send(super::now()).ok();
    }
    feed.bytes.clone()
}

fn start_sign(folder: &Path, panel: &Path, provision: &str) -> anyhow::Result<Child> {
    let config = folder.join("sign.toml");
    let (state, panel) = (folder.join("sign-1"), panel.display());
    let text = format!(
        "device = 'sign-1'\nstate = '{}'\nprovision = '{provision}'\n\
         [sign]\nstop = 'S1'\narea = '350102'\nlanguages = ['zh']\npanel = 'led-128x32'\n\
         [surface]\nmemory = '{panel}'\n",
        state.display()
    );
    std::fs::write(&config, text)?;
    let mut command = Command::new(stage::binary("gulou-sign")?);
    command.arg("--config").arg(config);
    stage::spawn(command, &folder.join("sign.log"))
}

/// One line with one trip, which calls at `S1` at `scheduled`.
fn write_gtfs(path: &Path, scheduled: DateTime) -> anyhow::Result<()> {
    let day = scheduled.strftime("%Y%m%d");
    let at = scheduled.strftime("%H:%M:%S");
    let files = [
        ("agency.txt", format!("agency_id,agency_name,agency_url,agency_timezone\nA,Bench,https://example.org,{ZONE}\n")),
        ("routes.txt", "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,K1,Bench,3\n".into()),
        ("calendar_dates.txt", format!("service_id,date,exception_type\nD,{day},1\n")),
        ("trips.txt", "route_id,service_id,trip_id,trip_headsign\nR1,D,T1,火车站\n".into()),
        (
            "stops.txt",
            "stop_id,stop_name,stop_lat,stop_lon\nS0,东街口,26.08,119.29\nS1,鼓楼,26.09,119.30\nS2,火车站,26.11,119.32\n".into(),
        ),
        (
            "stop_times.txt",
            format!(
                "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
                 T1,{at},{at},S0,1\nT1,{at},{at},S1,2\nT1,{at},{at},S2,3\n"
            ),
        ),
    ];
    let mut zip = ZipWriter::new(std::fs::File::create(path)?);
    for (name, text) in files {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    zip.finish()?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench is a shell")]
fn wall() -> Timestamp {
    Timestamp::now()
}
