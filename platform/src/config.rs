//! What the platform was told to do: raw arguments in, one checked value out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use reqwest::Url;
use sync::Tenant;

use crate::{oneshot, verify};

/// The platform of a street: supervised broker, feeds, boards, fleet and console in one process.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do; `run` when nothing is said.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Arguments of `run`.
    #[command(flatten)]
    pub run: RunArguments,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check a paper that a terminal printed: its code, or a file with it or with the content.
    Verify(verify::Args),
    /// Run the platform until it is told to stop.
    Run(Box<RunArguments>),
    /// Print the board of one stop from files, for people who debug a feed.
    Boards(oneshot::Args),
}

/// Raw arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Folder for everything the platform keeps.
    #[arg(long, default_value = "var/platform")]
    data: PathBuf,
    /// Whose street it is; part of every topic.
    #[arg(long, default_value = "gulou")]
    tenant: Tenant,
    /// Code of the district, whose alerts go to every sign.
    #[arg(long, default_value = "350102")]
    area: String,
    /// Name or address under which devices reach this machine.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Where the console and the API listen; loopback only, because reading is open.
    #[arg(long, default_value = "127.0.0.1:8081")]
    http: SocketAddr,
    /// Where devices enrol and fetch content.
    #[arg(long, default_value = "0.0.0.0:8443")]
    device_https: SocketAddr,
    /// Port of the supervised broker.
    #[arg(long, default_value_t = 8883, conflicts_with = "broker")]
    mqtt_port: u16,
    /// Use this MQTT 5 broker (`mqtts://host:port`) in place of a supervised one.
    #[arg(long, requires_all = ["broker_ca", "broker_cert", "broker_key"])]
    broker: Option<Url>,
    /// PEM file of the authority that signed the broker's certificate.
    #[arg(long, requires = "broker")]
    broker_ca: Option<PathBuf>,
    /// PEM file of the platform's own certificate for that broker.
    #[arg(long, requires = "broker")]
    broker_cert: Option<PathBuf>,
    /// PEM file of the key to that certificate.
    #[arg(long, requires = "broker")]
    broker_key: Option<PathBuf>,
    /// `sqlite:FILE` or `postgres://…`; by default `platform.db` in the data folder.
    #[arg(long)]
    database: Option<String>,
    /// GTFS static feed: a zip file or its URL.
    #[arg(long)]
    gtfs: Option<Place>,
    /// GTFS-RT `TripUpdates`: a file or its URL.
    #[arg(long)]
    trip_updates: Option<Place>,
    /// GTFS-RT `VehiclePositions`: a file or its URL.
    #[arg(long)]
    vehicle_positions: Option<Place>,
    /// GTFS-RT Alerts: a file or its URL.
    #[arg(long)]
    alerts: Option<Place>,
    /// Seconds between two looks at a real-time feed.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    poll_s: u64,
    /// Folder with services, registry and booking hours; by default `content` beside the binary, above it, or here.
    #[arg(long)]
    content: Option<PathBuf>,
    /// TOML file that names departments' own servers; the demonstration registry answers for all others.
    #[arg(long)]
    departments: Option<PathBuf>,
    /// Address under which citizens' telephones reach /pay and /verify; by default the port for devices.
    #[arg(long)]
    public: Option<Url>,
    /// Folder in which CAP 1.2 alerts are dropped as `*.xml`.
    #[arg(long)]
    cap_dir: Option<PathBuf>,
}

/// Where a feed comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file that somebody replaces.
    File(PathBuf),
    /// An address that is polled.
    Url(Url),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Place::File(text.into()));
        }
        let url: Url = text.parse().map_err(|error| format!("{error}"))?;
        match url.scheme() {
            "http" | "https" => Ok(Place::Url(url)),
            other => Err(format!("{other}:// is not polled; use a file, http:// or https://")),
        }
    }
}

/// Everything the platform needs to know to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder for everything it keeps.
    pub data: PathBuf,
    /// Whose street it is.
    pub tenant: Tenant,
    /// Code of the district.
    pub area: String,
    /// Name or address under which devices reach this machine.
    pub host: String,
    /// Where console and API listen.
    pub http: SocketAddr,
    /// Where devices enrol and fetch content.
    pub device_https: SocketAddr,
    /// Which broker carries the messages.
    pub broker: BrokerChoice,
    /// URL of the database.
    pub database: String,
    /// What is polled.
    pub feeds: Feeds,
    /// Folder with services, registry and hours.
    pub content: Option<PathBuf>,
    /// File that names departments' servers.
    pub departments: Option<PathBuf>,
    /// Address for citizens' telephones.
    pub public: Option<Url>,
}

