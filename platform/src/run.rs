//! Puts the platform together: who talks to whom stands here and nowhere else.

mod office;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use sync::link::{Link, MqttConfig, TlsFiles};
use sync::{Clock, file};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::api::{self, Desk};
use crate::authority::{Authority, AuthorityError, Credentials, PLATFORM};
use crate::broker::{Broker, BrokerError, Life, Settings};
use crate::city::archive::Archive;
use crate::city::hall::{self, HEARD_MAX, Hall, Heard};
use crate::city::{Ask, City};
use crate::config::{BrokerChoice, Config, Place};
use crate::enrolment::{Enrolment, Places};
use crate::feeds::gtfs::ZIP_MAX;
use crate::feeds::gtfs_rt::FEED_MAX;
use crate::fleet::{self, Fleet};
use crate::intake::Intake;
use crate::library::{Library, LibraryError};
use crate::metrics::Metrics;
use crate::network::Network;
use crate::news::Press;
use crate::poll::journal::Journal;
use crate::poll::{Feed, Watcher};
use crate::publish::Outgoing;
use crate::services::department::DepartmentsError;
use crate::services::shelf::ShelfError;
use crate::store::{Store, StoreError};
use crate::wire::{INTAKE_MAX, LinkLife, OUTGOING_MAX, Wire};

use office::Office;

/// A wall clock before this is wrong: nobody could have built this software then.
const CLOCK_FLOOR: jiff::Timestamp = jiff::Timestamp::constant(1_790_000_000, 0);

/// Between two looks at the timetable at least: it changes once a day.
const GTFS_EVERY: Duration = Duration::from_secs(30);