/// Which broker carries the messages.
#[derive(Debug, Clone)]
pub enum BrokerChoice {
    /// One of our own, started and supervised here.
    Supervised {
        /// TCP port for devices.
        port: u16,
    },
    /// Somebody else's.
    Other {
        /// `mqtts://host:port`.
        url: Url,
        /// PEM file of its authority.
        ca: PathBuf,
        /// PEM file of our certificate.
        certificate: PathBuf,
        /// PEM file of our key.
        key: PathBuf,
    },
}

/// What is polled, and how often.
#[derive(Debug, Clone, Default)]
pub struct Feeds {
    /// GTFS static.
    pub gtfs: Option<Place>,
    /// GTFS-RT `TripUpdates`.
    pub trip_updates: Option<Place>,
    /// GTFS-RT `VehiclePositions`.
    pub vehicle_positions: Option<Place>,
    /// GTFS-RT Alerts.
    pub alerts: Option<Place>,
    /// Between two looks at a real-time feed.
    pub every: Duration,
    /// Folder of CAP alerts.
    pub cap_folder: Option<PathBuf>,
}

/// Why arguments were refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The console would be open to the network.
    #[error(
        "--http {0} is not a loopback address: reading is open there, so put a proxy with a login in front"
    )]
    NotLoopback(SocketAddr),
    /// The external broker's URL can't be used.
    #[error("--broker {0} is not of the form mqtts://host:port")]
    Broker(Url),
    /// The database is of a kind that nobody tested.
    #[error("--database {0:?} is neither sqlite:FILE nor postgres://…")]
    Database(String),
}

impl Config {
    /// Checks arguments and gives every one its meaning.
    pub fn check(raw: RunArguments) -> Result<Config, ConfigError> {
        if !raw.http.ip().is_loopback() {
            return Err(ConfigError::NotLoopback(raw.http));
        }
        let other = (raw.broker, raw.broker_ca, raw.broker_cert, raw.broker_key);
        let broker = match other {
            (Some(url), Some(ca), Some(certificate), Some(key)) => {
                if url.scheme() != "mqtts" || url.host_str().is_none() {
                    return Err(ConfigError::Broker(url));
                }
                BrokerChoice::Other { url, ca, certificate, key }
            }
            _ => BrokerChoice::Supervised { port: raw.mqtt_port },
        };
        let database = raw
            .database
            .unwrap_or_else(|| format!("sqlite:{}", raw.data.join("platform.db").display()));
        if !["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|kind| database.starts_with(kind))
        {
            return Err(ConfigError::Database(database));
        }
        let feeds = Feeds {
            gtfs: raw.gtfs,
            trip_updates: raw.trip_updates,
            vehicle_positions: raw.vehicle_positions,
            alerts: raw.alerts,
            every: Duration::from_secs(raw.poll_s),
            cap_folder: raw.cap_dir,
        };
        Ok(Config {
            data: raw.data,
            tenant: raw.tenant,
            area: raw.area,
            host: raw.host,
            http: raw.http,
            device_https: raw.device_https,
            broker,
            database,
            feeds,
            content: raw.content,
            departments: raw.departments,
            public: raw.public,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Config, String> {
        let words = std::iter::once("gulou-platform").chain(line.split_whitespace());
        let raw = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
        Config::check(raw.run).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_means_own_broker_and_sqlite_in_the_data_folder() {
        let config = check("--data /d").unwrap();
        assert!(matches!(config.broker, BrokerChoice::Supervised { port: 8883 }));
        assert_eq!(config.database, "sqlite:/d/platform.db");
    }

    #[test]
    fn a_feed_is_a_file_or_an_address() {
        let config = check("--gtfs city.zip --trip-updates http://127.0.0.1:1/tu.pb").unwrap();
        assert_eq!(config.feeds.gtfs, Some(Place::File("city.zip".into())));
        assert!(matches!(config.feeds.trip_updates, Some(Place::Url(_))));
        assert!(check("--gtfs ftp://city/gtfs.zip").unwrap_err().contains("ftp:// is not polled"));
    }

    #[test]
    fn an_open_console_on_the_network_is_refused() {
        assert!(
            check("--http 0.0.0.0:80").unwrap_err().contains("put a proxy with a login in front")
        );
    }

    #[test]
    fn another_broker_needs_its_certificates() {
        assert!(check("--broker mqtts://b:8883").unwrap_err().contains("--broker-ca"));
        let with = "--broker-ca a --broker-cert b --broker-key c";
        assert!(
            check(&format!("--broker tcp://b:1883 {with}"))
                .unwrap_err()
                .contains("mqtts://host:port")
        );
        assert!(check(&format!("--broker mqtts://b:8883 {with}")).is_ok());
    }
}