/// Why the platform does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder of the platform.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A port of the platform.
    #[error(
        "{0} can't be listened on ({1}): stop what listens there, or choose another one with {2}"
    )]
    Port(SocketAddr, io::Error, &'static str),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// What devices shall have.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// What is offered at terminals.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// Who answers it.
    #[error(transparent)]
    Departments(#[from] DepartmentsError),
}

/// A running platform.
#[derive(Debug)]
pub struct Platform {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    store: Store,
    /// Port of console and API.
    pub http: u16,
    /// Port where devices enrol.
    pub device_https: u16,
    /// The supervised broker, where there is one.
    pub broker: Option<watch::Receiver<Life>>,
}

/// Where the city hears its feeds, and where it tells of a new timetable.
type Mouths = (mpsc::Sender<Heard>, watch::Receiver<Option<Arc<Network>>>);

/// What the parts of a platform share while it is put together.
struct Assembly {
    config: Config,
    clock: Clock,
    store: Store,
    authority: Arc<Authority>,
    metrics: Arc<Metrics>,
    journal: Arc<Journal>,
    press: Press,
    outgoing: mpsc::Sender<Outgoing>,
    /// Told when the revocation list changed.
    revoked: watch::Sender<()>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Platform {
    /// Starts everything; on return the ports are open.
    pub async fn start(config: Config) -> Result<Platform, StartError> {
        // The first provider stays; another one in this process is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = listen(config.http, "--http").await?;
        let devices = listen(config.device_https, "--device-https").await?;
        let (outgoing, to_publish) = mpsc::channel(OUTGOING_MAX);
        let mut assembly = Assembly::new(config, outgoing).await?;
        let (mqtt, broker) = assembly.broker().await?;
        let library = assembly.library()?;
        let office = assembly.office(devices.port)?;
        let enrolment = assembly.enrolment(&mqtt.url, devices.port, &library, &office);
        let (city, asked) = City::new();
        let (request, requests) = mpsc::channel(fleet::REQUESTS_MAX);
        let link = assembly.wire(mqtt, to_publish, request.clone(), &office);
        let (heard, timetable) = assembly.city(asked)?;
        assembly.fleet(Arc::clone(&enrolment), Arc::clone(&library), timetable, requests);
        assembly.feeds(heard);
        assembly.devices_server(devices.listener, Arc::clone(&enrolment), &library, &office)?;
        let desk = assembly.desk((city, enrolment, office), request, link, broker.clone())?;
        assembly.http_server(http.listener, desk);
        info!("console and API at http://{}:{}/", assembly.config.http.ip(), http.port);
        let Assembly { store, tasks, stop, .. } = assembly;
        Ok(Platform { tasks, stop, store, http: http.port, device_https: devices.port, broker })
    }

    /// Resolves when a part of the platform ended that never should.
    pub async fn ended(&mut self) {
        if let Some(Err(error)) = self.tasks.join_next().await {
            error!("a part of the platform failed: {error}");
        }
    }

    /// Ends everything: what was taken in is written, the broker leaves its files whole.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.store.close().await;
    }
}

impl Assembly {
    async fn new(config: Config, outgoing: mpsc::Sender<Outgoing>) -> Result<Self, StartError> {
        let clock = Clock::new(CLOCK_FLOOR);
        file::secret_folder(&config.data).map_err(in_file(&config.data))?;
        let store = Store::open(&config.database).await?;
        let folder = config.data.join("authority");
        let authority = Authority::open(&folder, &config.tenant, clock.now().wall)?;
        Ok(Self {
            clock,
            store,
            authority: Arc::new(authority),
            metrics: Arc::default(),
            journal: Arc::default(),
            press: Press::default(),
            outgoing,
            revoked: watch::Sender::default(),
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            config,
        })
    }

    /// Starts the broker where it is ours; tells how to reach it.
    async fn broker(&mut self) -> Result<(MqttConfig, Option<watch::Receiver<Life>>), StartError> {
        let client_id = PLATFORM.to_owned();
        let port = match &self.config.broker {
            BrokerChoice::Supervised { port } => *port,
            BrokerChoice::Other { url, ca, certificate, key } => {
                let (authority, certificate, key) = (ca.clone(), certificate.clone(), key.clone());
                let tls = Some(TlsFiles { authority, certificate, key });
                return Ok((MqttConfig { url: url.to_string(), client_id, tls }, None));
            }
        };
        let folder = std::path::absolute(self.config.data.join("broker"))
            .map_err(in_file(&self.config.data))?;
        let root = std::path::absolute(self.authority.root_path()).map_err(in_file(&folder))?;
        let revocations =
            std::path::absolute(self.authority.revocations_path()).map_err(in_file(&folder))?;
        let now = self.clock.now().wall;
        let own = Pem::write(&folder, "platform", &self.authority.issue_platform(now)?)?;
        let server =
            Pem::write(&folder, "server", &self.authority.issue_server(&self.names(), now)?)?;
        let settings = Settings {
            folder,
            tenant: self.config.tenant.clone(),
            port,
            ca: root.clone(),
            revocations,
            certificate: server.certificate,
            key: server.key,
        };
        let broker = Broker::start(settings).await?;
        let life = broker.life();
        self.tasks.spawn(broker.supervise(self.revoked.subscribe(), self.stop.clone()));
        let tls = TlsFiles { authority: root, certificate: own.certificate, key: own.key };
        let url = format!("mqtts://127.0.0.1:{port}");
        Ok((MqttConfig { url, client_id, tls: Some(tls) }, Some(life)))
    }

    fn library(&self) -> Result<Arc<Library>, StartError> {
        let data = &self.config.data;
        let (folder, signing) = (data.join("library"), data.join("signing"));
        Ok(Arc::new(Library::open(&folder, &signing, &self.config.tenant)?))
    }

    /// Names that our servers answer to.
    fn names(&self) -> Vec<&str> {
        let mut names = vec![self.config.host.as_str(), "localhost", "127.0.0.1"];
        names.dedup();
        names
    }

    fn enrolment(
        &self,
        broker: &str,
        https_port: u16,
        library: &Library,
        office: &Office,
    ) -> Arc<Enrolment> {
        let host = &self.config.host;
        let broker = match &self.config.broker {
            BrokerChoice::Supervised { port } => format!("mqtts://{host}:{port}"),
            BrokerChoice::Other { .. } => broker.to_owned(),
        };
        let places = Places { https: format!("https://{host}:{https_port}"), broker };
        let pool = self.store.pool().clone();
        let authority = Arc::clone(&self.authority);
        let enrolment = Enrolment::new(pool, authority, places, library.key().clone());
        Arc::new(enrolment.sealing_for(*office.services.vault().public()))
    }

    /// Link and intake; tells since when the link is up.
    fn wire(
        &mut self,
        mqtt: MqttConfig,
        outgoing: mpsc::Receiver<Outgoing>,
        fleet: mpsc::Sender<fleet::Request>,
        office: &Office,
    ) -> watch::Receiver<LinkLife> {
        let (arrived, packets) = mpsc::channel(INTAKE_MAX);
        let (life, link_life) = watch::channel(None);
        let wire = Wire {
            link: Link::mqtt(mqtt),
            tenant: self.config.tenant.clone(),
            intake: arrived,
            outgoing,
            life,
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.clone(),
        };
        self.tasks.spawn(wire.run(self.stop.clone()));
        let intake = Intake {
            store: self.store.clone(),
            tenant: self.config.tenant.clone(),
            packets,
            outgoing: self.outgoing.clone(),
            fleet,
            press: self.press.clone(),
            owed: Arc::clone(&office.services.owed),
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.clone(),
        };
        self.tasks.spawn(intake.run(self.stop.clone()));
        link_life
    }

    fn fleet(
        &mut self,
        enrolment: Arc<Enrolment>,
        library: Arc<Library>,
        network: watch::Receiver<Option<Arc<Network>>>,
        requests: mpsc::Receiver<fleet::Request>,
    ) {
        let fleet = Fleet {
            store: self.store.clone(),
            enrolment,
            library,
            network,
            tenant: self.config.tenant.clone(),
            requests,
            outgoing: self.outgoing.clone(),
            clock: self.clock.clone(),
        };
        self.tasks.spawn(fleet.run(self.stop.clone()));
    }

    /// The cores of the city; tells where its feeds are heard, and of every new timetable.
    fn city(&mut self, asked: mpsc::Receiver<Ask>) -> Result<Mouths, StartError> {
        let folder = self.config.data.join("alerts");
        let (heard, to_hall) = mpsc::channel(HEARD_MAX);
        let (network, timetable) = watch::channel(None);
        let hall = Hall {
            tenant: self.config.tenant.clone(),
            area: self.config.area.clone(),
            archive: Archive::open(&folder).map_err(in_file(&folder))?,
            asked,
            heard: to_hall,
            network,
            outgoing: self.outgoing.clone(),
            press: self.press.clone(),
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.clone(),
        };
        self.tasks.spawn(hall.run(self.stop.clone()));
        Ok((heard, timetable))
    }

    /// Whoever looks at feeds.
    fn feeds(&mut self, heard: mpsc::Sender<Heard>) {
        let watcher = Arc::new(Watcher {
            heard,
            journal: Arc::clone(&self.journal),
            press: self.press.clone(),
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.clone(),
        });
        let feeds = self.config.feeds.clone();
        let realtime = FEED_MAX as u64;
        let mut watch =
            |name, place, every, bytes_max, read: fn(&[u8]) -> Result<Heard, String>| {
                let Some(place) = place else { return };
                self.journal.open(name, &place);
                let feed = Feed { name, place, every, bytes_max };
                let read = move |bytes: Bytes| read(&bytes);
                self.tasks.spawn(Arc::clone(&watcher).feed(feed, read, self.stop.clone()));
            };
        watch("gtfs", feeds.gtfs, feeds.every.max(GTFS_EVERY), ZIP_MAX, hall::network);
        watch("trip_updates", feeds.trip_updates, feeds.every, realtime, hall::trips);
        watch("vehicle_positions", feeds.vehicle_positions, feeds.every, realtime, hall::vehicles);
        watch("alerts", feeds.alerts, feeds.every, realtime, hall::alerts);
        if let Some(folder) = feeds.cap_folder {
            self.journal.open("cap", &Place::File(folder.clone()));
            let read = |bytes: Bytes| hall::cap(&bytes);
            let looking = watcher.folder("cap", folder, feeds.every, read, self.stop.clone());
            self.tasks.spawn(looking);
        }
    }

    fn desk(
        &self,
        (city, enrolment, office): (City, Arc<Enrolment>, Office),
        fleet: mpsc::Sender<fleet::Request>,
        link: watch::Receiver<LinkLife>,
        broker: Option<watch::Receiver<Life>>,
    ) -> Result<Desk, StartError> {
        let token = operator_token(&self.config.data.join("operator.token"))?;
        Ok(Desk {
            tenant: self.config.tenant.clone(),
            store: self.store.clone(),
            city,
            enrolment,
            fleet,
            outgoing: self.outgoing.clone(),
            revoked: self.revoked.clone(),
            press: self.press.clone(),
            metrics: Arc::clone(&self.metrics),
            journal: Arc::clone(&self.journal),
            link,
            broker,
            services: office.services,
            notary: office.notary,
            pages: office.pages,
            token_sha256: Sha256::digest(token.as_bytes()).into(),
            clock: self.clock.clone(),
        })
    }

    fn http_server(&mut self, listener: TcpListener, desk: Desk) {
        let router = api::router(&Arc::new(desk));
        let stop = self.stop.clone();
        // Readers of events never leave by themselves, so nobody waits for them.
        self.tasks.spawn(async move {
            tokio::select! {
                ended = axum::serve(listener, router) => error!("the console's port is lost: {ended:?}"),
                () = stop.cancelled() => {}
            }
        });
    }
}

/// A certificate and its key as files.
struct Pem {
    certificate: PathBuf,
    key: PathBuf,
}

impl Pem {
    fn write(folder: &Path, name: &str, credentials: &Credentials) -> Result<Pem, StartError> {
        file::secret_folder(folder).map_err(in_file(folder))?;
        let (certificate, key) =
            (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        file::replace(&certificate, credentials.certificate.as_bytes(), 0o600)
            .map_err(in_file(&certificate))?;
        file::replace(&key, credentials.key.as_bytes(), 0o600).map_err(in_file(&key))?;
        Ok(Pem { certificate, key })
    }
}

/// The operator's token; made at the first start.
fn operator_token(path: &Path) -> Result<String, StartError> {
    if let Some(bytes) = file::read_if_there(path).map_err(in_file(path))? {
        return Ok(String::from_utf8_lossy(&bytes).trim().to_owned());
    }
    let token = hex::encode(rand::random::<[u8; 32]>());
    file::replace(path, format!("{token}\n").as_bytes(), 0o600).map_err(in_file(path))?;
    Ok(token)
}

/// An open port.
struct Port {
    listener: TcpListener,
    port: u16,
}

async fn listen(address: SocketAddr, option: &'static str) -> Result<Port, StartError> {
    let taken = |error| StartError::Port(address, error, option);
    let listener = TcpListener::bind(address).await.map_err(taken)?;
    let port =
        listener.local_addr().map_err(|error| StartError::Port(address, error, option))?.port();
    Ok(Port { listener, port })
}

fn in_file(path: &Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_owned();
    move |error| StartError::File(path, error)
}
